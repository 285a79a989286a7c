// Cutting a window's tokens at the timestamps that the model wrote among them, and where to go on:
// the seek rule of the reference (OpenAI's transcribe.py). Pure.
#ifndef SPEECH_PIECES_H
#define SPEECH_PIECES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PIECES_MAX = 224, PIECES_UNKNOWN = -1 };

// Tokens first..end of the window, timestamps included, and the times that stand around the text,
// in 0.02 s from the window's start; PIECES_UNKNOWN where the model wrote none.
typedef struct Piece {
    size_t first, end;
    int32_t start_time, end_time;
} Piece;

typedef struct Pieces {
    Piece piece[PIECES_MAX];
    size_t count;
    // The last piece is text without a time at its end: what follows the last pair of timestamps.
    bool open_end;
    // The window closed with a single timestamp: the model heard nothing after it.
    bool closed;
} Pieces;

// A piece without text tokens is kept if it has times: it tells of a pause.
void pieces_cut(const int32_t *tokens, size_t count, int32_t timestamp_first, Pieces *pieces);

#endif
