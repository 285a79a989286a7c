// Silero: what a model file must hold, and what a stream must survive.
#include "models/silero.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "kernels/cpu.h"
#include "models/packed_writer.h"
#include "support/npy.h"
#include "support/tiny_silero.h"

enum { FRAMES = 31 };

static Kernels kernels;

static Silero *new_silero(void)
{
    Silero *silero;
    assert_int_equal(silero_open(tiny_silero_open(), &kernels, &silero, NULL), SCOUT_OK);
    return silero;
}

static float *load_frames(void)
{
    size_t count;
    float *const samples = npy_load_sound("reference/sounds/speech.npy", &count);
    assert_true(count >= (size_t)FRAMES * SILERO_FRAME_SAMPLES);
    return samples;
}

static void test_groups_do_not_matter(void **state)
{
    (void)state;
    Silero *const silero = new_silero();
    float *const samples = load_frames();
    float together[FRAMES];
    SileroState whole = {0};
    silero_steps(silero, &whole, samples, FRAMES, together);
    float pieces[FRAMES];
    SileroState cut = {0};
    for (size_t at = 0, size = 1; at < FRAMES; at += size, size = size % 7 + 1) {
        size = size < FRAMES - at ? size : FRAMES - at;
        silero_steps(silero, &cut, samples + at * SILERO_FRAME_SAMPLES, size, pieces + at);
    }
    assert_memory_equal(pieces, together, sizeof together);
    SileroState single = {0};
    for (size_t i = 0; i < FRAMES; i++) {
        const float probability = silero_step(silero, &single, samples + i * SILERO_FRAME_SAMPLES);
        assert_memory_equal(&probability, &together[i], sizeof probability);
    }
    assert_memory_equal(&single, &whole, sizeof whole);
    free(samples);
    silero_close(silero);
}

// After damage the stream goes on as if the damaged samples had been silence.
static void test_damaged_samples(void **state)
{
    (void)state;
    Silero *const silero = new_silero();
    float *const samples = load_frames();
    float *const silenced = load_frames();
    for (size_t i = 5000; i < 5100; i++) {
        samples[i] = i % 2 ? NAN : -NAN;
        silenced[i] = 0;
    }
    float damaged[FRAMES];
    float expected[FRAMES];
    SileroState a = {0};
    SileroState b = {0};
    silero_steps(silero, &a, samples, FRAMES, damaged);
    silero_steps(silero, &b, silenced, FRAMES, expected);
    assert_memory_equal(damaged, expected, sizeof expected);
    samples[5000] = INFINITY;
    samples[5001] = -3e38f;
    silero_steps(silero, &a, samples, FRAMES, damaged);
    for (size_t i = 0; i < FRAMES; i++)
        assert_true(damaged[i] >= 0 && damaged[i] <= 1);
    free(samples);
    free(silenced);
    silero_close(silero);
}

static void test_missing_tensors(void **state)
{
    (void)state;
    const char *const names[] = {"conv1.weight", "conv4.bias", "lstm.hidden.weight", "out.bias"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[] = "/tmp/scout-silero-XXXXXX";
        const int descriptor = mkstemp(path);
        assert_true(descriptor >= 0);
        close(descriptor);
        tiny_silero_write(path, names[i]);
        PackedFile *file;
        assert_int_equal(packed_open(path, &file, NULL), SCOUT_OK);
        Silero *silero = NULL;
        ScoutError error;
        assert_int_equal(silero_open(file, &kernels, &silero, &error), SCOUT_ERROR_FORMAT);
        assert_non_null(strstr(error.message, names[i]));
        assert_null(silero);
        unlink(path);
    }
}

static PackedFile *write_single(PackedKind kind, const char *name, size_t n, size_t k)
{
    char path[] = "/tmp/scout-silero-XXXXXX";
    const int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    close(descriptor);
    PackedWriter *writer;
    size_t index;
    float *const zeros = calloc(n * k, sizeof *zeros);
    assert_non_null(zeros);
    assert_int_equal(packed_writer_new(path, kind, &writer, NULL), SCOUT_OK);
    assert_int_equal(packed_writer_declare(writer, name, PACKED_PANEL_F32, 2,
                                           (const size_t[]){n, k}, &index, NULL),
                     SCOUT_OK);
    assert_int_equal(packed_writer_begin(writer, NULL), SCOUT_OK);
    assert_int_equal(packed_writer_rows(writer, index, 0, n, zeros, NULL), SCOUT_OK);
    assert_int_equal(packed_writer_finish(writer, true, NULL), SCOUT_OK);
    packed_writer_free(writer);
    free(zeros);
    PackedFile *file;
    assert_int_equal(packed_open(path, &file, NULL), SCOUT_OK);
    unlink(path);
    return file;
}

static void test_other_models(void **state)
{
    (void)state;
    Silero *silero = NULL;
    ScoutError error;
    PackedFile *file = write_single(PACKED_MINILM, "stft.weight", 258, 256);
    assert_int_equal(silero_open(file, &kernels, &silero, &error), SCOUT_ERROR_FORMAT);
    file = write_single(PACKED_SILERO, "stft.weight", 130, 128); // the 8 kHz model
    assert_int_equal(silero_open(file, &kernels, &silero, &error), SCOUT_ERROR_CORRUPT);
    assert_null(silero);
    silero_close(NULL);
}

int main(void)
{
    kernels_init(&kernels, cpu_detect());
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_groups_do_not_matter),
        cmocka_unit_test(test_damaged_samples),
        cmocka_unit_test(test_missing_tensors),
        cmocka_unit_test(test_other_models),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
