"""Dynamic time warping and the median filter of transformers' Whisper, for tests/unit/speech/test_align.c."""

import numpy as np
import torch
from transformers.models.whisper.generation_whisper import _dynamic_time_warping, _median_filter

from sounds import save

HEADS, TOKENS, STRIDE, POSITIONS, FIRST, LAST = 3, 14, 96, 80, 3, 13

# Attention as a model pays it: each token looks around its own place, and a little everywhere.
generator = np.random.default_rng(20)
at = np.linspace(2, POSITIONS - 6, TOKENS)[None, :, None] + generator.normal(0, 1.5, (HEADS, TOKENS, 1))
logits = 3.0 * np.exp(-(((np.arange(STRIDE)[None, None] - at) / 4.0) ** 2)) + generator.normal(0, 0.7, (HEADS, TOKENS, STRIDE))
weights = torch.tensor(logits, dtype=torch.float32).softmax(dim=-1)

cut = weights[:, :, :POSITIONS]
cut = cut / cut.sum(dim=-1, keepdim=True)  # the same as a softmax over these positions alone
deviation, mean = torch.std_mean(cut, dim=-2, keepdim=True, unbiased=False)
normalised = (cut - mean) / deviation
smooth = _median_filter(normalised[None], 7)[0]
matrix = smooth.mean(dim=0)[FIRST:LAST]
text, time = _dynamic_time_warping(-matrix.double().numpy())
jumps = np.pad(np.diff(text), (1, 0), constant_values=1).astype(bool)
print("starts", time[jumps])

save("align/weights", weights.numpy())
save("align/starts", time[jumps], "<i4")

rows = torch.tensor(generator.normal(0, 1, (1, 1, 3, 20)), dtype=torch.float32)
save("align/median_in", rows[0, 0].numpy())
save("align/median_out", _median_filter(rows, 7)[0, 0].numpy())

# Whole numbers, so that many ways cost the same and the order of preference shows.
cost = generator.integers(0, 3, (9, 31)).astype("<f4")
text, time = _dynamic_time_warping(cost.astype(np.float64))
jumps = np.pad(np.diff(text), (1, 0), constant_values=1).astype(bool)
save("align/cost", cost)
save("align/cost_starts", time[jumps], "<i4")
