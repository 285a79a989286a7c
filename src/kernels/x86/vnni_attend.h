// What the tiers with VNNI have for attention, each in a file of its own.
#ifndef KERNELS_X86_VNNI_ATTEND_H
#define KERNELS_X86_VNNI_ATTEND_H

#include "kernels/kernels.h"

void init_attend_avxvnni(Kernels *kernels);
void init_attend_avx512vnni(Kernels *kernels);

#endif
