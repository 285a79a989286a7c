// Live text on a virtual clock: what bench/live measures with. Sound arrives in frames of 20 ms, by
// the clock; listening and computing take the time that they took. Between frames the clock jumps
// when there is nothing to do, so a day passes in minutes, and each event gets the time at which
// somebody who sits at the microphone would have seen it. It reads a command a line from standard
// input and answers each with a line of JSON.
//
//     bench_live [--models-dir FOLDER] [--model NAME] [--language CODE] [--threads N] [--cpu
//     KERNELS]
//
//     clip LANGUAGE PATH            a stream of its own for 16 kHz mono f32 samples; - for the
//     default day HOURS EVERY_S PATH        so many hours of noise with the clip in it again and
//     again idle SECONDS                  a stream that gets no sound: processor time
//
// What the live stream is made of is asked of src/api, because its own thread has the wall's clock.
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include "base/cancel.h"
#include "base/str.h"
#include "engine.h"
#include "speech/live.h"
#include "stream.h"
#include <scout/live.h>
#include <scout/speech.h>

enum {
    LINE_BYTES = 8192,
    FRAME_SAMPLES = SCOUT_SAMPLE_RATE / 50,
    PUSH_SAMPLES = SCOUT_SAMPLE_RATE / 10, // as the thread of ScoutLive does
    SAMPLES_MAX = 1200 * SCOUT_SAMPLE_RATE,
    NAP_MS = 1
};

typedef struct Driver {
    ScoutEngine *engine;
    const char *model, *language;
} Driver;

typedef struct Sound {
    float *samples;
    size_t count;
} Sound;

// One stream and its clock.
typedef struct Run {
    EngineModel *model;
    Live *live;
    json_t *events; // NULL: only counted
    double clock_s; // now, at the last call's beginning
    double call_s;  // the machine's clock at that moment
    double cpu_s, speech_cpu_s, busy_s;
    size_t pushed;
    bool speaking, ended;
    json_t *starts; // where speech began, in seconds; NULL: not asked for
} Run;

static double clock_now(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void print_json(json_t *answer)
{
    char *text = answer ? json_dumps(answer, JSON_COMPACT) : NULL;
    puts(text ? text : "{\"error\": \"no memory\"}");
    fflush(stdout);
    free(text);
    json_decref(answer);
}

static void print_error(const char *message)
{
    print_json(json_pack("{s:s}", "error", message));
}

// ------------------------------------------------------------------------------------------ events

static json_t *describe_text(const ScoutLiveText *text)
{
    return json_pack("{s:s%, s:I, s:f, s:f, s:s}", "settled", text->text, text->settled_bytes,
                     "utterance", (json_int_t)text->utterance, "start_s", text->start_s, "end_s",
                     text->end_s, "text", text->text);
}

static json_t *describe(const ScoutLiveEvent *event, const char **type)
{
    static const char *const types[] = {
        [SCOUT_LIVE_LANGUAGE] = "language", [SCOUT_LIVE_SPEECH_STARTED] = "started",
        [SCOUT_LIVE_PARTIAL] = "partial",   [SCOUT_LIVE_SPEECH_ENDED] = "ended",
        [SCOUT_LIVE_FINAL] = "final",       [SCOUT_LIVE_COMMAND] = "command",
        [SCOUT_LIVE_SKIPPED] = "skipped",   [SCOUT_LIVE_DEGRADED] = "degraded",
        [SCOUT_LIVE_PROGRESS] = "progress",
    };
    *type = types[event->type];
    switch (event->type) {
    case SCOUT_LIVE_SPEECH_STARTED:
    case SCOUT_LIVE_SPEECH_ENDED:
        return json_pack("{s:I, s:f, s:f}", "utterance", (json_int_t)event->u.speech.utterance,
                         "at_s", event->u.speech.at_s, "known_s", event->u.speech.known_s);
    case SCOUT_LIVE_PARTIAL:
    case SCOUT_LIVE_FINAL: return describe_text(&event->u.text);
    case SCOUT_LIVE_SKIPPED:
        return json_pack("{s:f, s:f, s:i, s:f, s:s}", "start_s", event->u.skipped.start_s, "end_s",
                         event->u.skipped.end_s, "reason", (int)event->u.skipped.reason,
                         "speech_prob_max", (double)event->u.skipped.speech_prob_max, "text",
                         event->u.skipped.text ? event->u.skipped.text : "");
    case SCOUT_LIVE_DEGRADED:
        return json_pack("{s:i, s:f}", "pace", (int)event->u.degraded.pace, "backlog_s",
                         event->u.degraded.backlog_s);
    default: return NULL;
    }
}

static int take_event(void *context, const ScoutLiveEvent *event)
{
    Run *run = context;
    if (event->type == SCOUT_LIVE_SPEECH_STARTED) {
        run->speaking = true;
        if (run->starts)
            json_array_append_new(run->starts, json_real(event->u.speech.at_s));
    } else if (event->type == SCOUT_LIVE_FINAL) {
        run->speaking = false;
    }
    if (!run->events)
        return 0;
    const char *type = NULL;
    json_t *entry = describe(event, &type);
    if (!entry)
        return 0;
    const double now_s = run->clock_s + clock_now(CLOCK_MONOTONIC) - run->call_s;
    json_object_set_new(entry, "type", json_string(type));
    json_object_set_new(entry, "now_s", json_real(now_s));
    json_object_set_new(entry, "after_end", json_boolean(run->ended));
    json_array_append_new(run->events, entry);
    return 0;
}

// ------------------------------------------------------------------------------------------- clock

typedef struct Started {
    double cpu_s;
    bool speaking;
} Started;

static Started start_call(Run *run)
{
    run->call_s = clock_now(CLOCK_MONOTONIC);
    return (Started){clock_now(CLOCK_PROCESS_CPUTIME_ID), run->speaking};
}

static void end_call(Run *run, Started started)
{
    const double cpu_s = clock_now(CLOCK_PROCESS_CPUTIME_ID) - started.cpu_s;
    const double took_s = clock_now(CLOCK_MONOTONIC) - run->call_s;
    run->cpu_s += cpu_s;
    if (started.speaking || run->speaking)
        run->speech_cpu_s += cpu_s;
    run->clock_s += took_s;
    run->busy_s += took_s;
}

// Samples that have arrived by now.
static size_t arrived(const Run *run, size_t total)
{
    const size_t frames = (size_t)(run->clock_s * 50);
    return frames * FRAME_SAMPLES < total ? frames * FRAME_SAMPLES : total;
}

static ScoutStatus work(Run *run, size_t waiting, bool *idle, ScoutError *error)
{
    const Started started = start_call(run);
    const ScoutStatus status =
        live_work(run->live, (double)waiting / SCOUT_SAMPLE_RATE, idle, error);
    end_call(run, started);
    return status;
}

static ScoutStatus push(Run *run, const float *samples, size_t count, ScoutError *error)
{
    const Started started = start_call(run);
    const ScoutStatus status = live_push(run->live, samples, count, error);
    end_call(run, started);
    run->pushed += count;
    return status;
}

// Where a run's samples from `at` are; as many as are asked for at the most.
typedef const float *(*SampleSource)(void *context, size_t at, size_t *count);

static ScoutStatus listen(Run *run, SampleSource source, void *context, size_t total,
                          ScoutError *error)
{
    bool idle = false;
    ScoutStatus status = SCOUT_OK;
    while (!status && !(run->pushed == total && idle)) {
        size_t count = arrived(run, total) - run->pushed;
        const size_t room = live_room(run->live);
        if (count > PUSH_SAMPLES)
            count = PUSH_SAMPLES;
        if (count > room)
            count = room;
        if (count > 0) {
            const float *samples = source(context, run->pushed, &count);
            status = push(run, samples, count, error);
        } else if (idle && run->pushed < total) { // until the next frame
            const size_t frames = run->pushed / FRAME_SAMPLES + 1;
            run->clock_s = (double)frames / 50 + 1e-9;
            continue;
        }
        if (!status)
            status = work(run, arrived(run, total) - run->pushed, &idle, error);
    }
    run->ended = true;
    if (!status)
        status = live_end(run->live, error);
    for (idle = false; !status && !idle;)
        status = work(run, 0, &idle, error);
    return status;
}

// ---------------------------------------------------------------------------------------- commands

static ScoutStatus open_run(const Driver *driver, const char *language, Run *run, ScoutError *error)
{
    ScoutTranscribeOptions transcribe;
    ScoutLiveOptions options;
    const Silero *silero = NULL;
    scout_live_options_init(&options);
    ScoutTranscribeOptions given;
    scout_transcribe_options_init(&given);
    given.model = driver->model;
    given.language = language;
    given.priority = SCOUT_PRIORITY_LIVE;
    ScoutStatus status = stream_options(&given, &transcribe, error);
    if (!status)
        status = engine_whisper(driver->engine, transcribe.model, &run->model, error);
    if (!status)
        status = engine_silero(driver->engine, &silero, error);
    const LiveSetup setup = {.batch = run->model ? run->model->batch : NULL,
                             .silero = silero,
                             .schedule = driver->engine->schedule,
                             .threads = (size_t)scout_engine_threads(driver->engine),
                             .transcribe = &transcribe,
                             .options = &options,
                             .callback = take_event,
                             .context = run};
    return status ? status : live_new(&setup, &run->live, error);
}

static void close_run(const Driver *driver, Run *run)
{
    live_free(run->live);
    engine_release(driver->engine, run->model);
}

static Sound read_sound(const char *path)
{
    FILE *file = fopen(path, "rb");
    Sound sound = {malloc(SAMPLES_MAX * sizeof(float)), 0};
    if (file && sound.samples)
        sound.count = fread(sound.samples, sizeof(float), SAMPLES_MAX, file);
    if (file)
        fclose(file);
    if (sound.count == 0) {
        free(sound.samples);
        sound.samples = NULL;
    }
    return sound;
}

static const float *of_sound(void *context, size_t at, size_t *count)
{
    const Sound *sound = context;
    (void)count;
    return sound->samples + at;
}

static void do_clip(const Driver *driver, const char *language, const char *path)
{
    ScoutError error = {.message = ""};
    Sound sound = read_sound(path);
    Run run = {.events = json_array()};
    ScoutStatus status = open_run(driver, language, &run, &error);
    if (!status && sound.count > 0)
        status = listen(&run, of_sound, &sound, sound.count, &error);
    if (status || sound.count == 0)
        print_error(status ? error.message : "no samples");
    else
        print_json(json_pack("{s:f, s:f, s:f, s:f, s:O}", "audio_s",
                             (double)sound.count / SCOUT_SAMPLE_RATE, "cpu_s", run.cpu_s,
                             "speech_cpu_s", run.speech_cpu_s, "busy_s", run.busy_s, "events",
                             run.events));
    json_decref(run.events);
    close_run(driver, &run);
    free(sound.samples);
}

// Noise of -70 dBFS, and the clip every so many samples.
typedef struct Day {
    const Sound *clip;
    size_t every;
    uint32_t noise;
    float samples[PUSH_SAMPLES];
} Day;

static const float *of_day(void *context, size_t at, size_t *count)
{
    Day *day = context;
    for (size_t i = 0; i < *count; i++) {
        day->noise = day->noise * 1664525u + 1013904223u;
        const float white = (float)(int32_t)day->noise * (1.0f / 2147483648.0f);
        const size_t place = (at + i) % day->every;
        day->samples[i] =
            white * 0.0005f + (place < day->clip->count ? day->clip->samples[place] : 0);
    }
    return day->samples;
}

static long resident_kib(void)
{
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file && fscanf(file, "%*d %ld", &pages) != 1)
        pages = 0;
    if (file)
        fclose(file);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

// Memory is looked at after each sixteenth of the time.
static void do_day(const Driver *driver, double hours, double every_s, const char *path)
{
    enum { PARTS = 16 };
    ScoutError error = {.message = ""};
    const Sound clip = read_sound(path);
    Run run = {.starts = json_array()};
    Day *day = calloc(1, sizeof *day);
    json_t *memory = json_array();
    const size_t total = (size_t)(hours * 3600 * SCOUT_SAMPLE_RATE);
    ScoutStatus status = open_run(driver, driver->language, &run, &error);
    if (day)
        *day = (Day){.clip = &clip, .every = (size_t)(every_s * SCOUT_SAMPLE_RATE), .noise = 1};
    bool idle = true;
    for (size_t part = 1; day && part <= PARTS && !status; part++) {
        const size_t end = total / PARTS * part;
        while (run.pushed < end && !status) {
            size_t count = live_room(run.live);
            count = count < PUSH_SAMPLES ? count : PUSH_SAMPLES;
            count = count < end - run.pushed ? count : end - run.pushed;
            if (count > 0)
                status = push(&run, of_day(day, run.pushed, &count), count, &error);
            do {
                status = status ? status : work(&run, 0, &idle, &error);
            } while (!status && !idle);
        }
        json_array_append_new(memory, json_integer(resident_kib()));
    }
    if (status || !day || clip.count == 0)
        print_error(status ? error.message : "no samples");
    else
        print_json(json_pack("{s:f, s:f, s:O, s:O}", "audio_s",
                             (double)run.pushed / SCOUT_SAMPLE_RATE, "cpu_s", run.cpu_s, "starts_s",
                             run.starts, "resident_kib", memory));
    json_decref(memory);
    json_decref(run.starts);
    close_run(driver, &run);
    free(day);
    free(clip.samples);
}

static int no_event(void *context, const ScoutLiveEvent *event)
{
    (void)context;
    (void)event;
    return 0;
}

static void do_idle(const Driver *driver, double seconds)
{
    ScoutError error = {.message = ""};
    ScoutLiveOptions options;
    ScoutLive *live = NULL;
    scout_live_options_init(&options);
    ScoutTranscribeOptions transcribe;
    scout_transcribe_options_init(&transcribe);
    transcribe.model = driver->model;
    transcribe.language = driver->language;
    options.transcribe = &transcribe;
    if (scout_live_new(driver->engine, &options, no_event, NULL, &live, &error)) {
        print_error(error.message);
        return;
    }
    const double cpu_s = clock_now(CLOCK_PROCESS_CPUTIME_ID);
    const struct timespec pause = {.tv_sec = (time_t)seconds};
    nanosleep(&pause, NULL);
    print_json(json_pack("{s:f, s:f}", "seconds", (double)pause.tv_sec, "cpu_s",
                         clock_now(CLOCK_PROCESS_CPUTIME_ID) - cpu_s));
    scout_live_free(live);
}

static void obey(const Driver *driver, char *line)
{
    char language[32];
    double first = 0, second = 0;
    int used = 0;
    if (sscanf(line, "clip %31s %n", language, &used) == 1 && used > 0)
        do_clip(driver, str_equal(language, "-") ? driver->language : language, line + used);
    else if (sscanf(line, "day %lf %lf %n", &first, &second, &used) == 2 && used > 0)
        do_day(driver, first, second, line + used);
    else if (sscanf(line, "idle %lf", &first) == 1)
        do_idle(driver, first);
    else
        print_error("no such command");
}

int main(int argc, char **argv)
{
    Driver driver = {.language = "en"};
    ScoutEngineOptions options;
    scout_engine_options_init(&options);
    for (int i = 1; i + 1 < argc; i += 2) {
        if (str_equal(argv[i], "--models-dir"))
            options.models_folder = argv[i + 1];
        else if (str_equal(argv[i], "--model"))
            driver.model = argv[i + 1];
        else if (str_equal(argv[i], "--language"))
            driver.language = argv[i + 1];
        else if (str_equal(argv[i], "--threads"))
            options.threads = (int)strtol(argv[i + 1], NULL, 10);
        else if (str_equal(argv[i], "--cpu"))
            options.cpu = argv[i + 1];
    }
    ScoutError error = {.message = ""};
    if (scout_engine_new(&options, &driver.engine, &error) ||
        scout_engine_load(driver.engine, driver.model ? driver.model : "base", &error)) {
        print_error(error.message);
        return EXIT_FAILURE;
    }
    print_json(json_pack("{s:s, s:i}", "kernels", scout_engine_kernels(driver.engine), "threads",
                         scout_engine_threads(driver.engine)));
    char line[LINE_BYTES];
    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = '\0';
        obey(&driver, line);
    }
    scout_engine_free(driver.engine);
    return EXIT_SUCCESS;
}
