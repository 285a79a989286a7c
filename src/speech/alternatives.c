// Other words: see alternatives.h. The text goes through the decoder in blocks of a few tokens, and
// of each row of logits only the best tokens are kept. A word is left at any of its first tokens:
// what the model would rather have written there, and greedily after it up to the next word, is an
// alternative. The probability of where it starts bounds the probability of what it becomes, so
// that only those are completed that can still be among the best.
#include "alternatives.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/attributes.h"
#include "base/memory.h"
#include "base/str.h"
#include "logits.h"
#include "text.h"

enum {
    BLOCK_ROWS = 16, // logits held at once
    TOP_TOKENS = 32, // of each row
    PLACES_MAX = 4,  // where a word is left: its first tokens
    ADDED_MAX = 6,   // tokens of an alternative from there on
    STARTS_MAX = PLACES_MAX * TOP_TOKENS,
    TEXT_BYTES_MAX = 256
};

// Below this the model has not considered it.
static const double PROBABILITY_MIN = 0.001;

// A word; one that is longer than fits is cut and no alternative.
typedef struct ShortText {
    char bytes[TEXT_BYTES_MAX];
    size_t length;
    bool cut;
} ShortText;

// What may stand in the place of one token of the text.
typedef struct Row {
    LogitChoice top[TOP_TOKENS]; // text tokens and the end
    size_t count;
    double log_sum; // of all of them, to make a logit a log probability
    double written; // log probability of the token that is there
} Row;

// Another token in the place of token `place` of the text.
typedef struct Start {
    size_t place;
    int32_t token;
    double logprob; // with the tokens of the word before it
} Start;

typedef struct Attempt {
    size_t place;
    int32_t tokens[ADDED_MAX];
    size_t count;
    double logprob;
    bool open;
} Attempt;

typedef struct Found {
    ShortText text, key;
    double logprob;
} Found;

struct Alternatives {
    const WhisperModel *whisper;
    const Bpe *bpe;
    size_t limit, n_vocab;
    double logprob_min;
    LogitRanges open; // text and the end
    float *logits;    // [BLOCK_ROWS][n_vocab]
    Row *rows;        // [n_text_ctx], of the tokens

    // Of the word at hand. core: its tokens without the punctuation around it.
    const Word *word;
    size_t core_first, core_end;
    ShortText key;
    Start starts[STARTS_MAX];
    size_t start_count;
    Found found[SCOUT_ALTERNATIVES_MAX]; // best first
    size_t found_count;
    size_t rows_taken;
};

ScoutStatus alternatives_new(const WhisperModel *whisper, size_t limit, Alternatives **alternatives,
                             ScoutError *error)
{
    assert(limit > 0 && limit <= SCOUT_ALTERNATIVES_MAX);
    const WhisperDims *dims = whisper_dims(whisper);
    Alternatives *made = mem_array(1, sizeof *made);
    if (!made)
        return error_no_memory(error);
    *made = (Alternatives){.whisper = whisper,
                           .bpe = whisper_bpe(whisper),
                           .limit = limit,
                           .n_vocab = dims->n_vocab,
                           .logprob_min = log(PROBABILITY_MIN)};
    logit_ranges_add(&made->open, 0, (size_t)bpe_special(made->bpe)->end + 1);
    made->logits = mem_aligned(mem_multiply(BLOCK_ROWS, dims->n_vocab), sizeof(float));
    made->rows = mem_array(dims->n_text_ctx, sizeof *made->rows);
    if (!made->logits || !made->rows) {
        alternatives_free(made);
        return error_no_memory(error);
    }
    *alternatives = made;
    return SCOUT_OK;
}

void alternatives_free(Alternatives *alternatives)
{
    if (!alternatives)
        return;
    mem_free(alternatives->logits);
    mem_free(alternatives->rows);
    mem_free(alternatives);
}

// ------------------------------------------------------------------------------------------- text

static void append_bytes(ShortText *text, const char *bytes, size_t length)
{
    size_t room = TEXT_BYTES_MAX - 1 - text->length;
    text->cut = text->cut || length > room;
    length = BASE_MIN(length, room);
    memcpy(text->bytes + text->length, bytes, length);
    text->length += length;
    text->bytes[text->length] = '\0';
}

static void append_tokens(ShortText *text, const Bpe *bpe, const int32_t *tokens, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *bytes;
        size_t length;
        bpe_token_bytes(bpe, tokens[i], &bytes, &length);
        append_bytes(text, bytes, length);
    }
}

// White space and punctuation, ASCII symbols among them.
static bool is_punctuation(uint32_t code)
{
    static const struct {
        uint32_t first, last;
    } RANGES[] = {
        {0x00, 0x2F},     {0x3A, 0x40},     {0x5B, 0x60},     {0x7B, 0xA1},     {0xA7, 0xA7},
        {0xAB, 0xAB},     {0xB7, 0xB7},     {0xBB, 0xBB},     {0xBF, 0xBF},     {0x60C, 0x60C},
        {0x61B, 0x61B},   {0x61F, 0x61F},   {0x6D4, 0x6D4},   {0x964, 0x965},   {0x2000, 0x206F},
        {0x3000, 0x3004}, {0x3008, 0x3020}, {0xFF01, 0xFF0F}, {0xFF1A, 0xFF20}, {0xFF3B, 0xFF40},
        {0xFF5B, 0xFF65},
    };
    for (size_t i = 0; i < BASE_COUNT(RANGES); i++)
        if (code >= RANGES[i].first && code <= RANGES[i].last)
            return true;
    return false;
}

// Lower case where it is a matter of adding a number: ASCII, Latin-1, Greek, Cyrillic.
static uint32_t lower_case(uint32_t code)
{
    bool latin = (code >= 'A' && code <= 'Z') || (code >= 0xC0 && code <= 0xDE && code != 0xD7);
    bool greek = code >= 0x391 && code <= 0x3A9;
    bool cyrillic = code >= 0x410 && code <= 0x42F;
    if (latin || greek || cyrillic)
        return code + 0x20;
    return code >= 0x400 && code <= 0x40F ? code + 0x50 : code;
}

// What two texts are compared by: lower case, without white space and punctuation at the ends.
// Malformed bytes count as a letter.
static ShortText make_key(const ShortText *text)
{
    ShortText key = {.cut = text->cut};
    size_t kept = 0; // of the key, up to the last letter
    for (size_t at = 0; at < text->length;) {
        uint32_t code;
        at += utf8_decode(text->bytes + at, text->length - at, &code);
        bool punctuation = is_punctuation(code);
        if (punctuation && kept == 0)
            continue;
        char bytes[4];
        append_bytes(&key, bytes, utf8_encode(lower_case(code), bytes));
        if (!punctuation)
            kept = key.length;
    }
    key.length = kept;
    key.bytes[kept] = '\0';
    return key;
}

static bool same_text(const ShortText *a, const ShortText *b)
{
    return a->length == b->length && memcmp(a->bytes, b->bytes, a->length) == 0;
}

// Nothing but white space, punctuation or a mark.
static bool is_bare(const Bpe *bpe, int32_t token)
{
    ShortText text = {.length = 0};
    append_tokens(&text, bpe, &token, 1);
    return make_key(&text).length == 0;
}

static bool begins_with_space(const Bpe *bpe, int32_t token)
{
    const char *bytes;
    size_t length;
    bpe_token_bytes(bpe, token, &bytes, &length);
    return length > 0 && bytes[0] == ' ';
}

// The word before this token is complete (in languages with spaces).
static bool ends_word(const Bpe *bpe, int32_t token)
{
    return begins_with_space(bpe, token) || is_bare(bpe, token);
}

// ------------------------------------------------------------------------------------------- rows

// The log of the sum, then without the tokens that are never written.
static double close_row(const Alternatives *alternatives, const Rules *rules, float *logits)
{
    double log_sum = logits_log_sum_exp(rules->kernels, logits, &alternatives->open);
    for (size_t i = 0; i < rules->closed_count; i++)
        logits[rules->closed[i]] = -INFINITY;
    return log_sum;
}

static void read_row(Alternatives *alternatives, const Rules *rules, float *logits, int32_t token,
                     Row *row)
{
    float written = logits[token];
    row->log_sum = close_row(alternatives, rules, logits);
    row->written = (double)written - row->log_sum;
    row->count = logits_top(rules->kernels, logits, &alternatives->open, TOP_TOKENS, row->top);
}

// Runs the prompt and the text but for its last token, and reads a row for each token.
static ScoutStatus read_text(Alternatives *alternatives, const AlternativesTask *task,
                             ScoutError *error)
{
    size_t total = task->prompt_count + task->count - 1;
    whisper_sequence_start(task->run, task->sequence, task->audio);
    for (size_t first = 0; first < total; first += BLOCK_ROWS) {
        WhisperRow rows[BLOCK_ROWS];
        size_t count = BASE_MIN(total - first, (size_t)BLOCK_ROWS);
        for (size_t i = 0; i < count; i++) {
            size_t at = first + i;
            int32_t token =
                at < task->prompt_count ? task->prompt[at] : task->tokens[at - task->prompt_count];
            rows[i] = (WhisperRow){task->sequence, token, at + 1 >= task->prompt_count};
        }
        ScoutStatus status = whisper_decode(task->run, rows, count, alternatives->logits, error);
        if (status != SCOUT_OK)
            return status;
        alternatives->rows_taken += count;
        float *logits = alternatives->logits;
        for (size_t i = 0; i < count; i++) {
            if (!rows[i].want_logits)
                continue;
            size_t place = first + i + 1 - task->prompt_count;
            read_row(alternatives, task->rules, logits, task->tokens[place],
                     &alternatives->rows[place]);
            logits += alternatives->n_vocab;
        }
        status = turn_step(task->turn, error);
        if (status != SCOUT_OK)
            return status;
    }
    return SCOUT_OK;
}

// --------------------------------------------------------------------------------------- one word

// An alternative must be more probable than this.
static double logprob_floor(const Alternatives *alternatives)
{
    bool full = alternatives->found_count == alternatives->limit;
    return full ? alternatives->found[alternatives->limit - 1].logprob : alternatives->logprob_min;
}

// Keeps the word, up to `place`, with the added tokens, if it is another one and among the best.
static void consider(Alternatives *alternatives, const AlternativesTask *task, size_t place,
                     const int32_t *added, size_t added_count, double logprob)
{
    const Word *word = alternatives->word;
    if (!(logprob > logprob_floor(alternatives)))
        return;
    ShortText written = {.length = 0};
    append_tokens(&written, alternatives->bpe, task->tokens + word->first, place - word->first);
    append_tokens(&written, alternatives->bpe, added, added_count);
    append_tokens(&written, alternatives->bpe, task->tokens + alternatives->core_end,
                  word->end - alternatives->core_end);
    const char *bare = written.bytes;
    size_t length = written.length;
    text_trim(&bare, &length);
    Found made = {.logprob = logprob, .key = make_key(&written)};
    append_bytes(&made.text, bare, length);
    if (written.cut || made.key.length == 0 || !utf8_valid(bare, length) ||
        same_text(&made.key, &alternatives->key))
        return;
    size_t at = 0;
    while (at < alternatives->found_count && !same_text(&alternatives->found[at].key, &made.key))
        at++;
    if (at < alternatives->found_count && alternatives->found[at].logprob >= logprob)
        return;
    if (at == alternatives->limit)
        at--; // the last falls off
    else if (at == alternatives->found_count)
        alternatives->found_count++;
    for (; at > 0 && alternatives->found[at - 1].logprob < logprob; at--)
        alternatives->found[at] = alternatives->found[at - 1];
    alternatives->found[at] = made;
}

// The other tokens in the place of one, `before` being the log probability of the word so far. In
// the middle of a word, what ends it there counts together.
static void start_at(Alternatives *alternatives, const AlternativesTask *task, size_t place,
                     double before)
{
    const Bpe *bpe = alternatives->bpe;
    const Row *row = &alternatives->rows[place];
    bool first = place == alternatives->core_first;
    bool spaced = begins_with_space(bpe, task->tokens[place]);
    double ends_here = 0;
    for (size_t i = 0; i < row->count; i++) {
        int32_t token = row->top[i].token;
        double logprob = before + (double)row->top[i].logit - row->log_sum;
        if (logprob < alternatives->logprob_min)
            break;
        if (token == task->tokens[place])
            continue;
        bool bare = is_bare(bpe, token), space = begins_with_space(bpe, token);
        if (!first && (bare || space))
            ends_here += exp(logprob);
        else if (!bare && space == spaced && alternatives->start_count < STARTS_MAX)
            alternatives->starts[alternatives->start_count++] = (Start){place, token, logprob};
    }
    if (ends_here > 0)
        consider(alternatives, task, place, NULL, 0, log(ends_here));
}

static int compare_starts(const void *left, const void *right)
{
    const Start *a = left, *b = right;
    if (a->logprob != b->logprob)
        return a->logprob < b->logprob ? 1 : -1;
    return a->place != b->place ? (a->place > b->place) - (a->place < b->place)
                                : (a->token > b->token) - (a->token < b->token);
}

static void list_starts(Alternatives *alternatives, const AlternativesTask *task)
{
    size_t end = BASE_MIN(alternatives->core_end, alternatives->core_first + PLACES_MAX);
    double before = 0;
    alternatives->start_count = 0;
    for (size_t place = alternatives->core_first; place < end; place++) {
        start_at(alternatives, task, place, before);
        before += alternatives->rows[place].written;
    }
    qsort(alternatives->starts, alternatives->start_count, sizeof *alternatives->starts,
          compare_starts);
}

// Without spaces a word is what is made of whole characters.
static bool is_whole(const Alternatives *alternatives, const AlternativesTask *task,
                     const Attempt *attempt)
{
    ShortText text = {.length = 0};
    append_tokens(&text, alternatives->bpe, task->tokens + alternatives->core_first,
                  attempt->place - alternatives->core_first);
    append_tokens(&text, alternatives->bpe, attempt->tokens, attempt->count);
    return utf8_complete_prefix(text.bytes, text.length) == text.length;
}

// Closes what is complete without a look at what follows, or cannot become one of the best.
static void settle(Alternatives *alternatives, const AlternativesTask *task, size_t sequence,
                   Attempt *attempt)
{
    size_t room = whisper_dims(alternatives->whisper)->n_text_ctx;
    if (!task->spaces && is_whole(alternatives, task, attempt)) {
        attempt->open = false;
        consider(alternatives, task, attempt->place, attempt->tokens, attempt->count,
                 attempt->logprob);
    } else if (attempt->logprob <= logprob_floor(alternatives) ||
               whisper_sequence_length(task->run, sequence) == room) {
        attempt->open = false;
    }
}

// Takes the most probable token after an attempt: it ends the word or goes on with it.
static void go_on(Alternatives *alternatives, const AlternativesTask *task, float *logits,
                  Attempt *attempt)
{
    double log_sum = close_row(alternatives, task->rules, logits);
    LogitChoice next;
    attempt->open = logits_top(task->rules->kernels, logits, &alternatives->open, 1, &next) == 1;
    if (!attempt->open)
        return;
    if (task->spaces && ends_word(alternatives->bpe, next.token)) {
        attempt->open = false;
        consider(alternatives, task, attempt->place, attempt->tokens, attempt->count,
                 attempt->logprob);
    } else if (attempt->count == ADDED_MAX || next.token >= task->rules->end) {
        attempt->open = false; // no word yet
    } else {
        attempt->tokens[attempt->count++] = next.token;
        attempt->logprob += (double)next.logit - log_sum;
    }
}

// Completes the attempts together, a token of each at a time.
static ScoutStatus complete(Alternatives *alternatives, const AlternativesTask *task,
                            Attempt *attempts, size_t count, ScoutError *error)
{
    for (size_t i = 0; i < count; i++) {
        size_t sequence = task->sequence + 1 + i;
        whisper_sequence_copy(task->run, sequence, task->sequence);
        whisper_sequence_truncate(task->run, sequence, task->prompt_count + attempts[i].place);
    }
    for (;;) {
        WhisperRow rows[BLOCK_ROWS];
        size_t row_count = 0;
        for (size_t i = 0; i < count; i++) {
            size_t sequence = task->sequence + 1 + i;
            if (attempts[i].open)
                settle(alternatives, task, sequence, &attempts[i]);
            if (attempts[i].open)
                rows[row_count++] =
                    (WhisperRow){sequence, attempts[i].tokens[attempts[i].count - 1], true};
        }
        if (row_count == 0)
            return SCOUT_OK;
        ScoutStatus status =
            whisper_decode(task->run, rows, row_count, alternatives->logits, error);
        if (status != SCOUT_OK)
            return status;
        alternatives->rows_taken += row_count;
        for (size_t r = 0; r < row_count; r++)
            go_on(alternatives, task, alternatives->logits + r * alternatives->n_vocab,
                  &attempts[rows[r].sequence - task->sequence - 1]);
    }
}

// Which tokens of the word are the word itself; false if none is.
static bool take_word(Alternatives *alternatives, const AlternativesTask *task, const Word *word)
{
    const Bpe *bpe = alternatives->bpe;
    size_t first = word->first, end = word->end;
    while (first < end && is_bare(bpe, task->tokens[first]))
        first++;
    while (first < end && is_bare(bpe, task->tokens[end - 1]))
        end--;
    ShortText written = {.length = 0};
    append_tokens(&written, bpe, task->tokens + word->first, word->end - word->first);
    alternatives->word = word;
    alternatives->core_first = first;
    alternatives->core_end = end;
    alternatives->key = make_key(&written);
    alternatives->found_count = 0;
    return first < end;
}

static ScoutStatus find_for_word(Alternatives *alternatives, const AlternativesTask *task,
                                 const Word *word, ScoutError *error)
{
    if (!take_word(alternatives, task, word))
        return SCOUT_OK;
    list_starts(alternatives, task);
    size_t width = BASE_MIN(task->width, (size_t)BLOCK_ROWS), next = 0;
    for (;;) {
        Attempt attempts[BLOCK_ROWS];
        size_t count = 0;
        while (count < width && next < alternatives->start_count &&
               alternatives->starts[next].logprob > logprob_floor(alternatives)) {
            const Start *start = &alternatives->starts[next++];
            attempts[count++] = (Attempt){start->place, {start->token}, 1, start->logprob, true};
        }
        if (count == 0)
            return SCOUT_OK;
        ScoutStatus status = complete(alternatives, task, attempts, count, error);
        if (status != SCOUT_OK)
            return status;
    }
}

static ScoutStatus list_found(const Alternatives *alternatives, Arena *arena, WordAlternatives *out,
                              ScoutError *error)
{
    *out = (WordAlternatives){0};
    size_t count = alternatives->found_count;
    if (count == 0)
        return SCOUT_OK;
    ScoutAlternative *items = arena_alloc(arena, count, sizeof *items);
    if (!items)
        return error_no_memory(error);
    for (size_t i = 0; i < count; i++) {
        const Found *found = &alternatives->found[i];
        items[i].text = arena_copy_text(arena, found->text.bytes, found->text.length);
        items[i].probability = BASE_MIN((float)exp(found->logprob), 1.0f);
        if (!items[i].text)
            return error_no_memory(error);
    }
    *out = (WordAlternatives){items, count};
    return SCOUT_OK;
}

ScoutStatus alternatives_find(Alternatives *alternatives, const AlternativesTask *task,
                              Arena *arena, WordAlternatives *found, size_t *rows,
                              ScoutError *error)
{
    assert(task->width > 0 && task->prompt_count > 0);
    assert(task->prompt_count + task->count <= whisper_dims(alternatives->whisper)->n_text_ctx);
    if (task->count == 0)
        return SCOUT_OK;
    alternatives->rows_taken = 0;
    ScoutStatus status = read_text(alternatives, task, error);
    for (size_t i = 0; i < task->word_count && status == SCOUT_OK; i++) {
        status = find_for_word(alternatives, task, &task->words[i], error);
        if (status == SCOUT_OK)
            status = list_found(alternatives, arena, &found[i], error);
        if (status == SCOUT_OK)
            status = turn_step(task->turn, error);
    }
    *rows += alternatives->rows_taken;
    return status;
}
