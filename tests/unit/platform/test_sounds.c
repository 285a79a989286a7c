// The sounds themselves, and that nothing happens where there is nothing to play them.
#include "platform/sounds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void test_short_and_quiet(void **state)
{
    (void)state;
    static int16_t samples[SOUND_MAX_SAMPLES];
    for (Sound sound = SOUND_START; sound <= SOUND_ERROR; sound++) {
        const size_t count = sounds_make(sound, samples);
        assert_in_range(count, SOUNDS_RATE / 20, SOUNDS_RATE / 4);
        int peak = 0;
        for (size_t i = 0; i < count; i++)
            peak = abs(samples[i]) > peak ? abs(samples[i]) : peak;
        assert_in_range(peak, 3000, 8000);
        // Begins and ends in silence.
        assert_in_range(abs(samples[0]), 0, 50);
        assert_in_range(abs(samples[count - 1]), 0, 300);
    }
}

static void test_no_server(void **state)
{
    (void)state;
    Sounds *sounds = NULL;
    assert_int_equal(setenv("PULSE_SERVER", "unix:/nonexistent", 1), 0);
    assert_int_equal(sounds_new(&sounds, NULL), SCOUT_OK);
    sounds_play(sounds, SOUND_START);
    sounds_play(sounds, SOUND_STOP);
    sounds_free(sounds);
    sounds_play(NULL, SOUND_ERROR);
    sounds_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_short_and_quiet),
        cmocka_unit_test(test_no_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
