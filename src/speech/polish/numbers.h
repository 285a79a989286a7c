// English numbers: written out, or in digits.
#ifndef SPEECH_POLISH_NUMBERS_H
#define SPEECH_POLISH_NUMBERS_H

#include "marked.h"

// Both append what is decided of the text to out.

// "twenty-three" becomes 23, "nineteen eighty-four" 1984, "three point one four" 3.14, "two hundred
// and first" 201st, "five percent" 5%. One to nine, and their ordinals, stay words where they stand
// alone.
void numbers_to_digits(const Marked *text, bool ended, Marked *out);

// 23 becomes "twenty-three", up to 999,999; not what is part of a date, time, amount or name.
void numbers_to_words(const Marked *text, bool ended, Marked *out);

#endif
