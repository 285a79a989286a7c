// The tiers: each fills the part of the table that it is faster at. Which of them are compiled in
// is decided by src/kernels/meson.build; kernels.c calls them in ascending order.
#ifndef KERNELS_TIERS_H
#define KERNELS_TIERS_H

#include "kernels/kernels.h"

void kernels_init_ref(Kernels *kernels); // every entry
void kernels_init_avx2(Kernels *kernels);
void kernels_init_avxvnni(Kernels *kernels);
void kernels_init_avx512(Kernels *kernels);
void kernels_init_avx512vnni(Kernels *kernels);
void kernels_init_avx512bf16(Kernels *kernels);
void kernels_init_fast_avx512bf16(Kernels *kernels); // says that it is fast
void kernels_init_amx(Kernels *kernels);
void kernels_init_neon(Kernels *kernels);
void kernels_init_dotprod(Kernels *kernels);
void kernels_init_i8mm(Kernels *kernels);
void kernels_init_bf16(Kernels *kernels);

#endif
