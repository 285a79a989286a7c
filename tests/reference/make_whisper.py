"""Whisper's encoder, decoder and cross-attention by transformers, for tests/reference/test_whisper.c.

    python make_whisper.py [FOLDER]     FOLDER: whisper-base as Hugging Face publishes it, for whisper/base_*

Small models of three vocabularies are made up from integer arithmetic, the same as tests/support/tiny_whisper.c makes
them. Of every encoder layer's output the files keep each position's projection on one direction, and three positions
whole; of the logits the best token, and every 197th value; of the attention every fourth token.

transformers insists on windows of 30 s; Scout encodes what there is. So the encoder's own modules are called here one
after another, on the first positions only, and for a window of 30 s the result is checked against the whole encoder."""

import sys

import numpy as np
import torch
from transformers import WhisperConfig, WhisperForConditionalGeneration

from sounds import FOLDER, save

HEADS = 2  # alignment heads that are kept
STRIDE = 197  # of the vocabulary
TOKENS = 4  # between the tokens whose attention is kept


def uniform(name, count):
    """Multiples of 2^-23 in -1..1: splitmix64, seeded with the FNV-1a hash of the name."""
    seed = 0xCBF29CE484222325
    for byte in name.encode():
        seed = (seed ^ byte) * 0x100000001B3 % 2**64
    with np.errstate(over="ignore"):
        z = np.uint64(seed) + (np.arange(count, dtype=np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
    return ((z >> np.uint64(40)).astype(np.int64) - 2**23).astype(np.float32) / np.float32(2**23)


def values(name, shape, amplitude, base=0.0):
    made = np.float32(base) + uniform(name, int(np.prod(shape))) * np.float32(amplitude)
    return torch.from_numpy(made.reshape(shape))


class Maker:
    """Fills a state dictionary of transformers from Scout's names."""

    def __init__(self, model):
        self.state = {}
        self.model = model

    def norm(self, ours, theirs):
        d = self.model.config.d_model
        self.state[theirs + ".weight"] = values(ours + ".gamma", (d,), 0.25, 1.0)
        self.state[theirs + ".bias"] = values(ours + ".beta", (d,), 0.125)

    def linear(self, ours, theirs, parts, n, k):
        """One fused matrix of ours is several of theirs; keys have no bias."""
        weight = values(ours + ".weight", (n, k), np.sqrt(np.float32(3.0) / np.float32(k)))
        bias = values(ours + ".bias", (n,), 0.125)
        step = n // len(parts)
        for i, part in enumerate(parts):
            self.state[f"{theirs}{part}.weight"] = weight[i * step : (i + 1) * step]
            if part != "k_proj":
                self.state[f"{theirs}{part}.bias"] = bias[i * step : (i + 1) * step]

    def conv(self, name, channels):
        d = self.model.config.d_model
        self.linear(f"encoder.{name}", f"model.encoder.{name}", [""], d, 3 * channels)
        weight = self.state[f"model.encoder.{name}.weight"]
        self.state[f"model.encoder.{name}.weight"] = weight.reshape(d, 3, channels).transpose(1, 2)

    def layers(self, side, count):
        d = self.model.config.d_model
        for i in range(count):
            ours, theirs = f"{side}.layers.{i}.", f"model.{side}.layers.{i}."
            self.norm(ours + "attn_norm", theirs + "self_attn_layer_norm")
            self.linear(ours + "attn.qkv", theirs + "self_attn.", ["q_proj", "k_proj", "v_proj"], 3 * d, d)
            self.linear(ours + "attn.out", theirs + "self_attn.", ["out_proj"], d, d)
            if side == "decoder":
                self.norm(ours + "cross_norm", theirs + "encoder_attn_layer_norm")
                self.linear(ours + "cross.q", theirs + "encoder_attn.", ["q_proj"], d, d)
                self.linear(ours + "cross.kv", theirs + "encoder_attn.", ["k_proj", "v_proj"], 2 * d, d)
                self.linear(ours + "cross.out", theirs + "encoder_attn.", ["out_proj"], d, d)
            self.norm(ours + "mlp_norm", theirs + "final_layer_norm")
            self.linear(ours + "mlp.fc1", theirs, ["fc1"], 4 * d, d)
            self.linear(ours + "mlp.fc2", theirs, ["fc2"], d, 4 * d)
        self.norm(f"{side}.norm", f"model.{side}.layer_norm")

    def make(self):
        config = self.model.config
        self.conv("conv1", config.num_mel_bins)
        self.conv("conv2", config.d_model)
        for side, length, amplitude in (("encoder", 1500, 0.5), ("decoder", 448, 0.25)):
            name = f"{side}.positions"
            self.state[f"model.{side}.embed_positions.weight"] = values(name, (length, config.d_model), amplitude)
        self.layers("encoder", config.encoder_layers)
        self.layers("decoder", config.decoder_layers)
        shape = (config.vocab_size, config.d_model)
        self.state["model.decoder.embed_tokens.weight"] = values("decoder.embedding", shape, 0.25)
        self.state["proj_out.weight"] = self.state["model.decoder.embed_tokens.weight"]
        self.model.load_state_dict(self.state)


def made_up(vocab, mels, width, layers):
    config = WhisperConfig(
        vocab_size=vocab, num_mel_bins=mels, d_model=width, encoder_layers=layers, decoder_layers=layers,
        encoder_attention_heads=width // 64, decoder_attention_heads=width // 64, encoder_ffn_dim=4 * width,
        decoder_ffn_dim=4 * width, max_source_positions=1500, max_target_positions=448,
    )  # fmt: skip
    config._attn_implementation = "eager"
    model = WhisperForConditionalGeneration(config).eval()
    Maker(model).make()
    return model


def encode(model, mel):
    """mel[frames][bands] to the output of every layer, and at last the normalised one."""
    encoder = model.model.encoder
    gelu = torch.nn.functional.gelu
    window = torch.from_numpy(np.ascontiguousarray(mel.T, dtype=np.float32))[None].to(encoder.conv1.weight.dtype)
    x = gelu(encoder.conv2(gelu(encoder.conv1(window)))).permute(0, 2, 1)
    x = x + encoder.embed_positions.weight[: x.shape[1]]
    outputs = []
    for layer in encoder.layers:
        x = layer(x, None, None)[0]
        outputs.append(x)
    outputs.append(encoder.layer_norm(x))
    if len(mel) == 3000:
        print(f"  from the whole encoder: {(encoder(window).last_hidden_state - outputs[-1]).abs().max():.1e}")
    return outputs


def align(logits, attentions, tokens, heads, end):
    """What find_alignment of openai-whisper takes: softmax over the window, and over the ids below the end token."""
    weights = torch.stack([attentions[layer][0, head] for layer, head in heads])
    next_tokens = torch.tensor(tokens[1:])
    chances = logits[:-1, :end].softmax(-1)
    known = next_tokens < end
    picked = chances[torch.arange(len(tokens) - 1), torch.where(known, next_tokens, 0)]
    return weights, torch.where(known, picked, 0.0)


def vectors(name, model, mel, tokens, heads, end):
    with torch.no_grad():
        layers = encode(model, mel)
        out = model.model.decoder(
            input_ids=torch.tensor([tokens]), encoder_hidden_states=layers[-1], output_attentions=True
        )
        logits = model.proj_out(out.last_hidden_state)[0]
        exact = encode(model.double(), mel)
    single = torch.cat(layers)
    print(f"  single from double precision: {(single - torch.cat(exact)).abs().max():.1e} of {single.abs().max():.1f}")
    weights, probabilities = align(logits, out.cross_attentions, tokens, heads, end)
    best = logits.sort(-1).values[:, -2:]
    print(f"  smallest lead of a best token: {(best[:, 1] - best[:, 0]).min():.3f}")
    layers = single.numpy()
    direction = np.where(uniform("direction", layers.shape[2]) < 0, -1.0, 1.0) / np.sqrt(layers.shape[2])
    save(f"whisper/{name}_projected", layers @ direction)
    save(f"whisper/{name}_positions", layers[:, [0, layers.shape[1] // 2, layers.shape[1] - 1]])
    save(f"whisper/{name}_tokens", np.array(tokens), "<i4")
    save(f"whisper/{name}_best", logits.argmax(-1), "<i4")
    save(f"whisper/{name}_logits", logits[:, ::STRIDE])
    save(f"whisper/{name}_attention", weights[:, ::TOKENS])
    save(f"whisper/{name}_probabilities", probabilities)


def text_ids(name, count):
    return ((uniform(name, count) + 1) * 25000).astype(int).tolist()


def speech(bands):
    return np.load(FOLDER / f"mel/speech_{bands}.npy")


def greedy(model, mel, prompt, end, limit):
    with torch.no_grad():
        states = encode(model, mel)[-1]
        tokens = list(prompt)
        while len(tokens) < limit and tokens[-1] != end:
            out = model.model.decoder(input_ids=torch.tensor([tokens]), encoder_hidden_states=states)
            tokens.append(int(model.proj_out(out.last_hidden_state[0, -1])[: end + 1].argmax()))
    return tokens


torch.set_num_threads(2)
english = [50257, 50362, *text_ids("english", 10), 50256]
multilingual = [50258, 50259, 50359, 50363, *text_ids("multilingual", 10), 50257]
large = [50258, 50260, 50360, 50365, *text_ids("large", 10), 50415, 50257]
print("english: 384 wide, 3 s of speech")
vectors("english", made_up(51864, 80, 384, 4), speech(80), english, [(2, 0), (3, 5)], 50256)
print("multilingual: 128 wide, a whole window of noise")
noise = uniform("mel", 3000 * 80).reshape(3000, 80)
vectors("multilingual", made_up(51865, 80, 128, 2), noise, multilingual, [(1, 0), (1, 1)], 50257)
print("large: 192 wide, 128 mel bands, 1.5 s of speech")
vectors("large", made_up(51866, 128, 192, 3), speech(128), large, [(1, 0), (2, 2)], 50257)
if len(sys.argv) > 1:
    print("base: 3 s of speech")
    base = WhisperForConditionalGeneration.from_pretrained(
        sys.argv[1], dtype=torch.float32, attn_implementation="eager"
    ).eval()
    heads = base.generation_config.alignment_heads
    ids = greedy(base, speech(80), [50258, 50259, 50359, 50363], 50257, 40)
    vectors("base", base, speech(80), ids, heads[:HEADS], 50257)
