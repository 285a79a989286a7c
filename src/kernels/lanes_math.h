// The functions that exp, tanh and GELU are made of, on sixteen lanes; included after a tier's
// lanes. The order of operations is that of ref/ref.c, so the results are too.
#ifndef KERNELS_LANES_MATH_H
#define KERNELS_LANES_MATH_H

#include "approx.h"
#include "base/attributes.h"

enum { LANES = 16 };

// Coefficients by ascending power.
LANES_INLINE f32x16 horner(const size_t count, const float *coefficients, f32x16 x)
{
    f32x16 sum = f32x16_set1(coefficients[count - 1]);
    for (size_t i = count - 1; i-- > 0;) {
        sum = f32x16_fma(sum, x, f32x16_set1(coefficients[i]));
    }
    return sum;
}

LANES_INLINE f32x16 exponential(f32x16 x)
{
    f32x16 round = f32x16_set1(EXP_ROUND);
    f32x16 n = f32x16_sub(f32x16_fma(x, f32x16_set1(EXP_LOG2_E), round), round);
    f32x16 r = f32x16_fnma(n, f32x16_set1(EXP_LN2_HI), x);
    r = f32x16_fnma(n, f32x16_set1(EXP_LN2_LO), r);
    f32x16 p = horner(BASE_COUNT(EXP_P), EXP_P, r);
    p = f32x16_fma(p, r, f32x16_set1(1.0f));
    p = f32x16_fma(p, r, f32x16_set1(1.0f));
    p = f32x16_times_power_of_2(p, n);
    return f32x16_select_less(x, f32x16_set1(EXP_LOWEST), f32x16_zero(), p);
}

LANES_INLINE f32x16 logistic(f32x16 x)
{
    f32x16 one = f32x16_set1(1.0f);
    f32x16 opposite = f32x16_sub(f32x16_zero(), x);
    f32x16 e = exponential(f32x16_min(opposite, f32x16_set1(EXP_HIGHEST)));
    return f32x16_div(one, f32x16_add(one, e));
}

LANES_INLINE f32x16 hyperbolic_tangent(f32x16 x)
{
    f32x16 one = f32x16_set1(1.0f);
    f32x16 two = f32x16_set1(2.0f);
    f32x16 magnitude = f32x16_abs(x);
    f32x16 s = f32x16_mul(x, x);
    f32x16 small = f32x16_fma(f32x16_mul(horner(BASE_COUNT(TANH_P), TANH_P, s), s), x, x);
    f32x16 e = exponential(f32x16_mul(two, f32x16_min(magnitude, f32x16_set1(TANH_HIGHEST))));
    f32x16 large = f32x16_sub(one, f32x16_div(two, f32x16_add(e, one)));
    return f32x16_select_less(magnitude, f32x16_set1(TANH_SMALL), small, f32x16_copysign(large, x));
}

LANES_INLINE f32x16 gelu_value(f32x16 x)
{
    f32x16 t = f32x16_min(f32x16_abs(x), f32x16_set1(GELU_END));
    f32x16 u = f32x16_fma(t, f32x16_set1(GELU_SCALE), f32x16_set1(-1.0f));
    return f32x16_fnma(t, horner(BASE_COUNT(GELU_Q), GELU_Q, u), f32x16_max(x, f32x16_zero()));
}

#endif
