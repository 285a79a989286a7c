#!/usr/bin/env python3
"""Makes the coefficients of src/kernels/approx.h: minimax polynomials by linear programming.

Needs numpy and scipy. Prints each table and the largest weighted error of its fit."""

import numpy as np
from scipy.optimize import linprog
from scipy.special import erfc

POINTS = 3000


def minimax(function, basis, weight, points):
    """Coefficients that make the largest weight * |sum of coefficients * basis - function| least."""
    matrix = np.stack([b(points) for b in basis], axis=1) * weight(points)[:, None]
    target = function(points) * weight(points)
    size = np.abs(matrix).max(axis=0)
    scaled = matrix / size
    scale = 1e6  # errors are small for the solver's tolerances
    ones = np.ones((len(points), 1))
    result = linprog(
        np.append(np.zeros(len(basis)), 1.0),
        A_ub=np.block([[scaled * scale, -ones], [-scaled * scale, -ones]]),
        b_ub=np.concatenate([target, -target]) * scale,
        bounds=[(None, None)] * (len(basis) + 1),
        method="highs",
    )
    return result.x[:-1] / size, result.x[-1] / scale


def powers(count):
    return [lambda x, k=k: x**k for k in range(count)]


def chebyshev_points(low, high):
    return low + (high - low) * (np.cos(np.linspace(0, np.pi, POINTS)) + 1) / 2


def show(name, coefficients, error):
    print(name, ", ".join("%.9gf" % np.float32(c) for c in coefficients))
    print("    error %.2g" % error)


def fit_exp():
    """P of e^r = 1 + r + r^2 P(r), |r| <= ln 2 / 2 and a little, by relative error."""
    end = np.log(2) / 2 * 1.0005

    def rest(r):
        small = np.abs(r) < 1e-3
        safe = np.where(small, 1.0, r)
        return np.where(small, 0.5 + r / 6 + r * r / 24, (np.expm1(safe) - safe) / safe**2)

    return minimax(rest, powers(5), lambda r: np.maximum(r * r, 1e-4) / np.exp(r),
                   chebyshev_points(-end, end))


def fit_tanh():
    """P of tanh(x) = x + x s P(s), s = x^2, |x| <= 0.625, by relative error."""
    return minimax(lambda s: (np.tanh(np.sqrt(s)) / np.sqrt(s) - 1) / s, powers(5), lambda s: s,
                   np.maximum(chebyshev_points(0, 0.625**2), 1e-3))


def fit_gelu():
    """Q(t) = erfc(t / sqrt 2) / 2 in powers of 2 t / 5.4 - 1, by the absolute error of t Q(t)."""
    end, degree = 5.4, 15

    def chebyshev(k):
        return lambda t: np.cos(k * np.arccos(np.clip(t * 2 / end - 1, -1, 1)))

    coefficients, error = minimax(lambda t: 0.5 * erfc(t / np.sqrt(2)),
                                  [chebyshev(k) for k in range(degree + 1)],
                                  lambda t: np.maximum(t, 0.5), chebyshev_points(0, end))
    return np.polynomial.chebyshev.cheb2poly(coefficients), error


def fit_power():
    """2^f / (1 + f) in powers of u = 1 + f, 1 <= u <= 2, by relative error."""
    return minimax(lambda u: 2 ** (u - 1) / u, powers(4), lambda u: u / 2 ** (u - 1),
                   chebyshev_points(1, 2))


if __name__ == "__main__":
    show("EXP_P", *fit_exp())
    show("TANH_P", *fit_tanh())
    show("GELU_Q", *fit_gelu())
    show("the cubic of x86/amx_attend.c", *fit_power())
