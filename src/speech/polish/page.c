// Utterances onto the page: see page.h.
//
// An utterance is words, gaps (spaces and punctuation marks) and what commands write. A gap waits
// for what follows it, because that decides what stays of it: "Hello, full stop." is "Hello.".
#include "page.h"

#include <string.h>

#include "base/letter.h"
#include "base/str.h"
#include "replace.h"

typedef enum CaseNext {
    CASE_AS_HEARD,
    CASE_CAPITAL, // a sentence begins
    CASE_SMALL    // a sentence goes on: small, where that is sure to be right
} CaseNext;

// What stays of the punctuation that was heard beside a command.
typedef enum Keep { KEEP_NONE, KEEP_ENDS, KEEP_ALL } Keep;

// The walk over one utterance.
typedef struct Walk {
    PageWriter *writer;
    const Marked *text;
    TextView view;
    size_t own_start; // of the utterance on the page
    size_t at, gap;   // the gap so far is gap..at
    int last;         // what came before it: a ScoutTextAction, LAST_NONE, LAST_WORD
    CaseNext case_next;
    bool capitals_next, capitals_on;
    bool space_heard; // a space of the gap waits to be written
} Walk;

enum { LAST_WORD = 0, LAST_NONE = -1 };

bool page_init(Page *page)
{
    *page = (Page){.start_count = 0};
    buffer_init(&page->text, MARKED_BYTES_MAX);
    buffer_init(&page->taken, MARKED_BYTES_MAX);
    return true;
}

void page_done(Page *page)
{
    buffer_done(&page->text);
    buffer_done(&page->taken);
}

void page_clear(Page *page)
{
    buffer_clear(&page->text);
    buffer_clear(&page->taken);
    page->start_count = 0;
    page->can_return = page->by_command = page->tight = false;
}

bool page_copy(Page *page, const Page *source)
{
    page_clear(page);
    buffer_append(&page->text, buffer_text(&source->text), source->text.length);
    buffer_append(&page->taken, buffer_text(&source->taken), source->taken.length);
    memcpy(page->starts, source->starts, source->start_count * sizeof *source->starts);
    page->start_count = source->start_count;
    page->can_return = source->can_return;
    page->by_command = source->by_command;
    page->tight = source->tight;
    return !page->text.failed && !page->taken.failed;
}

void page_end_utterance(Page *page, size_t own_start)
{
    if (page->text.length > own_start) {
        if (page->start_count == PAGE_STARTS_MAX) {
            memmove(page->starts, page->starts + 1, (PAGE_STARTS_MAX - 1) * sizeof *page->starts);
            page->start_count--;
        }
        page->starts[page->start_count++] = own_start;
    }
    if (page->text.length <= 2 * (size_t)PAGE_KEPT_BYTES)
        return;
    size_t cut = page->text.length - PAGE_KEPT_BYTES;
    while (((unsigned char)page->text.data[cut] & 0xC0) == 0x80)
        cut++;
    buffer_consume(&page->text, cut);
    size_t kept = 0;
    for (size_t i = 0; i < page->start_count; i++)
        if (page->starts[i] >= cut)
            page->starts[kept++] = page->starts[i] - cut;
    page->start_count = kept;
}

// ------------------------------------------------------------------------------- words seen before

static uint32_t hash_word(TextView view, size_t at, size_t end)
{
    uint32_t hash = 2166136261u; // FNV-1a
    uint32_t code = 0;
    for (size_t n; at < end && (n = text_next(view, at, &code)) > 0; at += n)
        hash = (hash ^ letter_fold(code)) * 16777619u;
    return hash ? hash : 1;
}

static bool was_seen(const uint32_t *slots, uint32_t hash)
{
    return slots[hash % PAGE_SEEN_SLOTS] == hash;
}

void page_seen_add(PageSeen *seen, const char *raw, size_t length)
{
    const TextView view = {raw, length, true};
    bool sentence = true; // begins here
    uint32_t code = 0;
    for (size_t at = 0, n; (n = text_next(view, at, &code)) > 0;) {
        if (!text_in_word(code)) {
            sentence |= !text_is_space(code) && code != ',';
            at += n;
            continue;
        }
        const size_t end = text_word_end(view, at);
        const uint32_t hash = hash_word(view, at, end);
        if (letter_is_lower(code) && end - at > 1)
            seen->small[hash % PAGE_SEEN_SLOTS] = hash;
        else if (letter_is_upper(code) && !sentence)
            seen->names[hash % PAGE_SEEN_SLOTS] = hash;
        sentence = false;
        at = end;
    }
}

// -------------------------------------------------------------------------------------- the page

static TextView page_view(const Page *page)
{
    return (TextView){buffer_text(&page->text), page->text.length, true};
}

static uint32_t page_last(const Page *page)
{
    uint32_t code = 0;
    return text_before(page_view(page), page->text.length, &code) > 0 ? code : 0;
}

static void put(Walk *walk, const char *text, size_t length, bool by_command)
{
    Page *page = walk->writer->page;
    if (length == 0)
        return;
    buffer_append(walk->writer->out, text, length);
    buffer_append(&page->text, text, length);
    page->by_command = by_command;
    page->tight = false;
    page->can_return = false;
}

static size_t count_characters(const char *text, size_t length)
{
    size_t count = 0;
    for (size_t i = 0; i < length; i++)
        count += ((unsigned char)text[i] & 0xC0) != 0x80;
    return count;
}

// Takes back what stands from..end of the page.
static void take_back(Walk *walk, size_t from)
{
    PageWriter *writer = walk->writer;
    Page *page = writer->page;
    const size_t bytes = page->text.length - from;
    if (bytes == 0 || writer->event_count == POLISH_EVENTS_MAX)
        return;
    writer->events[writer->event_count++] =
        (PolishEvent){.type = POLISH_TAKE_BACK,
                      .at_bytes = writer->out->length,
                      .bytes = bytes,
                      .characters = count_characters(page->text.data + from, bytes)};
    buffer_clear(&page->taken);
    buffer_append(&page->taken, page->text.data + from, bytes);
    page->text.length = from;
    page->text.data[from] = '\0';
    page->by_command = page->tight = false;
    page->can_return = true;
    while (page->start_count > 0 && page->starts[page->start_count - 1] >= from)
        page->start_count--;
    if (walk->own_start > from)
        walk->own_start = from;
}

// Where the utterance begins that a command takes back (from).
static size_t last_utterance(const Walk *walk)
{
    const Page *page = walk->writer->page;
    if (page->text.length > walk->own_start)
        return walk->own_start;
    return page->start_count > 0 ? page->starts[page->start_count - 1] : page->text.length;
}

// Where the last sentence of low..end begins, the space before it included. A dot after one or two
// letters ("Dr.", "J.") ends no sentence.
static size_t last_sentence(const Page *page, size_t low)
{
    const TextView view = page_view(page);
    size_t at = view.length, n = 0;
    uint32_t code = 0, next = 0;
    while (at > low && (n = text_before(view, at, &code)) > 0 && !letter_in_word(code))
        at -= n; // this sentence's own end
    for (; at > low && (n = text_before(view, at, &code)) > 0; at -= n) {
        if (code == '\n')
            return at;
        const bool space_follows =
            text_next(view, at, &next) > 0 && (text_is_space(next) || next == '\n');
        if (!text_is_sentence_end(code) || !(space_follows || code >= 0x80))
            continue;
        size_t first = at - n;
        for (size_t m; first > low && (m = text_before(view, first, &next)) > 0; first -= m)
            if (!text_in_word(next))
                break;
        if (code != '.' || count_characters(view.text + first, at - n - first) > 2)
            return at;
    }
    return low;
}

// ------------------------------------------------------------------------------------------ joins

static bool ends_sentence(const Page *page)
{
    const TextView view = page_view(page);
    uint32_t code = 0;
    size_t at = view.length;
    for (size_t n; (n = text_before(view, at, &code)) > 0; at -= n) {
        if (text_is_space(code) || code == '\n' || code == '\t' || text_is_closing(code) ||
            code == '"')
            continue;
        break;
    }
    if (at == 0)
        return true;
    const size_t dots = at >= 2 && view.text[at - 1] == '.' && view.text[at - 2] == '.';
    return text_is_sentence_end(code) && !dots;
}

// How a word goes on from what stands on the page.
static CaseNext case_after(const Page *page)
{
    const TextView view = page_view(page);
    uint32_t last = 0;
    size_t at = view.length;
    for (size_t n; (n = text_before(view, at, &last)) > 0 && text_is_space(last);)
        at -= n;
    if (at == 0)
        return CASE_CAPITAL;
    if (last == '\n') {
        const bool paragraph = at >= 2 && view.text[at - 2] == '\n';
        return paragraph || ends_sentence(page) ? CASE_CAPITAL : CASE_AS_HEARD;
    }
    if (ends_sentence(page))
        return CASE_CAPITAL;
    return last == ',' || last == ';' || text_in_word(last) ? CASE_SMALL : CASE_AS_HEARD;
}

// Whether a space belongs between the page and a character: next is at `at` of the text.
static bool space_belongs(const Walk *walk, size_t at)
{
    const Page *page = walk->writer->page;
    const uint32_t last = page_last(page);
    uint32_t next = 0, second = 0;
    const size_t n = text_next(walk->view, at, &next);
    if (page->tight || last == 0 || n == 0 || last == '\n' || last == '\t' || text_is_space(last) ||
        text_is_opening(last))
        return false;
    if (letter_has_no_spaces(last) || letter_has_no_spaces(next) || text_is_space(next))
        return false;
    if (next == '\n' || text_is_closing(next))
        return false;
    if (next == '.') // ... and .net are words
        return text_next(walk->view, at + 1, &second) > 0 &&
               (second == '.' || text_in_word(second));
    return next == 0x2026 || !text_is_mark(next);
}

static void put_join(Walk *walk, size_t at)
{
    const bool first = walk->writer->out->length == 0;
    if (!space_belongs(walk, at))
        return;
    put(walk, " ", 1, false);
    if (first)
        walk->writer->join_bytes = 1;
}

// ------------------------------------------------------------------------------------------- gaps

static bool in_gap(const Walk *walk, size_t at, uint32_t code)
{
    return !(marked_at(walk->text, at) & MARK_FIXED) && (text_is_space(code) || text_is_mark(code));
}

// Writes the gap up to end as it was heard, with one space where there were several, and none at
// its end: that waits for what follows.
static void put_gap(Walk *walk, size_t end)
{
    uint32_t code = 0;
    for (size_t n; walk->gap < end && (n = text_next(walk->view, walk->gap, &code)) > 0;
         walk->gap += n) {
        if (code == ' ') {
            walk->space_heard = true;
            continue;
        }
        const bool closed = marked_at(walk->text, walk->gap) & MARK_CLOSED;
        if (walk->space_heard && !closed && page_last(walk->writer->page) != '\n')
            put(walk, " ", 1, false);
        walk->space_heard = false;
        put(walk, walk->view.text + walk->gap, n, false);
    }
}

// Drops the gap up to end but for the marks to keep; *ended: a sentence end was dropped. Returns
// whether there was a space.
static bool thin_gap(Walk *walk, size_t end, Keep keep, bool *ended)
{
    bool space = false;
    uint32_t code = 0;
    for (size_t n; walk->gap < end && (n = text_next(walk->view, walk->gap, &code)) > 0;
         walk->gap += n) {
        const bool stays = text_is_mark(code) && code != ',' && code != 0x3001 && code != 0xFF0C;
        space |= text_is_space(code);
        if (keep == KEEP_ENDS && stays)
            put(walk, walk->view.text + walk->gap, n, false);
        else
            *ended |= text_is_sentence_end(code);
    }
    walk->space_heard = false;
    return space;
}

// The gap between a word (or nothing) and what follows it at walk->at, where that is text.
static void gap_before_word(Walk *walk)
{
    bool ended = false;
    const bool after_command = walk->last > 0;
    const bool keeps =
        walk->last == SCOUT_TEXT_CLOSE || walk->last == SCOUT_TEXT_WRITE || walk->last == LAST_WORD;
    if (keeps) {
        put_gap(walk, walk->at);
        const bool closed = marked_at(walk->text, walk->at) & MARK_CLOSED;
        const uint32_t last = page_last(walk->writer->page);
        uint32_t next = 0;
        (void)text_next(walk->view, walk->at, &next);
        if (walk->space_heard && last != '\n' && next != '\n' && last != 0 &&
            !(closed && text_is_mark(next)))
            put(walk, " ", 1, false);
        walk->space_heard = false;
        return;
    }
    if (after_command) {
        const bool space = thin_gap(walk, walk->at, KEEP_NONE, &ended);
        const bool small = walk->case_next == CASE_AS_HEARD && ended &&
                           (walk->last == SCOUT_TEXT_MARK || walk->last == SCOUT_TEXT_DASH ||
                            walk->last == SCOUT_TEXT_TIGHT);
        if (small)
            walk->case_next = CASE_SMALL;
        if (space || walk->last >= SCOUT_TEXT_CAPITALS)
            put_join(walk, walk->at);
        return;
    }
    // The utterance begins here; marks before its first word are its own ("...").
    walk->gap = text_skip_spaces(walk->view, walk->gap);
    put_join(walk, walk->gap);
    put_gap(walk, walk->at);
    if (walk->space_heard)
        put(walk, " ", 1, false);
    walk->space_heard = false;
}

// --------------------------------------------------------------------------------------- commands

static CaseNext case_after_mark(const Page *page)
{
    const CaseNext next = case_after(page);
    return next == CASE_SMALL ? CASE_AS_HEARD : next;
}

// A mark as the utterance's first: it takes the place of the one the model ended the last with.
static void put_first_mark(Walk *walk, const char *text, size_t length)
{
    Page *page = walk->writer->page;
    const TextView view = page_view(page);
    uint32_t last = 0, mark = 0;
    size_t from = view.length;
    if (!page->by_command) {
        for (size_t n; (n = text_before(view, from, &last)) > 0 && text_is_mark(last);)
            from -= n;
        (void)text_before((TextView){text, length, true}, length, &mark);
        if (from < view.length && page_last(page) == mark) {
            page->by_command = true; // now it is
            return;
        }
        if (from < view.length)
            take_back(walk, from);
        page->can_return = false;
    }
    put(walk, text, length, true);
}

static void put_spaced(Walk *walk, const char *text, size_t length)
{
    Page *page = walk->writer->page;
    const uint32_t last = page_last(page);
    if (last != 0 && last != '\n' && !page->tight && !text_is_space(last) &&
        !text_is_opening(last) && !letter_has_no_spaces(last)) {
        if (walk->writer->out->length == 0)
            walk->writer->join_bytes = 1;
        put(walk, " ", 1, false);
    }
    put(walk, text, length, true);
}

static Keep kept_before(int action, const char *text)
{
    switch (action) {
    case SCOUT_TEXT_OPEN: return text[0] == '(' || text[0] == '[' ? KEEP_ENDS : KEEP_ALL;
    case SCOUT_TEXT_CLOSE:
    case SCOUT_TEXT_BREAK:
    case SCOUT_TEXT_STOP: return KEEP_ENDS;
    case SCOUT_TEXT_WRITE:
    case SCOUT_TEXT_CAPITALS:
    case SCOUT_TEXT_CAPITALS_ON:
    case SCOUT_TEXT_CAPITALS_OFF: return KEEP_ALL;
    default: return KEEP_NONE;
    }
}

static void gap_before_command(Walk *walk, int action, const char *text)
{
    bool ended = false;
    Keep keep = kept_before(action, text);
    if (walk->last != LAST_WORD && walk->last != SCOUT_TEXT_CLOSE && walk->last != SCOUT_TEXT_WRITE)
        keep = KEEP_NONE; // it belongs to the command before
    if (keep == KEEP_ALL)
        put_gap(walk, walk->at);
    else
        (void)thin_gap(walk, walk->at, keep, &ended);
    walk->space_heard = false;
}

static void do_scratch(Walk *walk, bool whole)
{
    Page *page = walk->writer->page;
    const size_t low = last_utterance(walk);
    take_back(walk, whole ? low : last_sentence(page, low));
}

static void do_undo(Walk *walk)
{
    Page *page = walk->writer->page;
    if (!page->can_return) {
        do_scratch(walk, true);
        return;
    }
    put(walk, buffer_text(&page->taken), page->taken.length, false);
    buffer_clear(&page->taken);
}

static void note_stop(Walk *walk)
{
    PageWriter *writer = walk->writer;
    if (writer->event_count < POLISH_EVENTS_MAX)
        writer->events[writer->event_count++] =
            (PolishEvent){.type = POLISH_STOP, .at_bytes = writer->out->length};
}

static void write_action(Walk *walk, int action, const char *text, size_t length)
{
    Page *page = walk->writer->page;
    switch (action) {
    case SCOUT_TEXT_MARK:
        if (walk->last == LAST_NONE)
            put_first_mark(walk, text, length);
        else
            put(walk, text, length, true);
        break;
    case SCOUT_TEXT_CLOSE: put(walk, text, length, true); break;
    case SCOUT_TEXT_OPEN:
    case SCOUT_TEXT_DASH:
    case SCOUT_TEXT_WRITE: put_spaced(walk, text, length); break;
    case SCOUT_TEXT_TIGHT:
    case SCOUT_TEXT_BREAK: put(walk, text, length, true); break;
    case SCOUT_TEXT_CAPITALS: walk->capitals_next = true; break;
    case SCOUT_TEXT_CAPITALS_ON: walk->capitals_on = true; break;
    case SCOUT_TEXT_CAPITALS_OFF: walk->capitals_on = walk->capitals_next = false; break;
    case SCOUT_TEXT_SCRATCH: do_scratch(walk, false); break;
    case SCOUT_TEXT_UNDO: do_undo(walk); break;
    case SCOUT_TEXT_STOP: note_stop(walk); break;
    default: break;
    }
    if (action == SCOUT_TEXT_OPEN || action == SCOUT_TEXT_TIGHT || action == SCOUT_TEXT_BREAK)
        page->tight = true;
}

// The case of the word behind a command.
static void set_case(Walk *walk, int action, const char *text)
{
    const Page *page = walk->writer->page;
    uint32_t code = 0;
    (void)utf8_decode(text, strlen(text), &code);
    if (action == SCOUT_TEXT_OPEN && !text_is_opening(code) && code != '"')
        walk->case_next = CASE_AS_HEARD; // $five
    if (action == SCOUT_TEXT_MARK || action == SCOUT_TEXT_BREAK)
        walk->case_next = case_after_mark(page);
    else if (action == SCOUT_TEXT_SCRATCH || action == SCOUT_TEXT_UNDO)
        walk->case_next = case_after(page);
    else if (action == SCOUT_TEXT_CLOSE || action == SCOUT_TEXT_TIGHT || action == SCOUT_TEXT_DASH)
        walk->case_next = CASE_AS_HEARD;
}

static void do_command(Walk *walk)
{
    const size_t first = walk->at;
    const int action = marked_at(walk->text, first) & MARK_ACTION;
    const char *text = walk->view.text + first;
    size_t end = first + 1;
    while (end < walk->view.length && (marked_at(walk->text, end) & MARK_ACTION) == action &&
           !(marked_at(walk->text, end) & MARK_FIRST))
        end++;
    gap_before_command(walk, action, text);
    write_action(walk, action, text, end - first);
    set_case(walk, action, text);
    walk->at = walk->gap = end;
    walk->last = action;
}

// ------------------------------------------------------------------------------------------ words

// Whether a word that begins with a capital is small in the middle of a sentence.
static bool small_for_sure(const Walk *walk, size_t at, size_t end)
{
    const PageWriter *writer = walk->writer;
    const uint32_t hash = hash_word(walk->view, at, end);
    if (was_seen(writer->seen->names, hash))
        return false;
    if (writer->small_words && phrases_have_word(writer->small_words, walk->view, at, end))
        return true;
    return was_seen(writer->seen->small, hash) && writer->language &&
           !writer->language->nouns_are_capital;
}

static void put_letter(Walk *walk, uint32_t code)
{
    char bytes[4];
    put(walk, bytes, utf8_encode(code, bytes), false);
}

// Writes the word at walk->at..end in the case that belongs there.
static void put_word(Walk *walk, size_t end)
{
    const TextView view = walk->view;
    uint32_t first = 0, code = 0;
    const size_t head = text_next(view, walk->at, &first);
    const bool fixed = marked_at(walk->text, walk->at) & MARK_FIXED;
    bool capitals_inside = false;
    for (size_t at = walk->at + head, n; at < end && (n = text_next(view, at, &code)) > 0; at += n)
        capitals_inside |= letter_is_upper(code);
    const bool capital =
        walk->case_next == CASE_CAPITAL || (marked_at(walk->text, walk->at) & MARK_CAPITAL) != 0;
    if (walk->capitals_next || walk->capitals_on) {
        Buffer upper;
        buffer_init(&upper, MARKED_BYTES_MAX);
        text_append_upper(&upper, view.text + walk->at, end - walk->at);
        put(walk, buffer_text(&upper), upper.length, false);
        walk->writer->out->failed |= upper.failed;
        buffer_done(&upper);
    } else if (!fixed && !capitals_inside && capital) {
        put_letter(walk, letter_upper(first));
        put(walk, view.text + walk->at + head, end - walk->at - head, false);
    } else if (!fixed && !capitals_inside && walk->case_next == CASE_SMALL &&
               small_for_sure(walk, walk->at, end)) {
        put_letter(walk, letter_lower(first));
        put(walk, view.text + walk->at + head, end - walk->at - head, false);
    } else {
        put(walk, view.text + walk->at, end - walk->at, false);
    }
    walk->capitals_next = false;
    walk->case_next = CASE_AS_HEARD;
    walk->at = walk->gap = end;
    walk->last = LAST_WORD;
}

// Whether the word that begins with `first` has to be known whole, because its case may change.
static bool case_may_change(const Walk *walk, uint32_t first)
{
    const uint8_t mark = marked_at(walk->text, walk->at);
    if ((mark & MARK_FIXED) || walk->capitals_next || walk->capitals_on)
        return false;
    if (walk->case_next == CASE_CAPITAL || (mark & MARK_CAPITAL))
        return letter_is_lower(first);
    return walk->case_next == CASE_SMALL && letter_is_upper(first);
}

// Whether it is known what joins the text at walk->at to what stands before it: what is behind a
// dot says whether that is a word's.
static bool join_is_known(const Walk *walk)
{
    const TextView view = walk->view;
    const size_t at = walk->last == LAST_NONE ? text_skip_spaces(view, walk->gap) : walk->at;
    return view.ended || walk->last == LAST_WORD || at + 1 < view.length || view.text[at] != '.';
}

// Text at walk->at; false when it has to wait.
static bool do_text(Walk *walk, size_t n, uint32_t code)
{
    const bool in_word = text_in_word(code);
    const size_t end = in_word ? text_word_end(walk->view, walk->at) : walk->at + n;
    if (!join_is_known(walk))
        return false;
    if (in_word && end == walk->view.length && !walk->view.ended && case_may_change(walk, code))
        return false;
    gap_before_word(walk);
    if (in_word) {
        put_word(walk, end);
        return true;
    }
    const bool opens = text_is_opening(code) || code == '"' || code == '\'' || code == '-';
    put(walk, walk->view.text + walk->at, n, false);
    if (!opens)
        walk->case_next = CASE_AS_HEARD;
    walk->at = walk->gap = end;
    walk->last = LAST_WORD;
    return true;
}

static void finish(Walk *walk)
{
    bool dropped = false;
    const bool keeps =
        walk->last == SCOUT_TEXT_CLOSE || walk->last == SCOUT_TEXT_WRITE || walk->last == LAST_WORD;
    if (walk->last == LAST_NONE) {
        walk->gap = text_skip_spaces(walk->view, walk->gap);
        if (walk->gap < walk->view.length)
            put_join(walk, walk->gap);
        put_gap(walk, walk->view.length);
    } else if (keeps) {
        put_gap(walk, walk->view.length);
    } else {
        (void)thin_gap(walk, walk->view.length, KEEP_NONE, &dropped);
    }
}

void page_write(PageWriter *writer, const Marked *text, bool ended)
{
    Walk walk = {.writer = writer,
                 .text = text,
                 .view = marked_view(text, ended),
                 .own_start = writer->page->text.length,
                 .last = LAST_NONE,
                 .case_next = case_after(writer->page)};
    uint32_t code = 0;
    bool waits = false;
    for (size_t n; !waits && (n = text_next(walk.view, walk.at, &code)) > 0;) {
        if (marked_at(text, walk.at) & MARK_ACTION)
            do_command(&walk);
        else if (in_gap(&walk, walk.at, code))
            walk.at += n;
        else
            waits = !do_text(&walk, n, code);
    }
    if (ended) {
        finish(&walk);
        page_end_utterance(writer->page, walk.own_start);
    } else if (!writer->commands && walk.last == LAST_WORD) {
        put_gap(&walk, walk.at);
    }
}
