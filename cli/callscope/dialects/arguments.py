"""What the arguments of a call are worth: a JSON object, or a fault, or a repetition that can be resolved.

Knows the ways in which servers say arguments twice. Must not know calls, deltas or frames: text in, verdict out.
Nothing is repaired by guessing: what joins to a JSON object is never touched, and what is resolved was on the wire
word for word.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import dropwhile
from typing import Any, Literal, NamedTuple, TypeAlias

from .documents import DEEPEST, is_too_deep, refuse
from .pieces import joined

FaultCode: TypeAlias = Literal[
    "arguments_incomplete", "arguments_invalid", "arguments_not_object", "arguments_contradictory"
]
RepairCode: TypeAlias = Literal[
    "arguments_repeated", "arguments_cumulative", "arguments_after_empty", "arguments_encoded_twice", "arguments_null"
]


class Problem(NamedTuple):
    """Why a text is no arguments."""

    code: FaultCode
    reason: str


class Resolved(NamedTuple):
    """The text that is meant where the joined one is no JSON object."""

    text: str
    code: RepairCode


class Verdict(NamedTuple):
    """The arguments, what was repaired to come to them, and why they cannot be run."""

    text: str
    repair: RepairCode | None = None
    problem: Problem | None = None
    repeats_a_key: bool = False


_EMPTY: tuple[Any, ...] = ({}, None, "")
_CUT_ESCAPE = re.compile(r"\\u[0-9a-fA-F]{0,4}\Z")
_CUT_OFF = re.compile(r"(?:-|\.|[eE][+-]?|t|tr|tru|f|fa|fal|fals|n|nu|nul)?\s*\Z")
_INK = re.compile(r"\S")
_document = json.JSONDecoder(parse_constant=refuse).raw_decode
_TOO_DEEP = Problem("arguments_invalid", f"they are nested deeper than {DEEPEST} levels")
_CONTRADICTED = Problem("arguments_contradictory", "the server sent them again, and they were others")


def verdict(pieces: Iterable[str], snapshot: str | None = None) -> Verdict:
    """What pieces of arguments come to; `snapshot` is the whole as the server said it once more."""
    text = joined(pieces)
    if is_too_deep(text):
        return Verdict(text, problem=_TOO_DEEP)
    if not text.strip() and not snapshot:
        return Verdict("")
    problem = problem_of(text)
    if snapshot is not None and not _same(text, snapshot):
        return _with_snapshot(text, problem, snapshot)
    if problem is None:
        return Verdict(text, repeats_a_key=_repeats_a_key(text))
    if resolved := resolve(pieces):
        return Verdict(resolved.text, resolved.code, problem_of(resolved.text) if resolved.text else None)
    return Verdict(text, problem=problem)


def raw_verdict(text: str, snapshot: str | None = None) -> Verdict:
    """The same of the raw text of a custom tool, which any text can be: only that it was said twice can be wrong."""
    return Verdict(text, problem=_CONTRADICTED if snapshot not in (None, text) else None)


def _with_snapshot(text: str, problem: Problem | None, snapshot: str) -> Verdict:
    if problem is not None and problem_of(snapshot) is None and _squeezed(snapshot).startswith(_squeezed(text)):
        return Verdict(snapshot, "arguments_repeated" if text else None)
    return Verdict(text, problem=problem or _CONTRADICTED)


# ---- judging --------------------------------------------------------------------------------------------------------


def problem_of(text: str) -> Problem | None:
    """Why a text is not one JSON object; None where it is one."""
    if is_too_deep(text):
        return _TOO_DEEP
    try:
        value, end = _document(text, len(text) - len(text.lstrip()))
    except json.JSONDecodeError as error:
        if error.msg.startswith("Unterminated string") or _is_cut_off(text, error):
            return Problem("arguments_incomplete", "they are incomplete JSON")
        return Problem("arguments_invalid", f"they are not JSON ({error.msg.lower()} at character {error.pos})")
    except ValueError as error:
        return Problem("arguments_invalid", f"they are not JSON ({error})")
    if rest := text[end:].strip():
        return _problem_after(rest)
    if not isinstance(value, dict):
        return Problem("arguments_not_object", "they are JSON, but not an object")
    return None


def _is_cut_off(text: str, error: json.JSONDecodeError) -> bool:
    if error.msg.startswith("Invalid \\"):
        return _CUT_ESCAPE.search(text) is not None
    return _CUT_OFF.match(text, error.pos) is not None


def _problem_after(rest: str) -> Problem:
    if rest[0] in '{["':
        return Problem("arguments_contradictory", "they are more than one JSON document")
    return Problem("arguments_invalid", "something that is not JSON follows them")


def _repeats_a_key(text: str) -> bool:
    repeated = False

    def members(pairs: list[tuple[str, Any]]) -> None:
        nonlocal repeated
        repeated = repeated or len({name for name, _ in pairs}) < len(pairs)

    json.loads(text, object_pairs_hook=members)
    return repeated


# ---- saying it again ------------------------------------------------------------------------------------------------


class Said(NamedTuple):
    """What a growing text says so far, looked at once: `size` and `ink` are its characters, and those but white space.

    `document` is the one that it says, however often, in one spelling; "" where all of them are empty, None where it
    says no one thing.
    """

    size: int
    ink: int
    document: str | None


def said_by(text: str) -> Said:
    """What a text says by itself."""
    spans = [] if is_too_deep(text) else list(_spans(text))
    rest = text[spans[-1][1].stop :] if spans else text
    full = {_canonical(value) for value, _ in spans if value not in _EMPTY}
    one = None if rest.strip() or len(full) > 1 else next(iter(full), "")
    return Said(len(text), len(_squeezed(text)), one)


def said_again(said: Said, piece: str) -> Said | None:
    """What is said with one more whole object behind it, where that says the same; None where it does not."""
    value = json.loads(piece)
    document = "" if value in _EMPTY else _canonical(value)
    if said.document is None or document != (said.document or document):
        return None
    return Said(said.size + len(piece), said.ink + len(_squeezed(piece)), document)


def writes_again(said: Said, text: Callable[[], str], piece: str) -> bool:
    """Whether a piece begins with all of a text, but for white space; `text` is asked for only where it may."""
    squeezed = _squeezed(piece)
    return len(squeezed) >= said.ink and squeezed.startswith(_squeezed(text()))


# ---- resolving repetitions ------------------------------------------------------------------------------------------


def resolve(pieces: Iterable[str]) -> Resolved | None:
    """The arguments that are meant by pieces which join to no JSON object; None where nobody can tell."""
    text = joined(pieces)
    return _of_documents(text) or _of_chain(filter(str.strip, pieces)) or _of_snapshot(text, pieces)


def _of_documents(text: str) -> Resolved | None:
    """X+X is X; `{}` before X is a server's empty start; a JSON string that holds the object is the object."""
    spans = list(_spans(text))
    if not spans or text[spans[-1][1].stop :].strip():
        return None
    full = [span for span in spans if span[0] not in _EMPTY]
    if not full:
        empty = next((text[span] for value, span in spans if value == {}), "")
        return Resolved(empty, "arguments_repeated" if len(spans) > 1 else "arguments_null")
    value, span = full[0]
    if any(_canonical(other) != _canonical(value) for other, _ in full[1:]):
        return None
    if spans[-1][0] in _EMPTY and len(spans) > 1:
        return None  # an empty document after a full one takes nothing back
    if isinstance(value, str):
        return Resolved(value, "arguments_encoded_twice") if problem_of(value) is None else None
    if not isinstance(value, dict) or len(spans) == 1:
        return None
    return Resolved(text[span], "arguments_after_empty" if spans[0][0] in _EMPTY else "arguments_repeated")


def _spans(text: str) -> Iterator[tuple[Any, slice]]:
    start = _INK.search(text)
    while start:
        try:
            value, end = _document(text, start.start())
        except ValueError:
            return
        yield value, slice(start.start(), end)
        start = _INK.search(text, end)


def _of_chain(said: Iterator[str]) -> Resolved | None:
    """Each piece is all so far (Baidu Qianfan): the last one counts."""
    count, last = 0, ""
    for piece in dropwhile(lambda piece: piece.strip() in ("{}", "null", '""'), said):
        if not piece.startswith(last):
            return None
        count, last = count + 1, piece
    if count < 2 or (problem_of(last) is not None and count < 3):
        return None
    return Resolved(last, "arguments_cumulative")


def _of_snapshot(text: str, pieces: Iterable[str]) -> Resolved | None:
    """The last piece is the whole, and what came before is its beginning (vLLM's final flush)."""
    newest = deque(filter(str.strip, pieces), maxlen=2)
    if len(newest) < 2 or problem_of(newest[1]) is not None:
        return None
    last = newest[1]
    before = text.rstrip()[: -len(last.rstrip())]
    return Resolved(last, "arguments_repeated") if _squeezed(last).startswith(_squeezed(before)) else None


def _squeezed(text: str) -> str:
    """Without white space, which differs when a server writes JSON again."""
    return "".join(text.split())


def _same(one: str, other: str) -> bool:
    if one == other or is_too_deep(other):
        return one == other
    try:
        return _canonical(json.loads(one)) == _canonical(json.loads(other))
    except ValueError:
        return False


def _canonical(value: Any) -> str:
    """One spelling for equal documents; Python's own equality takes 1 for true."""
    return json.dumps(value, sort_keys=True)
