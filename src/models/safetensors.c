// Reads safetensors: u64 N; N bytes of JSON {name: {dtype, shape, data_offsets}}; data. A model
// may lie in several files (shards) that an index names.
#include "base/attributes.h"
#include "base/buffer.h"
#include "base/memory.h"
#include "json_text.h"
#include "source.h"

#include <string.h>

enum { SAFETENSORS_HEADER_MAX = 16 << 20, SAFETENSORS_INDEX_MAX = 16 << 20 };

static const struct {
    const char *name;
    SourceType type;
} dtypes[] = {{"F32", SOURCE_F32}, {"F16", SOURCE_F16}, {"BF16", SOURCE_BF16}};

bool safetensors_recognise(const uint8_t *data, size_t size)
{
    uint64_t length;
    if (size < sizeof length + 2) {
        return false;
    }
    memcpy(&length, data, sizeof length);
    return length >= 2 && length <= SAFETENSORS_HEADER_MAX && data[sizeof length] == '{';
}

static ScoutStatus malformed(const Source *source, const char *name, ScoutError *error)
{
    return error_set(error, SCOUT_ERROR_CORRUPT, "%s: the description of tensor %s is malformed",
                     source->path, name);
}

static SourceType type_of(const char *dtype)
{
    for (size_t i = 0; i < BASE_COUNT(dtypes); i++) {
        if (strcmp(dtypes[i].name, dtype) == 0) {
            return dtypes[i].type;
        }
    }
    return SOURCE_OTHER;
}

static bool read_number(const json_t *value, size_t *out)
{
    json_int_t number = json_integer_value(value);
    if (!json_is_integer(value) || number < 0) {
        return false;
    }
    *out = (size_t)number;
    return true;
}

static bool read_shape(const json_t *shape, SourceTensor *tensor)
{
    tensor->rank = json_array_size(shape);
    if (!json_is_array(shape) || tensor->rank > SOURCE_RANK_MAX) {
        return false;
    }
    for (size_t i = 0; i < tensor->rank; i++) {
        if (!read_number(json_array_get(shape, i), &tensor->dims[i])) {
            return false;
        }
    }
    return true;
}

static ScoutStatus read_tensor(Source *source, const char *name, const json_t *description,
                               const uint8_t *data, size_t size, ScoutError *error)
{
    SourceTensor tensor = {.name = name};
    const char *dtype = json_string_value(json_object_get(description, "dtype"));
    const json_t *offsets = json_object_get(description, "data_offsets");
    size_t begin;
    size_t end;

    if (!dtype || strlen(name) >= SOURCE_NAME_MAX || json_array_size(offsets) != 2 ||
        !read_number(json_array_get(offsets, 0), &begin) ||
        !read_number(json_array_get(offsets, 1), &end) || begin > end || end > size) {
        return malformed(source, name, error);
    }
    tensor.type = type_of(dtype);
    if (tensor.type == SOURCE_OTHER) {
        return SCOUT_OK; // indices and masks; a weight of this type will be missed by its name
    }
    if (!read_shape(json_object_get(description, "shape"), &tensor)) {
        return malformed(source, name, error);
    }
    tensor.data = data + begin;
    tensor.bytes = end - begin;
    return source_add(source, &tensor, error);
}

static ScoutStatus read_one(Source *source, const FileMap *map, ScoutError *error)
{
    uint64_t length;
    if (!safetensors_recognise(map->data, map->size)) {
        return error_set(error, SCOUT_ERROR_CORRUPT, "%s: not a safetensors file", source->path);
    }
    memcpy(&length, map->data, sizeof length);
    if (length > map->size - sizeof length) {
        return error_set(error, SCOUT_ERROR_CORRUPT,
                         "%s: ends inside its header; fetch the model again", source->path);
    }
    const uint8_t *data = map->data + sizeof length + length;
    size_t size = map->size - sizeof length - (size_t)length;
    BASE_CLEANUP(json_text_release) json_t *header = NULL;
    ScoutStatus status = json_text_parse((const char *)map->data + sizeof length, (size_t)length,
                                         source->path, &header, error);
    if (status != SCOUT_OK) {
        return status;
    }
    const char *name;
    json_t *description;
    json_object_foreach(header, name, description)
    {
        if (strcmp(name, "__metadata__") == 0) {
            continue;
        }
        status = read_tensor(source, name, description, data, size, error);
        if (status != SCOUT_OK) {
            return status;
        }
    }
    return SCOUT_OK;
}

ScoutStatus safetensors_read(Source *source, ScoutError *error)
{
    const char *whole = source->path;
    ScoutStatus status = SCOUT_OK;
    for (size_t i = 0; i < source->file_count && status == SCOUT_OK; i++) {
        source->path = source->files[i]; // messages name the shard
        status = read_one(source, &source->maps[i], error);
    }
    source->path = whole;
    return status;
}

static bool is_mapped(const Source *source, const char *path)
{
    for (size_t i = 0; i < source->file_count; i++) {
        if (strcmp(source->files[i], path) == 0) {
            return true;
        }
    }
    return false;
}

static ScoutStatus map_shard(Source *source, const char *name, ScoutError *error)
{
    // A plain file name: an index must not lead out of its folder.
    if (!name || name[0] == '\0' || name[0] == '.' || strchr(name, '/')) {
        return error_set(error, SCOUT_ERROR_CORRUPT,
                         "%s: names a file that cannot be one of its "
                         "shards",
                         source->path);
    }
    BASE_CLEANUP(mem_free_pointer) char *path = path_join(source->folder, name);
    if (!path) {
        return error_no_memory(error);
    }
    return is_mapped(source, path) ? SCOUT_OK : source_map_file(source, path, error);
}

ScoutStatus safetensors_map_shards(Source *source, const char *path, ScoutError *error)
{
    BASE_CLEANUP(buffer_done) Buffer text;
    buffer_init(&text, SAFETENSORS_INDEX_MAX);
    ScoutStatus status = file_read(path, SAFETENSORS_INDEX_MAX, &text, error);
    if (status != SCOUT_OK) {
        return status;
    }
    BASE_CLEANUP(json_text_release) json_t *index = NULL;
    status = json_text_parse(buffer_text(&text), text.length, path, &index, error);
    if (status != SCOUT_OK) {
        return status;
    }
    json_t *weights = json_object_get(index, "weight_map");
    if (!json_is_object(weights) || json_object_size(weights) == 0) {
        return error_set(error, SCOUT_ERROR_CORRUPT, "%s: names no shards", path);
    }
    const char *tensor;
    json_t *shard;
    json_object_foreach(weights, tensor, shard)
    {
        status = map_shard(source, json_string_value(shard), error);
        if (status != SCOUT_OK) {
            return status;
        }
    }
    return SCOUT_OK;
}
