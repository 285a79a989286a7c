// Plans the import of a Whisper model. Its sizes are taken from the shapes of its tensors, never
// from a list of models.
#include "alignment.h"
#include "base/attributes.h"
#include "base/file.h"
#include "base/memory.h"
#include "json_text.h"
#include "plan.h"
#include "vocabulary.h"
#include "whisper_names.h"

#include <stdio.h>
#include <string.h>

typedef struct Dims {
    size_t n_vocab, n_mels, n_state, n_heads, n_encoder_layers, n_decoder_layers, n_audio_ctx,
        n_text_ctx;
} Dims;

typedef struct WhisperPlan {
    Plan *plan;
    Naming naming;
    const char *prefix; // "model." in what Hugging Face saves from the whole model
    Dims dims;
} WhisperPlan;

static size_t dim_of(const Dims *dims, Dim dim)
{
    switch (dim) {
    case DIM_STATE: return dims->n_state;
    case DIM_STATE_2: return 2 * dims->n_state;
    case DIM_STATE_3: return 3 * dims->n_state;
    case DIM_STATE_4: return 4 * dims->n_state;
    case DIM_CONV_MELS: return CONV_TAPS * dims->n_mels;
    case DIM_CONV_STATE: return CONV_TAPS * dims->n_state;
    case DIM_AUDIO: return dims->n_audio_ctx;
    case DIM_TEXT: return dims->n_text_ctx;
    case DIM_VOCAB: return dims->n_vocab;
    default: return 0;
    }
}

// prefix + pattern with # replaced by the layer. Every name of the table fits.
static void expand(const char *prefix, const char *pattern, size_t layer, char *out, size_t size)
{
    const char *mark = strchr(pattern, '#');
    if (mark) {
        snprintf(out, size, "%s%.*s%zu%s", prefix, (int)(mark - pattern), pattern, layer, mark + 1);
    } else {
        snprintf(out, size, "%s%s", prefix, pattern);
    }
}

static const WhisperName *name_of(const char *scout)
{
    for (size_t i = 0; i < whisper_name_count; i++) {
        if (strcmp(whisper_names[i].scout, scout) == 0) {
            return &whisper_names[i];
        }
    }
    return NULL;
}

// The first part of one of Scout's tensors in the source, or NULL.
static const SourceTensor *look_up(const Source *source, Naming naming, const char *prefix,
                                   const char *scout, size_t layer)
{
    char name[SOURCE_NAME_MAX];
    expand(prefix, name_of(scout)->parts[naming][0], layer, name, sizeof name);
    return source_find(source, name);
}

// The weights of the first layer's attention have a name of their own in every naming.
static bool find_naming(const Source *source, Naming *naming, const char **prefix)
{
    static const struct {
        Naming naming;
        const char *prefix;
    } candidates[] = {
        {NAMING_CT2, ""}, {NAMING_OPENAI, ""}, {NAMING_HF, "model."}, {NAMING_HF, ""}};
    for (size_t i = 0; i < BASE_COUNT(candidates); i++) {
        if (look_up(source, candidates[i].naming, candidates[i].prefix,
                    "encoder.layers.#.attn.qkv.weight", 0)) {
            *naming = candidates[i].naming;
            *prefix = candidates[i].prefix;
            return true;
        }
    }
    return false;
}

bool plan_is_whisper(const Source *source)
{
    Naming naming;
    const char *prefix;
    return find_naming(source, &naming, &prefix);
}

static ScoutStatus find_shaped(const WhisperPlan *whisper, const char *scout, size_t rank,
                               const SourceTensor **tensor, ScoutError *error)
{
    char name[SOURCE_NAME_MAX];
    expand(whisper->prefix, name_of(scout)->parts[whisper->naming][0], 0, name, sizeof name);
    ScoutStatus status = plan_find(whisper->plan, name, tensor, error);
    if (status == SCOUT_OK && (*tensor)->rank != rank) {
        status = error_set(error, SCOUT_ERROR_CORRUPT, "%s: tensor %s has %zu dimensions, not %zu",
                           whisper->plan->source->path, name, (*tensor)->rank, rank);
    }
    return status;
}

static size_t count_layers(const WhisperPlan *whisper, const char *scout)
{
    enum { LAYERS_MAX = 128 };
    size_t count = 0;
    while (count < LAYERS_MAX &&
           look_up(whisper->plan->source, whisper->naming, whisper->prefix, scout, count)) {
        count++;
    }
    return count;
}

static ScoutStatus find_sizes(WhisperPlan *whisper, ScoutError *error)
{
    Dims *dims = &whisper->dims;
    const SourceTensor *tensor;
    ScoutStatus status = find_shaped(whisper, "decoder.embedding", 2, &tensor, error);
    if (status != SCOUT_OK) {
        return status;
    }
    dims->n_vocab = tensor->dims[0];
    dims->n_state = tensor->dims[1];
    status = find_shaped(whisper, "encoder.conv1.weight", 3, &tensor, error);
    if (status != SCOUT_OK) {
        return status;
    }
    dims->n_mels = tensor->dims[1];
    status = find_shaped(whisper, "encoder.positions", 2, &tensor, error);
    if (status != SCOUT_OK) {
        return status;
    }
    dims->n_audio_ctx = tensor->dims[0];
    status = find_shaped(whisper, "decoder.positions", 2, &tensor, error);
    if (status != SCOUT_OK) {
        return status;
    }
    dims->n_text_ctx = tensor->dims[0];
    dims->n_encoder_layers = count_layers(whisper, "encoder.layers.#.attn.qkv.weight");
    dims->n_decoder_layers = count_layers(whisper, "decoder.layers.#.attn.qkv.weight");
    return SCOUT_OK;
}

// A small integer stored as a variable of CTranslate2's, 0 if absent.
static size_t read_ct2_number(const Source *source, const char *name)
{
    const SourceTensor *tensor = source_find(source, name);
    if (!tensor || tensor->bytes < 1 || tensor->bytes > 2) {
        return 0;
    }
    return tensor->data[0] | (tensor->bytes == 2 ? (size_t)tensor->data[1] << 8 : 0);
}

// Heads are not in the shapes. Every published model has 64 values a head.
static size_t find_heads(const WhisperPlan *whisper, const json_t *config)
{
    enum { USUAL_HEAD = 64 };
    const Source *source = whisper->plan->source;
    size_t heads = 0;
    if (source->format == SOURCE_GGML) {
        heads = source->ggml.n_heads;
    } else if (source->format == SOURCE_CT2) {
        heads = read_ct2_number(source, "encoder/num_heads");
    } else {
        json_int_t value = json_integer_value(json_object_get(config, "encoder_attention_heads"));
        heads = value > 0 ? (size_t)value : 0;
    }
    return heads ? heads : whisper->dims.n_state / USUAL_HEAD;
}

static ScoutStatus check_sizes(const WhisperPlan *whisper, ScoutError *error)
{
    const Dims *dims = &whisper->dims;
    const char *path = whisper->plan->source->path;
    if (dims->n_vocab < 51864 || dims->n_vocab > 51866) {
        return error_set(error, SCOUT_ERROR_UNSUPPORTED,
                         "%s: a vocabulary of %zu tokens is none of Whisper's (51864, 51865, "
                         "51866)",
                         path, dims->n_vocab);
    }
    if (dims->n_mels != 80 && dims->n_mels != 128) {
        return error_set(error, SCOUT_ERROR_UNSUPPORTED,
                         "%s: %zu mel bands; Whisper models have 80 or 128", path, dims->n_mels);
    }
    if (dims->n_heads == 0 || dims->n_state % dims->n_heads != 0 || dims->n_state > 8192 ||
        dims->n_audio_ctx > 3000 || dims->n_text_ctx > 4096 || dims->n_decoder_layers == 0) {
        return error_set(error, SCOUT_ERROR_UNSUPPORTED,
                         "%s: %zu values in %zu heads, %zu encoder and %zu decoder layers, windows "
                         "of %zu and %zu: no Whisper model has such sizes",
                         path, dims->n_state, dims->n_heads, dims->n_encoder_layers,
                         dims->n_decoder_layers, dims->n_audio_ctx, dims->n_text_ctx);
    }
    return SCOUT_OK;
}

// A ggml file says its sizes twice.
static ScoutStatus check_ggml(const WhisperPlan *whisper, ScoutError *error)
{
    const Dims *dims = &whisper->dims;
    const SourceGgml *ggml = &whisper->plan->source->ggml;
    if (whisper->plan->source->format != SOURCE_GGML ||
        (ggml->n_vocab == dims->n_vocab && ggml->n_audio_ctx == dims->n_audio_ctx &&
         ggml->n_state == dims->n_state && ggml->n_encoder_layers == dims->n_encoder_layers &&
         ggml->n_text_ctx == dims->n_text_ctx && ggml->n_text_state == dims->n_state &&
         ggml->n_text_heads == dims->n_heads && ggml->n_decoder_layers == dims->n_decoder_layers &&
         ggml->n_mels == dims->n_mels)) {
        return SCOUT_OK;
    }
    return error_set(error, SCOUT_ERROR_CORRUPT,
                     "%s: its tensors are not of the sizes that its header gives; fetch the model "
                     "again",
                     whisper->plan->source->path);
}

static ScoutStatus add_tensor(const WhisperPlan *whisper, const WhisperName *name, size_t layer,
                              ScoutError *error)
{
    PlanTensor tensor = {.role = name->role};
    expand("", name->scout, layer, tensor.name, sizeof tensor.name);
    for (size_t i = 0; i < BASE_COUNT(name->dims) && name->dims[i] != DIM_NONE; i++) {
        tensor.dims[tensor.rank++] = dim_of(&whisper->dims, name->dims[i]);
    }
    tensor.taps = name->role == PLAN_CONV ? CONV_TAPS : 0;

    const char *const *parts = name->parts[whisper->naming];
    for (size_t i = 0; i < PLAN_PARTS_MAX && parts[i]; i++) {
        tensor.part_count++;
        if (strcmp(parts[i], "0") == 0) {
            continue;
        }
        char full[SOURCE_NAME_MAX];
        expand(whisper->prefix, parts[i], layer, full, sizeof full);
        ScoutStatus status = plan_find(whisper->plan, full, &tensor.parts[i], error);
        if (status != SCOUT_OK) {
            return status;
        }
    }
    return plan_add(whisper->plan, &tensor, error);
}

// Layer by layer, in the order in which they are computed.
static ScoutStatus add_layers(const WhisperPlan *whisper, Where where, size_t layers,
                              ScoutError *error)
{
    for (size_t layer = 0; layer < layers; layer++) {
        for (size_t i = 0; i < whisper_name_count; i++) {
            const WhisperName *name = &whisper_names[i];
            ScoutStatus status =
                name->where == where ? add_tensor(whisper, name, layer, error) : SCOUT_OK;
            if (status != SCOUT_OK) {
                return status;
            }
        }
    }
    return SCOUT_OK;
}

static ScoutStatus add_tensors(const WhisperPlan *whisper, ScoutError *error)
{
    ScoutStatus status = add_layers(whisper, WHERE_ONCE, 1, error);
    if (status == SCOUT_OK) {
        status = add_layers(whisper, WHERE_ENCODER, whisper->dims.n_encoder_layers, error);
    }
    if (status == SCOUT_OK) {
        status = add_layers(whisper, WHERE_DECODER, whisper->dims.n_decoder_layers, error);
    }
    return status;
}

static ScoutStatus write_sizes(const WhisperPlan *whisper, ScoutError *error)
{
    const struct {
        const char *name;
        size_t value;
    } sizes[] = {
        {"n_vocab", whisper->dims.n_vocab},
        {"n_mels", whisper->dims.n_mels},
        {"n_state", whisper->dims.n_state},
        {"n_heads", whisper->dims.n_heads},
        {"n_encoder_layers", whisper->dims.n_encoder_layers},
        {"n_decoder_layers", whisper->dims.n_decoder_layers},
        {"n_audio_ctx", whisper->dims.n_audio_ctx},
        {"n_text_ctx", whisper->dims.n_text_ctx},
    };
    for (size_t i = 0; i < BASE_COUNT(sizes); i++) {
        ScoutStatus status = packed_writer_meta_int(whisper->plan->writer, sizes[i].name,
                                                    (int64_t)sizes[i].value, error);
        if (status != SCOUT_OK) {
            return status;
        }
    }
    return SCOUT_OK;
}

// Appends the ids of a list that are in the vocabulary; -1 is a way of writing "the usual ones".
static size_t read_ids(const json_t *list, size_t n_vocab, int32_t *ids, size_t capacity)
{
    size_t count = 0;
    for (size_t i = 0; i < json_array_size(list) && count < capacity; i++) {
        json_int_t id = json_integer_value(json_array_get(list, i));
        if (json_is_integer(json_array_get(list, i)) && id >= 0 && id < (json_int_t)n_vocab) {
            ids[count++] = (int32_t)id;
        }
    }
    return count;
}

static ScoutStatus write_suppressed(const WhisperPlan *whisper, const json_t *config,
                                    ScoutError *error)
{
    static const char *const fields[][2] = {
        {"suppress_ids", "suppress_ids"},
        {"suppress_ids_begin", "suppress_ids_begin"},
        {"suppress_tokens", "suppress_ids"},
        {"begin_suppress_tokens", "suppress_ids_begin"},
    };
    enum { IDS_MAX = 1024 };
    int32_t ids[IDS_MAX];
    for (size_t i = 0; i < BASE_COUNT(fields); i++) {
        const json_t *list = json_object_get(config, fields[i][0]);
        size_t count = read_ids(list, whisper->dims.n_vocab, ids, IDS_MAX);
        if (count == 0) {
            continue;
        }
        ScoutStatus status =
            packed_writer_meta_ints(whisper->plan->writer, fields[i][1], ids, count, error);
        if (status != SCOUT_OK) {
            return status;
        }
    }
    return SCOUT_OK;
}

// [[layer, head], ...] as flat pairs; 0 if any of it is not a head of this model.
static size_t read_heads(const WhisperPlan *whisper, const json_t *list, int32_t *out)
{
    size_t count = 0;
    if (json_array_size(list) > ALIGNMENT_PAIRS_MAX) {
        return 0;
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *pair = json_array_get(list, i);
        json_int_t layer = json_integer_value(json_array_get(pair, 0));
        json_int_t head = json_integer_value(json_array_get(pair, 1));
        if (json_array_size(pair) != 2 || layer < 0 || head < 0 ||
            layer >= (json_int_t)whisper->dims.n_decoder_layers ||
            head >= (json_int_t)whisper->dims.n_heads) {
            return 0;
        }
        out[count++] = (int32_t)layer;
        out[count++] = (int32_t)head;
    }
    return count;
}

static ScoutStatus write_heads(const WhisperPlan *whisper, const json_t *config, ScoutError *error)
{
    const Dims *dims = &whisper->dims;
    BASE_CLEANUP(mem_free_pointer)
    int32_t *pairs = mem_array((size_t)2 * ALIGNMENT_PAIRS_MAX, sizeof *pairs);
    if (!pairs) {
        return error_no_memory(error);
    }
    size_t count = read_heads(whisper, json_object_get(config, "alignment_heads"), pairs);
    if (count == 0) {
        count = alignment_default_heads(dims->n_state, dims->n_vocab, dims->n_decoder_layers,
                                        dims->n_heads, pairs);
    }
    return packed_writer_meta_ints(whisper->plan->writer, "alignment_heads", pairs, count, error);
}

// A configuration that is not there is no error; one that cannot be read is. ggml has none.
static ScoutStatus read_config(const Source *source, const char *name, json_t **config,
                               ScoutError *error)
{
    *config = NULL;
    BASE_CLEANUP(mem_free_pointer) char *path = path_join(source->folder, name);
    if (!path) {
        return error_no_memory(error);
    }
    if (source->format == SOURCE_GGML || !file_exists(path)) {
        return SCOUT_OK;
    }
    return json_text_file(source->folder, name, config, error);
}

static ScoutStatus write_config(const WhisperPlan *whisper, const json_t *config, ScoutError *error)
{
    ScoutStatus status = write_suppressed(whisper, config, error);
    return status == SCOUT_OK ? write_heads(whisper, config, error) : status;
}

static ScoutStatus set_sizes(WhisperPlan *whisper, const json_t *config, ScoutError *error)
{
    ScoutStatus status = find_sizes(whisper, error);
    if (status != SCOUT_OK) {
        return status;
    }
    whisper->dims.n_heads = find_heads(whisper, config);
    status = check_sizes(whisper, error);
    return status == SCOUT_OK ? check_ggml(whisper, error) : status;
}

ScoutStatus plan_whisper(Plan *plan, ScoutError *error)
{
    WhisperPlan whisper = {.plan = plan};
    const Source *source = plan->source;
    BASE_CLEANUP(json_text_release) json_t *config = NULL;
    BASE_CLEANUP(json_text_release) json_t *generation = NULL;

    if (!find_naming(source, &whisper.naming, &whisper.prefix)) {
        return error_set(error, SCOUT_ERROR_FORMAT, "%s: not a Whisper model", source->path);
    }
    ScoutStatus status = read_config(source, "config.json", &config, error);
    if (status == SCOUT_OK) {
        status = read_config(source, "generation_config.json", &generation, error);
    }
    if (status == SCOUT_OK) {
        status = set_sizes(&whisper, config, error);
    }
    if (status == SCOUT_OK) {
        status = add_tensors(&whisper, error);
    }
    if (status == SCOUT_OK) {
        status = write_sizes(&whisper, error);
    }
    if (status == SCOUT_OK) {
        // Hugging Face keeps them in generation_config.json, CTranslate2 in config.json.
        status = write_config(&whisper, generation ? generation : config, error);
    }
    if (status != SCOUT_OK) {
        return status;
    }
    size_t text_count = whisper.dims.n_vocab == 51864 ? 50256 : 50257;
    return vocabulary_write_whisper(source, plan->writer, whisper.dims.n_vocab, text_count, error);
}
