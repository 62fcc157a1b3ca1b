"""The words of a line, as a shell would have them, but that JSON keeps its quotes and spaces.

Knows quotes and backslashes. Must not know what any word means.
"""

from __future__ import annotations

import io
import json
import re
import shlex

from callscope.core.errors import UsageError
from callscope.tools.given import json_value, text_hint

_BEFORE_JSON = re.compile(r"""[^\s=:'"\\]+(?::=(?=[\[{"])|=(?=[\[{]))""")


def words_of(line: str) -> list[str]:
    """The words; raises UsageError where a quote is not closed, or what stands after `:=` is no JSON."""
    words: list[str] = []
    at = _past_space(line, 0)
    while at < len(line):
        word, at = _json_word(line, at) or _shell_word(line, at)
        words.append(word)
        at = _past_space(line, at)
    return words


def open_word(line: str) -> int:
    """Where the last, perhaps half-written word of a line begins; spaces in quotes and brackets part no words."""
    begin, quote, depth, escaped = 0, "", 0, False
    for place, character in enumerate(line):
        if escaped:
            escaped = False
        elif character == "\\" and quote != "'":
            escaped = True
        elif quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character in "[{":
            depth += 1
        elif character in "]}":
            depth = max(0, depth - 1)
        elif character.isspace() and not depth:
            begin = place + 1
    return begin


def _past_space(line: str, at: int) -> int:
    while at < len(line) and line[at].isspace():
        at += 1
    return at


def _json_word(line: str, at: int) -> tuple[str, int] | None:
    """A word whose value is JSON as it stands, and where it ends."""
    begun = _BEFORE_JSON.match(line, at)
    if begun is None:
        return None
    try:
        _, end = json.JSONDecoder().raw_decode(line, begun.end())
    except (ValueError, RecursionError):
        end = -1
    if end == len(line) or (end > 0 and line[end].isspace()):
        return line[at:end], end
    if begun.group().endswith(":="):
        name = begun.group()[:-2]
        json_value(name, line[begun.end() :], text_hint(name))  # says what is wrong with it
    return None


def _shell_word(line: str, at: int) -> tuple[str, int]:
    stream = io.StringIO(line[at:])
    lexer = shlex.shlex(stream, posix=True)
    lexer.whitespace_split = True
    lexer.commenters = ""
    try:
        word = lexer.get_token()
    except ValueError:
        raise UsageError("A quote, or a backslash at the end, is left open: close it, or write \\ before it.") from None
    return word or "", at + stream.tell()
