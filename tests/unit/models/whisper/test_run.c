// Sequences: whatever was copied, reordered and cut, the next logits are the bits that the same
// tokens give from the beginning.
#include <string.h>

#include "whisper_fixture.h"
#include "whisper_internal.h"

enum {
    SEQUENCES = 5,
    CHECK = 5, // the last sequence recomputes
    CONTEXT = 24,
    SLOTS = ((SEQUENCES + 1) * CONTEXT + WHISPER_PAGE_SLOTS - 1) / WHISPER_PAGE_SLOTS *
            WHISPER_PAGE_SLOTS,
};

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
    uint32_t uses[SLOTS] = {0};
    assert_int_equal(run->page_max * WHISPER_PAGE_SLOTS, SLOTS);
    for (size_t i = 0; i <= SEQUENCES; i++) {
        const WhisperSequence *sequence = &run->sequences[i];
        for (size_t j = 0; j < sequence->length; j++) {
            const uint32_t slot = sequence->slots[j];
            const WhisperPage *page = run->pages[slot / WHISPER_PAGE_SLOTS];
            assert_ptr_equal(sequence->places[j],
                             page->memory + slot % WHISPER_PAGE_SLOTS * run->model->head_size);
            uses[slot]++;
        }
    }
    for (size_t i = 0; i < SLOTS; i++) {
        const WhisperPage *page = run->pages[i / WHISPER_PAGE_SLOTS];
        const size_t at = i % WHISPER_PAGE_SLOTS;
        assert_int_equal(page ? page->uses[at] : 0, uses[i]);
        if (page)
            assert_int_equal(page->free >> at & 1, uses[i] == 0);
    }
}

static size_t pages_taken(const WhisperRun *run)
{
    size_t count = 0;
    for (size_t i = 0; i < run->page_max; i++)
        count += run->pages[i] != NULL;
    return count;
}

static size_t slots_used(const WhisperRun *run)
{
    size_t count = 0;
    for (size_t i = 0; i < run->page_max; i++)
        for (size_t j = 0; run->pages[i] && j < WHISPER_PAGE_SLOTS; j++)
            count += run->pages[i]->uses[j] > 0;
    return count;
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
        if (draw(&state, 4) == 0)
            whisper_run_trim(fixture->run);
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
    assert_int_equal(slots_used(fixture->run), 4);
    whisper_sequence_copy(fixture->run, 1, 0);
    whisper_sequence_copy(fixture->run, 1, 1);
    assert_int_equal(slots_used(fixture->run), 4);
    whisper_sequence_start(fixture->run, 0, 0);
    assert_int_equal(slots_used(fixture->run), 4); // 1 still names them
    whisper_sequence_start(fixture->run, 1, 0);
    assert_int_equal(slots_used(fixture->run), 0);
    fixture_free(fixture);
}

// Pages are taken when texts need them and given back when none does; those in use stay.
static void test_pages_come_and_go(void **state)
{
    (void)state;
    Fixture *fixture = fixture_new(PACKED_PANEL_F32, WHISPER_F32, 1);
    WhisperRun *run = fixture->run;
    fixture_encode(fixture, 0, 10);
    assert_int_equal(pages_taken(run), 0);
    int32_t tokens[CONTEXT] = {0};
    static float before[TINY_VOCAB];
    static float after[TINY_VOCAB];
    for (size_t i = 0; i < 5; i++) {
        whisper_sequence_start(run, i, 0);
        fixture_append(fixture, i, tokens, CONTEXT - 1, NULL);
    }
    assert_int_equal(pages_taken(run), 2);
    for (size_t i = 0; i < 4; i++) // the last one lies in the second page
        whisper_sequence_truncate(run, i, 0);
    whisper_sequence_copy(run, CHECK, 4);
    fixture_append(fixture, CHECK, tokens, 1, before);
    whisper_sequence_truncate(run, CHECK, 0);
    whisper_run_trim(run);
    assert_int_equal(pages_taken(run), 1);
    assert_null(run->pages[0]);
    fixture_append(fixture, 4, tokens, 1, after);
    assert_memory_equal(before, after, sizeof(after));
    assert_int_equal(pages_taken(run), 1);
    whisper_sequence_truncate(run, 4, 0);
    whisper_run_trim(run);
    assert_int_equal(pages_taken(run), 0);
    fixture_append(fixture, 0, tokens, CONTEXT - 1, NULL); // takes one again
    fixture_append(fixture, 0, tokens, 1, after);
    assert_memory_equal(before, after, sizeof(after));
    fixture_free(fixture);
}

static void test_dropped_audio(void **state)
{
    (void)state;
    Fixture *fixture = fixture_new(PACKED_PANEL_F32, WHISPER_F32, 1);
    static float before[TINY_VOCAB];
    static float after[TINY_VOCAB];
    const int32_t token = 3;
    assert_null(fixture->run->audios[1].memory);
    fixture_encode(fixture, 1, 10);
    fixture_encode(fixture, 1, 64); // takes more
    whisper_sequence_start(fixture->run, 0, 1);
    fixture_append(fixture, 0, &token, 1, before);
    whisper_audio_drop(fixture->run, 1);
    assert_null(fixture->run->audios[1].memory);
    const WhisperRow row = {0, token, false};
    assert_int_equal(whisper_decode(fixture->run, &row, 1, NULL, NULL), SCOUT_ERROR_STATE);
    fixture_encode(fixture, 1, 64);
    whisper_sequence_start(fixture->run, 0, 1);
    fixture_append(fixture, 0, &token, 1, after);
    assert_memory_equal(before, after, sizeof(after));
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
        cmocka_unit_test(test_sequences),         cmocka_unit_test(test_copy_shares_slots),
        cmocka_unit_test(test_pages_come_and_go), cmocka_unit_test(test_dropped_audio),
        cmocka_unit_test(test_limits_of_a_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
