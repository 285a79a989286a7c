// Languages: see votes.h.
#include "votes.h"

#include <math.h>

#include "base/memory.h"
#include "models/tokenizer.h"

// A language is certain when it is this probable, or when that much speech makes it more probable
// than all others.
static const double LANGUAGE_SURE = 0.95, LANGUAGE_LIKELY = 0.5;
static const int64_t LANGUAGE_SPEECH_SAMPLES = (int64_t)10 * SCOUT_SAMPLE_RATE;

ScoutStatus votes_init(Votes *votes, ScoutError *error)
{
    *votes = (Votes){.scores = mem_array(language_count(), sizeof(double)),
                     .logprobs = mem_array(language_count(), sizeof(float))};
    if (votes->scores && votes->logprobs)
        return SCOUT_OK;
    votes_done(votes);
    return error_no_memory(error);
}

void votes_done(Votes *votes)
{
    mem_free(votes->scores);
    mem_free(votes->logprobs);
    *votes = (Votes){0};
}

ScoutStatus votes_add(Votes *votes, Window *window, int64_t speech, ScoutError *error)
{
    ScoutStatus status = window_detect_language(window, votes->logprobs, error);
    if (status != SCOUT_OK)
        return status;
    for (size_t i = 0; i < language_count(); i++)
        votes->scores[i] += (double)votes->logprobs[i];
    votes->speech += speech;
    return SCOUT_OK;
}

bool votes_choose(const Votes *votes, size_t *language, float *probability)
{
    const double *scores = votes->scores;
    size_t best = 0;
    double sum = 0;
    for (size_t i = 1; i < language_count(); i++)
        best = scores[i] > scores[best] ? i : best;
    for (size_t i = 0; i < language_count(); i++)
        sum += exp(scores[i] - scores[best]);
    *language = best;
    *probability = (float)(1 / sum);
    return 1 / sum >= (votes->speech >= LANGUAGE_SPEECH_SAMPLES ? LANGUAGE_LIKELY : LANGUAGE_SURE);
}
