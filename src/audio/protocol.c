// The frames between scout-decode and its parent: see protocol.h.
#include "audio/protocol.h"

#include <math.h>
#include <string.h>

#include "base/str.h"

// Payload sizes; messages with text have a fixed part of this size before it.
enum {
    HELLO_BYTES = 12,
    INFO_BYTES = 18,
    PROBLEM_BYTES = 12,
    PROGRESS_BYTES = 16,
    END_BYTES = 12,
    ERROR_BYTES = 4,
    FLAG_SECCOMP = 1,
    FLAG_LIMITS = 2,
    SAMPLE_RATE_MAX = 10000000,
    CHANNELS_MAX = 1024,
    LANDLOCK_ABI_MAX = 1000
};

static const double SECONDS_MAX = 1e9;
static const uint8_t MAGIC[3] = {'S', 'C', 'D'};

// ---- Little-endian numbers

static void put_u32(uint8_t *out, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        out[i] = (uint8_t)(value >> (8 * i));
}

static void put_u64(uint8_t *out, uint64_t value)
{
    put_u32(out, (uint32_t)value);
    put_u32(out + 4, (uint32_t)(value >> 32));
}

static void put_f64(uint8_t *out, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_u64(out, bits);
}

static uint32_t get_u32(const uint8_t *in)
{
    return (uint32_t)in[0] | (uint32_t)in[1] << 8 | (uint32_t)in[2] << 16 | (uint32_t)in[3] << 24;
}

static uint64_t get_u64(const uint8_t *in)
{
    return get_u32(in) | (uint64_t)get_u32(in + 4) << 32;
}

static double get_f64(const uint8_t *in)
{
    uint64_t bits = get_u64(in);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

// ---- Building

static size_t finish_frame(uint8_t *out, ProtocolType type, size_t payload_bytes)
{
    memcpy(out, MAGIC, sizeof MAGIC);
    out[3] = (uint8_t)type;
    put_u32(out + 4, (uint32_t)payload_bytes);
    return PROTOCOL_HEADER_BYTES + payload_bytes;
}

// Copies at most size - 1 bytes of text, without a NUL; returns how many.
static size_t put_text(uint8_t *out, const char *text, size_t size)
{
    size_t length = strnlen(text, size);
    if (length == size)
        length = utf8_complete_prefix(text, size - 1);
    memcpy(out, text, length);
    return length;
}

size_t protocol_put_hello(uint8_t out[PROTOCOL_FRAME_MAX], const ProtocolHello *hello)
{
    uint8_t *payload = out + PROTOCOL_HEADER_BYTES;
    put_u32(payload, PROTOCOL_VERSION);
    put_u32(payload + 4, (hello->seccomp ? FLAG_SECCOMP : 0U) | (hello->limits ? FLAG_LIMITS : 0U));
    put_u32(payload + 8, (uint32_t)hello->landlock_abi);
    size_t text = put_text(payload + HELLO_BYTES, hello->versions, PROTOCOL_VERSIONS_MAX);
    return finish_frame(out, PROTOCOL_HELLO, HELLO_BYTES + text);
}

size_t protocol_put_info(uint8_t out[PROTOCOL_FRAME_MAX], const ProtocolInfo *info)
{
    uint8_t *payload = out + PROTOCOL_HEADER_BYTES;
    uint8_t *text = payload + INFO_BYTES;
    put_u32(payload, (uint32_t)info->sample_rate);
    put_u32(payload + 4, (uint32_t)info->channels);
    put_f64(payload + 8, info->duration_s);
    size_t container = put_text(text, info->container, PROTOCOL_NAME_MAX);
    size_t codec = put_text(text + container, info->codec, PROTOCOL_NAME_MAX);
    payload[16] = (uint8_t)container;
    payload[17] = (uint8_t)codec;
    return finish_frame(out, PROTOCOL_INFO, INFO_BYTES + container + codec);
}

size_t protocol_put_audio(uint8_t out[PROTOCOL_FRAME_MAX], const float *samples, size_t count)
{
    uint8_t *payload = out + PROTOCOL_HEADER_BYTES;
    count = count < PROTOCOL_AUDIO_SAMPLES_MAX ? count : PROTOCOL_AUDIO_SAMPLES_MAX;
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &samples[i], sizeof bits);
        put_u32(payload + 4 * i, bits);
    }
    return finish_frame(out, PROTOCOL_AUDIO, 4 * count);
}

size_t protocol_put_problem(uint8_t out[PROTOCOL_FRAME_MAX], const ProtocolProblem *problem)
{
    uint8_t *payload = out + PROTOCOL_HEADER_BYTES;
    put_f64(payload, problem->at_s);
    put_u32(payload + 8, problem->to_end ? 1 : 0);
    size_t text = put_text(payload + PROBLEM_BYTES, problem->text, PROTOCOL_PROBLEM_TEXT_MAX);
    return finish_frame(out, PROTOCOL_PROBLEM, PROBLEM_BYTES + text);
}

size_t protocol_put_progress(uint8_t out[PROTOCOL_FRAME_MAX], const ProtocolProgress *progress)
{
    uint8_t *payload = out + PROTOCOL_HEADER_BYTES;
    put_u64(payload, progress->input_bytes);
    put_u64(payload + 8, progress->decoded_samples);
    return finish_frame(out, PROTOCOL_PROGRESS, PROGRESS_BYTES);
}

size_t protocol_put_end(uint8_t out[PROTOCOL_FRAME_MAX], const ProtocolEnd *end)
{
    uint8_t *payload = out + PROTOCOL_HEADER_BYTES;
    put_u64(payload, end->samples);
    put_u32(payload + 8, end->problems);
    return finish_frame(out, PROTOCOL_END, END_BYTES);
}

size_t protocol_put_error(uint8_t out[PROTOCOL_FRAME_MAX], const ProtocolError *error)
{
    uint8_t *payload = out + PROTOCOL_HEADER_BYTES;
    put_u32(payload, (uint32_t)(int32_t)error->status);
    size_t text = put_text(payload + ERROR_BYTES, error->text, PROTOCOL_ERROR_TEXT_MAX);
    return finish_frame(out, PROTOCOL_ERROR, ERROR_BYTES + text);
}

// ---- Taking apart

// Characters that would let foreign text rearrange or break the line it is shown in.
static bool is_unfit(uint32_t code)
{
    return code < 0x20 || (code >= 0x7F && code < 0xA0) || code == 0x061C ||
           (code >= 0x200B && code <= 0x200F) || (code >= 0x2028 && code <= 0x202E) ||
           (code >= 0x2066 && code <= 0x2069) || code == 0xFEFF;
}

void protocol_clean_text(char *out, size_t size, const char *text, size_t length)
{
    size_t written = 0;
    while (length) {
        uint32_t code;
        char bytes[4];
        size_t taken = utf8_decode(text, length, &code);
        size_t count = utf8_encode(is_unfit(code) ? ' ' : code, bytes);
        if (taken == 0 || written + count >= size)
            break;
        memcpy(out + written, bytes, count);
        written += count;
        text += taken;
        length -= taken;
    }
    out[written] = '\0';
}

void protocol_get_samples(const uint8_t *bytes, size_t count, float *samples)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t bits = get_u32(bytes + 4 * i);
        float value;
        memcpy(&value, &bits, sizeof value);
        samples[i] = isnan(value) ? 0.0F : fminf(fmaxf(value, -1.0F), 1.0F);
    }
}

typedef struct Payload {
    const uint8_t *bytes;
    size_t length;
} Payload;

// The text that follows the fixed part of a payload; false when the payload has no right length.
static bool get_tail(Payload payload, size_t fixed, char *out, size_t size)
{
    if (payload.length < fixed || payload.length - fixed >= size)
        return false;
    protocol_clean_text(out, size, (const char *)payload.bytes + fixed, payload.length - fixed);
    return true;
}

static bool get_hello(Payload payload, ProtocolHello *hello)
{
    if (!get_tail(payload, HELLO_BYTES, hello->versions, sizeof hello->versions))
        return false;
    uint32_t flags = get_u32(payload.bytes + 4);
    uint32_t abi = get_u32(payload.bytes + 8);
    if (abi > LANDLOCK_ABI_MAX)
        return false;
    hello->seccomp = flags & FLAG_SECCOMP;
    hello->limits = flags & FLAG_LIMITS;
    hello->landlock_abi = (int)abi;
    return true;
}

static bool get_info(Payload payload, ProtocolInfo *info)
{
    if (payload.length < INFO_BYTES)
        return false;
    uint32_t rate = get_u32(payload.bytes);
    uint32_t channels = get_u32(payload.bytes + 4);
    double duration_s = get_f64(payload.bytes + 8);
    size_t container = payload.bytes[16];
    size_t codec = payload.bytes[17];
    if (rate == 0 || rate > SAMPLE_RATE_MAX || channels == 0 || channels > CHANNELS_MAX)
        return false;
    if (container >= PROTOCOL_NAME_MAX || codec >= PROTOCOL_NAME_MAX ||
        payload.length != INFO_BYTES + container + codec)
        return false;
    info->sample_rate = (int)rate;
    info->channels = (int)channels;
    info->duration_s = duration_s >= 0 && duration_s <= SECONDS_MAX ? duration_s : -1;
    const char *text = (const char *)payload.bytes + INFO_BYTES;
    protocol_clean_text(info->container, sizeof info->container, text, container);
    protocol_clean_text(info->codec, sizeof info->codec, text + container, codec);
    return true;
}

static bool get_problem(Payload payload, ProtocolProblem *problem)
{
    if (!get_tail(payload, PROBLEM_BYTES, problem->text, sizeof problem->text))
        return false;
    double at_s = get_f64(payload.bytes);
    problem->to_end = get_u32(payload.bytes + 8) != 0;
    problem->at_s = at_s;
    return at_s >= 0 && at_s <= SECONDS_MAX;
}

static bool get_progress(Payload payload, ProtocolProgress *progress)
{
    if (payload.length != PROGRESS_BYTES)
        return false;
    progress->input_bytes = get_u64(payload.bytes);
    progress->decoded_samples = get_u64(payload.bytes + 8);
    return true;
}

static bool get_end(Payload payload, ProtocolEnd *end)
{
    if (payload.length != END_BYTES)
        return false;
    end->samples = get_u64(payload.bytes);
    end->problems = get_u32(payload.bytes + 8);
    return true;
}

// The reasons a child may give. Any other number is itself a failure of the child.
static ScoutStatus status_of_number(uint32_t number)
{
    switch ((int32_t)number) {
    case SCOUT_ERROR_INVALID_ARGUMENT: return SCOUT_ERROR_INVALID_ARGUMENT;
    case SCOUT_ERROR_OUT_OF_MEMORY: return SCOUT_ERROR_OUT_OF_MEMORY;
    case SCOUT_ERROR_IO: return SCOUT_ERROR_IO;
    case SCOUT_ERROR_FORMAT: return SCOUT_ERROR_FORMAT;
    case SCOUT_ERROR_CORRUPT: return SCOUT_ERROR_CORRUPT;
    case SCOUT_ERROR_UNSUPPORTED: return SCOUT_ERROR_UNSUPPORTED;
    case SCOUT_ERROR_LIMIT: return SCOUT_ERROR_LIMIT;
    default: return SCOUT_ERROR_CHILD;
    }
}

static bool get_error(Payload payload, ProtocolError *error)
{
    if (!get_tail(payload, ERROR_BYTES, error->text, sizeof error->text))
        return false;
    error->status = status_of_number(get_u32(payload.bytes));
    return true;
}

static bool get_payload(Payload payload, ProtocolMessage *message)
{
    switch (message->type) {
    case PROTOCOL_HELLO: return get_hello(payload, &message->hello);
    case PROTOCOL_INFO: return get_info(payload, &message->info);
    case PROTOCOL_AUDIO:
        message->audio.bytes = payload.bytes;
        message->audio.count = payload.length / 4;
        return payload.length > 0 && payload.length % 4 == 0;
    case PROTOCOL_PROBLEM: return get_problem(payload, &message->problem);
    case PROTOCOL_PROGRESS: return get_progress(payload, &message->progress);
    case PROTOCOL_END: return get_end(payload, &message->end);
    case PROTOCOL_ERROR: return get_error(payload, &message->error);
    }
    return false;
}

// Whether the message may come after those before it, and counts it.
static bool take_in_order(ProtocolReader *reader, const ProtocolMessage *message)
{
    if (reader->finished)
        return false;
    switch (message->type) {
    case PROTOCOL_HELLO:
        if (reader->hello)
            return false;
        reader->hello = true;
        return true;
    case PROTOCOL_INFO:
        if (!reader->hello || reader->info)
            return false;
        reader->info = true;
        return true;
    case PROTOCOL_AUDIO: reader->samples += message->audio.count; return reader->info;
    case PROTOCOL_PROBLEM:
        reader->problems++;
        return reader->info && reader->problems <= PROTOCOL_PROBLEMS_MAX;
    case PROTOCOL_PROGRESS: return reader->hello;
    case PROTOCOL_END:
        reader->finished = true;
        return reader->info && message->end.samples == reader->samples &&
               message->end.problems >= reader->problems;
    case PROTOCOL_ERROR: reader->finished = true; return reader->hello;
    }
    return false;
}

static ScoutStatus refuse(ScoutError *error, const char *what)
{
    return error_set(error, SCOUT_ERROR_CHILD, "scout-decode sent %s", what);
}

ScoutStatus protocol_reader_next(ProtocolReader *reader, const uint8_t *bytes, size_t length,
                                 ProtocolMessage *message, size_t *used, ScoutError *error)
{
    size_t known = length < sizeof MAGIC ? length : sizeof MAGIC;
    if (known && memcmp(bytes, MAGIC, known) != 0)
        return refuse(error, "something else than its messages; is it the right program?");
    if (length < PROTOCOL_HEADER_BYTES) {
        *used = 0;
        return SCOUT_OK;
    }
    size_t payload_bytes = get_u32(bytes + 4);
    if (payload_bytes > PROTOCOL_PAYLOAD_MAX)
        return refuse(error, "a message that is too long");
    if (bytes[3] == PROTOCOL_HELLO && payload_bytes >= 4 && length >= PROTOCOL_HEADER_BYTES + 4 &&
        get_u32(bytes + PROTOCOL_HEADER_BYTES) != PROTOCOL_VERSION)
        return error_set(error, SCOUT_ERROR_CHILD,
                         "scout-decode speaks version %lu of the protocol, not %d: install the one "
                         "that belongs to this version of Scout",
                         (unsigned long)get_u32(bytes + PROTOCOL_HEADER_BYTES), PROTOCOL_VERSION);
    if (length - PROTOCOL_HEADER_BYTES < payload_bytes) {
        *used = 0;
        return SCOUT_OK;
    }
    ProtocolMessage next = {.type = (ProtocolType)bytes[3]};
    if (!get_payload((Payload){bytes + PROTOCOL_HEADER_BYTES, payload_bytes}, &next))
        return refuse(error, "a malformed message");
    if (!take_in_order(reader, &next))
        return refuse(error, "a message out of order");
    *message = next;
    *used = PROTOCOL_HEADER_BYTES + payload_bytes;
    return SCOUT_OK;
}
