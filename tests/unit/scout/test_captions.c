// Live captions on a terminal that is played here: cells, a cursor, scrolling, the few escape
// sequences that are written. What must hold at any width: final text is on the screen or has
// scrolled away, once and whole, and below it stands what is being said, once.
#include "captions.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/attributes.h"
#include "base/str.h"

enum { ROWS_MAX = 64, COLUMNS_MAX = 200, CELL_BYTES = 8 };

typedef struct Cell {
    char text[CELL_BYTES]; // empty behind a wide character
    bool dim;
} Cell;

typedef struct Screen {
    size_t rows, columns;
    size_t row, column;
    bool dim;
    Cell cells[ROWS_MAX][COLUMNS_MAX];
    Buffer scrolled; // what went away at the top, a line each
} Screen;

static Screen screen;

static void clear_from(size_t row, size_t column)
{
    for (; row < screen.rows; row++, column = 0) {
        for (size_t c = column; c < screen.columns; c++)
            screen.cells[row][c] = (Cell){.text = " "};
    }
}

static void screen_of(size_t rows, size_t columns)
{
    buffer_done(&screen.scrolled);
    screen = (Screen){.rows = rows, .columns = columns};
    buffer_init(&screen.scrolled, 1 << 20);
    clear_from(0, 0);
}

// A row's text without the blanks at its end; tentative text in [brackets].
static void append_row(Buffer *out, const Cell *cells, bool marks)
{
    const size_t begin = out->length;
    bool dim = false;
    for (size_t c = 0; c < screen.columns; c++) {
        if (marks && cells[c].dim != dim && cells[c].text[0])
            buffer_append_char(out, cells[c].dim ? '[' : ']');
        dim = cells[c].text[0] ? cells[c].dim : dim;
        buffer_append_text(out, cells[c].text);
    }
    if (marks && dim)
        buffer_append_char(out, ']');
    while (out->length > begin && out->data[out->length - 1] == ' ')
        out->data[--out->length] = '\0';
    buffer_append_char(out, '\n');
}

static void new_line(void)
{
    screen.column = 0;
    if (++screen.row < screen.rows)
        return;
    append_row(&screen.scrolled, screen.cells[0], false);
    memmove(screen.cells[0], screen.cells[1], (screen.rows - 1) * sizeof screen.cells[0]);
    screen.row = screen.rows - 1;
    clear_from(screen.row, 0);
}

// Returns the bytes of the sequence that begins behind the escape.
static size_t obey(const char *text)
{
    assert_int_equal(text[0], '[');
    char *end;
    const long number = strtol(text + 1, &end, 10);
    switch (*end) {
    case 'A':
        assert_true((size_t)number <= screen.row);
        screen.row -= (size_t)number;
        break;
    case 'J': clear_from(number == 2 ? 0 : screen.row, number == 2 ? 0 : screen.column); break;
    case 'H': screen.row = screen.column = 0; break;
    case 'm': screen.dim = number == 2; break;
    default: fail_msg("unknown sequence %s", text);
    }
    return (size_t)(end + 1 - text);
}

static void show(Captions *captions)
{
    assert_false(captions->out.failed);
    const char *text = buffer_text(&captions->out);
    for (size_t at = 0; at < captions->out.length;) {
        if (text[at] == '\n') {
            new_line();
            at++;
        } else if (text[at] == '\r') {
            screen.column = 0;
            at++;
        } else if (text[at] == '\033') {
            at += 1 + obey(text + at + 1);
        } else {
            uint32_t code;
            const size_t taken = utf8_decode(text + at, captions->out.length - at, &code);
            const size_t wide = utf8_columns(text + at, taken);
            // Nothing is ever written into the last column or beyond.
            assert_true(screen.column + wide < screen.columns);
            Cell *cell = &screen.cells[screen.row][screen.column];
            *cell = (Cell){.dim = screen.dim};
            memcpy(cell->text, text + at, taken);
            if (wide == 2)
                cell[1] = (Cell){.text = ""};
            screen.column += wide;
            at += taken;
        }
    }
    buffer_clear(&captions->out);
}

static void assert_screen(const char *expected)
{
    Buffer seen;
    buffer_init(&seen, 1 << 16);
    for (size_t r = 0; r < screen.rows; r++)
        append_row(&seen, screen.cells[r], true);
    size_t length = seen.length;
    while (length > 0 && seen.data[length - 1] == '\n')
        seen.data[--length] = '\0';
    assert_string_equal(buffer_text(&seen), expected);
    buffer_done(&seen);
}

static Captions *begun(size_t columns, size_t rows)
{
    static Captions captions;
    captions_init(
        &captions,
        &(CaptionsOptions){
            .live = true, .colour = true, .columns = columns, .rows = rows, .channels = 1});
    screen_of(rows, columns);
    return &captions;
}

static void test_a_sentence_grows_and_becomes_final(void **state)
{
    (void)state;
    Captions *captions = begun(20, 6);
    captions_partial(captions, 0, " Hello", 0);
    show(captions);
    assert_screen("[Hello]");
    captions_partial(captions, 0, " Hello there how are", 12);
    show(captions);
    assert_screen("Hello there[ how are]");
    captions_partial(captions, 0, " Hello there, who is it", 12);
    show(captions);
    assert_screen("Hello there[, who is]\n[it]");
    captions_final(captions, 0, " Hello there, who is it?", false);
    show(captions);
    assert_screen("Hello there, who is\nit?");
    captions_partial(captions, 0, " Me.", 4);
    show(captions);
    assert_screen("Hello there, who is\nit?\nMe.");
    captions_final(captions, 0, "", false); // it was nothing
    show(captions);
    assert_screen("Hello there, who is\nit?");
    captions_done(captions);
}

static void test_an_utterance_that_goes_on_stays_in_its_line(void **state)
{
    (void)state;
    Captions *captions = begun(40, 6);
    captions_final(captions, 0, " One part", true);
    captions_partial(captions, 0, " and another", 4);
    show(captions);
    assert_screen("One part and[ another]");
    captions_final(captions, 0, " and another.", false);
    show(captions);
    assert_screen("One part and another.");
    captions_done(captions);
}

static void test_wide_characters_and_new_lines(void **state)
{
    (void)state;
    Captions *captions = begun(11, 8);
    captions_partial(captions, 0, "日本語の字幕です", 9);
    show(captions);
    assert_screen("日本語[の字]\n[幕です]");
    captions_final(captions, 0, "日本語の字幕です", false);
    captions_final(captions, 0, "a b\nc", false);
    show(captions);
    assert_screen("日本語の字\n幕です\na b\nc");
    captions_done(captions);
}

static void test_more_than_the_screen_holds(void **state)
{
    (void)state;
    Captions *captions = begun(12, 4);
    captions_partial(captions, 0, " one two three four five six seven eight nine ten", 0);
    show(captions);
    // The beginning is not shown while it may change; the end is.
    assert_screen("[five six]\n[seven eight]\n[nine ten]");
    captions_final(captions, 0, " one two three four five six seven eight nine ten", false);
    show(captions);
    Buffer all;
    buffer_init(&all, 1 << 16);
    buffer_append_text(&all, buffer_text(&screen.scrolled));
    for (size_t r = 0; r < screen.rows; r++)
        append_row(&all, screen.cells[r], false);
    assert_non_null(
        strstr(buffer_text(&all), "one two\nthree four\nfive six\nseven eight\nnine ten\n"));
    buffer_done(&all);
    captions_done(captions);
}

static void test_notes_and_a_status(void **state)
{
    (void)state;
    Captions *captions = begun(30, 6);
    captions_status(captions, "listening to Microphone");
    show(captions);
    assert_screen("[listening to Microphone]");
    captions_partial(captions, 0, " Well", 0);
    show(captions);
    assert_screen("[Well]\n[listening to Microphone]");
    captions_note(captions, "Microphone is gone");
    captions_status(captions, NULL);
    show(captions);
    assert_screen("[Microphone is gone]\n[Well]");
    captions_end(captions);
    show(captions);
    assert_screen("[Microphone is gone]\nWell");
    assert_int_equal(screen.column, 0);
    captions_done(captions);
}

static void test_two_speakers_have_labels(void **state)
{
    (void)state;
    static Captions captions;
    captions_init(&captions, &(CaptionsOptions){.live = true,
                                                .colour = true,
                                                .columns = 21,
                                                .rows = 8,
                                                .channels = 2,
                                                .labels = {"you", "they"}});
    screen_of(8, 21);
    captions_partial(&captions, 0, " Can you hear me now?", 4);
    captions_partial(&captions, 1, " We can", 7);
    show(&captions);
    assert_screen("you: Can[ you hear me]\n     [now?]\nthey: We can");
    captions_final(&captions, 1, " We can.", false);
    show(&captions);
    assert_screen("they: We can.\nyou: Can[ you hear me]\n     [now?]");
    captions_done(&captions);
}

static void test_a_resized_terminal_is_drawn_anew(void **state)
{
    (void)state;
    Captions *captions = begun(40, 12);
    captions_final(captions, 0, " The first line of all is this.", false);
    captions_partial(captions, 0, " And this one is being said", 4);
    show(captions);
    screen_of(12, 18);
    screen.row = 5; // wherever the terminal has put it
    captions_resize(captions, 18, 12);
    show(captions);
    assert_screen("The first line of\nall is this.\nAnd[ this one is]\n[being said]");
    captions_resize(captions, 18, 12);
    assert_int_equal(captions->out.length, 0);
    captions_done(captions);
}

static void test_text_cannot_steer_the_terminal(void **state)
{
    (void)state;
    Captions *captions = begun(40, 4);
    captions_final(captions, 0,
                   " a\033[2Jb\tc\xC2\x9B"
                   "d\xE2\x80\xAE"
                   "e\xFF",
                   false);
    show(captions);
    assert_screen("a [2Jb c de?");
    captions_done(captions);
}

static void test_without_a_terminal_finals_are_lines(void **state)
{
    (void)state;
    Captions captions;
    captions_init(&captions, &(CaptionsOptions){.columns = 10, .rows = 5, .channels = 1});
    captions_status(&captions, "listening");
    captions_note(&captions, "a note");
    captions_partial(&captions, 0, " never shown", 3);
    captions_final(&captions, 0, " A line that is longer than ten columns.", false);
    captions_final(&captions, 0, " One", true);
    captions_final(&captions, 0, ", two.", false);
    captions_final(&captions, 0, "", false);
    captions_end(&captions);
    assert_string_equal(buffer_text(&captions.out),
                        "A line that is longer than ten columns.\nOne, two.\n");
    captions_done(&captions);
}

// Random talk on terminals of every width: what has become final is there, word for word, once.
static void test_every_width_keeps_every_word(void **state)
{
    (void)state;
    static const char *const words[] = {"a",   "word",     "字幕", "looooooooooooooooooong",
                                        "ünï", "yes, no.", "の",   "emoji😀face"};
    for (size_t columns = 8; columns < 60; columns += 3) {
        Captions *captions = begun(columns, 10);
        unsigned seed = (unsigned)columns;
        Buffer told;
        buffer_init(&told, 1 << 16);
        for (int utterance = 0; utterance < 12; utterance++) {
            char text[512] = "";
            size_t settled = 0;
            const int count = 1 + (int)((seed = seed * 1103515245 + 12345) >> 16) % 12;
            for (int w = 0; w < count; w++) {
                seed = seed * 1103515245 + 12345;
                (void)strcat(strcat(text, " "), words[(seed >> 16) % BASE_COUNT(words)]);
                captions_partial(captions, 0, text, settled);
                show(captions);
                settled = (size_t)w % 3 == 0 ? strlen(text) : settled;
            }
            captions_final(captions, 0, text, false);
            show(captions);
            buffer_append_text(&told, text);
        }
        captions_end(captions);
        show(captions);
        Buffer seen;
        buffer_init(&seen, 1 << 16);
        buffer_append_text(&seen, buffer_text(&screen.scrolled));
        for (size_t r = 0; r < screen.rows; r++)
            append_row(&seen, screen.cells[r], false);
        // Rows break anywhere; only the letters count.
        size_t s = 0;
        for (size_t t = 0; t < told.length; t++) {
            if (told.data[t] == ' ')
                continue;
            while (seen.data[s] == ' ' || seen.data[s] == '\n')
                s++;
            assert_int_equal(seen.data[s], told.data[t]);
            s++;
        }
        assert_true(strspn(seen.data + s, " \n") == strlen(seen.data + s));
        buffer_done(&seen);
        buffer_done(&told);
        captions_done(captions);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_sentence_grows_and_becomes_final),
        cmocka_unit_test(test_an_utterance_that_goes_on_stays_in_its_line),
        cmocka_unit_test(test_wide_characters_and_new_lines),
        cmocka_unit_test(test_more_than_the_screen_holds),
        cmocka_unit_test(test_notes_and_a_status),
        cmocka_unit_test(test_two_speakers_have_labels),
        cmocka_unit_test(test_a_resized_terminal_is_drawn_anew),
        cmocka_unit_test(test_text_cannot_steer_the_terminal),
        cmocka_unit_test(test_without_a_terminal_finals_are_lines),
        cmocka_unit_test(test_every_width_keeps_every_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
