// Finds every tensor of a whisper model in its packed file, checks it, and turns matrices into the
// form the compute type multiplies: those that are stored in it are used where they lie, mapped
// from disk; the others are converted once, here.
#include "whisper_internal.h"

#include <stdio.h>

#include "base/memory.h"
#include "kernels/pack.h"

typedef struct Loader {
    WhisperModel *model;
    ThreadPool *pool;
    ScoutError *error;
    const char *prefix; // of the tensor names, "encoder.layers.3."
} Loader;

static void tensor_name(const Loader *loader, const char *name, const char *suffix,
                        char out[PACKED_NAME_MAX])
{
    snprintf(out, PACKED_NAME_MAX, "%s%s%s", loader->prefix, name, suffix);
}

static ScoutStatus missing(const Loader *loader, const char *name)
{
    return error_set(loader->error, SCOUT_ERROR_FORMAT, "%s: tensor %s is missing",
                     packed_path(loader->model->file), name);
}

// Memory that lives as long as the model.
static void *own(WhisperModel *model, size_t count, size_t size)
{
    if (model->owned_count == model->owned_capacity) {
        const size_t capacity = BASE_MAX((size_t)32, 2 * model->owned_capacity);
        void **grown = mem_resize(model->owned, capacity, sizeof(*grown));
        if (!grown)
            return NULL;
        model->owned = grown;
        model->owned_capacity = capacity;
    }
    void *block = mem_aligned(count, size);
    if (block)
        model->owned[model->owned_count++] = block;
    return block;
}

static ScoutStatus load_vector(const Loader *loader, const char *name, const char *suffix,
                               size_t rows, size_t columns, const float **out)
{
    char full[PACKED_NAME_MAX];
    tensor_name(loader, name, suffix, full);
    const PackedTensor *tensor = packed_find(loader->model->file, full, PACKED_PLAIN_F32);
    if (!tensor)
        return missing(loader, full);
    size_t elements = 1;
    for (size_t i = 0; i < tensor->rank; i++)
        elements = mem_multiply(elements, tensor->dims[i]);
    if (elements != rows * columns || tensor->bytes < elements * sizeof(float))
        return error_set(loader->error, SCOUT_ERROR_CORRUPT,
                         "%s: tensor %s holds %zu values instead of %zu",
                         packed_path(loader->model->file), full, elements, rows * columns);
    *out = tensor->data;
    return SCOUT_OK;
}

static size_t panel_bytes(NnFormat format, size_t n, size_t k)
{
    switch (format) {
    case NN_F32: return pack_f32_bytes(n, k);
    case NN_F16: return pack_f16_bytes(n, k);
    case NN_BF16: return pack_bf16_bytes(n, k);
    case NN_S8: return pack_s8_bytes(n, k);
    case NN_S4: return pack_s4_bytes(n, k);
    case NN_S16: break; // no weights
    }
    return SIZE_MAX;
}

// Finds the matrix in the best encoding of `preferred`. *stored is where it lies in the file.
static ScoutStatus find_matrix(const Loader *loader, const char *name, size_t n, size_t k,
                               const PackedEncoding preferred[4], NnMatrix *out,
                               const PackedTensor **stored)
{
    const WhisperModel *model = loader->model;
    const PackedTensor *tensor = packed_find_any(model->file, name, preferred, 4);
    if (!tensor)
        return missing(loader, name);
    if (tensor->rank != 2 || tensor->dims[0] != n || tensor->dims[1] != k)
        return error_set(loader->error, SCOUT_ERROR_CORRUPT,
                         "%s: tensor %s is %zu x %zu instead of %zu x %zu",
                         packed_path(model->file), name, tensor->dims[0],
                         tensor->rank == 2 ? tensor->dims[1] : 0, n, k);
    NnMatrix matrix = {.n = n, .k = k, .panels = tensor->data};
    switch (tensor->encoding) {
    case PACKED_PANEL_F16: matrix.format = NN_F16; break;
    case PACKED_PANEL_S8: matrix.format = NN_S8; break;
    case PACKED_PANEL_S4: matrix.format = NN_S4; break;
    default: matrix.format = NN_F32; break;
    }
    matrix.scale = tensor->scale;
    matrix.sum = tensor->sum;
    if (tensor->bytes < panel_bytes(matrix.format, n, k) ||
        (nn_matrix_is_integer(&matrix) && !matrix.scale) || (matrix.format == NN_S8 && !matrix.sum))
        return error_set(loader->error, SCOUT_ERROR_CORRUPT, "%s: tensor %s is incomplete",
                         packed_path(model->file), name);
    *out = matrix;
    *stored = tensor;
    return SCOUT_OK;
}

typedef struct Conversion {
    const NnMatrix *from;
    float *rows; // KERNELS_PANEL rows a worker
    NnFormat to;
    void *panels;
    float *scale;
    int32_t *sum;
} Conversion;

static void convert_panel(void *context, size_t index, size_t worker)
{
    const Conversion *job = context;
    const size_t n = job->from->n;
    const size_t k = job->from->k;
    const size_t first = index * KERNELS_PANEL;
    const size_t count = BASE_MIN((size_t)KERNELS_PANEL, n - first);
    float *rows = job->rows + worker * KERNELS_PANEL * k;
    for (size_t i = 0; i < count; i++)
        nn_matrix_row(job->from, first + i, rows + i * k);
    if (job->to == NN_S8)
        pack_s8(n, k, first, count, rows, job->panels, job->scale, job->sum);
    else if (job->to == NN_BF16)
        pack_bf16(n, k, first, count, rows, job->panels);
    else
        pack_f32(n, k, first, count, rows, job->panels);
}

static ScoutStatus convert(const Loader *loader, const NnMatrix *from, NnFormat to, NnMatrix *out)
{
    WhisperModel *model = loader->model;
    const size_t threads = loader->pool ? thread_pool_size(loader->pool) : 1;
    const size_t padded = BASE_ROUND_UP(from->n, (size_t)KERNELS_PANEL);
    Conversion job = {.from = from, .to = to};
    job.panels = own(model, panel_bytes(to, from->n, from->k), 1);
    if (to == NN_S8) {
        job.scale = own(model, padded, sizeof(float));
        job.sum = own(model, padded, sizeof(int32_t));
    }
    BASE_CLEANUP(mem_free_pointer)
    float *rows = mem_aligned(threads * KERNELS_PANEL, from->k * sizeof(float));
    job.rows = rows;
    if (!job.panels || !rows || (to == NN_S8 && (!job.scale || !job.sum)))
        return error_no_memory(loader->error);
    thread_pool_run(loader->pool, padded / KERNELS_PANEL, convert_panel, &job);
    *out = (NnMatrix){
        .format = to,
        .n = from->n,
        .k = from->k,
        .panels = job.panels,
        .scale = job.scale,
        .sum = job.sum,
    };
    return SCOUT_OK;
}

static const PackedEncoding exact_first[4] = {PACKED_PANEL_F32, PACKED_PANEL_F16, PACKED_PANEL_S8,
                                              PACKED_PANEL_S4};
static const PackedEncoding integer_first[4] = {PACKED_PANEL_S8, PACKED_PANEL_S4, PACKED_PANEL_F32,
                                                PACKED_PANEL_F16};

// What a matrix is converted to when it is not in a format that multiplies the same kind of rows:
// NN_F32 (or NN_F16) takes floats, NN_BF16 bfloat16, NN_S8 (or NN_S4) 8 bits.
static bool suits(const NnMatrix *matrix, NnFormat kind)
{
    switch (kind) {
    case NN_S8: return nn_matrix_is_integer(matrix);
    case NN_F32: return matrix->format == NN_F32 || matrix->format == NN_F16;
    default: return matrix->format == kind;
    }
}

// Finds the matrix and brings it to the kind. The whole of it will be read soon and often, or,
// where it is converted, now and never again.
static ScoutStatus load_named(const Loader *loader, const char *name, size_t n, size_t k,
                              NnFormat kind, NnMatrix *out)
{
    NnMatrix found = {.n = 0};
    const PackedTensor *stored = NULL;
    ScoutStatus status = find_matrix(loader, name, n, k,
                                     kind == NN_S8 ? integer_first : exact_first, &found, &stored);
    if (status)
        return status;
    packed_will_need(loader->model->file, stored);
    if (suits(&found, kind)) {
        *out = found;
        return SCOUT_OK;
    }
    status = convert(loader, &found, kind, out);
    packed_not_needed(loader->model->file, stored);
    return status;
}

// name ends with a dot.
static ScoutStatus load_matrix(const Loader *loader, const char *name, size_t n, size_t k,
                               NnFormat kind, NnMatrix *out)
{
    char full[PACKED_NAME_MAX];
    tensor_name(loader, name, "weight", full);
    return load_named(loader, full, n, k, kind, out);
}

static NnFormat linear_kind(const WhisperModel *model)
{
    switch (model->compute) {
    case WHISPER_INT8: return NN_S8;
    case WHISPER_BF16: return NN_BF16;
    default: return NN_F32;
    }
}

static ScoutStatus load_linear(const Loader *loader, const char *name, size_t n, size_t k,
                               NnLinear *out)
{
    const ScoutStatus status =
        load_matrix(loader, name, n, k, linear_kind(loader->model), &out->weight);
    return status ? status : load_vector(loader, name, "bias", n, 1, &out->bias);
}

static ScoutStatus load_norm(const Loader *loader, const char *name, NnNorm *out)
{
    out->n = loader->model->dims.n_state;
    const ScoutStatus status = load_vector(loader, name, "gamma", out->n, 1, &out->gamma);
    return status ? status : load_vector(loader, name, "beta", out->n, 1, &out->beta);
}

static ScoutStatus load_conv(const Loader *loader, const char *name, size_t channels, size_t step,
                             NnConv *out)
{
    const size_t n = loader->model->dims.n_state;
    const NnFormat kind = loader->model->bf16 ? NN_BF16 : NN_F32;
    *out = (NnConv){.taps = 3, .channels = channels, .step = step};
    const ScoutStatus status =
        load_matrix(loader, name, n, out->taps * channels, kind, &out->linear.weight);
    return status ? status : load_vector(loader, name, "bias", n, 1, &out->linear.bias);
}

// The hidden width is not in the metadata: it is the number of rows of fc1.
static ScoutStatus inner_width(const Loader *loader, size_t *out)
{
    char full[PACKED_NAME_MAX];
    tensor_name(loader, "mlp.fc1.", "weight", full);
    WhisperModel *model = loader->model;
    const PackedTensor *tensor =
        packed_find_any(model->file, full, exact_first, BASE_COUNT(exact_first));
    if (!tensor)
        return missing(loader, full);
    if (tensor->dims[0] == 0 || tensor->dims[0] > 16 * model->dims.n_state)
        return error_set(loader->error, SCOUT_ERROR_CORRUPT, "%s: tensor %s has %zu rows",
                         packed_path(model->file), full, tensor->dims[0]);
    model->n_inner = BASE_MAX(model->n_inner, tensor->dims[0]);
    *out = tensor->dims[0];
    return SCOUT_OK;
}

static ScoutStatus load_encoder_layer(Loader *loader, WhisperEncoderLayer *layer)
{
    const size_t d = loader->model->dims.n_state;
    size_t inner = 0;
    ScoutStatus status = inner_width(loader, &inner);
    if (!status)
        status = load_norm(loader, "attn_norm.", &layer->attn_norm);
    if (!status)
        status = load_linear(loader, "attn.qkv.", 3 * d, d, &layer->qkv);
    if (!status)
        status = load_linear(loader, "attn.out.", d, d, &layer->out);
    if (!status)
        status = load_norm(loader, "mlp_norm.", &layer->mlp_norm);
    if (!status)
        status = load_linear(loader, "mlp.fc1.", inner, d, &layer->fc1);
    if (!status)
        status = load_linear(loader, "mlp.fc2.", d, inner, &layer->fc2);
    return status;
}

static ScoutStatus load_decoder_layer(Loader *loader, WhisperDecoderLayer *layer)
{
    const size_t d = loader->model->dims.n_state;
    size_t inner = 0;
    ScoutStatus status = inner_width(loader, &inner);
    if (!status)
        status = load_norm(loader, "attn_norm.", &layer->attn_norm);
    if (!status)
        status = load_linear(loader, "attn.qkv.", 3 * d, d, &layer->qkv);
    if (!status)
        status = load_linear(loader, "attn.out.", d, d, &layer->out);
    if (!status)
        status = load_norm(loader, "cross_norm.", &layer->cross_norm);
    if (!status)
        status = load_linear(loader, "cross.q.", d, d, &layer->cross_q);
    if (!status)
        status = load_linear(loader, "cross.kv.", 2 * d, d, &layer->cross_kv);
    if (!status)
        status = load_linear(loader, "cross.out.", d, d, &layer->cross_out);
    if (!status)
        status = load_norm(loader, "mlp_norm.", &layer->mlp_norm);
    if (!status)
        status = load_linear(loader, "mlp.fc1.", inner, d, &layer->fc1);
    if (!status)
        status = load_linear(loader, "mlp.fc2.", d, inner, &layer->fc2);
    return status;
}

static ScoutStatus load_encoder(Loader *loader)
{
    WhisperModel *model = loader->model;
    const WhisperDims *dims = &model->dims;
    loader->prefix = "encoder.";
    ScoutStatus status = load_conv(loader, "conv1.", dims->n_mels, 1, &model->conv1);
    if (!status)
        status = load_conv(loader, "conv2.", dims->n_state, 2, &model->conv2);
    if (!status)
        status = load_vector(loader, "positions", "", dims->n_audio_ctx, dims->n_state,
                             &model->encoder_positions);
    if (!status)
        status = load_norm(loader, "norm.", &model->encoder_norm);
    for (size_t i = 0; !status && i < dims->n_encoder_layers; i++) {
        char prefix[PACKED_NAME_MAX / 2];
        snprintf(prefix, sizeof(prefix), "encoder.layers.%zu.", i);
        loader->prefix = prefix;
        status = load_encoder_layer(loader, &model->encoder[i]);
    }
    loader->prefix = "";
    return status;
}

// The projection reads the embedding whole, the look-up a row a token. Rows in 8 bits are exact
// enough to be looked up, and in memory anyway; the pages of a second encoding would come to be,
// too, row by row, and for most of a long recording.
static ScoutStatus load_embedding(const Loader *loader)
{
    WhisperModel *model = loader->model;
    const WhisperDims *dims = &model->dims;
    const char *name = "decoder.embedding";
    const PackedTensor *stored = NULL;
    ScoutStatus status = load_named(loader, name, dims->n_vocab, dims->n_state, linear_kind(model),
                                    &model->projection.weight);
    if (status)
        return status;
    model->embedding = model->projection.weight;
    if (model->embedding.format != NN_S8)
        status = find_matrix(loader, name, dims->n_vocab, dims->n_state, exact_first,
                             &model->embedding, &stored);
    return status;
}

static ScoutStatus load_decoder(Loader *loader)
{
    WhisperModel *model = loader->model;
    const WhisperDims *dims = &model->dims;
    loader->prefix = "decoder.";
    ScoutStatus status = load_embedding(loader);
    if (!status)
        status = load_vector(loader, "positions", "", dims->n_text_ctx, dims->n_state,
                             &model->decoder_positions);
    if (!status)
        status = load_norm(loader, "norm.", &model->decoder_norm);
    for (size_t i = 0; !status && i < dims->n_decoder_layers; i++) {
        char prefix[PACKED_NAME_MAX / 2];
        snprintf(prefix, sizeof(prefix), "decoder.layers.%zu.", i);
        loader->prefix = prefix;
        status = load_decoder_layer(loader, &model->decoder[i]);
    }
    loader->prefix = "";
    return status;
}

ScoutStatus whisper_load(WhisperModel *model, ThreadPool *pool, ScoutError *error)
{
    model->encoder = mem_array(model->dims.n_encoder_layers, sizeof(*model->encoder));
    model->decoder = mem_array(model->dims.n_decoder_layers, sizeof(*model->decoder));
    if (!model->encoder || !model->decoder)
        return error_no_memory(error);
    Loader loader = {.model = model, .pool = pool, .error = error, .prefix = ""};
    const ScoutStatus status = load_encoder(&loader);
    return status ? status : load_decoder(&loader);
}
