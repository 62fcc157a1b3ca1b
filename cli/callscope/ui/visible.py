"""Makes hostile text harmless: what would command a terminal is shown instead of obeyed.

Knows which characters a terminal acts on. Must not know where the text comes from.
"""

from __future__ import annotations

import re

# C0 and C1 controls but tab and newline, DEL, the separators of lines and paragraphs, and the marks that turn the
# direction of writing around (a way to make arguments read as what they are not: https://trojansource.codes/).
_COMMANDS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def visible(text: str) -> str:
    r"""The text with every character that commands a terminal written as an escape such as `\x1b`."""
    return _COMMANDS.sub(_escape, text)


def one_line(text: str, limit: int = 400) -> str:
    """The text on one line, newlines written as `⏎`, cut in the middle of nothing but said to be cut."""
    line = visible(text.replace("\r\n", "\n").replace("\n", "⏎"))
    return line if len(line) <= limit else f"{line[:limit]}… ({len(line) - limit:,} more characters)"


def _escape(match: re.Match[str]) -> str:
    code = ord(match.group())
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
