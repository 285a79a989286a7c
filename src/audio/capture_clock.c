// Steady clocks from jittering times: see capture_clock.h.
#include "capture_clock.h"

#include <math.h>

#include "audio/decoder.h"
#include "base/attributes.h"

enum { FAR_TIMES = 20 };

static const double NOMINAL_NS = 1e9 / AUDIO_SAMPLE_RATE;
static const double PI = 3.14159265358979323846;
// The loop's bandwidth, Hz: wide for the first seconds, then narrower in proportion to age.
static const double WIDE_HZ = 0.5, NARROW_HZ = 0.01;
static const double FAR_NS = 100e6;
static const double DRIFT_MAX = 0.002; // of the period: no sound card is so wrong

bool clock_follow(CaptureClock *clock, uint64_t position, int64_t captured_ns)
{
    if (!clock->set) {
        const double period_ns = clock->period_ns > 0 ? clock->period_ns : NOMINAL_NS;
        *clock = (CaptureClock){
            .set = true, .position = position, .period_ns = period_ns, .origin_ns = captured_ns};
        return true;
    }
    const double frames = (double)(position - clock->position);
    if (frames <= 0)
        return true;
    const double predicted_ns = clock->at_ns + frames * clock->period_ns;
    const double off_ns = (double)(captured_ns - clock->origin_ns) - predicted_ns;
    if (fabs(off_ns) > FAR_NS && ++clock->far == FAR_TIMES) {
        clock_forget(clock);
        (void)clock_follow(clock, position, captured_ns);
        return false;
    }
    if (fabs(off_ns) > FAR_NS) {
        clock->at_ns = predicted_ns;
        clock->position = position;
        return true;
    }
    clock->far = 0;
    const double seconds = frames / AUDIO_SAMPLE_RATE;
    clock->age_s += seconds;
    const double hz = BASE_MAX(WIDE_HZ / (1 + clock->age_s), NARROW_HZ);
    const double omega = BASE_MIN(2 * PI * hz * seconds, 0.5);
    clock->at_ns = predicted_ns + sqrt(2) * omega * off_ns;
    clock->period_ns += omega * omega * off_ns / frames;
    clock->period_ns = BASE_MIN(BASE_MAX(clock->period_ns, NOMINAL_NS * (1 - DRIFT_MAX)),
                                NOMINAL_NS * (1 + DRIFT_MAX));
    clock->position = position;
    return true;
}

void clock_forget(CaptureClock *clock)
{
    clock->set = false;
}

int64_t clock_time_of(const CaptureClock *clock, double position)
{
    const double frames = position - (double)clock->position;
    return clock->origin_ns + (int64_t)llround(clock->at_ns + frames * clock->period_ns);
}

double clock_position_at(const CaptureClock *clock, int64_t time_ns)
{
    const double later_ns = (double)(time_ns - clock->origin_ns) - clock->at_ns;
    return (double)clock->position + later_ns / clock->period_ns;
}
