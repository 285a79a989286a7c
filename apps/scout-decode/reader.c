// Packets to frames: see reader.h.
#include "reader.h"

#include <string.h>

#include "base/str.h"
#include "mix.h"
#include "timeline.h"

// A demuxer that fails usually finds its way again a little further on. One that fails at the same
// place, or time and again, does not.
enum { FAILURES_MAX = 1000, FAILURES_AT_ONE_PLACE_MAX = 8 };

bool reader_init(Reader *reader, Source *source, double gap_max_s)
{
    *reader = (Reader){
        .source = source,
        .packet = av_packet_alloc(),
        .frame = av_frame_alloc(),
        .gap_max_s = gap_max_s,
        .skip_until = AV_NOPTS_VALUE,
        .failed_at = -1,
    };
    return reader->packet && reader->frame;
}

static void note_end(Reader *reader)
{
    const AVPacket *packet = reader->packet;
    if (!timestamp_is_sane(packet->pts) || !timestamp_is_sane(packet->duration) ||
        packet->stream_index < 0 ||
        (unsigned)packet->stream_index >= reader->source->format->nb_streams)
        return;
    const AVStream *stream = reader->source->format->streams[packet->stream_index];
    double end_s = (double)(packet->pts + packet->duration) * av_q2d(stream->time_base);
    if (end_s > reader->end_s)
        reader->end_s = end_s;
}

// Whether it is worth another try after a failed read.
static bool try_again(Reader *reader, int code)
{
    const Input *input = reader->source->input;
    if (code == AVERROR_EOF || input->failure || input->over_limit)
        return false;
    int64_t at = avio_tell(reader->source->bytes.avio);
    unsigned most = at == reader->failed_at ? FAILURES_AT_ONE_PLACE_MAX : FAILURES_MAX;
    reader->failed_at = at;
    reader->failures++;
    if (code != AVERROR(EAGAIN))
        reader->lost++;
    reader->gave_up = reader->failures > most;
    return !reader->gave_up;
}

// Follows the clock of the chosen stream, over restarts and jumps as the timeline does.
static void follow_clock(Reader *reader)
{
    const AVPacket *packet = reader->packet;
    double unit_s = av_q2d(reader->source->stream->time_base);
    if (timestamp_is_sane(packet->pts) && timestamp_is_sane(reader->shift)) {
        int64_t begin = packet->pts + reader->shift;
        double drift_s = (double)(begin - reader->reached) * unit_s;
        if (reader->started && timeline_is_break(drift_s, reader->gap_max_s))
            reader->shift -= begin - reader->reached;
        reader->started = true;
        reader->reached = packet->pts + reader->shift;
    }
    if (timestamp_is_sane(packet->duration) && timestamp_is_sane(reader->reached))
        reader->reached += packet->duration;
}

// Whether the packet ends before what is wanted.
static bool is_skipped(const Reader *reader)
{
    return reader->skip_until != AV_NOPTS_VALUE && reader->reached < reader->skip_until;
}

static bool begins_with(const AVPacket *packet, const char *text)
{
    size_t length = strlen(text);
    return packet->size >= 0 && (size_t)packet->size >= length &&
           memcmp(packet->data, text, length) == 0;
}

// What lies between recordings that were joined: the headers of the second one, or the tags at the
// end of the first. Not sound, so not a loss.
static bool is_not_sound(const AVPacket *packet, const AVInputFormat *container)
{
    if (str_equal(container->name, "ogg"))
        return begins_with(packet, "OpusHead") || begins_with(packet, "OpusTags");
    if (str_equal(container->name, "mp3") || str_equal(container->name, "aac"))
        return begins_with(packet, "TAG") || begins_with(packet, "ID3") ||
               begins_with(packet, "APETAGEX") || begins_with(packet, "LYRICSBEGIN");
    return false;
}

// AMR sends nothing, or a description of the noise, while nobody speaks (3GPP TS 26.101 and 26.201,
// table 1a). FFmpeg takes such frames for damage.
static bool is_pause(const AVPacket *packet, enum AVCodecID codec)
{
    enum { NB_SPEECH_MODES = 8, WB_SPEECH_MODES = 9 };
    if (packet->size < 1 || (codec != AV_CODEC_ID_AMR_NB && codec != AV_CODEC_ID_AMR_WB))
        return false;
    int mode = packet->data[0] >> 3 & 15;
    return mode >= (codec == AV_CODEC_ID_AMR_NB ? NB_SPEECH_MODES : WB_SPEECH_MODES);
}

static bool is_to_be_decoded(Reader *reader)
{
    const AVPacket *packet = reader->packet;
    const AVStream *stream = reader->source->stream;
    if (packet->stream_index != stream->index ||
        is_not_sound(packet, reader->source->format->iformat))
        return false;
    follow_clock(reader);
    if (is_skipped(reader))
        return false;
    bool pause = is_pause(packet, stream->codecpar->codec_id);
    reader->paused |= pause;
    reader->encrypted |= av_packet_get_side_data(packet, AV_PKT_DATA_ENCRYPTION_INFO, NULL) != NULL;
    return !pause;
}

// Reads the next packet that is to be decoded; false at the end.
static bool read_packet(Reader *reader)
{
    for (;;) {
        av_packet_unref(reader->packet);
        int code = av_read_frame(reader->source->format, reader->packet);
        if (code < 0) {
            if (try_again(reader, code))
                continue;
            return false;
        }
        reader->failures = 0;
        note_end(reader);
        if (reader->on_packet)
            reader->on_packet(reader->context);
        if (is_to_be_decoded(reader))
            return true;
    }
}

bool reader_next(Reader *reader)
{
    AVCodecContext *codec = reader->source->codec;
    for (;;) {
        int code = avcodec_receive_frame(codec, reader->frame);
        if (code == 0 && mix_is_known(reader->frame)) {
            reader->samples += (uint64_t)reader->frame->nb_samples;
            return true;
        }
        if (code == 0)
            continue; // an empty frame
        if (code == AVERROR_EOF)
            return false;
        if (code != AVERROR(EAGAIN)) {
            reader->lost++;
            if (reader->draining)
                return false;
        }
        if (reader->draining)
            return false;
        if (!read_packet(reader)) {
            reader->draining = true;
            (void)avcodec_send_packet(codec, NULL);
            continue;
        }
        code = avcodec_send_packet(codec, reader->packet);
        if (code < 0 && code != AVERROR(EAGAIN))
            reader->lost++;
    }
}

bool reader_seek(Reader *reader, int64_t timestamp)
{
    Source *source = reader->source;
    if (avformat_seek_file(source->format, source->stream->index, INT64_MIN, timestamp, timestamp,
                           0) < 0)
        return false;
    avcodec_flush_buffers(source->codec);
    reader->draining = false;
    reader->started = false;
    return true;
}
