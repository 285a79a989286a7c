// The sink: cuts, caps and counts to the sample, whatever the source's rate.
#include "sink.h"

#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

static const double PI = 3.14159265358979323846;

typedef struct Sent {
    float *samples;
    size_t count;
} Sent;

// Reads back, through the protocol, what the output has written.
static Sent read_back(int fd)
{
    off_t size = lseek(fd, 0, SEEK_END);
    uint8_t *bytes = malloc((size_t)size + 1);
    Sent sent = {.samples = calloc((size_t)size + 1, sizeof(float))};
    assert_true(bytes && sent.samples);
    assert_int_equal(pread(fd, bytes, (size_t)size, 0), size);
    ProtocolReader reader = {.hello = true, .info = true};
    size_t at = 0;
    while (at < (size_t)size) {
        ProtocolMessage message;
        size_t used = 0;
        assert_int_equal(
            protocol_reader_next(&reader, bytes + at, (size_t)size - at, &message, &used, NULL),
            SCOUT_OK);
        assert_true(used > 0);
        if (message.type == PROTOCOL_AUDIO) {
            protocol_get_samples(message.audio.bytes, message.audio.count,
                                 sent.samples + sent.count);
            sent.count += message.audio.count;
        }
        at += used;
    }
    assert_true(reader.finished);
    free(bytes);
    return sent;
}

typedef struct Bench {
    int fd;
    Output output;
    Sink sink;
} Bench;

static Bench *begin(double start_s, double end_s, double max_seconds)
{
    Bench *bench = calloc(1, sizeof *bench);
    assert_non_null(bench);
    bench->fd = memfd_create("sink", MFD_CLOEXEC);
    assert_true(bench->fd >= 0);
    output_init(&bench->output, bench->fd);
    sink_init(&bench->sink, &bench->output, start_s, end_s, max_seconds);
    return bench;
}

static Sent end(Bench *bench)
{
    if (bench->sink.resampler)
        assert_int_equal(sink_finish(&bench->sink, NULL), SCOUT_OK);
    output_end(&bench->output);
    Sent sent = read_back(bench->fd);
    sink_done(&bench->sink);
    (void)close(bench->fd);
    free(bench);
    return sent;
}

// A ramp tells where each sample was.
static void feed_ramp(Bench *bench, int rate, int64_t from, int64_t count)
{
    enum { PIECE = 777 };
    float piece[PIECE];
    while (count > 0) {
        int64_t n = count < PIECE ? count : PIECE;
        for (int64_t i = 0; i < n; i++)
            piece[i] = (float)((double)(from + i) / rate / 100);
        assert_int_equal(sink_feed(&bench->sink, piece, n, NULL), SCOUT_OK);
        from += n;
        count -= n;
    }
}

static void test_length_is_exact(void **state)
{
    (void)state;
    static const int rates[] = {8000, 11025, 16000, 22050, 44100, 48000, 192000};
    for (size_t r = 0; r < sizeof rates / sizeof *rates; r++) {
        for (int64_t count = 0; count < 3; count++) {
            Bench *bench = begin(0, 0, 1e6);
            assert_int_equal(sink_set_rate(&bench->sink, rates[r], 0, NULL), SCOUT_OK);
            int64_t samples = rates[r] + 37 * count;
            feed_ramp(bench, rates[r], 0, samples);
            Sent sent = end(bench);
            assert_int_equal(sent.count, llround((double)samples * 16000 / rates[r]));
            free(sent.samples);
        }
    }
}

static void test_cut_is_where_it_was_asked_for(void **state)
{
    (void)state;
    Bench *bench = begin(3.25, 5.5, 1e6);
    assert_int_equal(sink_set_rate(&bench->sink, 44100, 0, NULL), SCOUT_OK);
    feed_ramp(bench, 44100, 0, 10 * 44100);
    assert_true(bench->sink.full && !bench->sink.capped);
    Sent sent = end(bench);
    assert_int_equal(sent.count, (5.5 - 3.25) * 16000);
    for (size_t i = 0; i < sent.count; i++)
        assert_true(fabs((double)sent.samples[i] - (3.25 + (double)i / 16000) / 100) < 1e-5);
    free(sent.samples);
}

static void test_source_may_begin_before_the_base(void **state)
{
    (void)state;
    Bench *bench = begin(7.5, 0, 1e6);
    assert_int_equal(bench->sink.base_s, 6);
    assert_int_equal(sink_set_rate(&bench->sink, 48000, 5 * 48000, NULL), SCOUT_OK);
    feed_ramp(bench, 48000, 5 * 48000, 4 * 48000);
    Sent sent = end(bench);
    assert_int_equal(sent.count, 24000);
    for (size_t i = 0; i < sent.count - 500; i++)
        assert_true(fabs((double)sent.samples[i] - (7.5 + (double)i / 16000) / 100) < 1e-5);
    free(sent.samples);
}

static void test_cap(void **state)
{
    (void)state;
    Bench *bench = begin(0, 0, 1.5);
    assert_int_equal(sink_set_rate(&bench->sink, 16000, 0, NULL), SCOUT_OK);
    feed_ramp(bench, 16000, 0, 24000);
    assert_false(bench->sink.full); // exactly the cap is within it
    feed_ramp(bench, 16000, 24000, 1);
    assert_true(bench->sink.full && bench->sink.capped);
    Sent sent = end(bench);
    assert_int_equal(sent.count, 24000);
    free(sent.samples);
    bench = begin(0, 10, 5);
    assert_true(bench->sink.capped);
    free(end(bench).samples);
    bench = begin(0, 5, 10);
    assert_false(bench->sink.capped);
    free(end(bench).samples);
}

static void test_silence(void **state)
{
    (void)state;
    Bench *bench = begin(0, 0, 1e6);
    assert_int_equal(sink_set_rate(&bench->sink, 16000, 0, NULL), SCOUT_OK);
    feed_ramp(bench, 16000, 16000, 10);
    assert_int_equal(sink_feed(&bench->sink, NULL, 20000, NULL), SCOUT_OK);
    feed_ramp(bench, 16000, 16000, 10);
    Sent sent = end(bench);
    assert_int_equal(sent.count, 20020);
    for (size_t i = 10; i < 20010; i++)
        assert_true(sent.samples[i] == 0);
    assert_true(sent.samples[9] > 0 && sent.samples[20010] > 0);
    free(sent.samples);
}

// Half a second at one rate, half at another: a tone goes on at the right pitch and time.
static void test_rate_changes(void **state)
{
    (void)state;
    static const int rates[] = {44100, 48000, 8000, 16000};
    Bench *bench = begin(0, 0, 1e6);
    for (int r = 0; r < 4; r++) {
        int rate = rates[r];
        assert_int_equal(sink_set_rate(&bench->sink, rate, (int64_t)(0.5 * r * rate), NULL),
                         SCOUT_OK);
        for (int i = 0; i < rate / 2; i++) {
            float sample = (float)(0.5 * sin(2 * PI * 300 * (0.5 * r + (double)i / rate)));
            assert_int_equal(sink_feed(&bench->sink, &sample, 1, NULL), SCOUT_OK);
        }
    }
    Sent sent = end(bench);
    assert_int_equal(sent.count, 32000);
    for (size_t i = 0; i < sent.count; i++) {
        bool seam = i % 8000 < 300 || i % 8000 > 7700; // the filters meet silence there
        assert_true(seam || fabs((double)sent.samples[i] -
                                 0.5 * sin(2 * PI * 300 * (double)i / 16000)) < 1e-3);
    }
    free(sent.samples);
}

static void test_impossible_rate(void **state)
{
    (void)state;
    Bench *bench = begin(0, 0, 1e6);
    assert_int_equal(sink_set_rate(&bench->sink, 5, 0, NULL), SCOUT_ERROR_UNSUPPORTED);
    assert_null(bench->sink.resampler);
    free(end(bench).samples);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_length_is_exact),
        cmocka_unit_test(test_cut_is_where_it_was_asked_for),
        cmocka_unit_test(test_source_may_begin_before_the_base),
        cmocka_unit_test(test_cap),
        cmocka_unit_test(test_silence),
        cmocka_unit_test(test_rate_changes),
        cmocka_unit_test(test_impossible_rate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
