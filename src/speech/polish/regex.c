// Regular expressions with bounds on reach and work: see regex.h.
#define PCRE2_CODE_UNIT_WIDTH 8
#include "regex.h"

#include <pcre2.h>
#include <string.h>

#include "base/memory.h"
#include "base/str.h"
#include "replace.h"
#include <scout/text.h>

enum {
    GROUPS_MAX = 99,
    NESTING_MAX = 50,    // parentheses in parentheses
    STEPS_MAX = 4000,    // PCRE2's match limit, a place
    DEPTH_MAX = 500,     // and its depth limit
    HEAP_KIB_MAX = 1024, //
    GIVEN_UP_MAX = 8     // places beyond the limits after which the rest of the text is left
};

struct Regex {
    pcre2_code *code;
    char *to;
    bool keep_case;
};

struct RegexScratch {
    pcre2_match_context *limits;
    pcre2_match_data *found;
    Buffer written;
};

typedef enum Answer { ANSWER_NO, ANSWER_YES, ANSWER_LATER, ANSWER_GAVE_UP } Answer;

static ScoutStatus compile(const char *pattern, pcre2_code **code, ScoutError *error)
{
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    if (!context)
        return error_no_memory(error);
    pcre2_set_parens_nest_limit(context, NESTING_MAX);
    int problem = 0;
    PCRE2_SIZE at = 0;
    *code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
                          PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C, &problem, &at, context);
    pcre2_compile_context_free(context);
    if (*code)
        return SCOUT_OK;
    char text[256];
    (void)pcre2_get_error_message(problem, (PCRE2_UCHAR *)text, sizeof text);
    return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT, "regex '%.80s', character %zu: %s",
                     pattern, (size_t)at + 1, text);
}

// Reads a reference at to[0] == '$': its group, and how many bytes it has; 0 for none.
static size_t read_reference(const char *to, uint32_t *group)
{
    const bool braced = to[1] == '{';
    size_t at = braced ? 2 : 1;
    const size_t digits = braced ? 2 : 1;
    const size_t first = at;
    *group = 0;
    for (; at < first + digits && to[at] >= '0' && to[at] <= '9'; at++)
        *group = *group * 10 + (uint32_t)(to[at] - '0');
    if (at == first || (braced && to[at] != '}'))
        return 0;
    return at + braced;
}

static ScoutStatus check_references(const pcre2_code *code, const char *pattern, const char *to,
                                    ScoutError *error)
{
    uint32_t groups = 0;
    (void)pcre2_pattern_info(code, PCRE2_INFO_CAPTURECOUNT, &groups);
    if (groups > GROUPS_MAX)
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                         "regex '%.80s' has more than %d groups; write (?:...) for those that the "
                         "replacement does not name",
                         pattern, GROUPS_MAX);
    for (const char *p = to; (p = strchr(p, '$')) != NULL;) {
        uint32_t group = 0;
        const size_t length = p[1] == '$' ? 2 : read_reference(p, &group);
        if (length == 0)
            return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                             "'%.80s': behind $ a group's number is expected, as in $1 or ${10}; "
                             "write $$ for a dollar sign",
                             to);
        if (group > groups)
            return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                             "'%.80s' names group %u, but regex '%.80s' has %u", to, group, pattern,
                             groups);
        p += length;
    }
    return SCOUT_OK;
}

ScoutStatus regex_new(const char *pattern, const char *to, bool keep_case, Regex **regex,
                      ScoutError *error)
{
    Regex *made = mem_array(1, sizeof *made);
    if (!made)
        return error_no_memory(error);
    made->keep_case = keep_case;
    ScoutStatus status = compile(pattern, &made->code, error);
    if (!status)
        status = check_references(made->code, pattern, to, error);
    if (!status && !(made->to = mem_copy_text(to, strlen(to))))
        status = error_no_memory(error);
    if (status) {
        regex_free(made);
        return status;
    }
    *regex = made;
    return SCOUT_OK;
}

void regex_free(Regex *regex)
{
    if (!regex)
        return;
    pcre2_code_free(regex->code);
    mem_free(regex->to);
    mem_free(regex);
}

RegexScratch *regex_scratch_new(void)
{
    RegexScratch *scratch = mem_array(1, sizeof *scratch);
    if (!scratch)
        return NULL;
    buffer_init(&scratch->written, REPLACE_WRITTEN_MAX);
    scratch->limits = pcre2_match_context_create(NULL);
    scratch->found = pcre2_match_data_create(GROUPS_MAX + 1, NULL);
    if (!scratch->limits || !scratch->found) {
        regex_scratch_free(scratch);
        return NULL;
    }
    pcre2_set_match_limit(scratch->limits, STEPS_MAX);
    pcre2_set_depth_limit(scratch->limits, DEPTH_MAX);
    pcre2_set_heap_limit(scratch->limits, HEAP_KIB_MAX);
    return scratch;
}

void regex_scratch_free(RegexScratch *scratch)
{
    if (!scratch)
        return;
    pcre2_match_context_free(scratch->limits);
    pcre2_match_data_free(scratch->found);
    buffer_done(&scratch->written);
    mem_free(scratch);
}

// The end of what a match at `at` may see, at a character's beginning.
static size_t window_end(TextView view, size_t at)
{
    size_t end = at + SCOUT_TEXT_REACH;
    if (end >= view.length)
        return view.length;
    while (((unsigned char)view.text[end] & 0xC0) == 0x80)
        end--;
    return end;
}

// What the pattern does at one place. The answer is that of the whole window, given before the
// window has come as soon as no further text can change it.
static Answer look(const Regex *regex, RegexScratch *scratch, TextView view, size_t at)
{
    const size_t end = window_end(view, at);
    const bool whole = view.ended || view.length > at + SCOUT_TEXT_REACH;
    const uint32_t options = PCRE2_ANCHORED | PCRE2_NOTEMPTY | PCRE2_NO_UTF_CHECK |
                             (whole ? 0 : PCRE2_PARTIAL_HARD) |
                             (end < view.length ? PCRE2_NOTEOL : 0);
    const int count = pcre2_match(regex->code, (PCRE2_SPTR)view.text, end, at, options,
                                  scratch->found, scratch->limits);
    if (count > 0) {
        const PCRE2_SIZE *span = pcre2_get_ovector_pointer(scratch->found);
        return span[0] >= at && span[1] > span[0] ? ANSWER_YES : ANSWER_NO; // \K may do anything
    }
    if (count == PCRE2_ERROR_NOMATCH)
        return ANSWER_NO;
    return whole ? ANSWER_GAVE_UP : ANSWER_LATER;
}

// Writes what the match becomes into `written`, unless it is NULL; returns how long that is.
static size_t expand(const Regex *regex, RegexScratch *scratch, const char *text, Buffer *written)
{
    const PCRE2_SIZE *spans = pcre2_get_ovector_pointer(scratch->found);
    size_t length = 0;
    for (const char *to = regex->to; *to;) {
        const char *piece = to;
        size_t piece_length = strcspn(to, "$");
        uint32_t group = 0;
        if (piece_length > 0) {
            to += piece_length;
        } else if (to[1] == '$') {
            piece_length = 1;
            to += 2;
        } else {
            to += read_reference(to, &group);
            const PCRE2_SIZE first = spans[2 * (size_t)group];
            const PCRE2_SIZE end = spans[2 * (size_t)group + 1];
            const bool set = first != PCRE2_UNSET && end > first;
            piece = set ? text + first : "";
            piece_length = set ? end - first : 0;
        }
        length += piece_length;
        if (written)
            buffer_append(written, piece, piece_length);
    }
    return length;
}

// Replaces the match in a text that was copied up to `at`; false if that would be too much.
static bool replace(const Regex *regex, RegexScratch *scratch, const Marked *text, size_t *at,
                    Marked *out)
{
    const PCRE2_SIZE *span = pcre2_get_ovector_pointer(scratch->found);
    const char *bytes = buffer_text(&text->text);
    const size_t length = expand(regex, scratch, bytes, NULL);
    if (!replace_may_write(out, length))
        return false;
    buffer_clear(&scratch->written);
    (void)expand(regex, scratch, bytes, &scratch->written);
    out->text.failed |= scratch->written.failed;
    marked_copy(out, text, *at, span[0], 0);
    replace_write(out, bytes + span[0], span[1] - span[0], buffer_text(&scratch->written),
                  scratch->written.length, regex->keep_case);
    *at = span[1];
    return true;
}

size_t regex_apply(const Regex *regex, RegexScratch *scratch, const Marked *text, bool ended,
                   Marked *out)
{
    const TextView view = marked_view(text, ended);
    size_t hits = 0, given_up = 0;
    for (size_t at = 0; at < view.length;) {
        const Answer answer = given_up < GIVEN_UP_MAX ? look(regex, scratch, view, at) : ANSWER_NO;
        if (answer == ANSWER_LATER)
            break;
        given_up += answer == ANSWER_GAVE_UP;
        if (answer == ANSWER_YES && replace(regex, scratch, text, &at, out)) {
            hits++;
            continue;
        }
        uint32_t code = 0;
        const size_t next = at + text_next(view, at, &code);
        marked_copy(out, text, at, next, 0);
        at = next;
    }
    return hits;
}
