// Monotonic time, for durations and deadlines, and wall time, for what people read.
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

int64_t clock_monotonic_ns(void);
double clock_seconds_since(int64_t start_ns); // of the monotonic clock
int64_t clock_wall_ms(void);                  // since 1970-01-01 UTC
void clock_sleep_ms(int64_t ms);

#endif
