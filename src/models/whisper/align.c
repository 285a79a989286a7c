// Teacher-forced decoding of a whole text, for word times: the cross-attention of the alignment
// heads and the probability of each token, as find_alignment of openai-whisper takes them. The
// softmax of a head runs over the positions of the window; that of a token over the ids below the
// end token, so timestamps and all other special tokens are excluded, and their own probability is
// 0.
#include "whisper_internal.h"

typedef struct ProbabilityJob {
    float *logits;
    size_t n_text; // ids below the end token
    const Kernels *kernels;
    const int32_t *next; // the token whose probability each row gives
    float *out;
} ProbabilityJob;

static void probability_task(void *context, size_t index, size_t worker)
{
    (void)worker;
    const ProbabilityJob *job = context;
    float *row = job->logits + index * job->n_text;
    const int32_t token = job->next[index];
    if (token < 0 || (size_t)token >= job->n_text) {
        job->out[index] = 0.0F;
        return;
    }
    job->kernels->softmax(job->n_text, row, 1.0F);
    job->out[index] = row[token];
}

// Probabilities of next[0..count), each after its row of the pass at hand.
static void probabilities_of(WhisperRun *run, const int32_t *next, size_t count, float *out)
{
    const size_t n_text = (size_t)bpe_special(run->model->bpe)->end;
    for (size_t first = 0; first < count; first += WHISPER_LOGIT_ROWS) {
        const size_t n = BASE_MIN((size_t)WHISPER_LOGIT_ROWS, count - first);
        whisper_project(run, first, n, n_text, run->align_logits);
        ProbabilityJob job = {
            .logits = run->align_logits,
            .n_text = n_text,
            .kernels = run->context.kernels,
            .next = next + first,
            .out = out + first,
        };
        thread_pool_run(run->context.pool, n, probability_task, &job);
    }
}

ScoutStatus whisper_align(WhisperRun *run, size_t audio, size_t sequence, const int32_t *tokens,
                          size_t count, float *weights, float *probabilities, ScoutError *error)
{
    if (audio >= run->limits.audios || sequence >= run->limits.sequences)
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                         "audio %zu and sequence %zu of a run that holds %zu and %zu", audio,
                         sequence, run->limits.audios, run->limits.sequences);
    if (count < 1 || count > run->model->dims.n_text_ctx)
        return error_set(error, SCOUT_ERROR_LIMIT, "%zu tokens: a sequence holds 1 to %zu", count,
                         run->model->dims.n_text_ctx);
    for (size_t i = 0; i < count; i++)
        run->align_rows[i] = (WhisperRow){.sequence = sequence, .token = tokens[i]};
    whisper_sequence_start(run, sequence, audio);
    const WhisperCapture capture = {.weights = weights, .count = count};
    const ScoutStatus status =
        whisper_decode_states(run, run->align_rows, count, &capture, false, error);
    if (status)
        return status;
    if (probabilities)
        probabilities_of(run, tokens + 1, count - 1, probabilities);
    return SCOUT_OK;
}
