// What `scout record` shows and says of the events of a capture.
#include "record_view.h"

#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static RecordView view;

static int setup(void **state)
{
    (void)state;
    record_view_init(&view);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    record_view_done(&view);
    return 0;
}

static void see(const ScoutCaptureEvent *event)
{
    assert_int_equal(record_view_event(&view, event), 0);
}

static void check_line(const char *expected)
{
    char line[RECORD_LINE_BYTES];
    record_view_line(&view, line, sizeof line);
    assert_string_equal(line, expected);
}

static void check_note(RecordTone tone, const char *expected)
{
    RecordNote note;
    assert_true(record_view_take_note(&view, &note));
    assert_int_equal(note.tone, tone);
    assert_string_equal(note.text, expected);
}

static void check_no_note(void)
{
    RecordNote note;
    assert_false(record_view_take_note(&view, &note));
}

static void hear(ScoutLiveEventType type, const char *text)
{
    const ScoutLiveEvent live = {.type = type, .u.text = {.text = text}};
    see(&(ScoutCaptureEvent){.type = SCOUT_CAPTURE_EVENT_LIVE, .u.live = {.event = &live}});
}

static void test_course_of_a_recording(void **state)
{
    (void)state;
    check_line("waiting for speech [..........] ");
    see(&(ScoutCaptureEvent){
        .type = SCOUT_CAPTURE_EVENT_STATE,
        .u.state = {.state = SCOUT_CAPTURE_RUNNING, .device = "Blue microphone"}});
    check_note(RECORD_NOTE, "listening to Blue microphone");
    see(&(ScoutCaptureEvent){.type = SCOUT_CAPTURE_EVENT_RECORDING_STARTED,
                             .at_s = 12,
                             .u.recording = {.folder = "here/one", .start_s = 10}});
    check_note(RECORD_NOTE, "recording here/one");
    see(&(ScoutCaptureEvent){.type = SCOUT_CAPTURE_EVENT_LEVEL,
                             .at_s = 3735,
                             .u.level = {.channels = 1, .peak = {0.09F}}});
    hear(SCOUT_LIVE_FINAL, " So it begins.");
    hear(SCOUT_LIVE_PARTIAL, " And then");
    check_line("recording 1:02:05 [||||||....]  So it begins. And then");
    see(&(ScoutCaptureEvent){.type = SCOUT_CAPTURE_EVENT_DISK, .u.disk = {.left_s = 7200}});
    hear(SCOUT_LIVE_FINAL, " And then some.");
    check_line("recording 1:02:05, room for 2 h [||||||....]  So it begins. And then some.");
    see(&(ScoutCaptureEvent){.type = SCOUT_CAPTURE_EVENT_RECORDING_ENDED,
                             .u.recording = {.folder = "here/one", .start_s = 10}});
    check_line("waiting for speech [||||||....] ");
    char *folder = record_view_take_folder(&view);
    assert_string_equal(folder, "here/one");
    mem_free(folder);
    record_view_finishing(&view, "one: sound", 0.256);
    check_line("finishing one: sound 26 % [||||||....] ");
    record_view_end(&view);
    assert_null(record_view_take_folder(&view));
    check_no_note();
}

// Said once, not at every event.
static void test_trouble_is_said_once(void **state)
{
    (void)state;
    const ScoutCaptureEvent full = {.type = SCOUT_CAPTURE_EVENT_DISK,
                                    .u.disk = {.full = 1, .message = "the disk is full: help"}};
    const ScoutCaptureEvent good = {.type = SCOUT_CAPTURE_EVENT_DISK, .u.disk = {.left_s = 60}};
    see(&full);
    see(&full);
    check_note(RECORD_WARNING, "the disk is full: help");
    check_no_note();
    see(&(ScoutCaptureEvent){.type = SCOUT_CAPTURE_EVENT_RECORDING_STARTED,
                             .u.recording = {.folder = "x"}});
    check_note(RECORD_NOTE, "recording x");
    check_line("recording 0:00:00, THE DISK IS FULL [..........] ");
    see(&good);
    see(&good);
    check_note(RECORD_NOTE, "the disk has room again: everything is written");
    const ScoutCaptureEvent muted = {.type = SCOUT_CAPTURE_EVENT_MUTED, .u.muted = {.muted = 1}};
    see(&muted);
    see(&muted);
    check_note(RECORD_WARNING, "only zeros have come for three seconds: is it muted?");
    see(&(ScoutCaptureEvent){.type = SCOUT_CAPTURE_EVENT_STATE,
                             .u.state = {.state = SCOUT_CAPTURE_LOST, .message = "unplugged"}});
    check_note(RECORD_WARNING, "unplugged; it is tried again until it works");
    check_line("no sound: unplugged [..........] ");
    see(&(ScoutCaptureEvent){.type = SCOUT_CAPTURE_EVENT_GAP, .u.lost = {.seconds = 2.5}});
    check_note(RECORD_WARNING,
               "2.5 s of sound are missing: the machine slept, or the device was away");
    check_no_note();
}

// Long texts are cut at characters, and old notes give way.
static void test_bounds(void **state)
{
    (void)state;
    see(&(ScoutCaptureEvent){.type = SCOUT_CAPTURE_EVENT_RECORDING_STARTED,
                             .u.recording = {.folder = "x"}});
    char text[5000] = "";
    for (size_t i = 0; i + 1 < sizeof text / 2; i++)
        memcpy(text + 2 * i, "\xC3\xA9", 3);
    for (int i = 0; i < 5; i++) {
        hear(SCOUT_LIVE_FINAL, text + i);
        hear(SCOUT_LIVE_PARTIAL, text + i);
    }
    char line[RECORD_LINE_BYTES];
    record_view_line(&view, line, sizeof line);
    const char *words = strchr(line, ']') + 2;
    assert_in_range(strlen(words), 50, 60);
    assert_memory_equal(words, "\xC3\xA9", 2);
    for (int i = 0; i < 100; i++)
        record_view_note(&view, RECORD_ERROR, "number %d", i);
    check_note(RECORD_ERROR, "number 36");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_course_of_a_recording, setup, teardown),
        cmocka_unit_test_setup_teardown(test_trouble_is_said_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bounds, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
