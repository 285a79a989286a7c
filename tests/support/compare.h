// Comparing arrays of numbers with the reference's.
#ifndef TESTS_SUPPORT_COMPARE_H
#define TESTS_SUPPORT_COMPARE_H

#include <math.h>
#include <stddef.h>

// The largest |a - b|; infinity if any value of either is not a number.
static inline double compare_max_difference(const float *a, const float *b, size_t count)
{
    double largest = 0;
    for (size_t i = 0; i < count; i++) {
        const double difference = fabs((double)a[i] - (double)b[i]);
        if (!(difference <= largest))
            largest = isnan(difference) ? (double)INFINITY : difference;
    }
    return largest;
}

#endif
