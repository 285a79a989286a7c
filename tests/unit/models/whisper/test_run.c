// Sequences: whatever was copied, reordered and cut, the next logits are the bits that the same
// tokens give from the beginning.
#include <string.h>

#include "whisper_fixture.h"
#include "whisper_internal.h"

enum { SEQUENCES = 5, CHECK = 5, CONTEXT = 24 }; // the last sequence recomputes

// What the sequences should hold.
typedef struct Texts {
    int32_t tokens[SEQUENCES][CONTEXT];
    size_t lengths[SEQUENCES];
    size_t audios[SEQUENCES];
} Texts;

static uint32_t draw(uint32_t *state, uint32_t below)
{
    *state = *state * 1664525U + 1013904223U;
    return (uint32_t)((uint64_t)(*state >> 8) * below >> 24);
}

static void check_slots(const WhisperRun *run)
{
    uint32_t uses[(SEQUENCES + 1) * CONTEXT] = {0};
    size_t used = 0;
    assert_int_equal(run->slot_count, sizeof(uses) / sizeof(uses[0]));
    for (size_t i = 0; i <= SEQUENCES; i++)
        for (size_t j = 0; j < run->sequences[i].length; j++)
            used += uses[run->sequences[i].slots[j]]++ == 0;
    assert_memory_equal(uses, run->slot_uses, sizeof(uses));
    assert_int_equal(run->free_count, run->slot_count - used);
    for (size_t i = 0; i < run->free_count; i++)
        assert_int_equal(uses[run->free_slots[i]], 0);
}

// The logits after the whole text, computed anew.
static void recompute(Fixture *fixture, const Texts *texts, size_t sequence, float *logits)
{
    WhisperRow rows[CONTEXT];
    const size_t length = texts->lengths[sequence];
    for (size_t i = 0; i < length; i++)
        rows[i] = (WhisperRow){CHECK, texts->tokens[sequence][i], i + 1 == length};
    whisper_sequence_start(fixture->run, CHECK, texts->audios[sequence]);
    assert_int_equal(whisper_decode(fixture->run, rows, length, logits, NULL), SCOUT_OK);
    whisper_sequence_truncate(fixture->run, CHECK, 0);
}

// One new token for every sequence that has room, all in one call, in a drawn order.
static void append(Fixture *fixture, Texts *texts, uint32_t *state)
{
    static float logits[SEQUENCES * TINY_VOCAB];
    static float again[TINY_VOCAB];
    WhisperRow rows[SEQUENCES];
    size_t count = 0;
    const size_t start = draw(state, SEQUENCES);
    for (size_t i = 0; i < SEQUENCES; i++) {
        const size_t sequence = (start + i) % SEQUENCES;
        if (texts->lengths[sequence] == CONTEXT)
            continue;
        const int32_t token = (int32_t)draw(state, TINY_VOCAB);
        texts->tokens[sequence][texts->lengths[sequence]++] = token;
        rows[count++] = (WhisperRow){sequence, token, true};
    }
    if (count == 0)
        return;
    assert_int_equal(whisper_decode(fixture->run, rows, count, logits, NULL), SCOUT_OK);
    for (size_t i = 0; i < count; i++) {
        const size_t sequence = rows[i].sequence;
        assert_int_equal(whisper_sequence_length(fixture->run, sequence), texts->lengths[sequence]);
        recompute(fixture, texts, sequence, again);
        assert_memory_equal(again, logits + i * TINY_VOCAB, sizeof(again));
    }
}

static void copy_text(Texts *texts, size_t dst, const Texts *from, size_t src)
{
    memcpy(texts->tokens[dst], from->tokens[src], sizeof(texts->tokens[dst]));
    texts->lengths[dst] = from->lengths[src];
    texts->audios[dst] = from->audios[src];
}

static void change(Fixture *fixture, Texts *texts, uint32_t *state)
{
    const Texts old = *texts;
    const size_t a = draw(state, SEQUENCES);
    const size_t b = draw(state, SEQUENCES);
    switch (draw(state, 4)) {
    case 0:
        whisper_sequence_copy(fixture->run, a, b);
        copy_text(texts, a, &old, b);
        break;
    case 1: {
        const size_t first = draw(state, SEQUENCES);
        const size_t count = SEQUENCES - first;
        size_t from[SEQUENCES];
        for (size_t i = 0; i < count; i++) {
            from[i] = draw(state, (uint32_t)count);
            copy_text(texts, first + i, &old, first + from[i]);
        }
        whisper_sequences_reorder(fixture->run, first, count, from);
        break;
    }
    case 2:
        texts->lengths[a] = draw(state, (uint32_t)old.lengths[a] + 1);
        whisper_sequence_truncate(fixture->run, a, texts->lengths[a]);
        break;
    default:
        texts->lengths[a] = 0;
        texts->audios[a] = draw(state, 2);
        whisper_sequence_start(fixture->run, a, texts->audios[a]);
        break;
    }
}

static void check_sequences(PackedEncoding encoding, WhisperCompute compute)
{
    Fixture *fixture = fixture_new(encoding, compute, 2);
    fixture_encode(fixture, 0, 30);
    fixture_encode(fixture, 1, 64);
    Texts texts = {.lengths = {0}};
    for (size_t i = 0; i < SEQUENCES; i++)
        whisper_sequence_start(fixture->run, i, 0);
    uint32_t state = 1;
    for (size_t step = 0; step < 150; step++) {
        append(fixture, &texts, &state);
        for (size_t i = draw(&state, 3); i > 0; i--)
            change(fixture, &texts, &state);
        check_slots(fixture->run);
    }
    fixture_free(fixture);
}

static void test_sequences(void **state)
{
    (void)state;
    check_sequences(PACKED_PANEL_F32, WHISPER_F32);
    check_sequences(PACKED_PANEL_S8, WHISPER_INT8);
    check_sequences(PACKED_PANEL_F16, WHISPER_BF16);
}

static void test_copy_shares_slots(void **state)
{
    (void)state;
    Fixture *fixture = fixture_new(PACKED_PANEL_F32, WHISPER_F32, 1);
    fixture_encode(fixture, 0, 10);
    const int32_t tokens[] = {1, 2, 3, 4};
    whisper_sequence_start(fixture->run, 0, 0);
    fixture_append(fixture, 0, tokens, 4, NULL);
    const size_t left = fixture->run->free_count;
    whisper_sequence_copy(fixture->run, 1, 0);
    whisper_sequence_copy(fixture->run, 1, 1);
    assert_int_equal(fixture->run->free_count, left);
    whisper_sequence_start(fixture->run, 0, 0);
    assert_int_equal(fixture->run->free_count, left); // 1 still names them
    whisper_sequence_start(fixture->run, 1, 0);
    assert_int_equal(fixture->run->free_count, fixture->run->slot_count);
    fixture_free(fixture);
}

static void test_limits_of_a_run(void **state)
{
    (void)state;
    Fixture *fixture = fixture_new(PACKED_PANEL_F32, WHISPER_F32, 1);
    const WhisperRunLimits wrong[] = {{0, 1, 1}, {1, 0, 1}, {1, 1, 0}, {1, SIZE_MAX, 1}};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        WhisperRun *run = NULL;
        assert_int_equal(whisper_run_new(fixture->model, NULL, &wrong[i], &run, NULL),
                         SCOUT_ERROR_INVALID_ARGUMENT);
        assert_null(run);
    }
    const WhisperRunLimits least = {1, 1, 1};
    WhisperRun *run = NULL;
    assert_int_equal(whisper_run_new(fixture->model, NULL, &least, &run, NULL), SCOUT_OK);
    whisper_run_free(run);
    whisper_run_free(NULL);
    fixture_free(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sequences),
        cmocka_unit_test(test_copy_shares_slots),
        cmocka_unit_test(test_limits_of_a_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
