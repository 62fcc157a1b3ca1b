"""The recorder: every event of a session as a line on disk, before anybody sees it.

Knows which events are truth and which are derived, and when the disk itself must have them. Must not know how a line
is spelled (format.py), masked (concealing.py) or written (appending.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from callscope.core.events import (
    ArgumentsDelta,
    BytesRead,
    CallAssembled,
    CallDecided,
    CallStarted,
    Diagnostic,
    ExchangeEnded,
    ExchangeOpened,
    ItemsInserted,
    PeerEvent,
    RemoteResult,
    ResponseCompleted,
    ResponseFailed,
    ResponseHead,
    ResponseStarted,
    SettingsChanged,
    Stamped,
    TextDelta,
    ThreadNamed,
    ToolFinished,
    ToolsChanged,
    ToolStarted,
)
from callscope.core.ports import Clock
from callscope.core.state import Conversation
from callscope.core.values import Settings, ToolSpec
from callscope.record.deriving.deriving import Deriving, DialectNamed
from callscope.record.file.appending import LineFile
from callscope.record.file.assembling import assembled, assembled_from
from callscope.record.file.directories import new_recording
from callscope.record.file.format import FORMAT, VERSION, Line, RecordedEvent, encode_line, encode_read, line_of
from callscope.record.file.parsing import event_of
from callscope.record.file.reading import Recorded, RecordingFile
from callscope.record.secrets.concealing import concealed, concealed_read
from callscope.record.secrets.masking import Secrets


@dataclass(slots=True)
class _Exchange:
    """The exchange at hand, whose lines begin at byte `start` of the file.

    `retold`: some of it was masked, so that only what was recorded can tell it. `answered`: something came back.
    """

    settings: Settings
    tools: tuple[ToolSpec, ...]
    number: int
    start: int
    answered: bool = False
    diagnostics: list[Diagnostic] = field(default_factory=list)
    digest: Any = field(default_factory=sha256)
    size: int = 0
    retold: bool = False


class Recorder:
    """A sink that records. Raises UnusableFile as soon as something cannot be written."""

    def __init__(self, file: LineFile, *, secrets: Secrets, clock: Clock, dialects: DialectNamed | None = None) -> None:
        self._file = file
        self._dialects = dialects
        self._secrets = secrets
        self._start = clock.now()
        self._settings = Settings()
        self._tools: tuple[ToolSpec, ...] = ()
        self._exchange: _Exchange | None = None

    @classmethod
    def create(
        cls,
        directory: Path,
        *,
        secrets: Secrets,
        clock: Clock,
        program: str,
        parent: str | None = None,
        ignore: Sequence[str] = (),
        dialects: DialectNamed | None = None,
    ) -> Recorder:
        """Begin a new recording in this folder, which is made where it is missing.

        `ignore` are JSON paths that are left out where it is compared with its parent.
        """
        now = datetime.now(UTC)
        recorder = cls(LineFile.create(new_recording(directory, now)), secrets=secrets, clock=clock, dialects=dialects)
        header: Line = {"kind": "header", "format": FORMAT, "version": VERSION, "created": _utc(now)}
        header |= {"program": program, "parent": parent} | ({"ignore": list(ignore)} if ignore else {})
        recorder._file.begin(encode_line(header))
        return recorder

    @classmethod
    def resume(
        cls,
        file: LineFile,
        recording: Recorded,
        *,
        secrets: Secrets,
        clock: Clock,
        program: str,
        dialects: DialectNamed | None = None,
    ) -> Recorder:
        """Go on with a recording that was read after its file was locked; time counts anew from the `resumed` line."""
        recorder = cls(file, secrets=secrets, clock=clock, dialects=dialects)
        recorder._catch_up(recording)
        resumed = encode_line({"t": 0.0, "kind": "resumed", "at": _utc(datetime.now(UTC)), "program": program})
        file.append(b"\n" + resumed if file.is_torn() else resumed)
        return recorder

    def go_on_in(self, path: Path, *, clock: Clock, program: str) -> Recorder:
        """A recorder of the same session that goes on with another recording; this one is still to be closed."""
        file = LineFile.open(path)
        try:
            recording = RecordingFile(path)
            return Recorder.resume(
                file, recording, secrets=self._secrets, clock=clock, program=program, dialects=self._dialects
            )
        except BaseException:
            file.close()
            raise

    @property
    def path(self) -> Path:
        """The file."""
        return self._file.path

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def begin(self, conversation: Conversation, at: float) -> None:
        """Write what went before, where a recording begins in mid-conversation; what follows can then be run again."""
        settings = replace(conversation.settings, thread=conversation.thread or conversation.settings.thread)
        before = ItemsInserted(conversation.items, conversation.exchange)
        for event in (SettingsChanged(settings), ToolsChanged(conversation.tools), before):
            self._event(round(at - self._start, 6), event, conversation)

    def mark(self, text: str, at: float) -> None:
        """Write a person's note on this place."""
        self._write(round(at - self._start, 6), concealed({"kind": "mark", "text": text}, self._secrets))

    def handle(self, stamped: Stamped, conversation: Conversation) -> None:
        """Write what is truth of this event, and the derived line where a response ends."""
        event = stamped.event
        match event:
            case TextDelta() | ArgumentsDelta() | CallStarted() | CallAssembled() | ResponseStarted() | RemoteResult():
                return
            case ThreadNamed():
                return
            case BytesRead():
                self._read(self._time(stamped), event)
            case ResponseCompleted() | ResponseFailed():
                self._assembled(self._time(stamped), event, conversation)
            case Diagnostic():
                self._diagnostic(self._time(stamped), event)
            case _:
                self._event(self._time(stamped), event, conversation)

    def _time(self, stamped: Stamped) -> float:
        return round(stamped.at - self._start, 6)

    def _write(self, t: float, line: Line) -> None:
        self._file.append(encode_line({"t": t} | line))

    def _read(self, t: float, read: BytesRead) -> None:
        recorded = concealed_read(read)
        self._file.append(encode_read(t, recorded))
        self._follow(recorded)

    def _event(self, t: float, event: RecordedEvent, conversation: Conversation) -> None:
        line = line_of(event)
        if isinstance(event, CallDecided) and event.key in conversation.calls:
            line["proposed"] = conversation.calls[event.key].call.arguments
        line = concealed(line, self._secrets)
        recorded = (event_of(line) if "masked" in line else event) or event
        self._follow(recorded)
        if isinstance(event, ExchangeEnded) and self._exchange is not None:
            line |= {"bytes": self._exchange.size, "sha256": self._exchange.digest.hexdigest()}
            self._exchange.retold |= "masked" in line
            if event.exchange == 0:
                self._exchange = None  # a question about the server: nothing is derived from it
        self._write(t, line)
        if isinstance(event, ExchangeEnded | ToolStarted | ToolFinished | ItemsInserted):
            self._file.sync()

    def _diagnostic(self, t: float, diagnostic: Diagnostic) -> None:
        """What a decoder says is derived, and part of `assembled`; what is said of our own request is not."""
        if self._exchange is not None and self._exchange.answered:
            self._exchange.diagnostics.append(diagnostic)
        else:
            self._write(t, concealed(line_of(diagnostic), self._secrets))

    def _assembled(self, t: float, last: ResponseCompleted | ResponseFailed, conversation: Conversation) -> None:
        exchange, self._exchange = self._exchange, None
        if exchange is None or conversation.response is None:
            return
        line = (
            assembled_from(exchange.number, self._decoded(exchange))
            if exchange.retold
            else assembled(conversation.response, last, exchange.diagnostics)
        )
        if line is not None:
            self._write(t, line)

    def _follow(self, event: RecordedEvent) -> None:
        """Take note of what was recorded, and of where the exchange at hand begins in the file."""
        match event:
            case SettingsChanged(settings=settings):
                self._settings = settings
            case ToolsChanged(tools=tools):
                self._tools = tools
            case ExchangeOpened():
                self._exchange = _Exchange(self._settings, self._tools, event.exchange, self._file.size)
            case BytesRead() if self._exchange is not None:
                self._exchange.answered = True
                self._exchange.digest.update(event.data)
                self._exchange.size += len(event.data)
                self._exchange.retold |= bool(event.masked)
            case ResponseHead() | ExchangeEnded() if self._exchange is not None:
                self._exchange.answered = True
            case _:
                pass

    def _catch_up(self, recording: Recorded) -> None:
        began = 0
        for entry in recording.entries:
            if entry.event is not None:
                self._follow(entry.event)
            if isinstance(entry.event, ExchangeOpened):
                began = entry.start
            elif isinstance(entry.event, ExchangeEnded):
                self._exchange = None
        if self._exchange is not None:
            self._exchange.start = began
            self._exchange.retold = True  # what its decoder said until here was not heard by us

    def _decoded(self, exchange: _Exchange) -> Iterator[PeerEvent]:
        """What the decoder makes of an exchange as it was recorded: its lines are read back, for they may be many."""
        deriving = Deriving(self.path, self._dialects)
        for ours in (SettingsChanged(exchange.settings), ToolsChanged(exchange.tools)):
            deriving.feed(ours)
        for entry in RecordingFile(self.path).entries_from(exchange.start):
            match entry.event:
                case ExchangeOpened() | ResponseHead() | BytesRead() | ExchangeEnded() as wire:
                    yield from deriving.decode(wire)
                case _:
                    pass


def _utc(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
