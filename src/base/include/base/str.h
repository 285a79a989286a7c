// Text: bounded parsing, comparison and UTF-8. No locale is ever consulted.
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool str_equal(const char *a, const char *b);
bool str_equal_nocase(const char *a, const char *b); // ASCII case only
bool str_starts(const char *text, const char *prefix);
bool str_ends(const char *text, const char *suffix);

// Copies with truncation at a UTF-8 character; always terminates. False if it was cut.
bool str_copy(char *out, size_t size, const char *text);

// Makes the text one printable line of UTF-8, in place: control characters and line separators
// become spaces (none is left at the end), malformed bytes question marks. It never gets longer.
void str_make_line(char *text);

// The whole text must be a number within [low, high]; false leaves *out untouched. str_to_double
// takes a decimal point whatever the locale, and no "nan" or "inf".
bool str_to_int(const char *text, int64_t low, int64_t high, int64_t *out);
bool str_to_double(const char *text, double low, double high, double *out);

// "90", "90.5", "1:30", "1:01:30.250" to seconds.
bool str_to_seconds(const char *text, double *out);

// Decodes one character at text (length bytes left). Returns the bytes it takes (1 to 4) and sets
// *code; 0 at the end; on malformed input 1 with *code = 0xFFFD. Overlong forms and surrogates are
// malformed.
size_t utf8_decode(const char *text, size_t length, uint32_t *code);

// Writes the 1 to 4 bytes of code into out; returns how many, 0 if code is no scalar value.
size_t utf8_encode(uint32_t code, char out[4]);

bool utf8_valid(const char *text, size_t length);

// The length of the longest prefix that does not end inside a character: what may be shown now,
// when the rest is yet to come. Malformed bytes count as complete.
size_t utf8_complete_prefix(const char *text, size_t length);

// The columns a terminal gives to the text: 0 for combining marks, 2 for wide characters.
size_t utf8_columns(const char *text, size_t length);

// The smallest number of single-character edits between two short texts (64 bytes at most are
// compared): for "did you mean".
size_t str_distance(const char *a, const char *b);

#endif
