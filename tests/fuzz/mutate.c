// Changes that find mistakes in parsers: bits, bytes that mean something, sizes and counts of every
// width, numbers in text, cuts, copies, and pieces of other inputs.
#include "mutate.h"

#include "base/attributes.h"

#include <stdbool.h>
#include <string.h>

enum { CHANGES_MAX = 8, PIECE_MAX = 64 };

typedef struct Maker {
    uint64_t state;
    const Seed *seeds;
    size_t seed_count;
    uint8_t *bytes;
    size_t length;
    size_t size;
} Maker;

// splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
static uint64_t next_random(Maker *maker)
{
    uint64_t z = maker->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

// Below bound, which is at least 1.
static size_t below(Maker *maker, size_t bound)
{
    return (size_t)(next_random(maker) % bound);
}

// Replaces `removed` bytes at `at` by a piece that lies outside the input; what does not fit is
// cut.
static void replace(Maker *maker, size_t at, size_t removed, const void *piece, size_t length)
{
    length = BASE_MIN(length, maker->size - at);
    size_t tail = maker->length - at - removed;
    tail = BASE_MIN(tail, maker->size - at - length);
    memmove(maker->bytes + at + length, maker->bytes + at + removed, tail);
    memcpy(maker->bytes + at, piece, length);
    maker->length = at + length + tail;
}

static void flip_bit(Maker *maker)
{
    maker->bytes[below(maker, maker->length)] ^= (uint8_t)(1u << below(maker, 8));
}

static void change_byte(Maker *maker)
{
    static const uint8_t telling[] = {0,   1,   0x7f, 0x80, 0xff, '\n', '\r', '\t', ' ',  '"',
                                      '#', '%', '&',  '\'', ',',  '-',  '.',  '/',  '0',  ':',
                                      '=', '[', '\\', ']',  '{',  '|',  '}',  '~',  0xc3, 0xe2};
    uint8_t value = (uint8_t)next_random(maker);
    if (value & 1)
        value = telling[below(maker, sizeof telling)];
    maker->bytes[below(maker, maker->length)] = value;
}

// A size, count or offset, of 2, 4 or 8 bytes, in either order.
static void change_word(Maker *maker)
{
    static const uint64_t telling[] = {
        0,          1,
        0x7f,       0x80,
        0xff,       0x100,
        0x7fff,     0x8000,
        0xffff,     0x10000,
        0x7fffffff, 0x80000000,
        0xffffffff, UINT64_C(0x100000000),
        INT64_MAX,  UINT64_C(1) << 63,
        UINT64_MAX, UINT64_MAX - 63,
    };
    size_t width = (size_t)2 << below(maker, 3);
    if (maker->length < width)
        return;
    size_t at = below(maker, maker->length - width + 1);
    uint64_t old = 0;
    for (size_t i = 0; i < width; i++)
        old |= (uint64_t)maker->bytes[at + i] << 8 * i;
    const uint64_t values[] = {
        telling[below(maker, BASE_COUNT(telling))],
        old + 1 + below(maker, 8),
        old - 1 - below(maker, 8),
        old << below(maker, 63),
        maker->length - BASE_MIN(maker->length, below(maker, 16)),
        maker->length + below(maker, 16),
    };
    uint64_t value = values[below(maker, BASE_COUNT(values))];
    bool big_endian = below(maker, 4) == 0;
    for (size_t i = 0; i < width; i++)
        maker->bytes[at + (big_endian ? width - 1 - i : i)] = (uint8_t)(value >> 8 * i);
}

static bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

static void change_number(Maker *maker)
{
    static const char *const telling[] = {
        "0",
        "-1",
        "1e999",
        "-0.0",
        "0.5",
        "2147483648",
        "4294967296",
        "9223372036854775807",
        "18446744073709551616",
        "1e-400",
        "\"1\"",
        "null",
        "[]",
        "",
    };
    size_t from = below(maker, maker->length);
    while (from < maker->length && !is_digit(maker->bytes[from]))
        from++;
    size_t end = from;
    while (end < maker->length && is_digit(maker->bytes[end]))
        end++;
    const char *text = telling[below(maker, BASE_COUNT(telling))];
    if (end > from)
        replace(maker, from, end - from, text, strlen(text));
}

static void cut_end(Maker *maker)
{
    maker->length = below(maker, maker->length + 1);
}

static void remove_piece(Maker *maker)
{
    size_t at = below(maker, maker->length);
    size_t longest = BASE_MIN(maker->length - at, (size_t)PIECE_MAX);
    replace(maker, at, 1 + below(maker, longest), "", 0);
}

static void insert_bytes(Maker *maker)
{
    uint8_t piece[PIECE_MAX];
    size_t length = 1 + below(maker, sizeof piece);
    bool same = below(maker, 2);
    uint8_t byte = (uint8_t)next_random(maker);
    for (size_t i = 0; i < length; i++)
        piece[i] = same ? byte : (uint8_t)next_random(maker);
    replace(maker, below(maker, maker->length + 1), 0, piece, length);
}

// A piece of this input or of a seed, put somewhere or over something.
static void copy_piece(Maker *maker)
{
    uint8_t piece[PIECE_MAX * 4];
    const Seed *seed = &maker->seeds[below(maker, maker->seed_count)];
    bool own = below(maker, 2);
    const uint8_t *bytes = own ? maker->bytes : seed->bytes;
    size_t length = own ? maker->length : seed->length;
    if (length == 0)
        return;
    size_t from = below(maker, length);
    size_t count = 1 + below(maker, BASE_MIN(length - from, sizeof piece));
    memcpy(piece, bytes + from, count);
    size_t at = below(maker, maker->length + 1);
    size_t removed = below(maker, 2) ? BASE_MIN(count, maker->length - at) : 0;
    replace(maker, at, removed, piece, count);
}

// The beginning of this input and the end of a seed.
static void splice(Maker *maker)
{
    const Seed *seed = &maker->seeds[below(maker, maker->seed_count)];
    size_t at = below(maker, maker->length + 1);
    size_t from = below(maker, seed->length + 1);
    replace(maker, at, maker->length - at, seed->bytes + from, seed->length - from);
}

size_t mutate_make(uint64_t number, const Seed *seeds, size_t count, uint8_t *out, size_t size)
{
    static void (*const changes[])(Maker * maker) = {
        flip_bit, change_byte,  change_word,  change_word, change_number,
        cut_end,  remove_piece, insert_bytes, copy_piece,  splice,
    };
    Maker maker = {
        .state = number, .seeds = seeds, .seed_count = count, .bytes = out, .size = size};
    const Seed *seed = &seeds[below(&maker, count)];
    replace(&maker, 0, 0, seed->bytes, seed->length);
    size_t left = 1 + below(&maker, 1 + below(&maker, CHANGES_MAX)); // mostly a few
    for (; left > 0; left--) {
        if (maker.length == 0)
            insert_bytes(&maker);
        else
            changes[below(&maker, BASE_COUNT(changes))](&maker);
    }
    return maker.length;
}
