// An engine that stays: what bench/run and bench/scale measure with, by the public API alone. It
// reads a command a line from standard input and answers each with a line of JSON.
//
//     bench_driver [--models-dir FOLDER] [--model NAME] [--language CODE] [--threads N]
//                  [--cpu KERNELS] [--decoder PROGRAM]
//
//     file BEAM PATH             a recording, from file to text
//     samples BEAM PATH          16 kHz mono f32 of a file, pushed at once, to the last text
//     measure SECONDS [STAGE]    the stages, each for so long; or one of them
//     beside BEAM RUNS PATH LONG as `samples`, alone and while LONG is being transcribed
//     idle SECONDS               how much processor time passes while nothing is asked
//     memory                     of this process
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <scout/measure.h>
#include <scout/models.h>
#include <scout/speech.h>

enum { LINE_BYTES = 8192, RUNS_MAX = 1000, SAMPLES_MAX = 600 * SCOUT_SAMPLE_RATE, PAUSE_MS = 50 };

typedef struct Driver {
    ScoutEngine *engine;
    const char *model, *language;
} Driver;

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void sleep_s(double seconds)
{
    struct timespec pause = {.tv_sec = (time_t)seconds,
                             .tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9)};
    nanosleep(&pause, NULL);
}

static void print_text(const char *text)
{
    putchar('"');
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            putchar('\\');
        if ((unsigned char)*text < ' ')
            printf("\\u%04x", (unsigned)*text);
        else
            putchar(*text);
    }
    putchar('"');
}

static void print_error(const char *message)
{
    printf("{\"error\": ");
    print_text(message);
    printf("}\n");
}

static ScoutTranscribeOptions options_of(const Driver *driver, int beam)
{
    ScoutTranscribeOptions options;
    scout_transcribe_options_init(&options);
    options.model = driver->model;
    options.language = driver->language;
    if (beam > 0)
        options.beam_size = beam;
    return options;
}

static void do_file(const Driver *driver, int beam, const char *path)
{
    ScoutError error;
    ScoutTranscript *transcript = NULL;
    ScoutTranscribeOptions options = options_of(driver, beam);
    double start_s = now_s();
    if (scout_transcribe_file(driver->engine, path, &options, NULL, NULL, NULL, &transcript,
                              &error)) {
        print_error(error.message);
    } else {
        double seconds = now_s() - start_s;
        const ScoutTimings *t = scout_transcript_timings(transcript);
        printf("{\"seconds\": %.6f, \"audio_s\": %.3f, \"decode_s\": %.6f, \"vad_s\": %.6f, "
               "\"mel_s\": %.6f, \"encoder_s\": %.6f, \"decoder_s\": %.6f, \"windows\": %zu, "
               "\"tokens\": %zu, \"fallbacks\": %zu, \"text\": ",
               seconds, t->audio_s, t->decode_s, t->vad_s, t->mel_s, t->encoder_s, t->decoder_s,
               t->windows, t->tokens, t->fallbacks);
        print_text(scout_transcript_text(transcript));
        printf("}\n");
    }
    scout_transcript_free(transcript);
}

// The samples of a raw file, or NULL.
static float *read_samples(const char *path, size_t *count)
{
    FILE *file = fopen(path, "rb");
    float *samples = malloc(SAMPLES_MAX * sizeof(*samples));
    *count = file && samples ? fread(samples, sizeof(*samples), SAMPLES_MAX, file) : 0;
    if (file)
        fclose(file);
    if (*count)
        return samples;
    free(samples);
    return NULL;
}

typedef struct Said {
    char text[LINE_BYTES];
    size_t length;
} Said;

static int on_event(void *context, const ScoutEvent *event)
{
    Said *said = context;
    if (event->type != SCOUT_EVENT_SEGMENT)
        return 0;
    size_t length = strlen(event->u.segment.text);
    if (said->length + length < sizeof(said->text)) {
        memcpy(said->text + said->length, event->u.segment.text, length + 1);
        said->length += length;
    }
    return 0;
}

// From a new stream to the end of its text.
static ScoutStatus run_stream(const Driver *driver, int beam, const float *samples, size_t count,
                              Said *said, double *seconds, ScoutError *error)
{
    ScoutTranscribeOptions options = options_of(driver, beam);
    ScoutStream *stream = NULL;
    *said = (Said){.length = 0};
    double start_s = now_s();
    ScoutStatus status = scout_stream_new(driver->engine, &options, on_event, said, &stream, error);
    if (!status)
        status = scout_stream_push(stream, samples, count, error);
    if (!status)
        status = scout_stream_finish(stream, error);
    *seconds = now_s() - start_s;
    scout_stream_free(stream);
    return status;
}

static void do_samples(const Driver *driver, int beam, const char *path)
{
    size_t count;
    float *samples = read_samples(path, &count);
    ScoutError error;
    Said said;
    double seconds;
    if (!samples) {
        print_error("the samples cannot be read");
    } else if (run_stream(driver, beam, samples, count, &said, &seconds, &error)) {
        print_error(error.message);
    } else {
        printf("{\"seconds\": %.6f, \"audio_s\": %.3f, \"text\": ", seconds,
               (double)count / SCOUT_SAMPLE_RATE);
        print_text(said.text);
        printf("}\n");
    }
    free(samples);
}

// SCOUT_MEASURE_... of a name; all of them without one.
static int stage_named(const char *name)
{
    static const char *const names[] = {"load",  "mel",  "encoder", "prompt",
                                        "token", "beam", "batch",   "machine"};
    for (int i = 0; name && i < (int)(sizeof(names) / sizeof(names[0])); i++)
        if (strcmp(names[i], name) == 0)
            return 1 << i;
    return name ? 0 : SCOUT_MEASURE_ALL;
}

static void do_measure(const Driver *driver, double stage_s, const char *stage)
{
    ScoutMeasureOptions options;
    scout_measure_options_init(&options);
    options.model = driver->model;
    options.stage_s = stage_s;
    options.runs = 1000;
    options.stages = stage_named(stage);
    ScoutMeasurements *m = NULL;
    ScoutError error;
    if (scout_engine_measure(driver->engine, &options, NULL, NULL, &m, &error)) {
        print_error(error.message);
        return;
    }
    const struct {
        const char *name;
        double value;
    } figures[] = {
        {"load_ms", m->load.min_ms},
        {"mel_ms", m->mel.min_ms},
        {"encoder_ms", m->encoder.min_ms},
        {"prompt_ms", m->prompt.min_ms},
        {"decoder_ms_per_token", m->token.min_ms},
        {"decoder_ms_per_step", m->beam_step.min_ms},
        {"decoder_ms_per_batch_step", m->batch_step.min_ms},
        {"f32_gops", m->f32_peak_gops},
        {"bf16_gops", m->bf16_peak_gops},
        {"int8_gops", m->int8_peak_gops},
        {"memory_gb_per_s", m->memory_read_gbs},
        {"weights_gb_per_s", m->weights_read_gbs},
        {"encoder_peak_share", m->encoder_peak_share},
        {"decoder_bandwidth_share", m->token_bandwidth_share},
    };
    for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++)
        printf("%s\"%s\": %.5f", i ? ", " : "{", figures[i].name, figures[i].value);
    printf("}\n");
    scout_free(m);
}

// A recording that is transcribed beside.
typedef struct Long {
    const Driver *driver;
    const char *path;
    int beam;
    ScoutCancel *cancel;
    atomic_bool begun, ended;
    _Atomic double settled_s;
    ScoutStatus status;
    ScoutError error;
} Long;

static int on_long_event(void *context, const ScoutEvent *event)
{
    Long *file = context;
    if (event->type == SCOUT_EVENT_PROGRESS)
        atomic_store(&file->settled_s, event->u.progress.settled_s);
    if (event->type == SCOUT_EVENT_SEGMENT)
        atomic_store(&file->begun, true);
    return 0;
}

static void *run_long(void *context)
{
    Long *file = context;
    ScoutTranscript *transcript = NULL;
    ScoutTranscribeOptions options = options_of(file->driver, file->beam);
    file->status = scout_transcribe_file(file->driver->engine, file->path, &options, on_long_event,
                                         file, file->cancel, &transcript, &file->error);
    scout_transcript_free(transcript);
    atomic_store(&file->ended, true);
    return NULL;
}

static void print_times(const char *name, const double *times, int count)
{
    printf("\"%s\": [", name);
    for (int i = 0; i < count; i++)
        printf("%s%.6f", i ? ", " : "", times[i]);
    printf("]");
}

// Runs the clip again and again; with a recording beside it, for as long as that lasts.
static int run_clips(const Driver *driver, int beam, int runs, const float *samples, size_t count,
                     const Long *beside, double *times)
{
    ScoutError error;
    Said said;
    int done = 0;
    while (done < runs && !(beside && atomic_load(&beside->ended)) &&
           !run_stream(driver, beam, samples, count, &said, &times[done], &error)) {
        done += !(beside && atomic_load(&beside->ended));
        sleep_s(PAUSE_MS * 1e-3);
    }
    return done;
}

static void do_beside(const Driver *driver, int beam, int runs, const char *path,
                      const char *long_path)
{
    static double alone[RUNS_MAX];
    static double together[RUNS_MAX];
    size_t count;
    float *samples = read_samples(path, &count);
    Long file = {.driver = driver, .path = long_path, .beam = beam};
    pthread_t thread;
    if (!samples || runs < 1 || runs > RUNS_MAX || scout_cancel_new(&file.cancel, NULL)) {
        print_error("the samples cannot be read, or there are too many runs");
        free(samples);
        return;
    }
    (void)run_clips(driver, beam, 1, samples, count, NULL, alone);
    int alone_count = run_clips(driver, beam, runs, samples, count, NULL, alone);
    if (pthread_create(&thread, NULL, run_long, &file) != 0) {
        print_error("no thread for the recording");
    } else {
        while (!atomic_load(&file.begun) && !atomic_load(&file.ended))
            sleep_s(PAUSE_MS * 1e-3);
        double start_s = now_s();
        double settled_s = atomic_load(&file.settled_s);
        int together_count = run_clips(driver, beam, runs, samples, count, &file, together);
        double passed_s = now_s() - start_s;
        settled_s = atomic_load(&file.settled_s) - settled_s;
        scout_cancel_raise(file.cancel);
        pthread_join(thread, NULL);
        printf("{\"audio_s\": %.3f, ", (double)count / SCOUT_SAMPLE_RATE);
        print_times("alone", alone, alone_count);
        printf(", ");
        print_times("beside", together, together_count);
        printf(", \"passed_s\": %.3f, \"long_settled_s\": %.3f}\n", passed_s, settled_s);
    }
    scout_cancel_free(file.cancel);
    free(samples);
}

static double processor_s(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
}

static void do_idle(double seconds)
{
    double before_s = processor_s();
    double start_s = now_s();
    sleep_s(seconds);
    double passed_s = now_s() - start_s;
    printf("{\"passed_s\": %.6f, \"processor_s\": %.6f}\n", passed_s, processor_s() - before_s);
}

static void do_memory(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file || fscanf(file, "%*d %ld", &pages) != 1)
        pages = 0;
    if (file)
        fclose(file);
    printf("{\"rss_mb\": %.3f, \"peak_rss_mb\": %.3f}\n",
           (double)pages * (double)sysconf(_SC_PAGESIZE) * 1e-6, (double)usage.ru_maxrss * 1024e-6);
}

// The words of a line, in place; the last takes what is left, so that a path may have spaces.
static int split(char *line, char *words[], int most)
{
    int count = 0;
    line[strcspn(line, "\n")] = '\0';
    while (count < most - 1 && *line) {
        words[count++] = line;
        line += strcspn(line, " ");
        if (*line)
            *line++ = '\0';
    }
    if (*line)
        words[count++] = line;
    return count;
}

static void obey(const Driver *driver, char *line)
{
    char *words[5] = {0};
    char copy[LINE_BYTES];
    memcpy(copy, line, LINE_BYTES);
    int most = strncmp(line, "beside ", strlen("beside ")) == 0 ? 5 : 3;
    int count = split(copy, words, most);
    if (count == 3 && strcmp(words[0], "file") == 0)
        do_file(driver, (int)strtol(words[1], NULL, 10), words[2]);
    else if (count == 3 && strcmp(words[0], "samples") == 0)
        do_samples(driver, (int)strtol(words[1], NULL, 10), words[2]);
    else if (count >= 2 && strcmp(words[0], "measure") == 0)
        do_measure(driver, strtod(words[1], NULL), words[2]);
    else if (count == 5 && strcmp(words[0], "beside") == 0)
        do_beside(driver, (int)strtol(words[1], NULL, 10), (int)strtol(words[2], NULL, 10),
                  words[3], words[4]);
    else if (count == 2 && strcmp(words[0], "idle") == 0)
        do_idle(strtod(words[1], NULL));
    else if (count == 1 && strcmp(words[0], "memory") == 0)
        do_memory();
    else
        print_error("no such command");
    fflush(stdout);
}

int main(int argc, char **argv)
{
    ScoutEngineOptions options;
    scout_engine_options_init(&options);
    Driver driver = {.model = "base", .language = "en"};
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--models-dir") == 0)
            options.models_folder = argv[i + 1];
        else if (strcmp(argv[i], "--model") == 0)
            driver.model = argv[i + 1];
        else if (strcmp(argv[i], "--language") == 0)
            driver.language = argv[i + 1];
        else if (strcmp(argv[i], "--threads") == 0)
            options.threads = (int)strtol(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--cpu") == 0)
            options.cpu = argv[i + 1];
        else if (strcmp(argv[i], "--decoder") == 0)
            options.decoder = argv[i + 1];
    }
    ScoutError error;
    double start_s = now_s();
    if (scout_engine_new(&options, &driver.engine, &error) ||
        scout_engine_load(driver.engine, driver.model, &error)) {
        print_error(error.message);
        return 1;
    }
    printf("{\"version\": \"%s\", \"kernels\": \"%s\", \"threads\": %d, \"load_s\": %.6f}\n",
           scout_version(), scout_engine_kernels(driver.engine),
           scout_engine_threads(driver.engine), now_s() - start_s);
    fflush(stdout);
    char line[LINE_BYTES] = "";
    while (fgets(line, sizeof(line), stdin))
        obey(&driver, line);
    scout_engine_free(driver.engine);
    return 0;
}
