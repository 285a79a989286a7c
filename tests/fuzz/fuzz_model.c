// Fuzzes what loads a model from a packed file: the file itself is well-formed, but what its
// metadata, its vocabulary and its directory say is not what the model expects. A model that still
// loads must run. The input's first byte chooses a made-up model; then it is changed by patches:
// where (a byte: a section), at what (two bytes), how many bytes follow (one), and these. In the
// directory a patch gives the tensor another encoding and other dimensions, or swaps two names.
//
// Every tensor ends where a page begins that cannot be read, so that one that is smaller than the
// model believes is noticed.
#include "packed_layout.h"

#include "base/attributes.h"
#include "base/file.h"
#include "models/silero.h"
#include "models/whisper.h"
#include "support/tiny_silero.h"
#include "support/tiny_whisper.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    TENSORS_MAX = 128,
    PATCH_HEAD = 4,
    FRAMES = 6,
    MELS_MAX = 256,
    VOCAB_MAX = 4096,
    WEIGHTS_MAX = 1 << 16
};

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct Model {
    char path[64]; // of a file in memory, whose front is written anew for every input
    int fd;
    LayoutHeader header;
    LayoutFront front;
    uint8_t *bytes; // the header and the front, as they should be
    LayoutEntry entries[TENSORS_MAX];
    size_t rooms[TENSORS_MAX]; // bytes a tensor may take
    size_t ends[TENSORS_MAX];  // of its room
} Model;

static Model models[3];
static Kernels kernels;

static void require(bool truth)
{
    if (!truth)
        abort();
}

// Moves the tensors apart.
static void lay_out(Model *model, const FileMap *map)
{
    size_t end = model->front.data;
    for (size_t i = 0; i < model->header.tensor_count; i++) {
        LayoutEntry *entry = &model->entries[i];
        layout_entry_decode(map->data + model->front.directory + i * LAYOUT_ENTRY_BYTES, entry);
        const uint8_t *data = map->data + entry->offset;
        model->rooms[i] = BASE_ROUND_UP(entry->bytes, (size_t)LAYOUT_PAGE) + LAYOUT_PAGE;
        end += LAYOUT_PAGE + model->rooms[i];
        model->ends[i] = end;
        entry->offset = end - BASE_ROUND_UP(entry->bytes, (size_t)LAYOUT_ALIGNMENT);
        require(pwrite(model->fd, data, entry->bytes, (off_t)entry->offset) ==
                (ssize_t)entry->bytes);
    }
    model->header.file_bytes = end + LAYOUT_PAGE;
    require(ftruncate(model->fd, (off_t)model->header.file_bytes) == 0);
}

static void read_model(const char *path, Model *model)
{
    FileMap map;
    bool is_packed;
    require(file_map(path, &map, NULL) == SCOUT_OK && unlink(path) == 0);
    require(layout_header_decode(map.data, &model->header, &is_packed) &&
            model->header.tensor_count <= TENSORS_MAX);
    layout_front(&model->header, &model->front);
    model->bytes = malloc(model->front.end);
    require(model->bytes != NULL);
    memcpy(model->bytes, map.data, model->front.end);
    model->fd = memfd_create("model", MFD_CLOEXEC);
    require(model->fd >= 0);
    (void)snprintf(model->path, sizeof model->path, "/proc/self/fd/%d", model->fd);
    lay_out(model, &map);
    file_unmap(&map);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static const TinyWhisper shape = {
        .n_vocab = TINY_VOCAB,
        .n_mels = 80,
        .n_state = 32,
        .n_heads = 2,
        .n_encoder_layers = 1,
        .n_decoder_layers = 2,
        .n_audio_ctx = 8,
        .n_text_ctx = 8,
        .alignment = {1, 0, 1, 1},
        .alignment_count = 2,
    };
    (void)argc;
    (void)argv;
    char path[] = "/tmp/scout-fuzz-XXXXXX";
    int fd = mkstemp(path);
    require(fd >= 0 && close(fd) == 0);
    tiny_whisper_write(&shape, PACKED_PANEL_S8, path);
    read_model(path, &models[0]);
    tiny_whisper_write(&shape, PACKED_PANEL_F16, path);
    read_model(path, &models[1]);
    tiny_silero_write(path, NULL);
    read_model(path, &models[2]);
    kernels_init(&kernels, 0);
    return 0;
}

// The patch of a directory's entry: encoding, rank, dimensions, one byte each; or the number of the
// tensor that it swaps names with. What has no room is left as it was.
static void patch_entry(const Model *model, LayoutEntry *entries, size_t index, const uint8_t *data,
                        size_t size)
{
    if (size == 1) {
        LayoutEntry *other = &entries[data[0] % model->header.tensor_count];
        char name[PACKED_NAME_MAX];
        memcpy(name, other->name, sizeof name);
        memcpy(other->name, entries[index].name, sizeof name);
        memcpy(entries[index].name, name, sizeof name);
        return;
    }
    LayoutEntry made = entries[index];
    size_t dims[PACKED_RANK_MAX] = {0};
    made.encoding = data[0];
    made.rank = data[1];
    for (size_t i = 0; i < PACKED_RANK_MAX; i++) {
        dims[i] = i + 2 < size && i < made.rank ? data[i + 2] : 0;
        made.dims[i] = (uint32_t)dims[i];
    }
    LayoutParts parts;
    if (layout_parts((PackedEncoding)made.encoding, made.rank, dims, &parts) &&
        parts.bytes <= model->rooms[index]) {
        made.bytes = parts.bytes;
        made.offset = model->ends[index] - BASE_ROUND_UP(made.bytes, (size_t)LAYOUT_ALIGNMENT);
        entries[index] = made;
    }
}

static void patch_bytes(uint8_t *section, size_t length, size_t at, const uint8_t *data,
                        size_t size)
{
    at = BASE_MIN(at, length);
    memcpy(section + at, data, BASE_MIN(size, length - at));
}

static void patch(const Model *model, uint8_t *file, LayoutEntry *entries, const uint8_t *data,
                  size_t size)
{
    const LayoutFront *front = &model->front;
    for (size_t next; size > PATCH_HEAD; data += next, size -= next) {
        size_t at = data[1] | (size_t)data[2] << 8;
        size_t count = BASE_MIN((size_t)data[3], size - PATCH_HEAD);
        const uint8_t *bytes = data + PATCH_HEAD;
        if (data[0] % 3 == 0)
            patch_bytes(file + front->metadata, model->header.metadata_bytes, at, bytes, count);
        else if (data[0] % 3 == 1)
            patch_bytes(file + front->token_offsets, front->directory - front->token_offsets, at,
                        bytes, count);
        else if (count > 0)
            patch_entry(model, entries, at % model->header.tensor_count, bytes, count);
        next = PATCH_HEAD + count;
    }
}

// Makes what lies between the tensors unreadable.
static void guard(const Model *model, const LayoutEntry *entries, const PackedFile *file)
{
    uintptr_t data = (uintptr_t)packed_tensor_at(file, 0)->data;
    uintptr_t base = data - entries[0].offset;
    size_t end = model->front.data;
    for (size_t i = 0; i < model->header.tensor_count; i++) {
        size_t next = entries[i].offset / LAYOUT_PAGE * LAYOUT_PAGE;
        void *gap;
        memcpy(&gap, &(uintptr_t){base + end}, sizeof gap);
        (void)mprotect(gap, next - end, PROT_NONE); // which larger pages do not allow
        end = model->ends[i];
    }
}

static PackedFile *open_patched(const Model *model, const uint8_t *data, size_t size)
{
    const size_t end = model->front.end;
    LayoutEntry entries[TENSORS_MAX];
    memcpy(entries, model->entries, sizeof entries);
    uint8_t *bytes = malloc(end);
    require(bytes != NULL);
    memcpy(bytes, model->bytes, end);
    patch(model, bytes, entries, data, size);
    for (size_t i = 0; i < model->header.tensor_count; i++)
        layout_entry_encode(&entries[i], bytes + model->front.directory + i * LAYOUT_ENTRY_BYTES);
    LayoutHeader header = model->header;
    header.front_crc = digest_crc32(0, bytes + LAYOUT_PAGE, end - LAYOUT_PAGE);
    layout_header_encode(&header, bytes);
    require(pwrite(model->fd, bytes, end, 0) == (ssize_t)end);
    free(bytes);
    PackedFile *file = NULL;
    ScoutError error = {.message = ""};
    if (packed_open(model->path, &file, &error) == SCOUT_OK)
        guard(model, entries, file);
    else
        require(!file && error.message[0] != '\0');
    return file;
}

static void run_whisper(const WhisperModel *model)
{
    static float mel[FRAMES * MELS_MAX], logits[2 * VOCAB_MAX], weights[WEIGHTS_MAX];
    static const int32_t tokens[] = {257, 1};
    static const WhisperRow rows[] = {{0, 257, true}, {0, 0, true}};
    const WhisperDims *dims = whisper_dims(model);
    const WhisperRunLimits limits = {.audios = 1, .sequences = 1, .rows = 2};
    WhisperRun *run = NULL;
    require(dims->n_mels <= MELS_MAX && dims->n_vocab <= VOCAB_MAX);
    require(whisper_run_new(model, NULL, &limits, &run, NULL) == SCOUT_OK);
    size_t frames = BASE_MIN((size_t)FRAMES, 2 * dims->n_audio_ctx);
    require(whisper_encode(run, 0, mel, frames, NULL) == SCOUT_OK);
    whisper_sequence_start(run, 0, 0);
    ScoutStatus status = whisper_decode(run, rows, BASE_COUNT(rows), logits, NULL);
    require(status == (dims->n_text_ctx < BASE_COUNT(rows) ? SCOUT_ERROR_LIMIT : SCOUT_OK));
    if (whisper_alignment_heads(model) * BASE_COUNT(tokens) * frames <= WEIGHTS_MAX)
        (void)whisper_align(run, 0, 0, tokens, BASE_COUNT(tokens), weights, NULL, NULL);
    whisper_run_free(run);
}

static void try_whisper(PackedFile *file, WhisperCompute compute)
{
    WhisperModel *model = NULL;
    ScoutError error = {.message = ""};
    if (whisper_open(file, compute, &kernels, NULL, &model, &error) == SCOUT_OK)
        run_whisper(model);
    else
        require(!model && error.message[0] != '\0');
    whisper_close(model);
}

static void try_silero(PackedFile *file)
{
    static const float samples[SILERO_FRAME_SAMPLES];
    Silero *silero = NULL;
    ScoutError error = {.message = ""};
    if (silero_open(file, &kernels, &silero, &error) == SCOUT_OK) {
        SileroState state = {{0}, {0}, {0}};
        (void)silero_step(silero, &state, samples);
    } else {
        require(!silero && error.message[0] != '\0');
    }
    silero_close(silero);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const Model *model = &models[data[0] % BASE_COUNT(models)];
    PackedFile *file = open_patched(model, data + 1, size - 1);
    if (file && packed_kind(file) == PACKED_WHISPER)
        try_whisper(file, data[0] & 0x80 ? WHISPER_F32 : WHISPER_AUTO);
    else if (file)
        try_silero(file);
    return 0;
}
