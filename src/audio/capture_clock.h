// When each frame of a source was heard, as one steady clock: the times that come with fragments
// jitter by milliseconds, and the devices' clocks differ by up to some hundred parts in a million.
#ifndef AUDIO_CAPTURE_CLOCK_H
#define AUDIO_CAPTURE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

// A delay-locked loop of second order (F. Adriaensen, "Using a DLL to filter time", LAC 2005),
// quick in its first seconds and slow later.
typedef struct CaptureClock {
    bool set;
    int far;           // times that were far off, in a row
    uint64_t position; // of the last update
    double at_ns;      // since origin_ns, when it was heard
    double period_ns;  // of a frame
    double age_s;      // of sound since it was set
    int64_t origin_ns; // keeps the numbers small: a double has 53 bits
} CaptureClock;

// The frame at position was heard at captured_ns. Positions grow. A time that is far off sets the
// clock anew, and false is returned.
bool clock_follow(CaptureClock *clock, uint64_t position, int64_t captured_ns);

void clock_forget(CaptureClock *clock); // what comes next has nothing to do with what was

// Both directions; the clock is set. Times are CLOCK_MONOTONIC, positions may have fractions.
int64_t clock_time_of(const CaptureClock *clock, double position);
double clock_position_at(const CaptureClock *clock, int64_t time_ns);

#endif
