// The program as one that only starts others: with FFmpeg loaded, it makes a copy of itself for
// each input, which goes on as if it had been started for that input.
#ifndef SCOUT_DECODE_STARTER_H
#define SCOUT_DECODE_STARTER_H

enum { STARTER_WORDS_MAX = 16, STARTER_TEXT_MAX = 1024 };

// The command line of a copy.
typedef struct StarterRequest {
    char text[STARTER_TEXT_MAX];
    char *words[STARTER_WORDS_MAX];
    int count;
} StarterRequest;

// Takes requests from the socket on descriptor 0 and ends the process when nobody can send any
// more. Returns in each copy, and there alone: with descriptors 0, 1 and 2 as they are to be.
void starter_serve(StarterRequest *request);

#endif
