"""From recordings to what can be served again: their exchanges, and what makes a request the recorded one.

Knows recordings, and what in a request does not count: headers, keys, the names of calls. Must not know how anything is
served (`serving` does), nor Typer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from callscope.core.credentials import is_secret_parameter
from callscope.core.errors import UnusableFile
from callscope.core.events import BytesRead, ExchangeEnded, ExchangeOpened, ResponseHead, SettingsChanged
from callscope.core.values import Request
from callscope.record.matching import mismatch, mismatch_of_texts
from callscope.record.reading import Entry, Recording
from callscope.serving.choosing import RecordedExchange, Timed, Unlike, path_of

HIDDEN: Final = "\x01"
"""Stands for a byte of a secret: no JSON text has it as it is, so it is never taken for anything else."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What one recording has to serve: its exchanges in order, and the models and agents that it was a session with."""

    path: Path
    exchanges: tuple[RecordedExchange, ...]
    base: str
    models: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()


def offered(recording: Recording) -> Offer:
    """What a recording has to serve. Raises UnusableFile where that is nothing."""
    minted = frozenset(_minted(recording.entries))
    exchanges = tuple(_exchange(recording.path, each, minted) for each in _taken(recording.entries))
    if not exchanges:
        raise UnusableFile(f"{recording.path} holds no exchange with a server: there is nothing to serve.")
    settings = [entry.event.settings for entry in recording.entries if isinstance(entry.event, SettingsChanged)]
    bases = [urlsplit(each.url).path for each in settings] or [urlsplit(exchanges[0].request.url).path]
    names = {dialect: _names(settings, dialect) for dialect in ("chat", "acf")}
    return Offer(recording.path, exchanges, bases[0].rstrip("/"), names["chat"], names["acf"])


def _names(settings: Sequence[Any], dialect: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each.model for each in settings if each.dialect == dialect and each.model))


# ---- the exchanges ------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Taken:
    """An exchange while its lines pass."""

    opened: ExchangeOpened
    entry: Entry
    answer: list[Timed] = field(default_factory=list)


def _taken(entries: Iterable[Entry]) -> list[_Taken]:
    taken: list[_Taken] = []
    latest: dict[int, _Taken] = {}
    for entry in entries:
        match entry.event:
            case ExchangeOpened():
                taken.append(_Taken(entry.event, entry))
                latest[entry.event.exchange] = taken[-1]
            case (ResponseHead() | BytesRead() | ExchangeEnded()) as wire if wire.exchange in latest:
                exchange = latest[wire.exchange]
                exchange.answer.append((max(entry.at - exchange.entry.at, 0.0), wire))
            case _:
                pass
    return taken


def _exchange(path: Path, taken: _Taken, minted: frozenset[str]) -> RecordedExchange:
    request = taken.opened.request
    asked = _Asked(request, _with_hidden(request.body, taken.entry.members.get("masked")), minted)
    name = f"{path.name}, exchange {taken.opened.exchange} (line {taken.entry.line})"
    return RecordedExchange(name, request, tuple(taken.answer), asked.unlike)


def _with_hidden(body: bytes, masked: Any) -> bytes:
    """The body with its secrets marked: asterisks may also stand for themselves."""
    found = masked if isinstance(masked, dict) else {}
    hidden = bytearray(body)
    for span in (*_list(found.get("body")), *_list(found.get("body_base64"))):
        match span:
            case [int(start), int(length)] if min(start, length) >= 0 and start + length <= len(body):
                hidden[start : start + length] = HIDDEN.encode() * length
            case _:
                pass
    return bytes(hidden)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _minted(entries: Iterable[Entry]) -> Iterator[str]:
    """The ids of calls that began in this recording: what its server gave, and what stood in for what it did not."""
    given: set[str] | None = None
    for entry in entries:
        if entry.kind == "assembled":
            for call in _list(entry.members.get("calls")):
                if isinstance(call, dict) and isinstance(call.get("id"), str) and call["id"]:
                    yield call["id"]
        elif isinstance(entry.event, ExchangeOpened) and entry.event.exchange:
            ids = set(_call_ids(_parsed(entry.event.request.body)))
            given = ids if given is None else given
            yield from ids - given


def _call_ids(value: Any) -> Iterator[str]:
    """The ids that stand in a request where those of calls stand."""
    match value:
        case dict():
            for name, member in value.items():
                if name == "tool_call_id" and isinstance(member, str):
                    yield member
                elif name == "tool_calls" and isinstance(member, list):
                    yield from (each["id"] for each in member if isinstance(each, dict) and _is_text(each.get("id")))
                yield from _call_ids(member)
        case list():
            for element in value:
                yield from _call_ids(element)
        case _:
            pass


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


# ---- whether a request is the recorded one ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Asked:
    """A recorded request; `body` has its secrets marked, `minted` are ids that another run may call otherwise."""

    request: Request
    body: bytes
    minted: frozenset[str]

    def unlike(self, now: Request) -> Unlike | None:
        """The first difference that counts: method, path, query, body."""
        if self.request.method != now.method:
            return Unlike("$.method", self.request.method, now.method)
        if path_of(self.request.url) != path_of(now.url):
            return Unlike("$.path", path_of(self.request.url), path_of(now.url))
        return self._query(now) or (None if self.body == now.body else self._body(now))

    def _query(self, now: Request) -> Unlike | None:
        """Parameters that both have; a client adds some of its own, keys among them."""
        ours, theirs = dict(_query_of(self.request)), dict(_query_of(now))
        for name, value in ours.items():
            if name in theirs and theirs[name] != value and not is_secret_parameter(name):
                return Unlike(f"$.query.{name}", value, theirs[name])
        return None

    def _body(self, now: Request) -> Unlike | None:
        recorded, current = _parsed(self.body), _parsed(now.body)
        same = partial(_same, _Names(self.minted))
        if isinstance(recorded, dict | list) and isinstance(current, dict | list):
            found = mismatch(recorded, current, "$.body", same)
        else:
            a, b = (body.decode(errors="backslashreplace") for body in (self.body, now.body))
            found = mismatch_of_texts(a, b, "$.body", same)
        return Unlike(found.path, _shown(found.recorded), found.now) if found else None


class _Names:
    """What this run calls the ids of the recorded one: one name for one id, by first appearance."""

    def __init__(self, minted: frozenset[str]) -> None:
        self.minted = minted
        self._now: dict[str, str] = {}
        self._recorded: dict[str, str] = {}

    def agree(self, recorded: str, now: str) -> bool:
        """Whether these two can be one."""
        return self._now.setdefault(recorded, now) == now and self._recorded.setdefault(now, recorded) == recorded


def _same(names: _Names, recorded: str, now: str) -> bool:
    if recorded in names.minted:
        return names.agree(recorded, now)
    if recorded == now:
        return True
    if HIDDEN in recorded and _hides(recorded, now):
        return True
    return _is_document(recorded) and _is_document(now) and _same_documents(names, recorded, now)


def _same_documents(names: _Names, recorded: str, now: str) -> bool:
    """Arguments and results are JSON in a string, which each client writes with spaces of its own."""
    a, b = _parsed(recorded.encode(errors="replace")), _parsed(now.encode(errors="replace"))
    if not isinstance(a, dict | list) or not isinstance(b, dict | list):
        return False
    return mismatch(a, b, "$", partial(_same, names)) is None


def _is_document(text: str) -> bool:
    return text[:1] in ("{", "[") and text[-1:] in ("}", "]")


def _hides(recorded: str, now: str) -> bool:
    """Whether a text is the recorded one with any secret of the recorded length in the marked places.

    The length was counted in the request's JSON, where a character may be an escape, in one of two spellings.
    """
    parts = [part for part in re.split(f"({HIDDEN}+)", recorded) if part]
    return any(
        re.fullmatch(
            b"".join(b".{%d}" % len(part) if HIDDEN in part else re.escape(write(part)) for part in parts),
            write(now),
            re.DOTALL,
        )
        for write in (_plainly, partial(_escaped, ascii_only=False), partial(_escaped, ascii_only=True))
    )


def _plainly(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _escaped(text: str, *, ascii_only: bool) -> bytes:
    return json.dumps(text, ensure_ascii=ascii_only)[1:-1].encode("utf-8", "surrogatepass")


def _shown(recorded: Any) -> Any:
    """A recorded value with asterisks for what is hidden."""
    match recorded:
        case str():
            return recorded.replace(HIDDEN, "*")
        case dict():
            return {_shown(name): _shown(member) for name, member in recorded.items()}
        case list():
            return [_shown(element) for element in recorded]
        case _:
            return recorded


def _query_of(request: Request) -> list[tuple[str, str]]:
    return parse_qsl(urlsplit(request.url).query, keep_blank_values=True)


@lru_cache(maxsize=8)
def _parsed(body: bytes) -> Any:
    """The JSON of a body, None where it is none; what is marked as hidden stands in strings as a control character."""
    try:
        return json.loads(body, strict=False)
    except (ValueError, RecursionError):
        return None
