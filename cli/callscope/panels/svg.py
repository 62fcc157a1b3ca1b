"""A picture of the screen as an SVG file.

Knows how Rich draws one. Must not know what is on the picture.
"""

from __future__ import annotations

import io
import re

from rich.console import Console, RenderableType

_FONTS = re.compile(r"\s*@font-face \{.*?\}", re.DOTALL)
_NOT_IN_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def svg(picture: RenderableType, *, columns: int, title: str) -> str:
    """The picture in a window of so many columns. It fetches nothing when it is looked at, not even a font."""
    console = Console(
        record=True, width=columns, file=io.StringIO(), force_terminal=True, color_system="truecolor", highlight=False
    )
    console.print(picture, soft_wrap=True)
    style, end, drawing = console.export_svg(title=title, unique_id="callscope").partition("</style>")
    return _NOT_IN_XML.sub("\ufffd", _FONTS.sub("", style) + end + drawing)
