// What an import is going to write: a list of packed tensors, each with the source tensors it is
// made of. The planners (one a kind of model) check shapes and name what is missing before anything
// is written; then the whole list is converted, one piece of rows at a time.
#ifndef MODELS_PLAN_H
#define MODELS_PLAN_H

#include "base/status.h"
#include "models/import.h"
#include "models/packed_writer.h"
#include "source.h"

// How a tensor is stored, by what it is used for.
typedef enum PlanRole {
    PLAN_PLAIN,      // as it is, f32
    PLAN_MATRIX,     // a linear layer: what ImportWeights says
    PLAN_VOCABULARY, // the same, but int8 where the rest is int4: its rows become the logits
    PLAN_CONV,       // f32 or f16 panels, taps outermost: k = tap * channels + channel
    PLAN_LOOKUP,     // f32 or f16 panels; rows are only looked up
    PLAN_EXACT,      // f32 panels
    PLAN_EXACT_CONV
} PlanRole;

enum { PLAN_PARTS_MAX = 3, PLAN_ENCODINGS_MAX = 2 };

typedef struct PlanTensor {
    char name[PACKED_NAME_MAX];
    PlanRole role;
    size_t rank;
    size_t dims[PACKED_RANK_MAX]; // as stored; a convolution is [out][taps * channels]
    size_t taps;                  // of a convolution, else 0
    // Stacked in this order, each with dims[0] / part_count rows. NULL is a part of zeros.
    const SourceTensor *parts[PLAN_PARTS_MAX];
    size_t part_count;
    // Filled in by plan_declare.
    PackedEncoding encodings[PLAN_ENCODINGS_MAX];
    size_t indices[PLAN_ENCODINGS_MAX]; // in the writer
    size_t encoding_count;
} PlanTensor;

typedef struct Plan {
    const Source *source;
    PackedWriter *writer;
    PlanTensor *tensors;
    size_t count, capacity;
} Plan;

void plan_done(Plan *plan);

// The source tensor, or CORRUPT naming what is missing.
ScoutStatus plan_find(const Plan *plan, const char *name, const SourceTensor **tensor,
                      ScoutError *error);

// Appends a copy after comparing the shapes of its parts with its own (dimensions of 1 do not
// count, so that [n, 1] is a vector). CORRUPT names the part and both shapes.
ScoutStatus plan_add(Plan *plan, const PlanTensor *tensor, ScoutError *error);

// Declares every tensor to the writer in the encodings that follow from its role and the source.
ScoutStatus plan_declare(Plan *plan, ImportWeights weights, ScoutError *error);

// After packed_writer_begin: converts and writes all of them.
ScoutStatus plan_write(const Plan *plan, const ImportOptions *options, ScoutError *error);

// The planners. Each sets the metadata and the vocabulary of the writer as well.
bool plan_is_whisper(const Source *source);
ScoutStatus plan_whisper(Plan *plan, ScoutError *error);
bool plan_is_silero(const Source *source);
ScoutStatus plan_silero(Plan *plan, ScoutError *error);
bool plan_is_minilm(const Source *source);
ScoutStatus plan_minilm(Plan *plan, ScoutError *error);

#endif
