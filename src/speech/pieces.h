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

// How a window ended.
typedef struct PiecesWindow {
    bool cut;            // in the middle of sound: there is more to hear
    bool ended;          // the model wrote the end of the text; false: its room ran out
    int32_t advance_min; // a window moves on by at least this much, in 0.02 s
} PiecesWindow;

typedef enum PiecesRest {
    PIECES_REST_NONE,  // go on after the window
    PIECES_REST_AGAIN, // go on at `resume`: text was left out that is to be heard again, whole
    PIECES_REST_MAYBE  // go on at `resume` if anything is said there
} PiecesRest;

typedef struct PiecesChoice {
    size_t count;   // pieces to take; the others are heard again
    int32_t resume; // in 0.02 s; only for AGAIN and MAYBE
    PiecesRest rest;
} PiecesChoice;

// Which pieces are taken. A last piece without an end, in a window that has more sound after it, is
// left to the next window, unless nothing stands before it that would move the next window on.
PiecesChoice pieces_choose(const Pieces *pieces, const PiecesWindow *window);

#endif
