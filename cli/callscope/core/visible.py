"""Makes hostile text harmless: what would command a terminal, or hide in it, is shown instead of obeyed.

Knows which characters a terminal acts on, and which cannot be seen. Must not know where the text comes from.
"""

from __future__ import annotations

import json
import re

# C0 and C1 controls but tab and newline, DEL, the separators of lines and paragraphs, and the marks that turn the
# direction of writing around (a way to make arguments read as what they are not: https://trojansource.codes/).
_COMMANDS = r"\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\ud800-\udfff"
# What takes up no room and says nothing: a soft hyphen, zero-width spaces, fillers that look like a space, and the
# tags that smuggle words past a reader (https://www.unicode.org/reports/tr36/#Deprecated_Tag_Characters).
# The joiners U+200C and U+200D stay: Persian and emoji are written with them.
_UNSEEN = (
    r"\xad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b\u2060-\u2065\u3164\ufeff\uffa0\ufff0-\ufffb"
    r"\U000e0000-\U000e0fff"
)
_hidden = re.compile(f"[{_COMMANDS}{_UNSEEN}]")


def visible(text: str) -> str:
    r"""The text with every character that commands a terminal, or hides, written as an escape such as `\x1b`."""
    return _hidden.sub(_escape, text)


def visible_json(document: str) -> str:
    r"""A JSON document that means the same, with JSON escapes (`\u009b`) for what `visible` would escape."""
    return document if document.isascii() and "\x7f" not in document else _hidden.sub(_json_escape, document)


def one_line(text: str, limit: int = 400) -> str:
    """The text on one line, newlines written as `⏎`, cut in the middle of nothing but said to be cut."""
    line = visible(text.replace("\r\n", "\n").replace("\n", "⏎"))
    return line if len(line) <= limit else f"{line[:limit]}… ({len(line) - limit:,} more characters)"


def escaped(character: str) -> str:
    r"""One character as an escape: `\x1b`, `\u202e`, `\U000e0041`."""
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _escape(match: re.Match[str]) -> str:
    return escaped(match.group())


def _json_escape(match: re.Match[str]) -> str:
    # the encoder takes DEL for an ordinary character
    return "\\u007f" if match.group() == "\x7f" else json.dumps(match.group())[1:-1]
