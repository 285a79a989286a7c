// Fuzzes the readers of vocabularies. The first byte chooses the file that the rest becomes.
#include "vocabulary.h"

#include "base/attributes.h"
#include "base/file.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const names[] = {"vocabulary.json", "vocabulary.txt", "vocab.json",
                                    "tokenizer.json", "vocab.txt"};

static char folder[] = "/dev/shm/scout-fuzz-XXXXXX";

static void require(bool truth)
{
    if (!truth)
        abort();
}

static void remove_folder(void)
{
    (void)file_remove_tree(folder, NULL);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    require(mkdtemp(folder) != NULL && atexit(remove_folder) == 0);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const char *name = names[data[0] % BASE_COUNT(names)];
    char *path = path_join(folder, name);
    require(path);
    FILE *out = fopen(path, "wb");
    require(out && fwrite(data + 1, 1, size - 1, out) == size - 1 && fclose(out) == 0);

    const Source source = {.format = SOURCE_CT2, .folder = folder, .path = "model.bin"};
    PackedWriter *writer;
    ScoutError error = {.message = ""};
    require(packed_writer_new("unused", PACKED_WHISPER, &writer, NULL) == SCOUT_OK);
    ScoutStatus status = data[0] & 0x80 ? vocabulary_write_wordpiece(&source, writer, 4, &error)
                                        : vocabulary_write_whisper(&source, writer, 8, 4, &error);
    require(status == SCOUT_OK || error.message[0] != '\0');
    packed_writer_free(writer);
    require(unlink(path) == 0);
    mem_free(path);
    return 0;
}
