// Fuzzes what libscout reads from its decoder child: whatever comes, the reader stops or hands out
// messages whose every number is in range and whose every text can be shown.
#include "audio/protocol.h"

#include "base/str.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth)
{
    if (!truth)
        abort();
}

static void require_text(const char *text, size_t size)
{
    size_t length = strnlen(text, size);
    require(length < size && utf8_valid(text, length));
    for (size_t i = 0; i < length; i++)
        require((uint8_t)text[i] >= 0x20 && text[i] != 0x7F);
}

static void check_audio(const ProtocolMessage *message)
{
    static float samples[PROTOCOL_AUDIO_SAMPLES_MAX];
    require(message->audio.count >= 1 && message->audio.count <= PROTOCOL_AUDIO_SAMPLES_MAX);
    protocol_get_samples(message->audio.bytes, message->audio.count, samples);
    for (size_t i = 0; i < message->audio.count; i++)
        require(samples[i] >= -1 && samples[i] <= 1);
}

static void check_message(const ProtocolMessage *message)
{
    switch (message->type) {
    case PROTOCOL_HELLO:
        require(message->hello.landlock_abi >= 0);
        require_text(message->hello.versions, sizeof message->hello.versions);
        break;
    case PROTOCOL_INFO:
        require(message->info.sample_rate > 0 && message->info.channels > 0);
        require(message->info.duration_s >= -1 && message->info.duration_s < 1e10);
        require_text(message->info.container, sizeof message->info.container);
        require_text(message->info.codec, sizeof message->info.codec);
        break;
    case PROTOCOL_AUDIO: check_audio(message); break;
    case PROTOCOL_PROBLEM:
        require(message->problem.at_s >= 0 && message->problem.at_s < 1e10);
        require_text(message->problem.text, sizeof message->problem.text);
        break;
    case PROTOCOL_ERROR:
        require(message->error.status < 0 && message->error.status != SCOUT_ERROR_CANCELLED);
        require_text(message->error.text, sizeof message->error.text);
        break;
    case PROTOCOL_PROGRESS:
    case PROTOCOL_END: break;
    default: abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ProtocolReader reader = {0};
    size_t at = 0;
    for (;;) {
        ProtocolMessage message;
        size_t used = 0;
        ScoutError error = {.message = ""};
        // Exact-sized, so that a byte read too far is seen.
        size_t length = size - at < PROTOCOL_FRAME_MAX ? size - at : PROTOCOL_FRAME_MAX;
        uint8_t *bytes = calloc(1, length + !length);
        require(bytes);
        memcpy(bytes, data + at, length);
        ScoutStatus status = protocol_reader_next(&reader, bytes, length, &message, &used, &error);
        require(status == SCOUT_OK || (status == SCOUT_ERROR_CHILD && error.message[0]));
        require(used <= length);
        if (!status && used)
            check_message(&message);
        free(bytes);
        if (status || !used)
            break;
        at += used;
    }
    require(reader.problems <= PROTOCOL_PROBLEMS_MAX + 1);
    return 0;
}
