// From the formats people have to the packed file: CTranslate2 folders, ggml files and safetensors
// folders (Hugging Face names) of any whisper size and vocabulary; safetensors of Silero VAD and
// MiniLM.
#ifndef MODELS_IMPORT_H
#define MODELS_IMPORT_H

#include <stdbool.h>

#include "base/cancel.h"
#include "base/status.h"
#include "models/packed.h"

// What the matrices are stored as. SOURCE keeps the source's own precision (f32 or f16; quantised
// sources stay int8) and adds int8 panels, so that both exact and fast computing are possible.
typedef enum ImportWeights {
    IMPORT_SOURCE,
    IMPORT_F32,
    IMPORT_F16,
    IMPORT_INT8,
    IMPORT_INT4
} ImportWeights;

typedef struct ImportOptions {
    ImportWeights weights;
    bool replace;        // an existing target is replaced; who has it open keeps the old one
    const char *name;    // model name to record in the metadata; may be NULL
    const char *origin;  // free text: where it came from; may be NULL
    const char *licence; // SPDX id or text; may be NULL
    const Cancel *cancel;
    void (*progress)(void *context, double fraction); // 0..1; may be NULL
    void *context;
} ImportOptions;

// source is a folder or a file; what it holds is recognised from its content. Writes target whole
// or not at all (EXISTS if it is there and replace is false); its folder must exist. FORMAT says
// what was expected; CORRUPT what is wrong and where; CANCELLED.
ScoutStatus import_model(const char *source, const char *target, const ImportOptions *options,
                         ScoutError *error);

#endif
