// Made-up whisper models, written through the packed writer like any other.
#include "support/tiny_whisper.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "models/packed_writer.h"

enum { PIECE_ROWS = 1024, TENSORS_MAX = 256 };

// What a tensor's values are made of: base + amplitude * uniform(-1, 1), and zeros in the rows of
// the keys, which have no bias.
typedef struct Tensor {
    char name[PACKED_NAME_MAX];
    size_t rows, columns; // columns 0: a vector
    bool matrix;
    float base, amplitude;
    size_t zero_first, zero_count;
    size_t index; // in the writer
} Tensor;

typedef struct Builder {
    const TinyWhisper *shape;
    Tensor tensors[TENSORS_MAX];
    size_t count;
} Builder;

static uint64_t name_hash(const char *name) // FNV-1a
{
    uint64_t hash = 0xcbf29ce484222325U;
    for (; *name; name++)
        hash = (hash ^ (uint8_t)*name) * 0x100000001b3U;
    return hash;
}

// splitmix64 at index i of the tensor's own sequence, as a multiple of 2^-23 in -1..1.
static float uniform(uint64_t hash, uint64_t i)
{
    uint64_t z = hash + (i + 1) * 0x9e3779b97f4a7c15U;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    z ^= z >> 31;
    return (float)((int64_t)(z >> 40) - (1 << 23)) / (float)(1 << 23);
}

void tiny_whisper_values(const char *name, size_t count, float amplitude, float *out)
{
    const uint64_t hash = name_hash(name);
    for (size_t i = 0; i < count; i++)
        out[i] = uniform(hash, i) * amplitude;
}

static Tensor *add(Builder *builder, const char *prefix, const char *name, size_t rows,
                   size_t columns, float base, float amplitude)
{
    assert_true(builder->count < TENSORS_MAX);
    const TinyWhisper *shape = builder->shape;
    Tensor *tensor = &builder->tensors[builder->count];
    *tensor = (Tensor){.rows = rows, .columns = columns, .base = base, .amplitude = amplitude};
    snprintf(tensor->name, sizeof(tensor->name), "%s%s", prefix, name);
    if (shape->shorter && strcmp(shape->shorter, tensor->name) == 0)
        tensor->rows--;
    if (!shape->without || strcmp(shape->without, tensor->name) != 0)
        builder->count++;
    return tensor;
}

static void add_norm(Builder *builder, const char *prefix, const char *name)
{
    char full[PACKED_NAME_MAX];
    snprintf(full, sizeof(full), "%s%s", prefix, name);
    add(builder, full, ".gamma", builder->shape->n_state, 0, 1.0F, 0.25F);
    add(builder, full, ".beta", builder->shape->n_state, 0, 0.0F, 0.125F);
}

// Weights keep the variance of what they multiply, times gain; keys' biases are zero.
static void add_linear(Builder *builder, const char *prefix, const char *name, size_t n, size_t k,
                       size_t zero_first, size_t zero_count)
{
    char full[PACKED_NAME_MAX];
    snprintf(full, sizeof(full), "%s%s", prefix, name);
    add(builder, full, ".weight", n, k, 0.0F, sqrtf(3.0F / (float)k))->matrix = true;
    Tensor *bias = add(builder, full, ".bias", n, 0, 0.0F, 0.125F);
    bias->zero_first = zero_first;
    bias->zero_count = zero_count;
}

static void add_layers(Builder *builder, const char *side, size_t count, bool crosses)
{
    const size_t d = builder->shape->n_state;
    for (size_t i = 0; i < count; i++) {
        char prefix[32];
        snprintf(prefix, sizeof(prefix), "%s.layers.%zu.", side, i);
        add_norm(builder, prefix, "attn_norm");
        add_linear(builder, prefix, "attn.qkv", 3 * d, d, d, d);
        add_linear(builder, prefix, "attn.out", d, d, 0, 0);
        if (crosses) {
            add_norm(builder, prefix, "cross_norm");
            add_linear(builder, prefix, "cross.q", d, d, 0, 0);
            add_linear(builder, prefix, "cross.kv", 2 * d, d, 0, d);
            add_linear(builder, prefix, "cross.out", d, d, 0, 0);
        }
        add_norm(builder, prefix, "mlp_norm");
        add_linear(builder, prefix, "mlp.fc1", 4 * d, d, 0, 0);
        add_linear(builder, prefix, "mlp.fc2", d, 4 * d, 0, 0);
    }
    add_norm(builder, side, ".norm");
}

static void add_tensors(Builder *builder)
{
    const TinyWhisper *shape = builder->shape;
    const size_t d = shape->n_state;
    add_linear(builder, "encoder.", "conv1", d, 3 * shape->n_mels, 0, 0);
    add_linear(builder, "encoder.", "conv2", d, 3 * d, 0, 0);
    add(builder, "encoder.", "positions", shape->n_audio_ctx, d, 0.0F, 0.5F);
    add_layers(builder, "encoder", shape->n_encoder_layers, false);
    add(builder, "decoder.", "embedding", shape->n_vocab, d, 0.0F, 0.25F)->matrix = true;
    add(builder, "decoder.", "positions", shape->n_text_ctx, d, 0.0F, 0.25F);
    add_layers(builder, "decoder", shape->n_decoder_layers, true);
}

static void write_tensor(PackedWriter *writer, const Tensor *tensor)
{
    const size_t columns = tensor->columns ? tensor->columns : 1;
    const uint64_t hash = name_hash(tensor->name);
    float *values = malloc(PIECE_ROWS * columns * sizeof(*values));
    assert_non_null(values);
    for (size_t first = 0; first < tensor->rows; first += PIECE_ROWS) {
        const size_t rows =
            tensor->rows - first < PIECE_ROWS ? tensor->rows - first : (size_t)PIECE_ROWS;
        for (size_t i = 0; i < rows * columns; i++) {
            const size_t at = first * columns + i;
            const bool zero =
                at >= tensor->zero_first && at < tensor->zero_first + tensor->zero_count;
            values[i] = zero ? 0.0F : tensor->base + uniform(hash, at) * tensor->amplitude;
        }
        assert_int_equal(packed_writer_rows(writer, tensor->index, first, rows, values, NULL),
                         SCOUT_OK);
    }
    free(values);
}

static void write_token(PackedWriter *writer, const char *text, size_t length)
{
    assert_int_equal(packed_writer_token(writer, text, length, NULL), SCOUT_OK);
}

// Ids below the end token are the 256 bytes, then words of three bytes.
static void write_vocabulary(PackedWriter *writer, size_t n_vocab)
{
    static const char *const specials[] = {
        "<|endoftext|>",   "<|startoftranscript|>", "<|en|>",
        "<|translate|>",   "<|transcribe|>",        "<|startoflm|>",
        "<|startofprev|>", "<|nospeech|>",          "<|notimestamps|>"};
    const bool tiny = n_vocab == TINY_VOCAB;
    const size_t n_text = tiny ? 256 : n_vocab == 51864 ? 50256 : 50257;
    for (size_t id = 0; id < n_text; id++) {
        const char bytes[3] = {(char)(id & 255), (char)(id >> 8 & 255), 'x'};
        write_token(writer, bytes, id < 256 ? 1 : 3);
    }
    for (size_t i = 0; tiny && i < sizeof(specials) / sizeof(specials[0]); i++)
        write_token(writer, specials[i], strlen(specials[i]));
}

static void write_metadata(PackedWriter *writer, const TinyWhisper *shape)
{
    const struct {
        const char *name;
        size_t value;
    } table[] = {
        {"n_vocab", shape->n_vocab},
        {"n_mels", shape->n_mels},
        {"n_state", shape->n_state},
        {"n_heads", shape->n_heads},
        {"n_encoder_layers", shape->n_encoder_layers},
        {"n_decoder_layers", shape->n_decoder_layers},
        {"n_audio_ctx", shape->n_audio_ctx},
        {"n_text_ctx", shape->n_text_ctx},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        assert_int_equal(
            packed_writer_meta_int(writer, table[i].name, (int64_t)table[i].value, NULL), SCOUT_OK);
    if (shape->alignment_count > 0)
        assert_int_equal(packed_writer_meta_ints(writer, "alignment_heads", shape->alignment,
                                                 shape->alignment_count, NULL),
                         SCOUT_OK);
}

void tiny_whisper_write(const TinyWhisper *shape, PackedEncoding encoding, const char *path)
{
    PackedWriter *writer = NULL;
    assert_int_equal(packed_writer_new(path, PACKED_WHISPER, &writer, NULL), SCOUT_OK);
    write_metadata(writer, shape);
    write_vocabulary(writer, shape->n_vocab);
    Builder *builder = calloc(1, sizeof(*builder));
    assert_non_null(builder);
    builder->shape = shape;
    add_tensors(builder);
    for (size_t i = 0; i < builder->count; i++) {
        Tensor *tensor = &builder->tensors[i];
        // A convolution is never stored in integers.
        const bool conv = strstr(tensor->name, ".conv") != NULL;
        const PackedEncoding as = !tensor->matrix                        ? PACKED_PLAIN_F32
                                  : conv && encoding != PACKED_PANEL_F32 ? PACKED_PANEL_F16
                                                                         : encoding;
        const size_t dims[2] = {tensor->rows, tensor->columns};
        assert_int_equal(packed_writer_declare(writer, tensor->name, as, tensor->columns ? 2 : 1,
                                               dims, &tensor->index, NULL),
                         SCOUT_OK);
    }
    assert_int_equal(packed_writer_begin(writer, NULL), SCOUT_OK);
    for (size_t i = 0; i < builder->count; i++)
        write_tensor(writer, &builder->tensors[i]);
    assert_int_equal(packed_writer_finish(writer, true, NULL), SCOUT_OK);
    packed_writer_free(writer);
    free(builder);
}

PackedFile *tiny_whisper_open(const TinyWhisper *shape, PackedEncoding encoding)
{
    char folder[] = "/tmp/scout-tiny-XXXXXX";
    assert_non_null(mkdtemp(folder));
    char path[64];
    snprintf(path, sizeof(path), "%s/model.scout", folder);
    tiny_whisper_write(shape, encoding, path);
    PackedFile *file = NULL;
    assert_int_equal(packed_open(path, &file, NULL), SCOUT_OK);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
    return file;
}
