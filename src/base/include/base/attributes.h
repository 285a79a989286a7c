// The few compiler attributes the house uses, in one place, so that no other file needs `#if`.
#ifndef BASE_ATTRIBUTES_H
#define BASE_ATTRIBUTES_H

#define BASE_PRINTF(format_index, first_argument)                                                  \
    __attribute__((format(printf, format_index, first_argument)))
#define BASE_CLEANUP(function) __attribute__((cleanup(function)))
#define BASE_UNUSED            __attribute__((unused))
#define BASE_NODISCARD         __attribute__((warn_unused_result))

// Tells the processor that a loop only waits.
#if defined(__x86_64__) || defined(__i386__)
#define BASE_CPU_RELAX() __builtin_ia32_pause()
#elif defined(__aarch64__)
#define BASE_CPU_RELAX() __asm__ volatile("isb" ::: "memory")
#else
#define BASE_CPU_RELAX() __asm__ volatile("" ::: "memory")
#endif

#define BASE_COUNT(array)      (sizeof(array) / sizeof((array)[0]))
#define BASE_MIN(a, b)         ((a) < (b) ? (a) : (b))
#define BASE_MAX(a, b)         ((a) > (b) ? (a) : (b))
#define BASE_ROUND_UP(n, unit) (((n) + (unit)-1) / (unit) * (unit))

#endif
