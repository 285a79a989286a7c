// The encoder. Everything between two attentions belongs to single positions, so one task takes a
// block of positions through all of it while the block stays in cache: the convolutions and the
// first layer's queries, keys and values; then, layer by layer, attention over all heads and blocks
// of queries, and what follows up to the next layer's queries, keys and values (or, in the end, the
// encoder's output). So a layer costs two passes over the pool. Then come the keys and values that
// the decoder will attend to. Between any two steps the run may do something else.
#include "whisper_internal.h"

#include <string.h>

#include "base/memory.h"

enum {
    // Decoder layers whose keys and values are one step's work: as much as a layer of the encoder.
    CROSS_LAYERS = 6,
    IDLE_MOST = 2, // encodings kept for reuse
    BLOCK_UNIT = KERNELS_PANEL,
    QUERIES_UNIT = 2 * KERNELS_PANEL,
};

// Positions cut into `count` blocks of about the same size: whole `units` of positions, but for the
// end of the last one, because whole panels of keys and whole tiles are the fastest.
typedef struct Split {
    size_t count, units, unit;
} Split;

// One window on its way, with memory for any window.
struct WhisperEncoding {
    WhisperRun *run;
    WhisperEncoding *next; // of the idle ones
    float *x;              // [n_audio_ctx][n_state], the residual stream
    float *queries;        // [n_audio_ctx][n_state]; holds the encoder's output in the end
    float *attended;       // [n_audio_ctx][n_state]
    void *memory;          // of the keys and values

    const float *mel;
    size_t frames;
    size_t positions;
    size_t audio;
    Split blocks;    // for one thread to take through a layer
    Split attending; // queries that attend together
    NnPanels panels; // self-attention
    size_t step;     // those done: the front, the layers, and the decoder's keys and values
    size_t layer;    // the layer under way; of the decoder, the first one
};

typedef struct Block {
    size_t first, count; // positions
} Block;

// The fewest blocks of at most `most` positions, in a multiple of `threads`, so that all threads
// end at about the same time. Where the cuts are does not change the results.
static Split split(size_t positions, size_t most, size_t unit, size_t threads)
{
    const size_t units = (positions + unit - 1) / unit;
    const size_t in_round = most / unit * threads;
    const size_t rounds = (units + in_round - 1) / in_round;
    return (Split){.count = BASE_MIN(rounds * threads, units), .units = units, .unit = unit};
}

static Block block_of(const WhisperEncoding *job, Split cut, size_t index)
{
    const size_t first = index * cut.units / cut.count * cut.unit;
    const size_t end = (index + 1) * cut.units / cut.count * cut.unit;
    return (Block){first, BASE_MIN(end, job->positions) - first};
}

// Mel frames first..first+count, with zeros where the window has none.
static void gather_mel(const WhisperEncoding *job, ptrdiff_t first, size_t count, float *out)
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
static void convolve(const WhisperEncoding *job, WhisperWorker *worker, Block block)
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
        .c = job->x + block.first * d,
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
    const size_t stride = 2 * d + WHISPER_GAP;
    const NnOutput out = {.c = worker->wide, .stride = stride};
    nn_linear_rows(run->context.kernels, linear, &worker->rows, 0, block.count, &out);
    nn_panels_store(run->context.kernels, panels, block.first, block.count, worker->wide,
                    worker->wide + d, stride);
}

// Queries, keys and values of the next attention.
static void project_attention(const WhisperEncoding *job, WhisperWorker *worker, Block block,
                              const WhisperEncoderLayer *layer)
{
    const WhisperRun *run = job->run;
    const size_t d = run->model->dims.n_state;
    nn_norm_run(run->context.kernels, &layer->attn_norm, block.count, job->x + block.first * d, d,
                worker->narrow, d);
    worker->rows.x = worker->narrow;
    worker->rows.stride = d;
    nn_rows_prepare(run->context.kernels, &worker->rows, 0, block.count, &layer->qkv.weight);
    const NnLinear q = nn_linear_columns(&layer->qkv, 0, d);
    const NnLinear kv = nn_linear_columns(&layer->qkv, d, 2 * d);
    const NnOutput out = {.c = job->queries + block.first * d, .stride = d};
    nn_linear_rows(run->context.kernels, &q, &worker->rows, 0, block.count, &out);
    store_keys_values(run, worker, &kv, block, &job->panels);
}

static void front_task(void *context, size_t index, size_t worker_index)
{
    const WhisperEncoding *job = context;
    WhisperWorker *worker = &job->run->workers[worker_index];
    const Block block = block_of(job, job->blocks, index);
    convolve(job, worker, block);
    project_attention(job, worker, block, &job->run->model->encoder[0]);
}

static void attention_task(void *context, size_t index, size_t worker_index)
{
    const WhisperEncoding *job = context;
    const WhisperRun *run = job->run;
    const size_t d = run->model->dims.n_state;
    const size_t head = index / job->attending.count;
    const Block block = block_of(job, job->attending, index % job->attending.count);
    const size_t at = block.first * d + head * run->model->head_size;
    nn_attend(run->context.kernels, &job->panels, head, block.count, job->queries + at, d,
              run->workers[worker_index].scores, job->attended + at, d);
}

// The rest of a layer: the attention's projection and the perceptron, both added to x.
static void finish_layer(const WhisperEncoding *job, WhisperWorker *worker, Block block,
                         const WhisperEncoderLayer *layer)
{
    const WhisperRun *run = job->run;
    const Kernels *kernels = run->context.kernels;
    const size_t d = run->model->dims.n_state;
    const size_t inner = layer->fc1.weight.n;
    float *x = job->x + block.first * d;
    NnRows *rows = &worker->rows;
    const NnOutput onto_x = {.c = x, .stride = d, .residual = x, .residual_stride = d};

    rows->x = job->attended + block.first * d;
    rows->stride = d;
    nn_rows_prepare(kernels, rows, 0, block.count, &layer->out.weight);
    nn_linear_rows(kernels, &layer->out, rows, 0, block.count, &onto_x);

    nn_norm_run(kernels, &layer->mlp_norm, block.count, x, d, worker->narrow, d);
    rows->x = worker->narrow;
    nn_rows_prepare(kernels, rows, 0, block.count, &layer->fc1.weight);
    const NnOutput hidden = {.c = worker->wide, .stride = inner + WHISPER_GAP, .gelu = true};
    nn_linear_rows(kernels, &layer->fc1, rows, 0, block.count, &hidden);

    rows->x = worker->wide;
    rows->stride = hidden.stride;
    nn_rows_prepare(kernels, rows, 0, block.count, &layer->fc2.weight);
    nn_linear_rows(kernels, &layer->fc2, rows, 0, block.count, &onto_x);
}

// The output takes the queries' place: they are no longer needed.
static void finish_encoder(const WhisperEncoding *job, Block block)
{
    const WhisperModel *model = job->run->model;
    const size_t d = model->dims.n_state;
    const size_t at = block.first * d;
    nn_norm_run(model->kernels, &model->encoder_norm, block.count, job->x + at, d,
                job->queries + at, d);
}

static void back_task(void *context, size_t index, size_t worker_index)
{
    const WhisperEncoding *job = context;
    const WhisperModel *model = job->run->model;
    WhisperWorker *worker = &job->run->workers[worker_index];
    const Block block = block_of(job, job->blocks, index);
    finish_layer(job, worker, block, &model->encoder[job->layer]);
    if (job->layer + 1 < model->dims.n_encoder_layers)
        project_attention(job, worker, block, &model->encoder[job->layer + 1]);
    else
        finish_encoder(job, block);
}

// The keys and values over the output for some layers of the decoder.
static void cross_task(void *context, size_t index, size_t worker_index)
{
    const WhisperEncoding *job = context;
    const WhisperRun *run = job->run;
    const WhisperModel *model = run->model;
    WhisperWorker *worker = &run->workers[worker_index];
    const Block block = block_of(job, job->blocks, index);
    const size_t end = BASE_MIN(job->layer + CROSS_LAYERS, model->dims.n_decoder_layers);
    worker->rows.x = job->queries + block.first * model->dims.n_state;
    worker->rows.stride = model->dims.n_state;
    nn_rows_prepare(model->kernels, &worker->rows, 0, block.count,
                    &model->decoder[job->layer].cross_kv.weight);
    for (size_t i = job->layer; i < end; i++) {
        const NnPanels panels = whisper_cross_panels(run, job->audio, i);
        store_keys_values(run, worker, &model->decoder[i].cross_kv, block, &panels);
    }
}

static void free_encoding(WhisperEncoding *encoding)
{
    mem_free(encoding->x);
    mem_free(encoding->queries);
    mem_free(encoding->attended);
    mem_free(encoding->memory);
    mem_free(encoding);
}

static WhisperEncoding *make_encoding(WhisperRun *run)
{
    const WhisperDims *dims = &run->model->dims;
    const size_t elements = mem_multiply(dims->n_audio_ctx, dims->n_state);
    const NnPanels panels = whisper_self_panels(run->model, dims->n_audio_ctx);
    WhisperEncoding *made = mem_array(1, sizeof(*made));
    if (!made)
        return NULL;
    made->run = run;
    made->x = mem_aligned(elements, sizeof(float));
    made->queries = mem_aligned(elements, sizeof(float));
    made->attended = mem_aligned(elements, sizeof(float));
    made->memory = mem_aligned(nn_panels_bytes(&panels), 1);
    if (made->x && made->queries && made->attended && made->memory)
        return made;
    free_encoding(made);
    return NULL;
}

bool whisper_encodings_reserve(WhisperRun *run)
{
    run->idle_encodings = make_encoding(run);
    return run->idle_encodings;
}

void whisper_encodings_free(WhisperRun *run)
{
    while (run->idle_encodings) {
        WhisperEncoding *first = run->idle_encodings;
        run->idle_encodings = first->next;
        free_encoding(first);
    }
}

static WhisperEncoding *take_encoding(WhisperRun *run)
{
    WhisperEncoding *idle = run->idle_encodings;
    if (!idle)
        return make_encoding(run);
    run->idle_encodings = idle->next;
    if (run->encoded == idle)
        run->encoded = NULL;
    return idle;
}

// Beyond the few that are kept, the one that has been idle longest goes, but for that whose output
// may still be read.
static void drop_surplus(WhisperRun *run)
{
    size_t count = 0;
    WhisperEncoding **oldest = NULL;
    for (WhisperEncoding **at = &run->idle_encodings; *at; at = &(*at)->next) {
        count++;
        if (*at != run->encoded)
            oldest = at;
    }
    if (count <= IDLE_MOST || !oldest)
        return;
    WhisperEncoding *surplus = *oldest;
    *oldest = surplus->next;
    free_encoding(surplus);
}

static void give_encoding(WhisperEncoding *encoding)
{
    WhisperRun *run = encoding->run;
    encoding->next = run->idle_encodings;
    run->idle_encodings = encoding;
    drop_surplus(run);
}

ScoutStatus whisper_encoding_new(WhisperRun *run, size_t audio, const float *mel, size_t frames,
                                 WhisperEncoding **encoding, ScoutError *error)
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
    if (run->audios[audio].encoding)
        return error_set(error, SCOUT_ERROR_STATE, "audio %zu is being encoded already", audio);
    WhisperEncoding *job = take_encoding(run);
    if (!job)
        return error_no_memory(error);
    const ScoutStatus status = whisper_audio_take(run, audio, frames / 2, error);
    if (status != SCOUT_OK) {
        give_encoding(job);
        return status;
    }
    if (run->encoded && run->encoded->audio == audio)
        run->encoded = NULL;
    job->mel = mel;
    job->frames = frames;
    job->positions = frames / 2;
    job->audio = audio;
    job->blocks = split(job->positions, WHISPER_BLOCK, BLOCK_UNIT, run->threads);
    job->attending = split(job->positions, NN_QUERIES_MAX, QUERIES_UNIT, 1);
    job->panels = whisper_self_panels(model, job->positions);
    job->step = 0;
    nn_panels_place(&job->panels, job->memory);
    run->audios[audio].encoding = job;
    *encoding = job;
    return SCOUT_OK;
}

static void encode_layer(WhisperEncoding *job)
{
    const WhisperRun *run = job->run;
    ThreadPool *pool = run->context.pool;
    thread_pool_run(pool, run->model->dims.n_heads * job->attending.count, attention_task, job);
    thread_pool_run(pool, job->blocks.count, back_task, job);
    if (run->probe)
        run->probe(run->probe_context, job->layer, job->x, job->positions);
}

bool whisper_encoding_step(WhisperEncoding *encoding)
{
    WhisperRun *run = encoding->run;
    const WhisperDims *dims = &run->model->dims;
    WhisperAudio *audio = &run->audios[encoding->audio];
    if (audio->encoding != encoding)
        return false;
    const size_t step = encoding->step++;
    if (step == 0) {
        thread_pool_run(run->context.pool, encoding->blocks.count, front_task, encoding);
        return true;
    }
    encoding->layer = step - 1;
    if (encoding->layer < dims->n_encoder_layers) {
        encode_layer(encoding);
        return true;
    }
    encoding->layer = (encoding->layer - dims->n_encoder_layers) * CROSS_LAYERS;
    audio->positions = encoding->positions;
    thread_pool_run(run->context.pool, encoding->blocks.count, cross_task, encoding);
    if (encoding->layer + CROSS_LAYERS < dims->n_decoder_layers) {
        audio->positions = 0;
        return true;
    }
    audio->encoding = NULL;
    run->encoded = encoding;
    return false;
}

void whisper_encoding_free(WhisperEncoding *encoding)
{
    if (!encoding)
        return;
    WhisperAudio *audio = &encoding->run->audios[encoding->audio];
    if (audio->encoding == encoding)
        audio->encoding = NULL;
    give_encoding(encoding);
}

ScoutStatus whisper_encode(WhisperRun *run, size_t audio, const float *mel, size_t frames,
                           ScoutError *error)
{
    WhisperEncoding *encoding = NULL;
    const ScoutStatus status = whisper_encoding_new(run, audio, mel, frames, &encoding, error);
    if (status != SCOUT_OK || !encoding)
        return status;
    while (whisper_encoding_step(encoding)) {
    }
    whisper_encoding_free(encoding);
    return SCOUT_OK;
}

const float *whisper_encoded(const WhisperRun *run, size_t audio, size_t *positions)
{
    const bool held = run->encoded && run->encoded->audio == audio;
    *positions = held ? run->encoded->positions : 0;
    return held ? run->encoded->queries : NULL;
}
