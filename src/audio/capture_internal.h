// What capture shares with sets of captures.
#ifndef AUDIO_CAPTURE_INTERNAL_H
#define AUDIO_CAPTURE_INTERNAL_H

#include "audio/capture.h"
#include "base/wake.h"

// As audio_capture_open; what comes posts `arrived`, which outlives the capture.
ScoutStatus capture_open_waking(const AudioCaptureOptions *options, Wake *arrived,
                                AudioCapture **capture, ScoutError *error);

Levels capture_measure(const int16_t *frames, size_t count);

#endif
