// Sound to spans with every allocation failing in turn: the spectrogram's tables, Silero and the
// stream. Afterwards nothing allocates.
#include "fault.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "dsp/mel.h"
#include "kernels/cpu.h"
#include "models/silero.h"
#include "speech/vad.h"
#include "support/tiny_silero.h"

enum { TRIALS_MAX = 100, SECONDS = 2, SAMPLES = SECONDS * 16000, FRAMES = SECONDS * 100 };

typedef struct Work {
    Kernels kernels;
    const char *model_path;
    float samples[SAMPLES];
    float mel[FRAMES * 80];
} Work;

static ScoutStatus compute_mel(void *context)
{
    Work *const work = context;
    Mel *mel = NULL;
    ScoutError error = {.message = ""};
    const ScoutStatus status = mel_new(80, &mel, &error);
    assert_int_equal(mel == NULL, status != SCOUT_OK);
    assert_int_equal(error.message[0] != '\0', status != SCOUT_OK);
    if (status != SCOUT_OK)
        return status;
    const size_t before = fault_count();
    mel_compute(mel, work->samples, SAMPLES, FRAMES, work->mel);
    assert_int_equal(fault_count(), before);
    mel_free(mel);
    return SCOUT_OK;
}

static ScoutStatus ignore_span(void *context, const VadSpan *span)
{
    (void)context;
    (void)span;
    return SCOUT_OK;
}

static ScoutStatus follow_stream(const Silero *silero, const Work *work)
{
    Vad *vad = NULL;
    ScoutError error = {.message = ""};
    const ScoutStatus status = vad_new(silero, NULL, ignore_span, NULL, &vad, &error);
    assert_int_equal(vad == NULL, status != SCOUT_OK);
    assert_int_equal(error.message[0] != '\0', status != SCOUT_OK);
    if (status != SCOUT_OK)
        return status;
    const size_t before = fault_count();
    assert_int_equal(vad_push(vad, work->samples, SAMPLES), SCOUT_OK);
    assert_int_equal(vad_flush(vad), SCOUT_OK);
    assert_int_equal(fault_count(), before);
    vad_free(vad);
    return SCOUT_OK;
}

static ScoutStatus find_speech(void *context)
{
    const Work *const work = context;
    PackedFile *file;
    ScoutStatus status = packed_open(work->model_path, &file, NULL);
    if (status != SCOUT_OK)
        return status;
    Silero *silero = NULL;
    status = silero_open(file, &work->kernels, &silero, NULL);
    assert_int_equal(silero == NULL, status != SCOUT_OK);
    if (status == SCOUT_OK)
        status = follow_stream(silero, work);
    silero_close(silero);
    return status;
}

static void test_mel(void **state)
{
    fault_run_all(compute_mel, *state, TRIALS_MAX);
}

static void test_voice_activity(void **state)
{
    Work *const work = *state;
    char path[] = "/tmp/scout-silero-XXXXXX";
    const int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    close(descriptor);
    tiny_silero_write(path, NULL);
    work->model_path = path;
    fault_run_all(find_speech, work, TRIALS_MAX);
    unlink(path);
}

static int set_up(void **state)
{
    static Work work;
    kernels_init(&work.kernels, cpu_detect());
    uint32_t seed = 1;
    for (size_t i = 0; i < SAMPLES; i++) {
        seed = seed * 1664525u + 1013904223u;
        work.samples[i] = (float)(seed >> 8) / 16777216.0f - 0.5f;
    }
    *state = &work;
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mel),
        cmocka_unit_test(test_voice_activity),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
