// The list of containers: see formats.h.
#include "formats.h"

#include <string.h>

#include "base/attributes.h"
#include "base/str.h"

// FFmpeg's names. A list of what is allowed, and not of what is refused: a demuxer that a later
// FFmpeg brings is not trusted before somebody has looked at what it opens.
static const char *const ALLOWED[] = {
    "aac",        "ac3",    "act",
    "aea",        "aiff",   "alaw",
    "amr",        "amrnb",  "amrwb",
    "ape",        "aptx",   "aptx_hd",
    "asf",        "asf_o",  "ast",
    "au",         "avi",    "caf",
    "codec2",     "daud",   "dhav",
    "dsf",        "dss",    "dts",
    "dtshd",      "dv",     "eac3",
    "epaf",       "flac",   "flv",
    "g722",       "g723_1", "g726",
    "g726le",     "g729",   "gsm",
    "gxf",        "iff",    "ilbc",
    "ircam",      "kux",    "live_flv",
    "loas",       "lvf",    "matroska,webm",
    "mlp",        "mmf",    "mov,mp4,m4a,3gp,3g2,mj2",
    "mp3",        "mpc",    "mpc8",
    "mpeg",       "mpegts", "msnwctcp",
    "mtaf",       "mulaw",  "mxf",
    "nistsphere", "nsv",    "nut",
    "nuv",        "ogg",    "oma",
    "paf",        "pva",    "pvf",
    "qcp",        "rm",     "rso",
    "sbc",        "sdr2",   "sds",
    "shn",        "sln",    "sox",
    "spdif",      "swf",    "tak",
    "truehd",     "tta",    "ty",
    "voc",        "vqf",    "w64",
    "wav",        "wsd",    "wtv",
    "wv",         "wve",    "xwma",
};

// Those of `PCM_SEEK` do so only when a packet is a number of samples, and nothing else.
static const char *const EXACT_SEEK[] = {"matroska,webm", "mov,mp4,m4a,3gp,3g2,mj2"};
static const char *const PCM_SEEK[] = {"aiff", "au", "caf", "w64", "wav"};

static bool is_one_of(const char *name, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (str_equal(name, list[i]))
            return true;
    }
    return false;
}

bool format_is_allowed(const AVInputFormat *format)
{
    return is_one_of(format->name, ALLOWED, BASE_COUNT(ALLOWED));
}

bool format_seeks_exactly(const AVInputFormat *format, enum AVCodecID codec)
{
    bool pcm = av_get_exact_bits_per_sample(codec) > 0;
    return is_one_of(format->name, EXACT_SEEK, BASE_COUNT(EXACT_SEEK)) ||
           (pcm && is_one_of(format->name, PCM_SEEK, BASE_COUNT(PCM_SEEK)));
}

bool format_has_clock(const AVInputFormat *format, enum AVCodecID codec)
{
    bool wave = str_equal(format->name, "wav") || str_equal(format->name, "w64");
    return !wave || av_get_exact_bits_per_sample(codec) > 0;
}

bool format_is_raw_telephony(const AVInputFormat *format)
{
    return str_equal(format->name, "alaw") || str_equal(format->name, "mulaw");
}

// What lists begin with, in lower case, after a byte order mark and blanks.
static const char *const LIST_STARTS[] = {
    "#extm3u", "[playlist]", "ffconcat", "[reference]", "<asx", "<smil",
};
static const char *const LIST_EXTENSIONS[] = {
    "m3u", "m3u8", "pls", "cue", "asx", "wpl", "xspf", "mpd", "ffconcat", "ram", "sdp", "smil",
};

static char lower(uint8_t byte)
{
    return (char)(byte >= 'A' && byte <= 'Z' ? byte - 'A' + 'a' : byte);
}

static bool starts_with(const uint8_t *bytes, size_t length, const char *start)
{
    size_t wanted = strlen(start);
    if (length < wanted)
        return false;
    for (size_t i = 0; i < wanted; i++) {
        if (lower(bytes[i]) != start[i])
            return false;
    }
    return true;
}

static bool is_text(const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (bytes[i] < 0x20 && bytes[i] != '\t' && bytes[i] != '\n' && bytes[i] != '\r')
            return false;
    }
    return true;
}

// XML says what it is after a prologue of any length.
static bool holds(const uint8_t *bytes, size_t length, const char *word)
{
    for (size_t i = 0; i < length; i++) {
        if (starts_with(bytes + i, length - i, word))
            return true;
    }
    return false;
}

bool format_is_playlist(const uint8_t *bytes, size_t length, const char *extension)
{
    if (length >= 3 && memcmp(bytes, "\xEF\xBB\xBF", 3) == 0) {
        bytes += 3;
        length -= 3;
    }
    while (length && (*bytes == ' ' || *bytes == '\t' || *bytes == '\r' || *bytes == '\n')) {
        bytes++;
        length--;
    }
    for (size_t i = 0; i < BASE_COUNT(LIST_STARTS); i++) {
        if (starts_with(bytes, length, LIST_STARTS[i]))
            return true;
    }
    if (!is_text(bytes, length))
        return false;
    if (starts_with(bytes, length, "<?xml"))
        return holds(bytes, length, "<mpd") || holds(bytes, length, "<playlist") ||
               holds(bytes, length, "<smil");
    return is_one_of(extension, LIST_EXTENSIONS, BASE_COUNT(LIST_EXTENSIONS));
}
