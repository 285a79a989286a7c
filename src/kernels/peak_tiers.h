// The tiers' own loops: each fills what it has a faster instruction for than the tiers below it.
#ifndef KERNELS_PEAK_TIERS_H
#define KERNELS_PEAK_TIERS_H

#include "kernels/peak.h"

void kernels_peaks_init_ref(KernelsPeaks *peaks); // all but bf16
void kernels_peaks_init_avx2(KernelsPeaks *peaks);
void kernels_peaks_init_avxvnni(KernelsPeaks *peaks);
void kernels_peaks_init_avx512(KernelsPeaks *peaks);
void kernels_peaks_init_avx512vnni(KernelsPeaks *peaks);
void kernels_peaks_init_avx512bf16(KernelsPeaks *peaks);
void kernels_peaks_init_amx(KernelsPeaks *peaks);
void kernels_peaks_init_neon(KernelsPeaks *peaks);
void kernels_peaks_init_dotprod(KernelsPeaks *peaks);
void kernels_peaks_init_i8mm(KernelsPeaks *peaks);
void kernels_peaks_init_bf16(KernelsPeaks *peaks);

#endif
