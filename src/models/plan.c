// Checks, declares and converts the tensors of an import. Memory stays small whatever the model's
// size: a piece of rows is read from the mapped source, checked and packed before the next.
#include "plan.h"

#include "base/attributes.h"
#include "base/buffer.h"
#include "base/memory.h"
#include "kernels/cpu.h"
#include "values.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { PIECE_ELEMENTS = 1 << 20 };

static const float f16_largest = 65504.0F;

void plan_done(Plan *plan)
{
    mem_free(plan->tensors);
    *plan = (Plan){0};
}

ScoutStatus plan_find(const Plan *plan, const char *name, const SourceTensor **tensor,
                      ScoutError *error)
{
    *tensor = source_find(plan->source, name);
    if (!*tensor) {
        return error_set(error, SCOUT_ERROR_CORRUPT,
                         "%s: tensor %s is missing; the model is incomplete or of another kind",
                         plan->source->path, name);
    }
    return SCOUT_OK;
}

// Writes the dimensions without those of 1, at least one; returns how many.
static size_t squeeze(const size_t *dims, size_t rank, size_t *out)
{
    size_t count = 0;
    for (size_t i = 0; i < rank; i++) {
        if (dims[i] != 1) {
            out[count++] = dims[i];
        }
    }
    if (count == 0) {
        out[count++] = 1;
    }
    return count;
}

static void print_shape(const size_t *dims, size_t rank, Buffer *out)
{
    for (size_t i = 0; i < rank; i++) {
        buffer_printf(out, "%s%zu", i ? ", " : "", dims[i]);
    }
}

static ScoutStatus check_part(const Plan *plan, const PlanTensor *tensor, const SourceTensor *part,
                              ScoutError *error)
{
    size_t expected[PACKED_RANK_MAX];
    size_t rank = tensor->rank;
    memcpy(expected, tensor->dims, sizeof expected);
    expected[0] = tensor->dims[0] / tensor->part_count;
    if (tensor->taps) {
        rank = 3;
        expected[1] = tensor->dims[1] / tensor->taps;
        expected[2] = tensor->taps;
    }
    size_t a[PACKED_RANK_MAX];
    size_t b[SOURCE_RANK_MAX];
    size_t a_rank = squeeze(expected, rank, a);
    size_t b_rank = squeeze(part->dims, part->rank, b);
    if (part->type != SOURCE_OTHER && a_rank == b_rank && memcmp(a, b, a_rank * sizeof a[0]) == 0) {
        return SCOUT_OK;
    }
    BASE_CLEANUP(buffer_done) Buffer text;
    buffer_init(&text, 256);
    buffer_printf(&text, "%s [", source_type_name(part->type));
    print_shape(part->dims, part->rank, &text);
    buffer_printf(&text, "], expected [");
    print_shape(expected, rank, &text);
    return error_set(error, SCOUT_ERROR_CORRUPT, "%s: tensor %s is %s]", plan->source->path,
                     part->name, buffer_text(&text));
}

ScoutStatus plan_add(Plan *plan, const PlanTensor *tensor, ScoutError *error)
{
    for (size_t i = 0; i < tensor->part_count; i++) {
        ScoutStatus status =
            tensor->parts[i] ? check_part(plan, tensor, tensor->parts[i], error) : SCOUT_OK;
        if (status != SCOUT_OK) {
            return status;
        }
    }
    if (plan->count == plan->capacity) {
        size_t capacity = plan->capacity ? plan->capacity * 2 : 256;
        PlanTensor *tensors = mem_resize(plan->tensors, capacity, sizeof *tensors);
        if (!tensors) {
            return error_no_memory(error);
        }
        plan->tensors = tensors;
        plan->capacity = capacity;
    }
    plan->tensors[plan->count++] = *tensor;
    return SCOUT_OK;
}

static bool all_parts_are(const PlanTensor *tensor, SourceType type)
{
    for (size_t i = 0; i < tensor->part_count; i++) {
        if (!tensor->parts[i] || tensor->parts[i]->type != type) {
            return false;
        }
    }
    return true;
}

static bool some_part_is_quantised(const PlanTensor *tensor)
{
    for (size_t i = 0; i < tensor->part_count; i++) {
        if (tensor->parts[i] && source_type_is_quantised(tensor->parts[i]->type)) {
            return true;
        }
    }
    return false;
}

// f16 holds an f16 source exactly; f32 and bf16 sources need f32.
static PackedEncoding source_panels(const PlanTensor *tensor)
{
    bool half = all_parts_are(tensor, SOURCE_F16) || some_part_is_quantised(tensor);
    return half ? PACKED_PANEL_F16 : PACKED_PANEL_F32;
}

static void add_encoding(PlanTensor *tensor, PackedEncoding encoding)
{
    tensor->encodings[tensor->encoding_count++] = encoding;
}

static void choose_matrix_encodings(PlanTensor *tensor, ImportWeights weights)
{
    switch (weights) {
    case IMPORT_SOURCE:
        if (!some_part_is_quantised(tensor)) {
            add_encoding(tensor, source_panels(tensor));
        }
        add_encoding(tensor, PACKED_PANEL_S8);
        break;
    case IMPORT_F32: add_encoding(tensor, PACKED_PANEL_F32); break;
    case IMPORT_F16: add_encoding(tensor, PACKED_PANEL_F16); break;
    case IMPORT_INT8: add_encoding(tensor, PACKED_PANEL_S8); break;
    case IMPORT_INT4:
        add_encoding(tensor, tensor->role == PLAN_VOCABULARY ? PACKED_PANEL_S8 : PACKED_PANEL_S4);
        break;
    }
}

static void choose_encodings(PlanTensor *tensor, ImportWeights weights)
{
    tensor->encoding_count = 0;
    switch (tensor->role) {
    case PLAN_PLAIN: add_encoding(tensor, PACKED_PLAIN_F32); break;
    case PLAN_EXACT:
    case PLAN_EXACT_CONV: add_encoding(tensor, PACKED_PANEL_F32); break;
    case PLAN_MATRIX:
    case PLAN_VOCABULARY: choose_matrix_encodings(tensor, weights); break;
    case PLAN_CONV:
    case PLAN_LOOKUP:
        if (weights == IMPORT_SOURCE) {
            add_encoding(tensor, source_panels(tensor));
        } else {
            add_encoding(tensor, weights == IMPORT_F32 ? PACKED_PANEL_F32 : PACKED_PANEL_F16);
        }
        break;
    }
}

ScoutStatus plan_declare(Plan *plan, ImportWeights weights, ScoutError *error)
{
    for (size_t i = 0; i < plan->count; i++) {
        choose_encodings(&plan->tensors[i], weights);
    }
    // One encoding after another, so that the one in use lies together in the file.
    for (int encoding = PACKED_PLAIN_F32; encoding <= PACKED_PANEL_S4; encoding++) {
        for (size_t i = 0; i < plan->count; i++) {
            PlanTensor *tensor = &plan->tensors[i];
            for (size_t j = 0; j < tensor->encoding_count; j++) {
                if ((int)tensor->encodings[j] != encoding) {
                    continue;
                }
                ScoutStatus status =
                    packed_writer_declare(plan->writer, tensor->name, tensor->encodings[j],
                                          tensor->rank, tensor->dims, &tensor->indices[j], error);
                if (status != SCOUT_OK) {
                    return status;
                }
            }
        }
    }
    return SCOUT_OK;
}

// Memory for one piece of rows.
typedef struct Conversion {
    const Plan *plan;
    const ImportOptions *options;
    Kernels kernels;
    float *rows;
    float *unordered; // a convolution's rows before their taps are moved outwards
    int8_t *q;
    float *scale;
    size_t elements; // of rows, unordered and q
    double done, total;
} Conversion;

static size_t row_of(const PlanTensor *tensor)
{
    size_t row = 1;
    for (size_t i = 1; i < tensor->rank; i++) {
        row *= tensor->dims[i];
    }
    return row;
}

static size_t piece_rows(const PlanTensor *tensor)
{
    size_t rows = PIECE_ELEMENTS / row_of(tensor) / KERNELS_PANEL * KERNELS_PANEL;
    return BASE_MIN(BASE_MAX(rows, (size_t)KERNELS_PANEL), tensor->dims[0]);
}

static void release(Conversion *conversion)
{
    mem_free(conversion->rows);
    mem_free(conversion->unordered);
    mem_free(conversion->q);
    mem_free(conversion->scale);
}

static ScoutStatus prepare(Conversion *conversion, ScoutError *error)
{
    const Plan *plan = conversion->plan;
    size_t rows = 0;
    for (size_t i = 0; i < plan->count; i++) {
        size_t count = piece_rows(&plan->tensors[i]);
        rows = BASE_MAX(rows, count);
        conversion->elements = BASE_MAX(conversion->elements, count * row_of(&plan->tensors[i]));
        conversion->total += (double)plan->tensors[i].dims[0] * (double)row_of(&plan->tensors[i]);
    }
    kernels_init(&conversion->kernels, cpu_detect());
    conversion->rows = mem_aligned(conversion->elements, sizeof(float));
    conversion->unordered = mem_aligned(conversion->elements, sizeof(float));
    conversion->q = mem_aligned(conversion->elements, 1);
    conversion->scale = mem_aligned(rows, sizeof(float));
    if (!conversion->rows || !conversion->unordered || !conversion->q || !conversion->scale) {
        return error_no_memory(error);
    }
    return SCOUT_OK;
}

// [channel][tap] to [tap][channel], each row.
static void move_taps(const PlanTensor *tensor, size_t count, const float *in, float *out)
{
    size_t k = tensor->dims[1];
    size_t channels = k / tensor->taps;
    for (size_t row = 0; row < count; row++) {
        for (size_t channel = 0; channel < channels; channel++) {
            for (size_t tap = 0; tap < tensor->taps; tap++) {
                out[row * k + tap * channels + channel] =
                    in[row * k + channel * tensor->taps + tap];
            }
        }
    }
}

// What one step takes from one part: rows that do not cross into the next.
typedef struct Span {
    const SourceTensor *part;
    size_t first, count;
} Span;

static Span span_at(const PlanTensor *tensor, size_t row, size_t count)
{
    size_t part_rows = tensor->dims[0] / tensor->part_count;
    size_t first = row % part_rows;
    return (Span){tensor->parts[row / part_rows], first, BASE_MIN(count, part_rows - first)};
}

static ScoutStatus read_rows(Conversion *conversion, const PlanTensor *tensor, size_t first,
                             size_t count, ScoutError *error)
{
    float *out = tensor->taps ? conversion->unordered : conversion->rows;
    size_t row = row_of(tensor);
    for (size_t done = 0; done < count;) {
        Span span = span_at(tensor, first + done, count - done);
        if (span.part) {
            ScoutStatus status =
                values_read(conversion->plan->source, &conversion->kernels, span.part, span.first,
                            span.count, out + done * row, error);
            if (status != SCOUT_OK) {
                return status;
            }
        } else {
            memset(out + done * row, 0, span.count * row * sizeof *out);
        }
        done += span.count;
    }
    if (tensor->taps) {
        move_taps(tensor, count, conversion->unordered, conversion->rows);
    }
    return SCOUT_OK;
}

// Refuses what would turn every result into NaN: better now than at the first sentence.
static ScoutStatus check_values(const Conversion *conversion, const PlanTensor *tensor,
                                size_t count, ScoutError *error)
{
    float largest = FLT_MAX;
    for (size_t i = 0; i < tensor->encoding_count; i++) {
        largest = tensor->encodings[i] == PACKED_PANEL_F16 ? f16_largest : largest;
    }
    bool good = true;
    for (size_t i = 0; i < count; i++) {
        good = good && fabsf(conversion->rows[i]) <= largest; // false for NaN
    }
    if (!good) {
        return error_set(error, SCOUT_ERROR_CORRUPT,
                         "%s: tensor %s holds a value that is no number or too large; fetch the "
                         "model again",
                         conversion->plan->source->path, tensor->name);
    }
    return SCOUT_OK;
}

static ScoutStatus write_rows(Conversion *conversion, const PlanTensor *tensor, size_t first,
                              size_t count, ScoutError *error)
{
    ScoutStatus status = read_rows(conversion, tensor, first, count, error);
    if (status == SCOUT_OK) {
        status = check_values(conversion, tensor, count * row_of(tensor), error);
    }
    for (size_t i = 0; i < tensor->encoding_count && status == SCOUT_OK; i++) {
        status = packed_writer_rows(conversion->plan->writer, tensor->indices[i], first, count,
                                    conversion->rows, error);
    }
    return status;
}

// int8 sources whose rows have their own scales are stored bit for bit.
static bool is_exact_s8(const PlanTensor *tensor)
{
    return tensor->encoding_count == 1 && tensor->encodings[0] == PACKED_PANEL_S8 &&
           all_parts_are(tensor, SOURCE_I8);
}

static ScoutStatus write_s8(Conversion *conversion, const PlanTensor *tensor, size_t first,
                            size_t count, ScoutError *error)
{
    for (size_t done = 0; done < count;) {
        Span span = span_at(tensor, first + done, count - done);
        ScoutStatus status =
            values_read_s8(conversion->plan->source, span.part, span.first, span.count,
                           conversion->q + done * row_of(tensor), conversion->scale + done, error);
        if (status != SCOUT_OK) {
            return status;
        }
        done += span.count;
    }
    return packed_writer_rows_s8(conversion->plan->writer, tensor->indices[0], first, count,
                                 conversion->q, conversion->scale, error);
}

static ScoutStatus write_tensor(Conversion *conversion, const PlanTensor *tensor, ScoutError *error)
{
    const ImportOptions *options = conversion->options;
    size_t step = piece_rows(tensor);
    for (size_t first = 0; first < tensor->dims[0]; first += step) {
        size_t count = BASE_MIN(step, tensor->dims[0] - first);
        if (cancel_is_raised(options->cancel)) {
            return error_set(error, SCOUT_ERROR_CANCELLED, "%s: importing was cancelled",
                             conversion->plan->source->path);
        }
        ScoutStatus status = is_exact_s8(tensor)
                                 ? write_s8(conversion, tensor, first, count, error)
                                 : write_rows(conversion, tensor, first, count, error);
        if (status != SCOUT_OK) {
            return status;
        }
        conversion->done += (double)count * (double)row_of(tensor);
        if (options->progress) {
            options->progress(options->context, conversion->done / conversion->total);
        }
    }
    return SCOUT_OK;
}

ScoutStatus plan_write(const Plan *plan, const ImportOptions *options, ScoutError *error)
{
    BASE_CLEANUP(release) Conversion conversion = {.plan = plan, .options = options};
    ScoutStatus status = prepare(&conversion, error);
    for (size_t i = 0; i < plan->count && status == SCOUT_OK; i++) {
        status = write_tensor(&conversion, &plan->tensors[i], error);
    }
    return status;
}
