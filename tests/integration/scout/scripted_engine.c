// An engine that only follows a script, behind the headers of include/scout: with it the command
// line is tested to the letter, without models and at any speed. A recording is a text file:
//
//   sound SECONDS             how long it is
//   language CODE PROBABILITY
//   word START END TEXT       gathered until the next segment line
//   segment START END TEXT
//   skipped START END REASON
//   settled SECONDS
//   sleep MILLISECONDS
//   damage SECONDS TO_END MESSAGE
//   fail STATUS MESSAGE       the call fails here
//
// What lies before `start_s` of the options is left out, as the real engine does, and what it was
// asked for is written to $SCRIPTED_ENGINE_LOG.
#include <scout/measure.h>
#include <scout/models.h>
#include <scout/recording.h>
#include <scout/speech.h>
#include <scout/system.h>

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/status.h"

enum { LINE_BYTES = 4096, WORDS_MAX = 256, DAMAGE_MAX = 8 };

struct ScoutEngine {
    int threads;
};
struct ScoutCancel {
    atomic_int raised;
};
struct ScoutStream {
    int unused;
};
struct ScoutTranscript {
    double duration_s;
    ScoutSource source;
    ScoutTimings timings;
    ScoutDamage damage[DAMAGE_MAX];
    size_t damage_count;
};

void scout_engine_options_init(ScoutEngineOptions *options)
{
    *options = (ScoutEngineOptions){.size = sizeof(*options)};
}

ScoutStatus scout_engine_new(const ScoutEngineOptions *options, ScoutEngine **engine,
                             ScoutError *error)
{
    *engine = calloc(1, sizeof(**engine));
    if (!*engine)
        return error_no_memory(error);
    (*engine)->threads = options->threads ? options->threads : 2;
    return SCOUT_OK;
}

void scout_engine_free(ScoutEngine *engine)
{
    free(engine);
}

const char *scout_engine_kernels(const ScoutEngine *engine)
{
    (void)engine;
    return "scripted";
}

int scout_engine_threads(const ScoutEngine *engine)
{
    return engine->threads;
}

void scout_transcribe_options_init(ScoutTranscribeOptions *options)
{
    *options = (ScoutTranscribeOptions){
        .size = sizeof(*options), .beam_size = 5, .length_penalty = -1, .vad = 1};
}

ScoutStatus scout_stream_new(ScoutEngine *engine, const ScoutTranscribeOptions *options,
                             ScoutEventCallback callback, void *context, ScoutStream **stream,
                             ScoutError *error)
{
    (void)engine;
    (void)callback;
    (void)context;
    *stream = NULL;
    if (options->model && strcmp(options->model, "missing") == 0)
        return error_set(error, SCOUT_ERROR_NOT_FOUND, "there is no model '%s'", options->model);
    if (options->language && strcmp(options->language, "xx") == 0)
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT, "there is no language '%s'",
                         options->language);
    return SCOUT_OK;
}

void scout_stream_free(ScoutStream *stream)
{
    (void)stream;
}

ScoutStatus scout_cancel_new(ScoutCancel **cancel, ScoutError *error)
{
    *cancel = calloc(1, sizeof(**cancel));
    return *cancel ? SCOUT_OK : error_no_memory(error);
}

void scout_cancel_free(ScoutCancel *cancel)
{
    free(cancel);
}

void scout_cancel_raise(ScoutCancel *cancel)
{
    if (cancel)
        atomic_store(&cancel->raised, 1);
}

typedef struct Script {
    FILE *file;
    const ScoutTranscribeOptions *options;
    ScoutEventCallback callback;
    void *context;
    ScoutCancel *cancel;
    ScoutTranscript *transcript;
    ScoutWord words[WORDS_MAX];
    char texts[WORDS_MAX][64];
    size_t word_count;
    size_t segments;
    int stopped;
} Script;

static void emit(Script *script, const ScoutEvent *event)
{
    if (script->callback && script->callback(script->context, event))
        script->stopped = 1;
}

static void emit_segment(Script *script, double start_s, double end_s, const char *text)
{
    static const int32_t tokens[] = {50364, 1212, 50414};
    ScoutEvent event = {.type = SCOUT_EVENT_SEGMENT};
    event.u.segment = (ScoutSegment){
        .id = script->segments++,
        .start_s = start_s,
        .end_s = end_s,
        .text = text,
        .language = "en",
        .tokens = tokens,
        .token_count = 3,
        .avg_logprob = -0.25F,
        .compression_ratio = 1.125F,
        .no_speech_prob = 0.0625F,
        .speech_prob = 0.96875F,
        .words = script->options->words ? script->words : NULL,
        .word_count = script->options->words ? script->word_count : 0,
    };
    if (start_s >= script->options->start_s - 0.001)
        emit(script, &event);
    script->word_count = 0;
}

static void add_word(Script *script, double start_s, double end_s, const char *text)
{
    static const ScoutAlternative alternatives[] = {{"other", 0.25F}};
    size_t at = script->word_count++;
    (void)snprintf(script->texts[at], sizeof(script->texts[at]), " %s", text);
    script->words[at] = (ScoutWord){
        .text = script->texts[at], .start_s = start_s, .end_s = end_s, .probability = 0.5F};
    if (script->options->alternatives) {
        script->words[at].alternatives = alternatives;
        script->words[at].alternative_count = 1;
    }
}

static void emit_skipped(Script *script, double start_s, double end_s, const char *reason)
{
    ScoutEvent event = {.type = SCOUT_EVENT_SKIPPED};
    event.u.skipped = (ScoutSkipped){
        .start_s = start_s,
        .end_s = end_s,
        .reason = strcmp(reason, "silent") == 0 ? SCOUT_SKIP_SILENT : SCOUT_SKIP_NO_SPEECH,
        .speech_prob_max = 0.125F,
        .speech_prob_mean = 0.0625F,
        .no_speech_prob = -1,
        .text = strcmp(reason, "silent") == 0 ? " you" : NULL,
    };
    if (start_s >= script->options->start_s - 0.001)
        emit(script, &event);
}

static void sleep_ms(Script *script, long ms)
{
    for (; ms > 0 && !(script->cancel && atomic_load(&script->cancel->raised)); ms -= 10) {
        struct timespec pause = {.tv_nsec = 10000000};
        (void)nanosleep(&pause, NULL);
    }
}

static ScoutStatus follow_line(Script *script, char *line, ScoutError *error)
{
    line[strcspn(line, "\n")] = '\0';
    char *at = line;
    const char *verb = strsep(&at, " ");
    const char *rest = at ? at : "";
    char *end;
    double a = strtod(rest, &end);
    double b = strtod(end, &end);
    const char *text = end; // with the space before it
    ScoutEvent event = {0};
    if (strcmp(verb, "sound") == 0) {
        script->transcript->source.claimed_duration_s = a;
        script->transcript->duration_s = a;
    } else if (strcmp(verb, "language") == 0) {
        event.type = SCOUT_EVENT_LANGUAGE;
        event.u.language = (ScoutLanguage){.code = "en", .name = "english", .probability = 0.75F};
        emit(script, &event);
    } else if (strcmp(verb, "word") == 0) {
        add_word(script, a, b, text + 1);
    } else if (strcmp(verb, "segment") == 0) {
        emit_segment(script, a, b, text);
    } else if (strcmp(verb, "skipped") == 0) {
        emit_skipped(script, a, b, text + 1);
    } else if (strcmp(verb, "settled") == 0) {
        event.type = SCOUT_EVENT_PROGRESS;
        event.u.progress.received_s = a;
        event.u.progress.settled_s = a;
        event.u.progress.total_s = script->transcript->source.claimed_duration_s;
        if (a > script->options->start_s)
            emit(script, &event);
    } else if (strcmp(verb, "sleep") == 0) {
        sleep_ms(script, (long)a);
    } else if (strcmp(verb, "damage") == 0 && script->transcript->damage_count < DAMAGE_MAX) {
        ScoutDamage *damage = &script->transcript->damage[script->transcript->damage_count++];
        *damage = (ScoutDamage){.at_s = a, .to_end = b != 0};
        (void)snprintf(damage->message, sizeof(damage->message), "%.100s", text + 1);
    } else if (strcmp(verb, "fail") == 0) {
        return error_set(error, (ScoutStatus)a, "%s", strchr(rest, ' ') + 1);
    } else {
        return error_set(error, SCOUT_ERROR_FORMAT, "there is no sound in it");
    }
    return SCOUT_OK;
}

static void log_call(const char *path, const ScoutTranscribeOptions *options)
{
    const char *name = getenv("SCRIPTED_ENGINE_LOG");
    FILE *log = name ? fopen(name, "a") : NULL;
    if (!log)
        return;
    (void)fprintf(log,
                  "%s start=%.3f end=%.3f language=%s prompt=%s words=%d beam=%d hotwords=%zu "
                  "previous=%zu draft=%s condition=%d batch=%d full=%d\n",
                  path, options->start_s, options->end_s, options->language, options->prompt,
                  options->words, options->beam_size, options->hotword_count,
                  options->previous_token_count, options->draft ? options->draft : "none",
                  options->condition_on_previous, options->batch_size, options->full_window);
    (void)fclose(log);
}

static ScoutStatus follow(Script *script, ScoutError *error)
{
    char line[LINE_BYTES];
    while (fgets(line, sizeof(line), script->file)) {
        if (script->stopped || (script->cancel && atomic_load(&script->cancel->raised)))
            return error_set(error, SCOUT_ERROR_CANCELLED, "cancelled");
        ScoutStatus status = follow_line(script, line, error);
        if (status)
            return status;
    }
    return script->stopped ? error_set(error, SCOUT_ERROR_CANCELLED, "cancelled") : SCOUT_OK;
}

ScoutStatus scout_transcribe_file(ScoutEngine *engine, const char *path,
                                  const ScoutTranscribeOptions *options,
                                  ScoutEventCallback callback, void *context, ScoutCancel *cancel,
                                  ScoutTranscript **transcript, ScoutError *error)
{
    (void)engine;
    static Script script;
    log_call(path, options);
    *transcript = NULL;
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "r");
    if (!file)
        return error_set_errno(error, errno, "cannot open %s", path);
    char first[8];
    if (!fgets(first, 7, file) || strcmp(first, "sound ") != 0) {
        (void)fclose(file);
        return error_set(error, SCOUT_ERROR_FORMAT, "there is no sound in %s", path);
    }
    ScoutTranscript *made = calloc(1, sizeof(*made));
    if (!made)
        return error_no_memory(error);
    char number[64];
    if (fgets(number, sizeof(number), file))
        made->duration_s = strtod(number, NULL);
    made->source = (ScoutSource){.container = "script",
                                 .codec = "text",
                                 .sample_rate = 16000,
                                 .channels = 1,
                                 .claimed_duration_s = made->duration_s};
    made->timings = (ScoutTimings){
        .audio_s = made->duration_s, .total_s = made->duration_s / 8, .windows = 1, .tokens = 10};
    script = (Script){.file = file,
                      .options = options,
                      .callback = callback,
                      .context = context,
                      .cancel = cancel,
                      .transcript = made};
    ScoutStatus status = follow(&script, error);
    if (file != stdin)
        (void)fclose(file);
    *transcript = made;
    return status;
}

void scout_transcript_free(ScoutTranscript *transcript)
{
    free(transcript);
}

double scout_transcript_duration_s(const ScoutTranscript *transcript)
{
    return transcript->duration_s;
}

const ScoutDamage *scout_transcript_damage(const ScoutTranscript *transcript, size_t *count)
{
    *count = transcript->damage_count;
    return transcript->damage;
}

const ScoutTimings *scout_transcript_timings(const ScoutTranscript *transcript)
{
    return &transcript->timings;
}

const ScoutSource *scout_transcript_source(const ScoutTranscript *transcript)
{
    return &transcript->source;
}

const char *scout_version(void)
{
    return SCOUT_VERSION;
}

// ----------------------------------------------------------------------------------------- models

struct ScoutModelList {
    ScoutModelEntry entries[1];
};

// Recordings are the real program's: here none is ever found.
ScoutStatus scout_recording_open(const char *folder, ScoutRecording **recording, ScoutError *error)
{
    (void)recording;
    return error_set(error, SCOUT_ERROR_NOT_FOUND, "%s holds no recording", folder);
}

void scout_recording_free(ScoutRecording *recording)
{
    (void)recording;
}

const ScoutRecordingInfo *scout_recording_info(const ScoutRecording *recording)
{
    (void)recording;
    return NULL;
}

void scout_recording_options_init(ScoutRecordingOptions *options)
{
    *options = (ScoutRecordingOptions){.size = sizeof *options};
}

ScoutStatus scout_recording_finish(ScoutEngine *engine, ScoutRecording *recording,
                                   const ScoutRecordingOptions *options,
                                   ScoutRecordingProgress progress, void *context,
                                   ScoutError *error)
{
    (void)engine;
    (void)recording;
    (void)options;
    (void)progress;
    (void)context;
    return error_set(error, SCOUT_ERROR_STATE, "there is no recording");
}

ScoutStatus scout_models_list(const char *folder, ScoutModelList **list, ScoutError *error)
{
    (void)folder;
    *list = calloc(1, sizeof(**list));
    if (!*list)
        return error_no_memory(error);
    (*list)->entries[0] = (ScoutModelEntry){.name = "base",
                                            .path = "/models/base/model.scout",
                                            .kind = SCOUT_MODEL_WHISPER,
                                            .bytes = 141200000,
                                            .problem = ""};
    return SCOUT_OK;
}

void scout_models_list_free(ScoutModelList *list)
{
    free(list);
}

const ScoutModelEntry *scout_models_list_entries(const ScoutModelList *list, size_t *count)
{
    *count = 1;
    return list->entries;
}

ScoutStatus scout_models_import(const char *folder, const char *source, const char *name,
                                ScoutWeights weights, int replace, const char *origin,
                                const char *licence, ScoutModelProgress progress, void *context,
                                ScoutError *error)
{
    (void)folder, (void)source, (void)name, (void)weights, (void)replace, (void)origin;
    (void)licence, (void)progress, (void)context;
    return error_set(error, SCOUT_ERROR_UNSUPPORTED, "the script has no import");
}

ScoutStatus scout_models_verify(const char *folder, const char *name, ScoutModelProgress progress,
                                void *context, ScoutError *error)
{
    (void)folder, (void)progress, (void)context;
    return error_set(error, SCOUT_ERROR_CORRUPT, "%s is damaged", name);
}

ScoutStatus scout_models_remove(const char *folder, const char *name, ScoutError *error)
{
    (void)folder;
    return error_set(error, SCOUT_ERROR_NOT_FOUND, "there is no model '%s'", name);
}

ScoutStatus scout_models_info(const char *folder, const char *name, char **json, ScoutError *error)
{
    (void)folder, (void)name;
    *json = strdup("{\"name\":\"base\",\"bytes\":1,\"metadata\":{\"licence\":\"MIT\"},"
                   "\"tensors\":[]}");
    return *json ? SCOUT_OK : error_no_memory(error);
}

const ScoutModelSource *scout_models_source(size_t index)
{
    static const ScoutModelSource base = {
        .name = "base", .summary = "a model", .licence = "MIT", .kind = SCOUT_MODEL_WHISPER};
    return index == 0 ? &base : NULL;
}

void scout_free(void *pointer)
{
    free(pointer);
}

void scout_system_probe(const char *decoder, const char *cpu, ScoutSystem *system)
{
    (void)decoder;
    (void)cpu;
    *system = (ScoutSystem){.processors = 2, .decoder_started = 1};
}

void scout_measure_options_init(ScoutMeasureOptions *options)
{
    *options = (ScoutMeasureOptions){.size = sizeof(*options), .runs = 7, .stage_s = 0.7};
}

// Figures that are easy to recognise; it takes ten seconds, unless it is stopped, if the runs are
// 999.
ScoutStatus scout_engine_measure(ScoutEngine *engine, const ScoutMeasureOptions *options,
                                 ScoutMeasureProgress progress, void *context,
                                 ScoutMeasurements **measured, ScoutError *error)
{
    (void)engine;
    for (int i = 0; i < (options->runs == 999 ? 100 : 1); i++) {
        if (progress(context, "encoder", i / 100.0))
            return error_set(error, SCOUT_ERROR_CANCELLED, "measuring was stopped");
        struct timespec pause = {.tv_nsec = options->runs == 999 ? 100000000 : 0};
        (void)nanosleep(&pause, NULL);
    }
    *measured = calloc(1, sizeof(**measured));
    if (!*measured)
        return error_no_memory(error);
    ScoutDuration duration = {.min_ms = 1.5, .median_ms = 2.5, .runs = options->runs};
    **measured = (ScoutMeasurements){
        .compute = SCOUT_COMPUTE_INT8,
        .window_s = 30,
        .beam = options->beam,
        .windows = 4,
        .load = duration,
        .mel = duration,
        .encoder = duration,
        .prompt = duration,
        .token = duration,
        .beam_step = duration,
        .peak_memory_bytes = 123456789,
        .f32_peak_gops = 100,
        .int8_peak_gops = 400,
        .weights_read_gbs = 30,
        .memory_read_gbs = 20,
        .encoder_gop = 90,
        .encoder_gops = 300,
        .encoder_limit_ms = 1.0,
        .encoder_peak_share = 0.75,
        .token_bytes = 60000000,
        .token_limit_ms = 0.75,
        .token_bandwidth_share = 0.5,
    };
    return SCOUT_OK;
}

int scout_language_at(size_t index, const char **code, const char **name)
{
    static const char *const known[][2] = {{"en", "english"}, {"de", "german"}};
    if (index >= 2)
        return 0;
    *code = known[index][0];
    *name = known[index][1];
    return 1;
}
