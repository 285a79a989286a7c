"""Which tokens may follow, by the logit filters of transformers, for tests/unit/speech/test_rules.c.

The vocabulary is the small one of tests/unit/speech/fake_models.h. Logits come from a congruential generator
that the test repeats, with the timestamps of some cases raised so that they win."""

import numpy as np
import torch
from transformers import GenerationConfig
from transformers.generation.logits_process import (
    SuppressTokensAtBeginLogitsProcessor,
    SuppressTokensLogitsProcessor,
    WhisperTimeStampLogitsProcessor,
)

from sounds import save

TEXT = 64
END, START, LANGUAGE, TRANSLATE = TEXT, TEXT + 1, TEXT + 2, TEXT + 6
TRANSCRIBE, START_OF_LM, START_OF_PREV, NO_SPEECH, NO_TIMESTAMPS, TIMESTAMP = range(TEXT + 7, TEXT + 13)
VOCAB = TIMESTAMP + 1501
SUPPRESSED = [1, START, TRANSLATE, TRANSCRIBE, START_OF_LM, START_OF_PREV, NO_SPEECH]
WORD = 5


def t(seconds):
    return TIMESTAMP + round(seconds * 50)


# (tokens after the prompt, amount added to all timestamps)
CASES = [
    ([], 0.0),
    ([], -30.0),
    ([t(0)], 0.0),
    ([t(0.5)], 0.0),
    ([t(0), WORD], -9.0),
    ([t(0), WORD], 0.0),
    ([t(0), WORD, WORD, t(2.4)], -9.0),
    ([t(0), WORD, WORD, t(2.4)], 0.0),
    ([t(0), WORD, t(2.4), t(2.4)], -9.0),
    ([t(0), WORD, t(2.4), t(3.1)], 0.0),
    ([t(0), WORD, t(2.4), t(3.1), WORD], -9.0),
    ([t(0), WORD, t(2.4), t(3.1), WORD], 9.0),
    ([t(0), WORD, t(29.98)], -9.0),
    ([t(0), WORD, t(30)], -9.0),
    ([t(0), WORD, t(30), t(30)], -9.0),
    ([t(0), WORD, t(30), t(30), WORD], -9.0),
    ([WORD, WORD], -9.0),
    ([WORD, t(1)], -9.0),
    ([WORD], -9.0),
]


def logits_of(case, raised):
    state, out = case + 1, np.empty(VOCAB, dtype=np.float32)
    for i in range(VOCAB):
        state = (state * 1664525 + 1013904223) % 2**32
        out[i] = np.float32((state >> 8) / 2.0**24 * 8.0 - 4.0)
    out[TIMESTAMP:] += np.float32(raised)
    return out


prompt = [START, LANGUAGE, TRANSCRIBE]
config = GenerationConfig(eos_token_id=END, bos_token_id=END, no_timestamps_token_id=NO_TIMESTAMPS)
config.max_initial_timestamp_index = 50
masks, plain, tokens, lengths = [], [], [], []
for number, (written, raised) in enumerate(CASES):
    ids = torch.tensor([prompt + written])
    scores = torch.tensor(logits_of(number, raised))[None]
    scores = SuppressTokensLogitsProcessor(SUPPRESSED)(ids, scores)
    scores = SuppressTokensAtBeginLogitsProcessor([0, END], len(prompt))(ids, scores)
    plain.append(torch.isfinite(scores)[0].numpy().astype("<i2"))
    scores = WhisperTimeStampLogitsProcessor(config, begin_index=len(prompt))(ids, scores)
    masks.append(torch.isfinite(scores)[0].numpy().astype("<i2"))
    tokens.append(written + [-1] * (8 - len(written)))
    lengths.append(len(written))
    print(written, raised, "->", int(masks[-1].sum()), "open")


def bits(rows):
    """One bit a token, 32 to an integer, the lowest bit first."""
    padded = np.zeros((len(rows), (VOCAB + 31) // 32 * 32), dtype=np.uint8)
    padded[:, :VOCAB] = rows
    return np.packbits(padded, axis=1, bitorder="little").view("<i4")


save("rules/open", bits(masks), "<i4")
save("rules/open_without_timestamps", bits(plain), "<i4")
save("rules/written", np.array(tokens), "<i4")
save("rules/written_counts", np.array(lengths), "<i4")
save("rules/raised", np.array([case[1] for case in CASES]))
