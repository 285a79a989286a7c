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

static WhisperEncoding *begin(Fixture *fixture, size_t audio, const float *mel, size_t frames)
{
    WhisperEncoding *encoding = NULL;
    assert_int_equal(whisper_encoding_new(fixture->run, audio, mel, frames, &encoding, NULL),
                     SCOUT_OK);
    return encoding;
}

static void next_logits(Fixture *fixture, size_t sequence, size_t audio, float *logits)
{
    const int32_t token = 257;
    whisper_sequence_start(fixture->run, sequence, audio);
    fixture_append(fixture, sequence, &token, 1, logits);
}

// Two encodings take turns, and a third audio is decoded between any two steps: everybody's results
// are those that they have alone.
static void test_encodings_take_turns(void **state)
{
    (void)state;
    static float alone[3][TINY_VOCAB];
    static float logits[TINY_VOCAB];
    Fixture *fixture = fixture_new(PACKED_PANEL_S8, WHISPER_INT8, 2);
    const float *mel[] = {fixture->mel, fixture->mel + 7 * MELS, fixture->mel + 20 * MELS};
    const size_t frames[] = {FRAMES_MAX, 62, 100};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(whisper_encode(fixture->run, 0, mel[i], frames[i], NULL), SCOUT_OK);
        next_logits(fixture, 0, 0, alone[i]);
    }
    for (size_t pass = 0; pass < 3; pass++) { // the second and third use memory again
        WhisperEncoding *first = begin(fixture, 0, mel[0], frames[0]);
        WhisperEncoding *second = begin(fixture, 1, mel[1], frames[1]);
        assert_int_equal(whisper_encode(fixture->run, 2, mel[2], frames[2], NULL), SCOUT_OK);
        size_t steps = 0;
        bool more = true;
        while (more) {
            more = whisper_encoding_step(first);
            assert_int_equal(whisper_encoding_step(second), more); // they are as long in steps
            next_logits(fixture, 0, 2, logits);
            assert_memory_equal(logits, alone[2], sizeof(logits));
            steps++;
        }
        assert_true(steps > fixture_shape.n_encoder_layers);
        assert_false(whisper_encoding_step(first)); // a complete one stays complete
        next_logits(fixture, 0, 0, logits);
        assert_memory_equal(logits, alone[0], sizeof(logits));
        whisper_encoding_free(first);
        whisper_encoding_free(second);
        next_logits(fixture, 1, 1, logits);
        assert_memory_equal(logits, alone[1], sizeof(logits));
        next_logits(fixture, 0, 0, logits);
        assert_memory_equal(logits, alone[0], sizeof(logits));
    }
    fixture_free(fixture);
}

// An audio can be decoded when it is complete, and not before.
static void test_an_unfinished_audio_is_not_encoded(void **state)
{
    (void)state;
    static float logits[TINY_VOCAB];
    size_t positions = 0;
    const WhisperRow row = {.sequence = 0, .token = 257, .want_logits = true};
    Fixture *fixture = fixture_new(PACKED_PANEL_F32, WHISPER_F32, 2);
    fixture_encode(fixture, 0, 60);
    WhisperEncoding *encoding = begin(fixture, 0, fixture->mel, 80);
    WhisperEncoding *another = NULL;
    assert_int_equal(whisper_encoding_new(fixture->run, 0, fixture->mel, 60, &another, NULL),
                     SCOUT_ERROR_STATE);
    assert_null(another);
    assert_null(whisper_encoded(fixture->run, 0, &positions));
    assert_int_equal(positions, 0);
    whisper_sequence_start(fixture->run, 0, 0);
    while (whisper_encoding_step(encoding))
        assert_int_equal(whisper_decode(fixture->run, &row, 1, logits, NULL), SCOUT_ERROR_STATE);
    assert_int_equal(whisper_decode(fixture->run, &row, 1, logits, NULL), SCOUT_OK);
    assert_non_null(whisper_encoded(fixture->run, 0, &positions));
    assert_int_equal(positions, 40);
    whisper_encoding_free(encoding);
    assert_non_null(whisper_encoded(fixture->run, 0, &positions));

    encoding = begin(fixture, 0, fixture->mel, 80);
    assert_true(whisper_encoding_step(encoding));
    whisper_encoding_free(encoding);
    whisper_sequence_truncate(fixture->run, 0, 0);
    assert_int_equal(whisper_decode(fixture->run, &row, 1, logits, NULL), SCOUT_ERROR_STATE);
    fixture_encode(fixture, 0, 60);
    assert_int_equal(whisper_decode(fixture->run, &row, 1, logits, NULL), SCOUT_OK);
    fixture_free(fixture);
}

// Many decoder layers are more than a step.
static void test_a_deep_decoder_is_cut(void **state)
{
    (void)state;
    static float logits[2][TINY_VOCAB];
    TinyWhisper deep = fixture_shape;
    deep.n_decoder_layers = 7;
    Fixture *fixture = fixture_of(&deep, PACKED_PANEL_F32, WHISPER_F32, 2);
    size_t steps = 1;
    WhisperEncoding *encoding = begin(fixture, 0, fixture->mel, 80);
    while (whisper_encoding_step(encoding))
        steps++;
    whisper_encoding_free(encoding);
    assert_int_equal(steps, 1 + deep.n_encoder_layers + 2);
    next_logits(fixture, 0, 0, logits[0]);
    fixture_encode(fixture, 1, 80);
    next_logits(fixture, 0, 1, logits[1]);
    assert_memory_equal(logits[0], logits[1], sizeof(logits[0]));
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
    assert_int_equal(whisper_encode(fixture->run, FIXTURE_AUDIOS, fixture->mel, 20, NULL),
                     SCOUT_ERROR_INVALID_ARGUMENT);
    fixture_free(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_history_does_not_matter),
        cmocka_unit_test(test_audios_are_apart),
        cmocka_unit_test(test_only_the_last_output_is_kept),
        cmocka_unit_test(test_encodings_take_turns),
        cmocka_unit_test(test_an_unfinished_audio_is_not_encoded),
        cmocka_unit_test(test_a_deep_decoder_is_cut),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
