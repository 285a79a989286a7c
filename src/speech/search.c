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
    SearchTask task;
    bool over;
    size_t steps, rows;
    Hypothesis *live, *next, *finished;
    size_t live_count, finished_count;
    int32_t *tokens;          // the memory of every hypothesis
    float *logits;            // [n_vocab]: a copy of those after the prompt
    Candidate *candidates;    // [width_max][candidates_a_row], some of each row filled
    size_t *candidate_counts; // [width_max]
    size_t candidates_a_row;
    size_t from[SCOUT_BEAM_MAX];
    size_t sequences[SCOUT_BEAM_MAX]; // of the live hypotheses
    Chance chances[SCOUT_BEAM_MAX];   // likewise, when sampling
    SearchResult result;
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
    mem_free(search->candidate_counts);
    mem_free(search);
}

ScoutStatus search_new(const WhisperModel *whisper, size_t width_max, size_t finished_max,
                       size_t tokens_max, Search **search, ScoutError *error)
{
    assert(width_max >= 1 && width_max <= SCOUT_BEAM_MAX);
    Search *made = mem_array(1, sizeof *made);
    if (!made)
        return error_no_memory(error);
    *made = (Search){.n_vocab = whisper_dims(whisper)->n_vocab,
                     .width_max = width_max,
                     .finished_max = BASE_MAX(finished_max, width_max),
                     .tokens_max = tokens_max,
                     .over = true,
                     .candidates_a_row = width_max + 1 + HOTWORDS_CANDIDATES_MAX};
    size_t hypotheses = 2 * width_max + made->finished_max;
    made->live = mem_array(width_max, sizeof *made->live);
    made->next = mem_array(width_max, sizeof *made->next);
    made->finished = mem_array(made->finished_max, sizeof *made->finished);
    made->tokens = mem_array(mem_multiply(hypotheses, tokens_max), sizeof *made->tokens);
    made->logits = mem_aligned(made->n_vocab, sizeof *made->logits);
    made->candidates =
        mem_array(mem_multiply(width_max, made->candidates_a_row), sizeof *made->candidates);
    made->candidate_counts = mem_array(width_max, sizeof *made->candidate_counts);
    if (!made->live || !made->next || !made->finished || !made->tokens || !made->logits ||
        !made->candidates || !made->candidate_counts) {
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

static double final_score(const SearchTask *task, const Hypothesis *hypothesis)
{
    double length = (double)BASE_MAX(hypothesis->count - task->begun_count, (size_t)1);
    double penalty =
        task->length_penalty < 0 ? length : pow((5 + length) / 6, (double)task->length_penalty);
    return hypothesis->score / penalty;
}

// Fills up the finished hypotheses with the best that never ended, if there are too few, and
// chooses among them.
static void finish(Search *search)
{
    const SearchTask *task = &search->task;
    for (size_t i = 0; i < search->live_count && search->finished_count < task->width; i++)
        extend(&search->finished[search->finished_count++], &search->live[i], -1);
    const Hypothesis *best = &search->finished[0];
    for (size_t i = 1; i < search->finished_count; i++)
        if (final_score(task, &search->finished[i]) > final_score(task, best))
            best = &search->finished[i];
    search->result = (SearchResult){.tokens = best->tokens,
                                    .count = best->count,
                                    .written = best->count - task->begun_count,
                                    .logprob = best->logprob,
                                    .ended = best->ended,
                                    .rows = search->rows};
    search->over = true;
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

// Lists what may follow the hypothesis, which is live hypothesis `source` or a text like it.
static void list_candidates(Search *search, const Hypothesis *hypothesis, size_t source,
                            float *logits)
{
    const SearchTask *task = &search->task;
    LogitRanges open;
    rules_apply(task->rules, hypothesis->tokens, hypothesis->count, logits, &open);
    double log_sum = logits_log_sum_exp(task->rules->kernels, logits, &open);

    HotwordCandidate raised[HOTWORDS_CANDIDATES_MAX];
    size_t raised_count = 0;
    bool compared = task->width > 1;
    if (task->hotwords)
        raised_count = hotwords_candidates(task->hotwords, hypothesis->hotword, compared,
                                           task->rules->kernels, logits, &open, raised);
    Candidate *const first = search->candidates + source * search->candidates_a_row;
    Candidate *out = first;
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
    search->candidate_counts[source] = (size_t)(out - first);
}

// The candidates of all live hypotheses, side by side; returns how many.
static size_t gather_candidates(Search *search)
{
    size_t count = 0;
    for (size_t i = 0; i < search->live_count; i++) {
        memmove(search->candidates + count, search->candidates + i * search->candidates_a_row,
                search->candidate_counts[i] * sizeof *search->candidates);
        count += search->candidate_counts[i];
    }
    return count;
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
static void keep_best(Search *search, size_t candidate_count)
{
    const SearchTask *task = &search->task;
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

static void advance_beams(Search *search)
{
    const SearchTask *task = &search->task;
    const size_t count = gather_candidates(search);
    if (count == 0) { // nothing is open
        finish(search);
        return;
    }
    keep_best(search, count);
    if (search->finished_count >= task->finished || search->live_count == 0)
        finish(search);
    else
        whisper_sequences_reorder(task->run, task->work_sequence, task->width, search->from);
}

// -------------------------------------------------------------------------------------- sampling

// Draws the next token of live hypothesis i.
static void draw(Search *search, size_t i, float *logits)
{
    const SearchTask *task = &search->task;
    Hypothesis *hypothesis = &search->live[i];
    Chance *chance = &search->chances[i];
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
static void collect_ended(Search *search)
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
        search->sequences[kept] = search->sequences[i];
        search->chances[kept++] = search->chances[i];
    }
    search->live_count = kept;
}

static void advance_samples(Search *search)
{
    collect_ended(search);
    if (search->live_count == 0)
        finish(search);
}

// ----------------------------------------------------------------------------------------- steps

// Looks at the logits after the prompt, which all hypotheses begin with.
static void look_at_prompt(Search *search, const float *logits)
{
    for (size_t i = 0; i < search->live_count; i++) {
        memcpy(search->logits, logits, search->n_vocab * sizeof *logits);
        search_look(search, i, search->logits);
    }
}

static void decide(Search *search)
{
    if (search->task.temperature > 0)
        advance_samples(search);
    else
        advance_beams(search);
    if (!search->over && ++search->steps == search->task.tokens_max)
        finish(search);
}

void search_begin(Search *search, const SearchTask *task)
{
    assert(task->width >= 1 && task->width <= search->width_max &&
           task->finished <= search->finished_max);
    assert(task->begun_count + task->tokens_max <= search->tokens_max && task->tokens_max > 0);
    const bool samples = task->temperature > 0;
    search->task = *task;
    search->over = false;
    search->steps = search->rows = search->finished_count = 0;
    search->live_count = samples ? task->width : 1;
    for (size_t i = 0; i < task->width; i++) {
        search->sequences[i] = task->work_sequence + i;
        search->chances[i] = chance_start(task->chance.state, i);
    }
    for (size_t i = 0; i < search->live_count; i++) {
        Hypothesis *hypothesis = &search->live[i];
        int32_t *tokens = hypothesis->tokens;
        if (task->begun_count > 0)
            memcpy(tokens, task->begun, task->begun_count * sizeof *tokens);
        *hypothesis = (Hypothesis){.tokens = tokens, .count = task->begun_count};
        whisper_sequence_copy(task->run, search->sequences[i], task->prompt_sequence);
    }
    look_at_prompt(search, task->logits);
    decide(search);
    search->task.logits = NULL;
    search->task.begun = NULL;
}

size_t search_rows(const Search *search, WhisperRow *rows)
{
    if (search->over)
        return 0;
    for (size_t i = 0; i < search->live_count; i++) {
        const Hypothesis *hypothesis = &search->live[i];
        rows[i] = (WhisperRow){.sequence = search->sequences[i],
                               .token = hypothesis->tokens[hypothesis->count - 1],
                               .want_logits = true};
    }
    return search->live_count;
}

void search_look(Search *search, size_t row, float *logits)
{
    if (search->task.temperature > 0)
        draw(search, row, logits);
    else
        list_candidates(search, &search->live[row], row, logits);
}

void search_advance(Search *search)
{
    search->rows += search->live_count;
    decide(search);
}

void search_text(const Search *search, SearchText *text)
{
    assert(!search->over && search->task.width == 1 && search->task.temperature <= 0);
    *text = (SearchText){.tokens = search->live[0].tokens,
                         .count = search->live[0].count,
                         .room = search->task.tokens_max - search->steps};
}

SearchGuess search_guess(Search *search, const int32_t *ahead, size_t count, float *logits)
{
    const SearchTask *task = &search->task;
    assert(!search->over && task->width == 1 && task->temperature <= 0);
    assert(count < task->tokens_max - search->steps);
    Hypothesis guessed = search->live[0]; // there is room for `ahead` in its memory
    for (size_t i = 0; i < count; i++) {
        guessed.tokens[guessed.count++] = ahead[i];
        if (task->hotwords)
            guessed.hotword = hotwords_next(task->hotwords, guessed.hotword, ahead[i]);
    }
    guessed.score = guessed.logprob = 0;
    list_candidates(search, &guessed, 0, logits);
    const Candidate *best = NULL;
    for (size_t i = 0; i < search->candidate_counts[0]; i++)
        if (!best || compare_candidates(&search->candidates[i], best) < 0)
            best = &search->candidates[i];
    return best ? (SearchGuess){best->token, exp(best->logprob)} : (SearchGuess){-1, 0};
}

void search_result(const Search *search, SearchResult *result)
{
    assert(search->over);
    *result = search->result;
}

double search_mean_logprob(const SearchResult *result)
{
    return result->logprob / (double)(result->written + 1);
}
