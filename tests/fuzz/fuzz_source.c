// Fuzzes a reader of source files, and what looks at its result: every byte of every tensor is
// read, and each planner that feels addressed makes its plan. FUZZ_READ and FUZZ_FORMAT choose the
// reader (meson.build).
#include "plan.h"
#include "values.h"

#include "base/attributes.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

enum { READ_ELEMENTS_MAX = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth)
{
    if (!truth)
        abort();
}

static void read_tensor(const Source *source, const Kernels *kernels, const SourceTensor *tensor)
{
    const size_t row = values_row(tensor);
    const size_t rows = BASE_MIN(tensor->dims[0], READ_ELEMENTS_MAX / row);
    if (rows == 0)
        return;
    float *out = mem_array(rows * row, sizeof *out);
    int8_t *q = mem_array(rows * row, 1);
    float *scale = mem_array(rows, sizeof *scale);
    require(out && q && scale);
    const size_t first = tensor->dims[0] - rows; // the last rows are where it would overrun
    (void)values_read(source, kernels, tensor, first, rows, out, NULL);
    if (tensor->type == SOURCE_I8)
        (void)values_read_s8(source, tensor, first, rows, q, scale, NULL);
    mem_free(out);
    mem_free(q);
    mem_free(scale);
}

static void make_plan(const Source *source, ScoutStatus (*planner)(Plan *plan, ScoutError *error))
{
    ScoutError error;
    Plan plan = {.source = source};
    require(packed_writer_new("unused", PACKED_WHISPER, &plan.writer, NULL) == SCOUT_OK);
    ScoutStatus status = planner(&plan, &error);
    if (status == SCOUT_OK)
        status = plan_declare(&plan, IMPORT_SOURCE, &error);
    require(status == SCOUT_OK || error.message[0] != '\0');
    packed_writer_free(plan.writer);
    plan_done(&plan);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    // A copy of exactly this size, so that a byte too many is noticed.
    uint8_t *copy = malloc(size ? size : 1);
    require(copy);
    memcpy(copy, data, size);
    Kernels kernels;
    kernels_init(&kernels, 0);
    ScoutError error = {.message = ""};
    Source source = {.format = FUZZ_FORMAT,
                     .folder = "/nonexistent",
                     .path = "model",
                     .files = {"model"},
                     .maps = {{copy, size}},
                     .file_count = 1};
    arena_init(&source.arena, 64 << 20);
    ScoutStatus status = FUZZ_READ(&source, &error);
    require(status == SCOUT_OK || error.message[0] != '\0');
    if (status == SCOUT_OK && source_sort(&source, NULL) == SCOUT_OK) {
        for (size_t i = 0; i < source.tensor_count; i++)
            read_tensor(&source, &kernels, &source.tensors[i]);
        if (plan_is_whisper(&source))
            make_plan(&source, plan_whisper);
        if (plan_is_silero(&source))
            make_plan(&source, plan_silero);
        if (plan_is_minilm(&source))
            make_plan(&source, plan_minilm);
    }
    source.file_count = 0; // not mapped
    source_close(&source);
    free(copy);
    return 0;
}
