// What the tensors of a Whisper model are called: by Scout, and by the three families of sources.
#ifndef MODELS_WHISPER_NAMES_H
#define MODELS_WHISPER_NAMES_H

#include "plan.h"

// OpenAI's names are ggml's too.
typedef enum Naming { NAMING_CT2, NAMING_OPENAI, NAMING_HF, NAMING_COUNT } Naming;

// A dimension as stored, in terms of the model's sizes.
typedef enum Dim {
    DIM_NONE,
    DIM_STATE,
    DIM_STATE_2,
    DIM_STATE_3,
    DIM_STATE_4,
    DIM_CONV_MELS,  // 3 taps of n_mels channels
    DIM_CONV_STATE, // 3 taps of n_state channels
    DIM_AUDIO,
    DIM_TEXT,
    DIM_VOCAB
} Dim;

typedef enum Where { WHERE_ONCE, WHERE_ENCODER, WHERE_DECODER } Where; // once or in every layer

enum { CONV_TAPS = 3 };

// In names # is the number of the layer. "0" is a part of zeros: Whisper's keys have no bias.
typedef struct WhisperName {
    Where where;
    PlanRole role;
    Dim dims[2];
    const char *scout;
    const char *parts[NAMING_COUNT][PLAN_PARTS_MAX];
} WhisperName;

extern const WhisperName whisper_names[];
extern const size_t whisper_name_count;

#endif
