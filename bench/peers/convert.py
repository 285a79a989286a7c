"""Whisper models in the formats of the peers, all made from one CTranslate2 folder so that every engine computes with the
same weights. Runs inside a peer's virtual environment.

    convert.py ggml FOLDER OUT.bin       whisper.cpp, f16
    convert.py onnx FOLDER OUT.onnx      the encoder alone, f32
    convert.py int8 IN.onnx OUT.onnx     the same with dynamically quantised products
    convert.py hf FOLDER OUT             a folder as transformers writes it, which optimum-intel exports from
"""
import json
import os
import struct
import sys

import numpy

# The parts of a layer in CTranslate2, Hugging Face and ggml. Several names: rows that CTranslate2 keeps in one matrix.
LAYER = [
    ("self_attention/layer_norm", ["self_attn_layer_norm"], ["attn_ln"]),
    ("self_attention/linear_0", ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"],
     ["attn.query", "attn.key", "attn.value"]),
    ("self_attention/linear_1", ["self_attn.out_proj"], ["attn.out"]),
    ("attention/layer_norm", ["encoder_attn_layer_norm"], ["cross_attn_ln"]),
    ("attention/linear_0", ["encoder_attn.q_proj"], ["cross_attn.query"]),
    ("attention/linear_1", ["encoder_attn.k_proj", "encoder_attn.v_proj"], ["cross_attn.key", "cross_attn.value"]),
    ("attention/linear_2", ["encoder_attn.out_proj"], ["cross_attn.out"]),
    ("ffn/layer_norm", ["final_layer_norm"], ["mlp_ln"]),
    ("ffn/linear_0", ["fc1"], ["mlp.0"]),
    ("ffn/linear_1", ["fc2"], ["mlp.2"]),
]
WITHOUT_BIAS = ("k_proj", ".key")
NORM = {"gamma": "weight", "beta": "bias"}
DTYPES = [numpy.float32, numpy.int8, numpy.int16, numpy.int32, numpy.float16]


class Model:
    """A CTranslate2 folder; tensors are f32."""

    def __init__(self, folder):
        self.folder = folder
        with open(os.path.join(folder, "model.bin"), "rb") as file:
            self.data = file.read()
        self.at = 0
        self.tensors = {}
        if self.number("<I") != 6 or self.string() != "WhisperSpec":
            sys.exit(f"{folder}: not a Whisper model of CTranslate2's version 6")
        self.number("<I")  # revision
        for _ in range(self.number("<I")):
            name = self.string()
            shape = [self.number("<I") for _ in range(self.number("<B"))]
            dtype, size = self.number("<B"), self.number("<I")
            values = numpy.frombuffer(self.data, DTYPES[dtype], size // numpy.dtype(DTYPES[dtype]).itemsize, self.at)
            self.tensors[name] = values.reshape(shape).astype(numpy.float32)
            self.at += size
        del self.data
        self.width = self["encoder/conv1/weight"].shape[0]
        self.mels = self["encoder/conv1/weight"].shape[1]
        self.vocabulary = self["decoder/embeddings/weight"].shape[0]
        self.heads = self.width // 64
        self.layers = {side: sum(f"{side}/layer_{i}/ffn/layer_norm/gamma" in self.tensors for i in range(64))
                       for side in ("encoder", "decoder")}
        with open(os.path.join(folder, "config.json"), encoding="utf-8") as file:
            self.config = json.load(file)
        with open(os.path.join(folder, "vocabulary.json"), encoding="utf-8") as file:
            self.words = json.load(file)

    def number(self, layout):
        value, = struct.unpack_from(layout, self.data, self.at)
        self.at += struct.calcsize(layout)
        return value

    def string(self):
        length = self.number("<H")
        text = self.data[self.at:self.at + length - 1].decode()
        self.at += length
        return text

    def __getitem__(self, name):
        return self.tensors[name]

    def part(self, path, names):
        """The tensors of one norm or linear layer, cut to `names`: (name, suffix, values)."""
        for key in ("gamma", "beta", "weight", "bias"):
            values = self.tensors.get(f"{path}/{key}")
            if values is None:
                continue
            for i, name in enumerate(names):
                rows = len(values) // len(names)
                if key != "bias" or not name.endswith(WITHOUT_BIAS):
                    yield name, NORM.get(key, key), values[i * rows:(i + 1) * rows]

    def all_parts(self, style):
        """Every tensor but convolutions, positions and embedding: (side, name, suffix, values)."""
        prefix, norms = (("layers", "layer_norm"), ("blocks", ("ln_post", "ln")))[style]
        for side in ("encoder", "decoder"):
            for layer in range(self.layers[side]):
                for path, *names in LAYER:
                    for name, suffix, values in self.part(f"{side}/layer_{layer}/{path}", names[style]):
                        yield side, f"{prefix}.{layer}.{name}", suffix, values
            norm = norms if style == 0 else norms[side == "decoder"]
            for name, suffix, values in self.part(f"{side}/layer_norm", [norm]):
                yield side, name, suffix, values


def mel_filters(bands, rate=16000, size=400):
    """Slaney's filterbank with areas of one, as librosa and OpenAI have it: [bands][size / 2 + 1] f32."""
    def to_hz(mel):
        return numpy.where(mel < 15, mel * 200 / 3, 1000 * numpy.exp((mel - 15) * numpy.log(6.4) / 27))
    top = 15 + 27 * numpy.log(rate / 2 / 1000) / numpy.log(6.4)
    edges = to_hz(numpy.linspace(0, top, bands + 2))
    bins = numpy.linspace(0, rate / 2, size // 2 + 1)
    rising = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
    areas = 2 / (edges[2:] - edges[:-2])
    return (numpy.maximum(0, numpy.minimum(rising, falling)) * areas[:, None]).astype(numpy.float32)


def byte_of_character():
    """GPT-2's printable stand-ins of bytes, the other way round."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    table = {chr(b): b for b in plain}
    others = [b for b in range(256) if b not in plain]
    table.update({chr(256 + i): b for i, b in enumerate(others)})
    return table


def write_ggml(folder, out):
    model = Model(folder)
    tensors = []
    for i in "12":
        tensors.append((f"encoder.conv{i}.weight", model[f"encoder/conv{i}/weight"]))
        tensors.append((f"encoder.conv{i}.bias", model[f"encoder/conv{i}/bias"].reshape(-1, 1)))
    for side in ("encoder", "decoder"):
        tensors.append((f"{side}.positional_embedding", model[f"{side}/position_encodings/encodings"]))
    tensors.append(("decoder.token_embedding.weight", model["decoder/embeddings/weight"]))
    for side, name, suffix, values in model.all_parts(1):
        tensors.append((f"{side}.{name}.{suffix}", values))
    table = byte_of_character()
    end = 50257 if model.vocabulary > 51864 else 50256
    words = [bytes(table[c] for c in word) for word in model.words[:end]]
    filters = mel_filters(model.mels)
    with open(out + ".part", "wb") as file:
        file.write(struct.pack("<12i", 0x67676d6c, model.vocabulary, 1500, model.width, model.heads,
                               model.layers["encoder"], 448, model.width, model.heads, model.layers["decoder"],
                               model.mels, 1))
        file.write(struct.pack("<2i", *filters.shape) + filters.tobytes())
        file.write(struct.pack("<i", len(words)))
        for word in words:
            file.write(struct.pack("<i", len(word)) + word)
        for name, values in tensors:
            exact = values.ndim < 2 or "positional" in name or name.endswith("bias")
            file.write(struct.pack("<3i", values.ndim, len(name), 0 if exact else 1))
            file.write(struct.pack(f"<{values.ndim}i", *values.shape[::-1]) + name.encode())
            file.write(values.astype(numpy.float32 if exact else numpy.float16).tobytes())
    os.replace(out + ".part", out)


class Graph:
    """An ONNX graph, written node by node; values are known by the name of what made them."""

    def __init__(self):
        self.nodes, self.constants = [], []

    def constant(self, values):
        from onnx import numpy_helper
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(numpy.ascontiguousarray(values), name))
        return name

    def __call__(self, operation, *inputs, **attributes):
        from onnx import helper
        name = f"v{len(self.nodes)}"
        inputs = [i if isinstance(i, str) else self.constant(i) for i in inputs]
        self.nodes.append(helper.make_node(operation, inputs, [name], **attributes))
        return name


def encoder_graph(model):
    g, width = Graph(), model.width
    heads = numpy.array([1, -1, model.heads, 64], numpy.int64)
    flat = numpy.array([1, -1, width], numpy.int64)

    def norm(x, path):
        return g("LayerNormalization", x, model[path + "/gamma"], model[path + "/beta"], axis=-1, epsilon=1e-5)

    def linear(x, path, part=slice(None)):
        return g("Add", g("MatMul", x, model[path + "/weight"][part].T), model[path + "/bias"][part])

    def by_head(x, order):
        return g("Transpose", g("Reshape", x, heads), perm=order)

    x = "mel"
    for i, step in (("1", 1), ("2", 2)):
        x = g("Conv", x, model[f"encoder/conv{i}/weight"], model[f"encoder/conv{i}/bias"], kernel_shape=[3],
              pads=[1, 1], strides=[step])
        x = g("Gelu", x)
    x = g("Add", g("Transpose", x, perm=[0, 2, 1]), model["encoder/position_encodings/encodings"])
    for i in range(model.layers["encoder"]):
        layer = f"encoder/layer_{i}"
        y = norm(x, f"{layer}/self_attention/layer_norm")
        q, k, v = (linear(y, f"{layer}/self_attention/linear_0", slice(j * width, (j + 1) * width)) for j in range(3))
        scores = g("MatMul", g("Mul", by_head(q, [0, 2, 1, 3]), numpy.float32(64 ** -0.5)), by_head(k, [0, 2, 3, 1]))
        y = g("MatMul", g("Softmax", scores, axis=-1), by_head(v, [0, 2, 1, 3]))
        y = g("Reshape", g("Transpose", y, perm=[0, 2, 1, 3]), flat)
        x = g("Add", x, linear(y, f"{layer}/self_attention/linear_1"))
        y = linear(norm(x, f"{layer}/ffn/layer_norm"), f"{layer}/ffn/linear_0")
        x = g("Add", x, linear(g("Gelu", y), f"{layer}/ffn/linear_1"))
    return g, norm(x, "encoder/layer_norm")


def write_onnx(folder, out):
    import onnx
    from onnx import TensorProto, helper
    model = Model(folder)
    g, last = encoder_graph(model)
    g.nodes[-1].output[0] = "states"
    assert last != "states"
    graph = helper.make_graph(
        g.nodes, "encoder", [helper.make_tensor_value_info("mel", TensorProto.FLOAT, [1, model.mels, 3000])],
        [helper.make_tensor_value_info("states", TensorProto.FLOAT, [1, 1500, model.width])], g.constants)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)])
    made.ir_version = 9
    onnx.save(made, out)


def write_int8(source, out):
    from onnxruntime.quantization import QuantType, quantize_dynamic
    quantize_dynamic(source, out, weight_type=QuantType.QInt8, per_channel=True, op_types_to_quantize=["MatMul"])


def write_hf(folder, out):
    import torch
    from transformers import (GenerationConfig, WhisperConfig, WhisperFeatureExtractor,
                              WhisperForConditionalGeneration, WhisperTokenizerFast)
    model = Model(folder)
    multilingual = model.vocabulary > 51864
    end = 50257 if multilingual else 50256
    marks = {"bos_token_id": end, "eos_token_id": end, "pad_token_id": end, "decoder_start_token_id": end + 1}
    config = WhisperConfig(
        vocab_size=model.vocabulary, num_mel_bins=model.mels, d_model=model.width,
        encoder_layers=model.layers["encoder"], decoder_layers=model.layers["decoder"],
        encoder_attention_heads=model.heads, decoder_attention_heads=model.heads,
        encoder_ffn_dim=4 * model.width, decoder_ffn_dim=4 * model.width, **marks)
    state = {f"model.{side}.{name}.{suffix}": values for side, name, suffix, values in model.all_parts(0)}
    for side in ("encoder", "decoder"):
        state[f"model.{side}.embed_positions.weight"] = model[f"{side}/position_encodings/encodings"]
    for i in "12":
        for suffix in ("weight", "bias"):
            state[f"model.encoder.conv{i}.{suffix}"] = model[f"encoder/conv{i}/{suffix}"]
    state["model.decoder.embed_tokens.weight"] = state["proj_out.weight"] = model["decoder/embeddings/weight"]
    made = WhisperForConditionalGeneration(config)
    made.load_state_dict({name: torch.tensor(values) for name, values in state.items()})
    generation = GenerationConfig(
        **marks, max_length=448, begin_suppress_tokens=[220, end], suppress_tokens=model.config["suppress_ids"],
        is_multilingual=multilingual, no_timestamps_token_id=model.words.index("<|notimestamps|>"),
        prev_sot_token_id=model.words.index("<|startofprev|>"), alignment_heads=model.config["alignment_heads"],
        return_timestamps=False, max_initial_timestamp_index=50)
    if multilingual:
        generation.lang_to_id = {model.words[i]: i for i in model.config["lang_ids"]}
        generation.task_to_id = {task: model.words.index(f"<|{task}|>") for task in ("translate", "transcribe")}
    made.generation_config = generation
    made.save_pretrained(out)
    WhisperFeatureExtractor(feature_size=model.mels).save_pretrained(out)
    WhisperTokenizerFast(tokenizer_file=os.path.join(folder, "tokenizer.json")).save_pretrained(out)


if __name__ == "__main__":
    writers = {"ggml": write_ggml, "onnx": write_onnx, "int8": write_int8, "hf": write_hf}
    if len(sys.argv) != 4 or sys.argv[1] not in writers:
        sys.exit(__doc__)
    writers[sys.argv[1]](*sys.argv[2:])
