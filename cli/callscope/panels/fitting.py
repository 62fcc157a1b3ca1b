"""Text that has to fit a number of columns.

Knows that a character may take two columns or none. Must not know what the text says.
"""

from __future__ import annotations

from rich.cells import cell_len, set_cell_size


def fitted(text: str, columns: int, *, ascii_only: bool = False) -> str:
    """The text, cut at its end with an ellipsis where it takes more columns than there are.

    With `ascii_only` other characters are written as escapes first, as the terminal's stream would write them.
    """
    columns = max(columns, 0)
    if ascii_only:
        text = text.encode("ascii", "backslashreplace").decode("ascii")
    if cell_len(text) <= columns:
        return text
    mark = "~" if ascii_only else "…"
    return set_cell_size(text, columns - 1).rstrip() + mark if columns else ""


def padded(text: str, columns: int, *, ascii_only: bool = False) -> str:
    """The text in exactly so many columns."""
    cut = fitted(text, columns, ascii_only=ascii_only)
    return cut + " " * (columns - cell_len(cut))
