// The byte layout of a packed file: encoding, decoding and arithmetic only, no I/O. Numbers are
// little-endian, and so are the machines Scout runs on; on another one the version check fails.
#include "packed_layout.h"

#include "base/attributes.h"
#include "base/memory.h"
#include "kernels/kernels.h"
#include "kernels/pack.h"

#include <string.h>

// The first byte is no text and the line ends get mangled by transfers that think it is.
static const uint8_t magic[8] = {0x93, 'S', 'C', 'O', 'U', 'T', '\r', '\n'};

// Byte positions in the header page.
enum {
    AT_VERSION = 8,
    AT_KIND = 12,
    AT_FILE_BYTES = 16,
    AT_METADATA_BYTES = 24,
    AT_TOKEN_COUNT = 28,
    AT_TOKEN_BYTES = 32,
    AT_TENSOR_COUNT = 36,
    AT_FRONT_CRC = 40,
    AT_HEADER_CRC = 44
};

// Byte positions in a directory entry; the name comes first.
enum {
    AT_ENCODING = PACKED_NAME_MAX,
    AT_RANK = 100,
    AT_DIMS = 104,
    AT_OFFSET = 120,
    AT_BYTES = 128,
    AT_DIGEST = 136
};

static void put_u32(uint8_t *at, uint32_t value)
{
    memcpy(at, &value, sizeof value);
}

static void put_u64(uint8_t *at, uint64_t value)
{
    memcpy(at, &value, sizeof value);
}

static uint32_t get_u32(const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

static uint64_t get_u64(const uint8_t *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

void layout_header_encode(const LayoutHeader *header, uint8_t page[LAYOUT_PAGE])
{
    memset(page, 0, LAYOUT_PAGE);
    memcpy(page, magic, sizeof magic);
    put_u32(page + AT_VERSION, header->version);
    put_u32(page + AT_KIND, header->kind);
    put_u64(page + AT_FILE_BYTES, header->file_bytes);
    put_u32(page + AT_METADATA_BYTES, header->metadata_bytes);
    put_u32(page + AT_TOKEN_COUNT, header->token_count);
    put_u32(page + AT_TOKEN_BYTES, header->token_bytes);
    put_u32(page + AT_TENSOR_COUNT, header->tensor_count);
    put_u32(page + AT_FRONT_CRC, header->front_crc);
    put_u32(page + AT_HEADER_CRC, digest_crc32(0, page, AT_HEADER_CRC));
}

bool layout_header_decode(const uint8_t page[LAYOUT_PAGE], LayoutHeader *header, bool *is_packed)
{
    *is_packed = memcmp(page, magic, sizeof magic) == 0;
    if (!*is_packed || digest_crc32(0, page, AT_HEADER_CRC) != get_u32(page + AT_HEADER_CRC)) {
        return false;
    }
    *header = (LayoutHeader){
        .version = get_u32(page + AT_VERSION),
        .kind = get_u32(page + AT_KIND),
        .file_bytes = get_u64(page + AT_FILE_BYTES),
        .metadata_bytes = get_u32(page + AT_METADATA_BYTES),
        .token_count = get_u32(page + AT_TOKEN_COUNT),
        .token_bytes = get_u32(page + AT_TOKEN_BYTES),
        .tensor_count = get_u32(page + AT_TENSOR_COUNT),
        .front_crc = get_u32(page + AT_FRONT_CRC),
    };
    return true;
}

void layout_entry_encode(const LayoutEntry *entry, uint8_t out[LAYOUT_ENTRY_BYTES])
{
    memcpy(out, entry->name, PACKED_NAME_MAX);
    put_u32(out + AT_ENCODING, entry->encoding);
    put_u32(out + AT_RANK, entry->rank);
    for (size_t i = 0; i < PACKED_RANK_MAX; i++) {
        put_u32(out + AT_DIMS + 4 * i, entry->dims[i]);
    }
    put_u64(out + AT_OFFSET, entry->offset);
    put_u64(out + AT_BYTES, entry->bytes);
    memcpy(out + AT_DIGEST, entry->digest, DIGEST_BYTES);
}

void layout_entry_decode(const uint8_t in[LAYOUT_ENTRY_BYTES], LayoutEntry *entry)
{
    memcpy(entry->name, in, PACKED_NAME_MAX);
    entry->encoding = get_u32(in + AT_ENCODING);
    entry->rank = get_u32(in + AT_RANK);
    for (size_t i = 0; i < PACKED_RANK_MAX; i++) {
        entry->dims[i] = get_u32(in + AT_DIMS + 4 * i);
    }
    entry->offset = get_u64(in + AT_OFFSET);
    entry->bytes = get_u64(in + AT_BYTES);
    memcpy(entry->digest, in + AT_DIGEST, DIGEST_BYTES);
}

void layout_front(const LayoutHeader *header, LayoutFront *front)
{
    size_t offsets = header->token_count ? ((size_t)header->token_count + 1) * 4 : 0;

    front->metadata = LAYOUT_PAGE;
    front->token_offsets =
        BASE_ROUND_UP(front->metadata + header->metadata_bytes, (size_t)LAYOUT_ALIGNMENT);
    front->tokens = front->token_offsets + offsets;
    front->directory = BASE_ROUND_UP(front->tokens + header->token_bytes, (size_t)LAYOUT_ALIGNMENT);
    front->end = front->directory + (size_t)header->tensor_count * LAYOUT_ENTRY_BYTES;
    front->data = BASE_ROUND_UP(front->end, (size_t)LAYOUT_PAGE);
}

static bool dims_valid(PackedEncoding encoding, size_t rank, const size_t *dims, size_t *elements)
{
    if (rank < 1 || rank > PACKED_RANK_MAX || (encoding != PACKED_PLAIN_F32 && rank != 2)) {
        return false;
    }
    size_t product = 1;
    for (size_t i = 0; i < rank; i++) {
        if (dims[i] < 1 || dims[i] > LAYOUT_DIM_MAX) {
            return false;
        }
        product = mem_multiply(product, dims[i]);
    }
    if (product > LAYOUT_ELEMENTS_MAX) {
        return false;
    }
    bool quantised = encoding == PACKED_PANEL_S8 || encoding == PACKED_PANEL_S4;
    if (quantised && dims[1] > LAYOUT_QUANTISED_K_MAX) {
        return false;
    }
    *elements = product;
    return true;
}

bool layout_parts(PackedEncoding encoding, size_t rank, const size_t *dims, LayoutParts *parts)
{
    size_t elements;
    if (!dims_valid(encoding, rank, dims, &elements)) {
        return false;
    }
    LayoutParts p = {0};
    size_t channels = BASE_ROUND_UP(dims[0], (size_t)KERNELS_PANEL);

    switch (encoding) {
    case PACKED_PLAIN_F32: p.data_bytes = elements * sizeof(float); break;
    case PACKED_PANEL_F32: p.data_bytes = pack_f32_bytes(dims[0], dims[1]); break;
    case PACKED_PANEL_F16: p.data_bytes = pack_f16_bytes(dims[0], dims[1]); break;
    case PACKED_PANEL_S8:
        p.data_bytes = pack_s8_bytes(dims[0], dims[1]);
        p.scale_bytes = channels * sizeof(float);
        p.sum_bytes = channels * sizeof(int32_t);
        break;
    case PACKED_PANEL_S4:
        p.data_bytes = pack_s4_bytes(dims[0], dims[1]);
        p.scale_bytes = pack_s4_scales(dims[0], dims[1]) * sizeof(float);
        break;
    default: return false;
    }
    p.bytes = p.data_bytes;
    if (p.scale_bytes) {
        p.scale_offset = BASE_ROUND_UP(p.bytes, (size_t)LAYOUT_ALIGNMENT);
        p.bytes = p.scale_offset + p.scale_bytes;
    }
    if (p.sum_bytes) {
        p.sum_offset = BASE_ROUND_UP(p.bytes, (size_t)LAYOUT_ALIGNMENT);
        p.bytes = p.sum_offset + p.sum_bytes;
    }
    *parts = p;
    return true;
}

const char *layout_encoding_name(PackedEncoding encoding)
{
    switch (encoding) {
    case PACKED_PLAIN_F32: return "plain f32";
    case PACKED_PANEL_F32: return "f32 panels";
    case PACKED_PANEL_F16: return "f16 panels";
    case PACKED_PANEL_S8: return "int8 panels";
    case PACKED_PANEL_S4: return "int4 panels";
    }
    return "unknown";
}
