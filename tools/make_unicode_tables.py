#!/usr/bin/env python3
"""Writes src/models/tokenizer/unicode_tables.h: what the tokenizers know about characters.

Usage: venv/bin/python tools/make_unicode_tables.py > src/models/tokenizer/unicode_tables.h
The venv holds tests/reference/requirements.txt.

- Letters, numbers and white space of the GPT-2 split: Unicode 16.0.0, from unicodedata2. The script checks that the
  reference (tiktoken) has the same classes at every code point.
- Folding for WordPiece: what BertNormalizer of the tokenizers library does to each code point, read off the library
  itself, because its parts follow different Unicode versions (marks and punctuation are older than letter case).
"""

import tiktoken
import unicodedata2
from tokenizers import normalizers, pre_tokenizers

UNICODE = '16.0.0'
CODES = [code for code in range(0x110000) if not 0xD800 <= code <= 0xDFFF]
WHITE_SPACE = [*range(0x09, 0x0E), 0x20, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F,
               0x3000]
HANGUL = range(0xAC00, 0xD7A4)  # decomposed by arithmetic in unicode.c


def ranges(kinds):
    """[(first, last, kind)] of a dictionary from code to kind."""
    found = []
    for code in sorted(kinds):
        if found and found[-1][1] == code - 1 and found[-1][2] == kinds[code]:
            found[-1][1] = code
        else:
            found.append([code, code, kinds[code]])
    return found


def reference_matches(pattern):
    """The code points that tiktoken's regular expression engine finds."""
    single_bytes = {bytes([byte]): byte for byte in range(256)}
    encoding = tiktoken.Encoding('classes', pat_str=pattern, mergeable_ranks=single_bytes, special_tokens={})
    return set(map(ord, encoding.decode(encoding.encode(''.join(map(chr, CODES)), disallowed_special=()))))


def split_kinds():
    assert unicodedata2.unidata_version == UNICODE
    kinds = {}
    for code in CODES:
        category = unicodedata2.category(chr(code))[0]
        if category in 'LN':
            kinds[code] = 'UNICODE_LETTER' if category == 'L' else 'UNICODE_NUMBER'
    for code in WHITE_SPACE:
        assert code not in kinds
        kinds[code] = 'UNICODE_SPACE'
    for pattern, kind in ((r'\p{L}', 'UNICODE_LETTER'), (r'\p{N}', 'UNICODE_NUMBER'), (r'\s', 'UNICODE_SPACE')):
        assert reference_matches(pattern) == {code for code in kinds if kinds[code] == kind}, kind
    return kinds


def fold_tables():
    normalize = normalizers.BertNormalizer(
        clean_text=True, handle_chinese_chars=True, strip_accents=None, lowercase=True).normalize_str
    split = pre_tokenizers.BertPreTokenizer().pre_tokenize_str
    kinds, folds = {}, []
    for code in CODES:
        folded = normalize(chr(code))
        if folded == '':
            kinds[code] = 'FOLD_DROP'
        elif folded == ' ':
            kinds[code] = 'FOLD_SPACE'
        elif folded[0] == ' ':
            kinds[code] = 'FOLD_ALONE'
            folded = folded.strip()
        assert ' ' not in folded or folded == ' '
        if code in HANGUL or kinds.get(code) in ('FOLD_DROP', 'FOLD_SPACE'):
            continue
        if len(split('a' + chr(code) + 'a')) == 3:
            assert code not in kinds
            kinds[code] = 'FOLD_PUNCTUATION'
        if folded == chr(code):
            continue
        assert normalize(folded).strip() == folded and len(folded) <= 3
        folds.append((code, folded))
    return kinds, folds


def table(declaration, rows, columns):
    print(f'{declaration} = {{')
    for at in range(0, len(rows), columns):
        print('    ' + ' '.join(rows[at:at + columns]))
    print('};')
    print()


def range_rows(kinds):
    return [f'{{0x{first:04X}, 0x{last:04X}, {kind}}},' for first, last, kind in ranges(kinds)]


kinds, folds = fold_tables()
print('// Made by tools/make_unicode_tables.py; do not edit. Everything is ascending, ranges are inclusive.')
print('#ifndef MODELS_TOKENIZER_UNICODE_TABLES_H')
print('#define MODELS_TOKENIZER_UNICODE_TABLES_H')
print()
print('#include "unicode.h"')
print()
print('// clang-format off')
print('typedef struct UnicodeRange {')
print('    uint32_t first, last;')
print('    uint8_t kind;')
print('} UnicodeRange;')
print()
print('typedef struct UnicodeFold {')
print('    uint32_t from;')
print('    uint32_t to[UNICODE_FOLD_MAX]; // 0 fills up')
print('} UnicodeFold;')
print()
print(f'// Letters, numbers and white space of Unicode {UNICODE}.')
table('static const UnicodeRange split_ranges[]', range_rows(split_kinds()), 2)
print('// BertNormalizer and BertPreTokenizer: dropped characters, spaces, ideographs, punctuation.')
table('static const UnicodeRange fold_ranges[]', range_rows(kinds), 2)
print('// BertNormalizer: lower case without accents.')
table('static const UnicodeFold folds[]',
      [f'{{0x{code:04X}, {{' + ', '.join(f'0x{ord(c):04X}' for c in to) + '}},' for code, to in folds], 4)
print('// clang-format on')
print()
print('#endif')
