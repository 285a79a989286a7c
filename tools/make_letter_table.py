#!/usr/bin/env python3
"""Writes src/base/letter_table.h: which characters make up words, and their other case.

Usage: tools/make_letter_table.py > src/base/letter_table.h

The data is Python's own copy of the Unicode character database, so the Unicode version is that of the
Python that runs it; it is named in the file. Case is the simple mapping, one character to one.
"""

import unicodedata

LAST = 0x10FFFF
CODES = [code for code in range(LAST + 1) if not 0xD800 <= code <= 0xDFFF]


def word_ranges():
    found = []
    for code in CODES:
        if unicodedata.category(chr(code))[0] not in 'LMN':
            continue
        if found and found[-1][1] == code - 1:
            found[-1][1] = code
        else:
            found.append([code, code])
    return found


def case_ranges(convert):
    """[first, last, step, difference]: neighbours, or every second one, that differ by the same from their other case."""
    found = []
    for code in CODES:
        other = convert(chr(code))
        if len(other) != 1 or ord(other) == code:
            continue
        difference = ord(other) - code
        last = found[-1] if found else None
        if last and last[3] == difference and code - last[1] in (1, 2) and last[2] in (0, code - last[1]):
            last[2] = code - last[1]
            last[1] = code
        else:
            found.append([code, code, 0, difference])
    return [(first, last, step or 1, difference) for first, last, step, difference in found]


def table(declaration, rows, columns):
    print(f'{declaration} = {{')
    for at in range(0, len(rows), columns):
        print('    ' + ' '.join(rows[at:at + columns]))
    print('};')


print('// Made by tools/make_letter_table.py from the Unicode character database; do not edit.')
print(f'// Unicode {unicodedata.unidata_version}. Ranges are inclusive and ascending.')
print('#ifndef BASE_LETTER_TABLE_H')
print('#define BASE_LETTER_TABLE_H')
print()
print('#include <stdint.h>')
print()
print('// clang-format off')
print('typedef struct LetterRange {')
print('    uint32_t first;')
print('    uint32_t last;')
print('} LetterRange;')
print()
print('// Every `step`th character of the range becomes another by adding `difference`.')
print('typedef struct CaseRange {')
print('    uint32_t first;')
print('    uint32_t last;')
print('    uint32_t step;')
print('    int32_t difference;')
print('} CaseRange;')
print()
table('static const LetterRange word_ranges[]', [f'{{0x{a:04X}, 0x{b:04X}}},' for a, b in word_ranges()], 4)
print()
for name, convert in (('lower_ranges', str.lower), ('upper_ranges', str.upper)):
    table(f'static const CaseRange {name}[]',
          [f'{{0x{a:04X}, 0x{b:04X}, {s}, {d}}},' for a, b, s, d in case_ranges(convert)], 3)
    print()
print('// clang-format on')
print()
print('#endif')
