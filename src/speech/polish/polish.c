// Runs the steps over an utterance: see speech/polish.h.
//
// Every step reads a text that may still grow and appends what is decided of it: a function of the
// text alone, whose result for a beginning of the text is a beginning of its result for all of it.
// So is their chain, and that is the promise about settled text. An utterance is short; each call
// runs the chain over all of it, for the settled part and then for what is shown.
#include "speech/polish.h"

#include <string.h>

#include "base/attributes.h"
#include "base/letter.h"
#include "base/memory.h"
#include "base/str.h"
#include "commands.h"
#include "literals.h"
#include "numbers.h"
#include "page.h"
#include "regex.h"
#include "replace.h"
#include "rules.h"

struct Polish {
    const PolishRules *rules;
    size_t language; // index of rules->languages
    RegexScratch *scratch;
    Page page;         // at the utterance's beginning
    Page scratch_page; // while a chain runs
    PageSeen seen;
    Buffer raw;     // what was settled of the utterance
    Buffer joined;  // settled and tentative
    Marked step[2]; // from one step to the next, and back
    Buffer settled, shown;
    PolishEvent settled_events[POLISH_EVENTS_MAX], shown_events[POLISH_EVENTS_MAX];
};

// One run of the chain.
typedef struct Chain {
    bool ended;
    bool count;    // hits are counted
    Marked *text;  // so far
    Marked *spare; // for the next step's text
    bool failed;   // memory was out
} Chain;

ScoutStatus polish_new(const PolishRules *rules, Polish **polish, ScoutError *error)
{
    Polish *made = mem_array(1, sizeof *made);
    if (!made)
        return error_no_memory(error);
    made->rules = rules;
    made->language = rules->language;
    (void)page_init(&made->page);
    (void)page_init(&made->scratch_page);
    buffer_init(&made->raw, POLISH_RAW_MAX);
    buffer_init(&made->joined, POLISH_RAW_MAX);
    for (size_t i = 0; i < BASE_COUNT(made->step); i++)
        marked_init(&made->step[i], MARKED_BYTES_MAX);
    buffer_init(&made->settled, MARKED_BYTES_MAX);
    buffer_init(&made->shown, MARKED_BYTES_MAX);
    made->scratch = regex_scratch_new();
    if (!made->scratch) {
        polish_free(made);
        return error_no_memory(error);
    }
    *polish = made;
    return SCOUT_OK;
}

void polish_free(Polish *polish)
{
    if (!polish)
        return;
    page_done(&polish->page);
    page_done(&polish->scratch_page);
    buffer_done(&polish->raw);
    buffer_done(&polish->joined);
    for (size_t i = 0; i < BASE_COUNT(polish->step); i++)
        marked_done(&polish->step[i]);
    buffer_done(&polish->settled);
    buffer_done(&polish->shown);
    regex_scratch_free(polish->scratch);
    mem_free(polish);
}

void polish_set_language(Polish *polish, const char *code)
{
    if (polish->raw.length == 0)
        polish->language = polish_language_find(code);
}

void polish_new_page(Polish *polish)
{
    page_clear(&polish->page);
}

// What models write is well-formed; what others may give is made so.
static void clean(const char *raw, size_t length, bool ended, Marked *out)
{
    const TextView view = {raw, ended ? length : utf8_complete_prefix(raw, length), true};
    uint32_t code = 0;
    for (size_t at = 0, n; (n = text_next(view, at, &code)) > 0; at += n) {
        const bool control =
            code < 0x20 || (code >= 0x7F && code < 0xA0) || code == 0x2028 || code == 0x2029;
        char bytes[4];
        marked_append(out, bytes, utf8_encode(control ? ' ' : code, bytes), 0);
    }
}

static void next_step(Chain *chain)
{
    Marked *done = chain->spare;
    chain->failed |= marked_failed(done);
    chain->spare = chain->text;
    chain->text = done;
    marked_clear(chain->spare);
}

static void run_replacements(Polish *polish, Chain *chain)
{
    const PolishRules *rules = polish->rules;
    if (rules->literals.count > 0) {
        literals_apply(&rules->literals, rules->table, chain->text, chain->ended,
                       chain->count ? rules->hits : NULL, chain->spare);
        next_step(chain);
    }
    for (size_t i = 0; i < rules->regex_count; i++) {
        const size_t hits = regex_apply(rules->regexes[i], polish->scratch, chain->text,
                                        chain->ended, chain->spare);
        if (chain->count)
            atomic_fetch_add(&rules->hits[rules->regex_index[i]], hits);
        next_step(chain);
    }
}

static void run_rest(Polish *polish, Chain *chain)
{
    const PolishRules *rules = polish->rules;
    const PolishLanguage *language =
        polish->language < polish_language_count ? &polish_languages[polish->language] : NULL;
    const bool english = language && str_equal(language->code, "en");
    if (rules->commands) {
        commands_apply(&rules->languages[polish->language].commands, chain->text, chain->ended,
                       chain->spare);
        next_step(chain);
    }
    if (rules->numbers != SCOUT_TEXT_AS_HEARD && english) {
        if (rules->numbers == SCOUT_TEXT_DIGITS)
            numbers_to_digits(chain->text, chain->ended, chain->spare);
        else
            numbers_to_words(chain->text, chain->ended, chain->spare);
        next_step(chain);
    }
    if (rules->mask) {
        const size_t hits =
            literals_mask(&rules->profanities, chain->text, chain->ended, chain->spare);
        if (chain->count)
            atomic_fetch_add(rules->masked, hits);
        next_step(chain);
    }
}

// Runs raw through all steps, onto a copy of the page; out: text and events.
static bool run(Polish *polish, const Buffer *raw, bool ended, bool count, Buffer *text,
                PolishEvent *events, PolishText *out)
{
    Chain chain = {ended, count, &polish->step[0], &polish->step[1], false};
    marked_clear(chain.text);
    marked_clear(chain.spare);
    clean(buffer_text(raw), raw->length, ended, chain.text);
    chain.failed = marked_failed(chain.text);
    run_replacements(polish, &chain);
    run_rest(polish, &chain);
    buffer_clear(text);
    if (!page_copy(&polish->scratch_page, &polish->page))
        return false;
    const bool known = polish->language < polish_language_count;
    PageWriter writer = {.language = known ? &polish_languages[polish->language] : NULL,
                         .small_words = &polish->rules->languages[polish->language].small_words,
                         .seen = &polish->seen,
                         .commands = polish->rules->commands,
                         .page = &polish->scratch_page,
                         .out = text,
                         .events = events};
    page_write(&writer, chain.text, ended);
    *out = (PolishText){.text = buffer_text(text),
                        .length = text->length,
                        .settled_bytes = text->length,
                        .join_bytes = writer.join_bytes,
                        .events = events,
                        .event_count = writer.event_count};
    return !chain.failed && !text->failed && !polish->scratch_page.text.failed &&
           !polish->scratch_page.taken.failed;
}

static ScoutStatus check_raw(const Polish *polish, const char *raw, size_t length, size_t total,
                             ScoutError *error)
{
    if (total > POLISH_RAW_MAX)
        return error_set(error, SCOUT_ERROR_LIMIT,
                         "an utterance of more than %d bytes; end it sooner", POLISH_RAW_MAX);
    if (length < polish->raw.length ||
        (polish->raw.length > 0 && memcmp(raw, polish->raw.data, polish->raw.length) != 0))
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                         "the text does not begin with what was settled");
    return SCOUT_OK;
}

ScoutStatus polish_partial(Polish *polish, const char *settled, size_t settled_length,
                           const char *tentative, size_t tentative_length, PolishText *out,
                           ScoutError *error)
{
    const size_t total = settled_length + BASE_MIN(tentative_length, (size_t)POLISH_RAW_MAX + 1);
    const ScoutStatus status = check_raw(polish, settled, settled_length, total, error);
    if (status)
        return status;
    const size_t known = polish->raw.length;
    polish->raw.failed = false; // an earlier call may have run out of memory
    buffer_clear(&polish->joined);
    if ((settled_length > 0 && !buffer_append(&polish->joined, settled, settled_length)) ||
        (settled_length > known &&
         !buffer_append(&polish->raw, settled + known, settled_length - known)))
        return error_no_memory(error);
    if (tentative_length > 0 && !buffer_append(&polish->joined, tentative, tentative_length))
        return error_no_memory(error);
    PolishText decided, shown;
    if (!run(polish, &polish->raw, false, false, &polish->settled, polish->settled_events,
             &decided) ||
        !run(polish, &polish->joined, true, false, &polish->shown, polish->shown_events, &shown))
        return error_no_memory(error);
    *out = shown;
    out->settled_bytes = decided.length;
    out->events = decided.events;
    out->event_count = decided.event_count;
    return SCOUT_OK;
}

ScoutStatus polish_final(Polish *polish, const char *raw, size_t length, PolishText *out,
                         ScoutError *error)
{
    const ScoutStatus status = check_raw(polish, raw, length, length, error);
    if (status)
        return status;
    buffer_clear(&polish->joined);
    if (length > 0 && !buffer_append(&polish->joined, raw, length))
        return error_no_memory(error);
    PolishText made;
    if (!run(polish, &polish->joined, true, true, &polish->shown, polish->shown_events, &made))
        return error_no_memory(error);
    const Page before = polish->page;
    polish->page = polish->scratch_page;
    polish->scratch_page = before;
    page_seen_add(&polish->seen, raw, length);
    buffer_clear(&polish->raw);
    *out = made;
    return SCOUT_OK;
}
