// The loop of a peak: twelve sums, which is more than the instructions that are on their way at
// once, and two inputs that the compiler cannot know. It has to believe that each step changes an
// input, so that it multiplies again, and that each round changes the sums and somebody reads them:
// it can leave nothing out and move nothing together.
//
// What a tier has to say is its instruction, so this is text that becomes a function.
#ifndef KERNELS_PEAK_BODY_H
#define KERNELS_PEAK_BODY_H

#include <stdint.h>

enum { PEAK_SUMS = 12 };

// The class of registers that vectors are in.
#if defined(__aarch64__)
#define PEAK_REGISTER "+w"
#else
#define PEAK_REGISTER "+x"
#endif

#define PEAK_STEP(sum, step)                                                                       \
    __asm__ volatile("" : PEAK_REGISTER(x));                                                       \
    (sum) = step(sum, x, w);

// step(sum, x, w) does `operations` operations.
#define PEAK_LOOP(name, Sum, zero, Input, input, step, operations)                                 \
    static uint64_t name(uint64_t rounds)                                                          \
    {                                                                                              \
        Input x = (input);                                                                         \
        Input w = (input);                                                                         \
        __asm__ volatile("" : PEAK_REGISTER(x), PEAK_REGISTER(w));                                 \
        Sum s0 = (zero), s1 = (zero), s2 = (zero), s3 = (zero), s4 = (zero), s5 = (zero);          \
        Sum s6 = (zero), s7 = (zero), s8 = (zero), s9 = (zero), s10 = (zero), s11 = (zero);        \
        for (uint64_t i = 0; i < rounds; i++) {                                                    \
            PEAK_STEP(s0, step)                                                                    \
            PEAK_STEP(s1, step)                                                                    \
            PEAK_STEP(s2, step)                                                                    \
            PEAK_STEP(s3, step)                                                                    \
            PEAK_STEP(s4, step)                                                                    \
            PEAK_STEP(s5, step)                                                                    \
            PEAK_STEP(s6, step)                                                                    \
            PEAK_STEP(s7, step)                                                                    \
            PEAK_STEP(s8, step)                                                                    \
            PEAK_STEP(s9, step)                                                                    \
            PEAK_STEP(s10, step)                                                                   \
            PEAK_STEP(s11, step)                                                                   \
            __asm__ volatile(""                                                                    \
                             : PEAK_REGISTER(s0), PEAK_REGISTER(s1), PEAK_REGISTER(s2),            \
                               PEAK_REGISTER(s3), PEAK_REGISTER(s4), PEAK_REGISTER(s5),            \
                               PEAK_REGISTER(s6), PEAK_REGISTER(s7), PEAK_REGISTER(s8),            \
                               PEAK_REGISTER(s9), PEAK_REGISTER(s10), PEAK_REGISTER(s11));         \
        }                                                                                          \
        return rounds * PEAK_SUMS * (operations);                                                  \
    }

#endif
