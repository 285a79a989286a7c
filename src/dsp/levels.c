// Peak and root mean square of a block, in decibels below full scale.
#include "dsp/levels.h"

#include <float.h>
#include <math.h>

static float to_dbfs(double magnitude)
{
    if (magnitude <= 0)
        return LEVELS_FLOOR_DBFS;
    const float dbfs = (float)(20 * log10(magnitude));
    return dbfs < LEVELS_FLOOR_DBFS ? LEVELS_FLOOR_DBFS : dbfs;
}

Levels levels_measure(const float *samples, size_t count)
{
    float peak = 0;
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        const float size = fabsf(samples[i]);
        const float magnitude = size <= FLT_MAX ? size : 1.0f; // false for NaN, too
        peak = magnitude > peak ? magnitude : peak;
        sum += (double)magnitude * (double)magnitude;
    }
    return (Levels){
        .peak_dbfs = to_dbfs((double)peak),
        .rms_dbfs = to_dbfs(count > 0 ? sqrt(sum / (double)count) : 0),
    };
}
