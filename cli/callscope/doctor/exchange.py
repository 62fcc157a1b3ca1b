"""One request and all that came back, with times: what every rule looks at.

Knows how exchanges are gathered from the events of a session, while it runs or from a recording. Must not know any
protocol.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from callscope.core.events import (
    BytesRead,
    Event,
    ExchangeEnded,
    ExchangeOpened,
    ResponseHead,
    SettingsChanged,
    Stamped,
)
from callscope.core.state import Conversation
from callscope.core.values import Ending, Request, Settings


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request, its head, its reads and its ending; times are seconds of one clock.

    `place` counts the exchanges of a run from 1; `number` is that of the session, 0 for a question about the server.
    `settings` are those in force when it began. `how` is None while it is open. Secrets in the reads are overwritten.
    """

    place: int
    number: int
    settings: Settings
    request: Request
    sent_at: float
    head: ResponseHead | None = None
    reads: tuple[tuple[float, bytes], ...] = ()
    how: Ending | None = None
    detail: str = ""
    ended_at: float = 0.0


@dataclass(slots=True)
class Gathering:
    """Events in, exchanges out. Implements `callscope.core.ports.Sink`."""

    exchanges: list[Exchange] = field(default_factory=list)
    _settings: Settings = field(default_factory=Settings)
    _open: Exchange | None = None
    _reads: list[tuple[float, bytes]] = field(default_factory=list)

    def handle(self, stamped: Stamped, conversation: Conversation) -> None:
        """Take one event of a session."""
        self.feed(stamped.at, stamped.event)

    def feed(self, at: float, event: Event) -> None:
        """Take an event and when it happened."""
        match event:
            case SettingsChanged(settings=settings):
                self._settings = settings
            case ExchangeOpened(exchange=number, request=request):
                self.finish()
                self._open = Exchange(len(self.exchanges) + 1, number, self._settings, request, at)
            case ResponseHead() if self._open is not None:
                self._open = replace(self._open, head=event)
            case BytesRead() if self._open is not None:
                # a finding quotes the beginning of a text: half a secret would not be known again
                self._reads.append((at, event.shown))
            case ExchangeEnded(how=how, detail=detail) if self._open is not None:
                self._open = replace(self._open, how=how, detail=detail, ended_at=at)
                self.finish()
            case _:
                pass

    def finish(self) -> None:
        """Keep what is still open as it is: whoever wrote the recording was interrupted."""
        if self._open is not None:
            self.exchanges.append(replace(self._open, reads=tuple(self._reads)))
        self._open, self._reads = None, []
