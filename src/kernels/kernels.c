// Fills the table of operations: scalar C first, then each tier that is compiled in and that the
// processor has, in ascending order, so that the best one is written last.
#include "kernels/kernels.h"

#include "attend.h"
#include "base/attributes.h"
#include "kernels/cpu.h"
#include "tiers.h"

typedef struct Tier {
    const char *name;
    uint32_t needs;
    void (*init)(Kernels *kernels);
} Tier;

static const Tier TIERS[] = {
    {"ref", 0, kernels_init_ref},
#ifdef KERNELS_HAVE_AVX2
    {"avx2", CPU_AVX2, kernels_init_avx2},
#endif
#ifdef KERNELS_HAVE_AVXVNNI
    {"avxvnni", CPU_AVX2 | CPU_AVX_VNNI, kernels_init_avxvnni},
#endif
#ifdef KERNELS_HAVE_AVX512
    {"avx512", CPU_AVX2 | CPU_AVX512, kernels_init_avx512},
#endif
#ifdef KERNELS_HAVE_AVX512VNNI
    {"avx512vnni", CPU_AVX2 | CPU_AVX512 | CPU_AVX512_VNNI, kernels_init_avx512vnni},
#endif
#ifdef KERNELS_HAVE_AVX512BF16
    {"avx512bf16", CPU_AVX2 | CPU_AVX512 | CPU_AVX512_VNNI | CPU_AVX512_BF16,
     kernels_init_avx512bf16},
    {"avx512bf16", CPU_AVX2 | CPU_AVX512 | CPU_AVX512_VNNI | CPU_AVX512_BF16 | CPU_FAST_AVX512_BF16,
     kernels_init_fast_avx512bf16},
#endif
#ifdef KERNELS_HAVE_AMX
    {"amx", CPU_AVX2 | CPU_AVX512 | CPU_AVX512_VNNI | CPU_AVX512_BF16 | CPU_AMX, kernels_init_amx},
#endif
#ifdef KERNELS_HAVE_NEON
    {"neon", CPU_NEON, kernels_init_neon},
#endif
#ifdef KERNELS_HAVE_DOTPROD
    {"dotprod", CPU_NEON | CPU_DOTPROD, kernels_init_dotprod},
#endif
#ifdef KERNELS_HAVE_I8MM
    {"i8mm", CPU_NEON | CPU_DOTPROD | CPU_I8MM, kernels_init_i8mm},
#endif
#ifdef KERNELS_HAVE_BF16
    {"bf16", CPU_NEON | CPU_DOTPROD | CPU_I8MM | CPU_BF16, kernels_init_bf16},
#endif
};

void kernels_init(Kernels *kernels, uint32_t features)
{
    for (size_t i = 0; i < BASE_COUNT(TIERS); i++) {
        if ((features & TIERS[i].needs) != TIERS[i].needs) {
            continue;
        }
        TIERS[i].init(kernels);
        kernels->tier = TIERS[i].name;
    }
}

size_t kernels_attend_scratch(size_t length)
{
    return ATTEND_ROWS * attend_stride(length) * (sizeof(float) + sizeof(uint16_t));
}
