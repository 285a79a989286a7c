// What the program says to the person: notes, warnings and errors on standard error, and a progress
// line that is redrawn in place when that is a terminal. Main thread only, but for
// terminal_leave_now.
#ifndef SCOUT_TERMINAL_H
#define SCOUT_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attributes.h"

// Looks at the streams and at NO_COLOR. quiet: no notes and no progress.
void terminal_init(bool quiet);

bool terminal_output_colour(void); // standard output may have colours
size_t terminal_output_columns(void);
size_t terminal_output_rows(void);
bool terminal_output_utf8(void);  // the locale says that letters beyond ASCII can be shown
bool terminal_output_draws(void); // standard output is a terminal that can be rewritten in place

// One line each, "scout: " in front but for notes. The progress line gives way and comes back.
void terminal_error(const char *format, ...) BASE_PRINTF(1, 2);
void terminal_warning(const char *format, ...) BASE_PRINTF(1, 2);
void terminal_note(const char *format, ...) BASE_PRINTF(1, 2); // nothing when quiet
void terminal_say(const char *format, ...) BASE_PRINTF(1, 2);  // also when quiet: it was asked for

// Draws the line, at most a few times a second. fraction below 0: unknown; left_s below 0: unknown.
void terminal_progress(const char *label, double fraction, double left_s);
void terminal_progress_hide(void); // until the next terminal_progress

// Async-signal-safe: takes the progress line off the screen.
void terminal_leave_now(void);

// The line that terminal_progress draws, cut to columns; for tests. utf8: with box characters.
void terminal_render(char *out, size_t size, size_t columns, bool utf8, const char *label,
                     double fraction, double left_s);

#endif
