// What a replacement writes in a place: the rule's text, in the case of what stood there if the
// rule says so; and the bound on how much rules may write into one utterance.
#ifndef SPEECH_POLISH_REPLACE_H
#define SPEECH_POLISH_REPLACE_H

#include "marked.h"

enum {
    // Beyond so many bytes rules write nothing more, so that rules that feed on each other's
    // output end.
    REPLACE_WRITTEN_MAX = 32768,
    MARKED_BYTES_MAX = 8 << 20 // more than all the rules may write
};

bool replace_may_write(const Marked *out, size_t length);

// Appends `to` in place of `from`.
void replace_write(Marked *out, const char *from, size_t from_length, const char *to,
                   size_t to_length, bool keep_case);

// Appends text in capitals.
void text_append_upper(Buffer *out, const char *text, size_t length);

#endif
