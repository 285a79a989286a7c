#!/usr/bin/env python3
"""Writes src/base/width_table.h: which characters take no column of a terminal, and which take two.

Usage: tools/make_width_table.py > src/base/width_table.h

The data is Python's own copy of the Unicode character database, so the Unicode version is that of the
Python that runs it; it is named in the file.
"""

import unicodedata

LAST = 0x10FFFF
# Planes of ideographs are wide as a whole, unassigned places too (UAX #11, section 5).
WIDE_BLOCKS = [(0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x2FFFD), (0x30000, 0x3FFFD)]


def is_zero(code):
    # Conjoining Hangul vowels and finals are drawn into the syllable of the initial before them.
    if 0x1160 <= code <= 0x11FF or 0xD7B0 <= code <= 0xD7FF:
        return True
    if code == 0x00AD:  # a soft hyphen is shown
        return False
    # Arabic and similar number signs are format characters that are drawn.
    if unicodedata.bidirectional(chr(code)) == 'AN' and unicodedata.category(chr(code)) == 'Cf':
        return False
    return unicodedata.category(chr(code)) in ('Mn', 'Me', 'Cf', 'Zl', 'Zp')


def is_wide(code):
    if any(low <= code <= high for low, high in WIDE_BLOCKS):
        return True
    return unicodedata.east_asian_width(chr(code)) in ('W', 'F')


def ranges(test):
    found = []
    start = None
    for code in range(LAST + 2):
        inside = code <= LAST and test(code)
        if inside and start is None:
            start = code
        elif not inside and start is not None:
            found.append((start, code - 1))
            start = None
    return found


def table(name, rows):
    print(f'static const WidthRange {name}[] = {{')
    for at in range(0, len(rows), 4):
        print('    ' + ' '.join(f'{{0x{low:04X}, 0x{high:04X}}},' for low, high in rows[at:at + 4]))
    print('};')


print('// Made by tools/make_width_table.py from the Unicode character database; do not edit.')
print(f'// Unicode {unicodedata.unidata_version}. Ranges are inclusive and ascending.')
print('#ifndef BASE_WIDTH_TABLE_H')
print('#define BASE_WIDTH_TABLE_H')
print()
print('#include <stdint.h>')
print()
print('// clang-format off')
print('typedef struct WidthRange {')
print('    uint32_t first;')
print('    uint32_t last;')
print('} WidthRange;')
print()
zero = ranges(is_zero)
table('zero_width', zero)
print()
table('double_width', ranges(lambda code: is_wide(code) and not is_zero(code)))
print('// clang-format on')
print()
print('#endif')
