// Fuzzes what `scout transcribe --resume` reads back: the input is the journal that an earlier run,
// killed at any point of it, has left. What it takes of it can be written again, and is the same
// when read once more.
#include "checkpoint.h"
#include "json_view.h"

#include "base/file.h"
#include "base/memory.h"

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[] = "/dev/shm/scout-fuzz-XXXXXX";
static char *recording;
static char *journal;
static json_t *options;

static void require(bool truth)
{
    if (!truth)
        abort();
}

static void clean_up(void)
{
    (void)file_remove_tree(folder, NULL);
    mem_free(recording);
    mem_free(journal);
    json_decref(options);
}

static void open_journal(Checkpoint *checkpoint, Document *document)
{
    document_init(document);
    require(checkpoint_open(checkpoint, recording, NULL, options, document, NULL) == SCOUT_OK);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    require(mkdtemp(folder) != NULL && atexit(clean_up) == 0);
    require(setenv("XDG_STATE_HOME", folder, 1) == 0);
    recording = path_join(folder, "recording");
    options = json_object();
    require(recording && options && file_write(recording, "x", 1, true, NULL) == SCOUT_OK);
    Checkpoint checkpoint;
    Document document;
    open_journal(&checkpoint, &document);
    journal = mem_copy_text(checkpoint.path, strlen(checkpoint.path));
    require(journal != NULL);
    checkpoint_close(&checkpoint, true);
    document_done(&document);
    return 0;
}

static void write_journal(const uint8_t *data, size_t size)
{
    FILE *file = fopen(journal, "wb");
    require(file && fwrite(data, 1, size, file) == size && fclose(file) == 0);
}

static void check_segment(const ScoutSegment *segment, Arena *arena)
{
    ScoutSegment again;
    json_t *json = json_of_segment(segment);
    require(json && json_to_segment(json, arena, &again));
    again.id = segment->id;
    json_t *json_again = json_of_segment(&again);
    require(json_again && json_equal(json, json_again));
    json_decref(json);
    json_decref(json_again);
}

static void check_skipped(const ScoutSkipped *skipped, Arena *arena)
{
    ScoutSkipped again;
    json_t *json = json_of_skipped(skipped);
    require(json && json_to_skipped(json, arena, &again));
    json_t *json_again = json_of_skipped(&again);
    require(json_again && json_equal(json, json_again));
    json_decref(json);
    json_decref(json_again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    write_journal(data, size);
    Checkpoint checkpoint, checkpoint_again;
    Document document, again;
    open_journal(&checkpoint, &document);
    const double settled_s = checkpoint.settled_s;
    require(settled_s >= 0 && settled_s < 1e9);
    checkpoint_close(&checkpoint, false);
    for (size_t i = 0; i < document.view.segment_count; i++)
        check_segment(&document.view.segments[i], &document.arena);
    for (size_t i = 0; i < document.view.skipped_count; i++)
        check_skipped(&document.view.skipped[i], &document.arena);

    open_journal(&checkpoint_again, &again);
    require(checkpoint_again.settled_s == settled_s);
    require(again.view.segment_count == document.view.segment_count);
    require(again.view.skipped_count == document.view.skipped_count);
    checkpoint_close(&checkpoint_again, true);
    document_done(&document);
    document_done(&again);
    return 0;
}
