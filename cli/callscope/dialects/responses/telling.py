"""What is said of an output that is not as the protocol says, each of it once.

Knows how a complaint is worded for its item. Must not know how an item grows, nor when it is odd (`leniency`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from callscope.core.events import PeerEvent
from callscope.core.values import CallKey, Frame
from callscope.dialects.diagnostics import as_sent, diagnostic, excerpt
from callscope.dialects.fragments import OpenCall

from .items import OutputItem
from .leniency import Oddity


class Telling:
    """Complaints about one response; `reported` are the codes that were said, of which call."""

    def __init__(self) -> None:
        self.reported: set[tuple[str, CallKey | None]] = set()

    def report(self, out: list[PeerEvent], code: str, frame: Frame | None, **facts: str) -> None:
        """Say it once."""
        self.report_of(None, out, code, frame, **facts)

    def report_of(
        self, call: OpenCall | None, out: list[PeerEvent], code: str, frame: Frame | None, **facts: str
    ) -> None:
        """Say it once of this call; where there is none, of the response."""
        key = call.key if call else None
        if (code, key) not in self.reported:
            self.reported.add((code, key))
            out.append(diagnostic(code, key, frame, **facts))

    def tell(self, oddities: Iterable[Oddity], frame: Frame, out: list[PeerEvent]) -> None:
        """Say what was read although it is odd."""
        for code, text, known in oddities:
            self.report(out, code, frame, text=excerpt(text), known=excerpt(known))

    def odd(self, member: str, value: Any, frame: Frame, out: list[PeerEvent]) -> None:
        """Say that a member is not of the kind that the protocol says."""
        self.report(out, "member_odd", frame, member=member, text=as_sent(value))

    def say_missing(self, item: OutputItem, size: int, frame: Frame, out: list[PeerEvent]) -> None:
        """An end says more than the deltas of this size: some are missing, or all."""
        if size:
            self.report_of(item.call, out, "deltas_missing", frame)
        elif item.announced and frame.channel == "sse" and ("response_cumulative", None) not in self.reported:
            self.report_of(item.call, out, "deltas_none", frame, text=item.kind)

    def end_without_words(self, size: int, frame: Frame, out: list[PeerEvent], call: OpenCall | None = None) -> None:
        """Take an end that is empty: it takes nothing back of the deltas of this size."""
        if size:
            self.report_of(call, out, "end_empty", frame)
