// Recordings in folders: what a journal says becomes files, whatever interrupted its making. Those
// tests that listen need $SCOUT_TEST_MODELS.
#include <scout/recording.h>

#include "recording_notes.h"

#include "audio/journal.h"
#include "audio/sound_file.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/str.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "in_folder.h"

#define RECORDINGS                                                                                 \
    "/usr/share/pocketsphinx/test/data/librivox/sense_and_sensibility_01_austen_64kb-"

enum { RATE = SCOUT_SAMPLE_RATE, WAV_HEADER_BYTES = 44, SAMPLES_MAX = 60 * RATE };

static char *make_folder(void)
{
    char *folder = NULL;
    assert_int_equal(recording_folder_make("recordings", 1763737445000, &folder, NULL), SCOUT_OK);
    return folder;
}

static Journal *make_journal(const char *folder, uint32_t channels)
{
    char *path = path_join(folder, RECORDING_JOURNAL);
    Journal *journal = NULL;
    const JournalOptions options = {.channels = channels, .created_ms = 1763737445000};
    assert_int_equal(journal_create(path, &options, &journal, NULL), SCOUT_OK);
    mem_free(path);
    return journal;
}

static void append_tone(Journal *journal, uint64_t position, size_t frames, uint32_t channels)
{
    int16_t *samples = calloc(frames * channels, sizeof *samples);
    assert_non_null(samples);
    for (size_t i = 0; i < frames * channels; i++)
        samples[i] = (int16_t)((position + i) * 37 % 2000);
    assert_int_equal(journal_append_frames(journal, position, samples, frames, NULL), SCOUT_OK);
    free(samples);
}

// What a live stream would tell.
static void tell_final(RecordingNotes *notes, uint32_t channel, double start_s, double end_s,
                       const char *text)
{
    const ScoutSegment segment = {
        .start_s = start_s, .end_s = end_s, .text = text, .language = "en"};
    const ScoutLiveEvent event = {.type = SCOUT_LIVE_FINAL,
                                  .u.text = {.start_s = start_s,
                                             .end_s = end_s,
                                             .text = text,
                                             .segments = &segment,
                                             .segment_count = 1}};
    assert_int_equal(recording_note_live(notes, channel, &event, NULL), SCOUT_OK);
}

static void tell_settled(RecordingNotes *notes, uint32_t channel, double settled_s)
{
    const ScoutLiveEvent event = {.type = SCOUT_LIVE_PROGRESS,
                                  .u.progress = {.settled_s = settled_s}};
    assert_int_equal(recording_note_live(notes, channel, &event, NULL), SCOUT_OK);
}

static void tell_skipped(RecordingNotes *notes, uint32_t channel, double start_s, double end_s)
{
    const ScoutLiveEvent event = {.type = SCOUT_LIVE_SKIPPED,
                                  .u.skipped = {.start_s = start_s,
                                                .end_s = end_s,
                                                .reason = SCOUT_SKIP_NO_SPEECH,
                                                .speech_prob_max = 0.25F,
                                                .no_speech_prob = -1}};
    assert_int_equal(recording_note_live(notes, channel, &event, NULL), SCOUT_OK);
}

static ScoutRecording *open_recording(const char *folder, ScoutRecordingState state)
{
    ScoutRecording *recording = NULL;
    ScoutError error = {0};
    assert_int_equal(scout_recording_open(folder, &recording, &error), SCOUT_OK);
    assert_int_equal(scout_recording_info(recording)->state, state);
    return recording;
}

static void finish(ScoutEngine *engine, ScoutRecording *recording, ScoutSoundFormat sound)
{
    ScoutRecordingOptions options;
    scout_recording_options_init(&options);
    options.sound = sound;
    ScoutError error = {.message = ""};
    const ScoutStatus status =
        scout_recording_finish(engine, recording, &options, NULL, NULL, &error);
    assert_string_equal(error.message, "");
    assert_int_equal(status, SCOUT_OK);
    assert_int_equal(scout_recording_info(recording)->state, SCOUT_RECORDING_FINISHED);
}

static char *read_text(const char *folder, const char *name)
{
    char *path = path_join(folder, name);
    Buffer text;
    buffer_init(&text, 1 << 20);
    assert_int_equal(file_read(path, 1 << 20, &text, NULL), SCOUT_OK);
    char *copy = mem_copy_text(buffer_text(&text), text.length);
    buffer_done(&text);
    mem_free(path);
    return copy;
}

static void check_text(const char *folder, const char *expected)
{
    char *text = read_text(folder, RECORDING_TEXT);
    assert_string_equal(text, expected);
    mem_free(text);
}

static bool has_file(const char *folder, const char *name)
{
    char *path = path_join(folder, name);
    const bool exists = file_exists(path);
    mem_free(path);
    return exists;
}

static void test_folders(void **state)
{
    (void)state;
    assert_int_equal(setenv("TZ", "UTC-1", 1), 0);
    char *first = make_folder(), *second = make_folder();
    assert_string_equal(first, "recordings/2025-11-21 16.04.05");
    assert_string_equal(second, "recordings/2025-11-21 16.04.05 (2)");
    ScoutRecording *recording = NULL;
    ScoutError error = {0};
    assert_int_equal(scout_recording_open(first, &recording, &error), SCOUT_ERROR_NOT_FOUND);
    assert_non_null(strstr(error.message, "holds no recording"));
    assert_int_equal(scout_recording_open("none", &recording, &error), SCOUT_ERROR_NOT_FOUND);
    char *path = path_join(first, RECORDING_JOURNAL);
    assert_int_equal(file_write(path, "", 0, false, NULL), SCOUT_OK);
    assert_int_equal(scout_recording_open(first, &recording, &error), SCOUT_ERROR_CORRUPT);
    assert_null(recording);
    mem_free(path);
    mem_free(first);
    mem_free(second);
}

// A recording that ended well, of two channels, with a gap and a "scratch that".
static void test_finished_without_listening(void **state)
{
    (void)state;
    char *folder = make_folder();
    Journal *journal = make_journal(folder, 2);
    RecordingNotes notes = {.journal = journal, .start_s = 100};
    append_tone(journal, 0, 2 * RATE, 2);
    tell_final(&notes, 0, 100.5, 101.25, " Hello there wrong.");
    const ScoutLiveEvent command = {.type = SCOUT_LIVE_COMMAND,
                                    .u.command = {.type = SCOUT_LIVE_SCRATCH, .characters = 7}};
    assert_int_equal(recording_note_live(&notes, 0, &command, NULL), SCOUT_OK);
    tell_settled(&notes, 0, 101.5);
    assert_int_equal(recording_note_mark(journal, "device_lost", 2 * RATE, 3 * RATE, "gone", NULL),
                     SCOUT_OK);
    append_tone(journal, 3 * RATE, 2 * RATE, 2);
    tell_final(&notes, 1, 103.5, 104.5, " Gr\xC3\xBC\xC3\x9F Gott.");
    tell_skipped(&notes, 1, 100, 103.25);
    tell_final(&notes, 0, 104, 104.25, " Yes.");
    tell_settled(&notes, 0, 105);
    tell_settled(&notes, 1, 105);
    ScoutRecording *recording = open_recording(folder, SCOUT_RECORDING_LIVE);
    assert_int_equal(scout_recording_finish(NULL, recording, NULL, NULL, NULL, NULL),
                     SCOUT_ERROR_BUSY);
    scout_recording_free(recording);
    assert_int_equal(journal_close(journal, true, 10000, NULL), SCOUT_OK);

    recording = open_recording(folder, SCOUT_RECORDING_CLOSED);
    const ScoutRecordingInfo *info = scout_recording_info(recording);
    assert_int_equal(info->texts, 3);
    assert_int_equal(info->skipped, 1);
    assert_int_equal(info->channels, 2);
    assert_true(info->duration_s == 5 && info->settled_s == 5 && info->missing_s == 1);
    assert_true(info->created_ms == 1763737445000);
    finish(NULL, recording, SCOUT_SOUND_FLAC);
    scout_recording_free(recording);
    assert_false(has_file(folder, RECORDING_JOURNAL));
    check_text(folder, "1: Hello there\n2: Gr\xC3\xBC\xC3\x9F Gott.\n1: Yes.\n");

    char *text = read_text(folder, RECORDING_JSON);
    json_t *json = json_loads(text, 0, NULL);
    const json_t *utterances = json_object_get(json, "utterances");
    assert_int_equal(json_array_size(utterances), 3);
    const json_t *second = json_array_get(utterances, 1);
    assert_int_equal(json_integer_value(json_object_get(second, "channel")), 1);
    assert_true(json_number_value(json_object_get(second, "start")) == 3.5);
    assert_int_equal(json_array_size(json_object_get(second, "segments")), 1);
    const json_t *gap = json_array_get(json_object_get(json, "gaps"), 0);
    assert_true(json_number_value(json_object_get(gap, "start")) == 2);
    assert_true(json_number_value(json_object_get(gap, "end")) == 3);
    json_decref(json);
    mem_free(text);

    char *about = read_text(folder, RECORDING_ABOUT);
    json = json_loads(about, 0, NULL);
    assert_string_equal(json_string_value(json_object_get(json, "sound")), "sound.flac");
    assert_false(json_is_true(json_object_get(json, "interrupted")));
    const json_t *mark = json_array_get(json_object_get(json, "marks"), 0);
    assert_string_equal(json_string_value(json_object_get(mark, "kind")), "device_lost");
    json_decref(json);
    mem_free(about);

    SoundFile *sound = NULL;
    char *path = path_join(folder, "sound.flac");
    assert_int_equal(sound_file_open(path, &sound, NULL), SCOUT_OK);
    assert_int_equal(sound_file_info(sound)->frames, 5 * RATE);
    sound_file_free(sound);
    mem_free(path);

    // Once more does no harm.
    recording = open_recording(folder, SCOUT_RECORDING_FINISHED);
    assert_int_equal(scout_recording_info(recording)->texts, 3);
    finish(NULL, recording, SCOUT_SOUND_FLAC);
    scout_recording_free(recording);
    mem_free(folder);
}

// Text that is not settled is not believed, and an engine is asked for.
static void test_unsettled_needs_an_engine(void **state)
{
    (void)state;
    char *folder = make_folder();
    Journal *journal = make_journal(folder, 1);
    RecordingNotes notes = {.journal = journal};
    append_tone(journal, 0, 3 * RATE, 1);
    tell_final(&notes, 0, 0, 1, " One.");
    tell_settled(&notes, 0, 1.5);
    tell_final(&notes, 0, 2, 2.5, " Two.");
    assert_int_equal(journal_close(journal, false, 10000, NULL), SCOUT_OK);
    ScoutRecording *recording = open_recording(folder, SCOUT_RECORDING_INTERRUPTED);
    assert_true(scout_recording_info(recording)->settled_s == 1.5);
    ScoutError error = {0};
    assert_int_equal(scout_recording_finish(NULL, recording, NULL, NULL, NULL, &error),
                     SCOUT_ERROR_STATE);
    assert_int_equal(scout_recording_info(recording)->state, SCOUT_RECORDING_INTERRUPTED);
    assert_true(has_file(folder, RECORDING_JOURNAL) && !has_file(folder, "sound.flac"));
    scout_recording_free(recording);
    mem_free(folder);
}

// The journal is kept where that is wanted, and the recording is finished all the same.
static void test_kept_journal(void **state)
{
    (void)state;
    char *folder = make_folder();
    Journal *journal = make_journal(folder, 1);
    RecordingNotes notes = {.journal = journal};
    append_tone(journal, 0, RATE, 1);
    tell_final(&notes, 0, 0.5, 1, " One."); // no settled record follows, but an end in peace
    assert_int_equal(journal_close(journal, true, 10000, NULL), SCOUT_OK);
    char *part = path_join(folder, "sound.opus.part"); // of somebody who was killed
    assert_int_equal(file_write(part, "half", 4, false, NULL), SCOUT_OK);
    mem_free(part);
    ScoutRecording *recording = open_recording(folder, SCOUT_RECORDING_CLOSED);
    ScoutRecordingOptions options;
    scout_recording_options_init(&options);
    options.keep_journal = 1;
    assert_int_equal(scout_recording_finish(NULL, recording, &options, NULL, NULL, NULL), SCOUT_OK);
    assert_int_equal(scout_recording_info(recording)->state, SCOUT_RECORDING_FINISHED);
    scout_recording_free(recording);
    assert_true(has_file(folder, RECORDING_JOURNAL));
    assert_false(has_file(folder, "sound.opus.part"));
    recording = open_recording(folder, SCOUT_RECORDING_FINISHED);
    assert_int_equal(scout_recording_info(recording)->texts, 1);
    scout_recording_free(recording);
    check_text(folder, "One.\n");
    char *about = read_text(folder, RECORDING_ABOUT);
    assert_non_null(strstr(about, "\"interrupted\": false"));
    mem_free(about);
    mem_free(folder);
}

// --- With the real model
// ---------------------------------------------------------------------------------------

static int16_t speech[SAMPLES_MAX];
static size_t speech_frames;

// Four sentences with pauses between them.
static bool read_speech(void)
{
    static const char *const paths[] = {RECORDINGS "0870.wav", RECORDINGS "0880.wav",
                                        RECORDINGS "0890.wav", RECORDINGS "0920.wav"};
    speech_frames = 0;
    for (size_t i = 0; i < BASE_COUNT(paths); i++) {
        FILE *file = fopen(paths[i], "rb");
        if (!file)
            return false;
        (void)fseek(file, WAV_HEADER_BYTES, SEEK_SET);
        speech_frames +=
            fread(speech + speech_frames, sizeof *speech, SAMPLES_MAX - speech_frames - RATE, file);
        (void)fclose(file);
        speech_frames += RATE; // zeros
    }
    return true;
}

static ScoutEngine *need_engine(void)
{
    const char *models = getenv("SCOUT_TEST_MODELS");
    if (!models || !read_speech()) {
        print_message("SCOUT_TEST_MODELS is not set: run the tests with tools/test\n");
        skip();
    }
    ScoutEngineOptions options;
    scout_engine_options_init(&options);
    options.models_folder = models;
    ScoutEngine *engine = NULL;
    assert_int_equal(scout_engine_new(&options, &engine, NULL), SCOUT_OK);
    return engine;
}

static char *record_speech(void)
{
    char *folder = make_folder();
    Journal *journal = make_journal(folder, 1);
    assert_int_equal(journal_append_frames(journal, 0, speech, speech_frames, NULL), SCOUT_OK);
    assert_int_equal(journal_close(journal, false, 10000, NULL), SCOUT_OK);
    return folder;
}

static int stop_in_the_middle(void *context, const char *what, double done)
{
    const double *limit = context;
    return str_equal(what, "text") && done >= *limit;
}

static void test_listening_is_resumed(void **state)
{
    (void)state;
    ScoutEngine *engine = need_engine();
    char *whole = record_speech(), *parts = record_speech();
    ScoutRecording *recording = open_recording(whole, SCOUT_RECORDING_INTERRUPTED);
    finish(engine, recording, SCOUT_SOUND_WAV);
    assert_true(scout_recording_info(recording)->texts > 0);
    scout_recording_free(recording);

    recording = open_recording(parts, SCOUT_RECORDING_INTERRUPTED);
    double limits[] = {0.3, 0.6, 0.9};
    for (size_t i = 0; i < BASE_COUNT(limits); i++) {
        assert_int_equal(
            scout_recording_finish(engine, recording, NULL, stop_in_the_middle, &limits[i], NULL),
            SCOUT_ERROR_CANCELLED);
        assert_int_equal(scout_recording_info(recording)->state, SCOUT_RECORDING_INTERRUPTED);
    }
    finish(engine, recording, SCOUT_SOUND_OPUS);
    assert_true(has_file(parts, "sound.opus"));
    scout_recording_free(recording);

    char *text = read_text(whole, RECORDING_TEXT);
    assert_non_null(strstr(text, "Dashwood"));
    check_text(parts, text);
    mem_free(text);
    mem_free(whole);
    mem_free(parts);
    scout_engine_free(engine);
}

// A pause at the end that nothing tells of yet makes no interrupted recording.
static void test_silence_at_the_end(void **state)
{
    (void)state;
    ScoutEngine *engine = need_engine();
    char *folder = make_folder();
    Journal *journal = make_journal(folder, 1);
    RecordingNotes notes = {.journal = journal};
    int16_t *silence = calloc(4 * RATE, sizeof *silence);
    assert_non_null(silence);
    assert_int_equal(journal_append_frames(journal, 0, silence, 4 * RATE, NULL), SCOUT_OK);
    tell_final(&notes, 0, 0, 1, " One.");
    assert_int_equal(journal_close(journal, true, 10000, NULL), SCOUT_OK);
    ScoutRecording *recording = open_recording(folder, SCOUT_RECORDING_CLOSED);
    finish(engine, recording, SCOUT_SOUND_FLAC);
    assert_int_equal(scout_recording_info(recording)->texts, 1);
    assert_int_equal(scout_recording_info(recording)->skipped, 1);
    // Listened to after all, silence stays silence: a model makes up words there when it is asked.
    ScoutRecordingOptions options;
    scout_recording_options_init(&options);
    options.skipped = 1;
    assert_int_equal(scout_recording_finish(engine, recording, &options, NULL, NULL, NULL),
                     SCOUT_OK);
    assert_int_equal(scout_recording_info(recording)->texts, 1);
    check_text(folder, "One.\n");
    char *told = read_text(folder, RECORDING_JSON);
    assert_non_null(strstr(told, "\"listened\": true"));
    mem_free(told);
    scout_recording_free(recording);
    char *about = read_text(folder, RECORDING_ABOUT);
    assert_non_null(strstr(about, "\"interrupted\": false"));
    mem_free(about);
    free(silence);
    mem_free(folder);
    scout_engine_free(engine);
}

static void test_skipped_spans_are_listened_to(void **state)
{
    (void)state;
    ScoutEngine *engine = need_engine();
    char *folder = make_folder();
    Journal *journal = make_journal(folder, 1);
    RecordingNotes notes = {.journal = journal};
    assert_int_equal(journal_append_frames(journal, 0, speech, speech_frames, NULL), SCOUT_OK);
    // As if voice activity had heard nothing.
    tell_skipped(&notes, 0, 0, (double)speech_frames / RATE);
    tell_settled(&notes, 0, (double)speech_frames / RATE);
    assert_int_equal(journal_close(journal, true, 10000, NULL), SCOUT_OK);
    ScoutRecording *recording = open_recording(folder, SCOUT_RECORDING_CLOSED);
    finish(engine, recording, SCOUT_SOUND_FLAC);
    check_text(folder, "");
    ScoutRecordingOptions options;
    scout_recording_options_init(&options);
    options.skipped = 1;
    for (int i = 0; i < 2; i++) { // the second time there is nothing left to listen to
        assert_int_equal(scout_recording_finish(engine, recording, &options, NULL, NULL, NULL),
                         SCOUT_OK);
        char *text = read_text(folder, RECORDING_TEXT);
        const char *found = strstr(text, "Dashwood");
        assert_non_null(found);
        assert_non_null(strstr(text, "[skipped before: "));
        assert_null(strstr(found + 1, "Dashwood"));
        mem_free(text);
    }
    assert_true(scout_recording_info(recording)->texts > 0);
    scout_recording_free(recording);
    mem_free(folder);
    scout_engine_free(engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_folders),
        IN_FOLDER(test_finished_without_listening),
        IN_FOLDER(test_unsettled_needs_an_engine),
        IN_FOLDER(test_kept_journal),
        IN_FOLDER(test_listening_is_resumed),
        IN_FOLDER(test_silence_at_the_end),
        IN_FOLDER(test_skipped_spans_are_listened_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
