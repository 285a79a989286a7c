// The encoder. Everything between two attentions belongs to single positions, so one task takes a
// block of positions through all of it while the block stays in cache: the convolutions and the
// first layer's queries, keys and values; then, layer by layer, attention over all heads and blocks
// of queries, and what follows up to the next layer's queries, keys and values (or, in the end, the
// keys and values that the decoder will attend to). So a layer costs two passes over the pool.
#include "whisper_internal.h"

#include <string.h>

// Positions cut into `count` blocks of about the same size, at most `size`.
typedef struct Split {
    size_t count, size;
} Split;

typedef struct EncodeJob {
    WhisperRun *run;
    const float *mel;
    size_t frames;
    size_t positions;
    Split blocks;  // for one thread to take through a layer
    Split queries; // that attend together
    size_t layer;
    size_t audio;
    NnPanels panels; // self-attention
} EncodeJob;

typedef struct Block {
    size_t first, count; // positions
} Block;

// The fewest blocks of at most `most` positions, in a multiple of `threads`, so that all threads
// end at about the same time. Where the cuts are does not change the results.
static Split split(size_t positions, size_t most, size_t threads)
{
    const size_t rounds = (positions + most * threads - 1) / (most * threads);
    const size_t size = (positions + rounds * threads - 1) / (rounds * threads);
    return (Split){.count = (positions + size - 1) / size, .size = size};
}

static Block block_of(const EncodeJob *job, Split cut, size_t index)
{
    const size_t first = index * cut.size;
    return (Block){first, BASE_MIN(cut.size, job->positions - first)};
}

// Mel frames first..first+count, with zeros where the window has none.
static void gather_mel(const EncodeJob *job, ptrdiff_t first, size_t count, float *out)
{
    const size_t n_mels = job->run->model->dims.n_mels;
    for (size_t i = 0; i < count; i++) {
        const ptrdiff_t frame = first + (ptrdiff_t)i;
        if (frame < 0 || (size_t)frame >= job->frames)
            memset(out + i * n_mels, 0, n_mels * sizeof(float));
        else
            memcpy(out + i * n_mels, job->mel + (size_t)frame * n_mels, n_mels * sizeof(float));
    }
}

// Position t sees frames 2t-1..2t+1 of the first convolution, each of which sees one mel frame to
// either side. Outside the window, mel frames and frames of the first convolution alike are zeros.
static void convolve(const EncodeJob *job, WhisperWorker *worker, Block block)
{
    const WhisperRun *run = job->run;
    const WhisperModel *model = run->model;
    const size_t d = model->dims.n_state;
    const size_t frames = nn_conv_frames(&model->conv2, block.count);
    gather_mel(job, 2 * (ptrdiff_t)block.first - 2, nn_conv_frames(&model->conv1, frames),
               worker->narrow);
    const NnOutput first = {.c = worker->wide, .stride = d, .gelu = true};
    nn_conv_run(model->kernels, &model->conv1, worker->narrow, frames, worker->halves, &first);
    if (block.first == 0)
        memset(worker->wide, 0, d * sizeof(float));
    const NnOutput second = {
        .c = run->x + block.first * d,
        .stride = d,
        .gelu = true,
        .residual = model->encoder_positions + block.first * d,
        .residual_stride = d,
    };
    nn_conv_run(model->kernels, &model->conv2, worker->wide, block.count, worker->halves, &second);
}

// Keys and values side by side, into panels.
static void store_keys_values(const WhisperRun *run, WhisperWorker *worker, const NnLinear *linear,
                              Block block, const NnPanels *panels)
{
    const size_t d = run->model->dims.n_state;
    const NnOutput out = {.c = worker->wide, .stride = 2 * d};
    nn_linear_rows(run->context.kernels, linear, &worker->rows, 0, block.count, &out);
    nn_panels_store(run->context.kernels, panels, block.first, block.count, worker->wide,
                    worker->wide + d, 2 * d);
}

// Queries, keys and values of the next attention.
static void project_attention(const EncodeJob *job, WhisperWorker *worker, Block block,
                              const WhisperEncoderLayer *layer)
{
    const WhisperRun *run = job->run;
    const size_t d = run->model->dims.n_state;
    nn_norm_run(run->context.kernels, &layer->attn_norm, block.count, run->x + block.first * d, d,
                worker->narrow, d);
    worker->rows.x = worker->narrow;
    worker->rows.stride = d;
    nn_rows_prepare(run->context.kernels, &worker->rows, 0, block.count, &layer->qkv.weight);
    const NnLinear q = nn_linear_columns(&layer->qkv, 0, d);
    const NnLinear kv = nn_linear_columns(&layer->qkv, d, 2 * d);
    const NnOutput out = {.c = run->queries + block.first * d, .stride = d};
    nn_linear_rows(run->context.kernels, &q, &worker->rows, 0, block.count, &out);
    store_keys_values(run, worker, &kv, block, &job->panels);
}

static void front_task(void *context, size_t index, size_t worker_index)
{
    const EncodeJob *job = context;
    WhisperWorker *worker = &job->run->workers[worker_index];
    const Block block = block_of(job, job->blocks, index);
    convolve(job, worker, block);
    project_attention(job, worker, block, &job->run->model->encoder[0]);
}

static void attention_task(void *context, size_t index, size_t worker_index)
{
    const EncodeJob *job = context;
    const WhisperRun *run = job->run;
    const size_t d = run->model->dims.n_state;
    const size_t head = index / job->queries.count;
    const Block block = block_of(job, job->queries, index % job->queries.count);
    const size_t at = block.first * d + head * run->model->head_size;
    nn_attention_panels(run->context.kernels, &job->panels, head, block.count, run->queries + at, d,
                        run->workers[worker_index].scores, run->attended + at, d);
}

// The rest of a layer: the attention's projection and the perceptron, both added to x.
static void finish_layer(const EncodeJob *job, WhisperWorker *worker, Block block,
                         const WhisperEncoderLayer *layer)
{
    const WhisperRun *run = job->run;
    const Kernels *kernels = run->context.kernels;
    const size_t d = run->model->dims.n_state;
    const size_t inner = layer->fc1.weight.n;
    float *x = run->x + block.first * d;
    NnRows *rows = &worker->rows;
    const NnOutput onto_x = {.c = x, .stride = d, .residual = x, .residual_stride = d};

    rows->x = run->attended + block.first * d;
    rows->stride = d;
    nn_rows_prepare(kernels, rows, 0, block.count, &layer->out.weight);
    nn_linear_rows(kernels, &layer->out, rows, 0, block.count, &onto_x);

    nn_norm_run(kernels, &layer->mlp_norm, block.count, x, d, worker->narrow, d);
    rows->x = worker->narrow;
    nn_rows_prepare(kernels, rows, 0, block.count, &layer->fc1.weight);
    const NnOutput hidden = {.c = worker->wide, .stride = inner, .gelu = true};
    nn_linear_rows(kernels, &layer->fc1, rows, 0, block.count, &hidden);

    rows->x = worker->wide;
    rows->stride = inner;
    nn_rows_prepare(kernels, rows, 0, block.count, &layer->fc2.weight);
    nn_linear_rows(kernels, &layer->fc2, rows, 0, block.count, &onto_x);
}

// The output, and the decoder's keys and values over it. The queries are no longer needed: the
// output takes their place.
static void finish_encoder(const EncodeJob *job, WhisperWorker *worker, Block block)
{
    const WhisperRun *run = job->run;
    const WhisperModel *model = run->model;
    const size_t d = model->dims.n_state;
    float *encoded = run->queries + block.first * d;
    nn_norm_run(model->kernels, &model->encoder_norm, block.count, run->x + block.first * d, d,
                encoded, d);
    worker->rows.x = encoded;
    worker->rows.stride = d;
    nn_rows_prepare(model->kernels, &worker->rows, 0, block.count,
                    &model->decoder[0].cross_kv.weight);
    for (size_t i = 0; i < model->dims.n_decoder_layers; i++) {
        const NnPanels panels = whisper_cross_panels(run, job->audio, i);
        store_keys_values(run, worker, &model->decoder[i].cross_kv, block, &panels);
    }
}

static void back_task(void *context, size_t index, size_t worker_index)
{
    const EncodeJob *job = context;
    const WhisperModel *model = job->run->model;
    WhisperWorker *worker = &job->run->workers[worker_index];
    const Block block = block_of(job, job->blocks, index);
    finish_layer(job, worker, block, &model->encoder[job->layer]);
    if (job->layer + 1 < model->dims.n_encoder_layers)
        project_attention(job, worker, block, &model->encoder[job->layer + 1]);
    else
        finish_encoder(job, worker, block);
}

ScoutStatus whisper_encode(WhisperRun *run, size_t audio, const float *mel, size_t frames,
                           ScoutError *error)
{
    const WhisperModel *model = run->model;
    const WhisperDims *dims = &model->dims;
    if (audio >= run->limits.audios)
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT, "audio %zu of a run that holds %zu",
                         audio, run->limits.audios);
    if (frames < 2 || frames % 2 != 0 || frames / 2 > dims->n_audio_ctx)
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                         "%zu mel frames: the encoder takes an even number from 2 to %zu", frames,
                         2 * dims->n_audio_ctx);
    const size_t positions = frames / 2;
    EncodeJob job = {
        .run = run,
        .mel = mel,
        .frames = frames,
        .positions = positions,
        .blocks = split(positions, WHISPER_BLOCK, run->threads),
        .queries = split(positions, NN_QUERIES_MAX, 1),
        .audio = audio,
        .panels = whisper_self_panels(model, positions),
    };
    nn_panels_place(&job.panels, run->panels);
    run->audios[audio].positions = positions;
    run->encoded_audio = audio;
    thread_pool_run(run->context.pool, job.blocks.count, front_task, &job);
    for (job.layer = 0; job.layer < dims->n_encoder_layers; job.layer++) {
        thread_pool_run(run->context.pool, dims->n_heads * job.queries.count, attention_task, &job);
        thread_pool_run(run->context.pool, job.blocks.count, back_task, &job);
        if (run->probe)
            run->probe(run->probe_context, job.layer, run->x, positions);
    }
    return SCOUT_OK;
}

const float *whisper_encoded(const WhisperRun *run, size_t audio, size_t *positions)
{
    const bool held = audio == run->encoded_audio;
    *positions = held ? run->audios[audio].positions : 0;
    return held ? run->queries : NULL;
}
