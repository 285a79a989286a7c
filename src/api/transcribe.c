// Whole recordings: a stream that is fed from a file or an array, and a transcript of its events.
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "engine.h"
#include "stream.h"
#include "transcript.h"

enum {
    FEED_SAMPLES = SCOUT_SAMPLE_RATE / 2,
    BATCH_SIZE = 2 // windows of a recording at once: more gain little and take memory
};

struct ScoutCancel {
    Cancel flag;
};

ScoutStatus scout_cancel_new(ScoutCancel **cancel, ScoutError *error)
{
    if (!cancel)
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT, "cancel is NULL");
    ScoutCancel *made = mem_array(1, sizeof(*made));
    if (!made)
        return error_no_memory(error);
    cancel_init(&made->flag);
    *cancel = made;
    return SCOUT_OK;
}

void scout_cancel_free(ScoutCancel *cancel)
{
    mem_free(cancel);
}

void scout_cancel_raise(ScoutCancel *cancel)
{
    if (cancel)
        cancel_raise(&cancel->flag);
}

// One call's state: where events go, and what is to be let go of at its end.
typedef struct Job {
    ScoutTranscript *transcript;
    ScoutStream *stream;
    AudioDecoder *decoder; // NULL for samples
    ScoutEventCallback callback;
    void *context;
    ScoutStatus keep_status; // why an event could not be kept
    ScoutError keep_error;
    double origin_s; // the recording's time of the first sample fed
    int64_t start_ns;
    int64_t decode_ns;
    size_t samples;
} Job;

static int job_event(void *context, const ScoutEvent *event)
{
    Job *job = context;
    job->keep_status = transcript_add(job->transcript, event, &job->keep_error);
    if (job->keep_status)
        return 1;
    if (!job->callback)
        return 0;
    if (event->type != SCOUT_EVENT_PROGRESS)
        return job->callback(job->context, event);
    // Only here it is known how long the recording claims to be.
    ScoutEvent progress = *event;
    progress.u.progress.total_s = job->decoder ? audio_decoder_info(job->decoder)->duration_s : -1;
    return job->callback(job->context, &progress);
}

static ScoutStatus job_feed(Job *job, const float *samples, size_t count, ScoutError *error)
{
    job->samples += count;
    return scout_stream_push(job->stream, samples, count, error);
}

// What the decoder left out before the wanted part. Known when the first sample of the part is: the
// recording then is at least that long.
static ScoutStatus job_tell_head(Job *job, ScoutError *error)
{
    if (job->samples > 0 || job->origin_s <= 0)
        return SCOUT_OK;
    ScoutEvent event = {
        .type = SCOUT_EVENT_SKIPPED,
        .u.skipped = {.start_s = 0,
                      .end_s = job->origin_s,
                      .reason = SCOUT_SKIP_OUTSIDE,
                      .speech_prob_max = -1,
                      .speech_prob_mean = -1,
                      .no_speech_prob = -1},
    };
    if (job_event(job, &event))
        return error_set(error, SCOUT_ERROR_CANCELLED, "the receiver of events asked to stop");
    return SCOUT_OK;
}

static ScoutStatus job_feed_file(Job *job, ScoutError *error)
{
    float *samples BASE_CLEANUP(mem_free_pointer) = mem_aligned(FEED_SAMPLES, sizeof(*samples));
    if (!samples)
        return error_no_memory(error);
    for (;;) {
        size_t count;
        int64_t before_ns = clock_monotonic_ns();
        ScoutStatus status = audio_decoder_read(job->decoder, samples, FEED_SAMPLES, &count, error);
        job->decode_ns += clock_monotonic_ns() - before_ns;
        if (status)
            return status;
        if (!count)
            return SCOUT_OK;
        status = job_tell_head(job, error);
        if (!status)
            status = job_feed(job, samples, count, error);
        if (status)
            return status;
    }
}

// A failure in the middle of a recording keeps the text of what came before: the stream is finished
// on what it has, unless it is the caller who wants to stop.
static ScoutStatus job_finish(Job *job, ScoutStatus status, ScoutError *error)
{
    if (status != SCOUT_ERROR_CANCELLED) {
        ScoutStatus finished = scout_stream_finish(job->stream, status ? NULL : error);
        if (!status)
            status = finished;
    }
    if (job->keep_status)
        status = error_set(error, job->keep_status, "%s", job->keep_error.message);
    return status;
}

static void job_totals(Job *job)
{
    ScoutTranscript *transcript = job->transcript;
    if (job->stream)
        transcript->timings = *transcriber_timings(job->stream->transcriber);
    double audio_s = (double)job->samples / SCOUT_SAMPLE_RATE;
    transcript->timings.audio_s = audio_s;
    transcript->timings.decode_s = (double)job->decode_ns * 1e-9;
    transcript->timings.total_s = clock_seconds_since(job->start_ns);
    transcript->duration_s = job->origin_s + audio_s;
}

static ScoutStatus job_begin(Job *job, ScoutEventCallback callback, void *context,
                             ScoutError *error)
{
    *job = (Job){.callback = callback, .context = context, .start_ns = clock_monotonic_ns()};
    return transcript_new(&job->transcript, error);
}

// Hands the transcript over, or drops it when the recording was never opened.
static void job_end(Job *job, bool opened, ScoutTranscript **transcript)
{
    if (opened)
        job_totals(job);
    scout_stream_free(job->stream);
    audio_decoder_close(job->decoder);
    if (opened)
        *transcript = job->transcript;
    else
        scout_transcript_free(job->transcript);
}

static ScoutStatus recording_options(const ScoutTranscribeOptions *given,
                                     ScoutTranscribeOptions *options, ScoutError *error)
{
    ScoutStatus status = stream_options(given, options, error);
    if (!status && options->batch_size == 0)
        options->batch_size = BATCH_SIZE;
    return status;
}

static ScoutStatus check_call(const ScoutEngine *engine, const void *input,
                              ScoutTranscript **transcript, ScoutError *error)
{
    if (!engine || !input || !transcript)
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT, "%s is NULL",
                         !engine  ? "engine"
                         : !input ? "the recording"
                                  : "transcript");
    *transcript = NULL;
    return SCOUT_OK;
}

static ScoutStatus transcribe_opened_file(Job *job, ScoutEngine *engine,
                                          ScoutTranscribeOptions *options, const Cancel *cancel,
                                          ScoutError *error)
{
    ScoutStatus status = transcript_set_source(job->transcript, job->decoder, error);
    if (status)
        return status;
    // The decoder cuts the part out; what the stream gets begins at start_s and ends at end_s.
    job->origin_s = options->start_s;
    status =
        stream_open(engine, options, job->origin_s, cancel, job_event, job, &job->stream, error);
    if (status)
        return status;
    status = job_finish(job, job_feed_file(job, error), error);
    ScoutStatus damage = transcript_set_source(job->transcript, job->decoder, error);
    return status ? status : damage;
}

ScoutStatus scout_transcribe_file(ScoutEngine *engine, const char *path,
                                  const ScoutTranscribeOptions *options,
                                  ScoutEventCallback callback, void *context, ScoutCancel *cancel,
                                  ScoutTranscript **transcript, ScoutError *error)
{
    ScoutStatus status = check_call(engine, path, transcript, error);
    if (status)
        return status;
    ScoutTranscribeOptions chosen;
    status = recording_options(options, &chosen, error);
    if (status)
        return status;
    Job job;
    status = job_begin(&job, callback, context, error);
    if (status)
        return status;
    const Cancel *flag = cancel ? &cancel->flag : NULL;
    AudioDecoderOptions decoding = {
        .program = engine->decoder,
        .starter = engine->starter,
        .start_s = chosen.start_s,
        .end_s = chosen.end_s,
        .channel = chosen.channel,
        .max_seconds = chosen.max_seconds,
        .cancel = flag,
    };
    status = audio_decoder_open(path, &decoding, &job.decoder, error);
    bool opened = !status;
    if (opened)
        status = transcribe_opened_file(&job, engine, &chosen, flag, error);
    job_end(&job, opened, transcript);
    return status;
}

ScoutStatus scout_transcribe_samples(ScoutEngine *engine, const float *samples, size_t count,
                                     const ScoutTranscribeOptions *options,
                                     ScoutEventCallback callback, void *context,
                                     ScoutCancel *cancel, ScoutTranscript **transcript,
                                     ScoutError *error)
{
    static const float silence[1];
    if (!count)
        samples = silence;
    ScoutStatus status = check_call(engine, samples, transcript, error);
    if (status)
        return status;
    ScoutTranscribeOptions chosen;
    status = recording_options(options, &chosen, error);
    if (status)
        return status;
    Job job;
    status = job_begin(&job, callback, context, error);
    if (status)
        return status;
    const Cancel *flag = cancel ? &cancel->flag : NULL;
    status = stream_open(engine, &chosen, 0.0, flag, job_event, &job, &job.stream, error);
    bool opened = !status;
    for (size_t done = 0; !status && done < count; done += FEED_SAMPLES)
        status = job_feed(&job, samples + done, BASE_MIN(FEED_SAMPLES, count - done), error);
    if (opened)
        status = job_finish(&job, status, error);
    job_end(&job, opened, transcript);
    return status;
}
