// The constants of exp, tanh and GELU, shared by every tier so that they agree. Made by
// tools/kernels/fit_polynomials.py; errors are against double, measured in float by
// tests/kernels.
#ifndef KERNELS_APPROX_H
#define KERNELS_APPROX_H

// exp(x) = 2^n * e^r, n = round(x / ln 2), r = x - n ln 2 in two steps (the first constant has 10
// bits, so that n times it is exact even without a fused multiply), and e^r = 1 + r + r^2 P(r) with
// |r| <= ln 2 / 2. P is minimax: relative error of the approximation 3.1e-9, of the float result
// below 1.3e-7. Adding and subtracting EXP_ROUND rounds to an integer. Below EXP_LOWEST the result
// is 0, above EXP_HIGHEST it is undefined: 2^n must be a normal number.
#define EXP_LOG2_E  1.44269504f
#define EXP_LN2_HI  0.693359375f
#define EXP_LN2_LO  (-2.12194440e-4f)
#define EXP_ROUND   12582912.0f // 1.5 * 2^23
#define EXP_LOWEST  (-87.3365f)
#define EXP_HIGHEST 88.3762f

static const float EXP_P[] = {0.49999994f, 0.166665211f, 0.0416683927f, 0.00836874545f,
                              0.00138145022f};

// Below TANH_SMALL: tanh(x) = x + x s P(s), s = x^2, relative error 4.1e-9. Else
// 1 - 2 / (exp(2|x|) + 1), with the sign of x; both below 2.4e-7 relative in float.
#define TANH_SMALL   0.625f
#define TANH_HIGHEST 10.0f // where it is 1

static const float TANH_P[] = {-0.333332837f, 0.133314908f, -0.0537434965f, 0.0206505861f,
                               -0.00571704423f};

// gelu(x) = max(x, 0) - t Q(t), t = min(|x|, GELU_END), where Q(t) = erfc(t / sqrt 2) / 2 is a
// polynomial of degree 15 in 2 t / GELU_END - 1, minimax for the error of t Q: 9.5e-8. In float the
// error stays below 4.2e-7 up to x = 8 and below half a unit in the last place beyond.
#define GELU_END   5.4f
#define GELU_SCALE 0.37037037f // 2 / GELU_END

static const float GELU_Q[] = {0.00346698333f, -0.0281371251f, 0.102556787f,   -0.214998499f,
                               0.267288923f,   -0.155011564f,  -0.0719133765f, 0.212005928f,
                               -0.135450467f,  -0.0491375998f, 0.120700054f,   -0.0347167403f,
                               -0.0427283943f, 0.0251130648f,  0.00607939484f, -0.00511737401f};

// Rows whose largest magnitude is below this are quantised as zeros: 127 / max would overflow.
#define QUANTIZE_LOWEST 0x1p-100f

// Weights of attention in 16 bits are at most so much, and their sum is, but for roundings (half of
// each of 16384), so that sums of products with values of 2047 stay below 2^31.
#define S16_WEIGHT_MOST 32767.0f
#define S16_SUM_MOST    1040000.0f

// Softmax sums a vocabulary of 50,000 in blocks, or the error of the sum would grow with its
// length.
enum { SOFTMAX_BLOCK = 1024 };

#endif
