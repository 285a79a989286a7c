// The end of an Ogg file, which says whether it is the end.
#ifndef SCOUT_DECODE_OGG_H
#define SCOUT_DECODE_OGG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// So many bytes at the end of a file hold the beginning of its last page.
enum { OGG_TAIL_BYTES = 2 * 65307 };

// Whether the last page in the last bytes of a file is marked as the end of its stream.
bool ogg_is_ended(const uint8_t *tail, size_t length);

#endif
