// Finishing a recording when the disk fills up or memory is out: whatever fails, the journal stays
// until everything else is on the disk, and another try finishes it.
#include <scout/recording.h>

#include "recording_notes.h"

#include "audio/journal.h"
#include "audio/sound_file.h"
#include "base/file.h"
#include "base/memory.h"
#include "disk.h"
#include "fault.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "in_folder.h"

enum { RATE = SCOUT_SAMPLE_RATE };

static const char *const FOLDER = "recording";

static bool has(const char *name)
{
    char path[64];
    (void)snprintf(path, sizeof path, "%s/%s", FOLDER, name);
    return file_exists(path);
}

// Closed in peace, all told: nothing is to be listened to.
static void make_recording(void)
{
    assert_int_equal(file_remove_tree(FOLDER, NULL), SCOUT_OK);
    assert_int_equal(file_make_folders(FOLDER, NULL), SCOUT_OK);
    Journal *journal = NULL;
    assert_int_equal(journal_create("recording/journal", &(JournalOptions){0}, &journal, NULL),
                     SCOUT_OK);
    int16_t *samples = calloc(RATE, sizeof *samples);
    assert_non_null(samples);
    for (size_t i = 0; i < RATE; i++)
        samples[i] = (int16_t)(i * 37 % 2000);
    assert_int_equal(journal_append_frames(journal, 0, samples, RATE, NULL), SCOUT_OK);
    free(samples);
    const ScoutSegment segment = {.start_s = 0.25, .end_s = 1, .text = " Hello.", .language = "en"};
    assert_int_equal(recording_note_segment(journal, 0, &segment, false, NULL), SCOUT_OK);
    assert_int_equal(recording_note_settled(journal, 0, 1, NULL), SCOUT_OK);
    assert_int_equal(journal_close(journal, true, 10000, NULL), SCOUT_OK);
}

static ScoutStatus finish(void)
{
    ScoutRecording *recording = NULL;
    ScoutStatus status = scout_recording_open(FOLDER, &recording, NULL);
    if (!status)
        status = scout_recording_finish(NULL, recording, NULL, NULL, NULL, NULL);
    scout_recording_free(recording);
    return status;
}

static void check_finished(void)
{
    assert_false(has("journal"));
    assert_true(has("sound.flac") && has("text.txt") && has("text.json") && has("recording.json"));
    SoundFile *sound = NULL;
    assert_int_equal(sound_file_open("recording/sound.flac", &sound, NULL), SCOUT_OK);
    assert_int_equal(sound_file_info(sound)->frames, RATE);
    sound_file_free(sound);
    Buffer text;
    buffer_init(&text, 1000);
    assert_int_equal(file_read("recording/text.txt", 1000, &text, NULL), SCOUT_OK);
    assert_string_equal(buffer_text(&text), "Hello.\n");
    buffer_done(&text);
}

static ScoutStatus on_full_disk(void *context)
{
    (void)context;
    disk_pause();
    make_recording();
    disk_continue();
    const ScoutStatus status = finish();
    disk_pause();
    if (status) {
        assert_true(has("journal"));
        assert_false(has("sound.flac.part"));
        // There is room again.
        assert_int_equal(finish(), SCOUT_OK);
    }
    check_finished();
    disk_continue();
    return status;
}

static void test_full_from_each_call_on(void **state)
{
    (void)state;
    assert_in_range(disk_run_all(on_full_disk, NULL, 200), 10, 200);
}

static ScoutStatus in_little_memory(void *context)
{
    (void)context;
    const ScoutStatus status = finish();
    if (status && !has("journal")) // it was only the last look that failed
        assert_true(has("sound.flac") && has("recording.json"));
    return status;
}

// jansson takes its memory by way of the functions that are counted.
static void test_memory_fails(void **state)
{
    (void)state;
    json_set_alloc_funcs(malloc, free);
    make_recording();
    // A trial that succeeds leaves a finished recording, which is then only looked at: the first
    // trials are those in which everything is done.
    assert_in_range(fault_run_all(in_little_memory, NULL, 2000), 5, 2000);
    check_finished();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_full_from_each_call_on),
        IN_FOLDER(test_memory_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
