// Fuzzes the JSON that lies beside the weights of a Whisper model, with weights that fit: its
// configurations, and the index of weights in several files. The first byte chooses the file that
// the rest becomes.
#include "plan.h"

#include "base/attributes.h"
#include "base/file.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { D = 64, VOCAB = 51865, CONTEXT = 4 };

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const names[] = {"config.json", "generation_config.json",
                                    "model.safetensors.index.json"};

static char folder[] = "/dev/shm/scout-fuzz-XXXXXX";
static uint8_t *weights; // zeros, for the largest of the tensors
static Source source;

static void require(bool truth)
{
    if (!truth)
        abort();
}

static void add(const char *name, size_t rows, size_t columns, size_t taps)
{
    SourceTensor tensor = {.name = name, .type = SOURCE_F16, .data = weights};
    const size_t dims[] = {rows, columns, taps};
    tensor.bytes = 2;
    for (size_t i = 0; i < BASE_COUNT(dims) && dims[i]; i++) {
        tensor.dims[tensor.rank++] = dims[i];
        tensor.bytes *= dims[i];
    }
    require(source_add(&source, &tensor, NULL) == SCOUT_OK);
}

static void add_pair(const char *prefix, const char *part, size_t rows, size_t columns, bool bias)
{
    char name[SOURCE_NAME_MAX];
    (void)snprintf(name, sizeof name, "%s%s.weight", prefix, part);
    add(name, rows, columns, 0);
    (void)snprintf(name, sizeof name, "%s%s.bias", prefix, part);
    if (bias)
        add(name, rows, 0, 0);
}

static void add_attention(const char *prefix, const char *kind)
{
    char name[64];
    (void)snprintf(name, sizeof name, "%s_layer_norm", kind);
    add_pair(prefix, name, D, 0, true);
    static const char *const parts[] = {"q_proj", "k_proj", "v_proj", "out_proj"};
    for (size_t i = 0; i < BASE_COUNT(parts); i++) {
        (void)snprintf(name, sizeof name, "%s.%s", kind, parts[i]);
        add_pair(prefix, name, D, D, i != 1); // keys have no bias
    }
}

static void add_feed_forward(const char *prefix)
{
    add_pair(prefix, "final_layer_norm", D, 0, true);
    add_pair(prefix, "fc1", (size_t)4 * D, D, true);
    add_pair(prefix, "fc2", D, (size_t)4 * D, true);
}

static void make_source(void)
{
    weights = calloc((size_t)VOCAB * D, 2);
    require(weights != NULL);
    source = (Source){.format = SOURCE_SAFETENSORS,
                      .folder = folder,
                      .path = "model.safetensors",
                      .files = {"model.safetensors"},
                      .maps = {{weights, (size_t)VOCAB * D * 2}},
                      .file_count = 1};
    arena_init(&source.arena, 1 << 20);
    add("model.encoder.conv1.weight", D, 80, 3);
    add("model.encoder.conv1.bias", D, 0, 0);
    add("model.encoder.conv2.weight", D, D, 3);
    add("model.encoder.conv2.bias", D, 0, 0);
    add("model.encoder.embed_positions.weight", CONTEXT, D, 0);
    add_pair("model.encoder.", "layer_norm", D, 0, true);
    add("model.decoder.embed_positions.weight", CONTEXT, D, 0);
    add("model.decoder.embed_tokens.weight", VOCAB, D, 0);
    add_pair("model.decoder.", "layer_norm", D, 0, true);
    add_attention("model.encoder.layers.0.", "self_attn");
    add_feed_forward("model.encoder.layers.0.");
    add_attention("model.decoder.layers.0.", "self_attn");
    add_attention("model.decoder.layers.0.", "encoder_attn");
    add_feed_forward("model.decoder.layers.0.");
    require(source_sort(&source, NULL) == SCOUT_OK);
}

static void clean_up(void)
{
    (void)file_remove_tree(folder, NULL);
    source.file_count = 0; // not mapped
    source_close(&source);
    free(weights);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    require(mkdtemp(folder) != NULL && atexit(clean_up) == 0);
    make_source();
    return 0;
}

// Everything is there but the words, which come last: they are missed when the JSON was fine.
static void make_plan(void)
{
    ScoutError error = {.message = ""};
    Plan plan = {.source = &source};
    require(packed_writer_new("unused", PACKED_WHISPER, &plan.writer, NULL) == SCOUT_OK);
    ScoutStatus status = plan_whisper(&plan, &error);
    require(status == SCOUT_ERROR_NOT_FOUND || status == SCOUT_ERROR_CORRUPT ||
            status == SCOUT_ERROR_UNSUPPORTED);
    require(error.message[0] != '\0');
    packed_writer_free(plan.writer);
    plan_done(&plan);
}

// None of the files that an index names is there.
static void open_shards(void)
{
    ScoutError error = {.message = ""};
    Source opened;
    require(source_open(folder, &opened, &error) != SCOUT_OK && error.message[0] != '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const size_t chosen = data[0] % BASE_COUNT(names);
    BASE_CLEANUP(mem_free_pointer) char *path = path_join(folder, names[chosen]);
    require(path != NULL);
    FILE *out = fopen(path, "wb");
    require(out && fwrite(data + 1, 1, size - 1, out) == size - 1 && fclose(out) == 0);
    if (chosen == 2)
        open_shards();
    else
        make_plan();
    require(unlink(path) == 0);
    return 0;
}
