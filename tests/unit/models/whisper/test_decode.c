// Decoding: one pass or many, many threads or one, the logits are the same bits; what cannot be
// done is refused and changes nothing.
#include <math.h>
#include <string.h>

#include "whisper_fixture.h"

enum { COUNT = 20 };

static const int32_t text[COUNT] = {257, 258, 259, 260, 261, 5,   9, 77, 200, 13,
                                    14,  15,  16,  255, 0,   300, 1, 2,  3,   256};

static const struct {
    PackedEncoding encoding;
    WhisperCompute compute;
} ways[] = {
    {PACKED_PANEL_F32, WHISPER_F32},  {PACKED_PANEL_F16, WHISPER_F32},
    {PACKED_PANEL_S8, WHISPER_F32},   {PACKED_PANEL_S4, WHISPER_F32},
    {PACKED_PANEL_S8, WHISPER_INT8},  {PACKED_PANEL_S4, WHISPER_INT8},
    {PACKED_PANEL_F32, WHISPER_INT8}, {PACKED_PANEL_F16, WHISPER_BF16},
    {PACKED_PANEL_S4, WHISPER_BF16},
};

static void test_one_pass_is_token_by_token(void **state)
{
    (void)state;
    for (size_t way = 0; way < sizeof(ways) / sizeof(ways[0]); way++) {
        Fixture *fixture = fixture_new(ways[way].encoding, ways[way].compute, 2);
        fixture_encode(fixture, 0, 50);
        static float together[COUNT * TINY_VOCAB];
        static float alone[TINY_VOCAB];
        whisper_sequence_start(fixture->run, 0, 0);
        fixture_append(fixture, 0, text, COUNT, together);
        whisper_sequence_start(fixture->run, 1, 0);
        for (size_t i = 0; i < COUNT; i++) {
            fixture_append(fixture, 1, &text[i], 1, alone);
            assert_memory_equal(alone, together + i * TINY_VOCAB, sizeof(alone));
        }
        fixture_free(fixture);
    }
}

// Everything a run computes, for comparison.
typedef struct Results {
    float encoded[FRAMES_MAX / 2 * 64];
    float logits[COUNT * TINY_VOCAB];
    float weights[4 * COUNT * FRAMES_MAX / 2]; // 2 upper layers x 2 heads
    float probabilities[COUNT];
} Results;

static Results *results_of(PackedEncoding encoding, WhisperCompute compute, size_t threads)
{
    Results *results = calloc(1, sizeof(*results));
    assert_non_null(results);
    Fixture *fixture = fixture_new(encoding, compute, threads);
    assert_int_equal(whisper_compute(fixture->model), compute);
    fixture_encode(fixture, 0, FRAMES_MAX);
    size_t positions = 0;
    const float *encoded = whisper_encoded(fixture->run, 0, &positions);
    assert_int_equal(positions, FRAMES_MAX / 2);
    memcpy(results->encoded, encoded, sizeof(results->encoded));
    whisper_sequence_start(fixture->run, 0, 0);
    fixture_append(fixture, 0, text, COUNT, results->logits);
    assert_int_equal(whisper_alignment_heads(fixture->model), 4);
    assert_int_equal(whisper_align(fixture->run, 0, 1, text, COUNT, results->weights,
                                   results->probabilities, NULL),
                     SCOUT_OK);
    fixture_free(fixture);
    return results;
}

static void test_threads_do_not_matter(void **state)
{
    (void)state;
    for (size_t way = 0; way < sizeof(ways) / sizeof(ways[0]); way++) {
        Results *one = results_of(ways[way].encoding, ways[way].compute, 1);
        for (size_t threads = 2; threads <= 3; threads++) {
            Results *many = results_of(ways[way].encoding, ways[way].compute, threads);
            assert_memory_equal(one, many, sizeof(*one));
            free(many);
        }
        free(one);
    }
}

// Root of the mean square of b - a, relative to a's.
static double distance(const float *a, const float *b, size_t count)
{
    double difference = 0;
    double size = 0;
    for (size_t i = 0; i < count; i++) {
        difference += ((double)b[i] - (double)a[i]) * ((double)b[i] - (double)a[i]);
        size += (double)a[i] * (double)a[i];
    }
    return sqrt(difference / size);
}

// Every way of storing and computing gives nearly the same, as near as its bits allow.
static void test_ways_agree(void **state)
{
    (void)state;
    static const double allowed[] = {0, 2e-3, 0.05, 0.6, 0.08, 0.6, 0.08, 0.03, 0.6};
    Results *exact = results_of(PACKED_PANEL_F32, WHISPER_F32, 2);
    for (size_t way = 1; way < sizeof(ways) / sizeof(ways[0]); way++) {
        Results *other = results_of(ways[way].encoding, ways[way].compute, 2);
        const double found = distance(exact->logits, other->logits, COUNT * TINY_VOCAB);
        assert_true(found > 0);
        assert_true(found < allowed[way]);
        free(other);
    }
    free(exact);
}

// The probabilities of whisper_align are a softmax of the logits over the ids below the end token.
static void test_alignment_probabilities(void **state)
{
    (void)state;
    Results *results = results_of(PACKED_PANEL_F32, WHISPER_F32, 1);
    enum { END = 256 };
    for (size_t i = 0; i + 1 < COUNT; i++) {
        double sum = 0;
        for (size_t j = 0; j < END; j++)
            sum += exp((double)results->logits[i * TINY_VOCAB + j]);
        const int32_t next = text[i + 1];
        const double expected =
            next < END ? exp((double)results->logits[i * TINY_VOCAB + (size_t)next]) / sum : 0;
        assert_true(fabs((double)results->probabilities[i] - expected) < 1e-5);
    }
    for (size_t row = 0; row < (size_t)4 * COUNT; row++) {
        double sum = 0;
        for (size_t t = 0; t < FRAMES_MAX / 2; t++)
            sum += (double)results->weights[row * (FRAMES_MAX / 2) + t];
        assert_true(fabs(sum - 1) < 1e-5);
    }
    free(results);
}

static void expect_refused(Fixture *fixture, const WhisperRow *rows, size_t count,
                           ScoutStatus expected)
{
    ScoutError error = {.status = SCOUT_OK};
    const size_t before[2] = {whisper_sequence_length(fixture->run, 0),
                              whisper_sequence_length(fixture->run, 1)};
    assert_int_equal(whisper_decode(fixture->run, rows, count, NULL, &error), expected);
    assert_int_equal(error.status, expected);
    assert_true(error.message[0] != '\0');
    assert_int_equal(whisper_sequence_length(fixture->run, 0), before[0]);
    assert_int_equal(whisper_sequence_length(fixture->run, 1), before[1]);
}

static void test_refusals(void **state)
{
    (void)state;
    Fixture *fixture = fixture_new(PACKED_PANEL_S8, WHISPER_AUTO, 1);
    assert_int_equal(whisper_compute(fixture->model), WHISPER_INT8);
    const WhisperRow row = {.sequence = 0, .token = 1};
    whisper_sequence_start(fixture->run, 0, 0);
    expect_refused(fixture, &row, 1, SCOUT_ERROR_STATE); // nothing encoded
    fixture_encode(fixture, 0, 20);
    expect_refused(fixture, &row, 0, SCOUT_ERROR_LIMIT);
    const WhisperRow unknown[2] = {{1, 3, false}, {0, TINY_VOCAB, false}};
    expect_refused(fixture, unknown, 2, SCOUT_ERROR_INVALID_ARGUMENT);
    const WhisperRow negative = {.sequence = 0, .token = -1};
    expect_refused(fixture, &negative, 1, SCOUT_ERROR_INVALID_ARGUMENT);
    const WhisperRow nobody = {.sequence = 6, .token = 1};
    expect_refused(fixture, &nobody, 1, SCOUT_ERROR_INVALID_ARGUMENT);

    // 20 of 24 tokens; a call that would bring 25 to sequence 0 appends nothing to 1 either.
    whisper_sequence_start(fixture->run, 1, 0);
    fixture_append(fixture, 0, text, COUNT, NULL);
    WhisperRow rows[7];
    for (size_t i = 0; i < 7; i++)
        rows[i] = (WhisperRow){.sequence = i < 2 ? 1 : 0, .token = 7};
    expect_refused(fixture, rows, 7, SCOUT_ERROR_LIMIT);
    assert_int_equal(whisper_decode(fixture->run, rows, 6, NULL, NULL), SCOUT_OK);
    assert_int_equal(whisper_sequence_length(fixture->run, 0), 24);

    float weights[1];
    assert_int_equal(whisper_align(fixture->run, FIXTURE_AUDIOS, 0, text, 1, weights, NULL, NULL),
                     SCOUT_ERROR_INVALID_ARGUMENT);
    assert_int_equal(whisper_align(fixture->run, 0, 0, text, 25, weights, NULL, NULL),
                     SCOUT_ERROR_LIMIT);
    assert_int_equal(whisper_align(fixture->run, 1, 0, text, 1, weights, NULL, NULL),
                     SCOUT_ERROR_STATE);
    fixture_free(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_pass_is_token_by_token),
        cmocka_unit_test(test_threads_do_not_matter),
        cmocka_unit_test(test_ways_agree),
        cmocka_unit_test(test_alignment_probabilities),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
