// Probabilities of speech against the reference's (make_silero.py).
#include "models/silero.h"

#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "kernels/cpu.h"
#include "support/compare.h"
#include "support/models.h"
#include "support/npy.h"
#include "support/tiny_silero.h"

// Speech, hard signals, and the speech again, 50 times quieter, as whole frames.
static float *make_stream(size_t *frames)
{
    size_t speech_count;
    size_t signal_count;
    float *const speech = npy_load_sound("reference/sounds/speech.npy", &speech_count);
    float *const signals = npy_load_sound("reference/sounds/signals.npy", &signal_count);
    const size_t count = 2 * speech_count + signal_count;
    *frames = (count + SILERO_FRAME_SAMPLES - 1) / SILERO_FRAME_SAMPLES;
    float *const stream = calloc(*frames * SILERO_FRAME_SAMPLES, sizeof *stream);
    assert_non_null(stream);
    memcpy(stream, speech, speech_count * sizeof *stream);
    memcpy(stream + speech_count, signals, signal_count * sizeof *stream);
    for (size_t i = 0; i < speech_count; i++)
        stream[speech_count + signal_count + i] = speech[i] * 0.02f;
    free(speech);
    free(signals);
    return stream;
}

static void check_model(PackedFile *file, const char *expected_path)
{
    Kernels kernels;
    kernels_init(&kernels, cpu_detect());
    Silero *silero;
    assert_int_equal(silero_open(file, &kernels, &silero, NULL), SCOUT_OK);
    size_t frames;
    float *const stream = make_stream(&frames);
    Npy expected = npy_load(expected_path);
    assert_int_equal(expected.count, frames);
    float *const out = malloc(frames * sizeof *out);
    assert_non_null(out);
    SileroState state = {0};
    silero_steps(silero, &state, stream, frames, out);
    const double difference = compare_max_difference(out, expected.f32, frames);
    print_message("%s: at most %.1e\n", expected_path, difference);
    assert_true(difference < 1e-4);
    free(out);
    free(stream);
    npy_free(&expected);
    silero_close(silero);
}

static void test_made_weights(void **state)
{
    (void)state;
    check_model(tiny_silero_open(), "reference/silero/made.npy");
}

static void test_published_weights(void **state)
{
    (void)state;
    char path[4096];
    if (!test_model_path("silero-vad", path, sizeof path))
        skip();
    PackedFile *file;
    assert_int_equal(packed_open(path, &file, NULL), SCOUT_OK);
    check_model(file, "reference/silero/published.npy");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_made_weights),
        cmocka_unit_test(test_published_weights),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
