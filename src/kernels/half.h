// IEEE 754 binary16 to and from binary32 in integer arithmetic: what VCVTPH2PS/VCVTPS2PH and FCVT
// do, for the scalar tier and for packing; and bfloat16, the upper half of a binary32.
#ifndef KERNELS_HALF_H
#define KERNELS_HALF_H

#include <stdint.h>
#include <string.h>

static inline float half_bits_to_float(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline uint32_t half_float_to_bits(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

// Exact. A signalling NaN becomes quiet.
static inline float half_to_float(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000u) << 16;
    uint32_t exponent = (half >> 10) & 0x1fu;
    uint32_t mantissa = half & 0x3ffu;
    if (exponent == 0x1f) {
        uint32_t quiet = mantissa != 0 ? 0x400000u : 0;
        return half_bits_to_float(sign | 0x7f800000u | quiet | mantissa << 13);
    }
    if (exponent == 0) {
        float magnitude = (float)mantissa * 0x1p-24f;
        return half_bits_to_float(sign | half_float_to_bits(magnitude));
    }
    return half_bits_to_float(sign | (exponent + 112) << 23 | mantissa << 13);
}

// Round to nearest, ties to even; too large becomes infinity; NaN keeps its upper payload bits.
static inline uint16_t half_from_float(float value)
{
    uint32_t bits = half_float_to_bits(value);
    uint32_t sign = (bits >> 16) & 0x8000u;
    uint32_t magnitude = bits & 0x7fffffffu;
    if (magnitude > 0x7f800000u) {
        return (uint16_t)(sign | 0x7e00u | (magnitude >> 13 & 0x3ffu));
    }
    if (magnitude >= 0x477ff000u) { // 65520, where rounding reaches infinity
        return (uint16_t)(sign | 0x7c00u);
    }
    if (magnitude < 0x38800000u) { // below 2^-14: adding 0.5 aligns the bits of a denormal
        float aligned = half_bits_to_float(magnitude) + 0.5f;
        return (uint16_t)(sign | (half_float_to_bits(aligned) - 0x3f000000u));
    }
    uint32_t odd = magnitude >> 13 & 1u;
    return (uint16_t)(sign | ((magnitude + 0xfffu + odd - (112u << 23)) >> 13));
}

static inline float bf16_to_float(uint16_t value)
{
    return half_bits_to_float((uint32_t)value << 16);
}

// Round to nearest, ties to even; NaN becomes quiet.
static inline uint16_t bf16_from_float(float value)
{
    uint32_t bits = half_float_to_bits(value);
    if ((bits & 0x7fffffffu) > 0x7f800000u) {
        return (uint16_t)(bits >> 16 | 0x40u);
    }
    return (uint16_t)((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

#endif
