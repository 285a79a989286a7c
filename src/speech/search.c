// Beam search and sampling over one window: see search.h.
#include "search.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/attributes.h"
#include "base/memory.h"

typedef struct Hypothesis {
    int32_t *tokens; // without the end
    size_t count;
    double score;   // what hypotheses are compared by, without what is pending on a hotword
    double logprob; // the model's own
    HotwordState hotword;
    bool ended;
} Hypothesis;

typedef struct Candidate {
    double rank;  // of the text with this token, with what is pending
    double score; // without
    double logprob;
    int32_t token;
    HotwordState hotword;
    size_t source; // the live hypothesis it continues
    size_t order;  // among that one's candidates
} Candidate;

struct Search {
    size_t n_vocab, width_max, finished_max, tokens_max;
    Hypothesis *live, *next, *finished;
    size_t live_count, finished_count;
    int32_t *tokens;       // the memory of every hypothesis
    float *logits;         // [width_max][n_vocab]
    Candidate *candidates; // [width_max][width_max + 1 + HOTWORDS_CANDIDATES_MAX]
    WhisperRow *rows;
    size_t *from;
};

void search_free(Search *search)
{
    if (!search)
        return;
    mem_free(search->live);
    mem_free(search->next);
    mem_free(search->finished);
    mem_free(search->tokens);
    mem_free(search->logits);
    mem_free(search->candidates);
    mem_free(search->rows);
    mem_free(search->from);
    mem_free(search);
}

ScoutStatus search_new(size_t n_vocab, size_t width_max, size_t finished_max, size_t tokens_max,
                       Search **search, ScoutError *error)
{
    Search *made = mem_array(1, sizeof *made);
    if (!made)
        return error_no_memory(error);
    *made = (Search){.n_vocab = n_vocab,
                     .width_max = width_max,
                     .finished_max = BASE_MAX(finished_max, width_max),
                     .tokens_max = tokens_max};
    size_t hypotheses = 2 * width_max + made->finished_max;
    size_t a_row = width_max + 1 + HOTWORDS_CANDIDATES_MAX;
    made->live = mem_array(width_max, sizeof *made->live);
    made->next = mem_array(width_max, sizeof *made->next);
    made->finished = mem_array(made->finished_max, sizeof *made->finished);
    made->tokens = mem_array(mem_multiply(hypotheses, tokens_max), sizeof *made->tokens);
    made->logits = mem_aligned(mem_multiply(width_max, n_vocab), sizeof *made->logits);
    made->candidates = mem_array(mem_multiply(width_max, a_row), sizeof *made->candidates);
    made->rows = mem_array(width_max, sizeof *made->rows);
    made->from = mem_array(width_max, sizeof *made->from);
    if (!made->live || !made->next || !made->finished || !made->tokens || !made->logits ||
        !made->candidates || !made->rows || !made->from) {
        search_free(made);
        return error_no_memory(error);
    }
    int32_t *tokens = made->tokens;
    for (size_t i = 0; i < width_max; i++, tokens += 2 * tokens_max) {
        made->live[i].tokens = tokens;
        made->next[i].tokens = tokens + tokens_max;
    }
    for (size_t i = 0; i < made->finished_max; i++, tokens += tokens_max)
        made->finished[i].tokens = tokens;
    *search = made;
    return SCOUT_OK;
}

// to becomes from with one more token, or, with token < 0, from itself. Keeps to's memory.
static void extend(Hypothesis *to, const Hypothesis *from, int32_t token)
{
    int32_t *tokens = to->tokens;
    memcpy(tokens, from->tokens, from->count * sizeof *tokens);
    *to = *from;
    to->tokens = tokens;
    if (token >= 0)
        tokens[to->count++] = token;
}

static void begin(Search *search, const SearchTask *task, size_t count)
{
    search->finished_count = 0;
    search->live_count = count;
    for (size_t i = 0; i < count; i++) {
        Hypothesis *hypothesis = &search->live[i];
        int32_t *tokens = hypothesis->tokens;
        *hypothesis = (Hypothesis){.tokens = tokens};
        if (task->begun_count > 0)
            memcpy(tokens, task->begun, task->begun_count * sizeof *tokens);
        hypothesis->count = task->begun_count;
        memcpy(search->logits + i * search->n_vocab, task->logits,
               search->n_vocab * sizeof *search->logits);
        whisper_sequence_copy(task->run, task->work_sequence + i, task->prompt_sequence);
    }
}

// Computes the logits that follow the last token of every live hypothesis; hypothesis i is sequence
// sequences[i].
static ScoutStatus decode_live(Search *search, const SearchTask *task, const size_t *sequences,
                               SearchResult *result, ScoutError *error)
{
    ScoutStatus status = turn_step(task->turn, error);
    if (status != SCOUT_OK)
        return status;
    for (size_t i = 0; i < search->live_count; i++) {
        const Hypothesis *hypothesis = &search->live[i];
        search->rows[i] = (WhisperRow){.sequence = sequences[i],
                                       .token = hypothesis->tokens[hypothesis->count - 1],
                                       .want_logits = true};
    }
    result->rows += search->live_count;
    return whisper_decode(task->run, search->rows, search->live_count, search->logits, error);
}

static double final_score(const SearchTask *task, const Hypothesis *hypothesis)
{
    double length = (double)BASE_MAX(hypothesis->count - task->begun_count, (size_t)1);
    double penalty =
        task->length_penalty < 0 ? length : pow((5 + length) / 6, (double)task->length_penalty);
    return hypothesis->score / penalty;
}

static void choose_best(const SearchTask *task, const Hypothesis *hypotheses, size_t count,
                        SearchResult *result)
{
    const Hypothesis *best = &hypotheses[0];
    for (size_t i = 1; i < count; i++)
        if (final_score(task, &hypotheses[i]) > final_score(task, best))
            best = &hypotheses[i];
    result->tokens = best->tokens;
    result->count = best->count;
    result->written = best->count - task->begun_count;
    result->logprob = best->logprob;
    result->ended = best->ended;
}

// ----------------------------------------------------------------------------------- beam search

static int compare_candidates(const void *left, const void *right)
{
    const Candidate *a = left;
    const Candidate *b = right;
    if (a->rank != b->rank)
        return a->rank > b->rank ? -1 : 1;
    if (a->source != b->source)
        return a->source < b->source ? -1 : 1;
    return (a->order > b->order) - (a->order < b->order);
}

// Appends what may follow live hypothesis `source`; returns how many candidates there are then.
static size_t add_candidates(Search *search, const SearchTask *task, size_t source, size_t filled)
{
    const Hypothesis *hypothesis = &search->live[source];
    float *logits = search->logits + source * search->n_vocab;
    LogitRanges open;
    rules_apply(task->rules, hypothesis->tokens, hypothesis->count, logits, &open);
    double log_sum = logits_log_sum_exp(task->rules->kernels, logits, &open);

    HotwordCandidate raised[HOTWORDS_CANDIDATES_MAX];
    size_t raised_count = 0;
    bool compared = task->width > 1;
    if (task->hotwords)
        raised_count = hotwords_candidates(task->hotwords, hypothesis->hotword, compared,
                                           task->rules->kernels, logits, &open, raised);
    Candidate *out = search->candidates + filled;
    for (size_t i = 0; i < raised_count; i++) {
        HotwordState state = hotwords_next(task->hotwords, hypothesis->hotword, raised[i].token);
        double logprob = (double)raised[i].logit - log_sum;
        double gain = (double)raised[i].gain;
        double kept = compared ? gain - hotwords_pending(task->hotwords, state) : 0;
        *out++ = (Candidate){.rank = hypothesis->score + logprob + gain,
                             .score = hypothesis->score + logprob + kept,
                             .logprob = hypothesis->logprob + logprob,
                             .token = raised[i].token,
                             .hotword = state,
                             .source = source,
                             .order = i};
    }

    LogitChoice top[SCOUT_BEAM_MAX + 1];
    size_t top_count = logits_top(task->rules->kernels, logits, &open, task->width + 1, top);
    for (size_t i = 0; i < top_count; i++) {
        bool is_raised = false;
        for (size_t r = 0; r < raised_count; r++)
            is_raised = is_raised || raised[r].token == top[i].token;
        double logprob = (double)top[i].logit - log_sum;
        if (!is_raised)
            *out++ = (Candidate){.rank = hypothesis->score + logprob,
                                 .score = hypothesis->score + logprob,
                                 .logprob = hypothesis->logprob + logprob,
                                 .token = top[i].token,
                                 .source = source,
                                 .order = raised_count + i};
    }
    return (size_t)(out - search->candidates);
}

static void apply_candidate(Hypothesis *to, const Hypothesis *from, const Candidate *candidate,
                            bool end)
{
    extend(to, from, end ? -1 : candidate->token);
    to->score = candidate->score;
    to->logprob = candidate->logprob;
    to->hotword = candidate->hotword;
    to->ended = end;
}

// The best candidates become the live hypotheses; those among them that end are finished.
static void keep_best(Search *search, const SearchTask *task, size_t candidate_count)
{
    qsort(search->candidates, candidate_count, sizeof *search->candidates, compare_candidates);
    size_t kept = 0;
    for (size_t i = 0; i < candidate_count && kept < task->width; i++) {
        const Candidate *candidate = &search->candidates[i];
        const Hypothesis *source = &search->live[candidate->source];
        if (candidate->token != task->rules->end) {
            search->from[kept] = candidate->source;
            apply_candidate(&search->next[kept++], source, candidate, false);
        } else if (search->finished_count < task->finished) {
            apply_candidate(&search->finished[search->finished_count++], source, candidate, true);
        }
    }
    Hypothesis *spare = search->live;
    search->live = search->next;
    search->next = spare;
    search->live_count = kept;
    for (size_t i = kept; i < task->width && kept > 0; i++)
        search->from[i] = search->from[0]; // sequences that nobody uses
}

// Fills up the finished hypotheses with the best that never ended, if there are too few.
static void finish_unended(Search *search, const SearchTask *task)
{
    for (size_t i = 0; i < search->live_count && search->finished_count < task->width; i++)
        extend(&search->finished[search->finished_count++], &search->live[i], -1);
}

static ScoutStatus search_beams(Search *search, const SearchTask *task, SearchResult *result,
                                ScoutError *error)
{
    size_t sequences[SCOUT_BEAM_MAX];
    for (size_t i = 0; i < task->width; i++)
        sequences[i] = task->work_sequence + i;
    begin(search, task, 1);
    for (size_t step = 0; step < task->tokens_max; step++) {
        if (step > 0) {
            ScoutStatus status = decode_live(search, task, sequences, result, error);
            if (status != SCOUT_OK)
                return status;
        }
        size_t count = 0;
        for (size_t i = 0; i < search->live_count; i++)
            count = add_candidates(search, task, i, count);
        if (count == 0)
            break; // nothing is open
        keep_best(search, task, count);
        if (search->finished_count >= task->finished || search->live_count == 0)
            break;
        whisper_sequences_reorder(task->run, task->work_sequence, task->width, search->from);
    }
    finish_unended(search, task);
    choose_best(task, search->finished, search->finished_count, result);
    return SCOUT_OK;
}

// -------------------------------------------------------------------------------------- sampling

// Draws the next token of live hypothesis i, whose logits are row i.
static void draw(Search *search, const SearchTask *task, size_t i, Chance *chance)
{
    Hypothesis *hypothesis = &search->live[i];
    float *logits = search->logits + i * search->n_vocab;
    LogitRanges open;
    rules_apply(task->rules, hypothesis->tokens, hypothesis->count, logits, &open);
    double log_sum = logits_log_sum_exp(task->rules->kernels, logits, &open);
    HotwordCandidate raised[HOTWORDS_CANDIDATES_MAX];
    size_t raised_count = 0;
    if (task->hotwords)
        raised_count = hotwords_candidates(task->hotwords, hypothesis->hotword, false,
                                           task->rules->kernels, logits, &open, raised);
    for (size_t r = 0; r < raised_count; r++)
        logits[raised[r].token] += raised[r].gain;
    int32_t token = logits_sample(task->rules->kernels, logits, &open, (double)task->temperature,
                                  chance_next(chance));
    if (token < 0)
        token = task->rules->end; // nothing is open: a text cannot go on
    for (size_t r = 0; r < raised_count; r++)
        logits[raised[r].token] = raised[r].logit;
    if (logits[token] > -INFINITY)
        hypothesis->logprob += (double)logits[token] - log_sum;
    hypothesis->score = hypothesis->logprob;
    if (task->hotwords)
        hypothesis->hotword = hotwords_next(task->hotwords, hypothesis->hotword, token);
    hypothesis->ended = token == task->rules->end;
    if (!hypothesis->ended)
        hypothesis->tokens[hypothesis->count++] = token;
}

// Moves the hypotheses that have ended from the live ones to the finished.
static void collect_ended(Search *search, size_t *sequences, Chance *chances)
{
    size_t kept = 0;
    for (size_t i = 0; i < search->live_count; i++) {
        Hypothesis *hypothesis = &search->live[i];
        if (hypothesis->ended) {
            extend(&search->finished[search->finished_count++], hypothesis, -1);
            continue;
        }
        if (kept != i) { // swap, so that each slot keeps a memory of its own
            Hypothesis moved = *hypothesis;
            *hypothesis = search->live[kept];
            search->live[kept] = moved;
        }
        sequences[kept] = sequences[i];
        chances[kept++] = chances[i];
    }
    search->live_count = kept;
}

static ScoutStatus search_samples(Search *search, const SearchTask *task, SearchResult *result,
                                  ScoutError *error)
{
    size_t sequences[SCOUT_BEAM_MAX] = {0};
    Chance chances[SCOUT_BEAM_MAX] = {{0}};
    for (size_t i = 0; i < task->width; i++) {
        sequences[i] = task->work_sequence + i;
        chances[i] = chance_start(task->chance.state, i);
    }
    begin(search, task, task->width);
    for (size_t step = 0; step < task->tokens_max && search->live_count > 0; step++) {
        if (step > 0) {
            ScoutStatus status = decode_live(search, task, sequences, result, error);
            if (status != SCOUT_OK)
                return status;
        }
        for (size_t i = 0; i < search->live_count; i++)
            draw(search, task, i, &chances[i]);
        collect_ended(search, sequences, chances);
    }
    finish_unended(search, task);
    choose_best(task, search->finished, search->finished_count, result);
    return SCOUT_OK;
}

ScoutStatus search_run(Search *search, const SearchTask *task, SearchResult *result,
                       ScoutError *error)
{
    assert(task->width >= 1 && task->width <= search->width_max && task->width <= SCOUT_BEAM_MAX &&
           task->finished <= search->finished_max);
    assert(task->begun_count + task->tokens_max <= search->tokens_max && task->tokens_max > 0);
    SearchResult found = {0};
    ScoutStatus status = task->temperature > 0 ? search_samples(search, task, &found, error)
                                               : search_beams(search, task, &found, error);
    if (status == SCOUT_OK)
        *result = found;
    return status;
}

double search_mean_logprob(const SearchResult *result)
{
    return result->logprob / (double)(result->written + 1);
}
