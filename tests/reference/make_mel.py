"""Log-mel spectrograms by transformers' WhisperFeatureExtractor, for tests/reference/test_mel.c."""

import numpy as np
from transformers import WhisperFeatureExtractor
from transformers.audio_utils import mel_filter_bank, spectrogram, window_function

from sounds import as_floats, librivox, save, signals


def log_mel(sound, frames, bands):
    """[frames][bands] of a window of exactly `frames` frames, the sound followed by zeros. The extractor's NumPy
    path computes in double precision; its PyTorch path, the default, agrees with it to the printed amount."""
    extractor = WhisperFeatureExtractor(feature_size=bands)
    window = np.zeros(frames * extractor.hop_length, dtype=np.float32)
    window[: len(sound)] = as_floats(sound)[: len(window)]
    exact = extractor._np_extract_fbank_features(window[None], "cpu")[0]
    default = extractor._torch_extract_fbank_features(window[None], "cpu")[0]
    print(f"  double and single precision differ by at most {np.abs(exact - default).max():.1e}")
    assert exact.shape == (bands, frames)
    return exact.T


def mel_power(sound, frames, bands):
    """The same before the logarithm and the floors."""
    window = np.zeros(frames * 160, dtype=np.float32)
    window[: len(sound)] = as_floats(sound)[: len(window)]
    bank = mel_filter_bank(201, bands, 0.0, 8000.0, 16000, norm="slaney", mel_scale="slaney")
    power = spectrogram(window, window_function(400, "hann"), 400, 160, power=2.0, mel_filters=bank, mel_floor=0.0)
    return power[:, :-1].T


speech = librivox(880)
print(f"speech: {len(speech)} samples")
save("mel/speech_80", log_mel(speech, 300, 80))  # the sound and 160 samples of zeros
save("mel/speech_128", log_mel(speech, 150, 128))
save("mel/speech_cut_80", log_mel(speech, 101, 80))  # a window that ends in the middle of a word
save("mel/signals_80", log_mel(signals(), 100, 80))
save("mel/signals_128", log_mel(signals(), 100, 128))
save("mel/silence_80", log_mel(np.zeros(1, dtype="<i2"), 2, 80))
save("mel/speech_power_40", mel_power(speech, 100, 40))
