// The logit filters: see rules.h.
#include "rules.h"

#include <math.h>

#include "base/attributes.h"

static void close_token(Rules *rules, int32_t token)
{
    if (token >= 0 && (size_t)token < rules->n_vocab && rules->closed_count < RULES_CLOSED_MAX)
        rules->closed[rules->closed_count++] = token;
}

void rules_init(Rules *rules, const Kernels *kernels, const Bpe *bpe, bool timestamps,
                bool suppress_non_speech)
{
    const BpeSpecial *special = bpe_special(bpe);
    *rules = (Rules){
        .kernels = kernels,
        .n_vocab = bpe_size(bpe),
        .end = special->end,
        .timestamp_first = special->timestamp_first,
        .no_timestamps = special->no_timestamps,
        .blank = -1,
        .timestamps = timestamps,
        .first_timestamp_max = 50, // 1.0 s
        .last_timestamp = BPE_TIMESTAMPS - 1,
    };
    int32_t space[4];
    size_t count = 0;
    if (bpe_encode(bpe, " ", 1, space, BASE_COUNT(space), &count, NULL) == SCOUT_OK && count == 1)
        rules->blank = space[0];
    if (suppress_non_speech) { // the list holds the marks of the prompt too
        const int32_t *ids;
        bpe_suppressed(bpe, &ids, &count);
        for (size_t i = 0; i < count; i++)
            close_token(rules, ids[i]);
        return;
    }
    close_token(rules, special->start);
    close_token(rules, special->translate);
    close_token(rules, special->transcribe);
    close_token(rules, special->start_of_lm);
    close_token(rules, special->start_of_prev);
    close_token(rules, special->no_speech);
}

// Which timestamps may follow, as [first, end) of the vocabulary, and whether text and end may.
typedef struct Turns {
    int32_t timestamp_first, timestamp_end;
    bool text, end;
} Turns;

// Timestamps come in pairs, except directly before the end, and never go back; a segment is never
// empty, or the window would not move on.
static Turns timestamp_turns(const Rules *rules, const int32_t *written, size_t count)
{
    int32_t first = rules->timestamp_first;
    Turns turns = {first, first + rules->last_timestamp + 1, true, true};
    if (count == 0) {
        turns.text = turns.end = false;
        turns.timestamp_end = BASE_MIN(turns.timestamp_end, first + rules->first_timestamp_max + 1);
        return turns;
    }
    bool last_is = written[count - 1] >= first;
    bool before_is = count < 2 || written[count - 2] >= first;
    if (last_is && before_is)
        turns.timestamp_first = turns.timestamp_end;
    else if (last_is)
        turns.text = false;
    bool at_end = last_is && !before_is && rules->last_timestamp + 1 < BPE_TIMESTAMPS &&
                  written[count - 1] >= first + rules->last_timestamp;
    if (at_end) // a text has closed where the sound ends: nothing can begin there
        turns.timestamp_first = turns.timestamp_end;
    for (size_t i = count; i-- > 0;) {
        if (written[i] < first)
            continue;
        int32_t lowest = last_is && !before_is ? written[i] : written[i] + 1;
        turns.timestamp_first = BASE_MAX(turns.timestamp_first, lowest);
        break;
    }
    return turns;
}

void rules_apply(const Rules *rules, const int32_t *written, size_t count, float *logits,
                 LogitRanges *open)
{
    for (size_t i = 0; i < rules->closed_count; i++)
        logits[rules->closed[i]] = -INFINITY;
    if (count == 0) {
        logits[rules->end] = -INFINITY;
        if (rules->blank >= 0)
            logits[rules->blank] = -INFINITY;
    }
    *open = (LogitRanges){0};
    if (!rules->timestamps) {
        logit_ranges_add(open, 0, rules->n_vocab);
        return;
    }
    if (rules->no_timestamps >= 0)
        logits[rules->no_timestamps] = -INFINITY;

    // Whatever the model thinks comes after the end of the sound is at its end.
    size_t last = (size_t)rules->timestamp_first + (size_t)rules->last_timestamp;
    LogitRanges late = {0};
    logit_ranges_add(&late, last, rules->n_vocab);
    logits[last] = (float)logits_log_sum_exp(rules->kernels, logits, &late);

    // The tokens between end and the first timestamp (languages and marks) go with the end.
    Turns turns = timestamp_turns(rules, written, count);
    LogitRanges text = {0}, times = {0};
    if (turns.text)
        logit_ranges_add(&text, 0, (size_t)rules->end);
    if (turns.end)
        logit_ranges_add(&text, (size_t)rules->end, (size_t)rules->timestamp_first);
    if (turns.timestamp_first < turns.timestamp_end)
        logit_ranges_add(&times, (size_t)turns.timestamp_first, (size_t)turns.timestamp_end);

    // When all timestamps together are likelier than the best other token, it must be one of them.
    if (logits_log_sum_exp(rules->kernels, logits, &times) >
        (double)logits_max(rules->kernels, logits, &text)) {
        *open = times;
        return;
    }
    *open = text;
    if (times.count)
        logit_ranges_add(open, times.range[0].first, times.range[0].end);
}
