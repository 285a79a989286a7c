// Text set in lines for a terminal.
#ifndef CONFIG_WRAP_H
#define CONFIG_WRAP_H

#include "base/buffer.h"

// Appends text with lines broken at spaces to fit width. column is where the cursor stands; later
// lines begin with indent spaces. A line end in text begins a new line, and a line of text that
// begins with a space is kept as it is. No line end is written after the last line.
void wrap_text(Buffer *out, const char *text, size_t column, size_t indent, size_t width);

#endif
