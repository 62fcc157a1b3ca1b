"""How long to wait for a peer: the limits of an exchange and the one timer that keeps them.

Knows the phases of an exchange and the loop's clock. Must not know what is waited for.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Self

Phase = Literal["connect", "first_byte", "between_bytes", "total"]

DESCRIPTIONS: dict[Phase, str] = {
    "connect": "no connection",
    "first_byte": "no byte of a response body",
    "between_bytes": "no further byte",
    "total": "the response was not whole",
}


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Limits in seconds; None waits for ever.

    connect: name, TCP, proxy and TLS. first_byte: from the first byte sent to the first byte of the response's body,
    because many servers send the head at once and think afterwards. between_bytes: silence within the body. total:
    the whole exchange. The defaults are generous: a model that reasons may say nothing for minutes.
    """

    connect: float | None = 10.0
    first_byte: float | None = 600.0
    between_bytes: float | None = 600.0
    total: float | None = None


class LimitPassed(Exception):
    """A limit passed; the text says which, how long it was and what was missing."""


class Patience:
    """Keeps the limits of one exchange: `with patience: await …` raises LimitPassed when one of them passes.

    One lazy timer for all reads instead of a timer for each: a wait costs well below a microsecond
    (`asyncio.timeout` around each read costs several). Time that the consumer of the reads takes does not count.
    """

    def __init__(self, timeouts: Timeouts) -> None:
        self._limits: dict[Phase, float | None] = {
            "connect": timeouts.connect,
            "first_byte": timeouts.first_byte,
            "between_bytes": timeouts.between_bytes,
        }
        self._total = timeouts.total
        self._loop = asyncio.get_running_loop()
        self._opened = self._since = self._loop.time()
        self._phase: Phase = "connect"
        self._waiting: asyncio.Task[object] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._passed: Phase | None = None
        self.head_came = False

    def enter(self, phase: Phase) -> None:
        """The next phase begins now."""
        self._phase = phase
        self._since = self._loop.time()
        self._arm()  # the new phase's limit may be the shorter one

    def stop(self) -> None:
        """Nothing is waited for any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def __enter__(self) -> Self:
        self._waiting = asyncio.current_task()
        if self._phase == "between_bytes":
            self._since = self._loop.time()
        if self._timer is None:
            self._arm()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        task, self._waiting = self._waiting, None
        if self._passed is None or task is None:
            return
        # Somebody else's cancellation goes before ours.
        if task.uncancel() == 0 and (kind is None or issubclass(kind, asyncio.CancelledError | Exception)):
            raise LimitPassed(self._sentence(self._passed)) from error

    def _due(self) -> tuple[float, Phase] | None:
        limit = self._limits.get(self._phase)
        dues: list[tuple[float, Phase]] = []
        if limit is not None:
            dues.append((self._since + limit, self._phase))
        if self._total is not None:
            dues.append((self._opened + self._total, "total"))
        return min(dues, default=None)

    def _arm(self) -> None:
        self.stop()
        if due := self._due():
            self._timer = self._loop.call_at(due[0], self._look)

    def _look(self) -> None:
        """The timer rang: the limit may have moved since it was set, and there may be nobody waiting."""
        self._timer = None
        if self._waiting is None or (due := self._due()) is None:
            return
        if due[0] > self._loop.time():
            self._arm()
        else:
            self._passed = due[1]
            self._waiting.cancel()

    def _sentence(self, phase: Phase) -> str:
        limit = self._total if phase == "total" else self._limits[phase]
        if phase == "first_byte" and not self.head_came:
            return f"no response within {limit:g} seconds (the first_byte limit)"
        return f"{DESCRIPTIONS[phase]} within {limit:g} seconds (the {phase} limit)"
