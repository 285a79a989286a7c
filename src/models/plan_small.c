// Plans the import of the small models: Silero VAD, whose weights stay f32, and MiniLM (BERT).
#include "base/attributes.h"
#include "plan.h"
#include "vocabulary.h"

#include <stdio.h>
#include <string.h>

enum { MINILM_LAYERS_MAX = 64 };

typedef struct SmallName {
    const char *scout; // # is the number of the layer
    PlanRole role;
    size_t rank;
    size_t dims[2]; // as stored, after multiplying: convolutions are [out][taps * channels]
    size_t taps;
    const char *parts[PLAN_PARTS_MAX];
} SmallName;

static ScoutStatus add_tensor(Plan *plan, const SmallName *name, const char *prefix, size_t layer,
                              ScoutError *error)
{
    PlanTensor tensor = {.role = name->role,
                         .rank = name->rank,
                         .dims = {name->dims[0], name->dims[1]},
                         .taps = name->taps};
    const char *mark = strchr(name->scout, '#');
    if (mark) {
        snprintf(tensor.name, sizeof tensor.name, "%.*s%zu%s", (int)(mark - name->scout),
                 name->scout, layer, mark + 1);
    } else {
        snprintf(tensor.name, sizeof tensor.name, "%s", name->scout);
    }
    for (size_t i = 0; i < PLAN_PARTS_MAX && name->parts[i]; i++) {
        char full[SOURCE_NAME_MAX];
        if (mark) {
            snprintf(full, sizeof full, "%sencoder.layer.%zu.%s", prefix, layer, name->parts[i]);
        } else {
            snprintf(full, sizeof full, "%s%s", prefix, name->parts[i]);
        }
        ScoutStatus status = plan_find(plan, full, &tensor.parts[i], error);
        if (status != SCOUT_OK) {
            return status;
        }
        tensor.part_count++;
    }
    return plan_add(plan, &tensor, error);
}

bool plan_is_silero(const Source *source)
{
    return source_find(source, "stft_conv.weight") != NULL;
}

ScoutStatus plan_silero(Plan *plan, ScoutError *error)
{
    static const SmallName names[] = {
        {"stft.weight", PLAN_EXACT_CONV, 2, {258, 256}, 256, {"stft_conv.weight"}},
        {"conv1.weight", PLAN_EXACT_CONV, 2, {128, 3 * 129}, 3, {"conv1.weight"}},
        {"conv1.bias", PLAN_PLAIN, 1, {128}, 0, {"conv1.bias"}},
        {"conv2.weight", PLAN_EXACT_CONV, 2, {64, 3 * 128}, 3, {"conv2.weight"}},
        {"conv2.bias", PLAN_PLAIN, 1, {64}, 0, {"conv2.bias"}},
        {"conv3.weight", PLAN_EXACT_CONV, 2, {64, 3 * 64}, 3, {"conv3.weight"}},
        {"conv3.bias", PLAN_PLAIN, 1, {64}, 0, {"conv3.bias"}},
        {"conv4.weight", PLAN_EXACT_CONV, 2, {128, 3 * 64}, 3, {"conv4.weight"}},
        {"conv4.bias", PLAN_PLAIN, 1, {128}, 0, {"conv4.bias"}},
        {"lstm.input.weight", PLAN_EXACT, 2, {512, 128}, 0, {"lstm_cell.weight_ih"}},
        {"lstm.input.bias", PLAN_PLAIN, 1, {512}, 0, {"lstm_cell.bias_ih"}},
        {"lstm.hidden.weight", PLAN_EXACT, 2, {512, 128}, 0, {"lstm_cell.weight_hh"}},
        {"lstm.hidden.bias", PLAN_PLAIN, 1, {512}, 0, {"lstm_cell.bias_hh"}},
        {"out.weight", PLAN_EXACT_CONV, 2, {1, 128}, 1, {"final_conv.weight"}},
        {"out.bias", PLAN_PLAIN, 1, {1}, 0, {"final_conv.bias"}},
    };
    for (size_t i = 0; i < BASE_COUNT(names); i++) {
        ScoutStatus status = add_tensor(plan, &names[i], "", 0, error);
        if (status != SCOUT_OK) {
            return status;
        }
    }
    return packed_writer_meta_int(plan->writer, "sample_rate", 16000, error);
}

typedef struct MinilmSizes {
    size_t n_vocab, n_ctx, n_state, n_mlp, n_layers;
} MinilmSizes;

// Hugging Face prefixes the names when BERT is a part of a larger model.
static bool minilm_prefix(const Source *source, const char **prefix)
{
    if (source_find(source, "embeddings.word_embeddings.weight")) {
        *prefix = "";
        return true;
    }
    *prefix = "bert.";
    return source_find(source, "bert.embeddings.word_embeddings.weight") != NULL;
}

bool plan_is_minilm(const Source *source)
{
    const char *prefix;
    return minilm_prefix(source, &prefix);
}

static ScoutStatus find_matrix(const Plan *plan, const char *prefix, const char *name,
                               size_t dims[2], ScoutError *error)
{
    const SourceTensor *tensor;
    char full[SOURCE_NAME_MAX];
    snprintf(full, sizeof full, "%s%s", prefix, name);
    ScoutStatus status = plan_find(plan, full, &tensor, error);
    if (status != SCOUT_OK) {
        return status;
    }
    if (tensor->rank != 2) {
        return error_set(error, SCOUT_ERROR_CORRUPT, "%s: tensor %s is no matrix",
                         plan->source->path, full);
    }
    dims[0] = tensor->dims[0];
    dims[1] = tensor->dims[1];
    return SCOUT_OK;
}

static size_t count_minilm_layers(const Source *source, const char *prefix)
{
    size_t count = 0;
    for (; count < MINILM_LAYERS_MAX; count++) {
        char name[SOURCE_NAME_MAX];
        snprintf(name, sizeof name, "%sencoder.layer.%zu.output.dense.weight", prefix, count);
        if (!source_find(source, name)) {
            break;
        }
    }
    return count;
}

static ScoutStatus find_minilm_sizes(const Plan *plan, const char *prefix, MinilmSizes *sizes,
                                     ScoutError *error)
{
    size_t words[2] = {0};
    size_t positions[2] = {0};
    size_t mlp[2] = {0};
    ScoutStatus status =
        find_matrix(plan, prefix, "embeddings.word_embeddings.weight", words, error);
    if (status == SCOUT_OK) {
        status =
            find_matrix(plan, prefix, "embeddings.position_embeddings.weight", positions, error);
    }
    if (status == SCOUT_OK) {
        status = find_matrix(plan, prefix, "encoder.layer.0.intermediate.dense.weight", mlp, error);
    }
    if (status != SCOUT_OK) {
        return status;
    }
    *sizes = (MinilmSizes){
        .n_vocab = words[0],
        .n_state = words[1],
        .n_ctx = positions[0],
        .n_mlp = mlp[0],
        .n_layers = count_minilm_layers(plan->source, prefix),
    };
    return SCOUT_OK;
}

static ScoutStatus add_minilm_tensors(Plan *plan, const char *prefix, const MinilmSizes *sizes,
                                      ScoutError *error)
{
    size_t d = sizes->n_state;
    size_t ff = sizes->n_mlp;
    const SmallName names[] = {
        {"words", PLAN_LOOKUP, 2, {sizes->n_vocab, d}, 0, {"embeddings.word_embeddings.weight"}},
        {"positions",
         PLAN_PLAIN,
         2,
         {sizes->n_ctx, d},
         0,
         {"embeddings.position_embeddings.weight"}},
        {"types", PLAN_PLAIN, 2, {2, d}, 0, {"embeddings.token_type_embeddings.weight"}},
        {"norm.gamma", PLAN_PLAIN, 1, {d}, 0, {"embeddings.LayerNorm.weight"}},
        {"norm.beta", PLAN_PLAIN, 1, {d}, 0, {"embeddings.LayerNorm.bias"}},
        {"layers.#.attn.qkv.weight",
         PLAN_MATRIX,
         2,
         {3 * d, d},
         0,
         {"attention.self.query.weight", "attention.self.key.weight",
          "attention.self.value.weight"}},
        {"layers.#.attn.qkv.bias",
         PLAN_PLAIN,
         1,
         {3 * d},
         0,
         {"attention.self.query.bias", "attention.self.key.bias", "attention.self.value.bias"}},
        {"layers.#.attn.out.weight", PLAN_MATRIX, 2, {d, d}, 0, {"attention.output.dense.weight"}},
        {"layers.#.attn.out.bias", PLAN_PLAIN, 1, {d}, 0, {"attention.output.dense.bias"}},
        {"layers.#.attn_norm.gamma", PLAN_PLAIN, 1, {d}, 0, {"attention.output.LayerNorm.weight"}},
        {"layers.#.attn_norm.beta", PLAN_PLAIN, 1, {d}, 0, {"attention.output.LayerNorm.bias"}},
        {"layers.#.mlp.fc1.weight", PLAN_MATRIX, 2, {ff, d}, 0, {"intermediate.dense.weight"}},
        {"layers.#.mlp.fc1.bias", PLAN_PLAIN, 1, {ff}, 0, {"intermediate.dense.bias"}},
        {"layers.#.mlp.fc2.weight", PLAN_MATRIX, 2, {d, ff}, 0, {"output.dense.weight"}},
        {"layers.#.mlp.fc2.bias", PLAN_PLAIN, 1, {d}, 0, {"output.dense.bias"}},
        {"layers.#.mlp_norm.gamma", PLAN_PLAIN, 1, {d}, 0, {"output.LayerNorm.weight"}},
        {"layers.#.mlp_norm.beta", PLAN_PLAIN, 1, {d}, 0, {"output.LayerNorm.bias"}},
    };
    // Those without a number come first, once.
    for (size_t layer = 0; layer < BASE_MAX(sizes->n_layers, 1); layer++) {
        for (size_t i = 0; i < BASE_COUNT(names); i++) {
            bool in_layer = strchr(names[i].scout, '#') != NULL;
            if (!in_layer && layer > 0) {
                continue;
            }
            ScoutStatus status = add_tensor(plan, &names[i], prefix, layer, error);
            if (status != SCOUT_OK) {
                return status;
            }
        }
    }
    return SCOUT_OK;
}

static ScoutStatus write_minilm_sizes(PackedWriter *writer, const MinilmSizes *sizes,
                                      ScoutError *error)
{
    // BERT's sizes do not say the heads; every MiniLM and every BERT of 384 values has 12.
    enum { MINILM_HEADS = 12 };
    const struct {
        const char *name;
        size_t value;
    } items[] = {
        {"n_vocab", sizes->n_vocab}, {"n_state", sizes->n_state},   {"n_heads", MINILM_HEADS},
        {"n_mlp", sizes->n_mlp},     {"n_layers", sizes->n_layers}, {"n_ctx", sizes->n_ctx},
    };
    for (size_t i = 0; i < BASE_COUNT(items); i++) {
        ScoutStatus status =
            packed_writer_meta_int(writer, items[i].name, (int64_t)items[i].value, error);
        if (status != SCOUT_OK) {
            return status;
        }
    }
    return SCOUT_OK;
}

ScoutStatus plan_minilm(Plan *plan, ScoutError *error)
{
    const char *prefix;
    MinilmSizes sizes;
    if (!minilm_prefix(plan->source, &prefix)) {
        return error_set(error, SCOUT_ERROR_FORMAT, "%s: not a MiniLM model", plan->source->path);
    }
    ScoutStatus status = find_minilm_sizes(plan, prefix, &sizes, error);
    if (status != SCOUT_OK) {
        return status;
    }
    if (sizes.n_state != 384) {
        return error_set(error, SCOUT_ERROR_UNSUPPORTED,
                         "%s: a BERT model of %zu values; Scout uses MiniLM, which has 384",
                         plan->source->path, sizes.n_state);
    }
    status = add_minilm_tensors(plan, prefix, &sizes, error);
    if (status == SCOUT_OK) {
        status = write_minilm_sizes(plan->writer, &sizes, error);
    }
    if (status != SCOUT_OK) {
        return status;
    }
    return vocabulary_write_wordpiece(plan->source, plan->writer, sizes.n_vocab, error);
}
