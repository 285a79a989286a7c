// One row of logits and the questions decoding asks of it: how probable, which are best, which one
// does chance pick. All work on the parts of the row that the rules leave open, so that a step
// never walks over what cannot be chosen. Any thread.
#ifndef SPEECH_LOGITS_H
#define SPEECH_LOGITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/kernels.h"

// The open tokens: ascending, disjoint parts of the vocabulary. A token inside that is closed all
// the same holds -INFINITY.
enum { LOGIT_RANGES_MAX = 4 };

typedef struct LogitRange {
    size_t first, end;
} LogitRange;

typedef struct LogitRanges {
    LogitRange range[LOGIT_RANGES_MAX];
    size_t count;
} LogitRanges;

void logit_ranges_add(LogitRanges *ranges, size_t first, size_t end); // nothing if first >= end

// -INFINITY when nothing is open.
float logits_max(const Kernels *kernels, const float *logits, const LogitRanges *ranges);

// log of the sum of exp over the open tokens; -INFINITY when nothing is open.
double logits_log_sum_exp(const Kernels *kernels, const float *logits, const LogitRanges *ranges);

typedef struct LogitChoice {
    int32_t token;
    float logit;
} LogitChoice;

enum { LOGITS_TOP_MAX = 64 };

// The count (at most LOGITS_TOP_MAX) largest open logits, largest first, of equal ones the lower
// token first. Returns how many there are: tokens at -INFINITY are never chosen.
size_t logits_top(const Kernels *kernels, const float *logits, const LogitRanges *ranges,
                  size_t count, LogitChoice *top);

// Draws a token with probability proportional to exp(logit / temperature); chance is in [0, 1).
// -1 when nothing is open.
int32_t logits_sample(const Kernels *kernels, const float *logits, const LogitRanges *ranges,
                      double temperature, double chance);

// A small generator (splitmix64): the same seed gives the same numbers on every machine.
typedef struct Chance {
    uint64_t state;
} Chance;

// Independent streams for one seed: one for each place of use.
Chance chance_start(uint64_t seed, uint64_t place);
double chance_next(Chance *chance); // [0, 1)

#endif
