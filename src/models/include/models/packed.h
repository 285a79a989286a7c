// The packed model file (docs/formats/packed.md): one memory-mapped file that holds everything a
// model needs (metadata, vocabulary, tensors), laid out so that loading is a map and a look at the
// header.
//
// A tensor is found by name and may be stored in several encodings (say f16 and int8); pages of an
// encoding that nobody asks for are never read. Names are Scout's own, listed in
// docs/formats/packed.md.
#ifndef MODELS_PACKED_H
#define MODELS_PACKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cancel.h"
#include "base/status.h"

typedef enum PackedKind {
    PACKED_WHISPER = 1,
    PACKED_SILERO = 2,
    PACKED_MINILM = 3,
    PACKED_SPEAKER = 4
} PackedKind;

// How a tensor is stored. PLAIN is row-major f32. The PANEL encodings are those of
// kernels/kernels.h.
typedef enum PackedEncoding {
    PACKED_PLAIN_F32 = 1,
    PACKED_PANEL_F32 = 2,
    PACKED_PANEL_F16 = 3,
    PACKED_PANEL_S8 = 4,
    PACKED_PANEL_S4 = 5
} PackedEncoding;

enum { PACKED_RANK_MAX = 4, PACKED_NAME_MAX = 96, PACKED_TENSORS_MAX = 16384 };

typedef struct PackedTensor {
    const char *name;
    PackedEncoding encoding;
    size_t rank;
    size_t dims[PACKED_RANK_MAX]; // outermost first; a matrix is [n][k]
    const void *data;             // 64-byte aligned, borrowed until packed_close
    size_t bytes;
    const float *scale; // S8: [n padded to 16]; S4: [n/16][k/32][16]; else NULL
    const int32_t *sum; // S8: [n padded to 16]; else NULL
} PackedTensor;

typedef struct PackedFile PackedFile; // immutable once open; any thread

// Checks the header, the directory and their checksums, and that everything lies inside the file;
// it does not read the tensors. FORMAT for a file that is no packed model, UNSUPPORTED for another
// version, CORRUPT for damage.
ScoutStatus packed_open(const char *path, PackedFile **file, ScoutError *error);
void packed_close(PackedFile *file);

PackedKind packed_kind(const PackedFile *file);
const char *packed_path(const PackedFile *file);
size_t packed_size(const PackedFile *file);

// Metadata: a flat table of names and JSON values, set at import. Returns false if absent or of
// another type.
bool packed_meta_int(const PackedFile *file, const char *name, int64_t *out);
bool packed_meta_text(const PackedFile *file, const char *name, const char **out);
bool packed_meta_ints(const PackedFile *file, const char *name, const int32_t **out, size_t *count);
// The whole table as the JSON object it was stored as, borrowed; not NUL-terminated.
void packed_meta_json(const PackedFile *file, const char **text, size_t *length);

// The vocabulary: token bytes by id. Ids without bytes have length 0. False if there is none or id
// is out of range. count is the number of ids.
size_t packed_vocab_count(const PackedFile *file);
bool packed_vocab_token(const PackedFile *file, size_t id, const char **bytes, size_t *length);

// NULL if absent.
const PackedTensor *packed_find(const PackedFile *file, const char *name, PackedEncoding encoding);
// Any encoding of the name, best first by the order in `preferred` (count entries).
const PackedTensor *packed_find_any(const PackedFile *file, const char *name,
                                    const PackedEncoding *preferred, size_t count);
size_t packed_tensor_count(const PackedFile *file);
const PackedTensor *packed_tensor_at(const PackedFile *file, size_t index);

// Reads every byte and compares the checksums. CORRUPT names the first damaged part; CANCELLED.
// progress (0..1, may be NULL) is called between tensors.
ScoutStatus packed_verify(const PackedFile *file, const Cancel *cancel,
                          void (*progress)(void *context, double fraction), void *context,
                          ScoutError *error);

// Hints to the system, which change no content: the tensor will be wanted soon (read ahead), or no
// longer (its pages may leave memory; they are read again when touched).
void packed_will_need(const PackedFile *file, const PackedTensor *tensor);
void packed_not_needed(const PackedFile *file, const PackedTensor *tensor);

#endif
