// Reads the ggml files of whisper.cpp. Little-endian: magic, 11 numbers, the mel filterbank, the
// tokens, then tensors to the end of the file: rank, name length, type, dims innermost first, name,
// data.
#include "base/memory.h"
#include "cursor.h"
#include "source.h"

enum { GGML_MAGIC = 0x67676d6c, GGML_TOKENS_MAX = 1 << 17, GGML_TOKEN_BYTES_MAX = 1024 };

bool ggml_recognise(const uint8_t *data, size_t size)
{
    uint32_t magic;
    if (size < sizeof magic) {
        return false;
    }
    memcpy(&magic, data, sizeof magic);
    return magic == GGML_MAGIC;
}

static ScoutStatus cut_short(const Source *source, ScoutError *error)
{
    return error_set(error, SCOUT_ERROR_CORRUPT,
                     "%s: ends too early or is damaged; fetch the model again", source->path);
}

static bool read_head(Cursor *cursor, SourceGgml *head)
{
    uint32_t n[12];
    if (!cursor_read(cursor, n, sizeof n)) {
        return false;
    }
    // n[11] is the file's type (mod 1000; above it the version of the quantisation). Every tensor
    // carries its own type, so nothing is left to ask it for.
    *head = (SourceGgml){
        .n_vocab = n[1],
        .n_audio_ctx = n[2],
        .n_state = n[3],
        .n_heads = n[4],
        .n_encoder_layers = n[5],
        .n_text_ctx = n[6],
        .n_text_state = n[7],
        .n_text_heads = n[8],
        .n_decoder_layers = n[9],
        .n_mels = n[10],
    };
    return true;
}

// Scout computes its own filterbank.
static bool skip_filters(Cursor *cursor)
{
    uint32_t size[2];
    return cursor_read(cursor, size, sizeof size) && size[0] <= 1024 && size[1] <= 4096 &&
           cursor_take(cursor, (size_t)size[0] * size[1] * sizeof(float));
}

static ScoutStatus read_tokens(Source *source, Cursor *cursor, ScoutError *error)
{
    uint32_t count;
    if (!cursor_read(cursor, &count, sizeof count) || count > GGML_TOKENS_MAX) {
        return cut_short(source, error);
    }
    SourceToken *tokens = arena_alloc(&source->arena, (size_t)count + 1, sizeof *tokens);
    if (!tokens) {
        return error_no_memory(error);
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t length;
        if (!cursor_read(cursor, &length, sizeof length) || length > GGML_TOKEN_BYTES_MAX) {
            return cut_short(source, error);
        }
        tokens[i].length = length;
        tokens[i].bytes = cursor_take(cursor, length);
        if (!tokens[i].bytes) {
            return cut_short(source, error);
        }
    }
    source->ggml.tokens = tokens;
    source->ggml.token_count = count;
    return SCOUT_OK;
}

static bool type_of_number(uint32_t number, SourceType *type)
{
    switch (number) {
    case 0: *type = SOURCE_F32; return true;
    case 1: *type = SOURCE_F16; return true;
    case 2: *type = SOURCE_Q4_0; return true;
    case 3: *type = SOURCE_Q4_1; return true;
    case 6: *type = SOURCE_Q5_0; return true;
    case 7: *type = SOURCE_Q5_1; return true;
    case 8: *type = SOURCE_Q8_0; return true;
    default: return false;
    }
}

static ScoutStatus read_tensor(Source *source, Cursor *cursor, ScoutError *error)
{
    uint32_t head[3]; // rank, name length, type
    char name[SOURCE_NAME_MAX];
    SourceTensor tensor = {.name = name};
    size_t elements = 1;

    if (!cursor_read(cursor, head, sizeof head) || head[0] < 1 || head[0] > SOURCE_RANK_MAX ||
        head[1] < 1 || head[1] >= SOURCE_NAME_MAX) {
        return cut_short(source, error);
    }
    tensor.rank = head[0];
    for (size_t i = tensor.rank; i > 0; i--) {
        uint32_t dim;
        if (!cursor_read(cursor, &dim, sizeof dim)) {
            return cut_short(source, error);
        }
        tensor.dims[i - 1] = dim;
        elements = mem_multiply(elements, dim);
    }
    if (!cursor_read(cursor, name, head[1]) || memchr(name, '\0', head[1])) {
        return cut_short(source, error);
    }
    name[head[1]] = '\0';
    if (!type_of_number(head[2], &tensor.type)) {
        return error_set(error, SCOUT_ERROR_UNSUPPORTED,
                         "%s: tensor %s is of ggml type %u; Scout reads f32, f16, q4_0, q4_1, "
                         "q5_0, q5_1 and q8_0",
                         source->path, name, (unsigned)head[2]);
    }
    tensor.bytes = source_type_bytes(tensor.type, elements);
    tensor.data = cursor_take(cursor, tensor.bytes);
    return tensor.data ? source_add(source, &tensor, error) : cut_short(source, error);
}

ScoutStatus ggml_read(Source *source, ScoutError *error)
{
    Cursor cursor = {source->maps[0].data, source->maps[0].size};
    if (!read_head(&cursor, &source->ggml) || !skip_filters(&cursor)) {
        return cut_short(source, error);
    }
    ScoutStatus status = read_tokens(source, &cursor, error);
    while (status == SCOUT_OK && cursor.left > 0) {
        status = read_tensor(source, &cursor, error);
    }
    return status;
}
