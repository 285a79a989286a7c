// Reads CTranslate2's model.bin, versions 2 to 6. Little-endian:
//   u32 version, string spec, u32 revision, u32 count, then each variable:
//     string name, u8 rank, u32 dims[rank], then from version 4: u8 type, u32 bytes; before:
//     u8 item size, u32 items; then the data
//   from version 3: u32 count of aliases, each: string alias, string name
// A string is u16 length with the final NUL, then the bytes and the NUL. The u32 of the bytes wraps
// for tensors of 4 GiB and more, which no speech model has.
#include "base/attributes.h"
#include "cursor.h"
#include "source.h"

enum { CT2_VERSION_MIN = 2, CT2_VERSION_MAX = 6, CT2_ALIASES_MAX = 4096 };

static bool read_string(Cursor *cursor, char out[SOURCE_NAME_MAX])
{
    uint16_t length;
    if (!cursor_read(cursor, &length, sizeof length) || length < 1 || length > SOURCE_NAME_MAX ||
        !cursor_read(cursor, out, length)) {
        return false;
    }
    return strlen(out) + 1 == length;
}

static bool read_head(Cursor *cursor, uint32_t *version, char spec[SOURCE_NAME_MAX])
{
    uint32_t revision;
    return cursor_read(cursor, version, sizeof *version) && *version >= CT2_VERSION_MIN &&
           *version <= CT2_VERSION_MAX && read_string(cursor, spec) &&
           cursor_read(cursor, &revision, sizeof revision);
}

bool ct2_recognise(const uint8_t *data, size_t size)
{
    Cursor cursor = {data, size};
    uint32_t version;
    char spec[SOURCE_NAME_MAX];
    if (!read_head(&cursor, &version, spec)) {
        return false;
    }
    size_t length = strlen(spec);
    return length > 4 && strcmp(spec + length - 4, "Spec") == 0;
}

static SourceType type_of_number(uint8_t number)
{
    static const SourceType of[] = {SOURCE_F32,   SOURCE_I8,  SOURCE_I16,
                                    SOURCE_OTHER, SOURCE_F16, SOURCE_BF16};
    return number < BASE_COUNT(of) ? of[number] : SOURCE_OTHER;
}

// Files before version 4 tell types by size alone; 2 bytes were int16 then, f16 came later.
static SourceType type_of_size(uint8_t size)
{
    switch (size) {
    case 1: return SOURCE_I8;
    case 2: return SOURCE_I16;
    case 4: return SOURCE_F32;
    default: return SOURCE_OTHER;
    }
}

static bool read_variable(Cursor *cursor, uint32_t version, char name[SOURCE_NAME_MAX],
                          SourceTensor *tensor)
{
    uint8_t rank;
    uint8_t type;
    uint32_t count;
    *tensor = (SourceTensor){.name = name};

    if (!read_string(cursor, name) || !cursor_read(cursor, &rank, 1) || rank > SOURCE_RANK_MAX) {
        return false;
    }
    tensor->rank = rank;
    for (size_t i = 0; i < rank; i++) {
        uint32_t dim;
        if (!cursor_read(cursor, &dim, sizeof dim)) {
            return false;
        }
        tensor->dims[i] = dim;
    }
    if (!cursor_read(cursor, &type, 1) || !cursor_read(cursor, &count, sizeof count)) {
        return false;
    }
    tensor->type = version >= 4 ? type_of_number(type) : type_of_size(type);
    tensor->bytes = version >= 4 ? count : (size_t)count * type;
    tensor->data = cursor_take(cursor, tensor->bytes);
    return tensor->data != NULL;
}

static ScoutStatus cut_short(const Source *source, ScoutError *error)
{
    return error_set(error, SCOUT_ERROR_CORRUPT,
                     "%s: ends too early or is damaged; fetch the model again", source->path);
}

static const SourceTensor *find_variable(const Source *source, const char *name)
{
    for (size_t i = 0; i < source->tensor_count; i++) {
        if (strcmp(source->tensors[i].name, name) == 0) {
            return &source->tensors[i];
        }
    }
    return NULL;
}

static ScoutStatus read_aliases(Source *source, Cursor *cursor, ScoutError *error)
{
    uint32_t count;
    if (!cursor_read(cursor, &count, sizeof count) || count > CT2_ALIASES_MAX) {
        return cut_short(source, error);
    }
    for (uint32_t i = 0; i < count; i++) {
        char alias[SOURCE_NAME_MAX];
        char name[SOURCE_NAME_MAX];
        if (!read_string(cursor, alias) || !read_string(cursor, name)) {
            return cut_short(source, error);
        }
        const SourceTensor *original = find_variable(source, name);
        if (!original) {
            return error_set(error, SCOUT_ERROR_CORRUPT, "%s: %s stands for %s, which is missing",
                             source->path, alias, name);
        }
        SourceTensor tensor = *original;
        tensor.name = alias;
        ScoutStatus status = source_add(source, &tensor, error);
        if (status != SCOUT_OK) {
            return status;
        }
    }
    return SCOUT_OK;
}

ScoutStatus ct2_read(Source *source, ScoutError *error)
{
    Cursor cursor = {source->maps[0].data, source->maps[0].size};
    uint32_t version;
    uint32_t count;
    char name[SOURCE_NAME_MAX];

    if (!read_head(&cursor, &version, name)) {
        return cut_short(source, error);
    }
    if (strcmp(name, "WhisperSpec") != 0) {
        return error_set(
            error, SCOUT_ERROR_UNSUPPORTED,
            "%s: a CTranslate2 model of another kind (%s); Scout needs a Whisper model",
            source->path, name);
    }
    if (!cursor_read(&cursor, &count, sizeof count)) {
        return cut_short(source, error);
    }
    for (uint32_t i = 0; i < count; i++) {
        SourceTensor tensor;
        if (!read_variable(&cursor, version, name, &tensor)) {
            return cut_short(source, error);
        }
        ScoutStatus status = source_add(source, &tensor, error);
        if (status != SCOUT_OK) {
            return status;
        }
    }
    return version >= 3 ? read_aliases(source, &cursor, error) : SCOUT_OK;
}
