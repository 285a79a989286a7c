"""Probabilities of speech by Silero VAD, for tests/reference/test_silero.c.

The pip package holds two sets of weights for one architecture: those of its TorchScript and ONNX files, and those of
silero_vad_16k.safetensors, which are other ones, and which Scout uses (docs/models-silero.md says why). A port computes the
architecture from any weights; it is checked here against the TorchScript file, with that file's weights.

Vectors: `published` with the weights of the safetensors file (they are not in this repository; the test skips where the
model is not installed), and `made` with weights from integer arithmetic, which the test can make itself."""

import pathlib

import numpy as np
import silero_vad
import torch
from safetensors.numpy import load_file
from torch.nn import functional

from sounds import as_floats, librivox, save, signals

FRAME, CONTEXT = 512, 64
SHAPES = {  # in the order in which the made weights are drawn
    "conv1.weight": (128, 129, 3), "conv1.bias": (128,), "conv2.weight": (64, 128, 3), "conv2.bias": (64,),
    "conv3.weight": (64, 64, 3), "conv3.bias": (64,), "conv4.weight": (128, 64, 3), "conv4.bias": (128,),
    "lstm_cell.weight_ih": (512, 128), "lstm_cell.bias_ih": (512,), "lstm_cell.weight_hh": (512, 128),
    "lstm_cell.bias_hh": (512,), "final_conv.weight": (1, 128, 1), "final_conv.bias": (1,),
}
GAINS = {"lstm_cell.weight_ih": 4, "lstm_cell.weight_hh": 0.5, "final_conv.weight": 4}


def stream():
    """Speech, hard signals, and the speech again, 50 times quieter, as one stream of whole frames."""
    sounds = np.concatenate([as_floats(librivox(880)), as_floats(signals()), as_floats(librivox(880)) * np.float32(0.02)])
    return np.pad(sounds, (0, -len(sounds) % FRAME)).reshape(-1, FRAME)


def made_weights():
    """Uniform in +-sqrt(6 / inputs of an output), biases in +-0.5, like a fresh network's, but for gains that make the
    probabilities move and keep the recurrence from being chaotic."""
    state, weights = 1, {}
    for name, shape in SHAPES.items():
        bound = 0.5 if len(shape) == 1 else np.sqrt(6.0 / np.prod(shape[1:])) * GAINS.get(name, 1)
        values = np.empty(int(np.prod(shape)))
        for i in range(values.size):
            state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
            values[i] = ((state >> 33) / 2.0**30 - 1.0) * bound
        weights[name] = values.astype(np.float32).reshape(shape)
    n, k = np.arange(256), np.arange(129)[:, None]
    window = 0.5 - 0.5 * np.cos(2 * np.pi * n / 256)
    angle = 2 * np.pi * (k * n % 256) / 256
    basis = np.concatenate([np.cos(angle) * window, -np.sin(angle) * window])
    weights["stft_conv.weight"] = basis.astype(np.float32)[:, None]
    return weights


def port(weights, frames):
    w = {name: torch.from_numpy(value) for name, value in weights.items()}
    h, c, context, out = torch.zeros(1, 128), torch.zeros(1, 128), torch.zeros(1, CONTEXT), []
    for frame in torch.from_numpy(frames):
        x = torch.cat([context, frame[None]], dim=1)
        context = x[:, -CONTEXT:]
        x = functional.pad(x[:, None], (0, 64), "reflect")
        x = functional.conv1d(x, w["stft_conv.weight"], stride=128)
        x = (x[:, :129] ** 2 + x[:, 129:] ** 2).sqrt()
        for name, stride in (("conv1", 1), ("conv2", 2), ("conv3", 2), ("conv4", 1)):
            x = functional.conv1d(x, w[f"{name}.weight"], w[f"{name}.bias"], stride=stride, padding=1).relu()
        h, c = torch.lstm_cell(x[:, :, 0], (h, c), w["lstm_cell.weight_ih"], w["lstm_cell.weight_hh"],
                               w["lstm_cell.bias_ih"], w["lstm_cell.bias_hh"])
        out.append((functional.linear(h.relu(), w["final_conv.weight"][:, :, 0], w["final_conv.bias"])).sigmoid().item())
    return np.array(out)


def package_weights(package):
    """The TorchScript file's weights by the names of the safetensors file."""
    names = {"stft.forward_basis_buffer": "stft_conv.weight", "decoder.rnn": "lstm_cell",
             "decoder.decoder.2": "final_conv", **{f"encoder.{i}.reparam_conv": f"conv{i + 1}" for i in range(4)}}
    weights = {}
    for key, value in package.state_dict().items():
        for theirs, ours in names.items():
            if key.startswith(f"_model.{theirs}"):
                weights[key.replace(f"_model.{theirs}", ours)] = value.numpy()
    return weights


frames = stream()
package = silero_vad.load_silero_vad()
with torch.no_grad():
    expected = np.array([package(torch.from_numpy(frame), 16000).item() for frame in frames])
    difference = np.abs(port(package_weights(package), frames) - expected).max()
    print(f"the port and the package differ by at most {difference:.1e}")
    assert difference < 1e-5
    published = port(load_file(pathlib.Path(silero_vad.__file__).parent / "data/silero_vad_16k.safetensors"), frames)
    made = port(made_weights(), frames)
print(f"published: {published.min():.3f} to {published.max():.3f}; made: {made.min():.3f} to {made.max():.3f}")
save("silero/published", published)
save("silero/made", made)
