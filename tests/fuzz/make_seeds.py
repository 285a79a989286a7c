#!/usr/bin/env python3
"""Writes the seeds of the readers of models, corpus/{ct2,ggml,safetensors,packed,vocabulary}, of what decodes files,
corpus/{protocol,decode}, and of the reader of journals, corpus/frame_journal. Standard library only."""

import hashlib
import json
import pathlib
import struct
import zlib

CORPUS = pathlib.Path(__file__).resolve().parent / "corpus"


def save(kind, name, data):
    folder = CORPUS / kind
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


def floats(count):
    return struct.pack(f"<{count}f", *(i / 8 for i in range(count)))


def string(text):
    return struct.pack("<H", len(text) + 1) + text.encode() + b"\0"


def ct2(version, variables, aliases=()):
    out = struct.pack("<I", version) + string("WhisperSpec") + struct.pack("<II", 3, len(variables))
    for name, shape, kind, data in variables:
        item = {0: 4, 1: 1, 2: 2, 4: 2, 5: 2}[kind]
        out += string(name) + struct.pack(f"<B{len(shape)}I", len(shape), *shape)
        out += struct.pack("<BI", *((kind, len(data)) if version >= 4 else (item, len(data) // item)))
        out += data
    if version >= 3:
        out += struct.pack("<I", len(aliases)) + b"".join(string(a) + string(b) for a, b in aliases)
    return out


WHISPER = [
    ("encoder/layer_0/self_attention/linear_0/weight", (6, 2), 0, floats(12)),
    ("encoder/conv1/weight", (2, 2, 3), 4, bytes(24)),
    ("encoder/position_encodings/encodings", (4, 2), 0, floats(8)),
    ("decoder/position_encodings/encodings", (4, 2), 0, floats(8)),
    ("decoder/embeddings/weight", (5, 2), 1, bytes(range(10))),
    ("decoder/embeddings/weight_scale", (5,), 0, floats(5)),
    ("encoder/num_heads", (), 2, b"\1\0"),
]
ALIASES = [("decoder/projection/weight", "decoder/embeddings/weight")]
save("ct2", "version_6", ct2(6, WHISPER, ALIASES))
save("ct2", "version_3", ct2(3, [v for v in WHISPER if v[2] < 3], ALIASES))
save("ct2", "other_types", ct2(6, [("a", (2, 2), 2, bytes(8)), ("a_scale", (), 0, floats(1)), ("b", (2,), 5, bytes(4))]))


def ggml(tensors, tokens=(b"a", b"", b" b")):
    out = struct.pack("<I11i", 0x67676D6C, 5, 4, 32, 1, 1, 4, 32, 1, 1, 2, 1)
    out += struct.pack("<ii", 2, 3) + floats(6) + struct.pack("<i", len(tokens))
    out += b"".join(struct.pack("<i", len(t)) + t for t in tokens)
    for name, shape, kind, data in tensors:
        out += struct.pack("<iii", len(shape), len(name), kind) + struct.pack(f"<{len(shape)}i", *reversed(shape))
        out += name.encode() + data
    return out


BLOCKS = {0: 128, 1: 64, 2: 18, 3: 20, 6: 22, 7: 24, 8: 34}
save("ggml", "types", ggml([(f"t{kind}", (2, 32), kind, bytes(2 * size)) for kind, size in BLOCKS.items()]))
save("ggml", "whisper", ggml([
    ("encoder.blocks.0.attn.query.weight", (32, 32), 8, bytes(32 * 34)),
    ("decoder.token_embedding.weight", (5, 32), 2, bytes(5 * 18)),
    ("encoder.conv1.weight", (32, 2, 3), 1, bytes(384)),
    ("encoder.positional_embedding", (4, 32), 0, bytes(512)),
    ("decoder.positional_embedding", (4, 32), 0, bytes(512)),
]))


def safetensors(tensors):
    header, data = {"__metadata__": {"format": "pt"}}, b""
    for name, (dtype, shape, body) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(body)]}
        data += body
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


save("safetensors", "types", safetensors({"a": ("F32", [2, 2], floats(4)), "b": ("F16", [2], bytes(4)), "c": ("BF16", [1, 1], bytes(2)), "d": ("I64", [1], bytes(8)), "e": ("F32", [], bytes(4))}))
save("safetensors", "whisper", safetensors({
    "model.encoder.layers.0.self_attn.q_proj.weight": ("F32", [2, 2], floats(4)),
    "model.decoder.embed_tokens.weight": ("F32", [5, 2], floats(10)),
    "model.encoder.conv1.weight": ("F16", [2, 2, 3], bytes(24)),
    "model.encoder.embed_positions.weight": ("F32", [4, 2], floats(8)),
    "model.decoder.embed_positions.weight": ("F32", [4, 2], floats(8)),
}))
save("safetensors", "silero", safetensors({"stft_conv.weight": ("F32", [2, 1, 4], floats(8))}))
save("safetensors", "minilm", safetensors({
    "embeddings.word_embeddings.weight": ("F16", [2, 384], bytes(1536)),
    "embeddings.position_embeddings.weight": ("F16", [1, 384], bytes(768)),
    "encoder.layer.0.intermediate.dense.weight": ("F16", [1, 384], bytes(768)),
}))


def round_up(value, unit):
    return -(-value // unit) * unit


def packed(metadata, tokens, tensors):
    """As docs/formats/packed.md has it, but with the rest of the first page left out (fuzz_packed.c puts it back)."""
    front = bytearray(json.dumps(metadata).encode())
    sizes = [len(front), len(tokens), sum(map(len, tokens)), len(tensors)]
    front += bytes(round_up(len(front), 64) - len(front))
    if tokens:
        ends = [sum(map(len, tokens[:i])) for i in range(len(tokens) + 1)]
        front += struct.pack(f"<{len(ends)}I", *ends) + b"".join(tokens)
    front += bytes(round_up(len(front), 64) - len(front))
    data_at = 4096 + round_up(len(front) + 168 * len(tensors), 4096)
    data = bytearray()
    for name, encoding, shape, body in tensors:
        data += bytes(round_up(len(data), 64) - len(data))
        front += name.encode().ljust(96, b"\0") + struct.pack("<II4I", encoding, len(shape), *(list(shape) + [0] * 4)[:4])
        front += struct.pack("<QQ", data_at + len(data), len(body)) + hashlib.blake2b(body, digest_size=32).digest()
        data += body
    crc = zlib.crc32(bytes(front))
    front += bytes(data_at - 4096 - len(front))
    head = b"\x93SCOUT\r\n" + struct.pack("<IIQ5I", 1, 1, data_at + len(data), *sizes, crc)
    return head + struct.pack("<I", zlib.crc32(head)) + bytes(front) + bytes(data)


save("packed", "encodings", packed({"n": 3, "t": "x", "i": [1, 2]}, [b"a", b"", b"bc"], [
    ("v", 1, (3,), floats(3)), ("w", 2, (2, 3), bytes(192)), ("w", 3, (2, 3), bytes(96)),
    ("w", 4, (2, 3), bytes(64 + 64 + 64)), ("w", 5, (2, 3), bytes(256 + 64)),
]))
save("packed", "no_vocabulary", packed({}, [], [("x", 1, (1, 1, 1, 1), floats(1))]))

save("vocabulary", "list", b"\x00" + '["a","\u0120b","","c"]'.encode())
save("vocabulary", "lines", b"\x01" + "a\r\n\u0120b\n\nc".encode())
save("vocabulary", "map", b"\x02" + '{"a":0,"\u0120b":1,"":2,"c":3}'.encode())
save("vocabulary", "tokenizer", b"\x03" + '{"model":{"vocab":{"a":0,"b":1,"":2,"c":3}}}'.encode())
save("vocabulary", "words", b"\x84" + "[PAD]\n##s\n\u20ac\nx\n".encode())


def patch(section, at, data):
    return bytes([section, at & 255, at >> 8, len(data)]) + bytes(data)


# fuzz_model.c's made-up whisper has 63 tensors, and this metadata.
SIZES = '{"alignment_heads":[1,0],"n_audio_ctx":8,"n_decoder_layers":2,"n_encoder_layers":1,"n_heads":2,"n_mels":80,"n_state":32,"n_text_ctx":8,"n_vocab":1766}'


def size(name, text):
    return patch(0, SIZES.index(name) + len(name) + 2, text.encode())


INT8, F16, PLAIN, PANELS = 4, 3, 1, 2
save("model", "whisper_int8", b"\x00")
save("model", "whisper_f16", b"\x01")
save("model", "whisper_int8_as_f32", b"\x81")
save("model", "silero", b"\x02")
# The feed-forward layer of the encoder: narrower than usual, and of a width that fills no panel.
for width in 64, 17:
    save("model", f"whisper_inner_{width}", b"\x00" + patch(2, 13, [INT8, 2, width, 32]) + patch(2, 14, [PLAIN, 1, width])
         + patch(2, 15, [INT8, 2, 32, width]))
save("model", "whisper_shorter_windows", b"\x00" + size("n_audio_ctx", "6") + patch(2, 4, [PLAIN, 2, 6, 32])
     + size("n_text_ctx", "1") + patch(2, 20, [PLAIN, 2, 1, 32]))
save("model", "whisper_one_head", b"\x01" + size("n_heads", "1") + size("alignment_heads", "[0,0]"))
save("model", "whisper_other_encodings", b"\x00" + patch(2, 7, [F16, 2, 96, 32]) + patch(2, 9, [5, 2, 32, 32]))
save("model", "whisper_swapped", b"\x00" + patch(2, 9, [29]) + patch(2, 5, [6]))
save("model", "whisper_token_ends", b"\x00" + patch(1, 8, [3, 0, 0, 0]))
save("model", "silero_encoding", b"\x02" + patch(2, 6, [PANELS, 2, 1, 64]) + patch(2, 14, [PLAIN, 2, 1, 1]))


def message(kind, payload):
    return b"SCD" + kind + struct.pack("<I", len(payload)) + payload


HELLO = message(b"H", struct.pack("<III", 1, 3, 7) + b"FFmpeg 5")
INFO = message(b"I", struct.pack("<IIdBB", 44100, 2, 1.5, 3, 4) + b"oggopus")
AUDIO = message(b"A", floats(8))
PROBLEM = message(b"P", struct.pack("<dI", 0.5, 1) + b"cut short")
PROGRESS = message(b"W", struct.pack("<QQ", 1000, 2000))
save("protocol", "whole", HELLO + PROGRESS + INFO + AUDIO + PROBLEM + AUDIO + message(b"E", struct.pack("<QI", 16, 1)))
save("protocol", "error", HELLO + message(b"X", struct.pack("<i", -7) + b"holds no audio"))
save("protocol", "late_error", HELLO + INFO + AUDIO + message(b"X", struct.pack("<i", -10) + "zu lang \u202e".encode()))

WAV = b"RIFF\x24\x10\0\0WAVEfmt \x10\0\0\0" + struct.pack("<HHIIHH", 1, 2, 48000, 192000, 4, 16)
save("decode", "wav", WAV + b"LIST\x03\0\0\0abc\0data\0\x10\0\0")
save("decode", "ogg", bytes(20) + b"OggS\0\0" + bytes(30) + b"OggS\0\x04" + bytes(30))
save("decode", "playlist", b"\xef\xbb\xbf#EXTM3U\n#EXTINF:1\nx\n")
save("decode", "xml", b'<?xml version="1.0"?>\n<MPD>')
save("decode", "clock", b"".join(struct.pack("<qHBB", i * 1024 << 16, 1024, i % 5, i) for i in range(12)))

save("settings", "configuration", b"\x00" + b'{"encoder_attention_heads": 2, "suppress_tokens": [1, 2, -1]}')
save("settings", "ctranslate2", b"\x00" + b'{"suppress_ids": [1, 7], "suppress_ids_begin": [220, 50257], "alignment_heads": [[0, 0], [0, 1]]}')
save("settings", "generation", b"\x01" + b'{"begin_suppress_tokens": [220, 50256], "suppress_tokens": [1, 2], "alignment_heads": [[0, 0]]}')
save("settings", "shards", b"\x02" + b'{"metadata": {"total_size": 1}, "weight_map": {"a": "model-1.safetensors", "b": "../x", "c": 1}}')


def siphash(key, data):
    """SipHash-2-4, from the paper (Aumasson and Bernstein, 2012)."""
    mask = (1 << 64) - 1
    k0, k1 = struct.unpack("<QQ", key)
    v = [k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D, k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573]

    def turn(x, n):
        return (x << n | x >> 64 - n) & mask

    def rounds(count):
        for _ in range(count):
            v[0], v[2] = (v[0] + v[1]) & mask, (v[2] + v[3]) & mask
            v[1], v[3] = turn(v[1], 13) ^ v[0], turn(v[3], 16) ^ v[2]
            v[0] = turn(v[0], 32)
            v[2], v[0] = (v[2] + v[1]) & mask, (v[0] + v[3]) & mask
            v[1], v[3] = turn(v[1], 17) ^ v[2], turn(v[3], 21) ^ v[0]
            v[2] = turn(v[2], 32)

    whole = data + bytes(7 - len(data) % 8) + bytes([len(data) & 255])
    for (word,) in struct.iter_unpack("<Q", whole):
        v[3] ^= word
        rounds(2)
        v[0] ^= word
    v[2] ^= 255
    rounds(4)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


JOURNAL_ID = b"0123456789abcde\0"
FRAMES, TEXT, SKIPPED, MARK, SETTLED, END = range(1, 7)


def journal_header(channels):
    head = b"\x89SCJ\r\n\x1a\n" + struct.pack("<IIIIq", 1, 4096, 16000, channels, 1700000000000) + JOURNAL_ID + bytes(8)
    head += struct.pack("<Q", siphash(JOURNAL_ID, head))
    return head + bytes(2048 - 64) + head + bytes(2048 - 64)


def journal_record(kind, sequence, position, end, payload, channel=0):
    head = b"\xf5rec" + struct.pack("<BBHQQQI", kind, channel, 0, sequence, position, end, len(payload))
    head += struct.pack("<I", siphash(JOURNAL_ID, head) & 0xFFFFFFFF)
    body = head + payload + bytes(-len(payload) % 8)
    return body + struct.pack("<Q", siphash(JOURNAL_ID, body))


def sound(position, end, channels=1):
    return struct.pack(f"<{(end - position) * channels}h", *(i * 7 % 999 for i in range(position * channels, end * channels)))


RECORDS = [
    (FRAMES, 1, 0, 20, sound(0, 20)),
    (TEXT, 2, 3, 18, b'{"text":"yes"}'),
    (SETTLED, 3, 18, 18, b"{}"),
    (FRAMES, 4, 20, 33, sound(20, 33)),
    (MARK, 5, 33, 50, b'{"kind":"lost","frames":17}'),
    (FRAMES, 6, 50, 60, sound(50, 60)),
    (99, 7, 0, 0, b"unknown"),
    (SKIPPED, 8, 18, 60, b'{"reason":"silent"}'),
    (END, 9, 60, 60, b"{}"),
]
records = [journal_record(*record) for record in RECORDS]
save("frame_journal", "whole", b"\x01\x80" + b"".join(records))
save("frame_journal", "whole_file", b"\x80\xf0" + journal_header(1) + b"".join(records))
save("frame_journal", "first_header_gone", b"\x80\xf0" + bytes(512) + journal_header(1)[512:] + records[0])
save("frame_journal", "one_missing", b"\x01\xc0" + b"".join(records[:3] + records[4:]))
save("frame_journal", "hole", b"\x01\x60" + records[0] + bytes(len(records[1])) + b"".join(records[2:]))
save("frame_journal", "doubled", b"\x01\x10" + b"".join(records[:4] + records[:4] + records[4:]))
save("frame_journal", "torn", b"\x00\x20" + b"".join(records[:3])[:-9])
save("frame_journal", "two_channels", b"\x03\x00" + journal_record(FRAMES, 1, 0, 9, sound(0, 9, 2))
     + journal_record(TEXT, 2, 0, 9, b"{}", 1) + journal_record(FRAMES, 4, 12, 14, sound(12, 14, 2)))
