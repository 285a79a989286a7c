"""The sounds that the reference vectors are made from: short public-domain speech from a Debian package, and
signals made from integer arithmetic, the same on every machine. All are 16 kHz mono int16."""

import pathlib
import wave

import numpy as np

FOLDER = pathlib.Path(__file__).resolve().parent
RATE = 16000
LIBRIVOX = pathlib.Path("/usr/share/pocketsphinx/test/data/librivox")  # package pocketsphinx-testdata


def librivox(number):
    """A sentence of a LibriVox reading of "Sense and Sensibility" (public domain)."""
    path = LIBRIVOX / f"sense_and_sensibility_01_austen_64kb-{number:04d}.wav"
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (RATE, 1, 2)
        return np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")


def noise(count, amplitude, seed):
    """White noise from a 64-bit linear congruential generator (Knuth's MMIX constants)."""
    state, out = seed, np.empty(count)
    for i in range(count):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        out[i] = (state >> 33) / 2.0**30 - 1.0
    return np.round(out * amplitude * 32767).astype("<i2")


def signals():
    """One second that is hard on a spectrogram: a click in silence, a loud sweep over the whole band that ends
    abruptly, a quiet tone, full-scale noise, and digital silence at the end."""
    t = np.arange(4000) / RATE
    click = np.zeros(2400)
    click[700] = 1.0
    sweep = 0.99 * np.sin(2 * np.pi * (50 * t + 0.5 * 7900 / t[-1] * t**2))
    tone = 0.001 * np.sin(2 * np.pi * 1000 * t)
    loud = noise(4000, 1.0, 1) / 32767.0
    return np.round(np.concatenate([click, sweep, tone, loud, np.zeros(1600)]) * 32767).astype("<i2")


def as_floats(sound):
    return sound.astype(np.float32) / np.float32(32768.0)


def save(name, array, dtype="<f4"):
    """Writes tests/reference/<name>.npy and says how large it became."""
    path = FOLDER / f"{name}.npy"
    path.parent.mkdir(exist_ok=True)
    np.save(path, np.ascontiguousarray(array, dtype=dtype))
    size = path.stat().st_size
    assert size < 200_000, f"{path}: {size} bytes are too many to commit"
    print(f"{path.relative_to(FOLDER)}: {list(array.shape)}, {size} bytes")


if __name__ == "__main__":
    save("sounds/speech", librivox(880), "<i2")
    save("sounds/signals", signals(), "<i2")
