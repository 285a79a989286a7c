// Opening the file: see source.h.
#include "source.h"

#include <libavutil/dict.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/str.h"
#include "formats.h"
#include "hints.h"
#include "ogg.h"

enum {
    PROBE_BYTES = 1 << 20,    // to find out the container
    ANALYZE_BYTES = 16 << 20, // to find out the streams
    ANALYZE_US = 10 * AV_TIME_BASE,
    STREAMS_MAX = 256,
    DECODER_LIST_MAX = 64 * 1024
};

const char SOURCE_ENCRYPTED[] = "is encrypted (DRM); only unprotected files can be read";

static bool fail(ProtocolError *failure, ScoutStatus status, const char *text)
{
    failure->status = status;
    (void)str_copy(failure->text, sizeof failure->text, text);
    return false;
}

static bool fail_memory(ProtocolError *failure)
{
    return fail(failure, SCOUT_ERROR_OUT_OF_MEMORY,
                "needs more memory than the decoder may use; it is probably damaged");
}

// Refuses whatever a demuxer wants to open besides the input it was given.
static int refuse_file(AVFormatContext *format, AVIOContext **avio, const char *url, int flags,
                       AVDictionary **options)
{
    (void)avio;
    (void)url;
    (void)flags;
    (void)options;
    Source *source = format->opaque;
    source->refused_file = true;
    return AVERROR(EACCES);
}

// Names every audio decoder there is: FFmpeg, which opens decoders for all streams while it looks
// at a file, then opens none for video.
static char *list_audio_decoders(void)
{
    Buffer names;
    buffer_init(&names, DECODER_LIST_MAX);
    void *state = NULL;
    const AVCodec *codec;
    while ((codec = av_codec_iterate(&state)) != NULL) {
        if (codec->type == AVMEDIA_TYPE_AUDIO && av_codec_is_decoder(codec))
            (void)buffer_printf(&names, "%s%s", names.length ? "," : "", codec->name);
    }
    char *list = names.failed ? NULL : av_strdup(buffer_text(&names));
    buffer_done(&names);
    return list;
}

static bool fail_read(const Input *input, ProtocolError *failure)
{
    char text[PROTOCOL_ERROR_TEXT_MAX];
    (void)snprintf(text, sizeof text, "could not be read: %s", strerrordesc_np(input->failure));
    return fail(failure, SCOUT_ERROR_IO, text);
}

static bool fail_unknown(ProtocolError *failure)
{
    return fail(failure, SCOUT_ERROR_FORMAT,
                "holds no audio that FFmpeg can read; check that it is an audio or video file");
}

void source_fail_unknown(ProtocolError *failure)
{
    (void)fail_unknown(failure);
}

static bool fail_open(const Source *source, int code, const AVInputFormat *container,
                      ProtocolError *failure)
{
    const Hints *hints = hints_get();
    if (source->input->over_limit)
        return fail(failure, SCOUT_ERROR_LIMIT,
                    "its header lies beyond the number of bytes that may be read");
    if (source->input->failure)
        return fail_read(source->input, failure);
    if (code == AVERROR(ENOMEM))
        return fail_memory(failure);
    if (source->refused_file)
        return fail(failure, SCOUT_ERROR_FORMAT,
                    "names other files, which are never opened; give those files themselves");
    if (hints->index_missing)
        return fail(failure, SCOUT_ERROR_CORRUPT,
                    "is cut short: the index of this MP4 file (its moov box) is missing, and "
                    "without it no sound can be found; copy or download it again, or repair it "
                    "with a tool that rebuilds the index");
    if (hints->encrypted)
        return fail(failure, SCOUT_ERROR_UNSUPPORTED, SOURCE_ENCRYPTED);
    if (source->score <= AVPROBE_SCORE_RETRY)
        return fail_unknown(failure);
    char text[PROTOCOL_ERROR_TEXT_MAX];
    (void)snprintf(text, sizeof text,
                   "begins like %s but its header is damaged or cut short%s%s%s; copy or download "
                   "it again",
                   container->long_name ? container->long_name : container->name,
                   hints->last_error[0] ? " (" : "", hints->last_error,
                   hints->last_error[0] ? ")" : "");
    return fail(failure, SCOUT_ERROR_CORRUPT, text);
}

static bool probe(Source *source, const char *extension, const AVInputFormat **container,
                  ProtocolError *failure)
{
    Input *input = source->input;
    char name[32];
    (void)snprintf(name, sizeof name, "input%s%s", extension[0] ? "." : "", extension);
    int status = av_probe_input_buffer2(source->bytes.avio, container, name, NULL, 0, PROBE_BYTES);
    if (input->read_bytes == 0 && !input->failure && !input->over_limit)
        return fail(failure, SCOUT_ERROR_FORMAT, "is empty");
    if (format_is_playlist(input->head, input->head_bytes, extension))
        return fail(failure, SCOUT_ERROR_FORMAT,
                    "is a playlist: it holds no sound but names other files, which are never "
                    "opened; give those files themselves");
    if (input->failure)
        return fail_read(input, failure);
    if (input->over_limit)
        return fail(failure, SCOUT_ERROR_LIMIT, "is larger than the number of bytes allowed");
    if (status < 0 || !format_is_allowed(*container))
        return fail_unknown(failure);
    source->score = status;
    return true;
}

// Whether a WAV goes on behind the place where its header says that the samples end: a recorder
// that was killed leaves such a header.
static bool wav_is_longer(const Source *source)
{
    const WavClaim *claim = &source->wav_claim;
    AVIOContext *avio = source->bytes.avio;
    if (!source->has_wav_claim || !source->bytes.seekable)
        return false;
    int64_t end = (int64_t)(claim->data_at + claim->data_bytes + (claim->data_bytes & 1));
    if (avio_size(avio) - end < (int64_t)claim->bytes_per_s)
        return false;
    uint8_t next[8];
    bool chunk = avio_seek(avio, end, SEEK_SET) < 0 ||
                 avio_read(avio, next, sizeof next) != sizeof next || wav_is_chunk(next);
    return avio_seek(avio, 0, SEEK_SET) == 0 && !chunk;
}

static void choose_settings(Source *source, const AVInputFormat *container, AVDictionary **settings)
{
    const Input *input = source->input;
    if (format_is_raw_telephony(container))
        (void)av_dict_set(settings, "sample_rate", "8000", 0);
    source->has_wav_claim = str_equal(container->name, "wav") &&
                            wav_read_claim(input->head, input->head_bytes, &source->wav_claim);
    if (wav_is_longer(source)) {
        source->has_wav_claim = false;
        (void)av_dict_set(settings, "ignore_length", "1", 0);
    }
}

static bool open_container(Source *source, const char *extension, ProtocolError *failure)
{
    const AVInputFormat *container = NULL;
    if (!probe(source, extension, &container, failure))
        return false;
    source->format = avformat_alloc_context();
    if (!source->format)
        return fail_memory(failure);
    AVFormatContext *format = source->format;
    format->pb = source->bytes.avio;
    format->flags |= AVFMT_FLAG_CUSTOM_IO;
    format->opaque = source;
    format->io_open = refuse_file;
    format->protocol_whitelist = av_strdup("none");
    format->codec_whitelist = list_audio_decoders();
    format->max_streams = STREAMS_MAX;
    format->probesize = ANALYZE_BYTES;
    format->max_analyze_duration = ANALYZE_US;
    format->error_recognition = AV_EF_CRCCHECK;
    if (!format->protocol_whitelist || !format->codec_whitelist)
        return fail_memory(failure);
    AVDictionary *settings = NULL;
    choose_settings(source, container, &settings);
    // On failure FFmpeg frees the context and clears the pointer.
    int status = avformat_open_input(&source->format, "input", container, &settings);
    av_dict_free(&settings);
    if (status < 0)
        return fail_open(source, status, container, failure);
    // What cannot be found out is found missing when the stream is chosen.
    status = avformat_find_stream_info(format, NULL);
    if (status == AVERROR(ENOMEM))
        return fail_memory(failure);
    return true;
}

static bool is_encrypted(const AVStream *stream)
{
    static const char *const tags[] = {"drms", "enca", "aavd"};
    char tag[AV_FOURCC_MAX_STRING_SIZE] = "";
    (void)av_fourcc_make_string(tag, stream->codecpar->codec_tag);
    for (size_t i = 0; i < sizeof tags / sizeof *tags; i++) {
        if (str_equal(tag, tags[i]))
            return true;
    }
    return av_stream_get_side_data(stream, AV_PKT_DATA_ENCRYPTION_INIT_INFO, NULL) != NULL;
}

bool source_is_film(const AVStream *stream)
{
    return stream->codecpar->codec_type == AVMEDIA_TYPE_VIDEO &&
           !(stream->disposition & AV_DISPOSITION_ATTACHED_PIC);
}

// The stream without a decoder that stands for all, when none has one.
static const AVStream *first_audio(const AVFormatContext *format)
{
    for (unsigned i = 0; i < format->nb_streams; i++) {
        if (format->streams[i]->codecpar->codec_type == AVMEDIA_TYPE_AUDIO)
            return format->streams[i];
    }
    return NULL;
}

static bool fail_no_stream(const Source *source, ProtocolError *failure)
{
    const AVStream *audio = first_audio(source->format);
    if (source->score <= AVPROBE_SCORE_RETRY)
        return fail_unknown(failure);
    if (audio && (is_encrypted(audio) || hints_get()->encrypted))
        return fail(failure, SCOUT_ERROR_UNSUPPORTED, SOURCE_ENCRYPTED);
    if (audio && avcodec_find_decoder(audio->codecpar->codec_id))
        return fail(failure, SCOUT_ERROR_CORRUPT,
                    "is damaged: nothing of its sound could be decoded; copy or download it again");
    if (audio) {
        char text[PROTOCOL_ERROR_TEXT_MAX];
        (void)snprintf(text, sizeof text,
                       "holds audio of a kind (%s) that the installed FFmpeg cannot decode; "
                       "convert it to FLAC or WAV first",
                       avcodec_get_name(audio->codecpar->codec_id));
        return fail(failure, SCOUT_ERROR_UNSUPPORTED, text);
    }
    if (source->has_video)
        return fail(failure, SCOUT_ERROR_FORMAT, "is a video without sound: it has no audio track");
    return fail_unknown(failure);
}

static bool choose_stream(Source *source, const AVCodec **decoder, ProtocolError *failure)
{
    AVFormatContext *format = source->format;
    bool indexed = str_starts(format->iformat->name, "mov,");
    int best = av_find_best_stream(format, AVMEDIA_TYPE_AUDIO, -1, -1, decoder, 0);
    for (unsigned i = 0; i < format->nb_streams; i++) {
        AVStream *stream = format->streams[i];
        source->has_video |= source_is_film(stream);
        // The times of the other packets tell where the file ends. An MP4 says so for each stream,
        // and is faster to read without them.
        if ((int)i != best && indexed)
            stream->discard = AVDISCARD_ALL;
    }
    if (best < 0)
        return fail_no_stream(source, failure);
    source->stream = format->streams[best];
    if (is_encrypted(source->stream))
        return fail(failure, SCOUT_ERROR_UNSUPPORTED, SOURCE_ENCRYPTED);
    return true;
}

// A wrong checksum in lossless audio means that what was decoded is noise.
static bool is_lossless(enum AVCodecID id)
{
    const AVCodecDescriptor *codec = avcodec_descriptor_get(id);
    return codec && (codec->props & AV_CODEC_PROP_LOSSLESS) &&
           !(codec->props & AV_CODEC_PROP_LOSSY);
}

static bool open_decoder(Source *source, const AVCodec *decoder, ProtocolError *failure)
{
    source->codec = avcodec_alloc_context3(decoder);
    if (!source->codec ||
        avcodec_parameters_to_context(source->codec, source->stream->codecpar) < 0)
        return fail_memory(failure);
    source->codec->pkt_timebase = source->stream->time_base;
    source->codec->thread_count = 1;
    source->codec->err_recognition = AV_EF_CRCCHECK;
    if (is_lossless(source->codec->codec_id))
        source->codec->err_recognition |= AV_EF_EXPLODE;
    int status = avcodec_open2(source->codec, decoder, NULL);
    if (status == AVERROR(ENOMEM))
        return fail_memory(failure);
    if (status < 0) {
        char text[PROTOCOL_ERROR_TEXT_MAX];
        (void)snprintf(text, sizeof text,
                       "has a damaged header: its %s audio cannot be decoded; copy or download "
                       "it again",
                       decoder->name);
        return fail(failure, SCOUT_ERROR_CORRUPT, text);
    }
    return true;
}

bool source_open(Source *source, Input *input, const char *extension, ProtocolError *failure)
{
    *source = (Source){.input = input};
    const AVCodec *decoder = NULL;
    bool opened = bytes_open(&source->bytes, input);
    if (source->bytes.too_large)
        return fail(failure, SCOUT_ERROR_LIMIT,
                    "has its index behind its sound and is too large to be read so from a pipe; "
                    "give the file by its name");
    if (!opened)
        return fail_memory(failure);
    return open_container(source, extension, failure) && choose_stream(source, &decoder, failure) &&
           open_decoder(source, decoder, failure);
}

double source_claimed_seconds(const Source *source, bool firm)
{
    const AVFormatContext *format = source->format;
    const AVStream *stream = source->stream;
    if (source->has_wav_claim)
        return (double)source->wav_claim.data_bytes / (double)source->wav_claim.bytes_per_s;
    if (firm && format->duration_estimation_method == AVFMT_DURATION_FROM_BITRATE)
        return -1;
    if (stream->duration != AV_NOPTS_VALUE && stream->duration >= 0)
        return (double)stream->duration * av_q2d(stream->time_base);
    if (format->duration != AV_NOPTS_VALUE && format->duration >= 0)
        return (double)format->duration / AV_TIME_BASE;
    return -1;
}

bool source_lacks_end(const Source *source)
{
    AVIOContext *avio = source->bytes.avio;
    if (!str_equal(source->format->iformat->name, "ogg") || !source->bytes.seekable)
        return false;
    int64_t size = avio_size(avio);
    int64_t from = size > OGG_TAIL_BYTES ? size - OGG_TAIL_BYTES : 0;
    uint8_t *tail = av_malloc(OGG_TAIL_BYTES);
    if (!tail || avio_seek(avio, from, SEEK_SET) < 0) {
        av_free(tail);
        return false;
    }
    int length = avio_read(avio, tail, OGG_TAIL_BYTES);
    bool lacks = length > 0 && !ogg_is_ended(tail, (size_t)length);
    av_free(tail);
    return lacks;
}

void source_describe(const Source *source, ProtocolInfo *info)
{
    *info = (ProtocolInfo){
        .sample_rate = source->codec->sample_rate,
        .channels = source->codec->ch_layout.nb_channels,
        .duration_s = source_claimed_seconds(source, false),
    };
    (void)str_copy(info->container, sizeof info->container, source->format->iformat->name);
    (void)str_copy(info->codec, sizeof info->codec,
                   avcodec_get_name(source->stream->codecpar->codec_id));
}
