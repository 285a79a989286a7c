// Encoding: a window's result depends on that window alone, of whatever length, and on nothing that
// was there before.
#include <string.h>

#include "whisper_fixture.h"

static void copy_encoded(Fixture *fixture, size_t audio, size_t frames, float *out)
{
    size_t positions = 0;
    const float *encoded = whisper_encoded(fixture->run, audio, &positions);
    assert_non_null(encoded);
    assert_int_equal(positions, frames / 2);
    memcpy(out, encoded, positions * 64 * sizeof(*out));
}

static void test_history_does_not_matter(void **state)
{
    (void)state;
    const size_t lengths[] = {2, 4, 30, 32, 34, 96, 98, 194, FRAMES_MAX};
    Fixture *used = fixture_new(PACKED_PANEL_S8, WHISPER_INT8, 2);
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        static float before[FRAMES_MAX / 2 * 64];
        static float alone[FRAMES_MAX / 2 * 64];
        const size_t frames = lengths[i];
        fixture_encode(used, 0, FRAMES_MAX);
        fixture_encode(used, 1, frames);
        copy_encoded(used, 1, frames, before);
        Fixture *fresh = fixture_new(PACKED_PANEL_S8, WHISPER_INT8, 2);
        fixture_encode(fresh, 1, frames);
        copy_encoded(fresh, 1, frames, alone);
        assert_memory_equal(before, alone, frames / 2 * 64 * sizeof(float));
        fixture_free(fresh);
    }
    fixture_free(used);
}

// Two audios at once keep their own keys and values.
static void test_audios_are_apart(void **state)
{
    (void)state;
    static float first[TINY_VOCAB];
    static float again[TINY_VOCAB];
    static float other[TINY_VOCAB];
    const int32_t token = 257;
    Fixture *fixture = fixture_new(PACKED_PANEL_F32, WHISPER_F32, 2);
    fixture_encode(fixture, 0, 60);
    whisper_sequence_start(fixture->run, 0, 0);
    fixture_append(fixture, 0, &token, 1, first);
    fixture_encode(fixture, 1, 100);
    whisper_sequence_start(fixture->run, 0, 0);
    fixture_append(fixture, 0, &token, 1, again);
    whisper_sequence_start(fixture->run, 0, 1);
    fixture_append(fixture, 0, &token, 1, other);
    assert_memory_equal(first, again, sizeof(first));
    assert_memory_not_equal(first, other, sizeof(first));
    fixture_free(fixture);
}

static void test_only_the_last_output_is_kept(void **state)
{
    (void)state;
    Fixture *fixture = fixture_new(PACKED_PANEL_F32, WHISPER_F32, 1);
    size_t positions = 7;
    assert_null(whisper_encoded(fixture->run, 0, &positions));
    assert_int_equal(positions, 0);
    fixture_encode(fixture, 0, 20);
    fixture_encode(fixture, 1, 20);
    assert_null(whisper_encoded(fixture->run, 0, &positions));
    assert_non_null(whisper_encoded(fixture->run, 1, &positions));
    assert_int_equal(positions, 10);
    fixture_free(fixture);
}

static void test_refusals(void **state)
{
    (void)state;
    Fixture *fixture = fixture_new(PACKED_PANEL_F32, WHISPER_F32, 1);
    const size_t wrong[] = {0, 1, 3, FRAMES_MAX + 2, SIZE_MAX, SIZE_MAX - 1};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(whisper_encode(fixture->run, 0, fixture->mel, wrong[i], NULL),
                         SCOUT_ERROR_INVALID_ARGUMENT);
    assert_int_equal(whisper_encode(fixture->run, 2, fixture->mel, 20, NULL),
                     SCOUT_ERROR_INVALID_ARGUMENT);
    fixture_free(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_history_does_not_matter),
        cmocka_unit_test(test_audios_are_apart),
        cmocka_unit_test(test_only_the_last_output_is_kept),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
