// How fast an engine is on this machine, stage by stage, and how fast the machine could be: for
// programs that report or compare speed.
#ifndef SCOUT_MEASURE_H
#define SCOUT_MEASURE_H

#include <stddef.h>
#include <stdint.h>

#include <scout/speech.h>
#include <scout/status.h>

#ifdef __cplusplus
extern "C" {
#endif

// What is measured; the rest is done once where it has to be, and not timed.
enum {
    SCOUT_MEASURE_LOAD = 1 << 0,
    SCOUT_MEASURE_MEL = 1 << 1,
    SCOUT_MEASURE_ENCODER = 1 << 2,
    SCOUT_MEASURE_PROMPT = 1 << 3,
    SCOUT_MEASURE_TOKEN = 1 << 4,
    SCOUT_MEASURE_BEAM = 1 << 5,
    SCOUT_MEASURE_BATCH = 1 << 6,
    SCOUT_MEASURE_MACHINE = 1 << 7, // peaks and reading
    SCOUT_MEASURE_ALL = (1 << 8) - 1
};

typedef struct ScoutMeasureOptions {
    size_t size;       // sizeof(ScoutMeasureOptions), set by scout_measure_options_init
    const char *model; // name or path; NULL: "base"
    int runs;          // of each stage at most, 1..1000; default 7
    double stage_s;    // no run of a stage begins later than that, 0..3600 s; default 0.7
    int beam;          // texts of a window in beam search, 1..SCOUT_BEAM_MAX; default 5
    int windows;       // windows that are decoded together, 1..16; default 4
    int stages;        // SCOUT_MEASURE_..., joined; default SCOUT_MEASURE_ALL
} ScoutMeasureOptions;

SCOUT_API void scout_measure_options_init(ScoutMeasureOptions *options);

// Milliseconds of one run. runs 0: not measured, and the rest is 0.
typedef struct ScoutDuration {
    double min_ms, median_ms;
    int runs;
} ScoutDuration;

typedef struct ScoutMeasurements {
    ScoutCompute compute; // of the linear layers; never AUTO
    double window_s;      // a full window of the model: 30
    int beam, windows;    // as asked for

    ScoutDuration load;      // opening the model, its file being in the system's memory
    ScoutDuration mel;       // the log-mel spectrogram of a full window
    ScoutDuration encoder;   // a full window, up to the keys and values that the decoder attends to
    ScoutDuration prompt;    // the four tokens that a text begins with, in one pass
    ScoutDuration token;     // a step of one text: its next token, mean over half a full text
    ScoutDuration beam_step; // a step of `beam` texts of one window
    // A step of `windows` windows with `beam` texts each; not measured where encoding so many
    // takes longer than ten times stage_s.
    ScoutDuration batch_step;

    // Most memory that was resident in this process up to the first beam_step, since the process
    // began; 0 when unknown. What is measured later would not be in use at once otherwise.
    uint64_t peak_memory_bytes;

    // What multiplications in registers reach on all threads, 1e9 operations a second (a
    // multiplication and an addition count two); 0: the kernels have no such instruction.
    double f32_peak_gops, bf16_peak_gops, int8_peak_gops;
    // What reading reaches on all threads, 1e9 bytes a second: again and again as many bytes as
    // token_bytes, and a block larger than most caches.
    double weights_read_gbs, memory_read_gbs;

    // Shares and limits are 0 where what they compare was not measured.
    double encoder_gop;        // operations of a full window, 1e9
    double encoder_gops;       // of them, a second, in the fastest run
    double encoder_limit_ms;   // with every operation at the peak of its arithmetic
    double encoder_peak_share; // encoder_gops to the peak of what the linear layers multiply, 0..1
    uint64_t token_bytes;      // of weights, keys and values that a step of one text reads
    double token_limit_ms;     // at weights_read_gbs
    double token_bandwidth_share; // token_limit_ms to the fastest token, 0..1
} ScoutMeasurements;

// stage is what comes next, for people ("encoder"), fraction 0..1. Return non-zero to stop: the
// call returns CANCELLED, at the latest when the run in progress is done.
typedef int (*ScoutMeasureProgress)(void *context, const char *stage, double fraction);

// Loads the model anew, beside what the engine has loaded, and measures with as many threads, the
// kernels and the arithmetic of the engine; the sound is noise. Nothing else should compute
// meanwhile, neither in the engine nor on the machine. options and progress may be NULL.
// *measured is the caller's, free with scout_free (models.h). Any thread. NOT_FOUND, FORMAT,
// CORRUPT, OUT_OF_MEMORY, UNSUPPORTED, INVALID_ARGUMENT, CANCELLED.
SCOUT_API ScoutStatus scout_engine_measure(ScoutEngine *engine, const ScoutMeasureOptions *options,
                                           ScoutMeasureProgress progress, void *context,
                                           ScoutMeasurements **measured, ScoutError *error);

#ifdef __cplusplus
}
#endif

#endif
