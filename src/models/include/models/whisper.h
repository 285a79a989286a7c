// Whisper: log-mel in, encoder states; tokens in, logits out. No decoding rule lives here (those
// are in speech/), so that a beam, a batch of clips and a teacher-forced reference test are the
// same call.
//
// A WhisperModel is immutable and shared by any number of threads. A WhisperRun holds the scratch
// and the caches of one or many decoding jobs and has one owner thread. The limits it is made with
// cost next to nothing: keys and values take memory when they are made. Inside a run:
//   - an *audio* is one encoded window: its cross-attention keys and values.
//   - a *sequence* is a list of tokens so far, tied to an audio. Its self-attention cache is a list
//   of
//     indices into shared slots, so that copying or reordering sequences (beams) moves no keys or
//     values. A slot that no sequence names any more is free again. Slots come in pages.
#ifndef MODELS_WHISPER_H
#define MODELS_WHISPER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/thread_pool.h"
#include "kernels/kernels.h"
#include "models/packed.h"
#include "models/tokenizer.h"

// What linear layers multiply. Each runs everywhere; BF16 pays only where kernels->bf16_is_fast.
typedef enum WhisperCompute {
    WHISPER_AUTO, // int8 if the file holds int8 or int4 matrices, else f32
    WHISPER_F32,
    WHISPER_BF16,
    WHISPER_INT8
} WhisperCompute;

typedef struct WhisperDims {
    size_t n_vocab, n_mels, n_state, n_heads, n_encoder_layers, n_decoder_layers;
    size_t n_audio_ctx; // 1500
    size_t n_text_ctx;  // 448
} WhisperDims;

typedef struct WhisperModel WhisperModel;

// Takes the file over and closes it with the model (also on failure). pool may be NULL and is used
// while loading only.
ScoutStatus whisper_open(PackedFile *file, WhisperCompute compute, const Kernels *kernels,
                         ThreadPool *pool, WhisperModel **model, ScoutError *error);
void whisper_close(WhisperModel *model);
const WhisperDims *whisper_dims(const WhisperModel *model);
const Bpe *whisper_bpe(const WhisperModel *model);
const Kernels *whisper_kernels(const WhisperModel *model); // those it was opened with
WhisperCompute whisper_compute(const WhisperModel *model); // never AUTO
const PackedFile *whisper_file(const WhisperModel *model);

typedef struct WhisperRun WhisperRun;

typedef struct WhisperRunLimits {
    size_t audios;    // windows held at once
    size_t sequences; // sequences held at once
    size_t rows;      // most tokens in one whisper_decode call; raised to n_text_ctx, a sequence
} WhisperRunLimits;

// The pool is borrowed and used only inside calls on this run.
ScoutStatus whisper_run_new(const WhisperModel *model, ThreadPool *pool,
                            const WhisperRunLimits *limits, WhisperRun **run, ScoutError *error);
void whisper_run_free(WhisperRun *run);

// Gives back the memory of pages of slots that no sequence names: after a job, not in a loop.
void whisper_run_trim(WhisperRun *run);

// Encodes mel[frames][n_mels] (frame-major, frames even, 2 <= frames <= 2 * n_audio_ctx) into audio
// slot `audio`. Positions beyond frames / 2 do not exist for attention: nothing is padded.
ScoutStatus whisper_encode(WhisperRun *run, size_t audio, const float *mel, size_t frames,
                           ScoutError *error);

// The same in steps, between which the run may decode, or encode other audios. The mel stays
// borrowed until the encoding is freed. Until the last step is done the audio is not encoded, and
// whisper_decode refuses it. Several encodings of a run may be in progress: each has memory of its
// own, which is allocated only where others are in progress, and a little of which is kept for
// later. STATE when the audio is being encoded already.
typedef struct WhisperEncoding WhisperEncoding;
ScoutStatus whisper_encoding_new(WhisperRun *run, size_t audio, const float *mel, size_t frames,
                                 WhisperEncoding **encoding, ScoutError *error);
// About the work of one encoder layer: on whisper-base a few milliseconds to a few tens of them.
// Returns false when the audio is complete.
bool whisper_encoding_step(WhisperEncoding *encoding);
// Before the run. An audio that is not complete is then not encoded.
void whisper_encoding_free(WhisperEncoding *encoding);

// The encoder's output for the audio that was completed last, [frames / 2][n_state]; NULL and 0
// positions for any other. Borrowed until the next encoding of the run begins.
const float *whisper_encoded(const WhisperRun *run, size_t audio, size_t *positions);

// Gives back the memory of an audio, which is then not encoded. Not while it is being encoded.
void whisper_audio_drop(WhisperRun *run, size_t audio);

// Empties a sequence and ties it to an audio.
void whisper_sequence_start(WhisperRun *run, size_t sequence, size_t audio);
// dst becomes a copy of src: indices only.
void whisper_sequence_copy(WhisperRun *run, size_t dst, size_t src);
// new[i] = old[from[i]] for the sequences first..first+count; from is relative to first.
void whisper_sequences_reorder(WhisperRun *run, size_t first, size_t count, const size_t *from);
// Drops tokens from the end so that length remain.
void whisper_sequence_truncate(WhisperRun *run, size_t sequence, size_t length);
size_t whisper_sequence_length(const WhisperRun *run, size_t sequence);

typedef struct WhisperRow {
    size_t sequence;
    int32_t token;
    bool want_logits;
} WhisperRow;

// Appends each row's token to its sequence and computes the model on them, all rows in one pass.
// Rows of one sequence are consecutive positions in the order given; each sees those before it.
// Writes logits[j][n_vocab] for the j-th row with want_logits; logits may be NULL if none has it. A
// row's logits are the same bits whatever rows are computed with it and however many threads. LIMIT
// when a sequence would pass n_text_ctx or count passes the run's rows, STATE when a sequence's
// audio was not encoded, OUT_OF_MEMORY; nothing is appended then.
ScoutStatus whisper_decode(WhisperRun *run, const WhisperRow *rows, size_t count, float *logits,
                           ScoutError *error);

// Cross-attention of the alignment heads for a whole token sequence, teacher-forced on `audio`:
// weights[head][count][positions], softmax over positions, head < whisper_alignment_heads. Uses
// (and overwrites) `sequence`. If probabilities is given, probabilities[i] is the model's
// probability of tokens[i + 1] after tokens[0..i], for i < count - 1: a softmax over the ids below
// the end token, as find_alignment of openai-whisper takes it. So it is 0 where tokens[i + 1] is
// the end or any other special token. LIMIT for more than n_text_ctx tokens.
size_t whisper_alignment_heads(const WhisperModel *model);
ScoutStatus whisper_align(WhisperRun *run, size_t audio, size_t sequence, const int32_t *tokens,
                          size_t count, float *weights, float *probabilities, ScoutError *error);

// What the parts cost, for reports of how near they come to the limits of the machine.
typedef struct WhisperCost {
    // Of encoding a full window, up to the keys and values that the decoder attends to, by what is
    // multiplied. A multiplication and an addition count two.
    uint64_t int8_operations, bf16_operations, f32_operations;
    uint64_t step_weight_bytes; // that decoding reads a step
    uint64_t step_audio_bytes;  // keys and values of a full window: read a step by each row
} WhisperCost;

void whisper_cost(const WhisperModel *model, WhisperCost *cost);

#endif
