// The arithmetic of one logit row: see logits.h. The exponentials of a whole vocabulary are taken
// at every step of every beam, so exp is a polynomial in independent lanes that compilers turn into
// vector code.
#include "logits.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/attributes.h"

enum { LANES = 16, BLOCK = 512 };

void logit_ranges_add(LogitRanges *ranges, size_t first, size_t end)
{
    if (first >= end)
        return;
    assert(ranges->count < LOGIT_RANGES_MAX);
    ranges->range[ranges->count++] = (LogitRange){first, end};
}

static float span_max(const float *x, size_t count)
{
    float lane[LANES];
    for (size_t l = 0; l < LANES; l++)
        lane[l] = -INFINITY;
    size_t i = 0;
    for (; i + LANES <= count; i += LANES)
        for (size_t l = 0; l < LANES; l++)
            lane[l] = x[i + l] > lane[l] ? x[i + l] : lane[l];
    float best = -INFINITY;
    for (; i < count; i++)
        best = x[i] > best ? x[i] : best;
    for (size_t l = 0; l < LANES; l++)
        best = lane[l] > best ? lane[l] : best;
    return best;
}

float logits_max(const float *logits, const LogitRanges *ranges)
{
    float best = -INFINITY;
    for (size_t r = 0; r < ranges->count; r++) {
        LogitRange part = ranges->range[r];
        float high = span_max(logits + part.first, part.end - part.first);
        best = high > best ? high : best;
    }
    return best;
}

// exp for x <= 0, relative error below 3e-7; 0 below -87 and for NaN. Cody and Waite: 2^n times a
// polynomial of the rest.
static inline float exp_negative(float x)
{
    const float round = 12582912.0f; // 1.5 * 2^23: adding it leaves the rounded integer
    float low = x > -87.0f ? x : -87.0f;
    float n = low * 1.44269504f + round - round;
    float r = low - n * 0.693145752f - n * 1.42860677e-6f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.0f;
    int32_t bits;
    memcpy(&bits, &p, sizeof bits);
    bits += (int32_t)n * (1 << 23);
    float value;
    memcpy(&value, &bits, sizeof value);
    return x > -87.0f ? value : 0.0f;
}

// The sum of exp((x - high) * scale). Blocks are summed in float lanes, their sums in double.
static double span_exp_sum(const float *x, size_t count, float high, float scale)
{
    double sum = 0;
    for (size_t start = 0; start < count; start += BLOCK) {
        size_t end = BASE_MIN(start + BLOCK, count);
        float lane[LANES] = {0};
        size_t i = start;
        for (; i + LANES <= end; i += LANES)
            for (size_t l = 0; l < LANES; l++)
                lane[l] += exp_negative((x[i + l] - high) * scale);
        double block = 0;
        for (; i < end; i++)
            block += (double)exp_negative((x[i] - high) * scale);
        for (size_t l = 0; l < LANES; l++)
            block += (double)lane[l];
        sum += block;
    }
    return sum;
}

double logits_log_sum_exp(const float *logits, const LogitRanges *ranges)
{
    float high = logits_max(logits, ranges);
    if (!(high > -INFINITY))
        return -(double)INFINITY;
    double sum = 0;
    for (size_t r = 0; r < ranges->count; r++) {
        LogitRange part = ranges->range[r];
        sum += span_exp_sum(logits + part.first, part.end - part.first, high, 1.0f);
    }
    return (double)high + log(sum);
}

// Puts a choice into the sorted list; the last falls off a full one.
static size_t insert_choice(LogitChoice *top, size_t filled, size_t count, LogitChoice choice)
{
    size_t at = filled < count ? filled : count - 1;
    for (; at > 0 && top[at - 1].logit < choice.logit; at--)
        top[at] = top[at - 1];
    top[at] = choice;
    return filled < count ? filled + 1 : filled;
}

size_t logits_top(const float *logits, const LogitRanges *ranges, size_t count, LogitChoice *top)
{
    size_t filled = 0;
    if (count == 0)
        return 0;
    for (size_t r = 0; r < ranges->count; r++) {
        size_t end = ranges->range[r].end;
        for (size_t start = ranges->range[r].first; start < end; start += BLOCK) {
            size_t stop = BASE_MIN(start + BLOCK, end);
            float floor = filled < count ? -INFINITY : top[count - 1].logit;
            if (!(span_max(logits + start, stop - start) > floor))
                continue;
            for (size_t i = start; i < stop; i++) {
                if (!(logits[i] > floor))
                    continue;
                filled = insert_choice(top, filled, count, (LogitChoice){(int32_t)i, logits[i]});
                floor = filled < count ? -INFINITY : top[count - 1].logit;
            }
        }
    }
    return filled;
}

// The token in [start, stop) at which the running sum passes target; -1 if it stays below, and
// *sum then holds what was passed.
static int32_t pass_target(const float *logits, LogitRange part, float high, float scale,
                           double target, double *sum)
{
    for (size_t start = part.first; start < part.end; start += BLOCK) {
        size_t stop = BASE_MIN(start + BLOCK, part.end);
        double block = span_exp_sum(logits + start, stop - start, high, scale);
        if (*sum + block <= target) {
            *sum += block;
            continue;
        }
        for (size_t i = start; i < stop; i++) {
            *sum += (double)exp_negative((logits[i] - high) * scale);
            if (*sum > target)
                return (int32_t)i;
        }
    }
    return -1;
}

int32_t logits_sample(const float *logits, const LogitRanges *ranges, double temperature,
                      double chance)
{
    float high = logits_max(logits, ranges);
    if (!(high > -INFINITY))
        return -1;
    float scale = (float)(1.0 / temperature);
    double total = 0;
    for (size_t r = 0; r < ranges->count; r++) {
        LogitRange part = ranges->range[r];
        total += span_exp_sum(logits + part.first, part.end - part.first, high, scale);
    }
    double sum = 0;
    for (size_t r = 0; r < ranges->count; r++) {
        int32_t token = pass_target(logits, ranges->range[r], high, scale, chance * total, &sum);
        if (token >= 0)
            return token;
    }
    LogitChoice best; // rounding left the target just beyond the sum
    return logits_top(logits, ranges, 1, &best) ? best.token : -1;
}

static uint64_t mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

Chance chance_start(uint64_t seed, uint64_t place)
{
    return (Chance){mix(mix(seed + UINT64_C(0x9e3779b97f4a7c15)) ^ place)};
}

double chance_next(Chance *chance)
{
    chance->state += UINT64_C(0x9e3779b97f4a7c15);
    return (double)(mix(chance->state) >> 11) * 0x1p-53;
}
