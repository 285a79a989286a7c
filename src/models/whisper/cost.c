// What the model's parts cost, counted from the shapes and formats that were loaded.
#include "whisper_internal.h"

#include "kernels/pack.h"

static void add_operations(WhisperCost *cost, NnFormat format, uint64_t operations)
{
    switch (format) {
    case NN_S8:
    case NN_S4: cost->int8_operations += operations; break;
    case NN_S16: cost->int8_operations += 2 * operations; break; // as long as two
    case NN_BF16: cost->bf16_operations += operations; break;
    case NN_F32:
    case NN_F16: cost->f32_operations += operations; break;
    }
}

static void add_product(WhisperCost *cost, const NnLinear *linear, size_t rows)
{
    const NnMatrix *w = &linear->weight;
    add_operations(cost, w->format, 2 * (uint64_t)rows * w->n * w->k);
}

static size_t matrix_bytes(const NnMatrix *matrix)
{
    const size_t n = matrix->n;
    const size_t k = matrix->k;
    switch (matrix->format) {
    case NN_F32: return pack_f32_bytes(n, k);
    case NN_F16: return pack_f16_bytes(n, k);
    case NN_BF16: return pack_bf16_bytes(n, k);
    case NN_S8: return pack_s8_bytes(n, k);
    case NN_S4: return pack_s4_bytes(n, k) + pack_s4_scales(n, k) * sizeof(float);
    case NN_S16: break; // no weights
    }
    return 0;
}

static void count_encoder(const WhisperModel *model, WhisperCost *cost)
{
    const size_t positions = model->dims.n_audio_ctx;
    add_product(cost, &model->conv1.linear, 2 * positions);
    add_product(cost, &model->conv2.linear, positions);
    const NnPanels panels = whisper_self_panels(model, positions);
    const uint64_t half = 2 * (uint64_t)positions * positions * model->dims.n_state;
    for (size_t i = 0; i < model->dims.n_encoder_layers; i++) {
        const WhisperEncoderLayer *layer = &model->encoder[i];
        const NnLinear *linears[] = {&layer->qkv, &layer->out, &layer->fc1, &layer->fc2};
        for (size_t j = 0; j < BASE_COUNT(linears); j++)
            add_product(cost, linears[j], positions);
        add_operations(cost, panels.key_format, half);
        add_operations(cost, panels.value_format, half);
    }
    for (size_t i = 0; i < model->dims.n_decoder_layers; i++)
        add_product(cost, &model->decoder[i].cross_kv, positions);
}

static void count_step(const WhisperModel *model, WhisperCost *cost)
{
    for (size_t i = 0; i < model->dims.n_decoder_layers; i++) {
        const WhisperDecoderLayer *layer = &model->decoder[i];
        const NnLinear *linears[] = {&layer->qkv,       &layer->out, &layer->cross_q,
                                     &layer->cross_out, &layer->fc1, &layer->fc2};
        for (size_t j = 0; j < BASE_COUNT(linears); j++)
            cost->step_weight_bytes += matrix_bytes(&linears[j]->weight);
    }
    cost->step_weight_bytes += matrix_bytes(&model->projection.weight);
    const NnPanels panels = whisper_cross_panels_of(model, model->dims.n_audio_ctx);
    cost->step_audio_bytes = model->dims.n_decoder_layers * nn_panels_bytes(&panels);
}

void whisper_cost(const WhisperModel *model, WhisperCost *cost)
{
    *cost = (WhisperCost){.int8_operations = 0};
    count_encoder(model, cost);
    count_step(model, cost);
}
