"""From recordings to what can be served again: their exchanges, and what makes a request the recorded one.

Knows recordings, and what in a request does not count: headers, keys, the names of calls. Must not know how anything is
served (`serving` does), nor Typer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Set
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote

from callscope.core.credentials import is_secret_parameter
from callscope.core.errors import UnusableFile, UsageError
from callscope.core.events import BytesRead, ExchangeEnded, ExchangeOpened, ResponseHead, SettingsChanged
from callscope.core.values import Request, Settings
from callscope.dialects.urls import endpoint_url
from callscope.record.file.reading import Entry, Recorded
from callscope.record.file.stored import StoredAnswer, StoredBody, without_body
from callscope.record.matching.hiding import hidden_body, shown
from callscope.record.matching.matching import HIDDEN, mismatch, mismatch_of_texts
from callscope.serving.choosing import RecordedExchange, Unlike, path_of


@dataclass(frozen=True, slots=True)
class Offer:
    """What one recording has to serve: its exchanges in order, and the models and agents that it was a session with."""

    path: Path
    exchanges: tuple[RecordedExchange, ...]
    base: str
    models: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()


def offered(recording: Recorded) -> Offer:
    """What a recording has to serve, after one pass through it. Raises UnusableFile where that is nothing.

    Bodies and answers stay in the file, and are read from it whenever they are asked for.
    """
    found = _Found(recording.path)
    for entry in recording.entries:
        found.take(entry)
    exchanges = tuple(_exchange(each, found.minted) for each in found.taken)
    if not exchanges:
        raise UnusableFile(f"{recording.path} holds no exchange with a server: there is nothing to serve.")
    base = _base(found.settings[0]) if found.settings else exchanges[0].request.url
    path = quote(path_of(base), errors="replace").rstrip("/")
    return Offer(recording.path, exchanges, path, found.named("chat", "responses"), found.named("acf"))


def _base(settings: Settings) -> str:
    """The base URL for another client: a person may give one without /v1, or that of the whole resource."""
    if settings.dialect == "acf":
        return settings.url
    try:
        return endpoint_url(settings.url, "")
    except UsageError:  # a recording that nobody vouches for may name any
        return settings.url


# ---- the exchanges ------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Taken:
    """An exchange while its lines pass; the body of its request stays in the file."""

    opened: ExchangeOpened
    line: int
    masked: Any
    answer: StoredAnswer


@dataclass(slots=True)
class _Found:
    """What there is in a recording, while it is gone through.

    `minted` are the ids of calls that began in it: what its server gave, and what stood in for what it did not.
    """

    path: Path
    taken: list[_Taken] = field(default_factory=list)
    settings: list[Settings] = field(default_factory=list)
    minted: set[str] = field(default_factory=set)
    _given: set[str] | None = None
    _latest: dict[int, _Taken] = field(default_factory=dict)

    def take(self, entry: Entry) -> None:
        match entry.event:
            case ExchangeOpened():
                number = entry.event.exchange
                self._note_ids(entry.event)
                answer = StoredAnswer(StoredBody.of(self.path, entry, entry.event.request.body), number)
                masked = entry.members.get("masked")
                self._latest[number] = _Taken(without_body(entry.event), entry.line, masked, answer)
                self.taken.append(self._latest[number])
            case (ResponseHead() | BytesRead() | ExchangeEnded()) as wire if wire.exchange in self._latest:
                self._latest[wire.exchange].answer.take(entry, wire)
            case SettingsChanged(settings=settings):
                self.settings.append(settings)
            case _ if entry.kind == "assembled":
                calls = [call for call in _list(entry.members.get("calls")) if isinstance(call, dict)]
                self.minted |= {call["id"] for call in calls if _is_text(call.get("id"))}
            case _:
                pass

    def named(self, *dialects: str) -> tuple[str, ...]:
        """The models, or agents, that it was a session with."""
        return tuple(dict.fromkeys(each.model for each in self.settings if each.dialect in dialects and each.model))

    def _note_ids(self, opened: ExchangeOpened) -> None:
        """Ids that stand in the first request were there before."""
        if opened.exchange:
            ids = set(_call_ids(_parsed(opened.request.body)))
            self._given = ids if self._given is None else self._given
            self.minted |= ids - self._given


def _exchange(taken: _Taken, minted: Set[str]) -> RecordedExchange:
    request, body = taken.opened.request, taken.answer.request
    asked = _Asked(request, body, taken.masked, minted)
    name = f"{body.path.name}, exchange {taken.opened.exchange} (line {taken.line})"
    return RecordedExchange(name, request, body.read, taken.answer, asked.unlike)


def _call_ids(body: Any) -> Iterator[str]:
    """The ids that stand in a request where those of calls stand."""
    left = [body]  # no recursion: whoever sends JSON chooses its depth
    while left:
        value = left.pop()
        if isinstance(value, dict):
            calls = [call for call in _list(value.get("tool_calls")) if isinstance(call, dict)]
            yield from filter(_is_text, (value.get("tool_call_id"), *(call.get("id") for call in calls)))
            # those of the Responses API: an item has an id of its own, and a result has that of its call
            names = ("call_id", "previous_response_id", *(("id",) if _is_text(value.get("type")) else ()))
            yield from filter(_is_text, map(value.get, names))
            left += value.values()
        elif isinstance(value, list):
            left += value


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


# ---- whether a request is the recorded one ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Asked:
    """A recorded request; `masked` says where its secrets are, `minted` are ids that another run may call otherwise."""

    request: Request
    body: StoredBody
    masked: Any
    minted: Set[str]

    def unlike(self, now: Request) -> Unlike | None:
        """The first difference that counts: method, path, query, body."""
        if self.request.method != now.method:
            return Unlike("$.method", self.request.method, now.method)
        if path_of(self.request.url) != path_of(now.url):
            return Unlike("$.path", path_of(self.request.url), path_of(now.url))
        return self._query(now) or (None if self.body.is_same(now.body) else self._body(now))

    def _query(self, now: Request) -> Unlike | None:
        """Parameters that both have; a client adds some of its own, keys among them."""
        ours, theirs = dict(_query_of(self.request)), dict(_query_of(now))
        for name, value in ours.items():
            if name in theirs and theirs[name] != value and not is_secret_parameter(name):
                return Unlike(f"$.query.{name}", value, theirs[name])
        return None

    def _body(self, now: Request) -> Unlike | None:
        body = hidden_body(self.body.read(), self.masked)
        recorded, current = _parsed(body), _parsed(now.body)
        if isinstance(recorded, dict | list) and isinstance(current, dict | list):
            found = mismatch(recorded, current, "$.body", _same, partial(_same_id, _Names(self.minted)))
        else:
            a, b = (one.decode(errors="backslashreplace") for one in (body, now.body))
            found = mismatch_of_texts(a, b, "$.body", _same)
        return Unlike(found.path, shown(found.recorded), found.now) if found else None


class _Names:
    """What this run calls the ids of the recorded one: one name for one id, by first appearance."""

    def __init__(self, minted: Set[str]) -> None:
        self.minted = minted
        self._now: dict[str, str] = {}
        self._recorded: dict[str, str] = {}

    def agree(self, recorded: str, now: str) -> bool:
        """Whether these two can be one."""
        return self._now.setdefault(recorded, now) == now and self._recorded.setdefault(now, recorded) == recorded


def _same_id(names: _Names, recorded: str, now: str) -> bool:
    """Whether two texts are the same where an id may stand."""
    return names.agree(recorded, now) if recorded in names.minted else _same(recorded, now)


def _same(recorded: str, now: str) -> bool:
    if recorded == now:
        return True
    if HIDDEN in recorded and _hides(recorded, now):
        return True
    return _is_document(recorded) and _is_document(now) and _same_documents(recorded, now)


def _same_documents(recorded: str, now: str) -> bool:
    """Arguments and results are JSON in a string, which each client writes with spaces of its own."""
    a, b = _parsed(recorded.encode(errors="replace")), _parsed(now.encode(errors="replace"))
    if not isinstance(a, dict | list) or not isinstance(b, dict | list):
        return False
    return mismatch(a, b, "$", _same) is None


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


def _query_of(request: Request) -> list[tuple[str, str]]:
    query = request.url.partition("#")[0].partition("?")[2]
    return parse_qsl(query, keep_blank_values=True)


@lru_cache(maxsize=8)
def _parsed(body: bytes) -> Any:
    """The JSON of a body, None where it is none; what is marked as hidden stands in strings as a control character."""
    try:
        return json.loads(body, strict=False)
    except (ValueError, RecursionError):
        return None
