// The resampler: what comes out has the right length, pitch, level and place, however it is fed.
#include "audio/resample.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const double PI = 3.14159265358979323846;

static float *sine(int rate, double hz, size_t count)
{
    float *out = calloc(count, sizeof *out);
    assert_non_null(out);
    for (size_t i = 0; i < count; i++)
        out[i] = (float)(0.5 * sin(2 * PI * hz * (double)i / rate));
    return out;
}

// Runs all of in through a resampler in pieces; returns how many samples came out.
static size_t convert(int from, int to, const float *in, size_t count, size_t piece, float *out,
                      size_t capacity)
{
    Resampler *resampler = NULL;
    assert_int_equal(resampler_new(from, to, &resampler, NULL), SCOUT_OK);
    size_t done = 0;
    size_t given;
    while (count) {
        size_t taken;
        size_t size = count < piece ? count : piece;
        size_t room = capacity - done < piece ? capacity - done : piece;
        assert_int_equal(
            resampler_process(resampler, in, size, &taken, out + done, room, &given, NULL),
            SCOUT_OK);
        assert_true(taken || given);
        in += taken;
        count -= taken;
        done += given;
    }
    do {
        assert_int_equal(resampler_finish(resampler, out + done, capacity - done, &given, NULL),
                         SCOUT_OK);
        done += given;
    } while (given);
    resampler_free(resampler);
    return done;
}

static void test_sine_keeps_place_and_level(void **state)
{
    (void)state;
    static const int rates[] = {8000, 11025, 22050, 44100, 48000, 96000, 192000, 44057};
    for (size_t r = 0; r < sizeof rates / sizeof *rates; r++) {
        size_t count = (size_t)rates[r];
        float *in = sine(rates[r], 440, count);
        float *expected = sine(16000, 440, 16000);
        static float out[17000];
        size_t done = convert(rates[r], 16000, in, count, 1000, out, 17000);
        assert_true(done >= 15999 && done <= 16001);
        for (size_t i = 400; i < 15600; i++)
            assert_true(fabsf(out[i] - expected[i]) < 2e-4F);
        free(in);
        free(expected);
    }
}

static void test_pieces_do_not_matter(void **state)
{
    (void)state;
    enum { COUNT = 44100 };
    float *in = sine(44100, 1234, COUNT);
    static float whole[17000];
    static float pieces[17000];
    size_t a = convert(44100, 16000, in, COUNT, COUNT, whole, 17000);
    size_t b = convert(44100, 16000, in, COUNT, 7, pieces, 17000);
    assert_int_equal(a, b);
    assert_memory_equal(whole, pieces, a * sizeof *whole);
    free(in);
}

static void test_what_cannot_be_held_is_removed(void **state)
{
    (void)state;
    float *in = sine(48000, 10000, 48000); // would fold to 6 kHz
    static float out[17000];
    size_t done = convert(48000, 16000, in, 48000, 4096, out, 17000);
    for (size_t i = 400; i < done - 400; i++)
        assert_true(fabsf(out[i]) < 1e-4F);
    free(in);
}

static void test_equal_rates_copy(void **state)
{
    (void)state;
    const float in[5] = {1e-30F, -1, 0.1F, 3, -0.0F};
    float out[5];
    assert_int_equal(convert(16000, 16000, in, 5, 2, out, 5), 5);
    assert_memory_equal(in, out, sizeof in);
}

static void test_one_sample_and_none(void **state)
{
    (void)state;
    const float one = 0.5F;
    float out[16];
    assert_true(convert(48000, 16000, &one, 1, 1, out, 16) <= 1);
    assert_int_equal(convert(48000, 16000, &one, 0, 1, out, 16), 0);
}

static void test_rates_out_of_range(void **state)
{
    (void)state;
    static const int pairs[][2] = {
        {0, 16000}, {-1, 16000}, {16000, 0}, {999, 16000}, {2000000, 16000}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        Resampler *resampler = NULL;
        ScoutError error = {0};
        assert_int_equal(resampler_new(pairs[i][0], pairs[i][1], &resampler, &error),
                         SCOUT_ERROR_UNSUPPORTED);
        assert_null(resampler);
        assert_non_null(strstr(error.message, "Hz"));
    }
    resampler_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sine_keeps_place_and_level),
        cmocka_unit_test(test_pieces_do_not_matter),
        cmocka_unit_test(test_what_cannot_be_held_is_removed),
        cmocka_unit_test(test_equal_rates_copy),
        cmocka_unit_test(test_one_sample_and_none),
        cmocka_unit_test(test_rates_out_of_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
