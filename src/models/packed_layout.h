// The byte layout of a packed file (docs/formats/packed.md), in one place for the reader and the
// writer: header page, directory entries, sizes of a tensor's parts, order of the sections.
#ifndef MODELS_PACKED_LAYOUT_H
#define MODELS_PACKED_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "models/packed.h"

enum {
    LAYOUT_VERSION = 1,
    LAYOUT_PAGE = 4096,
    LAYOUT_ALIGNMENT = 64,
    LAYOUT_PAGE_ALIGNED_FROM = 65536, // tensors of this many bytes begin on a page
    LAYOUT_ENTRY_BYTES = 168,
    LAYOUT_METADATA_MAX = 1 << 20,
    LAYOUT_TOKENS_MAX = 1 << 20,
    LAYOUT_TOKEN_BYTES_MAX = 1 << 26,
    LAYOUT_DIM_MAX = 1 << 24,
    LAYOUT_QUANTISED_K_MAX = 65536 // integer sums stay exact in 32 bits up to here
};

#define LAYOUT_ELEMENTS_MAX (UINT64_C(1) << 32)

typedef struct LayoutHeader {
    uint32_t version;
    uint32_t kind;
    uint64_t file_bytes;
    uint32_t metadata_bytes;
    uint32_t token_count;
    uint32_t token_bytes;
    uint32_t tensor_count;
    uint32_t front_crc; // of everything from the second page to the end of the directory
} LayoutHeader;

typedef struct LayoutEntry {
    char name[PACKED_NAME_MAX]; // NUL-terminated
    uint32_t encoding;
    uint32_t rank;
    uint32_t dims[PACKED_RANK_MAX]; // 0 beyond rank
    uint64_t offset;
    uint64_t bytes; // all parts with the padding between them
    uint8_t digest[DIGEST_BYTES];
} LayoutEntry;

// Where the sections lie; a function of the header.
typedef struct LayoutFront {
    size_t metadata;
    size_t token_offsets; // u32[token_count + 1], absent when there are no tokens
    size_t tokens;
    size_t directory;
    size_t end;  // of the directory
    size_t data; // the first page after it
} LayoutFront;

// The parts of one tensor, relative to its offset. Absent parts have 0 bytes.
typedef struct LayoutParts {
    size_t data_bytes;
    size_t scale_offset, scale_bytes;
    size_t sum_offset, sum_bytes;
    size_t bytes; // the whole
} LayoutParts;

void layout_header_encode(const LayoutHeader *header, uint8_t page[LAYOUT_PAGE]);

// False if the page has no magic or its checksum is wrong; *is_packed tells the two apart.
bool layout_header_decode(const uint8_t page[LAYOUT_PAGE], LayoutHeader *header, bool *is_packed);

void layout_entry_encode(const LayoutEntry *entry, uint8_t out[LAYOUT_ENTRY_BYTES]);
void layout_entry_decode(const uint8_t in[LAYOUT_ENTRY_BYTES], LayoutEntry *entry);

// The counts of the header must be within the limits above.
void layout_front(const LayoutHeader *header, LayoutFront *front);

// False for an unknown encoding, dimensions beyond the limits, or a panel encoding of something
// that is no matrix.
bool layout_parts(PackedEncoding encoding, size_t rank, const size_t *dims, LayoutParts *parts);

// "f32 panels" and the like; for messages.
const char *layout_encoding_name(PackedEncoding encoding);

#endif
