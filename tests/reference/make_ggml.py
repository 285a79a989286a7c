"""Blocks of ggml's quantised types and their values by the reference reader, the pip package gguf, for
tests/reference/test_ggml.c. Bytes are kept as i16."""

import gguf
import numpy as np
from gguf import quants

from sounds import save

TYPES = ("Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0")
COLUMNS = 96


def rows():
    """Ordinary weights, tiny and large ones, one-sided ones, a row of zeros and one of a single value."""
    i = np.arange(10 * COLUMNS, dtype=np.uint32)
    noise = (i * np.uint32(2654435761) >> np.uint32(16)).astype(np.float32) / np.float32(32768) - np.float32(1)
    values = noise.reshape(10, COLUMNS)
    scale = np.float32([1, 0.02, 1e-6, 300, 1, 1, 0, 1, 0.5, 2])[:, None]
    values = values * scale
    values[4] = np.abs(values[4])
    values[5] = -np.abs(values[5]) - 3
    values[7] = 0.25
    return values


for name in TYPES:
    kind = getattr(gguf.GGMLQuantizationType, name)
    blocks = quants.quantize(rows(), kind)
    exact = quants.dequantize(blocks, kind)
    print(f"{name}: {blocks.shape[1]} bytes a row, off by at most {np.abs(exact - rows()).max():.2g}")
    save(f"ggml/{name.lower()}_bytes", blocks, "<i2")
    save(f"ggml/{name.lower()}_values", exact)
