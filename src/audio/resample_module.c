// What scout-resample.so shows: see resample_module.h.
#include "resample_module.h"

extern const ResampleModule RESAMPLE_MODULE_SYMBOL;
__attribute__((visibility("default"))) const ResampleModule RESAMPLE_MODULE_SYMBOL = {
    .begin = resampler_new,
    .end = resampler_free,
    .process = resampler_process,
    .finish = resampler_finish,
};
