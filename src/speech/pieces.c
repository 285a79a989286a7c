// Cutting at timestamps: see pieces.h.
#include "pieces.h"

static Piece make_piece(const int32_t *tokens, size_t first, size_t end, int32_t timestamp_first)
{
    Piece piece = {first, end, PIECES_UNKNOWN, PIECES_UNKNOWN};
    if (end > first && tokens[first] >= timestamp_first)
        piece.start_time = tokens[first] - timestamp_first;
    if (end > first + 1 && tokens[end - 1] >= timestamp_first)
        piece.end_time = tokens[end - 1] - timestamp_first;
    return piece;
}

void pieces_cut(const int32_t *tokens, size_t count, int32_t timestamp_first, Pieces *pieces)
{
    pieces->count = 0;
    size_t first = 0;
    for (size_t i = 1; i < count && pieces->count + 1 < PIECES_MAX; i++) {
        if (tokens[i] < timestamp_first || tokens[i - 1] < timestamp_first)
            continue;
        pieces->piece[pieces->count++] = make_piece(tokens, first, i, timestamp_first);
        first = i;
    }
    bool last_is = count > 0 && tokens[count - 1] >= timestamp_first;
    pieces->closed = count >= 2 && last_is && tokens[count - 2] < timestamp_first;
    // A lone timestamp that opens a piece without text is no piece.
    if (first < count && !(last_is && first == count - 1))
        pieces->piece[pieces->count++] = make_piece(tokens, first, count, timestamp_first);
    pieces->open_end =
        pieces->count > 0 && pieces->piece[pieces->count - 1].end_time == PIECES_UNKNOWN;
}

PiecesChoice pieces_choose(const Pieces *pieces, const PiecesWindow *window)
{
    const PiecesChoice all = {.count = pieces->count, .rest = PIECES_REST_NONE};
    const bool unfinished = pieces->open_end && (window->cut || !window->ended);
    const size_t count = unfinished ? pieces->count - 1 : pieces->count;
    if (count == 0 || (pieces->open_end && !unfinished))
        return all;
    const int32_t resume = pieces->piece[count - 1].end_time;
    if (resume < window->advance_min)
        return all;
    return (PiecesChoice){
        .count = count,
        .resume = resume,
        .rest = unfinished ? PIECES_REST_AGAIN : PIECES_REST_MAYBE,
    };
}
