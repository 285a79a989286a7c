// From whatever the decoder gives (twelve sample formats, any number of channels) to mono floats.
#ifndef SCOUT_DECODE_MIX_H
#define SCOUT_DECODE_MIX_H

#include <libavutil/frame.h>
#include <stdbool.h>

// Whether frame is audio in a format that is known, with all its planes there.
bool mix_is_known(const AVFrame *frame);

// Writes count samples, from sample `first` of frame on. channel is 1-based; 0, or one that the
// frame does not have, takes the mean of all channels. [-1, 1] is full scale.
void mix_to_mono(const AVFrame *frame, int channel, int first, int count, float *out);

#endif
