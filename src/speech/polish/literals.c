// Replacement of words and phrases: see literals.h.
#include "literals.h"

#include <string.h>

#include "base/letter.h"
#include "replace.h"

// Copies the character at `at` and returns what follows it.
static size_t copy_one(const Marked *text, TextView view, size_t at, uint8_t extra, Marked *out)
{
    uint32_t code = 0;
    const size_t next = at + text_next(view, at, &code);
    marked_copy(out, text, at, next, extra);
    return next;
}

// What goes with words that are deleted: a comma behind them, and the spaces that would be doubled.
// False when that is not known yet.
static bool deletion_end(TextView view, size_t at, size_t *end)
{
    uint32_t before = 0, code = 0;
    const bool at_space =
        text_before(view, at, &before) == 0 || text_is_space(before) || text_is_opening(before);
    size_t next = *end;
    if (text_next(view, next, &code) == 1 && code == ',')
        next++;
    if (at_space)
        next = text_skip_spaces(view, next);
    *end = next;
    return view.ended || next < view.length;
}

void literals_apply(const Phrases *phrases, const ScoutTextReplacement *table, const Marked *text,
                    bool ended, _Atomic uint64_t *hits, Marked *out)
{
    const TextView view = marked_view(text, ended);
    uint8_t extra = 0; // for the next character: what was deleted before it
    for (size_t at = 0; at < view.length;) {
        PhraseHit hit;
        const PhraseMatch match = phrases_find(phrases, view, at, &hit);
        if (match == PHRASE_UNDECIDED)
            return;
        const ScoutTextReplacement *rule = match == PHRASE_FOUND ? &table[hit.id] : NULL;
        const size_t length = rule ? strlen(rule->to) : 0;
        if (!rule || !replace_may_write(out, length)) {
            at = copy_one(text, view, at, extra, out);
            extra = 0;
            continue;
        }
        if (length == 0 && rule->kind != SCOUT_TEXT_EXACT) {
            if (!deletion_end(view, at, &hit.end))
                return;
            uint32_t first = 0;
            (void)text_next(view, at, &first);
            extra |= MARK_CLOSED | (letter_is_upper(first) ? MARK_CAPITAL : 0);
        } else {
            replace_write(out, view.text + at, hit.end - at, rule->to, length,
                          rule->keep_case != 0);
            extra = 0;
        }
        if (hits)
            atomic_fetch_add(&hits[hit.id], 1);
        at = hit.end;
    }
}

size_t literals_mask(const Phrases *words, const Marked *text, bool ended, Marked *out)
{
    const TextView view = marked_view(text, ended);
    size_t hits = 0;
    for (size_t at = 0; at < view.length;) {
        PhraseHit hit;
        const PhraseMatch match = phrases_find(words, view, at, &hit);
        if (match == PHRASE_UNDECIDED)
            break;
        const size_t first = at;
        at = copy_one(text, view, at, 0, out);
        if (match != PHRASE_FOUND || (marked_at(text, first) & MARK_ACTION))
            continue;
        hits++;
        uint32_t code = 0;
        for (size_t n; at < hit.end && (n = text_next(view, at, &code)) > 0; at += n)
            marked_append(out, text_in_word(code) ? "*" : view.text + at,
                          text_in_word(code) ? 1 : n, MARK_FIXED);
    }
    return hits;
}
