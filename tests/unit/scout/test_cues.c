// Subtitles: nothing lost, nothing too wide, lines balanced, times from the words.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/attributes.h"
#include "base/buffer.h"
#include "base/str.h"
#include "cues.h"

// All cues, lines with '/' between and cues with '|'; checks widths and times on the way.
static void cut(Buffer *out, const ScoutSegment *segment, size_t width, size_t lines)
{
    buffer_init(out, 1 << 16);
    CueSplit split;
    assert_true(cues_begin(&split, segment, width, lines));
    Cue cue;
    double last_s = segment->start_s;
    while (cues_next(&split, &cue)) {
        assert_true(cue.line_count >= 1 && cue.line_count <= BASE_MAX(lines, (size_t)1));
        assert_true(cue.start_s >= last_s - 1e-9 && cue.end_s >= cue.start_s);
        last_s = cue.end_s;
        buffer_append_text(out, out->length ? "|" : "");
        size_t columns = 0;
        for (size_t i = 0, line = 0; i < cue.count; i++) {
            const CueUnit *unit = &split.units[cue.first + i];
            if (line + 1 < cue.line_count && cue.breaks[line + 1] == cue.first + i) {
                buffer_append_char(out, '/');
                line++;
                columns = 0;
            } else if (i && unit->space) {
                buffer_append_char(out, ' ');
                columns++;
            }
            buffer_append(out, unit->text, unit->length);
            columns += unit->columns;
            assert_true(!width || columns <= width);
        }
    }
    cues_end(&split);
}

static void gives(const char *text, size_t width, size_t lines, const char *expected)
{
    ScoutSegment segment = {.text = text, .start_s = 1, .end_s = 9};
    Buffer out;
    cut(&out, &segment, width, lines);
    assert_string_equal(buffer_text(&out), expected);
    buffer_done(&out);
}

static void lines_are_balanced(void **state)
{
    (void)state;
    gives(" one two three four", 100, 2, "one two three four");
    gives(" one two three four", 15, 2, "one two/three four");
    gives(" aaaa bbbb cccc d", 14, 2, "aaaa bbbb/cccc d");
    gives(" one two three four", 0, 2, "one two three four");
    gives("", 10, 2, "");
    gives("  \n ", 10, 2, "");
}

static void cues_end_with_sentences(void **state)
{
    (void)state;
    gives(" One two three. Four five six seven eight.", 11, 2,
          "One two/three.|Four five/six seven|eight.");
}

static void long_words_are_cut(void **state)
{
    (void)state;
    gives(" abcdefghijklmnop", 5, 2, "abcde/fghij|klmno/p");
}

static void wide_characters_count_two(void **state)
{
    (void)state;
    gives("我們今天去公園。", 8, 2, "我們今天/去公園。");
    gives("我們今天去公園。", 8, 1, "我們今天|去公園。");
    // Closing marks do not begin a line.
    gives("我們今天。去", 8, 1, "我們今|天。去");
}

static void times_come_from_words(void **state)
{
    (void)state;
    const ScoutWord words[] = {{.text = " one", .start_s = 1, .end_s = 1.5},
                               {.text = " two", .start_s = 2, .end_s = 2.5},
                               {.text = " three", .start_s = 5, .end_s = 6}};
    ScoutSegment segment = {
        .text = " one two three", .start_s = 0.5, .end_s = 7, .words = words, .word_count = 3};
    CueSplit split;
    Cue cue;
    assert_true(cues_begin(&split, &segment, 7, 1));
    assert_true(cues_next(&split, &cue));
    assert_true(cue.start_s == 1 && cue.end_s == 2.5);
    assert_true(cues_next(&split, &cue));
    assert_true(cue.start_s == 5 && cue.end_s == 6);
    assert_false(cues_next(&split, &cue));
    cues_end(&split);
}

static void any_width_loses_nothing(void **state)
{
    (void)state;
    static const char text[] =
        " It was 7.30 p.m., \"or later\", in Zürich; 東京では雨が降っていた。 naïve café "
        "https://example.org/a/very/long/address?with=everything...";
    for (size_t width = 2; width < 90; width++) {
        for (size_t lines = 1; lines <= 4; lines++) {
            ScoutSegment segment = {.text = text, .start_s = 0, .end_s = 20};
            Buffer out;
            cut(&out, &segment, width, lines);
            const char *wanted = text;
            for (const char *got = buffer_text(&out); *got; got++) {
                if (*got == '|' || *got == ' ' || (*got == '/' && *wanted != '/'))
                    continue;
                wanted += strspn(wanted, " ");
                assert_int_equal(*got, *wanted);
                wanted++;
            }
            assert_int_equal(*wanted, '\0');
            buffer_done(&out);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_balanced),    cmocka_unit_test(cues_end_with_sentences),
        cmocka_unit_test(long_words_are_cut),    cmocka_unit_test(wide_characters_count_two),
        cmocka_unit_test(times_come_from_words), cmocka_unit_test(any_width_loses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
