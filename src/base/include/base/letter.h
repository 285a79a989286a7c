// What characters are, as far as text that people read needs it: parts of words, capitals, scripts
// without spaces. Unicode's simple case mapping (one character to one); no locale.
#ifndef BASE_LETTER_H
#define BASE_LETTER_H

#include <stdbool.h>
#include <stdint.h>

// Letters, combining marks, numbers and the underscore.
bool letter_in_word(uint32_t code);

uint32_t letter_lower(uint32_t code);
uint32_t letter_upper(uint32_t code);

// One form for all that differ in case only.
uint32_t letter_fold(uint32_t code);

bool letter_is_upper(uint32_t code); // has another lower case
bool letter_is_lower(uint32_t code); // has another upper case

// Scripts that set no space between words: Thai to Burmese, Khmer, and East Asia's but for Hangul,
// with their punctuation.
bool letter_has_no_spaces(uint32_t code);

#endif
