// Reads packed model files: maps the file, checks its front (header, metadata, vocabulary,
// directory) once, and hands out pointers into the map.
#include "models/packed.h"

#include "base/arena.h"
#include "base/attributes.h"
#include "base/digest.h"
#include "base/file.h"
#include "base/memory.h"
#include "json_text.h"
#include "packed_layout.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

typedef enum MetaType { META_INT, META_TEXT, META_INTS } MetaType;

typedef struct MetaItem {
    const char *name;
    MetaType type;
    int64_t integer;
    const char *text;
    const int32_t *ints;
    size_t count;
} MetaItem;

enum { META_ITEMS_MAX = 1024, META_ARENA_BYTES = 16 << 20 };

typedef struct SortedTensor {
    const PackedTensor *tensor;
} SortedTensor;

struct PackedFile {
    FileMap map;
    char *path;
    LayoutHeader header;
    LayoutFront front;
    const uint32_t *token_offsets; // [token_count + 1], or NULL
    PackedTensor *tensors;         // in directory order
    SortedTensor *sorted;          // by name, then encoding
    Arena meta_arena;
    MetaItem *meta;
    size_t meta_count;
};

static ScoutStatus damaged(const PackedFile *file, ScoutError *error, const char *what)
{
    return error_set(error, SCOUT_ERROR_CORRUPT,
                     "%s: the model file is damaged (%s); import it again", file->path, what);
}

static ScoutStatus check_header(PackedFile *file, ScoutError *error)
{
    LayoutHeader *header = &file->header;
    bool is_packed = false;

    if (file->map.size < LAYOUT_PAGE || !layout_header_decode(file->map.data, header, &is_packed)) {
        if (is_packed) {
            return damaged(file, error, "its header");
        }
        return error_set(error, SCOUT_ERROR_FORMAT,
                         "%s: not a Scout model; import it first (scout models import)",
                         file->path);
    }
    if (header->version != LAYOUT_VERSION) {
        return error_set(error, SCOUT_ERROR_UNSUPPORTED,
                         "%s: format version %u, but this Scout reads version %d; import the model "
                         "again",
                         file->path, (unsigned)header->version, LAYOUT_VERSION);
    }
    if (header->kind < PACKED_WHISPER || header->kind > PACKED_SPEAKER) {
        return error_set(error, SCOUT_ERROR_UNSUPPORTED,
                         "%s: a kind of model (%u) that this Scout does not know", file->path,
                         (unsigned)header->kind);
    }
    if (header->file_bytes != file->map.size) {
        return error_set(error, SCOUT_ERROR_CORRUPT,
                         "%s: %zu bytes long, should be %llu; the copy is incomplete, fetch or "
                         "import it again",
                         file->path, file->map.size, (unsigned long long)header->file_bytes);
    }
    if (header->metadata_bytes > LAYOUT_METADATA_MAX || header->token_count > LAYOUT_TOKENS_MAX ||
        header->token_bytes > LAYOUT_TOKEN_BYTES_MAX || header->tensor_count > PACKED_TENSORS_MAX ||
        header->tensor_count < 1 || (header->token_count == 0 && header->token_bytes != 0)) {
        return damaged(file, error, "sizes in its header");
    }
    layout_front(header, &file->front);
    if (file->front.end > file->map.size) {
        return damaged(file, error, "sizes in its header");
    }
    return SCOUT_OK;
}

static bool front_crc_matches(const PackedFile *file)
{
    return digest_crc32(0, file->map.data + LAYOUT_PAGE, file->front.end - LAYOUT_PAGE) ==
           file->header.front_crc;
}

static ScoutStatus check_tokens(PackedFile *file, ScoutError *error)
{
    if (file->header.token_count == 0) {
        return SCOUT_OK;
    }
    // 4-byte aligned: sections begin at multiples of 64 of a page-aligned map.
    const uint32_t *offsets = (const void *)(file->map.data + file->front.token_offsets);
    bool good = offsets[0] == 0 && offsets[file->header.token_count] == file->header.token_bytes;
    for (size_t i = 0; good && i < file->header.token_count; i++) {
        good = offsets[i] <= offsets[i + 1];
    }
    if (!good) {
        return damaged(file, error, "its vocabulary");
    }
    file->token_offsets = offsets;
    return SCOUT_OK;
}

static const uint8_t *entry_at(const PackedFile *file, size_t index)
{
    return file->map.data + file->front.directory + index * LAYOUT_ENTRY_BYTES;
}

// Tensors lie in directory order behind the front, without overlap and inside the file.
static bool read_entry(const PackedFile *file, size_t index, size_t *end, PackedTensor *tensor)
{
    LayoutEntry entry;
    LayoutParts parts;
    layout_entry_decode(entry_at(file, index), &entry);

    size_t dims[PACKED_RANK_MAX];
    for (size_t i = 0; i < PACKED_RANK_MAX; i++) {
        dims[i] = entry.dims[i];
    }
    if (entry.name[0] == '\0' || !memchr(entry.name, '\0', PACKED_NAME_MAX) ||
        !layout_parts((PackedEncoding)entry.encoding, entry.rank, dims, &parts)) {
        return false;
    }
    if (entry.bytes != parts.bytes || entry.offset < *end || entry.offset > file->map.size ||
        entry.bytes > file->map.size - entry.offset || entry.offset % LAYOUT_ALIGNMENT != 0) {
        return false;
    }
    const uint8_t *data = file->map.data + entry.offset;
    *tensor = (PackedTensor){
        .name = (const char *)entry_at(file, index),
        .encoding = (PackedEncoding)entry.encoding,
        .rank = entry.rank,
        .data = data,
        .bytes = parts.data_bytes,
        .scale = parts.scale_bytes ? (const void *)(data + parts.scale_offset) : NULL,
        .sum = parts.sum_bytes ? (const void *)(data + parts.sum_offset) : NULL,
    };
    memcpy(tensor->dims, dims, entry.rank * sizeof dims[0]);
    *end = entry.offset + entry.bytes;
    return true;
}

static int compare_keys(const char *name_a, PackedEncoding encoding_a, const PackedTensor *b)
{
    int order = strcmp(name_a, b->name);
    return order ? order : (int)encoding_a - (int)b->encoding;
}

static int compare_tensors(const void *a, const void *b)
{
    const SortedTensor *first = a;
    const SortedTensor *second = b;
    return compare_keys(first->tensor->name, first->tensor->encoding, second->tensor);
}

static ScoutStatus read_directory(PackedFile *file, ScoutError *error)
{
    size_t count = file->header.tensor_count;
    file->tensors = mem_array(count, sizeof *file->tensors);
    file->sorted = mem_array(count, sizeof *file->sorted);
    if (!file->tensors || !file->sorted) {
        return error_no_memory(error);
    }
    size_t end = file->front.data;
    for (size_t i = 0; i < count; i++) {
        if (!read_entry(file, i, &end, &file->tensors[i])) {
            return damaged(file, error, "its directory");
        }
        file->sorted[i].tensor = &file->tensors[i];
    }
    qsort(file->sorted, count, sizeof *file->sorted, compare_tensors);
    for (size_t i = 1; i < count; i++) {
        if (compare_tensors(&file->sorted[i - 1], &file->sorted[i]) == 0) {
            return damaged(file, error, "a tensor is listed twice");
        }
    }
    return SCOUT_OK;
}

typedef enum MetaResult { META_READ, META_IGNORED, META_NO_MEMORY } MetaResult;

static MetaResult read_meta_ints(Arena *arena, const json_t *array, MetaItem *item)
{
    size_t count = json_array_size(array);
    int32_t *ints = arena_alloc(arena, count + 1, sizeof *ints);
    if (!ints) {
        return META_NO_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        const json_t *element = json_array_get(array, i);
        json_int_t value = json_integer_value(element);
        if (!json_is_integer(element) || value < INT32_MIN || value > INT32_MAX) {
            return META_IGNORED;
        }
        ints[i] = (int32_t)value;
    }
    item->type = META_INTS;
    item->ints = ints;
    item->count = count;
    return META_READ;
}

// Values of other types are for later versions and are passed over.
static MetaResult read_meta_item(Arena *arena, const char *name, const json_t *value,
                                 MetaItem *item)
{
    item->name = arena_copy_text(arena, name, strlen(name));
    if (!item->name) {
        return META_NO_MEMORY;
    }
    if (json_is_integer(value)) {
        item->type = META_INT;
        item->integer = json_integer_value(value);
        return META_READ;
    }
    if (json_is_string(value)) {
        item->type = META_TEXT;
        item->text = arena_copy_text(arena, json_string_value(value), json_string_length(value));
        return item->text ? META_READ : META_NO_MEMORY;
    }
    return json_is_array(value) ? read_meta_ints(arena, value, item) : META_IGNORED;
}

static ScoutStatus read_metadata(PackedFile *file, ScoutError *error)
{
    BASE_CLEANUP(json_text_release) json_t *json = NULL;
    const char *text = (const char *)file->map.data + file->front.metadata;
    ScoutStatus status =
        json_text_parse(text, file->header.metadata_bytes, file->path, &json, error);
    if (status != SCOUT_OK) {
        return status;
    }
    if (json_object_size(json) > META_ITEMS_MAX) {
        return damaged(file, error, "its metadata");
    }
    file->meta = arena_alloc(&file->meta_arena, json_object_size(json) + 1, sizeof *file->meta);
    if (!file->meta) {
        return error_no_memory(error);
    }
    const char *name;
    json_t *value;
    json_object_foreach(json, name, value)
    {
        MetaResult result =
            read_meta_item(&file->meta_arena, name, value, &file->meta[file->meta_count]);
        if (result == META_NO_MEMORY) {
            return error_no_memory(error);
        }
        file->meta_count += result == META_READ;
    }
    return SCOUT_OK;
}

static ScoutStatus load(PackedFile *file, ScoutError *error)
{
    ScoutStatus status = file_map(file->path, &file->map, error);
    if (status != SCOUT_OK) {
        return status;
    }
    status = check_header(file, error);
    if (status != SCOUT_OK) {
        return status;
    }
    if (!front_crc_matches(file)) {
        return damaged(file, error, "its directory's checksum");
    }
    status = check_tokens(file, error);
    if (status != SCOUT_OK) {
        return status;
    }
    status = read_directory(file, error);
    if (status != SCOUT_OK) {
        return status;
    }
    return read_metadata(file, error);
}

ScoutStatus packed_open(const char *path, PackedFile **file, ScoutError *error)
{
    PackedFile *opened = mem_array(1, sizeof *opened);
    if (!opened) {
        return error_no_memory(error);
    }
    arena_init(&opened->meta_arena, META_ARENA_BYTES);
    opened->path = mem_copy_text(path, strlen(path));
    ScoutStatus status = opened->path ? load(opened, error) : error_no_memory(error);
    if (status != SCOUT_OK) {
        packed_close(opened);
        return status;
    }
    *file = opened;
    return SCOUT_OK;
}

void packed_close(PackedFile *file)
{
    if (!file) {
        return;
    }
    file_unmap(&file->map);
    arena_done(&file->meta_arena);
    mem_free(file->tensors);
    mem_free(file->sorted);
    mem_free(file->path);
    mem_free(file);
}

PackedKind packed_kind(const PackedFile *file)
{
    return (PackedKind)file->header.kind;
}

const char *packed_path(const PackedFile *file)
{
    return file->path;
}

size_t packed_size(const PackedFile *file)
{
    return file->map.size;
}

static const MetaItem *find_meta(const PackedFile *file, const char *name, MetaType type)
{
    for (size_t i = 0; i < file->meta_count; i++) {
        if (file->meta[i].type == type && strcmp(file->meta[i].name, name) == 0) {
            return &file->meta[i];
        }
    }
    return NULL;
}

bool packed_meta_int(const PackedFile *file, const char *name, int64_t *out)
{
    const MetaItem *item = find_meta(file, name, META_INT);
    if (!item) {
        return false;
    }
    *out = item->integer;
    return true;
}

bool packed_meta_text(const PackedFile *file, const char *name, const char **out)
{
    const MetaItem *item = find_meta(file, name, META_TEXT);
    if (!item) {
        return false;
    }
    *out = item->text;
    return true;
}

bool packed_meta_ints(const PackedFile *file, const char *name, const int32_t **out, size_t *count)
{
    const MetaItem *item = find_meta(file, name, META_INTS);
    if (!item) {
        return false;
    }
    *out = item->ints;
    *count = item->count;
    return true;
}

void packed_meta_json(const PackedFile *file, const char **text, size_t *length)
{
    *text = (const char *)file->map.data + file->front.metadata;
    *length = file->header.metadata_bytes;
}

size_t packed_vocab_count(const PackedFile *file)
{
    return file->header.token_count;
}

bool packed_vocab_token(const PackedFile *file, size_t id, const char **bytes, size_t *length)
{
    if (id >= file->header.token_count) {
        return false;
    }
    uint32_t begin = file->token_offsets[id];
    *bytes = (const char *)file->map.data + file->front.tokens + begin;
    *length = file->token_offsets[id + 1] - begin;
    return true;
}

const PackedTensor *packed_find(const PackedFile *file, const char *name, PackedEncoding encoding)
{
    size_t low = 0;
    size_t high = file->header.tensor_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare_keys(name, encoding, file->sorted[middle].tensor);
        if (order == 0) {
            return file->sorted[middle].tensor;
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return NULL;
}

const PackedTensor *packed_find_any(const PackedFile *file, const char *name,
                                    const PackedEncoding *preferred, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const PackedTensor *tensor = packed_find(file, name, preferred[i]);
        if (tensor) {
            return tensor;
        }
    }
    return NULL;
}

size_t packed_tensor_count(const PackedFile *file)
{
    return file->header.tensor_count;
}

const PackedTensor *packed_tensor_at(const PackedFile *file, size_t index)
{
    return index < file->header.tensor_count ? &file->tensors[index] : NULL;
}

ScoutStatus packed_verify(const PackedFile *file, const Cancel *cancel,
                          void (*progress)(void *context, double fraction), void *context,
                          ScoutError *error)
{
    if (!front_crc_matches(file)) {
        return damaged(file, error, "its directory's checksum");
    }
    for (size_t i = 0; i < file->header.tensor_count; i++) {
        if (cancel_is_raised(cancel)) {
            return error_set(error, SCOUT_ERROR_CANCELLED, "%s: checking was cancelled",
                             file->path);
        }
        LayoutEntry entry;
        uint8_t digest[DIGEST_BYTES];
        layout_entry_decode(entry_at(file, i), &entry);
        digest_blake2b(file->map.data + entry.offset, entry.bytes, digest);
        if (memcmp(digest, entry.digest, sizeof digest) != 0) {
            return error_set(error, SCOUT_ERROR_CORRUPT,
                             "%s: the model file is damaged (tensor %s, %s); import it again",
                             file->path, entry.name,
                             layout_encoding_name((PackedEncoding)entry.encoding));
        }
        if (progress) {
            progress(context, (double)(entry.offset + entry.bytes) / (double)file->map.size);
        }
    }
    return SCOUT_OK;
}

// A hint may cover the tensor's neighbours when asked for, but nothing of them when dropped.
static void advise(const PackedFile *file, const PackedTensor *tensor, int advice, bool inner)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t index = (size_t)(tensor - file->tensors);
    LayoutEntry entry;
    layout_entry_decode(entry_at(file, index), &entry);

    size_t begin = entry.offset / page * page;
    size_t end = entry.offset + entry.bytes;
    if (inner) {
        begin = BASE_ROUND_UP(entry.offset, page);
        end = end / page * page;
    }
    if (end > begin) {
        const uint8_t *first = file->map.data + begin;
        void *address; // madvise asks for one without const
        memcpy(&address, &first, sizeof address);
        (void)madvise(address, end - begin, advice);
    }
}

void packed_will_need(const PackedFile *file, const PackedTensor *tensor)
{
    advise(file, tensor, MADV_WILLNEED, false);
}

void packed_not_needed(const PackedFile *file, const PackedTensor *tensor)
{
    advise(file, tensor, MADV_DONTNEED, true);
}
