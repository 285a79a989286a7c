// Streams: one recording pushed as samples, turned into events by a transcriber.
#include "stream.h"

#include <stddef.h>
#include <string.h>

#include "base/memory.h"

void scout_transcribe_options_init(ScoutTranscribeOptions *options)
{
    if (!options)
        return;
    *options = (ScoutTranscribeOptions){
        .size = sizeof(*options),
        .task = SCOUT_TASK_TRANSCRIBE,
        .hotword_boost = 2.0f,
        .beam_size = 5,
        .best_of = 5,
        .patience = 1.0f,
        .length_penalty = -1.0f,
        .temperatures = {0.0f, 0.2f, 0.4f, 0.6f, 0.8f, 1.0f},
        .temperature_count = 6,
        .compression_ratio_threshold = 2.4f,
        .logprob_threshold = -1.0f,
        .no_speech_threshold = 0.6f,
        .suppress_non_speech = 1,
        .timestamps = 1,
        .vad = 1,
    };
}

ScoutStatus stream_options(const ScoutTranscribeOptions *given, ScoutTranscribeOptions *options,
                           ScoutError *error)
{
    static const EngineOptionsKind kind = {
        .name = "ScoutTranscribeOptions",
        .first_size = offsetof(ScoutTranscribeOptions, previous_tokens),
        .size = sizeof(ScoutTranscribeOptions),
    };
    scout_transcribe_options_init(options);
    ScoutStatus status = engine_copy_options(&kind, given, options, error);
    return status ? status : transcribe_options_check(options, error);
}

// Everything the stream keeps is in its one arena, so that freeing it is one call.
static ScoutStatus copy_strings(ScoutStream *stream, ScoutError *error)
{
    ScoutTranscribeOptions *options = &stream->options;
    const char **texts[] = {&options->model, &options->language, &options->prompt, &options->prefix,
                            &options->draft};
    for (size_t i = 0; i < BASE_COUNT(texts); i++) {
        if (!*texts[i])
            continue;
        *texts[i] = arena_copy_text(&stream->arena, *texts[i], strlen(*texts[i]));
        if (!*texts[i])
            return error_no_memory(error);
    }
    if (!options->hotword_count)
        return SCOUT_OK;
    const char **words = arena_alloc(&stream->arena, options->hotword_count, sizeof(*words));
    if (!words)
        return error_no_memory(error);
    for (size_t i = 0; i < options->hotword_count; i++) {
        const char *word = options->hotwords[i];
        words[i] = arena_copy_text(&stream->arena, word, strlen(word));
        if (!words[i])
            return error_no_memory(error);
    }
    options->hotwords = words;
    return SCOUT_OK;
}

ScoutStatus stream_open(ScoutEngine *engine, const ScoutTranscribeOptions *options, double origin_s,
                        const Cancel *cancel, ScoutEventCallback callback, void *context,
                        ScoutStream **stream, ScoutError *error)
{
    EngineModel *model = NULL, *draft = NULL;
    const Silero *silero = NULL;
    ScoutStatus status = engine_whisper(engine, options->model, &model, error);
    if (!status && options->draft)
        status = engine_whisper(engine, options->draft, &draft, error);
    if (!status && options->vad)
        status = engine_silero(engine, &silero, error);
    ScoutStream *made = status ? NULL : mem_array(1, sizeof(*made));
    if (!made) {
        engine_release(engine, draft);
        engine_release(engine, model);
        return status ? status : error_no_memory(error);
    }
    made->engine = engine;
    made->model = model;
    made->draft = draft;
    arena_init(&made->arena, STREAM_TEXT_MAX_BYTES);
    cancel_init(&made->cancel);
    made->options = *options;
    status = copy_strings(made, error);
    if (!status) {
        TranscriberSetup setup = {
            .batch = model->batch,
            .draft = draft ? draft->batch : NULL,
            .silero = silero,
            .schedule = engine->schedule,
            .options = &made->options,
            .origin_s = origin_s,
            .callback = callback,
            .context = context,
            .cancel = cancel ? cancel : &made->cancel,
        };
        status = transcriber_new(&setup, &made->transcriber, error);
        made->options.previous_tokens = NULL; // the transcriber has taken what it needs
    }
    if (status) {
        scout_stream_free(made);
        return status;
    }
    *stream = made;
    return SCOUT_OK;
}

ScoutStatus scout_stream_new(ScoutEngine *engine, const ScoutTranscribeOptions *options,
                             ScoutEventCallback callback, void *context, ScoutStream **stream,
                             ScoutError *error)
{
    if (!engine || !callback || !stream)
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT, "%s is NULL",
                         !engine     ? "engine"
                         : !callback ? "callback"
                                     : "stream");
    ScoutTranscribeOptions checked;
    ScoutStatus status = stream_options(options, &checked, error);
    if (status)
        return status;
    return stream_open(engine, &checked, 0.0, NULL, callback, context, stream, error);
}

void scout_stream_free(ScoutStream *stream)
{
    if (!stream)
        return;
    transcriber_free(stream->transcriber);
    engine_release(stream->engine, stream->draft);
    engine_release(stream->engine, stream->model);
    arena_done(&stream->arena);
    mem_free(stream);
}

ScoutStatus scout_stream_push(ScoutStream *stream, const float *samples, size_t count,
                              ScoutError *error)
{
    if (!stream || (!samples && count))
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT, "%s is NULL",
                         stream ? "samples" : "stream");
    if (stream->finished)
        return error_set(error, SCOUT_ERROR_STATE, "the stream is finished: make a new one");
    return transcriber_push(stream->transcriber, samples, count, error);
}

ScoutStatus scout_stream_finish(ScoutStream *stream, ScoutError *error)
{
    if (!stream)
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT, "stream is NULL");
    if (stream->finished)
        return error_set(error, SCOUT_ERROR_STATE, "the stream is finished: make a new one");
    stream->finished = true;
    return transcriber_finish(stream->transcriber, error);
}

void scout_stream_cancel(ScoutStream *stream)
{
    if (stream)
        cancel_raise(&stream->cancel);
}
