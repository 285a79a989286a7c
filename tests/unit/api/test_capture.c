// Captures of files, pipes and silence: what was taken is in the journal, frame by frame, whatever
// the receiver, the disk or the text does. Those tests that listen need $SCOUT_TEST_MODELS.
#include <scout/capture.h>
#include <scout/recording.h>

#include "audio/journal.h"
#include "base/file.h"
#include "base/memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "in_folder.h"
#include "real_speech.h"

#define RECORDING REAL_SPEECH("0880")

enum {
    RATE = SCOUT_SAMPLE_RATE,
    SPEECH_MAX = 4 * RATE,
    FRAMES_MAX = 60 * RATE,
    TYPES = SCOUT_CAPTURE_EVENT_LIVE + 1,
    FOLDERS_MAX = 4,
    PATH_BYTES = 256,
    TEXT_BYTES = 4096
};

static ScoutEngine *engine;
static int16_t speech[SPEECH_MAX];
static size_t speech_count;

static int setup(void **state)
{
    (void)state;
    speech_count = real_speech_read(RECORDING, speech, SPEECH_MAX);
    const int failed = real_engine_new(DECODER, &engine);
    return failed || (engine && speech_count == 0);
}

static int teardown(void **state)
{
    (void)state;
    scout_engine_free(engine);
    return 0;
}

static void need_model(void)
{
    real_engine_need(engine);
}

static void sleep_ms(int ms)
{
    const struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};
    (void)nanosleep(&time, NULL);
}

// ---- What a receiver hears

typedef struct Heard {
    ScoutCapture *capture;
    atomic_int counts[TYPES];
    atomic_int states[SCOUT_CAPTURE_ENDED + 1];
    atomic_int full, good; // of DISK events
    double at_s;
    char folders[FOLDERS_MAX][PATH_BYTES]; // of recordings that have ended
    char begun[FOLDERS_MAX][PATH_BYTES];
    double starts_s[FOLDERS_MAX];
    size_t folder_count, begun_count;
    char finals[TEXT_BYTES];
    int stop_at, block_at; // a type; -1: never
    atomic_bool blocked, released;
    atomic_int running;
} Heard;

static void hear_recording(Heard *heard, const ScoutCaptureEvent *event)
{
    const char *folder = event->u.recording.folder;
    if (event->type == SCOUT_CAPTURE_EVENT_RECORDING_STARTED) {
        assert_true(heard->begun_count < FOLDERS_MAX);
        heard->starts_s[heard->begun_count] = event->u.recording.start_s;
        snprintf(heard->begun[heard->begun_count++], PATH_BYTES, "%s", folder);
    } else {
        assert_true(heard->folder_count < heard->begun_count);
        assert_string_equal(folder, heard->begun[heard->folder_count]);
        assert_true(event->u.recording.start_s == heard->starts_s[heard->folder_count]);
        snprintf(heard->folders[heard->folder_count++], PATH_BYTES, "%s", folder);
    }
}

static void hear_live(Heard *heard, const ScoutCaptureEvent *event)
{
    const ScoutLiveEvent *live = event->u.live.event;
    if (live->type != SCOUT_LIVE_FINAL)
        return;
    assert_true(event->at_s > live->u.text.end_s - 0.05);
    const size_t used = strlen(heard->finals);
    snprintf(heard->finals + used, sizeof heard->finals - used, "%s", live->u.text.text);
}

static int hear(void *context, const ScoutCaptureEvent *event)
{
    Heard *heard = context;
    assert_int_equal(atomic_fetch_add(&heard->running, 1), 0);
    if (heard->block_at == (int)event->type && !atomic_load(&heard->blocked)) {
        atomic_store(&heard->blocked, true);
        while (!atomic_load(&heard->released))
            sleep_ms(5);
    }
    if (event->type != SCOUT_CAPTURE_EVENT_LIVE) {
        assert_true(event->at_s >= heard->at_s);
        heard->at_s = event->at_s;
    }
    if (event->type == SCOUT_CAPTURE_EVENT_RECORDING_STARTED ||
        event->type == SCOUT_CAPTURE_EVENT_RECORDING_ENDED)
        hear_recording(heard, event);
    else if (event->type == SCOUT_CAPTURE_EVENT_LIVE)
        hear_live(heard, event);
    else if (event->type == SCOUT_CAPTURE_EVENT_STATE)
        atomic_fetch_add(&heard->states[event->u.state.state], 1);
    else if (event->type == SCOUT_CAPTURE_EVENT_DISK)
        atomic_fetch_add(event->u.disk.full ? &heard->full : &heard->good, 1);
    atomic_fetch_add(&heard->counts[event->type], 1);
    atomic_fetch_sub(&heard->running, 1);
    return heard->stop_at == (int)event->type;
}

static bool comes(atomic_int *count)
{
    for (int i = 0; i < 4000 && atomic_load(count) == 0; i++)
        sleep_ms(5);
    return atomic_load(count) > 0;
}

// ---- Sources

typedef struct Pipe {
    int ends[2];
    int16_t *frames; // all that was written
    size_t count;
} Pipe;

static void open_pipe(Pipe *pipe_of)
{
    *pipe_of = (Pipe){.frames = malloc(FRAMES_MAX * sizeof(int16_t))};
    assert_non_null(pipe_of->frames);
    assert_int_equal(pipe2(pipe_of->ends, O_CLOEXEC), 0);
}

static void write_frames(Pipe *to, const int16_t *frames, size_t count)
{
    assert_true(to->count + count <= FRAMES_MAX);
    memcpy(to->frames + to->count, frames, count * sizeof *frames);
    to->count += count;
    const char *bytes = (const char *)frames;
    for (size_t left = count * sizeof *frames; left > 0;) {
        const ssize_t done = write(to->ends[1], bytes, left);
        assert_true(done > 0);
        bytes += done;
        left -= (size_t)done;
    }
}

static void write_tone(Pipe *to, size_t count)
{
    int16_t *frames = malloc(count * sizeof *frames);
    assert_non_null(frames);
    for (size_t i = 0; i < count; i++)
        frames[i] = (int16_t)((to->count + i) * 40503 % 65521 - 32760);
    write_frames(to, frames, count);
    free(frames);
}

static void write_silence(Pipe *to, size_t count)
{
    int16_t *frames = calloc(count, sizeof *frames);
    assert_non_null(frames);
    write_frames(to, frames, count);
    free(frames);
}

// Until all that was written has been taken.
static void drain(const Pipe *from)
{
    int left = 1;
    for (int i = 0; i < 2000 && left > 0; i++) {
        assert_int_equal(ioctl(from->ends[0], FIONREAD, &left), 0);
        sleep_ms(5);
    }
    sleep_ms(400);
}

static void end_pipe(Pipe *of)
{
    (void)close(of->ends[1]);
    of->ends[1] = -1;
}

static void close_pipe(Pipe *of)
{
    (void)close(of->ends[0]);
    if (of->ends[1] >= 0)
        (void)close(of->ends[1]);
    free(of->frames);
}

// ---- Captures

static ScoutLiveOptions live_options(void)
{
    static ScoutTranscribeOptions transcribe;
    scout_transcribe_options_init(&transcribe);
    transcribe.language = "en";
    transcribe.beam_size = 1;
    ScoutLiveOptions options;
    scout_live_options_init(&options);
    options.transcribe = &transcribe;
    return options;
}

static ScoutCaptureOptions of_pipe(const Pipe *from)
{
    ScoutCaptureOptions options;
    scout_capture_options_init(&options);
    options.source = SCOUT_SOURCE_RAW;
    options.fd = from->ends[0];
    options.folder = "kept";
    return options;
}

static ScoutCaptureOptions of_nothing(void)
{
    ScoutCaptureOptions options;
    scout_capture_options_init(&options);
    options.source = SCOUT_SOURCE_NULL;
    options.real_time = 1;
    options.folder = "kept";
    return options;
}

static void begin(Heard *heard, const ScoutCaptureOptions *options)
{
    const int stop_at = heard->stop_at, block_at = heard->block_at;
    *heard = (Heard){.stop_at = stop_at, .block_at = block_at};
    ScoutError error = {.message = ""};
    const ScoutStatus status =
        scout_capture_new(engine, options, hear, heard, &heard->capture, &error);
    assert_string_equal(error.message, "");
    assert_int_equal(status, SCOUT_OK);
}

#define HEARD_NOTHING                                                                              \
    {                                                                                              \
        .stop_at = -1, .block_at = -1                                                              \
    }

static void wait_for(Heard *heard, ScoutStatus expected)
{
    ScoutError error = {.message = ""};
    const ScoutStatus status = scout_capture_wait(heard->capture, &error);
    if (status != expected)
        fail_msg("%d instead of %d: %s", status, expected, error.message);
    scout_capture_free(heard->capture);
    heard->capture = NULL;
}

static size_t things_in(const char *path)
{
    DIR *folder = opendir(path);
    size_t count = 0;
    for (const struct dirent *entry; folder && (entry = readdir(folder));)
        count += entry->d_name[0] != '.';
    if (folder)
        closedir(folder);
    return count;
}

// ---- Journals

typedef struct Kept {
    int16_t *frames;
    uint64_t count;
    char texts[TEXT_BYTES], marks[TEXT_BYTES];
    bool ended;
} Kept;

static void append_text(char *to, const char *text)
{
    const size_t used = strlen(to);
    snprintf(to + used, TEXT_BYTES - used, "%s\n", text);
}

static Kept read_journal(const char *folder)
{
    Kept kept = {.frames = calloc(FRAMES_MAX, sizeof(int16_t))};
    assert_non_null(kept.frames);
    char *path = path_join(folder, "journal");
    JournalReader *reader = NULL;
    assert_int_equal(journal_open(path, NULL, &reader, NULL), SCOUT_OK);
    mem_free(path);
    JournalRecord record = {.type = JOURNAL_MARK};
    while (record.type != JOURNAL_NONE) {
        assert_int_equal(journal_next(reader, &record, NULL), SCOUT_OK);
        assert_int_not_equal(record.type, JOURNAL_GAP);
        if (record.type == JOURNAL_FRAMES) {
            assert_int_equal(record.position, kept.count);
            assert_true(record.end <= FRAMES_MAX);
            memcpy(kept.frames + record.position, record.samples,
                   (size_t)(record.end - record.position) * sizeof(int16_t));
            kept.count = record.end;
        } else if (record.type == JOURNAL_TEXT) {
            append_text(kept.texts, record.json);
        } else if (record.type == JOURNAL_MARK) {
            append_text(kept.marks, record.json);
        }
        kept.ended = kept.ended || record.type == JOURNAL_END;
    }
    journal_reader_free(reader);
    return kept;
}

static void check_frames(const Kept *kept, const int16_t *frames, size_t count)
{
    assert_int_equal(kept->count, count);
    for (size_t i = 0; i < count; i++)
        if (kept->frames[i] != frames[i])
            fail_msg("frame %zu is wrong", i);
}

static void check_journal(const char *folder, const int16_t *frames, size_t count)
{
    Kept kept = read_journal(folder);
    assert_true(kept.ended);
    check_frames(&kept, frames, count);
    free(kept.frames);
}

// ---- Tests: without text

static void a_pipe_is_kept_frame_by_frame(void **state)
{
    (void)state;
    static Heard heard = HEARD_NOTHING;
    Pipe from;
    open_pipe(&from);
    ScoutCaptureOptions options = of_pipe(&from);
    options.recording = SCOUT_RECORD_ALL;
    begin(&heard, &options);
    write_tone(&from, 3 * RATE + 7);
    end_pipe(&from);
    wait_for(&heard, SCOUT_OK);
    assert_int_equal(heard.folder_count, 1);
    check_journal(heard.folders[0], from.frames, from.count);
    assert_int_equal(heard.states[SCOUT_CAPTURE_RUNNING], 1);
    assert_int_equal(heard.states[SCOUT_CAPTURE_ENDED], 1);
    close_pipe(&from);
}

static void a_pause_leaves_out_what_comes(void **state)
{
    (void)state;
    static Heard heard = HEARD_NOTHING;
    Pipe from;
    open_pipe(&from);
    ScoutCaptureOptions options = of_pipe(&from);
    options.recording = SCOUT_RECORD_ALL;
    begin(&heard, &options);
    write_tone(&from, RATE);
    drain(&from);
    assert_int_equal(scout_capture_pause(heard.capture, 0, NULL), SCOUT_OK);
    write_tone(&from, 1);
    assert_true(comes(&heard.states[SCOUT_CAPTURE_PAUSED]));
    write_tone(&from, 2 * RATE - 1);
    drain(&from);
    atomic_store(&heard.states[SCOUT_CAPTURE_RUNNING], 0);
    assert_int_equal(scout_capture_resume(heard.capture, 0.5, NULL), SCOUT_OK);
    assert_true(comes(&heard.states[SCOUT_CAPTURE_RUNNING]));
    write_tone(&from, RATE);
    end_pipe(&from);
    wait_for(&heard, SCOUT_OK);
    Kept kept = read_journal(heard.folders[0]);
    memmove(from.frames + RATE, from.frames + 5 * RATE / 2, 3 * RATE / 2 * sizeof *from.frames);
    check_frames(&kept, from.frames, 5 * RATE / 2);
    const char *paused = strstr(kept.marks, "paused"), *resumed = strstr(kept.marks, "resumed");
    assert_true(paused && resumed && paused < resumed);
    assert_true(heard.at_s == 2.5);
    free(kept.frames);
    close_pipe(&from);
}

static void a_pause_waits_for_the_end_of_a_word(void **state)
{
    (void)state;
    static Heard heard = HEARD_NOTHING;
    Pipe from;
    open_pipe(&from);
    ScoutCaptureOptions options = of_pipe(&from);
    options.recording = SCOUT_RECORD_ALL;
    begin(&heard, &options);
    write_tone(&from, RATE);
    drain(&from);
    assert_int_equal(scout_capture_pause(heard.capture, 0.5, NULL), SCOUT_OK);
    sleep_ms(250);
    write_tone(&from, 2 * RATE);
    end_pipe(&from);
    wait_for(&heard, SCOUT_OK);
    assert_int_equal(heard.states[SCOUT_CAPTURE_PAUSED], 1);
    Kept kept = read_journal(heard.folders[0]);
    // No less than was wished for; at most what one read gives more.
    assert_in_range(kept.count, 3 * RATE / 2, 3 * RATE / 2 + RATE / 10);
    check_frames(&kept, from.frames, (size_t)kept.count);
    free(kept.frames);
    close_pipe(&from);
}

static void a_wish_may_be_taken_back(void **state)
{
    (void)state;
    static Heard heard = HEARD_NOTHING;
    Pipe from;
    open_pipe(&from);
    ScoutCaptureOptions options = of_pipe(&from);
    options.recording = SCOUT_RECORD_ALL;
    begin(&heard, &options);
    assert_int_equal(scout_capture_pause(heard.capture, 60, NULL), SCOUT_OK);
    assert_int_equal(scout_capture_resume(heard.capture, 1, NULL), SCOUT_OK);
    assert_int_equal(scout_capture_pause(heard.capture, 61, NULL), SCOUT_ERROR_INVALID_ARGUMENT);
    assert_int_equal(scout_capture_resume(heard.capture, 11, NULL), SCOUT_ERROR_INVALID_ARGUMENT);
    write_tone(&from, RATE);
    end_pipe(&from);
    wait_for(&heard, SCOUT_OK);
    assert_int_equal(heard.states[SCOUT_CAPTURE_PAUSED], 0);
    check_journal(heard.folders[0], from.frames, from.count);
    close_pipe(&from);
}

static void silence_goes_on_until_it_is_stopped(void **state)
{
    (void)state;
    static Heard heard = HEARD_NOTHING;
    ScoutCaptureOptions options = of_nothing();
    options.recording = SCOUT_RECORD_ALL;
    begin(&heard, &options);
    assert_true(comes(&heard.counts[SCOUT_CAPTURE_EVENT_LEVEL]));
    scout_capture_stop(heard.capture);
    wait_for(&heard, SCOUT_OK);
    assert_int_equal(heard.folder_count, 1);
    Kept kept = read_journal(heard.folders[0]);
    assert_true(kept.ended && kept.count > 0);
    assert_true(heard.at_s == (double)kept.count / RATE);
    free(kept.frames);
}

static void cancelling_keeps_the_recording(void **state)
{
    (void)state;
    static Heard heard = HEARD_NOTHING;
    ScoutCaptureOptions options = of_nothing();
    options.recording = SCOUT_RECORD_ALL;
    begin(&heard, &options);
    assert_true(comes(&heard.counts[SCOUT_CAPTURE_EVENT_LEVEL]));
    scout_capture_cancel(heard.capture);
    wait_for(&heard, SCOUT_ERROR_CANCELLED);
    assert_int_equal(heard.folder_count, 1);
    Kept kept = read_journal(heard.folders[0]);
    assert_true(kept.count > 0);
    free(kept.frames);
}

static void a_capture_may_go_at_any_moment(void **state)
{
    (void)state;
    static Heard heard = HEARD_NOTHING;
    ScoutCaptureOptions options = of_nothing();
    options.recording = SCOUT_RECORD_ALL;
    for (int i = 0; i < 8; i++) {
        begin(&heard, &options);
        sleep_ms(i * 20);
        scout_capture_free(heard.capture);
    }
    scout_capture_free(NULL);
    scout_capture_stop(NULL);
    scout_capture_cancel(NULL);
}

static void who_says_no_ends_the_capture(void **state)
{
    (void)state;
    static Heard heard = HEARD_NOTHING;
    heard.stop_at = SCOUT_CAPTURE_EVENT_LEVEL;
    ScoutCaptureOptions options = of_nothing();
    options.recording = SCOUT_RECORD_ALL;
    begin(&heard, &options);
    wait_for(&heard, SCOUT_OK);
    heard.stop_at = -1;
    assert_int_equal(heard.counts[SCOUT_CAPTURE_EVENT_LEVEL], 1);
    assert_int_equal(heard.counts[SCOUT_CAPTURE_EVENT_RECORDING_ENDED], 0);
    assert_int_equal(heard.begun_count, 1);
    Kept kept = read_journal(heard.begun[0]);
    assert_true(kept.ended && kept.count > 0);
    free(kept.frames);
}

static void who_does_not_answer_delays_no_journal(void **state)
{
    (void)state;
    static Heard heard = HEARD_NOTHING;
    heard.block_at = SCOUT_CAPTURE_EVENT_LEVEL;
    ScoutCaptureOptions options = of_nothing();
    options.recording = SCOUT_RECORD_ALL;
    begin(&heard, &options);
    for (int i = 0; i < 4000 && !atomic_load(&heard.blocked); i++)
        sleep_ms(5);
    sleep_ms(2000);
    Kept kept = read_journal(heard.begun[0]);
    assert_true(kept.count > (uint64_t)3 * RATE / 2);
    atomic_store(&heard.released, true);
    scout_capture_stop(heard.capture);
    wait_for(&heard, SCOUT_OK);
    heard.block_at = -1;
    // The levels of that time are old news.
    assert_true(heard.counts[SCOUT_CAPTURE_EVENT_LEVEL] < 6);
    assert_int_equal(heard.folder_count, 1);
    free(kept.frames);
}

static void a_folder_that_cannot_be_used_is_named(void **state)
{
    (void)state;
    static Heard heard = HEARD_NOTHING;
    assert_int_equal(file_write("file", "x", 1, false, NULL), SCOUT_OK);
    ScoutCaptureOptions options = of_nothing();
    options.folder = "file/kept";
    options.recording = SCOUT_RECORD_ALL;
    begin(&heard, &options);
    ScoutError error = {0};
    assert_int_not_equal(scout_capture_wait(heard.capture, &error), SCOUT_OK);
    assert_non_null(strstr(error.message, "file"));
    assert_int_equal(heard.begun_count, 0);
    scout_capture_free(heard.capture);
}

// The file may not grow for some time: what comes meanwhile waits in memory.
static void a_full_disk_is_told_and_loses_nothing(void **state)
{
    (void)state;
    static Heard heard = HEARD_NOTHING;
    Pipe from;
    open_pipe(&from);
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    const struct rlimit small = {.rlim_cur = 50000, .rlim_max = before.rlim_max};
    ScoutCaptureOptions options = of_pipe(&from);
    options.recording = SCOUT_RECORD_ALL;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    begin(&heard, &options);
    for (int i = 0; i < 200 && atomic_load(&heard.full) == 0; i++) {
        write_tone(&from, RATE / 10);
        sleep_ms(50);
    }
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    (void)signal(SIGXFSZ, handler);
    assert_true(atomic_load(&heard.full) > 0);
    atomic_store(&heard.good, 0);
    for (int i = 0; i < 200 && atomic_load(&heard.good) == 0; i++) {
        write_tone(&from, RATE / 10);
        sleep_ms(50);
    }
    assert_true(atomic_load(&heard.good) > 0);
    end_pipe(&from);
    wait_for(&heard, SCOUT_OK);
    check_journal(heard.folders[0], from.frames, from.count);
    close_pipe(&from);
}

static void what_is_only_kept_for_a_crash_goes_when_all_is_well(void **state)
{
    (void)state;
    static Heard heard = HEARD_NOTHING;
    for (int cancels = 0; cancels < 2; cancels++) {
        ScoutCaptureOptions options = of_nothing();
        options.safety_folder = "safe";
        begin(&heard, &options);
        assert_true(comes(&heard.counts[SCOUT_CAPTURE_EVENT_LEVEL]));
        assert_int_equal(things_in("safe"), 1);
        if (cancels)
            scout_capture_cancel(heard.capture);
        else
            scout_capture_stop(heard.capture);
        wait_for(&heard, cancels ? SCOUT_ERROR_CANCELLED : SCOUT_OK);
        assert_int_equal(things_in("safe"), cancels);
        assert_int_equal(heard.begun_count, 0);
    }
}

static void refused(ScoutCaptureOptions options, const char *why)
{
    ScoutCapture *capture = NULL;
    ScoutError error = {0};
    assert_int_equal(scout_capture_new(NULL, &options, hear, NULL, &capture, &error),
                     SCOUT_ERROR_INVALID_ARGUMENT);
    assert_non_null(strstr(error.message, why));
    assert_null(capture);
}

static void wrong_options_are_named(void **state)
{
    (void)state;
    const ScoutLiveOptions live = live_options();
    ScoutCaptureOptions options = of_nothing();
    options.source = (ScoutCaptureSource)9;
    refused(options, "source");
    options = of_nothing();
    options.source = SCOUT_SOURCE_FILE;
    refused(options, "path");
    options = of_nothing();
    options.recording = SCOUT_RECORD_ALL;
    options.folder = NULL;
    refused(options, "folder");
    options = of_nothing();
    options.recording = SCOUT_RECORD_VOICE;
    refused(options, "live");
    options.live = &live;
    refused(options, "engine");
    options = of_nothing();
    options.split_after_s = 0.5;
    refused(options, "split_after_s");
    options = of_nothing();
    options.pre_roll_s = 11;
    refused(options, "pre_roll_s");
    ScoutCapture *capture = NULL;
    assert_int_equal(scout_capture_new(NULL, &options, NULL, NULL, &capture, NULL),
                     SCOUT_ERROR_INVALID_ARGUMENT);
    assert_int_equal(scout_capture_wait(NULL, NULL), SCOUT_ERROR_INVALID_ARGUMENT);
    assert_int_equal(scout_capture_pause(NULL, 0, NULL), SCOUT_ERROR_INVALID_ARGUMENT);
    assert_int_equal(scout_capture_resume(NULL, 0, NULL), SCOUT_ERROR_INVALID_ARGUMENT);
    assert_int_equal(scout_devices_new(NULL, NULL, NULL), SCOUT_ERROR_INVALID_ARGUMENT);
}

// ---- Tests: with text

static void write_wav(const char *path, size_t seconds)
{
    unsigned char header[REAL_SPEECH_HEADER_BYTES];
    FILE *like = fopen(RECORDING, "rb");
    assert_non_null(like);
    assert_int_equal(fread(header, 1, sizeof header, like), sizeof header);
    (void)fclose(like);
    const uint32_t bytes = (uint32_t)(seconds * RATE * sizeof(int16_t)), all = bytes + 36;
    memcpy(header + 4, &all, sizeof all);
    memcpy(header + 40, &bytes, sizeof bytes);
    int16_t *frames = calloc(seconds * RATE, sizeof *frames);
    assert_non_null(frames);
    memcpy(frames, speech, speech_count * sizeof *speech);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(header, 1, sizeof header, file), sizeof header);
    assert_int_equal(fwrite(frames, 1, bytes, file), bytes);
    assert_int_equal(fclose(file), 0);
    free(frames);
}

static void a_file_gives_text_and_recording(void **state)
{
    (void)state;
    need_model();
    static Heard heard = HEARD_NOTHING;
    write_wav("said.wav", 5);
    const ScoutLiveOptions live = live_options();
    ScoutCaptureOptions options = of_nothing();
    options.source = SCOUT_SOURCE_FILE;
    options.path = "said.wav";
    options.live = &live;
    options.recording = SCOUT_RECORD_ALL;
    for (int real_time = 0; real_time < 2; real_time++) {
        options.real_time = real_time;
        struct timespec from, to;
        (void)clock_gettime(CLOCK_MONOTONIC, &from);
        begin(&heard, &options);
        wait_for(&heard, SCOUT_OK);
        (void)clock_gettime(CLOCK_MONOTONIC, &to);
        assert_true(!real_time || to.tv_sec - from.tv_sec >= 4);
        assert_non_null(strstr(heard.finals, "young man"));
        assert_int_equal(heard.folder_count, 1);
        assert_true(heard.at_s == 5);
        Kept kept = read_journal(heard.folders[0]);
        assert_true(kept.ended && kept.count == (uint64_t)5 * RATE);
        assert_memory_equal(kept.frames, speech, speech_count * sizeof *speech);
        assert_non_null(strstr(kept.texts, "young man"));
        free(kept.frames);
        ScoutRecording *recording = NULL;
        assert_int_equal(scout_recording_open(heard.folders[0], &recording, NULL), SCOUT_OK);
        assert_int_equal(scout_recording_info(recording)->state, SCOUT_RECORDING_CLOSED);
        assert_true(scout_recording_info(recording)->settled_s == 5);
        scout_recording_free(recording);
    }
}

static void each_time_somebody_speaks_is_a_recording(void **state)
{
    (void)state;
    need_model();
    static Heard heard = HEARD_NOTHING;
    Pipe from;
    open_pipe(&from);
    const ScoutLiveOptions live = live_options();
    ScoutCaptureOptions options = of_pipe(&from);
    options.live = &live;
    options.recording = SCOUT_RECORD_VOICE;
    options.split_after_s = 1;
    options.pre_roll_s = 0.5;
    begin(&heard, &options);
    size_t spoken[2];
    for (size_t i = 0; i < 2; i++) {
        write_silence(&from, 20 * RATE);
        spoken[i] = from.count;
        write_frames(&from, speech, speech_count);
    }
    write_silence(&from, 3 * RATE);
    end_pipe(&from);
    wait_for(&heard, SCOUT_OK);
    assert_int_equal(heard.folder_count, 2);
    for (size_t i = 0; i < 2; i++) {
        const size_t start = (size_t)(heard.starts_s[i] * RATE + 0.5);
        assert_true(start <= spoken[i] && start + 2 * RATE > spoken[i]);
        Kept kept = read_journal(heard.folders[i]);
        assert_true(kept.ended && start + kept.count >= spoken[i] + speech_count);
        assert_true(start + kept.count <= from.count);
        check_frames(&kept, from.frames + start, (size_t)kept.count);
        assert_non_null(strstr(kept.texts, "young man"));
        free(kept.frames);
    }
    close_pipe(&from);
}

static void silence_is_no_recording(void **state)
{
    (void)state;
    need_model();
    static Heard heard = HEARD_NOTHING;
    Pipe from;
    open_pipe(&from);
    const ScoutLiveOptions live = live_options();
    ScoutCaptureOptions options = of_pipe(&from);
    options.live = &live;
    options.recording = SCOUT_RECORD_VOICE;
    begin(&heard, &options);
    write_silence(&from, 40 * RATE);
    end_pipe(&from);
    wait_for(&heard, SCOUT_OK);
    assert_int_equal(heard.begun_count, 0);
    assert_int_equal(things_in("kept"), 0);
    assert_string_equal(heard.finals, "");
    close_pipe(&from);
}

// The sound has all been taken when it turns out that there is speech in it.
static void a_word_at_the_very_end_is_kept(void **state)
{
    (void)state;
    need_model();
    static Heard heard = HEARD_NOTHING;
    Pipe from;
    open_pipe(&from);
    const ScoutLiveOptions live = live_options();
    ScoutCaptureOptions options = of_pipe(&from);
    options.live = &live;
    options.recording = SCOUT_RECORD_VOICE;
    begin(&heard, &options);
    write_silence(&from, 2 * RATE);
    write_frames(&from, speech, speech_count - RATE / 2); // in the middle of a word
    end_pipe(&from);
    wait_for(&heard, SCOUT_OK);
    assert_int_equal(heard.folder_count, 1);
    const size_t start = (size_t)(heard.starts_s[0] * RATE + 0.5);
    Kept kept = read_journal(heard.folders[0]);
    assert_true(start <= 2 * RATE && start + kept.count == from.count);
    check_frames(&kept, from.frames + start, (size_t)kept.count);
    assert_non_null(strstr(kept.texts, "young"));
    free(kept.frames);
    close_pipe(&from);
}

static void finish_recording(const char *folder, size_t texts)
{
    ScoutRecording *recording = NULL;
    assert_int_equal(scout_recording_open(folder, &recording, NULL), SCOUT_OK);
    assert_int_equal(scout_recording_finish(engine, recording, NULL, NULL, NULL, NULL), SCOUT_OK);
    assert_true(scout_recording_info(recording)->texts >= texts);
    scout_recording_free(recording);
}

// No recording can begin for some time; what is said meanwhile is remembered.
static void a_recording_that_cannot_begin_is_tried_again(void **state)
{
    (void)state;
    need_model();
    static Heard heard = HEARD_NOTHING;
    Pipe from;
    open_pipe(&from);
    const ScoutLiveOptions live = live_options();
    ScoutCaptureOptions options = of_pipe(&from);
    options.live = &live;
    options.recording = SCOUT_RECORD_VOICE;
    begin(&heard, &options);
    write_silence(&from, RATE);
    assert_true(comes(&heard.states[SCOUT_CAPTURE_RUNNING]));
    assert_int_equal(rmdir("kept"), 0);
    assert_int_equal(file_write("kept", "x", 1, false, NULL), SCOUT_OK);
    write_frames(&from, speech, speech_count);
    for (int i = 0; i < 100 && atomic_load(&heard.full) == 0; i++) {
        write_silence(&from, RATE / 100);
        sleep_ms(100);
    }
    assert_true(atomic_load(&heard.full) > 0);
    assert_int_equal(unlink("kept"), 0);
    for (int i = 0; i < 100 && atomic_load(&heard.good) == 0; i++) {
        write_silence(&from, RATE / 100);
        sleep_ms(100);
    }
    end_pipe(&from);
    wait_for(&heard, SCOUT_OK);
    assert_true(atomic_load(&heard.good) > 0);
    assert_int_equal(heard.folder_count, 1);
    const size_t start = (size_t)(heard.starts_s[0] * RATE + 0.5);
    assert_true(start <= (size_t)RATE);
    check_journal(heard.folders[0], from.frames + start, from.count - start);
    // Its text was told before there was a journal.
    finish_recording(heard.folders[0], 1);
    close_pipe(&from);
}

// The receiver holds the text up, until more waits than may.
static void a_recording_goes_on_without_text(void **state)
{
    (void)state;
    need_model();
    for (int records = 0; records < 2; records++) {
        static Heard heard = HEARD_NOTHING;
        heard.block_at = SCOUT_CAPTURE_EVENT_LIVE;
        Pipe from;
        open_pipe(&from);
        ScoutLiveOptions live = live_options();
        live.backlog_max_s = 1;
        ScoutCaptureOptions options = of_pipe(&from);
        options.live = &live;
        options.real_time = 1;
        options.recording = records ? SCOUT_RECORD_ALL : SCOUT_RECORD_NOTHING;
        begin(&heard, &options);
        write_frames(&from, speech, speech_count);
        write_silence(&from, 6 * RATE);
        write_frames(&from, speech, speech_count);
        end_pipe(&from);
        sleep_ms(500);
        atomic_store(&heard.released, true);
        wait_for(&heard, SCOUT_ERROR_LIMIT);
        heard.block_at = -1;
        assert_int_equal(heard.folder_count, records);
        if (records) {
            Kept kept = read_journal(heard.folders[0]);
            check_frames(&kept, from.frames, from.count);
            assert_non_null(strstr(kept.marks, "text_failed"));
            free(kept.frames);
            finish_recording(heard.folders[0], 2);
        }
        close_pipe(&from);
    }
}

static void a_pause_ends_what_is_being_said(void **state)
{
    (void)state;
    need_model();
    static Heard heard = HEARD_NOTHING;
    Pipe from;
    open_pipe(&from);
    const ScoutLiveOptions live = live_options();
    ScoutCaptureOptions options = of_pipe(&from);
    options.live = &live;
    begin(&heard, &options);
    write_frames(&from, speech, speech_count - RATE / 4);
    drain(&from);
    assert_int_equal(scout_capture_pause(heard.capture, 0, NULL), SCOUT_OK);
    write_silence(&from, 1);
    assert_true(comes(&heard.states[SCOUT_CAPTURE_PAUSED]));
    // The final text comes though no more sound is listened to.
    for (int i = 0; i < 2000 && !atomic_load(&heard.counts[SCOUT_CAPTURE_EVENT_LIVE]); i++)
        sleep_ms(5);
    write_frames(&from, speech, speech_count);
    end_pipe(&from);
    wait_for(&heard, SCOUT_OK);
    const char *said = strstr(heard.finals, "young");
    assert_non_null(said);
    assert_null(strstr(said + 1, "young"));
    close_pipe(&from);
}

static void find_recording(char path[PATH_BYTES])
{
    DIR *folder = opendir("kept");
    assert_non_null(folder);
    path[0] = '\0';
    for (const struct dirent *entry; (entry = readdir(folder));)
        if (entry->d_name[0] != '.')
            snprintf(path, PATH_BYTES, "kept/%.200s", entry->d_name);
    closedir(folder);
    assert_int_not_equal(path[0], '\0');
}

// Nobody looks at the text any more, but the recording gets it.
static void who_says_no_to_text_still_has_it_in_the_recording(void **state)
{
    (void)state;
    need_model();
    static Heard heard = HEARD_NOTHING;
    heard.stop_at = SCOUT_CAPTURE_EVENT_LIVE;
    Pipe from;
    open_pipe(&from);
    const ScoutLiveOptions live = live_options();
    ScoutCaptureOptions options = of_pipe(&from);
    options.live = &live;
    options.real_time = 1;
    options.recording = SCOUT_RECORD_ALL;
    // All of it lies in the pipe when the capture begins.
    assert_true(fcntl(from.ends[1], F_SETPIPE_SZ, 1 << 18) >= (int)sizeof speech);
    write_frames(&from, speech, speech_count);
    end_pipe(&from);
    begin(&heard, &options);
    wait_for(&heard, SCOUT_OK);
    heard.stop_at = -1;
    assert_int_equal(heard.counts[SCOUT_CAPTURE_EVENT_LIVE], 1);
    // Perhaps it was not even told of the recording.
    char folder[PATH_BYTES];
    find_recording(folder);
    Kept kept = read_journal(folder);
    assert_true(kept.ended && kept.count > 0);
    check_frames(&kept, from.frames, (size_t)kept.count);
    assert_true(kept.count < from.count || strstr(kept.texts, "young man"));
    free(kept.frames);
    close_pipe(&from);
}

static void what_cannot_be_opened_is_named(void **state)
{
    (void)state;
    need_model();
    static Heard heard = HEARD_NOTHING;
    ScoutLiveOptions live = live_options();
    ScoutTranscribeOptions transcribe = *live.transcribe;
    transcribe.model = "no-such-model";
    live.transcribe = &transcribe;
    ScoutCaptureOptions options = of_nothing();
    options.live = &live;
    ScoutCapture *capture = NULL;
    ScoutError error = {0};
    assert_int_not_equal(scout_capture_new(engine, &options, hear, &heard, &capture, &error),
                         SCOUT_OK);
    assert_non_null(strstr(error.message, "no-such-model"));
    assert_null(capture);
    options = of_nothing();
    options.source = SCOUT_SOURCE_FILE;
    options.path = "no-such-file.wav";
    ScoutStatus status = scout_capture_new(engine, &options, hear, &heard, &capture, &error);
    if (!status)
        status = scout_capture_wait(capture, &error);
    scout_capture_free(capture);
    assert_int_equal(status, SCOUT_ERROR_NOT_FOUND);
    assert_non_null(strstr(error.message, "no-such-file.wav"));
}

static void cancelling_does_not_wait_for_text(void **state)
{
    (void)state;
    need_model();
    static Heard heard = HEARD_NOTHING;
    Pipe from;
    open_pipe(&from);
    const ScoutLiveOptions live = live_options();
    ScoutCaptureOptions options = of_pipe(&from);
    options.live = &live;
    options.real_time = 1;
    options.recording = SCOUT_RECORD_ALL;
    begin(&heard, &options);
    for (int i = 0; i < 15; i++)
        write_frames(&from, speech, speech_count);
    drain(&from);
    scout_capture_cancel(heard.capture);
    wait_for(&heard, SCOUT_ERROR_CANCELLED);
    Kept kept = read_journal(heard.begun[0]);
    check_frames(&kept, from.frames, (size_t)kept.count);
    free(kept.frames);
    close_pipe(&from);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(a_pipe_is_kept_frame_by_frame),
        IN_FOLDER(a_pause_leaves_out_what_comes),
        IN_FOLDER(a_pause_waits_for_the_end_of_a_word),
        IN_FOLDER(a_wish_may_be_taken_back),
        IN_FOLDER(silence_goes_on_until_it_is_stopped),
        IN_FOLDER(cancelling_keeps_the_recording),
        IN_FOLDER(a_capture_may_go_at_any_moment),
        IN_FOLDER(who_says_no_ends_the_capture),
        IN_FOLDER(who_does_not_answer_delays_no_journal),
        IN_FOLDER(a_folder_that_cannot_be_used_is_named),
        IN_FOLDER(a_full_disk_is_told_and_loses_nothing),
        IN_FOLDER(what_is_only_kept_for_a_crash_goes_when_all_is_well),
        IN_FOLDER(wrong_options_are_named),
        IN_FOLDER(a_file_gives_text_and_recording),
        IN_FOLDER(each_time_somebody_speaks_is_a_recording),
        IN_FOLDER(silence_is_no_recording),
        IN_FOLDER(a_word_at_the_very_end_is_kept),
        IN_FOLDER(a_recording_that_cannot_begin_is_tried_again),
        IN_FOLDER(a_recording_goes_on_without_text),
        IN_FOLDER(a_pause_ends_what_is_being_said),
        IN_FOLDER(who_says_no_to_text_still_has_it_in_the_recording),
        IN_FOLDER(what_cannot_be_opened_is_named),
        IN_FOLDER(cancelling_does_not_wait_for_text),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
