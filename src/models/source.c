// Finds out what a path holds, maps it and hands it to the reader of its format; keeps the table
// of tensors that the readers fill.
#include "source.h"

#include "base/attributes.h"
#include "base/memory.h"
#include "base/str.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

enum { SOURCE_ARENA_BYTES = 64 << 20, SOURCE_DIM_MAX = 1 << 24 };

#define ACCEPTED                                                                                   \
    "Scout imports CTranslate2 folders (model.bin), ggml files (ggml-*.bin) and safetensors"

// What people are likely to have instead, by the bytes at an offset.
static const struct {
    size_t offset;
    const char *bytes;
    size_t length;
    const char *name;
} strangers[] = {
    {0, "PK\x03\x04", 4, "a zip archive, probably a PyTorch checkpoint"},
    {0, "\x80\x02", 2, "a PyTorch checkpoint"},
    {0, "\x80\x04", 2, "a pickled Python object"},
    {0, "GGUF", 4, "a GGUF file"},
    {0, "tjgg", 4, "a GGJT file"},
    {0, "\x89HDF", 4, "an HDF5 file"},
    {4, "TFL3", 4, "a TensorFlow Lite model"},
    {0, "\x1f\x8b", 2, "a gzip archive"},
    {0, "7z\xbc\xaf", 4, "a 7z archive"},
    {0, "<?xml", 5, "an XML file, perhaps of OpenVINO"},
    {0, "\x93SCOUT", 6, "a Scout model already: use it as it is"},
    {0, "version https://git-lfs", 23, "a pointer to a file in Git LFS, not the file itself"},
    {0, "<!DOCTYPE", 9, "a web page, not the file itself"},
    {0, "\x08\x07\x12", 3, "an ONNX model"},
    {0, "\x08\x08\x12", 3, "an ONNX model"},
    {0, "\x08\x09\x12", 3, "an ONNX model"},
    {0, "\x08\x0a\x12", 3, "an ONNX model"},
};

static const struct {
    const char *name;
    size_t elements, bytes; // of a block
} types[] = {
    [SOURCE_F32] = {"f32", 1, 4},
    [SOURCE_F16] = {"f16", 1, 2},
    [SOURCE_BF16] = {"bf16", 1, 2},
    [SOURCE_I8] = {"int8", 1, 1},
    [SOURCE_I16] = {"int16", 1, 2},
    [SOURCE_Q4_0] = {"q4_0", SOURCE_BLOCK, 18},
    [SOURCE_Q4_1] = {"q4_1", SOURCE_BLOCK, 20},
    [SOURCE_Q5_0] = {"q5_0", SOURCE_BLOCK, 22},
    [SOURCE_Q5_1] = {"q5_1", SOURCE_BLOCK, 24},
    [SOURCE_Q8_0] = {"q8_0", SOURCE_BLOCK, 34},
    [SOURCE_OTHER] = {"another type", 1, 0},
};

static const struct {
    SourceFormat format;
    bool (*recognise)(const uint8_t *data, size_t size);
    ScoutStatus (*read)(Source *source, ScoutError *error);
} readers[] = {
    {SOURCE_CT2, ct2_recognise, ct2_read},
    {SOURCE_GGML, ggml_recognise, ggml_read},
    {SOURCE_SAFETENSORS, safetensors_recognise, safetensors_read},
};

size_t source_type_bytes(SourceType type, size_t count)
{
    if (count % types[type].elements != 0) {
        return SIZE_MAX;
    }
    return mem_multiply(count / types[type].elements, types[type].bytes);
}

const char *source_type_name(SourceType type)
{
    return types[type].name;
}

bool source_type_is_quantised(SourceType type)
{
    return type == SOURCE_I8 || type == SOURCE_I16 || (type >= SOURCE_Q4_0 && type <= SOURCE_Q8_0);
}

char *source_copy_text(Source *source, const char *text, size_t length)
{
    return arena_copy_text(&source->arena, text, length);
}

ScoutStatus source_map_file(Source *source, const char *path, ScoutError *error)
{
    if (source->file_count == SOURCE_FILES_MAX) {
        return error_set(error, SCOUT_ERROR_LIMIT, "%s: more than %d files", source->path,
                         SOURCE_FILES_MAX);
    }
    char *copy = source_copy_text(source, path, strlen(path));
    if (!copy) {
        return error_no_memory(error);
    }
    ScoutStatus status = file_map(copy, &source->maps[source->file_count], error);
    if (status != SCOUT_OK) {
        return status;
    }
    source->files[source->file_count++] = copy;
    return SCOUT_OK;
}

static ScoutStatus reserve_tensor(Source *source, ScoutError *error)
{
    if (source->tensor_count < source->tensor_capacity) {
        return SCOUT_OK;
    }
    if (source->tensor_count == SOURCE_TENSORS_MAX) {
        return error_set(error, SCOUT_ERROR_LIMIT, "%s: more than %d tensors", source->path,
                         SOURCE_TENSORS_MAX);
    }
    size_t capacity = source->tensor_capacity ? source->tensor_capacity * 2 : 256;
    SourceTensor *tensors = mem_resize(source->tensors, capacity, sizeof *tensors);
    if (!tensors) {
        return error_no_memory(error);
    }
    source->tensors = tensors;
    source->tensor_capacity = capacity;
    return SCOUT_OK;
}

ScoutStatus source_add(Source *source, const SourceTensor *tensor, ScoutError *error)
{
    size_t elements = 1;
    for (size_t i = 0; i < tensor->rank; i++) {
        if (tensor->dims[i] < 1 || tensor->dims[i] > SOURCE_DIM_MAX) {
            return error_set(error, SCOUT_ERROR_CORRUPT, "%s: tensor %s has a dimension of %zu",
                             source->path, tensor->name, tensor->dims[i]);
        }
        elements = mem_multiply(elements, tensor->dims[i]);
    }
    size_t row = tensor->rank ? tensor->dims[tensor->rank - 1] : 1;
    if (tensor->type != SOURCE_OTHER &&
        (source_type_bytes(tensor->type, elements) != tensor->bytes ||
         source_type_bytes(tensor->type, row) == SIZE_MAX)) {
        return error_set(error, SCOUT_ERROR_CORRUPT,
                         "%s: tensor %s has %zu bytes, which do not fit its shape and type %s",
                         source->path, tensor->name, tensor->bytes, source_type_name(tensor->type));
    }
    ScoutStatus status = reserve_tensor(source, error);
    if (status != SCOUT_OK) {
        return status;
    }
    SourceTensor added = *tensor;
    added.name = source_copy_text(source, tensor->name, strlen(tensor->name));
    if (!added.name) {
        return error_no_memory(error);
    }
    if (added.rank == 0) { // a scalar is a vector of one
        added.rank = 1;
        added.dims[0] = 1;
    }
    source->tensors[source->tensor_count++] = added;
    return SCOUT_OK;
}

static int compare_names(const void *a, const void *b)
{
    const SourceTensor *first = a;
    const SourceTensor *second = b;
    return strcmp(first->name, second->name);
}

ScoutStatus source_sort(Source *source, ScoutError *error)
{
    if (source->tensor_count == 0) {
        return error_set(error, SCOUT_ERROR_CORRUPT, "%s: holds no tensors", source->path);
    }
    qsort(source->tensors, source->tensor_count, sizeof *source->tensors, compare_names);
    for (size_t i = 1; i < source->tensor_count; i++) {
        if (strcmp(source->tensors[i - 1].name, source->tensors[i].name) == 0) {
            return error_set(error, SCOUT_ERROR_CORRUPT, "%s: tensor %s is there twice",
                             source->path, source->tensors[i].name);
        }
    }
    return SCOUT_OK;
}

const SourceTensor *source_find(const Source *source, const char *name)
{
    SourceTensor key = {.name = name};
    return bsearch(&key, source->tensors, source->tensor_count, sizeof key, compare_names);
}

static ScoutStatus refuse(const Source *source, ScoutError *error)
{
    const uint8_t *data = source->maps[0].data;
    size_t size = source->maps[0].size;
    for (size_t i = 0; i < BASE_COUNT(strangers); i++) {
        size_t end = strangers[i].offset + strangers[i].length;
        if (size >= end &&
            memcmp(data + strangers[i].offset, strangers[i].bytes, strangers[i].length) == 0) {
            return error_set(error, SCOUT_ERROR_FORMAT, "%s: this is %s; " ACCEPTED, source->path,
                             strangers[i].name);
        }
    }
    return error_set(error, SCOUT_ERROR_FORMAT, "%s: not a model file Scout knows; " ACCEPTED,
                     source->path);
}

static ScoutStatus read_file(Source *source, ScoutError *error)
{
    ScoutStatus status = source_map_file(source, source->path, error);
    if (status != SCOUT_OK) {
        return status;
    }
    for (size_t i = 0; i < BASE_COUNT(readers); i++) {
        if (readers[i].recognise(source->maps[0].data, source->maps[0].size)) {
            source->format = readers[i].format;
            return readers[i].read(source, error);
        }
    }
    return refuse(source, error);
}

static ScoutStatus read_shards(Source *source, ScoutError *error)
{
    source->format = SOURCE_SAFETENSORS;
    ScoutStatus status = safetensors_map_shards(source, source->path, error);
    return status == SCOUT_OK ? safetensors_read(source, error) : status;
}

static bool exists_in(const char *folder, const char *name, bool *no_memory)
{
    BASE_CLEANUP(mem_free_pointer) char *path = path_join(folder, name);
    *no_memory = *no_memory || !path;
    return path && file_exists(path);
}

// The only file of the folder with this ending; empty if there is none or several.
static bool find_only(const char *folder, const char *ending, char *name, size_t size)
{
    DIR *dir = opendir(folder);
    size_t found = 0;
    if (!dir) {
        return false;
    }
    for (const struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
        if (str_ends(entry->d_name, ending) && entry->d_name[0] != '.') {
            found += str_copy(name, size, entry->d_name);
        }
    }
    closedir(dir);
    return found == 1;
}

// The model file of a folder, by the names the tools that write them use.
static ScoutStatus choose_file(const char *folder, char *name, size_t size, ScoutError *error)
{
    static const char *const usual[] = {"model.bin", "model.safetensors",
                                        "model.safetensors.index.json"};
    bool no_memory = false;
    for (size_t i = 0; i < BASE_COUNT(usual); i++) {
        if (exists_in(folder, usual[i], &no_memory)) {
            str_copy(name, size, usual[i]);
            return SCOUT_OK;
        }
    }
    if (no_memory) {
        return error_no_memory(error);
    }
    if (find_only(folder, ".safetensors", name, size) || find_only(folder, ".bin", name, size)) {
        return SCOUT_OK;
    }
    return error_set(error, SCOUT_ERROR_FORMAT,
                     "%s: no model.bin, model.safetensors or single model file in this "
                     "folder; " ACCEPTED,
                     folder);
}

static ScoutStatus set_paths(Source *source, const char *path, ScoutError *error)
{
    char name[SOURCE_NAME_MAX];
    BASE_CLEANUP(mem_free_pointer) char *joined = NULL;

    if (file_is_folder(path)) {
        ScoutStatus status = choose_file(path, name, sizeof name, error);
        if (status != SCOUT_OK) {
            return status;
        }
        joined = path_join(path, name);
        source->folder = source_copy_text(source, path, strlen(path));
        source->path = joined ? source_copy_text(source, joined, strlen(joined)) : NULL;
    } else {
        size_t folder_length = (size_t)(path_base(path) - path);
        source->folder = folder_length ? source_copy_text(source, path, folder_length)
                                       : source_copy_text(source, ".", 1);
        source->path = source_copy_text(source, path, strlen(path));
    }
    return source->folder && source->path ? SCOUT_OK : error_no_memory(error);
}

ScoutStatus source_open(const char *path, Source *source, ScoutError *error)
{
    *source = (Source){0};
    arena_init(&source->arena, SOURCE_ARENA_BYTES);

    ScoutStatus status = set_paths(source, path, error);
    if (status == SCOUT_OK && source->path) {
        bool sharded = str_ends(source->path, ".index.json");
        status = sharded ? read_shards(source, error) : read_file(source, error);
    }
    if (status == SCOUT_OK) {
        status = source_sort(source, error);
    }
    if (status != SCOUT_OK) {
        source_close(source);
    }
    return status;
}

void source_close(Source *source)
{
    for (size_t i = 0; i < source->file_count; i++) {
        file_unmap(&source->maps[i]);
    }
    mem_free(source->tensors);
    arena_done(&source->arena);
    *source = (Source){0};
}
