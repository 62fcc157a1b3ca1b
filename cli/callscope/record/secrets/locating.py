"""From words back to bytes: where a part of a delta stands within the raw bytes of its frame.

Knows JSON strings and the framing of server-sent events, as far as to leave both intact. Must not know why a part is
looked for, nor any protocol's members: a delta is found by its text, whatever the member is called. The same text in
another string of the frame (the tokens of `logprobs` repeat it) is found with it, which is as it should be.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from .scanning import Span, merged
from .views import View, unescaped

_STRING = re.compile(rb'"((?:[^"\\]|\\.)*+)"(\s*:)?', re.S)
_FRAMING = re.compile(rb"(?:\r\n|[\r\n])(?:(?:data|event|id|retry)?: ?)?")


def locate(raw: bytes, text: bytes, part: Span, so_far: bytes) -> tuple[Span, ...]:
    """The spans of `raw` that hold the bytes `part` of a delta's `text`; never empty, never across the framing.

    `so_far` is the secret from its beginning to the end of this part: a server that repeats all that it has sent
    shows it whole. Where the delta cannot be found (a decoder made it up), every string value of the frame is given.
    """
    values = [(found.start(1), unescaped(View(found[1]))) for found in _STRING.finditer(raw) if not found[2]]
    found = [
        (offset + view.source(start), offset + view.source(end))
        for offset, view in values
        for start, end in _in_value(view.data, text, part, so_far)
    ]
    if not found:
        found = [(at + part[0], at + part[1]) for at in _occurrences(raw, text)]
    if not found:
        found = [(offset, offset + view.source(len(view.data))) for offset, view in values] or [(0, len(raw))]
    return without_framing(raw, found)


def without_framing(raw: bytes, spans: Iterable[Span]) -> tuple[Span, ...]:
    """The spans without the line breaks and field names of server-sent events between them."""
    result: list[Span] = []
    for start, end in merged(spans):
        for framing in _FRAMING.finditer(raw, start, end):
            result.append((start, framing.start()))
            start = framing.end()
        result.append((start, end))
    return merged(result)


def _in_value(value: bytes, text: bytes, part: Span, so_far: bytes) -> Iterator[Span]:
    if value == text:
        yield part
    elif len(so_far) > part[1] - part[0]:
        for at in _occurrences(value, so_far):
            yield at, at + len(so_far)


def _occurrences(data: bytes, wanted: bytes) -> Iterator[int]:
    at = data.find(wanted)
    while at >= 0:
        yield at
        at = data.find(wanted, at + 1)
