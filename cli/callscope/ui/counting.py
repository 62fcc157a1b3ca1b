"""Numbers as a person reads them.

Knows English plurals and units. Must not know what is counted.
"""

from __future__ import annotations


def counted(number: int, what: str) -> str:
    """`1 read`, `1,200 reads`."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def lasted(seconds: float) -> str:
    """A duration: `0.4 ms`, `38 ms`, `1.24 s`, `2 min 5 s`."""
    if seconds < 0.001:
        return f"{1000 * seconds:.1f} ms"
    if seconds < 1:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 120:
        return f"{seconds:.2f} s"
    return f"{seconds // 60:.0f} min {seconds % 60:.0f} s"
