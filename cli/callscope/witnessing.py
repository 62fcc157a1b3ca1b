"""From traffic that passes to recordings: one file a conversation, written as a session's own would be.

Knows which request goes on with which conversation, and how what passes is decoded, guarded and recorded. Must not know
HTTP, nor how a request is read back (`dialects.overhearing` does).

Readers take the exchanges of a recording one after another, so each conversation has a file of its own: any number of
them may be under way at once. What belongs to no conversation (which models there are, embeddings, a protocol that
nobody here speaks) goes into a file as questions about the server, from which nothing is derived.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from callscope.core.credentials import is_secret_header, is_secret_parameter
from callscope.core.errors import CallscopeError
from callscope.core.events import (
    BytesRead,
    Event,
    ExchangeEnded,
    ExchangeOpened,
    OurEvent,
    PeerEvent,
    ResponseHead,
    SettingsChanged,
    Stamped,
    ToolsChanged,
    TurnEnded,
    UserMessage,
    WireEvent,
)
from callscope.core.plan import EndTurn, plan
from callscope.core.ports import Arrival, Clock, Decoder
from callscope.core.state import Conversation, apply
from callscope.core.values import JsonObject, Request, TurnReason
from callscope.dialects.demanding import not_allowed, not_streamed
from callscope.dialects.overhearing import Overheard, goes_on, goes_on_from, latest, overhear, told_anew, told_first
from callscope.dialects.registry import dialect_named
from callscope.record.recorder import Recorder
from callscope.record.secrets.guard import SecretGuard
from callscope.record.secrets.masking import Secrets
from callscope.version import VERSION

MOST_OPEN: Final = 64
"""Conversations that are kept open to go on; of more than these, one that has been silent longest is closed."""

NOTE: Final = (
    "Recorded by callscope proxy. Requests and answers are what passed; words, tools and results are read from the "
    "requests: when a call ran, and whether the tool took its result for an error, is not known."
)

Say = Callable[[str], None]


class Witness:
    """Hears exchanges and keeps each in the recording that it belongs to. `secrets` are values known beforehand."""

    def __init__(self, folder: Path, clock: Clock, say: Say, secrets: Iterable[str] = ()) -> None:
        self._folder = folder
        self._clock = clock
        self._say = say
        self._secrets = tuple(secrets)
        self._notebooks: list[Notebook] = []

    def listen(self, request: Request) -> Notebook:
        """The recording that hears this request and its answer. Raises UnusableFile where none can be made."""
        overheard = overhear(request)
        credentials = frozenset(_credentials(request))
        idle = [notebook for notebook in self._notebooks if not notebook.busy and credentials <= notebook.credentials]
        notebook = _home(idle, overheard) or self._new(credentials)
        self._notebooks.remove(notebook)
        self._notebooks.append(notebook)
        try:
            notebook.begin(overheard)
        except CallscopeError as error:
            self._give_up(notebook, error)
            raise
        return notebook

    def close(self) -> None:
        """Let go of all files."""
        for notebook in self._notebooks:
            notebook.close()
        self._notebooks = []

    def _new(self, credentials: frozenset[str]) -> Notebook:
        silent = [notebook for notebook in self._notebooks if not notebook.busy]
        if len(self._notebooks) >= MOST_OPEN and silent:
            silent[0].close()
            self._notebooks.remove(silent[0])
        secrets = Secrets([*self._secrets, *credentials])
        try:
            recorder = Recorder.create(self._folder, secrets=secrets, clock=self._clock, program=VERSION)
            recorder.mark(NOTE, self._clock.now())
        except CallscopeError as error:
            self._say(f"callscope: {error}")
            raise
        notebook = Notebook(recorder, secrets, credentials, self._clock, self._say, self._give_up)
        self._notebooks.append(notebook)
        return notebook

    def _give_up(self, notebook: Notebook, error: CallscopeError) -> None:
        """A recording that can no longer be written is closed, and it is said once."""
        if notebook in self._notebooks:
            self._notebooks.remove(notebook)
            notebook.close()
            self._say(f"callscope: {error}")


class Notebook:
    """One recording while it is made; it hears one exchange after another. Implements `serving.proxy.Listener`."""

    def __init__(
        self,
        recorder: Recorder,
        secrets: Secrets,
        credentials: frozenset[str],
        clock: Clock,
        say: Say,
        give_up: Callable[[Notebook, CallscopeError], None],
    ) -> None:
        self.credentials = credentials
        self.exchange = 0
        self.busy = False
        self.known: tuple[bytes, ...] = ()
        self._recorder = recorder
        self._clock = clock
        self._say = say
        self._give_up = give_up
        self._guard = SecretGuard(secrets)
        self._conversation = Conversation()
        self._decoder: Decoder | None = None
        self._sent = b""
        self._passed = _Passed()
        self._seq = 0

    def close(self) -> None:
        """Let go of the file."""
        self._recorder.close()

    def takes(self, overheard: Overheard | None) -> int:
        """How surely a request belongs here, 0 for not at all: a file without a conversation takes any."""
        if overheard is None or not self.known:
            return int(not self.known)
        settings, before = self._conversation.settings, self._repeated(overheard)
        if (settings.dialect, settings.url) != (overheard.settings.dialect, overheard.settings.url):
            return 0
        if self._conversation.thread and self._conversation.thread == overheard.settings.thread:
            return 4  # the server keeps what was said: nothing has to be repeated
        if overheard.previous:
            return 4 if goes_on_from(self._conversation, overheard.previous) else 0
        sure = goes_on(self._conversation, before, overheard.messages) if before else 0
        return sure and 1 + sure

    def begin(self, overheard: Overheard | None) -> None:
        """Write what the next request says of the conversation, which it does not belong to where this is None."""
        self.exchange, self._decoder, self._sent, self._passed = 0, None, b"", _Passed()
        if overheard is None:
            return
        if self._conversation.settings != overheard.settings:
            self._emit(SettingsChanged(overheard.settings))
        if self._conversation.tools != overheard.tools:
            self._emit(ToolsChanged(overheard.tools))
        for event in self._told(overheard):
            if isinstance(event, UserMessage):
                self._end_turn("interrupted")
            self._emit(event)
        self.known = _digests(overheard.messages)
        self.exchange = self._conversation.exchange + 1
        self._decoder = dialect_named(overheard.settings.dialect).decoder(self.exchange, overheard.tools)

    def hear(self, wire: WireEvent) -> None:
        """Decode and record what passes; it may go on at once, also where a read waits to be known as no secret."""
        self.busy = not isinstance(wire, ExchangeEnded)
        self._passed.take(wire)
        if isinstance(wire, ExchangeOpened):
            self._sent = wire.request.body
        try:
            for arrival in self._guard.feed(Arrival(self._clock.now(), wire, self._decode(wire))):
                self._emit(arrival.wire, arrival.at)
                for event in arrival.decoded:
                    self._emit(event, arrival.at)
            if not self.busy:
                self._settle()
        except CallscopeError as error:
            self._give_up(self, error)
            raise

    def _told(self, overheard: Overheard) -> Iterator[OurEvent]:
        said, before = overheard.messages, self._repeated(overheard)
        if not self.known:
            return told_first(said)
        return told_anew(self._conversation, said[before:] if before else latest(said))

    def _repeated(self, overheard: Overheard) -> int:
        """How many messages are those of the last request: all of them or none."""
        if overheard.previous:
            return 0
        return len(self.known) if _digests(overheard.messages[: len(self.known)]) == self.known else 0

    def _decode(self, wire: WireEvent) -> Sequence[PeerEvent]:
        match wire:
            case ExchangeOpened() | ResponseHead() if self._decoder:
                return self._decoder.feed(wire)
            case BytesRead(data=data) if self._decoder:
                return self._decoder.feed(data)
            case ExchangeEnded(how=how, detail=detail) if self._decoder:
                return self._decoder.close(how, detail)
            case _:
                return ()

    def _settle(self) -> None:
        """After an exchange: what of it was not as it was asked for, perhaps the end of the turn, and a line to see."""
        if self._decoder is not None:
            self._compare_with_request(self._decoder)
        step = plan(self._conversation)
        if self.exchange and isinstance(step, EndTurn):
            self._end_turn(step.reason)
        self._say(f"{self._passed}: {self._recorder.path.name}")

    def _compare_with_request(self, decoder: Decoder) -> None:
        sent, self._sent, self._decoder = self._sent, b"", None
        response = self._conversation.response
        if decoder.in_one_piece and response is not None and response.status == "completed":
            for said in not_streamed(sent):
                self._emit(said)
        for said in not_allowed(sent, [record.call for record in self._conversation.calls.values()]):
            self._emit(said)

    def _end_turn(self, reason: TurnReason) -> None:
        if self._conversation.turn is not None and self._conversation.turn.ended is None:
            self._emit(TurnEnded(reason))

    def _emit(self, event: Event, at: float | None = None) -> None:
        self._seq += 1
        self._conversation = apply(self._conversation, event)
        stamped = Stamped(self._seq, self._clock.now() if at is None else at, event)
        self._recorder.handle(stamped, self._conversation)


@dataclass(slots=True)
class _Passed:
    """An exchange in a line."""

    request: str = ""
    status: str = "no answer"
    size: int = 0
    how: str = ""

    def take(self, wire: WireEvent) -> None:
        match wire:
            case ExchangeOpened(request=request):
                self.request = f"{request.method} {urlsplit(request.url).path}"
            case ResponseHead(status=status):
                self.status = str(status)
            case BytesRead(data=data):
                self.size += len(data)
            case ExchangeEnded(how=how):
                self.how = how
            case _:
                pass

    def __str__(self) -> str:
        return f"{self.request}: {self.status}, {self.size:,} bytes, {self.how}"


def _home(idle: Sequence[Notebook], overheard: Overheard | None) -> Notebook | None:
    """Where a request belongs most surely, and of those the longest conversation; None where it belongs nowhere."""
    fitting = [(sure, len(notebook.known), notebook) for notebook in idle if (sure := notebook.takes(overheard))]
    return max(fitting, key=lambda each: each[:2], default=(0, 0, None))[2]


def _credentials(request: Request) -> Iterator[str]:
    """The keys in a request; a cookie is masked where it stands, and changes too often to know a client again by it."""
    for name, value in request.headers:
        if is_secret_header(name) and not name.lower().startswith("cookie"):
            yield value.rpartition(" ")[2]
    for name, value in parse_qsl(urlsplit(request.url).query):
        if is_secret_parameter(name):
            yield value


def _digests(messages: Iterable[JsonObject]) -> tuple[bytes, ...]:
    """What messages are known again by; they need not be kept."""
    return tuple(sha256(json.dumps(message, sort_keys=True).encode()).digest() for message in messages)
