// A model as its source file holds it: named tensors that point into the mapped file, and what the
// format knows beside them. One reader per format fills it; the plans (plan.h) read from it.
#ifndef MODELS_SOURCE_H
#define MODELS_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/status.h"

typedef enum SourceFormat { SOURCE_CT2, SOURCE_GGML, SOURCE_SAFETENSORS } SourceFormat;

typedef enum SourceType {
    SOURCE_F32,
    SOURCE_F16,
    SOURCE_BF16,
    SOURCE_I8,
    SOURCE_I16,
    SOURCE_Q4_0, // ggml's blocks of 32
    SOURCE_Q4_1,
    SOURCE_Q5_0,
    SOURCE_Q5_1,
    SOURCE_Q8_0,
    SOURCE_OTHER // no weights: booleans, indices
} SourceType;

enum {
    SOURCE_RANK_MAX = 4,
    SOURCE_NAME_MAX = 256,
    SOURCE_TENSORS_MAX = 16384,
    SOURCE_FILES_MAX = 64,
    SOURCE_BLOCK = 32
};

typedef struct SourceTensor {
    const char *name;
    SourceType type;
    size_t rank;
    size_t dims[SOURCE_RANK_MAX]; // outermost first
    const uint8_t *data;          // not aligned
    size_t bytes;                 // exactly what type and dims need, except for SOURCE_OTHER
} SourceTensor;

typedef struct SourceToken {
    const uint8_t *bytes;
    size_t length;
} SourceToken;

// What a ggml file says about itself; zero for other formats.
typedef struct SourceGgml {
    uint32_t n_vocab, n_audio_ctx, n_state, n_heads, n_encoder_layers;
    uint32_t n_text_ctx, n_text_state, n_text_heads, n_decoder_layers, n_mels;
    SourceToken *tokens;
    size_t token_count;
} SourceGgml;

typedef struct Source {
    SourceFormat format;
    const char *folder; // where configuration and vocabulary are looked for
    const char *path;   // of the model file, or the index of its shards; for messages
    const char *files[SOURCE_FILES_MAX];
    FileMap maps[SOURCE_FILES_MAX];
    size_t file_count;
    SourceTensor *tensors; // sorted by name once the source is open
    size_t tensor_count, tensor_capacity;
    SourceGgml ggml;
    Arena arena; // names, paths, tokens
} Source;

// Recognises what path (a folder or a file) holds and reads it. FORMAT says what is accepted.
ScoutStatus source_open(const char *path, Source *source, ScoutError *error);
void source_close(Source *source); // a zeroed one is allowed

// NULL if absent.
const SourceTensor *source_find(const Source *source, const char *name);

// Bytes that count elements of a type take; SIZE_MAX when they do not fit, or are no whole blocks.
size_t source_type_bytes(SourceType type, size_t count);
const char *source_type_name(SourceType type);
bool source_type_is_quantised(SourceType type);

// For the readers. Checks rank, dims and bytes, copies the name; the data must lie in a map.
ScoutStatus source_add(Source *source, const SourceTensor *tensor, ScoutError *error);
ScoutStatus source_map_file(Source *source, const char *path, ScoutError *error);
char *source_copy_text(Source *source, const char *text, size_t length);

// After the readers: makes source_find work. CORRUPT when there are no tensors, or a name is there
// twice.
ScoutStatus source_sort(Source *source, ScoutError *error);

// The readers: source holds its maps (one; safetensors any number) and gets its tensors.
ScoutStatus ct2_read(Source *source, ScoutError *error);
ScoutStatus ggml_read(Source *source, ScoutError *error);
ScoutStatus safetensors_read(Source *source, ScoutError *error);

// safetensors in several files: reads the index `path` and maps the files it names.
ScoutStatus safetensors_map_shards(Source *source, const char *path, ScoutError *error);

// Whether the first bytes of a file look like the format.
bool ct2_recognise(const uint8_t *data, size_t size);
bool ggml_recognise(const uint8_t *data, size_t size);
bool safetensors_recognise(const uint8_t *data, size_t size);

#endif
