// Channels on one clock: see capture_align.h. One channel leads: its frames are passed on
// untouched. For each of its frames the clocks say which (fractional) frame of the other was heard
// at the same time, and that one is interpolated. The position in the other moves on by the ratio
// of the clocks' rates, corrected so slowly that nobody hears it; only where it is far off does it
// jump.
#include "capture_align.h"

#include <math.h>
#include <string.h>

#include "base/attributes.h"

static const double PI = 3.14159265358979323846;
static const double KAISER_BETA = 6;
// An error is made up for in so many seconds, or at this share of the speed: nobody hears it.
static const double CORRECT_S = 2, CORRECT_MAX = 0.01;
static const int64_t SECOND_NS = 1000000000, MS_NS = 1000000;

// The modified Bessel function of the first kind, order 0.
static double bessel(double x)
{
    double sum = 1;
    double term = 1;
    for (int k = 1; k < 30; k++) {
        term *= x / (2 * k) * (x / (2 * k));
        sum += term;
    }
    return sum;
}

static void make_taps(float taps[ALIGN_TAPS], double fraction)
{
    double sum = 0;
    double values[ALIGN_TAPS];
    for (int i = 0; i < ALIGN_TAPS; i++) {
        const int from_centre = i - (ALIGN_TAPS / 2 - 1);
        const double x = from_centre - fraction;
        const double edge = x / (ALIGN_TAPS / 2.0);
        const double window = fabs(edge) < 1 ? bessel(KAISER_BETA * sqrt(1 - edge * edge)) : 0;
        values[i] = window * (fabs(x) < 1e-9 ? 1 : sin(PI * x) / (PI * x));
        sum += values[i];
    }
    for (int i = 0; i < ALIGN_TAPS; i++)
        taps[i] = (float)(values[i] / sum);
}

void align_init(Align *align, size_t channels, bool by_position)
{
    align->channels = channels;
    align->by_position = by_position;
    align->leader = -1;
    align->given = 0;
    align->next_ns = 0;
    align->jumps = 0;
    for (int i = 0; i <= ALIGN_PHASES; i++)
        make_taps(align->taps[i], (double)i / ALIGN_PHASES);
    for (size_t c = 0; c < AUDIO_CAPTURE_SOURCES_MAX; c++)
        memset(&align->channel[c], 0, sizeof align->channel[c]);
}

size_t align_room(const Align *align, size_t channel)
{
    const AlignChannel *to = &align->channel[channel];
    return ALIGN_HOLD - (size_t)(to->end - to->begin);
}

void align_push(Align *align, size_t channel, const int16_t *frames, size_t count,
                int64_t captured_ns, bool fresh)
{
    AlignChannel *to = &align->channel[channel];
    if (fresh)
        clock_forget(&to->clock);
    if (!align->by_position && !clock_follow(&to->clock, to->end, captured_ns))
        fresh = true;
    if (fresh && (int)channel != align->leader)
        to->placed = false;
    to->fresh = to->fresh || fresh;
    to->runs = true;
    for (size_t i = 0; i < count; i++)
        to->frames[(to->end + i) % ALIGN_HOLD] = frames[i];
    to->end += count;
}

bool align_is_empty(const Align *align, size_t channel)
{
    return align->channel[channel].begin == align->channel[channel].end;
}

void align_pause(Align *align, size_t channel)
{
    align->channel[channel].runs = false;
}

// ---- Who leads

static bool is_there(const AlignChannel *channel)
{
    return channel->runs || channel->end > channel->begin;
}

// The other channel goes on where the leader ended.
static void lead_with(Align *align, size_t channel)
{
    AlignChannel *lead = &align->channel[channel];
    double from = (double)lead->begin;
    if (align->leader >= 0 && lead->placed)
        from = lead->at;
    lead->at = BASE_MAX(floor(from + 0.5), (double)lead->begin);
    lead->placed = true;
    lead->fresh = true;
    align->leader = (int)channel;
    for (size_t c = 0; c < align->channels; c++)
        align->channel[c].placed = align->channel[c].placed && c == channel;
}

static bool leader_is_there(Align *align)
{
    if (align->leader >= 0 && is_there(&align->channel[align->leader]))
        return true;
    for (size_t c = 0; c < align->channels; c++) {
        if (align->channel[c].end > align->channel[c].begin) {
            lead_with(align, c);
            return true;
        }
    }
    return false;
}

// ---- The others

static int64_t time_of(const Align *align, const AlignChannel *channel, int64_t now_ns)
{
    return align->by_position ? now_ns : clock_time_of(&channel->clock, channel->at);
}

// Where the channel should be when the leader is where it is.
static double should_be_at(const Align *align, const AlignChannel *channel)
{
    const AlignChannel *lead = &align->channel[align->leader];
    if (align->by_position)
        return lead->at;
    return clock_position_at(&channel->clock, clock_time_of(&lead->clock, lead->at));
}

// Puts the channel where it belongs, or leads it there: returns its frames for each of the
// leader's.
static double place(Align *align, AlignChannel *channel)
{
    const AlignChannel *lead = &align->channel[align->leader];
    const double should = should_be_at(align, channel);
    const double off = should - channel->at;
    channel->off = fabs(off) > ALIGN_OFF ? channel->off : 0;
    if (!channel->placed || channel->off > ALIGN_OFF_FRAMES) {
        align->jumps += channel->placed;
        channel->at = should;
        channel->placed = true;
        channel->off = 0;
        return align->by_position ? 1 : lead->clock.period_ns / channel->clock.period_ns;
    }
    if (align->by_position)
        return 1;
    return lead->clock.period_ns / channel->clock.period_ns +
           BASE_MIN(BASE_MAX(off / (CORRECT_S * AUDIO_CAPTURE_RATE), -CORRECT_MAX), CORRECT_MAX);
}

static float frame_at(const AlignChannel *channel, int64_t position)
{
    if (position < (int64_t)channel->begin || position >= (int64_t)channel->end)
        return 0;
    return (float)channel->frames[position % ALIGN_HOLD];
}

static int16_t interpolate(const Align *align, const AlignChannel *channel, double position)
{
    const double whole = floor(position);
    const double phase = (position - whole) * ALIGN_PHASES;
    const int row = BASE_MIN((int)phase, ALIGN_PHASES - 1);
    const float part = (float)(phase - row);
    const float *low = align->taps[row];
    const float *high = align->taps[row + 1];
    const int64_t first = (int64_t)whole - (ALIGN_TAPS / 2 - 1);
    float sum = 0;
    for (int i = 0; i < ALIGN_TAPS; i++)
        sum += frame_at(channel, first + i) * (low[i] + part * (high[i] - low[i]));
    const long value = lrintf(sum);
    return (int16_t)BASE_MIN(BASE_MAX(value, INT16_MIN), INT16_MAX);
}

// How many of `most` frames the channel can give now; all of them when it need not be waited for,
// since what is missing is silence.
static size_t complete(const Align *align, const AlignChannel *channel, double step, size_t most,
                       int64_t now_ns)
{
    const AlignChannel *lead = &align->channel[align->leader];
    const double left = (double)channel->end - ALIGN_TAPS / 2.0 - 1 - channel->at;
    const size_t there = left > 0 ? (size_t)(left / step) : 0;
    const bool late =
        !align->by_position && now_ns - time_of(align, lead, now_ns) > ALIGN_LATE_MS * MS_NS;
    return !channel->runs || late ? most : BASE_MIN(there, most);
}

static void fill(const Align *align, AlignChannel *channel, double step, size_t count,
                 int16_t *frames)
{
    for (size_t i = 0; i < count; i++)
        frames[i * align->channels] = interpolate(align, channel, channel->at + (double)i * step);
    channel->at += (double)count * step;
    channel->off += count;
    const double keep = channel->at - ALIGN_TAPS;
    if (keep > (double)channel->begin)
        channel->begin = BASE_MIN((uint64_t)keep, channel->end);
    // Of a channel that ended, what is behind its last frame is silence.
    if (!channel->runs && channel->at >= (double)channel->end)
        channel->begin = channel->end;
}

static void fill_leader(Align *align, size_t count, int16_t *frames)
{
    AlignChannel *lead = &align->channel[align->leader];
    const uint64_t at = (uint64_t)lead->at;
    for (size_t i = 0; i < count; i++)
        frames[i * align->channels] = lead->frames[(at + i) % ALIGN_HOLD];
    lead->at += (double)count;
    lead->begin = at + count;
}

static size_t pull_block(Align *align, int16_t *frames, size_t most, int64_t now_ns)
{
    const AlignChannel *lead = &align->channel[align->leader];
    size_t count = BASE_MIN((size_t)(lead->end - (uint64_t)lead->at), most);
    double steps[AUDIO_CAPTURE_SOURCES_MAX] = {0};
    for (size_t c = 0; c < align->channels; c++) {
        AlignChannel *channel = &align->channel[c];
        if ((int)c == align->leader || !is_there(channel))
            continue;
        steps[c] = place(align, channel);
        count = complete(align, channel, steps[c], count, now_ns);
    }
    for (size_t c = 0; c < align->channels && count > 0; c++) {
        AlignChannel *channel = &align->channel[c];
        if ((int)c == align->leader)
            continue;
        if (steps[c] > 0) {
            fill(align, channel, steps[c], count, frames + c);
            continue;
        }
        channel->placed = false;
        for (size_t i = 0; i < count; i++)
            frames[i * align->channels + c] = 0;
    }
    if (count > 0)
        fill_leader(align, count, frames + align->leader);
    align->given += count;
    return count;
}

size_t align_pull(Align *align, int16_t *frames, size_t most, int64_t now_ns, int64_t *captured_ns,
                  int64_t *gap_ns)
{
    *gap_ns = 0;
    if (!leader_is_there(align))
        return 0;
    AlignChannel *lead = &align->channel[align->leader];
    const int64_t first_ns = time_of(align, lead, now_ns);
    const bool gap =
        align->given > 0 && !align->by_position && first_ns - align->next_ns > ALIGN_GAP_MS * MS_NS;
    size_t count = 0;
    while (count < most) {
        const size_t block = BASE_MIN(most - count, (size_t)ALIGN_BLOCK);
        const size_t got = pull_block(align, frames + count * align->channels, block, now_ns);
        count += got;
        if (got < block)
            break;
    }
    if (count == 0)
        return 0;
    lead->fresh = false;
    *captured_ns = first_ns;
    *gap_ns = gap ? first_ns - align->next_ns : 0;
    align->next_ns =
        align->by_position ? now_ns : first_ns + (int64_t)count * SECOND_NS / AUDIO_CAPTURE_RATE;
    return count;
}
