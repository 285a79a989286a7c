// What FFmpeg decodes, from the first byte to the last sample: see ffmpeg.h.
#include "ffmpeg.h"

#include <libavutil/mathematics.h>
#include <libavutil/mem.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "ending.h"
#include "formats.h"
#include "hints.h"
#include "mix.h"
#include "reader.h"
#include "sink.h"
#include "source.h"
#include "timeline.h"

enum { PIECE_SAMPLES = 4096 };

// Silence for a gap in the timestamps is at most this long: an hour where the container's clock is
// one, and ten seconds in formats whose clock may be reset at any point (as in FFmpeg's own tool).
static const double GAP_MAX_S = 3600;
static const double GAP_MAX_RESETTABLE_S = 10;

// To begin later than this, decoding starts near there instead of at the beginning; and so much
// earlier that codecs whose frames lean on the frames before are in step.
static const double SKIP_FROM_S = 5;
static const double WARM_UP_S = 1;

// A recording that ends so near to its claimed end is whole.
static const double APPENDED_S = 0.05;

typedef struct Job {
    const DecodeOptions *options;
    Input *input;
    Output *output;
    Source source;
    Reader reader;
    Timeline timeline;
    Sink sink;
    bool has_origin;
    int64_t origin;    // timestamp of second 0 in the stream's unit
    bool repositioned; // frames were skipped, and where decoding is now is not yet settled
    Anchor anchor;
    int64_t stream_end; // samples, where an MP4 says that the sound ends; -1: unknown
    float *tail;        // what the last frame holds beyond it
    int tail_samples;
    ProtocolError failure;
    float piece[PIECE_SAMPLES];
} Job;

static bool fail(Job *job, ScoutStatus status, const char *text)
{
    job->failure.status = status;
    (void)str_copy(job->failure.text, sizeof job->failure.text, text);
    return false;
}

static bool fail_error(Job *job, const ScoutError *error)
{
    return fail(job, error->status, error->message);
}

static void report(Job *job, double at_s, bool to_end, const char *text)
{
    ProtocolProblem problem = {.at_s = at_s > 0 ? at_s : 0, .to_end = to_end};
    (void)str_copy(problem.text, sizeof problem.text, text);
    output_problem(job->output, &problem);
}

static void show_progress(void *context)
{
    Job *job = context;
    ProtocolProgress progress = {.input_bytes = job->input->read_bytes,
                                 .decoded_samples = job->reader.samples};
    output_progress(job->output, &progress);
}

// ---- Times

// Second 0 is where the film begins, if there is one, and otherwise where the sound does.
static void find_origin(Job *job)
{
    const Source *source = &job->source;
    const AVFrame *frame = job->reader.frame;
    job->has_origin = timestamp_is_sane(frame->pts) &&
                      format_has_clock(source->format->iformat, source->stream->codecpar->codec_id);
    job->origin = job->has_origin ? frame->pts : 0;
    for (unsigned i = 0; job->has_origin && source->has_video && i < source->format->nb_streams;
         i++) {
        const AVStream *stream = source->format->streams[i];
        if (!source_is_film(stream) || !timestamp_is_sane(stream->start_time))
            continue;
        int64_t start =
            av_rescale_q(stream->start_time, stream->time_base, source->stream->time_base);
        if (timestamp_is_sane(start) && start < job->origin)
            job->origin = start;
    }
}

// Where the current frame begins, in samples from second 0; false when it does not say.
static bool frame_position(const Job *job, int64_t *at)
{
    const AVFrame *frame = job->reader.frame;
    if (!job->has_origin || !timestamp_is_sane(frame->pts))
        return false;
    *at = av_rescale_q(frame->pts - job->origin, job->source.stream->time_base,
                       (AVRational){1, job->timeline.rate});
    return *at > -(INT64_C(1) << 48) && *at < INT64_C(1) << 48;
}

static int64_t origin_plus(const Job *job, double seconds)
{
    return job->origin + llround(seconds / av_q2d(job->source.stream->time_base));
}

// Leaves out what is long before the start that was asked for. To find the exact place again, this
// needs timestamps; without them everything is decoded and dropped.
static void skip_to_start(Job *job)
{
    double from_s = (double)job->sink.base_s - WARM_UP_S;
    if (from_s < SKIP_FROM_S || !job->has_origin)
        return;
    int64_t from = origin_plus(job, from_s);
    job->repositioned = true;
    if (job->source.bytes.seekable &&
        format_seeks_exactly(job->source.format->iformat, job->source.stream->codecpar->codec_id) &&
        reader_seek(&job->reader, from))
        return;
    job->reader.skip_until = from;
}

// After skipping: drops the frame if it lies before the part that is wanted, and otherwise lays
// down where it belongs. The timestamps seen until then say so.
static bool is_warm_up(Job *job, bool known, int64_t at)
{
    int count = job->reader.frame->nb_samples;
    job->timeline.shift = av_rescale_q(job->reader.shift, job->source.stream->time_base,
                                       (AVRational){1, job->timeline.rate});
    at += job->timeline.shift;
    int64_t base = job->sink.base_s * job->timeline.rate;
    // Without any timestamp, decoding is taken to have begun where skipping was to end.
    int64_t guess = base - (int64_t)(WARM_UP_S * job->timeline.rate) + job->anchor.counted;
    int64_t here = known ? at : anchor_next(&job->anchor, guess);
    if (here + count <= base) {
        anchor_add(&job->anchor, known, at, count);
        return true;
    }
    int64_t next = anchor_next(&job->anchor, here);
    job->repositioned = false;
    job->timeline.next = next < base ? next : base;
    job->timeline.exact = true;
    job->sink.position = job->timeline.next;
    return false;
}

// ---- Frames

static bool feed(Job *job, const float *samples, int64_t count)
{
    ScoutError error;
    if (sink_feed(&job->sink, samples, count, &error))
        return fail_error(job, &error);
    return true;
}

static bool feed_frame(Job *job, int first, int end)
{
    while (first < end && !job->sink.full) {
        int count = end - first < PIECE_SAMPLES ? end - first : PIECE_SAMPLES;
        mix_to_mono(job->reader.frame, job->options->channel, first, count, job->piece);
        if (!feed(job, job->piece, count))
            return false;
        first += count;
    }
    return true;
}

// In samples at the rate of the current frame.
static void find_stream_end(Job *job)
{
    const AVStream *stream = job->source.stream;
    job->stream_end = -1;
    if (!str_starts(job->source.format->iformat->name, "mov,") || !job->has_origin ||
        !timestamp_is_sane(stream->start_time) || !timestamp_is_sane(stream->duration))
        return;
    job->stream_end = av_rescale_q(stream->start_time - job->origin + stream->duration,
                                   stream->time_base, (AVRational){1, job->timeline.rate});
}

static bool take_rate(Job *job)
{
    int rate = job->reader.frame->sample_rate;
    if (job->sink.resampler && rate == job->timeline.rate)
        return true;
    timeline_set_rate(&job->timeline, rate);
    job->anchor = (Anchor){0};
    find_stream_end(job);
    ScoutError error;
    if (sink_set_rate(&job->sink, rate, job->timeline.next, &error))
        return fail_error(job, &error);
    return true;
}

// Tells of what was lost right before the current frame.
static void report_lost(Job *job)
{
    job->timeline.exact |= job->reader.paused;
    job->reader.paused = false;
    if (job->reader.lost == 0)
        return;
    char text[PROTOCOL_PROBLEM_TEXT_MAX];
    (void)snprintf(text, sizeof text, "damaged: %u piece%s could not be decoded", job->reader.lost,
                   job->reader.lost == 1 ? "" : "s");
    report(job, timeline_seconds(&job->timeline), false, text);
    job->reader.lost = 0;
    job->timeline.exact = true;
}

static void report_jump(Job *job, double at_s, int64_t jump)
{
    char text[PROTOCOL_PROBLEM_TEXT_MAX];
    (void)snprintf(text, sizeof text,
                   "the recording's clock jumps ahead by %.1f s here; times go on without the jump",
                   (double)jump / job->timeline.rate);
    report(job, at_s, false, text);
}

// A stretch of Ogg without sound is a page that was lost; FFmpeg leaves out damaged pages silently.
// Other containers have such gaps when nothing was recorded.
static void report_gap(Job *job, double at_s, int64_t silence)
{
    if (at_s <= 0 || !str_equal(job->source.format->iformat->name, "ogg"))
        return;
    char text[PROTOCOL_PROBLEM_TEXT_MAX];
    (void)snprintf(text, sizeof text, "damaged: %.2f s of sound are missing",
                   (double)silence / job->timeline.rate);
    report(job, at_s, false, text);
}

static bool feed_tail(Job *job)
{
    int count = job->tail_samples;
    job->tail_samples = 0;
    return count == 0 || feed(job, job->tail, count);
}

// An encoder's last frame is longer than the sound. What lies beyond the end that an MP4 names is
// kept back, and dropped only if nothing comes after it: a wrong end must not cost a word.
static bool keep_tail(Job *job, int first)
{
    int count = job->reader.frame->nb_samples - first;
    float *tail = av_realloc_array(job->tail, (size_t)count, sizeof *tail);
    if (!tail)
        return fail(job, SCOUT_ERROR_OUT_OF_MEMORY, "needs too much memory");
    job->tail = tail;
    job->tail_samples = count;
    mix_to_mono(job->reader.frame, job->options->channel, first, count, tail);
    return true;
}

static bool take_frame(Job *job)
{
    int count = job->reader.frame->nb_samples;
    int64_t at = 0;
    if (!feed_tail(job) || !take_rate(job))
        return false;
    bool known = frame_position(job, &at);
    if (!job->repositioned)
        report_lost(job);
    else if (is_warm_up(job, known, at))
        return true;
    double before_s = timeline_seconds(&job->timeline);
    bool told = job->timeline.exact;
    TimelinePlace place = timeline_place(&job->timeline, known, at, count);
    if (place.jump)
        report_jump(job, before_s, place.jump);
    if (place.silence && !told)
        report_gap(job, before_s, place.silence);
    if (place.silence && !feed(job, NULL, place.silence))
        return false;
    int64_t begin = job->timeline.next - count;
    int64_t end = job->stream_end;
    if (end <= begin || end >= job->timeline.next)
        return feed_frame(job, 0, count);
    return feed_frame(job, 0, (int)(end - begin)) && keep_tail(job, (int)(end - begin));
}

// ---- The end

// Where the file says that the sound ends, in seconds; negative when it does not say. A stream's
// own length counts from where it begins, the file's from second 0.
static double claimed_end(const Job *job)
{
    double claimed_s = source_claimed_seconds(&job->source, true);
    const AVStream *stream = job->source.stream;
    if (claimed_s < 0 || !job->has_origin || !timestamp_is_sane(stream->start_time) ||
        stream->duration == AV_NOPTS_VALUE)
        return claimed_s;
    return claimed_s + (double)(stream->start_time - job->origin) * av_q2d(stream->time_base);
}

// Where the packets of all streams end, in seconds.
static double seen_end(const Job *job, double at_s)
{
    double unit_s = av_q2d(job->source.stream->time_base);
    double origin_s = job->has_origin ? (double)job->origin * unit_s : 0;
    return fmax(at_s, job->reader.end_s - origin_s);
}

// Whether what is lost at the end is only something that was appended to a recording which is
// whole. For PCM the claim may come from the size of the file, and then proves nothing.
static bool is_whole(const Job *job, double at_s, double claimed_s)
{
    const AVCodecParameters *codec = job->source.stream->codecpar;
    return claimed_s >= 0 && fabs(claimed_s - at_s) < APPENDED_S &&
           av_get_exact_bits_per_sample(codec->codec_id) == 0;
}

static void report_end(Job *job)
{
    // When nothing came after skipping, all that is known is that there is nothing from the start
    // on.
    double at_s = job->repositioned ? job->options->start_s : timeline_seconds(&job->timeline);
    double claimed_s = claimed_end(job);
    ProtocolProblem problem;
    if (ending_is_early(job->input, at_s, seen_end(job, at_s), claimed_s, &problem)) {
        output_problem(job->output, &problem);
    } else if ((job->reader.gave_up || job->reader.lost) && !is_whole(job, at_s, claimed_s)) {
        report(job, at_s, true, "damaged or cut short: nothing from here on could be decoded");
    } else if (source_lacks_end(&job->source)) {
        report(job, at_s, true,
               "the file has no end mark: it was cut short here, or is still being written");
    } else if (claimed_s < 0 && hints_get()->cut_short) {
        report(job, at_s, true, "the file is cut short: it ends in the middle of a piece");
    }
}

static bool finish(Job *job)
{
    Ending ending = ending_find(job->options, job->input, &job->sink, &job->failure);
    if (ending == ENDING_INPUT)
        report_end(job);
    return ending != ENDING_LIMIT;
}

// ---- The beginning

// Nothing came out of the decoder. An empty recording is fine, an unreadable one is not.
static bool open_without_sound(Job *job, ProtocolInfo *info)
{
    bool guessed = job->source.score <= AVPROBE_SCORE_RETRY;
    bool damaged = job->reader.lost || job->reader.gave_up;
    if (guessed || info->sample_rate < 1 || info->channels < 1) {
        source_fail_unknown(&job->failure);
        return false;
    }
    if (damaged && hints_get()->encrypted)
        return fail(job, SCOUT_ERROR_UNSUPPORTED, SOURCE_ENCRYPTED);
    if (damaged)
        return fail(job, SCOUT_ERROR_CORRUPT,
                    "is damaged: nothing of its sound could be decoded; copy or download it again");
    timeline_init(&job->timeline, info->sample_rate, GAP_MAX_S);
    return true;
}

static bool check_shape(Job *job, int rate, int channels)
{
    char text[PROTOCOL_ERROR_TEXT_MAX];
    if (rate < RESAMPLE_RATE_MIN || rate > RESAMPLE_RATE_MAX) {
        (void)snprintf(text, sizeof text,
                       "says that it has %d samples a second; %d to %d are supported. It is "
                       "probably damaged",
                       rate, RESAMPLE_RATE_MIN, RESAMPLE_RATE_MAX);
        return fail(job, SCOUT_ERROR_UNSUPPORTED, text);
    }
    if (job->options->channel <= channels)
        return true;
    (void)snprintf(text, sizeof text, "has %d channel%s: there is no channel %d", channels,
                   channels == 1 ? "" : "s", job->options->channel);
    return fail(job, SCOUT_ERROR_INVALID_ARGUMENT, text);
}

// Decodes the first frame, since only that tells rate, channels and second 0 for sure. *sound is
// false when there is none.
static bool open(Job *job, bool *sound)
{
    if (!source_open(&job->source, job->input, job->options->extension, &job->failure))
        return false;
    bool resettable = job->source.format->iformat->flags & AVFMT_TS_DISCONT;
    double gap_max_s = resettable ? GAP_MAX_RESETTABLE_S : GAP_MAX_S;
    if (!reader_init(&job->reader, &job->source, gap_max_s))
        return fail(job, SCOUT_ERROR_OUT_OF_MEMORY, "needs too much memory");
    job->reader.on_packet = show_progress;
    job->reader.context = job;
    ProtocolInfo info;
    source_describe(&job->source, &info);
    *sound = reader_next(&job->reader);
    if (job->reader.encrypted)
        return fail(job, SCOUT_ERROR_UNSUPPORTED, SOURCE_ENCRYPTED);
    if (*sound) {
        info.sample_rate = job->reader.frame->sample_rate;
        info.channels = job->reader.frame->ch_layout.nb_channels;
        timeline_init(&job->timeline, info.sample_rate, gap_max_s);
        find_origin(job);
    } else if (!open_without_sound(job, &info)) {
        return false;
    }
    if (!check_shape(job, info.sample_rate, info.channels))
        return false;
    output_info(job->output, &info);
    return true;
}

static bool decode(Job *job)
{
    bool sound;
    if (!open(job, &sound))
        return false;
    sink_init(&job->sink, job->output, job->options->start_s, job->options->end_s,
              job->options->max_seconds);
    // A film whose sound sets in later begins with silence, to the sample.
    job->timeline.exact = job->source.has_video;
    if (sound)
        skip_to_start(job);
    if (sound && job->repositioned)
        sound = reader_next(&job->reader);
    while (sound && !job->sink.full) {
        if (!take_frame(job))
            return false;
        sound = reader_next(&job->reader);
    }
    return finish(job);
}

static void run(const DecodeOptions *options, Input *input, Output *output)
{
    static Job job;
    job = (Job){.options = options, .input = input, .output = output};
    input->on_read = show_progress;
    input->context = &job;
    hints_start();
    if (decode(&job))
        output_end(output);
    else
        output_error(output, &job.failure);
}

static void describe(char *out, size_t size)
{
    unsigned format = avformat_version();
    unsigned codec = avcodec_version();
    (void)snprintf(out, size, "FFmpeg %s (libavformat %u.%u.%u, libavcodec %u.%u.%u)",
                   av_version_info(), AV_VERSION_MAJOR(format), AV_VERSION_MINOR(format),
                   AV_VERSION_MICRO(format), AV_VERSION_MAJOR(codec), AV_VERSION_MINOR(codec),
                   AV_VERSION_MICRO(codec));
}

__attribute__((visibility("default")))
const Ffmpeg FFMPEG_SYMBOL = {.describe = describe, .decode = run};
