// What a model costs is counted from its shapes, and by the arithmetic that each part uses.
#include "whisper_fixture.h"

#include "base/attributes.h"

// Operations of the encoder of fixture_shape: convolutions, linear layers, attention, and the keys
// and values of the decoder.
static uint64_t all_operations(void)
{
    const uint64_t p = fixture_shape.n_audio_ctx;
    const uint64_t d = fixture_shape.n_state;
    const uint64_t convolutions = 2 * p * d * 3 * MELS + p * d * 3 * d;
    const uint64_t layer = p * d * (3 * d + d + 2 * 4 * d) + 2 * p * p * d;
    const uint64_t cross = p * d * 2 * d;
    return 2 * (convolutions + fixture_shape.n_encoder_layers * layer +
                fixture_shape.n_decoder_layers * cross);
}

static void operations_are_those_of_the_shapes(void **state)
{
    (void)state;
    static const struct {
        PackedEncoding encoding;
        WhisperCompute compute;
    } kinds[] = {{PACKED_PANEL_S8, WHISPER_INT8},
                 {PACKED_PANEL_F16, WHISPER_F32},
                 {PACKED_PANEL_F16, WHISPER_BF16},
                 {PACKED_PANEL_F32, WHISPER_F32}};
    for (size_t i = 0; i < BASE_COUNT(kinds); i++) {
        Fixture *fixture = fixture_new(kinds[i].encoding, kinds[i].compute, 1);
        WhisperCost cost;
        whisper_cost(fixture->model, &cost);
        assert_int_equal(cost.int8_operations + cost.bf16_operations + cost.f32_operations,
                         all_operations());
        const uint64_t linear = 2 * fixture_shape.n_encoder_layers * fixture_shape.n_audio_ctx *
                                fixture_shape.n_state * 12 * fixture_shape.n_state;
        if (kinds[i].compute == WHISPER_INT8)
            assert_true(cost.int8_operations >= linear);
        if (kinds[i].compute == WHISPER_BF16)
            assert_true(cost.bf16_operations >= linear);
        if (kinds[i].compute == WHISPER_F32)
            assert_int_equal(cost.int8_operations, 0);
        fixture_free(fixture);
    }
}

// Without the matrix that makes the keys and values of a window: a step does not read it.
static void a_step_reads_the_weights(void **state)
{
    (void)state;
    Fixture *fixture = fixture_new(PACKED_PANEL_S8, WHISPER_INT8, 1);
    WhisperCost cost;
    whisper_cost(fixture->model, &cost);
    const uint64_t d = fixture_shape.n_state;
    const uint64_t vocabulary = BASE_ROUND_UP((uint64_t)TINY_VOCAB, 16) * d;
    const uint64_t layer = d * (3 * d + d + d + d + 2 * 4 * d);
    assert_int_equal(cost.step_weight_bytes, vocabulary + fixture_shape.n_decoder_layers * layer);
    // A key and a value of at least a byte each.
    assert_true(cost.step_audio_bytes >=
                2 * fixture_shape.n_decoder_layers * fixture_shape.n_audio_ctx * d);
    fixture_free(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operations_are_those_of_the_shapes),
        cmocka_unit_test(a_step_reads_the_weights),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
