// Fills the table of peak loops as kernels.c does that of operations.
#include "kernels/peak.h"

#include "base/attributes.h"
#include "kernels/cpu.h"
#include "peak_tiers.h"

typedef struct PeakTier {
    uint32_t needs;
    void (*init)(KernelsPeaks *peaks);
} PeakTier;

static const PeakTier TIERS[] = {
    {0, kernels_peaks_init_ref},
#ifdef KERNELS_HAVE_AVX2
    {CPU_AVX2, kernels_peaks_init_avx2},
#endif
#ifdef KERNELS_HAVE_AVXVNNI
    {CPU_AVX2 | CPU_AVX_VNNI, kernels_peaks_init_avxvnni},
#endif
#ifdef KERNELS_HAVE_AVX512
    {CPU_AVX2 | CPU_AVX512, kernels_peaks_init_avx512},
#endif
#ifdef KERNELS_HAVE_AVX512VNNI
    {CPU_AVX2 | CPU_AVX512 | CPU_AVX512_VNNI, kernels_peaks_init_avx512vnni},
#endif
#ifdef KERNELS_HAVE_AVX512BF16
    {CPU_AVX2 | CPU_AVX512 | CPU_AVX512_VNNI | CPU_AVX512_BF16, kernels_peaks_init_avx512bf16},
#endif
#ifdef KERNELS_HAVE_AMX
    {CPU_AVX2 | CPU_AVX512 | CPU_AVX512_VNNI | CPU_AVX512_BF16 | CPU_AMX, kernels_peaks_init_amx},
#endif
#ifdef KERNELS_HAVE_NEON
    {CPU_NEON, kernels_peaks_init_neon},
#endif
#ifdef KERNELS_HAVE_DOTPROD
    {CPU_NEON | CPU_DOTPROD, kernels_peaks_init_dotprod},
#endif
#ifdef KERNELS_HAVE_I8MM
    {CPU_NEON | CPU_DOTPROD | CPU_I8MM, kernels_peaks_init_i8mm},
#endif
#ifdef KERNELS_HAVE_BF16
    {CPU_NEON | CPU_DOTPROD | CPU_I8MM | CPU_BF16, kernels_peaks_init_bf16},
#endif
};

void kernels_peaks_init(KernelsPeaks *peaks, uint32_t features)
{
    for (size_t i = 0; i < BASE_COUNT(TIERS); i++) {
        if ((features & TIERS[i].needs) == TIERS[i].needs) {
            TIERS[i].init(peaks);
        }
    }
}
