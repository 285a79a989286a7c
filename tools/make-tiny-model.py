#!/usr/bin/env python3
"""Writes small Whisper models with random weights, in every format that Scout imports.

All formats are made from the same weights, which float16 holds exactly, so what is imported from
them can be compared. The same arguments give the same bytes. Needs numpy only.

    make-tiny-model.py OUT                        every format below, in the folder OUT
    make-tiny-model.py OUT --only ct2-f16 ggml-q5_1

    ct2-f32 ct2-f16 ct2-int8    folders with model.bin, config.json, vocabulary.json
    safetensors safetensors-f16 folders with model.safetensors (or shards), config.json,
                                generation_config.json, vocab.json
    ggml-{f32,f16,q4_0,q4_1,q5_0,q5_1,q8_0}.bin
"""

import argparse
import json
import os
import struct

import numpy

VOCABULARIES = {"english": 51864, "multilingual": 51865, "v3": 51866}
GGML_TYPES = {"f32": 0, "f16": 1, "q4_0": 2, "q4_1": 3, "q5_0": 6, "q5_1": 7, "q8_0": 8}
GGML_FILE_TYPES = {"f32": 0, "f16": 1, "q4_0": 2, "q4_1": 3, "q8_0": 7, "q5_0": 8, "q5_1": 9}
CT2_TYPES = {"float32": 0, "int8": 1, "int16": 2, "int32": 3, "float16": 4}
BLOCK = 32


def round_to_half(values):
    return values.astype(numpy.float16).astype(numpy.float32)


class Model:
    """Random weights under OpenAI's names, and the sizes."""

    def __init__(self, args):
        self.state = args.state
        self.heads = args.heads
        self.encoder_layers = args.layers
        self.decoder_layers = args.decoder_layers or args.layers
        self.mels = args.mels
        self.audio_ctx = args.audio_ctx
        self.text_ctx = args.text_ctx
        self.vocab_kind = args.vocab
        self.vocab = VOCABULARIES[args.vocab]
        self.random = numpy.random.Generator(numpy.random.PCG64(args.seed))
        self.tensors = {}
        self.build()

    def add(self, name, shape, scale, centre=0.0):
        values = self.random.standard_normal(shape, dtype=numpy.float32) * scale + centre
        self.tensors[name] = round_to_half(values.astype(numpy.float32))

    def add_linear(self, name, outputs, inputs, bias=True):
        self.add(name + ".weight", (outputs, inputs), inputs**-0.5)
        if bias:
            self.add(name + ".bias", (outputs,), 0.02)

    def add_norm(self, name):
        self.add(name + ".weight", (self.state,), 0.1, 1.0)
        self.add(name + ".bias", (self.state,), 0.02)

    def add_attention(self, name):
        self.add_linear(name + ".query", self.state, self.state)
        self.add_linear(name + ".key", self.state, self.state, bias=False)
        self.add_linear(name + ".value", self.state, self.state)
        self.add_linear(name + ".out", self.state, self.state)

    def add_block(self, name, cross):
        self.add_norm(name + ".attn_ln")
        self.add_attention(name + ".attn")
        if cross:
            self.add_norm(name + ".cross_attn_ln")
            self.add_attention(name + ".cross_attn")
        self.add_norm(name + ".mlp_ln")
        self.add_linear(name + ".mlp.0", 4 * self.state, self.state)
        self.add_linear(name + ".mlp.2", self.state, 4 * self.state)

    def build(self):
        d = self.state
        self.add("encoder.conv1.weight", (d, self.mels, 3), (3 * self.mels) ** -0.5)
        self.add("encoder.conv1.bias", (d,), 0.02)
        self.add("encoder.conv2.weight", (d, d, 3), (3 * d) ** -0.5)
        self.add("encoder.conv2.bias", (d,), 0.02)
        self.add("encoder.positional_embedding", (self.audio_ctx, d), 0.3)
        for i in range(self.encoder_layers):
            self.add_block(f"encoder.blocks.{i}", cross=False)
        self.add_norm("encoder.ln_post")
        self.add("decoder.positional_embedding", (self.text_ctx, d), 0.1)
        self.add("decoder.token_embedding.weight", (self.vocab, d), d**-0.5)
        for i in range(self.decoder_layers):
            self.add_block(f"decoder.blocks.{i}", cross=True)
        self.add_norm("decoder.ln")


# ---- vocabulary ----------------------------------------------------------------------------------


def byte_order():
    """The bytes in the order of GPT-2's ids: printable ones first."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    return printable + [b for b in range(256) if b not in printable]


def byte_characters():
    order = byte_order()
    characters = {}
    extra = 0
    for byte in order:
        if order.index(byte) < 188:
            characters[byte] = chr(byte)
        else:
            characters[byte] = chr(256 + extra)
            extra += 1
    return characters


def text_tokens(count):
    """Token bytes by id: all bytes, then words that grow by one letter, so that every token is the
    merge of two earlier ones, as in a real byte-level BPE."""
    tokens = [bytes([b]) for b in byte_order()]
    letters = [b" "] + [bytes([b]) for b in range(ord("a"), ord("z") + 1)]
    longer = letters
    while len(tokens) < count:
        longer = [word + letter for word in longer for letter in letters]
        tokens += longer
    return tokens[:count]


def special_tokens(model):
    """The texts of the ids above the text tokens, as Hugging Face writes them."""
    end = 50256 if model.vocab_kind == "english" else 50257
    languages = 100 if model.vocab_kind == "v3" else 99
    texts = ["<|endoftext|>", "<|startoftranscript|>"]
    texts += [f"<|lang{i}|>" for i in range(languages)]
    texts += ["<|translate|>", "<|transcribe|>", "<|startoflm|>", "<|startofprev|>"]
    texts += ["<|nospeech|>", "<|notimestamps|>"]
    texts += [f"<|{i * 0.02:.2f}|>" for i in range(1501)]
    assert end + len(texts) == model.vocab
    return texts


def all_token_texts(model):
    """In GPT-2's form. The last text token of the multilingual vocabularies is empty."""
    characters = byte_characters()
    specials = special_tokens(model)
    count = model.vocab - len(specials)
    texts = ["".join(characters[b] for b in token) for token in text_tokens(count)]
    if model.vocab_kind != "english":
        texts[-1] = ""
    return texts + specials


def ggml_tokens(model):
    count = model.vocab - len(special_tokens(model))
    tokens = text_tokens(count)
    if model.vocab_kind != "english":
        tokens[-1] = b""
    return tokens


def write_json(folder, name, value):
    with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
        json.dump(value, file, ensure_ascii=False)


def alignment_heads(model):
    return [[model.decoder_layers - 1, head] for head in range(model.heads)]


# ---- CTranslate2 ---------------------------------------------------------------------------------


def ct2_attention(t, source, target, cross):
    query, key, value, out = (f"{source}.{x}" for x in ("query", "key", "value", "out"))
    zeros = numpy.zeros_like(t[query + ".bias"])
    stack = numpy.concatenate
    weights = [t[query + ".weight"], t[key + ".weight"], t[value + ".weight"]]
    biases = [t[query + ".bias"], zeros, t[value + ".bias"]]
    if cross:
        parts = [(weights[0], biases[0]), (stack(weights[1:]), stack(biases[1:]))]
    else:
        parts = [(stack(weights), stack(biases))]
    parts.append((t[out + ".weight"], t[out + ".bias"]))
    for i, (weight, bias) in enumerate(parts):
        yield f"{target}/linear_{i}/weight", weight
        yield f"{target}/linear_{i}/bias", bias


def ct2_variables(model):
    t = model.tensors

    def norm(source, target):
        return {target + "/gamma": t[source + ".weight"], target + "/beta": t[source + ".bias"]}

    variables = {
        "encoder/position_encodings/encodings": t["encoder.positional_embedding"],
        "decoder/position_encodings/encodings": t["decoder.positional_embedding"],
        "decoder/embeddings/weight": t["decoder.token_embedding.weight"],
        "encoder/num_heads": numpy.int16(model.heads),
        "decoder/num_heads": numpy.int16(model.heads),
    }
    for conv in ("conv1", "conv2"):
        for kind in ("weight", "bias"):
            variables[f"encoder/{conv}/{kind}"] = t[f"encoder.{conv}.{kind}"]
    variables.update(norm("encoder.ln_post", "encoder/layer_norm"))
    variables.update(norm("decoder.ln", "decoder/layer_norm"))
    for side, layers in (("encoder", model.encoder_layers), ("decoder", model.decoder_layers)):
        for i in range(layers):
            block, layer = f"{side}.blocks.{i}", f"{side}/layer_{i}"
            attention = layer + "/self_attention"
            variables.update(norm(block + ".attn_ln", attention + "/layer_norm"))
            variables.update(ct2_attention(t, block + ".attn", attention, cross=False))
            if side == "decoder":
                attention = layer + "/attention"
                variables.update(norm(block + ".cross_attn_ln", attention + "/layer_norm"))
                variables.update(ct2_attention(t, block + ".cross_attn", attention, cross=True))
            variables.update(norm(block + ".mlp_ln", layer + "/ffn/layer_norm"))
            for j, part in enumerate(("mlp.0", "mlp.2")):
                for kind in ("weight", "bias"):
                    variables[f"{layer}/ffn/linear_{j}/{kind}"] = t[f"{block}.{part}.{kind}"]
    return variables


def ct2_is_linear(name):
    return name.endswith("/weight") and "/conv" not in name


def ct2_convert(variables, kind):
    """What CTranslate2's converter does: int8 for linear layers by rows, f32 for the rest."""
    converted = {}
    for name, value in variables.items():
        if value.ndim == 0 or kind == "f32":
            converted[name] = value
        elif kind == "f16":
            converted[name] = value.astype(numpy.float16)
        elif ct2_is_linear(name):
            largest = numpy.abs(value).max(axis=1)
            scale = (numpy.float32(127) / numpy.where(largest == 0, 127, largest)).astype("f4")
            converted[name] = numpy.rint(value * scale[:, None]).astype(numpy.int8)
            converted[name + "_scale"] = scale
        else:
            converted[name] = value
    return converted


def write_ct2(model, kind, folder):
    os.makedirs(folder, exist_ok=True)
    variables = ct2_convert(ct2_variables(model), kind)
    aliases = [("decoder/projection/weight", "decoder/embeddings/weight")]
    if kind == "int8":
        aliases.append(("decoder/projection/weight_scale", "decoder/embeddings/weight_scale"))

    def string(text):
        data = text.encode() + b"\0"
        return struct.pack("<H", len(data)) + data

    with open(os.path.join(folder, "model.bin"), "wb") as file:
        file.write(struct.pack("<I", 6) + string("WhisperSpec"))
        file.write(struct.pack("<II", 3, len(variables)))
        for name in sorted(variables):
            value = numpy.asarray(variables[name])
            data = value.tobytes()
            file.write(string(name) + struct.pack(f"<B{value.ndim}I", value.ndim, *value.shape))
            file.write(struct.pack("<BI", CT2_TYPES[value.dtype.name], len(data)) + data)
        file.write(struct.pack("<I", len(aliases)))
        for alias, name in aliases:
            file.write(string(alias) + string(name))
    config = {
        "alignment_heads": alignment_heads(model),
        "lang_ids": [50258],
        "suppress_ids": [1, 2, 7],
        "suppress_ids_begin": [220],
    }
    write_json(folder, "config.json", config)
    write_json(folder, "vocabulary.json", all_token_texts(model))


# ---- safetensors, with the names of Hugging Face -------------------------------------------------

HF_PARTS = {
    "attn_ln": "self_attn_layer_norm",
    "attn": "self_attn",
    "cross_attn_ln": "encoder_attn_layer_norm",
    "cross_attn": "encoder_attn",
    "mlp_ln": "final_layer_norm",
    "query": "q_proj",
    "key": "k_proj",
    "value": "v_proj",
    "out": "out_proj",
    "ln_post": "layer_norm",
    "ln": "layer_norm",
    "blocks": "layers",
    "positional_embedding": "embed_positions.weight",
    "token_embedding": "embed_tokens",
}


def hf_name(name):
    name = name.replace("mlp.0", "fc1").replace("mlp.2", "fc2")
    return "model." + ".".join(HF_PARTS.get(part, part) for part in name.split("."))


def write_safetensors_file(path, tensors):
    header = {"__metadata__": {"format": "pt"}}
    offset = 0
    for name, value in tensors.items():
        dtype = {"float32": "F32", "float16": "F16"}[value.dtype.name]
        end = offset + value.nbytes
        header[name] = {"dtype": dtype, "shape": value.shape, "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for value in tensors.values():
            file.write(value.tobytes())


def write_safetensors(model, kind, folder, shards):
    os.makedirs(folder, exist_ok=True)
    dtype = {"f32": numpy.float32, "f16": numpy.float16}[kind]
    tensors = {hf_name(name): value.astype(dtype) for name, value in sorted(model.tensors.items())}
    if shards == 1:
        write_safetensors_file(os.path.join(folder, "model.safetensors"), tensors)
    else:
        weight_map = {}
        for i in range(shards):
            name = f"model-{i + 1:05}-of-{shards:05}.safetensors"
            part = dict(list(tensors.items())[i::shards])
            write_safetensors_file(os.path.join(folder, name), part)
            weight_map.update(dict.fromkeys(part, name))
        index = {"metadata": {}, "weight_map": weight_map}
        write_json(folder, "model.safetensors.index.json", index)
    config = {
        "model_type": "whisper",
        "encoder_attention_heads": model.heads,
        "decoder_attention_heads": model.heads,
    }
    generation = {
        "alignment_heads": alignment_heads(model),
        "suppress_tokens": [1, 2, 7],
        "begin_suppress_tokens": [220],
    }
    write_json(folder, "config.json", config)
    write_json(folder, "generation_config.json", generation)
    write_json(folder, "vocab.json", {text: i for i, text in enumerate(all_token_texts(model))})


# ---- ggml ----------------------------------------------------------------------------------------


def signed_extreme(blocks):
    at = numpy.abs(blocks).argmax(axis=1)
    return blocks[numpy.arange(len(blocks)), at]


def divide(a, b):
    return numpy.divide(a, b, out=numpy.zeros_like(a), where=b != 0)


def quantise_centred(blocks, levels):
    """q4_0 and q5_0: the value of largest magnitude becomes the lowest level."""
    scale = (signed_extreme(blocks) / -(levels // 2)).astype("f4")
    q = divide(blocks, numpy.broadcast_to(scale[:, None], blocks.shape)) + levels // 2 + 0.5
    return scale, None, numpy.clip(q.astype(numpy.int32), 0, levels - 1)


def quantise_range(blocks, levels):
    """q4_1 and q5_1: from the smallest value to the largest."""
    low, high = blocks.min(axis=1), blocks.max(axis=1)
    scale = ((high - low) / (levels - 1)).astype("f4")
    shifted = blocks - low[:, None]
    q = divide(shifted, numpy.broadcast_to(scale[:, None], blocks.shape)) + 0.5
    return scale, low, numpy.clip(q.astype(numpy.int32), 0, levels - 1)


def pack_nibbles(q):
    return ((q[:, :16] & 15) | ((q[:, 16:] & 15) << 4)).astype(numpy.uint8)


def pack_fifth_bits(q):
    bits = ((q >> 4) & 1).astype(numpy.uint64) << numpy.arange(BLOCK, dtype=numpy.uint64)
    return bits.sum(axis=1).astype("<u4")


def ggml_quantise(values, kind):
    blocks = values.reshape(-1, BLOCK)
    if kind == "q8_0":
        scale = (numpy.abs(blocks).max(axis=1) / 127).astype("f4")
        q = divide(blocks, numpy.broadcast_to(scale[:, None], blocks.shape))
        columns = [scale, numpy.rint(q).astype(numpy.int8)]
        minimum = None
    else:
        levels = 16 if kind.startswith("q4") else 32
        quantise = quantise_centred if kind.endswith("0") else quantise_range
        scale, minimum, q = quantise(blocks, levels)
        columns = [scale, pack_nibbles(q)]
        if levels == 32:
            columns.insert(1, pack_fifth_bits(q))
    if minimum is not None:
        columns.insert(1, minimum.astype(numpy.float16))
    columns[0] = scale.astype(numpy.float16)
    raw = [numpy.ascontiguousarray(c).view(numpy.uint8).reshape(len(blocks), -1) for c in columns]
    return numpy.concatenate(raw, axis=1).tobytes()


def ggml_tensor_type(name, value, kind):
    """Vectors and positions stay f32; convolutions are f16 unless all is f32."""
    if value.ndim == 1 or "positional" in name:
        return "f32"
    if value.ndim == 3 and kind != "f32":
        return "f16"
    return kind


def write_ggml(model, kind, path):
    d = model.state
    sizes = [model.vocab, model.audio_ctx, d, model.heads, model.encoder_layers]
    sizes += [model.text_ctx, d, model.heads, model.decoder_layers, model.mels]
    file_type = GGML_FILE_TYPES[kind] + (2000 if kind.startswith("q") else 0)
    with open(path, "wb") as file:
        file.write(struct.pack("<I11i", 0x67676D6C, *sizes, file_type))
        file.write(struct.pack("<ii", model.mels, 201))
        file.write(numpy.zeros((model.mels, 201), dtype="<f4").tobytes())
        tokens = ggml_tokens(model)
        file.write(struct.pack("<i", len(tokens)))
        for token in tokens:
            file.write(struct.pack("<i", len(token)) + token)
        for name, value in model.tensors.items():
            if name in ("encoder.conv1.bias", "encoder.conv2.bias"):
                value = value.reshape(-1, 1)
                tensor_type = "f32"
            else:
                tensor_type = ggml_tensor_type(name, value, kind)
            file.write(struct.pack("<iii", value.ndim, len(name), GGML_TYPES[tensor_type]))
            file.write(struct.pack(f"<{value.ndim}i", *reversed(value.shape)) + name.encode())
            if tensor_type == "f32":
                file.write(value.tobytes())
            elif tensor_type == "f16":
                file.write(value.astype(numpy.float16).tobytes())
            else:
                file.write(ggml_quantise(value, tensor_type))


# ---- command line --------------------------------------------------------------------------------


def main():
    kinds = ["ct2-f32", "ct2-f16", "ct2-int8", "safetensors", "safetensors-f16"]
    kinds += ["ggml-" + name for name in GGML_TYPES]
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", help="folder to write to")
    parser.add_argument("--only", nargs="+", choices=kinds, default=kinds, metavar="FORMAT")
    parser.add_argument("--state", type=int, default=64, help="values a position (64)")
    parser.add_argument("--heads", type=int, default=0, help="heads (state / 64)")
    parser.add_argument("--layers", type=int, default=2, help="encoder and decoder layers (2)")
    parser.add_argument("--decoder-layers", type=int, default=0, help="if not as many")
    parser.add_argument("--vocab", choices=VOCABULARIES, default="multilingual")
    parser.add_argument("--mels", type=int, choices=(80, 128), default=80)
    parser.add_argument("--audio-ctx", type=int, default=1500, help="encoder positions (1500)")
    parser.add_argument("--text-ctx", type=int, default=448, help="decoder positions (448)")
    parser.add_argument("--shards", type=int, default=1, help="safetensors files (1)")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    args.heads = args.heads or max(1, args.state // 64)
    if args.state % args.heads or args.state % BLOCK:
        parser.error("--state must be a multiple of --heads and of 32")

    model = Model(args)
    os.makedirs(args.out, exist_ok=True)
    for kind in args.only:
        family, _, detail = kind.partition("-")
        path = os.path.join(args.out, kind)
        if family == "ct2":
            write_ct2(model, detail, path)
        elif family == "safetensors":
            write_safetensors(model, detail or "f32", path, args.shards)
        else:
            write_ggml(model, detail, path + ".bin")
    os.utime(args.out)  # the build compares the time of the folder


if __name__ == "__main__":
    main()
