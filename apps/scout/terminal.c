// Notes, errors and progress: see terminal.h.
#include "terminal.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"

enum {
    LINE_MAX_BYTES = 2048,
    COLUMNS_DEFAULT = 80,
    COLUMNS_MIN = 20,
    COLUMNS_MAX = 400,
    ROWS_DEFAULT = 24,
    ROWS_MAX = 200,
    BAR_MAX = 40,
    BAR_MIN = 8,
    REDRAW_MS = 100
};

static struct {
    bool quiet;
    bool error_is_terminal;
    bool output_is_terminal;
    bool output_draws;
    bool error_colour;
    bool output_colour;
    bool utf8;
    volatile bool shown; // a progress line stands on the screen
    int64_t drawn_ns;
} terminal;

static bool locale_is_utf8(void)
{
    static const char *const variables[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (size_t i = 0; i < BASE_COUNT(variables); i++) {
        const char *value = getenv(variables[i]);
        if (value && *value)
            return strcasestr(value, "utf-8") || strcasestr(value, "utf8");
    }
    return false;
}

static size_t columns_of(int descriptor)
{
    struct winsize size;
    if (ioctl(descriptor, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return COLUMNS_DEFAULT;
    return BASE_MIN(BASE_MAX((size_t)size.ws_col, (size_t)COLUMNS_MIN), (size_t)COLUMNS_MAX);
}

void terminal_init(bool quiet)
{
    const char *no_color = getenv("NO_COLOR");
    const char *kind = getenv("TERM");
    bool dumb = kind && str_equal(kind, "dumb");
    bool colour = !(no_color && *no_color) && !dumb;
    terminal.quiet = quiet;
    terminal.error_is_terminal = isatty(STDERR_FILENO) == 1 && !dumb;
    terminal.output_is_terminal = isatty(STDOUT_FILENO) == 1;
    terminal.output_draws = terminal.output_is_terminal && !dumb;
    terminal.error_colour = terminal.error_is_terminal && colour;
    terminal.output_colour = terminal.output_is_terminal && colour;
    terminal.utf8 = locale_is_utf8();
}

bool terminal_output_colour(void)
{
    return terminal.output_colour;
}

size_t terminal_output_columns(void)
{
    return terminal.output_is_terminal ? columns_of(STDOUT_FILENO) : COLUMNS_DEFAULT;
}

size_t terminal_output_rows(void)
{
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0)
        return ROWS_DEFAULT;
    return BASE_MIN((size_t)size.ws_row, (size_t)ROWS_MAX);
}

bool terminal_output_utf8(void)
{
    return terminal.utf8;
}

bool terminal_output_draws(void)
{
    return terminal.output_draws;
}

void terminal_progress_hide(void)
{
    if (terminal.shown) {
        (void)fputs("\r\033[K", stderr);
        (void)fflush(stderr);
        terminal.shown = false;
    }
    terminal.drawn_ns = 0;
}

void terminal_leave_now(void)
{
    if (terminal.shown) {
        static const char clear[] = "\r\033[K";
        ssize_t written = write(STDERR_FILENO, clear, sizeof(clear) - 1);
        (void)written;
    }
}

static void print_line(const char *colour, const char *head, char *line)
{
    str_make_line(line);
    terminal_progress_hide();
    if (terminal.error_colour && *colour)
        (void)fprintf(stderr, "%s%s\033[0m%s\n", colour, head, line);
    else
        (void)fprintf(stderr, "%s%s\n", head, line);
    (void)fflush(stderr);
}

void terminal_error(const char *format, ...)
{
    char line[LINE_MAX_BYTES];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    print_line("\033[31m", "scout: ", line);
}

void terminal_warning(const char *format, ...)
{
    char line[LINE_MAX_BYTES];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    print_line("\033[33m", "scout: warning: ", line);
}

void terminal_note(const char *format, ...)
{
    if (terminal.quiet)
        return;
    char line[LINE_MAX_BYTES];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    print_line("", "", line);
}

void terminal_say(const char *format, ...)
{
    char line[LINE_MAX_BYTES];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    print_line("", "", line);
}

static void time_left(char *out, size_t size, double left_s)
{
    long long left = left_s < 0 || left_s > 1e7 ? -1 : (long long)(left_s + 0.5);
    if (left < 0)
        *out = '\0';
    else if (left >= 3600)
        (void)snprintf(out, size, " %lld:%02lld:%02lld left", left / 3600, left / 60 % 60,
                       left % 60);
    else
        (void)snprintf(out, size, " %lld:%02lld left", left / 60, left % 60);
}

static size_t append(char *out, size_t size, size_t at, const char *text, size_t count)
{
    size_t length = strlen(text);
    for (; count && at + length < size; count--, at += length)
        memcpy(out + at, text, length + 1);
    return at;
}

// The label, cut to fit with an ellipsis.
static size_t append_label(char *out, size_t size, const char *label, size_t columns)
{
    size_t length = strlen(label);
    if (utf8_columns(label, length) <= columns)
        return append(out, size, 0, label, 1);
    if (columns < strlen("..."))
        return 0;
    size_t at = 0;
    size_t used = 0;
    while (label[at]) {
        uint32_t code;
        size_t taken = utf8_decode(label + at, length - at, &code);
        size_t wide = utf8_columns(label + at, taken);
        if (used + wide + 3 > columns || at + taken + 4 >= size)
            break;
        memcpy(out + at, label + at, taken);
        used += wide;
        at += taken;
    }
    out[at] = '\0';
    return append(out, size, at, "...", 1);
}

void terminal_render(char *out, size_t size, size_t columns, bool utf8, const char *label,
                     double fraction, double left_s)
{
    char tail[64] = "";
    char left[40];
    time_left(left, sizeof(left), left_s);
    if (fraction >= 0)
        (void)snprintf(tail, sizeof(tail), " %3d %%%s", (int)(BASE_MIN(fraction, 1.0) * 100.0),
                       left);
    // The last column stays free: some terminals begin a new line there.
    size_t room = columns > strlen(tail) + 1 ? columns - strlen(tail) - 1 : 0;
    size_t label_columns = BASE_MIN(utf8_columns(label, strlen(label)), room);
    size_t bar = fraction < 0 ? 0 : BASE_MIN(room - label_columns, (size_t)BAR_MAX + 1);
    if (fraction >= 0 && bar < BAR_MIN + 1) {
        bar = room > BAR_MIN + 12 ? BAR_MIN + 1 : 0;
        label_columns = BASE_MIN(label_columns, room - bar);
    }
    out[0] = '\0';
    size_t at = append_label(out, size, label, label_columns);
    if (bar) {
        size_t full = (size_t)(BASE_MIN(fraction, 1.0) * (double)(bar - 1));
        at = append(out, size, at, " ", 1);
        at = append(out, size, at, utf8 ? "━" : "#", full);
        at = append(out, size, at, utf8 ? "─" : "-", bar - 1 - full);
    }
    (void)append(out, size, at, tail, 1);
}

void terminal_progress(const char *label, double fraction, double left_s)
{
    if (terminal.quiet || !terminal.error_is_terminal)
        return;
    int64_t now_ns = clock_monotonic_ns();
    if (terminal.shown && now_ns - terminal.drawn_ns < (int64_t)REDRAW_MS * 1000000)
        return;
    char clean[LINE_MAX_BYTES / 4];
    (void)str_copy(clean, sizeof(clean), label);
    str_make_line(clean);
    char line[LINE_MAX_BYTES];
    terminal_render(line, sizeof(line), columns_of(STDERR_FILENO), terminal.utf8, clean, fraction,
                    left_s);
    terminal.shown = true;
    (void)fprintf(stderr, "\r\033[K%s", line);
    (void)fflush(stderr);
    terminal.drawn_ns = now_ns;
}
