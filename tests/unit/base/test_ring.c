// The ring between one writer and one reader: order, ends, wrapping, and two threads at once.
#include "base/ring.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ELEMENTS = 400000 };

static void test_holds_what_was_asked_for_and_no_more(void **state)
{
    (void)state;
    Ring ring = {0};
    assert_int_equal(ring_init(&ring, sizeof(int16_t), 100, NULL), SCOUT_OK);
    assert_int_equal(ring.capacity, 128);
    int16_t in[200];
    for (int i = 0; i < 200; i++)
        in[i] = (int16_t)i;
    assert_int_equal(ring_room(&ring), 128);
    assert_int_equal(ring_write(&ring, in, 200), 128);
    assert_int_equal(ring_write(&ring, in, 1), 0);
    assert_int_equal(ring_room(&ring), 0);
    assert_int_equal(ring_count(&ring), 128);
    int16_t out[200] = {0};
    assert_int_equal(ring_read(&ring, out, 200), 128);
    assert_memory_equal(in, out, 128 * sizeof *in);
    assert_int_equal(ring_read(&ring, out, 1), 0);
    assert_int_equal(ring_count(&ring), 0);
    ring_done(&ring);
}

static void test_peeking_takes_nothing(void **state)
{
    (void)state;
    Ring ring = {0};
    assert_int_equal(ring_init(&ring, 3, 4, NULL), SCOUT_OK);
    assert_int_equal(ring_write(&ring, "abcdef", 2), 2);
    char out[7] = "";
    assert_int_equal(ring_peek(&ring, out, 1), 1);
    assert_string_equal(out, "abc");
    assert_int_equal(ring_peek(&ring, out, 9), 2);
    assert_string_equal(out, "abcdef");
    assert_int_equal(ring_count(&ring), 2);
    ring_done(&ring);
    ring_done(&ring);
}

// Every length of writing meets every place of the end.
static void test_wraps_at_any_place(void **state)
{
    (void)state;
    Ring ring = {0};
    assert_int_equal(ring_init(&ring, sizeof(uint32_t), 16, NULL), SCOUT_OK);
    uint32_t next_in = 0;
    uint32_t next_out = 0;
    for (size_t round = 0; round < 1000; round++) {
        uint32_t block[16];
        const size_t length = round * 7 % 17;
        for (size_t i = 0; i < length; i++)
            block[i] = next_in + (uint32_t)i;
        next_in += (uint32_t)ring_write(&ring, block, length);
        const size_t got = ring_read(&ring, block, round * 5 % 17);
        for (size_t i = 0; i < got; i++)
            assert_int_equal(block[i], next_out + i);
        next_out += (uint32_t)got;
    }
    assert_true(next_out > 1000);
    assert_int_equal(next_in - next_out, ring_count(&ring));
    ring_done(&ring);
}

static void test_refuses_what_cannot_be(void **state)
{
    (void)state;
    Ring ring = {0};
    ScoutError error = {0};
    assert_int_equal(ring_init(&ring, 0, 5, &error), SCOUT_ERROR_INVALID_ARGUMENT);
    assert_int_equal(ring_init(&ring, 5, 0, &error), SCOUT_ERROR_INVALID_ARGUMENT);
    assert_int_equal(ring_init(&ring, 5, SIZE_MAX, &error), SCOUT_ERROR_INVALID_ARGUMENT);
    assert_int_equal(ring_init(&ring, SIZE_MAX / 4, 64, &error), SCOUT_ERROR_OUT_OF_MEMORY);
    assert_null(ring.bytes);
}

// Writes in uneven pieces; what does not fit is counted as lost and left out, as a callback does.
typedef struct Writer {
    Ring *ring;
    uint64_t lost;
    bool patient; // waits for room instead
    atomic_bool done;
} Writer;

static void *write_all(void *context)
{
    Writer *writer = context;
    uint64_t block[64];
    for (uint64_t at = 0; at < ELEMENTS;) {
        const size_t length = (size_t)(at * 13 % 64) + 1;
        for (size_t i = 0; i < length; i++)
            block[i] = at + i;
        const size_t written = ring_write(writer->ring, block, length);
        if (writer->patient) {
            at += written;
            continue;
        }
        writer->lost += length - written;
        at += length;
    }
    atomic_store(&writer->done, true);
    return NULL;
}

static void run_two_threads(bool patient)
{
    Ring ring = {0};
    assert_int_equal(ring_init(&ring, sizeof(uint64_t), 256, NULL), SCOUT_OK);
    Writer writer = {.ring = &ring, .patient = patient};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, write_all, &writer), 0);
    uint64_t got = 0;
    uint64_t last = 0;
    uint64_t block[100];
    while (patient ? got < ELEMENTS : !atomic_load(&writer.done)) {
        const size_t count = ring_read(&ring, block, 1 + (size_t)(got % 100));
        for (size_t i = 0; i < count; i++) {
            assert_true(got + i == 0 || block[i] > last);
            if (patient)
                assert_true(block[i] == got + i);
            last = block[i];
        }
        got += count;
    }
    assert_int_equal(pthread_join(thread, NULL), 0);
    uint64_t rest = ring_count(&ring);
    assert_true(patient ? got == last + 1 : rest <= ring.capacity);
    if (!patient) {
        // Everything that was written has come, is still there, or was counted.
        uint64_t total = atomic_load(&ring.written);
        assert_int_equal(total, got + rest);
        assert_true(total + writer.lost >= ELEMENTS);
        assert_true(total + writer.lost < ELEMENTS + 64);
    }
    ring_done(&ring);
}

static void test_two_threads_lose_nothing(void **state)
{
    (void)state;
    run_two_threads(true);
}

static void test_two_threads_count_what_does_not_fit(void **state)
{
    (void)state;
    run_two_threads(false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_holds_what_was_asked_for_and_no_more),
        cmocka_unit_test(test_peeking_takes_nothing),
        cmocka_unit_test(test_wraps_at_any_place),
        cmocka_unit_test(test_refuses_what_cannot_be),
        cmocka_unit_test(test_two_threads_lose_nothing),
        cmocka_unit_test(test_two_threads_count_what_does_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
