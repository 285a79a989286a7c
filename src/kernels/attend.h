// How attention lays out its scratch: some rows of scores in floats, then as many of weights in
// bfloat16.
#ifndef KERNELS_ATTEND_H
#define KERNELS_ATTEND_H

#include "base/attributes.h"
#include "kernels/kernels.h"

enum { ATTEND_ROWS = 24 }; // whose scores, over a window, stay in the second-level cache

// Elements from row to row.
static inline size_t attend_stride(size_t length)
{
    return BASE_ROUND_UP(length, (size_t)KERNELS_BF16_UNIT);
}

#endif
