"""The requests of a recording as a shell script: curl lines with the very bytes, and a variable for each secret.

Knows a POSIX shell's here-documents, and which places of a recording are masked. Must not know how curl is spoken to
(`endpoints.curl` does).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain
from typing import Any

from callscope.core.visible import one_line
from callscope.endpoints.curl import COMMANDS, Piece, curl_without_body, printf_command
from callscope.record.file.reading import RecordingFile

from .passages import Passage, passages

_VARIABLE = re.compile(r"\$\{?((?:API_KEY|SECRET_\d+)(?:_URLENCODED|_JSON)?|MASKED_\d+_BYTES)\b")
_COMMENTED = 300


def shell(recording: RecordingFile) -> Iterator[str]:
    """The script; its arguments are the numbers of the exchanges to send, without any all are sent in order.

    What has to be given stands at its top, so that the recording is gone through twice.
    """
    wanted: set[str] = set()
    last = sum(1 for _ in _blocks(recording, wanted))
    for part in chain(_top(recording, sorted(wanted), last), _blocks(recording, wanted), _bottom(last)):
        yield f"{part}\n"


def _blocks(recording: RecordingFile, wanted: set[str]) -> Iterator[str]:
    asked = enumerate(passages(recording, with_reads=False), start=1)
    return (_block(place, passage, wanted) for place, passage in asked)


def _top(recording: RecordingFile, wanted: list[str], last: int) -> Iterator[str]:
    yield "#!/bin/sh"
    yield f"# The requests of {one_line(recording.path.name, _COMMENTED)}, with the bytes that they left with."
    yield f"# Usage: sh THIS [NUMBER…]: which of 1 to {last} to send; without a number all, in order."
    yield "# They go to the recorded server and may cost money. Answers go to stdout."
    yield "set -eu"
    if wanted:
        yield ""
        yield "# What the recording masks has to be given; MASKED_N_BYTES is a secret of N bytes, as JSON writes it."
    for name in wanted:
        yield f': "${{{name}:?is masked in the recording: set it}}"'
    yield ""


def _block(place: int, passage: Passage, wanted: set[str]) -> str:
    """The functions that send one request; the variables that they need go into `wanted`."""
    request = passage.request
    line = curl_without_body(request, secrets=_hidden_words(passage))
    pieces = _pieces(request.body, passage.masked)
    what = f"{request.method} {request.url}, then {_came(passage)}"
    lines = [f"# {place}: exchange {passage.number}, {one_line(what, _COMMENTED)}"]
    if not line.endswith("@-"):
        lines += [f"request_{place}() {{", line, "}", ""]
    elif _reads_well(pieces):
        # the here-document stands outside of $(…), where some shells stumble over a lone quote in it
        end = _end_of(pieces[0].text)
        lines += [f"body_{place}() {{", f"cat <<'{end}'", pieces[0].text, end, "}"]
        lines += [f"request_{place}() {{", f"body=$(body_{place})", f'printf %s "$body" | {line}', "}", ""]
    else:
        lines += [f"request_{place}() {{", f"{printf_command(pieces)} | {line}", "}", ""]
    wanted.update(_VARIABLE.findall(line), (piece.variable for piece in pieces if piece.variable))
    return "\n".join(lines)


def _bottom(last: int) -> Iterator[str]:
    numbers = " ".join(str(number) for number in range(1, last + 1))
    yield f"[ $# -gt 0 ] || set -- {numbers}" if numbers else "# No request is in the recording."
    yield 'for number in "$@"; do'
    yield '  "request_$number"'
    yield "done"


def _came(passage: Passage) -> str:
    status = f"HTTP {passage.head.status}, " if passage.head else ""
    return f"{status}{passage.ended.how if passage.ended else 'no end recorded'}"


# ---- a body -------------------------------------------------------------------------------------------------------


def _reads_well(pieces: list[Piece]) -> bool:
    """Whether a here-document gives this exactly; `$(…)` takes away the newline that it adds, and all before that."""
    if len(pieces) != 1 or pieces[0].variable or pieces[0].text.endswith("\n"):
        return False
    return not COMMANDS.search(pieces[0].text.replace("\n", ""))


def _end_of(text: str) -> str:
    """A word to end a here-document with that is no line of it."""
    end = "END_OF_BODY"
    while end in text:
        end += "_"
    return end


def _pieces(body: bytes, masked: dict[str, Any]) -> list[Piece]:
    """The body, cut where the recording masks a secret; two of the same length may well be the same one."""
    pieces: list[Piece] = []
    end = 0
    for start, length in sorted(_spans(masked.get("body")) + _spans(masked.get("body_base64"))):
        if end <= start and start + length <= len(body):
            pieces += [_text(body[end:start]), Piece("", f"MASKED_{length}_BYTES")]
            end = start + length
    return [piece for piece in [*pieces, _text(body[end:])] if piece.text or piece.variable]


def _text(data: bytes) -> Piece:
    return Piece(data.decode("utf-8", "surrogateescape"))


def _hidden_words(passage: Passage) -> list[str]:
    """What stands for secrets in the URL and in headers."""
    url = passage.request.url.encode("utf-8", "surrogatepass")
    found = [url[start : start + length] for start, length in _spans(passage.masked.get("url"))]
    values = [value.encode("utf-8", "surrogatepass") for _, value in passage.request.headers]
    for span in _list(passage.masked.get("headers")):
        match span:
            case [int(index), int(start), int(length)] if 0 <= index < len(values):
                found.append(values[index][max(start, 0) : start + length])
            case _:
                pass
    return [word.decode("utf-8", "surrogatepass") for word in found if set(word) == {ord("*")}]


def _spans(value: Any) -> list[tuple[int, int]]:
    """The (start, length) pairs of a list that nobody vouches for."""
    return [
        (span[0], span[1])
        for span in _list(value)
        if isinstance(span, list) and len(span) == 2 and all(isinstance(n, int) and n >= 0 for n in span)
    ]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
