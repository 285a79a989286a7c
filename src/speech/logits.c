// The arithmetic of one logit row: see logits.h. It is done for a whole vocabulary at every step of
// every beam, so all that touches every logit is a kernel.
#include "logits.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/attributes.h"

enum { BLOCK = 256 };

void logit_ranges_add(LogitRanges *ranges, size_t first, size_t end)
{
    if (first >= end)
        return;
    assert(ranges->count < LOGIT_RANGES_MAX);
    ranges->range[ranges->count++] = (LogitRange){first, end};
}

float logits_max(const Kernels *kernels, const float *logits, const LogitRanges *ranges)
{
    float best = -INFINITY;
    for (size_t r = 0; r < ranges->count; r++) {
        LogitRange part = ranges->range[r];
        float high = kernels->max(part.end - part.first, logits + part.first);
        best = high > best ? high : best;
    }
    return best;
}

double logits_log_sum_exp(const Kernels *kernels, const float *logits, const LogitRanges *ranges)
{
    float high = logits_max(kernels, logits, ranges);
    if (!(high > -INFINITY))
        return -(double)INFINITY;
    double sum = 0;
    for (size_t r = 0; r < ranges->count; r++) {
        LogitRange part = ranges->range[r];
        sum += kernels->exp_sum(part.end - part.first, logits + part.first, high, 1.0f);
    }
    return (double)high + log(sum);
}

typedef struct Block {
    float high;
    size_t first, end;
} Block;

// Puts a block into the list, the highest first, of equal ones the one that came first; the last
// falls off a full list.
static size_t insert_block(Block *blocks, size_t filled, size_t count, Block block)
{
    if (filled == count && !(block.high > blocks[count - 1].high))
        return filled;
    size_t at = filled < count ? filled : count - 1;
    for (; at > 0 && blocks[at - 1].high < block.high; at--)
        blocks[at] = blocks[at - 1];
    blocks[at] = block;
    return filled < count ? filled + 1 : filled;
}

// The count blocks with the highest maxima. The count best logits are in them: each of these maxima
// is above every logit of the other blocks, or as high and the lower token.
static size_t highest_blocks(const Kernels *kernels, const float *logits, const LogitRanges *ranges,
                             size_t count, Block *blocks)
{
    size_t filled = 0;
    for (size_t r = 0; r < ranges->count; r++) {
        LogitRange part = ranges->range[r];
        for (size_t first = part.first; first < part.end; first += BLOCK) {
            Block block = {.first = first, .end = BASE_MIN(first + BLOCK, part.end)};
            block.high = kernels->max(block.end - first, logits + first);
            filled = insert_block(blocks, filled, count, block);
        }
    }
    return filled;
}

static bool is_before(LogitChoice a, LogitChoice b)
{
    return a.logit > b.logit || (a.logit == b.logit && a.token < b.token);
}

static size_t insert_choice(LogitChoice *top, size_t filled, size_t count, LogitChoice choice)
{
    if (filled == count && !is_before(choice, top[count - 1]))
        return filled;
    size_t at = filled < count ? filled : count - 1;
    for (; at > 0 && is_before(choice, top[at - 1]); at--)
        top[at] = top[at - 1];
    top[at] = choice;
    return filled < count ? filled + 1 : filled;
}

size_t logits_top(const Kernels *kernels, const float *logits, const LogitRanges *ranges,
                  size_t count, LogitChoice *top)
{
    assert(count <= LOGITS_TOP_MAX);
    if (count == 0)
        return 0;
    Block blocks[LOGITS_TOP_MAX];
    size_t block_count = highest_blocks(kernels, logits, ranges, count, blocks);
    float floor = block_count == count ? blocks[count - 1].high : -INFINITY;
    size_t filled = 0;
    for (size_t b = 0; b < block_count; b++)
        for (size_t i = blocks[b].first; i < blocks[b].end; i++)
            if (logits[i] >= floor && logits[i] > -INFINITY)
                filled = insert_choice(top, filled, count, (LogitChoice){(int32_t)i, logits[i]});
    return filled;
}

// The token in [start, stop) at which the running sum passes target; -1 if it stays below, and
// *sum then holds what was passed.
static int32_t pass_target(const Kernels *kernels, const float *logits, LogitRange part, float high,
                           float scale, double target, double *sum)
{
    for (size_t start = part.first; start < part.end; start += BLOCK) {
        size_t stop = BASE_MIN(start + BLOCK, part.end);
        double block = kernels->exp_sum(stop - start, logits + start, high, scale);
        if (*sum + block <= target) {
            *sum += block;
            continue;
        }
        for (size_t i = start; i < stop; i++) {
            *sum += kernels->exp_sum(1, logits + i, high, scale);
            if (*sum > target)
                return (int32_t)i;
        }
    }
    return -1;
}

int32_t logits_sample(const Kernels *kernels, const float *logits, const LogitRanges *ranges,
                      double temperature, double chance)
{
    float high = logits_max(kernels, logits, ranges);
    if (!(high > -INFINITY))
        return -1;
    float scale = (float)(1.0 / temperature);
    double total = 0;
    for (size_t r = 0; r < ranges->count; r++) {
        LogitRange part = ranges->range[r];
        total += kernels->exp_sum(part.end - part.first, logits + part.first, high, scale);
    }
    double sum = 0;
    for (size_t r = 0; r < ranges->count; r++) {
        int32_t token =
            pass_target(kernels, logits, ranges->range[r], high, scale, chance * total, &sum);
        if (token >= 0)
            return token;
    }
    LogitChoice best; // rounding left the target just beyond the sum
    return logits_top(kernels, logits, ranges, 1, &best) ? best.token : -1;
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
