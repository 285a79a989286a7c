// Plain WAV, by far the commonest recording, without FFmpeg. What comes out is what FFmpeg's way
// gives, to the bit.
#ifndef SCOUT_DECODE_PLAIN_H
#define SCOUT_DECODE_PLAIN_H

#include <stdbool.h>

#include "decode.h"
#include "wav.h"

// Whether the input, whose head was read, is a plain WAV from which what is asked for can be had.
// May look at the file behind the samples.
bool plain_is(Input *input, const DecodeOptions *options, WavPlain *wav);

// Decodes it and reports it from INFO to END or ERROR.
void plain_decode(const WavPlain *wav, const DecodeOptions *options, Input *input, Output *output);

#endif
