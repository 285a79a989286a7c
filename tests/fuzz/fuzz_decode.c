// Fuzzes the parts of scout-decode that look at foreign bytes themselves, without FFmpeg: headers
// of WAV, the end of Ogg, playlists, and the clock that timestamps drive.
#include "formats.h"
#include "ogg.h"
#include "timeline.h"
#include "wav.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth)
{
    if (!truth)
        abort();
}

static void check_headers(const uint8_t *data, size_t size)
{
    WavClaim claim;
    if (wav_read_claim(data, size, &claim))
        require(claim.data_at <= size && claim.data_bytes > 0 && claim.bytes_per_s > 0);
    WavPlain plain;
    if (wav_read_plain(data, size, &plain)) {
        require(plain.claim.data_at + plain.block_bytes <= size && plain.claim.data_bytes > 0);
        require(plain.channels > 0 && plain.rate > 0 && plain.codec);
        require(plain.block_bytes > 0 && plain.block_bytes % (size_t)plain.channels == 0);
    }
    (void)ogg_is_ended(data, size);
    (void)format_is_playlist(data, size, size % 2 ? "m3u" : "");
}

// Twelve bytes a frame: a timestamp, a length, and what has happened before it.
static void check_timeline(const uint8_t *data, size_t size)
{
    enum { STEP = 12, RATE = 48000 };
    const double gap_max_s = 10;
    Timeline timeline;
    Anchor anchor = {0};
    timeline_init(&timeline, RATE, gap_max_s);
    for (; size >= STEP; data += STEP, size -= STEP) {
        int64_t at;
        memcpy(&at, data, sizeof at);
        at /= 1 << 16; // as far as the decoder lets timestamps through
        int64_t count = data[8] | data[9] << 8;
        if (data[10] & 1)
            timeline.exact = true;
        if (data[10] & 2)
            timeline_set_rate(&timeline, 8000 + 1000 * data[11]);
        int64_t before = timeline.next;
        TimelinePlace place = timeline_place(&timeline, !(data[10] & 4), at, count);
        require(place.silence >= 0 && place.jump >= 0 && !(place.silence && place.jump));
        require((double)place.silence <= gap_max_s * timeline.rate);
        require(timeline.next == before + place.silence + count);
        anchor_add(&anchor, !(data[10] & 4), at, count);
    }
    (void)anchor_next(&anchor, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *bytes = calloc(1, size + !size);
    require(bytes);
    if (size)
        memcpy(bytes, data, size);
    check_headers(bytes, size);
    check_timeline(bytes, size);
    free(bytes);
    return 0;
}
