"""Bytes as rows of hex and ASCII.

Knows how a row fits a width. Must not know what the bytes are.
"""

from __future__ import annotations

from collections.abc import Iterator

PLACES = (16, 8, 4)
"""Bytes in a row, the widest that fits."""


def hexdump(data: bytes, *, start: int, width: int) -> Iterator[str]:
    """Rows of offset, hex and ASCII; `start` is the offset of the first byte, rows begin at multiples of their size."""
    size = next((places for places in PLACES if row_width(places) <= width), PLACES[-1])
    for at in range(start - start % size, start + len(data), size):
        before = max(0, start - at)
        row = data[max(0, at - start) : at - start + size]
        cells = ["  "] * before + [f"{byte:02x}" for byte in row]
        text = " " * before + "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in row)
        yield f"{at:08x}  {' '.join(cells):<{3 * size - 1}}  {text}"


def row_width(places: int) -> int:
    """Columns that a row of so many bytes takes."""
    return 8 + 2 + 3 * places - 1 + 2 + places
