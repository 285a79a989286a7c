// The protocol: what is written is read back, and what a hostile child may send is refused.
#include "audio/protocol.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static uint8_t frame[PROTOCOL_FRAME_MAX];

// A reader that is past HELLO and INFO.
static ProtocolReader opened_reader(void)
{
    return (ProtocolReader){.hello = true, .info = true};
}

static ScoutStatus take(ProtocolReader *reader, size_t length, ProtocolMessage *message)
{
    size_t used = 0;
    ScoutError error = {0};
    ScoutStatus status = protocol_reader_next(reader, frame, length, message, &used, &error);
    if (!status)
        assert_int_equal(used, length);
    else
        assert_true(status == SCOUT_ERROR_CHILD && error.message[0]);
    return status;
}

static void test_hello(void **state)
{
    (void)state;
    ProtocolHello hello = {.seccomp = true, .landlock_abi = 7, .versions = "FFmpeg 5"};
    ProtocolReader reader = {0};
    ProtocolMessage message;
    assert_int_equal(take(&reader, protocol_put_hello(frame, &hello), &message), SCOUT_OK);
    assert_int_equal(message.type, PROTOCOL_HELLO);
    assert_true(message.hello.seccomp);
    assert_false(message.hello.limits);
    assert_int_equal(message.hello.landlock_abi, 7);
    assert_string_equal(message.hello.versions, "FFmpeg 5");
}

static void test_other_version_is_refused_with_its_number(void **state)
{
    (void)state;
    ProtocolHello hello = {0};
    size_t length = protocol_put_hello(frame, &hello);
    frame[PROTOCOL_HEADER_BYTES] = PROTOCOL_VERSION + 1;
    ProtocolReader reader = {0};
    ProtocolMessage message;
    size_t used = 0;
    ScoutError error = {0};
    assert_int_equal(protocol_reader_next(&reader, frame, length, &message, &used, &error),
                     SCOUT_ERROR_CHILD);
    assert_non_null(strstr(error.message, "version 2"));
}

static void test_info(void **state)
{
    (void)state;
    ProtocolInfo info = {.sample_rate = 44100,
                         .channels = 2,
                         .duration_s = 1.25,
                         .container = "ogg",
                         .codec = "opus"};
    ProtocolReader reader = {.hello = true};
    ProtocolMessage message;
    assert_int_equal(take(&reader, protocol_put_info(frame, &info), &message), SCOUT_OK);
    assert_int_equal(message.info.sample_rate, 44100);
    assert_int_equal(message.info.channels, 2);
    assert_true(message.info.duration_s == 1.25);
    assert_string_equal(message.info.container, "ogg");
    assert_string_equal(message.info.codec, "opus");
}

static void test_info_with_impossible_numbers(void **state)
{
    (void)state;
    static const struct {
        int rate;
        int channels;
        double duration_s;
        bool accepted;
    } cases[] = {
        {0, 1, 1, false},
        {16000, 0, 1, false},
        {-1, 1, 1, false},
        {16000, -1, 1, false},
        {2000000000, 1, 1, false},
        {16000, 100000, 1, false},
        {16000, 1, (double)NAN, true},
        {16000, 1, (double)INFINITY, true},
        {16000, 1, -5, true},
        {16000, 1, 1e300, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ProtocolInfo info = {.sample_rate = cases[i].rate,
                             .channels = cases[i].channels,
                             .duration_s = cases[i].duration_s};
        ProtocolReader reader = {.hello = true};
        ProtocolMessage message;
        ScoutStatus status = take(&reader, protocol_put_info(frame, &info), &message);
        assert_int_equal(status, cases[i].accepted ? SCOUT_OK : SCOUT_ERROR_CHILD);
        if (cases[i].accepted)
            assert_true(message.info.duration_s == -1); // what cannot be is unknown
    }
}

static void test_audio_is_clamped_and_never_nan(void **state)
{
    (void)state;
    const float sent[] = {0.5F, -0.25F, NAN, INFINITY, -INFINITY, 7.0F, -1.5F, 1.0F};
    const float expected[] = {0.5F, -0.25F, 0.0F, 1.0F, -1.0F, 1.0F, -1.0F, 1.0F};
    ProtocolReader reader = opened_reader();
    ProtocolMessage message;
    assert_int_equal(take(&reader, protocol_put_audio(frame, sent, 8), &message), SCOUT_OK);
    assert_int_equal(message.audio.count, 8);
    float got[8];
    protocol_get_samples(message.audio.bytes, 8, got);
    for (int i = 0; i < 8; i++)
        assert_true(got[i] == expected[i]);
    assert_int_equal(reader.samples, 8);
}

static void test_audio_of_wrong_length(void **state)
{
    (void)state;
    ProtocolMessage message;
    ProtocolReader reader = opened_reader();
    const float sample = 0;
    (void)protocol_put_audio(frame, &sample, 1);
    frame[4] = 3;
    assert_int_equal(take(&reader, PROTOCOL_HEADER_BYTES + 3, &message), SCOUT_ERROR_CHILD);
    reader = opened_reader();
    assert_int_equal(take(&reader, protocol_put_audio(frame, &sample, 0), &message),
                     SCOUT_ERROR_CHILD);
}

static void test_problem_progress_end_error(void **state)
{
    (void)state;
    ProtocolReader reader = opened_reader();
    ProtocolMessage message;
    ProtocolProblem problem = {.at_s = 12.5, .to_end = true, .text = "cut"};
    assert_int_equal(take(&reader, protocol_put_problem(frame, &problem), &message), SCOUT_OK);
    assert_true(message.problem.at_s == 12.5 && message.problem.to_end);
    assert_string_equal(message.problem.text, "cut");
    ProtocolProgress progress = {.input_bytes = UINT64_MAX, .decoded_samples = 3};
    assert_int_equal(take(&reader, protocol_put_progress(frame, &progress), &message), SCOUT_OK);
    assert_true(message.progress.input_bytes == UINT64_MAX &&
                message.progress.decoded_samples == 3);
    ProtocolEnd end = {.samples = 0, .problems = 1};
    assert_int_equal(take(&reader, protocol_put_end(frame, &end), &message), SCOUT_OK);
    assert_int_equal(message.end.problems, 1);
    reader = opened_reader();
    ProtocolError failure = {.status = SCOUT_ERROR_LIMIT, .text = "is long"};
    assert_int_equal(take(&reader, protocol_put_error(frame, &failure), &message), SCOUT_OK);
    assert_int_equal(message.error.status, SCOUT_ERROR_LIMIT);
    assert_string_equal(message.error.text, "is long");
}

static void test_problem_needs_a_real_second(void **state)
{
    (void)state;
    const double bad[] = {(double)NAN, (double)INFINITY, -1, 1e12};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ProtocolReader reader = opened_reader();
        ProtocolMessage message;
        ProtocolProblem problem = {.at_s = bad[i]};
        assert_int_equal(take(&reader, protocol_put_problem(frame, &problem), &message),
                         SCOUT_ERROR_CHILD);
    }
}

// A child may not make the caller believe that it was cancelled, or that all is well.
static void test_error_of_unknown_kind_is_the_child_s(void **state)
{
    (void)state;
    const int numbers[] = {SCOUT_OK, SCOUT_ERROR_CANCELLED, SCOUT_ERROR_NETWORK, 5, -999};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        ProtocolReader reader = opened_reader();
        ProtocolMessage message;
        ProtocolError failure = {.status = (ScoutStatus)numbers[i]};
        assert_int_equal(take(&reader, protocol_put_error(frame, &failure), &message), SCOUT_OK);
        assert_int_equal(message.error.status, SCOUT_ERROR_CHILD);
    }
}

static void test_order(void **state)
{
    (void)state;
    ProtocolMessage message;
    const float sample = 0;
    ProtocolHello hello = {0};
    ProtocolInfo info = {.sample_rate = 1, .channels = 1};
    ProtocolProblem problem = {0};
    ProtocolEnd end = {0};
    ProtocolError failure = {0};

    ProtocolReader reader = {0};
    assert_int_equal(take(&reader, protocol_put_info(frame, &info), &message), SCOUT_ERROR_CHILD);
    reader = (ProtocolReader){0};
    assert_int_equal(take(&reader, protocol_put_error(frame, &failure), &message),
                     SCOUT_ERROR_CHILD);
    reader = (ProtocolReader){.hello = true};
    assert_int_equal(take(&reader, protocol_put_hello(frame, &hello), &message), SCOUT_ERROR_CHILD);
    reader = (ProtocolReader){.hello = true};
    assert_int_equal(take(&reader, protocol_put_audio(frame, &sample, 1), &message),
                     SCOUT_ERROR_CHILD);
    reader = (ProtocolReader){.hello = true};
    assert_int_equal(take(&reader, protocol_put_problem(frame, &problem), &message),
                     SCOUT_ERROR_CHILD);
    reader = (ProtocolReader){.hello = true};
    assert_int_equal(take(&reader, protocol_put_end(frame, &end), &message), SCOUT_ERROR_CHILD);
    reader = opened_reader();
    assert_int_equal(take(&reader, protocol_put_info(frame, &info), &message), SCOUT_ERROR_CHILD);
    reader = opened_reader();
    assert_int_equal(take(&reader, protocol_put_end(frame, &end), &message), SCOUT_OK);
    assert_int_equal(take(&reader, protocol_put_end(frame, &end), &message), SCOUT_ERROR_CHILD);
}

static void test_end_must_agree_with_what_came(void **state)
{
    (void)state;
    const float samples[3] = {0};
    ProtocolReader reader = opened_reader();
    ProtocolMessage message;
    assert_int_equal(take(&reader, protocol_put_audio(frame, samples, 3), &message), SCOUT_OK);
    ProtocolEnd end = {.samples = 4};
    assert_int_equal(take(&reader, protocol_put_end(frame, &end), &message), SCOUT_ERROR_CHILD);
    reader = opened_reader();
    ProtocolProblem problem = {0};
    assert_int_equal(take(&reader, protocol_put_problem(frame, &problem), &message), SCOUT_OK);
    end = (ProtocolEnd){.problems = 0};
    assert_int_equal(take(&reader, protocol_put_end(frame, &end), &message), SCOUT_ERROR_CHILD);
}

static void test_problems_are_bounded(void **state)
{
    (void)state;
    ProtocolReader reader = opened_reader();
    ProtocolMessage message;
    ProtocolProblem problem = {0};
    size_t length = protocol_put_problem(frame, &problem);
    for (int i = 0; i < PROTOCOL_PROBLEMS_MAX; i++)
        assert_int_equal(take(&reader, length, &message), SCOUT_OK);
    assert_int_equal(take(&reader, length, &message), SCOUT_ERROR_CHILD);
}

static void test_pieces(void **state)
{
    (void)state;
    ProtocolHello hello = {.versions = "x"};
    size_t length = protocol_put_hello(frame, &hello);
    for (size_t i = 0; i < length; i++) {
        ProtocolReader reader = {0};
        ProtocolMessage message;
        size_t used = 99;
        assert_int_equal(protocol_reader_next(&reader, frame, i, &message, &used, NULL), SCOUT_OK);
        assert_int_equal(used, 0);
        assert_false(reader.hello);
    }
}

static void test_garbage(void **state)
{
    (void)state;
    static const char *const texts[] = {"hello, I am no decoder", "SC", "SCX", "\177ELF"};
    static const bool refused[] = {true, false, true, true};
    for (size_t i = 0; i < 4; i++) {
        ProtocolReader reader = {0};
        ProtocolMessage message;
        size_t used = 0;
        ScoutStatus status = protocol_reader_next(&reader, (const uint8_t *)texts[i],
                                                  strlen(texts[i]), &message, &used, NULL);
        assert_int_equal(status, refused[i] ? SCOUT_ERROR_CHILD : SCOUT_OK);
        assert_int_equal(used, 0);
    }
}

static void test_unknown_type_and_huge_length(void **state)
{
    (void)state;
    uint8_t bytes[16] = {'S', 'C', 'D', '?'};
    ProtocolReader reader = opened_reader();
    ProtocolMessage message;
    size_t used = 0;
    assert_int_equal(protocol_reader_next(&reader, bytes, 8, &message, &used, NULL),
                     SCOUT_ERROR_CHILD);
    uint8_t huge[8] = {'S', 'C', 'D', 'A', 0xFF, 0xFF, 0xFF, 0xFF};
    assert_int_equal(protocol_reader_next(&reader, huge, 8, &message, &used, NULL),
                     SCOUT_ERROR_CHILD);
}

// Every length of text that a message can claim, against its fixed part.
static void test_short_payloads(void **state)
{
    (void)state;
    static const char types[] = "HIAPWEX";
    for (size_t t = 0; t < sizeof types - 1; t++) {
        for (uint8_t length = 0; length < 40; length++) {
            uint8_t bytes[48] = {'S', 'C', 'D', (uint8_t)types[t], length};
            ProtocolReader reader = {.hello = types[t] != 'H',
                                     .info = types[t] != 'H' && types[t] != 'I'};
            ProtocolMessage message = {0};
            size_t used = 0;
            ScoutStatus status = protocol_reader_next(
                &reader, bytes, PROTOCOL_HEADER_BYTES + length, &message, &used, NULL);
            assert_true(status == SCOUT_ERROR_CHILD ||
                        used == PROTOCOL_HEADER_BYTES + (size_t)length);
        }
    }
}

static void test_long_text_is_cut(void **state)
{
    (void)state;
    ProtocolProblem problem = {0};
    memset(problem.text, 'a', sizeof problem.text - 1);
    ProtocolReader reader = opened_reader();
    ProtocolMessage message;
    size_t length = protocol_put_problem(frame, &problem);
    assert_int_equal(take(&reader, length, &message), SCOUT_OK);
    assert_int_equal(strlen(message.problem.text), PROTOCOL_PROBLEM_TEXT_MAX - 1);
    frame[4]++; // one byte more than the message may hold
    assert_int_equal(take(&reader, length + 1, &message), SCOUT_ERROR_CHILD);
}

static void check_clean(const char *text, size_t length, const char *expected)
{
    char out[16];
    protocol_clean_text(out, sizeof out, text, length);
    assert_string_equal(out, expected);
}

static void test_clean_text(void **state)
{
    (void)state;
    check_clean("Größe", strlen("Größe"), "Größe");
    check_clean("a\nb\x1b[31m\tc", 10, "a b [31m c");
    check_clean("a\0b", 3, "a b");
    check_clean("\xFF\xC3(", 3, "\uFFFD\uFFFD(");
    check_clean("x\u202Ey", 5, "x y"); // would turn the rest of the line round
    check_clean("0123456789abcdefgh", 18, "0123456789abcde");
    check_clean("0123456789abc\u20AC", 16, "0123456789abc"); // no half character
    check_clean("", 0, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hello),
        cmocka_unit_test(test_other_version_is_refused_with_its_number),
        cmocka_unit_test(test_info),
        cmocka_unit_test(test_info_with_impossible_numbers),
        cmocka_unit_test(test_audio_is_clamped_and_never_nan),
        cmocka_unit_test(test_audio_of_wrong_length),
        cmocka_unit_test(test_problem_progress_end_error),
        cmocka_unit_test(test_problem_needs_a_real_second),
        cmocka_unit_test(test_error_of_unknown_kind_is_the_child_s),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_end_must_agree_with_what_came),
        cmocka_unit_test(test_problems_are_bounded),
        cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_garbage),
        cmocka_unit_test(test_unknown_type_and_huge_length),
        cmocka_unit_test(test_short_payloads),
        cmocka_unit_test(test_long_text_is_cut),
        cmocka_unit_test(test_clean_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
