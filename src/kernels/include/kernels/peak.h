// How fast the processor could be: loops of nothing but a tier's fastest multiplication, in
// registers, and one of nothing but reads. What layers reach is held against them.
#ifndef KERNELS_PEAK_H
#define KERNELS_PEAK_H

#include <stddef.h>
#include <stdint.h>

enum { KERNELS_READ_UNIT = 512 }; // bytes

// Each multiplies for so many rounds and returns how many operations that was; a multiplication and
// an addition count two. Any thread.
typedef uint64_t (*KernelsPeak)(uint64_t rounds);

typedef struct KernelsPeaks {
    KernelsPeak f32;
    KernelsPeak u8s8; // with sums of 32 bits
    KernelsPeak bf16; // NULL: the tier has no such instruction
    // Reads all of data (aligned to 64 bytes; a multiple of KERNELS_READ_UNIT) in order and returns
    // the exclusive or of its 64-bit words.
    uint64_t (*read)(const void *data, size_t bytes);
} KernelsPeaks;

// features: bits of cpu.h, as in kernels_init.
void kernels_peaks_init(KernelsPeaks *peaks, uint32_t features);

#endif
