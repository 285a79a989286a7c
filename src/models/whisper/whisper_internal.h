// What the files of models/whisper share: the loaded model, the memory of a run, and the steps of
// encoding and decoding. Private to this folder and its tests.
#ifndef WHISPER_INTERNAL_H
#define WHISPER_INTERNAL_H

#include "models/whisper.h"
#include "nn/attention.h"
#include "nn/conv.h"
#include "nn/linear.h"
#include "nn/norm.h"

typedef struct WhisperEncoderLayer {
    NnNorm attn_norm;
    NnLinear qkv, out;
    NnNorm mlp_norm;
    NnLinear fc1, fc2;
} WhisperEncoderLayer;

typedef struct WhisperDecoderLayer {
    NnNorm attn_norm;
    NnLinear qkv, out;
    NnNorm cross_norm;
    NnLinear cross_q, cross_kv, cross_out;
    NnNorm mlp_norm;
    NnLinear fc1, fc2;
} WhisperDecoderLayer;

typedef struct WhisperHead {
    size_t layer, head;
} WhisperHead;

// All linear layers take their rows in the same form: 8 bits when compute is INT8, bfloat16 when it
// is BF16, else f32.
struct WhisperModel {
    PackedFile *file;
    const Kernels *kernels;
    WhisperCompute compute;
    bool bf16; // convolutions and attention compute in bfloat16 (but for keys, when INT8)
    WhisperDims dims;
    size_t head_size;
    size_t n_inner; // the widest hidden layer of the perceptrons
    Bpe *bpe;

    NnConv conv1, conv2;
    const float *encoder_positions; // [n_audio_ctx][n_state]
    WhisperEncoderLayer *encoder;
    NnNorm encoder_norm;

    NnMatrix embedding;  // for look-up: the projection's weights, or the most exact in the file
    NnLinear projection; // the same matrix, in the form the compute type multiplies
    const float *decoder_positions; // [n_text_ctx][n_state]
    WhisperDecoderLayer *decoder;
    NnNorm decoder_norm;

    WhisperHead *alignment;
    size_t alignment_count;

    void **owned; // blocks that hold converted weights
    size_t owned_count, owned_capacity;
};

// Fills the layers from the file; on failure the caller frees what is there.
ScoutStatus whisper_load(WhisperModel *model, ThreadPool *pool, ScoutError *error);

enum {
    WHISPER_BLOCK = 128,     // most positions of the encoder that a task takes through a layer
    WHISPER_GAP = 16,        // floats between wide rows, or rows would share sets of the cache
    WHISPER_LOGIT_ROWS = 16, // rows of logits held while aligning
    WHISPER_PAGE_SLOTS = 64, // tokens of a page of the self-attention cache
};

// Scratch of one worker of the pool.
typedef struct WhisperWorker {
    float *narrow; // rows of n_state, or the mel frames under a block
    float *wide;   // rows of n_inner, or the first convolution's frames under a block
    float *scores;
    uint16_t *halves; // for convolutions in bfloat16
    NnRows rows;      // WHISPER_BLOCK of them
} WhisperWorker;

// One encoded window.
typedef struct WhisperAudio {
    size_t positions;          // 0 while nothing is encoded
    WhisperEncoding *encoding; // in progress, or NULL
    char *memory;              // of n_decoder_layers panels; NULL before it is first needed
    size_t bytes;              // of the memory
} WhisperAudio;

// Keys and values of some tokens, of every layer and head.
typedef struct WhisperPage {
    uint64_t free;                     // bit i: no sequence names slot i
    uint32_t uses[WHISPER_PAGE_SLOTS]; // sequences that name a slot
    _Alignas(64) float memory[];       // [layer][keys, values][head][slot][head_size]
} WhisperPage;

typedef struct WhisperSequence {
    size_t audio;
    size_t length;
    uint32_t *slots; // [n_text_ctx]
    float **places;  // [n_text_ctx]; where a slot's key of layer 0 and head 0 is
} WhisperSequence;

// Consecutive rows of a decode call that attend to one audio.
typedef struct WhisperSpan {
    size_t first, count, audio;
} WhisperSpan;

// Where the cross-attention of the alignment heads goes while whisper_align decodes.
typedef struct WhisperCapture {
    float *weights; // [heads][count][positions]
    size_t count;   // rows of the pass
} WhisperCapture;

typedef void (*WhisperProbe)(void *context, size_t layer, const float *x, size_t positions);

struct WhisperRun {
    const WhisperModel *model;
    NnContext context;
    WhisperRunLimits limits;
    void **blocks; // everything below that was allocated
    size_t block_count;
    size_t threads;
    WhisperWorker *workers; // [threads]

    // The encoder.
    WhisperAudio *audios;
    WhisperEncoding *idle_encodings; // a list, last used first
    const WhisperEncoding *encoded;  // whose output may be read; NULL if nobody's
    WhisperProbe probe;              // tests look at each encoder layer's output; NULL otherwise
    void *probe_context;

    // Sequences and the slots of the self-attention cache.
    WhisperSequence *sequences;
    WhisperSequence *reordered; // as many, empty between calls: the other side of a reordering
    WhisperPage **pages;        // [page_max]; NULL where none is taken; slot / 64 is its page
    size_t page_max, page_end;  // no page from page_end on is taken
    size_t page_open;           // no taken page below has a free slot

    // The decoder, for limits.rows rows.
    float *row_x, *row_normed, *row_qkv, *row_attended; // [rows][n_state], qkv three times as wide
    float *row_hidden;                                  // [rows][n_inner]
    NnRows row_input;
    const WhisperSequence **row_sequences; // what a row may see ...
    size_t *row_lengths;                   // ... and how much of it
    size_t *row_kept;                      // rows whose logits are wanted
    WhisperSpan *spans;
    size_t span_count;
    WhisperRow *align_rows; // [rows]
    float *align_logits;    // [WHISPER_LOGIT_ROWS][n_vocab]
};

// Panels of the model's heads for `length` positions, without memory yet: the encoder's own, or
// those that the decoder attends to.
NnPanels whisper_self_panels(const WhisperModel *model, size_t length);
NnPanels whisper_cross_panels_of(const WhisperModel *model, size_t length);

// Memory for one encoding, so that nothing is allocated where only one is in progress; false when
// out of memory. The other frees the idle ones.
bool whisper_encodings_reserve(WhisperRun *run);
void whisper_encodings_free(WhisperRun *run);

// The panels of one decoder layer's cross-attention for an audio.
NnPanels whisper_cross_panels(const WhisperRun *run, size_t audio, size_t layer);

// Memory of an audio's panels for so many positions. What was encoded is kept only on failure.
ScoutStatus whisper_audio_take(WhisperRun *run, size_t audio, size_t positions, ScoutError *error);

// Gives a sequence, which is not full, one more slot.
ScoutStatus whisper_slot_append(WhisperRun *run, WhisperSequence *sequence, ScoutError *error);

// From a slot's place to its key or value of a layer and head.
size_t whisper_key_offset(const WhisperModel *model, size_t layer, size_t head);
size_t whisper_value_offset(const WhisperModel *model, size_t layer, size_t head);

// Appends the rows and computes the decoder up to its last layer; row_x then holds the states, of
// all rows, or one after another of those whose logits are wanted.
ScoutStatus whisper_decode_states(WhisperRun *run, const WhisperRow *rows, size_t count,
                                  const WhisperCapture *capture, bool wanted_only,
                                  ScoutError *error);

// Logits of the states first..first+count in row_x, for the first n_vocab tokens. Overwrites the
// states before `first + count`.
void whisper_project(WhisperRun *run, size_t first, size_t count, size_t n_vocab, float *logits);

#endif
