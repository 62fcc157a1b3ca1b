"""HTML that cannot be broken out of: whatever is no markup of ours is text, made visible and escaped.

Must not know what a page says.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from callscope.core.visible import visible
from callscope.dialects.json_progress import utf8_size
from callscope.panels.wording import counted


class Html(str):
    """Markup that we made; any other string is text."""

    __slots__ = ()


def tag(name: str, /, *children: str | None, **attributes: str | int | bool | None) -> Html:
    """An element. Attributes are named as in Python (`class_`, `data_at`); None and false ones are left out."""
    given = "".join(_attribute(key, value) for key, value in attributes.items() if value not in (None, False))
    opened = f"<{name}{given}>"
    return Html(opened) if name in _VOID else Html(f"{opened}{joined(children)}</{name}>")


def joined(children: Iterable[str | None]) -> Html:
    """Elements and texts behind one another."""
    return Html("".join(_written(child) for child in children if child is not None))


def shortened(text: str, limit: int) -> Html:
    """A text up to so many characters, and how many bytes more there are."""
    if len(text) <= limit:
        return joined([text])
    return joined([text[:limit], more_bytes(utf8_size(text[limit:]))])


def more_bytes(count: int) -> Html:
    """How much is left out."""
    return tag(
        "span", f" … {counted(count, 'more byte')} {'is' if count == 1 else 'are'} in the recording", class_="more"
    )


def chip(text: str, kind: str = "") -> Html:
    """A short fact in a frame of its own; `kind`: good, bad, odd, or nothing."""
    return tag("span", text, class_=f"chip {kind}".strip())


_VOID = ("meta", "input")


def _written(child: str) -> str:
    return child if isinstance(child, Html) else escape(visible(child))


def _attribute(name: str, value: object) -> str:
    name = name.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escape(visible(str(value)))}"'
