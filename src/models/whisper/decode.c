// The decoder: rows of tokens in, logits out. A row is one token at the end of a sequence; all rows
// of a call go through a layer together, so that the weights are read once. Products are cut into
// few long pieces, because a piece begins at the memory's latency; attention is cut by heads. In
// the last layer all rows leave keys and values, and only those whose result is wanted go on.
#include "whisper_internal.h"

#include <assert.h>
#include <string.h>

enum { SERIAL_ROWS = 8 }; // up to here the caller normalises alone: a pass would cost more

typedef struct DecodeJob {
    WhisperRun *run;
    size_t count;
    size_t layer;
    const WhisperCapture *capture;
    const size_t *kept; // rows that go on from self-attention, ascending; NULL if all do
    size_t kept_count;
    // Of the pass at hand:
    const NnNorm *norm; // NULL where the input is used as it is
    const NnMatrix *matrix;
} DecodeJob;

static void prepare_rows(const DecodeJob *job, size_t first, size_t count)
{
    const WhisperRun *run = job->run;
    const size_t d = run->model->dims.n_state;
    if (job->norm)
        nn_norm_run(run->context.kernels, job->norm, count, run->row_x + first * d, d,
                    run->row_normed + first * d, d);
    nn_rows_prepare(run->context.kernels, &run->row_input, first, count, job->matrix);
}

static void prepare_task(void *context, size_t index, size_t worker)
{
    (void)worker;
    const DecodeJob *job = context;
    const size_t first = index * SERIAL_ROWS;
    prepare_rows(job, first, BASE_MIN((size_t)SERIAL_ROWS, job->count - first));
}

// Makes x the input of the next products: normalised, or as it is when norm is NULL.
static void prepare(DecodeJob *job, const NnNorm *norm, const float *x, size_t width,
                    const NnLinear *linear)
{
    WhisperRun *run = job->run;
    run->row_input.x = norm ? run->row_normed : x;
    run->row_input.stride = width;
    job->norm = norm;
    job->matrix = &linear->weight;
    if (job->count <= SERIAL_ROWS)
        prepare_rows(job, 0, job->count);
    else
        thread_pool_run(run->context.pool, (job->count + SERIAL_ROWS - 1) / SERIAL_ROWS,
                        prepare_task, job);
}

static void prepare_normed(DecodeJob *job, const NnNorm *norm, const NnLinear *linear)
{
    prepare(job, norm, job->run->row_x, job->run->model->dims.n_state, linear);
}

// x += linear(from)
static void add_projected(DecodeJob *job, const NnLinear *linear, const float *from)
{
    WhisperRun *run = job->run;
    const size_t d = run->model->dims.n_state;
    prepare(job, NULL, from, linear->weight.k, linear);
    const NnOutput out = {
        .c = run->row_x, .stride = d, .residual = run->row_x, .residual_stride = d};
    nn_linear_run(&run->context, linear, &run->row_input, job->count, &out);
}

// All keys and values first: rows see those before them.
static void self_task(void *context, size_t head, size_t worker)
{
    const DecodeJob *job = context;
    const WhisperRun *run = job->run;
    const WhisperModel *model = run->model;
    const size_t d = model->dims.n_state;
    const size_t size = model->head_size;
    const size_t keys = whisper_key_offset(model, job->layer, head);
    const size_t values = whisper_value_offset(model, job->layer, head);
    for (size_t i = 0; i < job->count; i++) {
        float *place = run->row_sequences[i]->places[run->row_lengths[i] - 1];
        const float *qkv = run->row_qkv + i * 3 * d + head * size;
        memcpy(place + keys, qkv + d, size * sizeof(float));
        memcpy(place + values, qkv + 2 * d, size * sizeof(float));
    }
    for (size_t j = 0; j < job->kept_count; j++) {
        const size_t i = job->kept ? job->kept[j] : j;
        const NnCache past = {.places = (const float *const *)run->row_sequences[i]->places,
                              .length = run->row_lengths[i],
                              .keys = keys,
                              .values = values};
        nn_attention_cached(model->kernels, &past, size, run->row_qkv + i * 3 * d + head * size,
                            run->workers[worker].scores, run->row_attended + j * d + head * size);
    }
}

// Copies the softmax of rows first..first+count if this is an alignment head.
static void capture_scores(const DecodeJob *job, size_t head, size_t first, size_t count,
                           size_t positions, const float *scores)
{
    const WhisperModel *model = job->run->model;
    const WhisperCapture *capture = job->capture;
    for (size_t i = 0; capture && i < model->alignment_count; i++) {
        if (model->alignment[i].layer != job->layer || model->alignment[i].head != head)
            continue;
        const size_t row = i * capture->count + first;
        memcpy(capture->weights + row * positions, scores, count * positions * sizeof(float));
    }
}

// One head for the rows of one audio.
static void cross_task(void *context, size_t index, size_t worker)
{
    const DecodeJob *job = context;
    const WhisperRun *run = job->run;
    const WhisperModel *model = run->model;
    const size_t d = model->dims.n_state;
    const size_t head = index % model->dims.n_heads;
    const size_t column = head * model->head_size;
    const WhisperSpan span = run->spans[index / model->dims.n_heads];
    const NnPanels panels = whisper_cross_panels(run, span.audio, job->layer);
    float *q = run->row_qkv + column;
    float *scores = run->workers[worker].scores;
    for (size_t done = 0; done < span.count; done += NN_QUERIES_MAX) {
        const size_t first = span.first + done;
        const size_t count = BASE_MIN((size_t)NN_QUERIES_MAX, span.count - done);
        nn_attention_panels(model->kernels, &panels, head, count, q + first * d, d, scores,
                            run->row_attended + first * d + column, d);
        capture_scores(job, head, first, count, panels.length, scores);
    }
}

static void find_spans(WhisperRun *run, size_t count)
{
    run->span_count = 0;
    for (size_t i = 0; i < count; i++) {
        const size_t audio = run->row_sequences[i]->audio;
        if (run->span_count > 0 && run->spans[run->span_count - 1].audio == audio)
            run->spans[run->span_count - 1].count++;
        else
            run->spans[run->span_count++] = (WhisperSpan){.first = i, .count = 1, .audio = audio};
    }
}

// Only the kept rows are left.
static void keep_rows(DecodeJob *job)
{
    WhisperRun *run = job->run;
    const size_t d = run->model->dims.n_state;
    for (size_t j = 0; j < job->kept_count; j++) {
        const size_t i = job->kept[j];
        assert(i >= j);
        if (i == j)
            continue;
        memcpy(run->row_x + j * d, run->row_x + i * d, d * sizeof(float));
        run->row_sequences[j] = run->row_sequences[i];
    }
    job->count = job->kept_count;
    find_spans(run, job->count);
}

static void self_attend(DecodeJob *job, const WhisperDecoderLayer *layer, const size_t *kept,
                        size_t kept_count)
{
    WhisperRun *run = job->run;
    prepare_normed(job, &layer->attn_norm, &layer->qkv);
    const NnOutput qkv = {.c = run->row_qkv, .stride = 3 * run->model->dims.n_state};
    nn_linear_run(&run->context, &layer->qkv, &run->row_input, job->count, &qkv);
    job->kept = kept;
    job->kept_count = kept ? kept_count : job->count;
    thread_pool_run(run->context.pool, run->model->dims.n_heads, self_task, job);
    if (kept)
        keep_rows(job);
}

// Rows that are not kept leave keys and values only; all are kept if kept is NULL.
static void decode_layer(DecodeJob *job, const size_t *kept, size_t kept_count)
{
    WhisperRun *run = job->run;
    const WhisperDecoderLayer *layer = &run->model->decoder[job->layer];

    self_attend(job, layer, kept, kept_count);
    if (job->count == 0)
        return;
    add_projected(job, &layer->out, run->row_attended);

    prepare_normed(job, &layer->cross_norm, &layer->cross_q);
    const NnOutput q = {.c = run->row_qkv, .stride = run->model->dims.n_state};
    nn_linear_run(&run->context, &layer->cross_q, &run->row_input, job->count, &q);
    thread_pool_run(run->context.pool, run->span_count * run->model->dims.n_heads, cross_task, job);
    add_projected(job, &layer->cross_out, run->row_attended);

    prepare_normed(job, &layer->mlp_norm, &layer->fc1);
    const NnOutput hidden = {.c = run->row_hidden, .stride = layer->fc1.weight.n, .gelu = true};
    nn_linear_run(&run->context, &layer->fc1, &run->row_input, job->count, &hidden);
    add_projected(job, &layer->fc2, run->row_hidden);
}

static ScoutStatus check_rows(const WhisperRun *run, const WhisperRow *rows, size_t count,
                              ScoutError *error)
{
    const WhisperDims *dims = &run->model->dims;
    if (count < 1 || count > run->limits.rows)
        return error_set(error, SCOUT_ERROR_LIMIT, "%zu rows for a run of 1 to %zu", count,
                         run->limits.rows);
    for (size_t i = 0; i < count; i++) {
        const WhisperRow *row = &rows[i];
        if (row->sequence >= run->limits.sequences || row->token < 0 ||
            (size_t)row->token >= dims->n_vocab)
            return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                             "row %zu: token %d of sequence %zu, with %zu tokens and %zu sequences",
                             i, (int)row->token, row->sequence, dims->n_vocab,
                             run->limits.sequences);
        const size_t audio = run->sequences[row->sequence].audio;
        if (run->audios[audio].positions == 0)
            return error_set(error, SCOUT_ERROR_STATE,
                             "sequence %zu belongs to audio %zu, which has not been encoded",
                             row->sequence, audio);
    }
    return SCOUT_OK;
}

// Gives every row a slot at the end of its sequence; takes all back if that fails for one.
static ScoutStatus append_rows(WhisperRun *run, const WhisperRow *rows, size_t count,
                               ScoutError *error)
{
    const size_t n_text_ctx = run->model->dims.n_text_ctx;
    for (size_t i = 0; i < count; i++) {
        WhisperSequence *sequence = &run->sequences[rows[i].sequence];
        const ScoutStatus status =
            sequence->length < n_text_ctx
                ? whisper_slot_append(run, sequence, error)
                : error_set(error, SCOUT_ERROR_LIMIT, "a sequence holds at most %zu tokens",
                            n_text_ctx);
        if (status != SCOUT_OK) {
            for (size_t j = i; j-- > 0;)
                whisper_sequence_truncate(run, rows[j].sequence,
                                          run->sequences[rows[j].sequence].length - 1);
            return status;
        }
        run->row_sequences[i] = sequence;
        run->row_lengths[i] = sequence->length;
    }
    return SCOUT_OK;
}

static void embed(WhisperRun *run, const WhisperRow *rows, size_t count)
{
    const WhisperModel *model = run->model;
    const size_t d = model->dims.n_state;
    for (size_t i = 0; i < count; i++) {
        float *x = run->row_x + i * d;
        nn_matrix_row(&model->embedding, (size_t)rows[i].token, x);
        model->kernels->add(d, x, model->decoder_positions + (run->row_lengths[i] - 1) * d, x);
    }
}

ScoutStatus whisper_decode_states(WhisperRun *run, const WhisperRow *rows, size_t count,
                                  const WhisperCapture *capture, bool wanted_only,
                                  ScoutError *error)
{
    ScoutStatus status = check_rows(run, rows, count, error);
    if (!status)
        status = append_rows(run, rows, count, error);
    if (status)
        return status;
    size_t kept_count = 0;
    for (size_t i = 0; i < count; i++)
        if (rows[i].want_logits)
            run->row_kept[kept_count++] = i;
    find_spans(run, count);
    embed(run, rows, count);
    DecodeJob job = {.run = run, .count = count, .capture = capture};
    const size_t last = run->model->dims.n_decoder_layers - 1;
    for (; job.layer < last; job.layer++)
        decode_layer(&job, NULL, 0);
    decode_layer(&job, wanted_only ? run->row_kept : NULL, kept_count);
    return SCOUT_OK;
}

void whisper_project(WhisperRun *run, size_t first, size_t count, size_t n_vocab, float *logits)
{
    const WhisperModel *model = run->model;
    const size_t d = model->dims.n_state;
    if (count == 0)
        return;
    if (first > 0)
        memmove(run->row_x, run->row_x + first * d, count * d * sizeof(float));
    DecodeJob job = {.run = run, .count = count};
    const NnLinear projection = nn_linear_columns(&model->projection, 0, n_vocab);
    prepare_normed(&job, &model->decoder_norm, &projection);
    const NnOutput out = {.c = logits, .stride = n_vocab};
    nn_linear_run(&run->context, &projection, &run->row_input, count, &out);
}

ScoutStatus whisper_decode(WhisperRun *run, const WhisperRow *rows, size_t count, float *logits,
                           ScoutError *error)
{
    const ScoutStatus status = whisper_decode_states(run, rows, count, NULL, true, error);
    if (status)
        return status;
    size_t wanted = 0;
    for (size_t i = 0; i < count; i++)
        wanted += rows[i].want_logits;
    whisper_project(run, 0, wanted, run->model->dims.n_vocab, logits);
    return SCOUT_OK;
}
