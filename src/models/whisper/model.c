// A whisper model: opened from a packed file, immutable, shared by every run.
#include "whisper_internal.h"

#include "base/memory.h"

enum {
    VOCAB_MAX = 1 << 20,
    STATE_MAX = 8192,
    LAYERS_MAX = 256,
    CONTEXT_MAX = 1 << 15,
    MELS_MAX = 256,
};

static ScoutStatus read_dim(const PackedFile *file, const char *name, size_t max, size_t *out,
                            ScoutError *error)
{
    int64_t value = 0;
    if (!packed_meta_int(file, name, &value))
        return error_set(error, SCOUT_ERROR_FORMAT,
                         "%s: the metadata lack %s: import the model anew", packed_path(file),
                         name);
    if (value < 1 || (uint64_t)value > max)
        return error_set(error, SCOUT_ERROR_CORRUPT, "%s: %s is %lld, outside 1..%zu",
                         packed_path(file), name, (long long)value, max);
    *out = (size_t)value;
    return SCOUT_OK;
}

static ScoutStatus read_dims(WhisperModel *model, ScoutError *error)
{
    WhisperDims *dims = &model->dims;
    const struct {
        const char *name;
        size_t max;
        size_t *out;
    } table[] = {
        {"n_vocab", VOCAB_MAX, &dims->n_vocab},
        {"n_mels", MELS_MAX, &dims->n_mels},
        {"n_state", STATE_MAX, &dims->n_state},
        {"n_heads", STATE_MAX, &dims->n_heads},
        {"n_encoder_layers", LAYERS_MAX, &dims->n_encoder_layers},
        {"n_decoder_layers", LAYERS_MAX, &dims->n_decoder_layers},
        {"n_audio_ctx", CONTEXT_MAX, &dims->n_audio_ctx},
        {"n_text_ctx", CONTEXT_MAX, &dims->n_text_ctx},
    };
    for (size_t i = 0; i < BASE_COUNT(table); i++) {
        const ScoutStatus status =
            read_dim(model->file, table[i].name, table[i].max, table[i].out, error);
        if (status)
            return status;
    }
    model->head_size = dims->n_state / dims->n_heads;
    if (dims->n_state % dims->n_heads != 0 || model->head_size % KERNELS_PANEL != 0 ||
        model->head_size > NN_HEAD_MAX)
        return error_set(error, SCOUT_ERROR_UNSUPPORTED,
                         "%s: %zu heads over a width of %zu: a head must be a multiple of %d wide, "
                         "at most %d",
                         packed_path(model->file), dims->n_heads, dims->n_state, KERNELS_PANEL,
                         NN_HEAD_MAX);
    return SCOUT_OK;
}

// Pairs of layer and head from the metadata; without them, as the reference does, every head of the
// upper half of the decoder.
static ScoutStatus read_alignment(WhisperModel *model, ScoutError *error)
{
    const WhisperDims *dims = &model->dims;
    const int32_t *pairs = NULL;
    size_t count = 0;
    const bool given =
        packed_meta_ints(model->file, "alignment_heads", &pairs, &count) && count > 0;
    const size_t lower = dims->n_decoder_layers / 2;
    const size_t heads = given ? count / 2 : (dims->n_decoder_layers - lower) * dims->n_heads;
    if (given && count % 2 != 0)
        return error_set(error, SCOUT_ERROR_CORRUPT,
                         "%s: alignment_heads holds %zu numbers, no pairs",
                         packed_path(model->file), count);
    model->alignment = mem_array(heads, sizeof(*model->alignment));
    if (!model->alignment)
        return error_no_memory(error);
    for (size_t i = 0; i < heads; i++) {
        WhisperHead *at = &model->alignment[i];
        if (!given) {
            *at = (WhisperHead){lower + i / dims->n_heads, i % dims->n_heads};
            continue;
        }
        const int32_t layer = pairs[2 * i];
        const int32_t head = pairs[2 * i + 1];
        if (layer < 0 || (size_t)layer >= dims->n_decoder_layers || head < 0 ||
            (size_t)head >= dims->n_heads)
            return error_set(error, SCOUT_ERROR_CORRUPT,
                             "%s: alignment_heads names layer %d, head %d, which the model lacks",
                             packed_path(model->file), (int)layer, (int)head);
        *at = (WhisperHead){(size_t)layer, (size_t)head};
    }
    model->alignment_count = heads;
    return SCOUT_OK;
}

static bool holds_integers(const PackedFile *file)
{
    const char *name = "encoder.layers.0.attn.qkv.weight";
    return packed_find(file, name, PACKED_PANEL_S8) || packed_find(file, name, PACKED_PANEL_S4);
}

static ScoutStatus open_into(WhisperModel *model, WhisperCompute compute, ThreadPool *pool,
                             ScoutError *error)
{
    if (packed_kind(model->file) != PACKED_WHISPER)
        return error_set(error, SCOUT_ERROR_FORMAT, "%s is no whisper model",
                         packed_path(model->file));
    if (compute == WHISPER_AUTO)
        compute = holds_integers(model->file) ? WHISPER_INT8 : WHISPER_F32;
    model->compute = compute;
    model->bf16 =
        compute == WHISPER_BF16 || (compute == WHISPER_INT8 && model->kernels->bf16_is_fast);
    ScoutStatus status = read_dims(model, error);
    if (!status)
        status = read_alignment(model, error);
    if (!status)
        status = bpe_new(model->file, model->dims.n_vocab, &model->bpe, error);
    if (!status)
        status = whisper_load(model, pool, error);
    return status;
}

ScoutStatus whisper_open(PackedFile *file, WhisperCompute compute, const Kernels *kernels,
                         ThreadPool *pool, WhisperModel **model, ScoutError *error)
{
    WhisperModel *opened = mem_array(1, sizeof(*opened));
    if (!opened) {
        packed_close(file);
        return error_no_memory(error);
    }
    opened->file = file;
    opened->kernels = kernels;
    const ScoutStatus status = open_into(opened, compute, pool, error);
    if (status) {
        whisper_close(opened);
        return status;
    }
    *model = opened;
    return SCOUT_OK;
}

void whisper_close(WhisperModel *model)
{
    if (!model)
        return;
    for (size_t i = 0; i < model->owned_count; i++)
        mem_free(model->owned[i]);
    mem_free(model->owned);
    mem_free(model->encoder);
    mem_free(model->decoder);
    mem_free(model->alignment);
    bpe_free(model->bpe);
    packed_close(model->file);
    mem_free(model);
}

const WhisperDims *whisper_dims(const WhisperModel *model)
{
    return &model->dims;
}

const Bpe *whisper_bpe(const WhisperModel *model)
{
    return model->bpe;
}

const Kernels *whisper_kernels(const WhisperModel *model)
{
    return model->kernels;
}

WhisperCompute whisper_compute(const WhisperModel *model)
{
    return model->compute;
}

const PackedFile *whisper_file(const WhisperModel *model)
{
    return model->file;
}

size_t whisper_alignment_heads(const WhisperModel *model)
{
    return model->alignment_count;
}
