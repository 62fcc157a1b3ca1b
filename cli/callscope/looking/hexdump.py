"""Bytes as rows of hex and ASCII.

Knows how a row fits a width. Must not know what the bytes are.
"""

from __future__ import annotations

from collections.abc import Iterator

LAYOUTS = ((16, 8, "  "), (8, 8, "  "), (8, 6, " "), (4, 6, " "))
"""Bytes in a row, digits of its offset and the space between the columns; the first that fits is taken."""


def hexdump(data: bytes, *, start: int, width: int) -> Iterator[str]:
    """Rows of offset, hex and ASCII; `start` is the offset of the first byte, rows begin at multiples of their size."""
    size, digits, space = next((layout for layout in LAYOUTS if _columns(*layout) <= width), LAYOUTS[-1])
    for at in range(start - start % size, start + len(data), size):
        before = max(0, start - at)
        row = data[max(0, at - start) : at - start + size]
        cells = ["  "] * before + [f"{byte:02x}" for byte in row]
        text = " " * before + "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in row)
        yield f"{at:0{digits}x}{space}{' '.join(cells):<{3 * size - 1}}{space}{text}"


def _columns(size: int, digits: int, space: str) -> int:
    return digits + 3 * size - 1 + size + 2 * len(space)
