// What waits to be written: see journal_queue.h.
#include "journal_queue.h"

#include "journal_format.h"

#include "base/memory.h"

#include <string.h>

void journal_queue_done(JournalQueue *queue)
{
    while (queue->first)
        mem_free(journal_queue_take(queue));
}

static size_t piece_size(size_t capacity)
{
    return sizeof(JournalPiece) + capacity;
}

JournalPiece *journal_queue_take(JournalQueue *queue)
{
    JournalPiece *piece = queue->first;
    if (!piece)
        return NULL;
    queue->first = piece->next;
    if (!queue->first)
        queue->last = NULL;
    queue->bytes -= piece_size(piece->capacity);
    return piece;
}

static void push(JournalQueue *queue, JournalPiece *piece)
{
    if (queue->last)
        queue->last->next = piece;
    else
        queue->first = piece;
    queue->last = piece;
    queue->bytes += piece_size(piece->capacity);
}

// Lets the oldest frames make way. Two such notes beside each other become one. False when there
// are no frames.
static bool drop_oldest(JournalQueue *queue)
{
    JournalPiece *before = NULL, *piece = queue->first;
    while (piece && piece->type != JOURNAL_FRAMES) {
        before = piece;
        piece = piece->next;
    }
    if (!piece)
        return false;
    queue->lost_frames += piece->end - piece->position;
    queue->bytes -= piece_size(piece->capacity);
    JournalPiece *next = piece->next;
    const bool joins = before && before->lost && before->end == piece->position;
    if (joins) {
        before->end = piece->end;
        mem_free(piece);
        piece = before;
    } else {
        piece->type = JOURNAL_MARK;
        piece->lost = true;
        piece->bytes = piece->capacity = 0;
        // To be shrunk cannot fail in practice; if it does, the large block serves as well.
        JournalPiece *small = mem_resize(piece, 1, piece_size(0));
        piece = small ? small : piece;
        queue->bytes += piece_size(0);
        if (before)
            before->next = piece;
        else
            queue->first = piece;
    }
    piece->next = next;
    if (!next)
        queue->last = piece;
    return true;
}

// An empty piece at the end of the queue, for which older frames make way if they must, or NULL.
static JournalPiece *add(JournalQueue *queue, uint32_t type, size_t capacity)
{
    const size_t size = piece_size(capacity);
    while (size > queue->limit_bytes || queue->bytes > queue->limit_bytes - size) {
        if (!drop_oldest(queue))
            return NULL;
    }
    JournalPiece *piece = mem_array(1, size);
    while (!piece && type == JOURNAL_FRAMES && drop_oldest(queue))
        piece = mem_array(1, size);
    if (!piece)
        return NULL;
    piece->type = type;
    piece->capacity = capacity;
    push(queue, piece);
    return piece;
}

// Frames that never got into the queue.
static bool note_lost(JournalQueue *queue, uint64_t position, uint64_t end, int64_t now_ns)
{
    JournalPiece *last = queue->last;
    if (!last || !last->lost || last->end != position) {
        last = mem_array(1, piece_size(0));
        if (!last)
            return false;
        last->type = JOURNAL_MARK;
        last->lost = true;
        last->position = position;
        last->since_ns = now_ns;
        push(queue, last);
    }
    last->end = end;
    queue->lost_frames += end - position;
    return true;
}

// The piece that the frames from position on can be added to, or NULL.
static JournalPiece *open_piece(JournalQueue *queue, uint64_t position)
{
    JournalPiece *last = queue->last;
    return last && last->type == JOURNAL_FRAMES && last->end == position &&
                   last->capacity - last->bytes >= queue->frame_bytes
               ? last
               : NULL;
}

bool journal_queue_frames(JournalQueue *queue, uint64_t position, const int16_t *samples,
                          size_t frames, int64_t now_ns)
{
    const size_t channels = queue->frame_bytes / sizeof(int16_t);
    const size_t capacity = JOURNAL_PIECE_BYTES / queue->frame_bytes * queue->frame_bytes;
    while (frames) {
        JournalPiece *piece = open_piece(queue, position);
        if (!piece) {
            piece = add(queue, JOURNAL_FRAMES, capacity);
            if (!piece)
                return note_lost(queue, position, position + frames, now_ns);
            piece->position = piece->end = position;
            piece->since_ns = now_ns;
        }
        size_t count = BASE_MIN(frames, (piece->capacity - piece->bytes) / queue->frame_bytes);
        journal_samples_to_bytes(samples, count * channels, piece->data + piece->bytes);
        piece->bytes += count * queue->frame_bytes;
        piece->end += count;
        samples += count * channels;
        position += count;
        frames -= count;
    }
    return true;
}

bool journal_queue_json(JournalQueue *queue, const JournalPiece *piece, const char *json,
                        size_t bytes, int64_t now_ns)
{
    JournalPiece *added = add(queue, piece->type, bytes);
    if (!added)
        return false;
    added->channel = piece->channel;
    added->position = piece->position;
    added->end = piece->end;
    added->since_ns = now_ns;
    added->bytes = bytes;
    if (bytes)
        memcpy(added->data, json, bytes);
    return true;
}
