"""The panels of words and of notices.

Knows how reasoning, an answer, a refusal, the person's words and a notice are drawn. Must not know calls.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, assert_never

from callscope.core.events import Diagnostic, ResponseFailed, Rewound, TurnEnded

from . import wording
from .blocks import Notice, Retry, TextTrace
from .flow import Prose
from .frame import CORNER, EDGE, Part, paragraph
from .look import PLAIN_MARKS, STYLES, Look, Row, row

VOICES: Final = {
    "reasoning": ("reasoning", "dim", "thought"),
    "output": ("answer", "frame", "plain"),
    "refusal": ("refusal", "warning", "plain"),
}
"""What each voice is called, and the styles of its frame and of its words."""

SEVERITIES: Final = {"info": "plain", "warning": "warning", "error": "bad"}
"""The style of each; none is dimmer than ordinary words, for all of them are findings."""


class TextContent:
    """The words of a response in a frame, and the diagnostics that speak of them."""

    def __init__(self, block: TextTrace, look: Look) -> None:
        self.block = block
        self.name, self._edge, style = VOICES[block.voice]
        self._style = STYLES[style]
        self._look = look
        self._fed = 0
        self._flow = Prose(look, look.width - EDGE, self._style)

    @property
    def done(self) -> bool:
        """Whether nothing more will be said."""
        return self.block.done

    def edge(self) -> str:
        """The style of the border: that of the worst diagnostic, where there is one that matters."""
        severities = {diagnostic.severity for diagnostic in self.block.diagnostics}
        return "bad" if "error" in severities else "warning" if "warning" in severities else self._edge

    def title(self, *, again: bool) -> Row:
        """Who speaks."""
        return row((self.name + (" (goes on)" if again else ""), "bold"))

    def flow(self) -> Prose:
        """The words so far."""
        new = self.block.chunks[self._fed :]
        if new:
            self._fed += len(new)
            self._flow.feed("".join(new))
        return self._flow

    def parts(self) -> list[Part]:
        """What is wrong with the words."""
        return diagnostic_parts(self._look, self.block.diagnostics, self.block.exchange)

    def closing(self, now: float) -> list[Row]:
        """How much it was."""
        block = self.block
        size = f"{wording.counted(block.bytes, 'byte')} in {wording.counted(block.count, 'delta')}"
        took = f", {wording.seconds(block.last_at - block.first_at)}" if block.count > 1 else ""
        return paragraph(self._look, size + took, "dim", edge=CORNER)

    def status(self, now: float) -> Sequence[Row]:
        """Words do not change how they stand."""
        return ()

    def fit_to(self, look: Look) -> None:
        """Break the rows that are still here anew."""
        self._look, self._fed = look, 0
        self._flow = Prose(look, look.width - EDGE, self._style, self._flow.next_start())


class SaidContent:
    """What is said at once and without a frame: the person's words, or a notice."""

    done = True

    def __init__(self, block: TextTrace | Notice, look: Look) -> None:
        self.block = block
        self._look = look

    def edge(self) -> str:
        """No frame."""
        return ""

    def title(self, *, again: bool) -> None:
        """No frame."""

    def flow(self) -> None:
        """Nothing grows."""

    def parts(self) -> list[Part]:
        """The words."""
        if isinstance(self.block, TextTrace):
            return [Part("words", paragraph(self._look, self.block.text, "user", self._look.marks.you))]
        return [Part("words", notice_rows(self._look, self.block))]

    def closing(self, now: float) -> list[Row]:
        """No frame."""
        return []

    def status(self, now: float) -> Sequence[Row]:
        """Words do not change how they stand."""
        return ()

    def fit_to(self, look: Look) -> None:
        """Break the rows anew."""
        self._look = look


def notice_rows(look: Look, notice: Notice) -> list[Row]:
    """What a notice says, behind a mark that tells how bad it is."""
    event = notice.event
    match event:
        case Diagnostic():
            return diagnostic_rows(look, event, notice.exchange)
        case ResponseFailed(kind="cancelled") | TurnEnded(reason="failed"):
            return []  # how the turn ended says the one, the failure of its response said the other
        case ResponseFailed():
            return paragraph(look, wording.failure(event), "bad", look.marks.bad)
        case TurnEnded(reason="completed"):
            return []
        case TurnEnded(reason=reason):
            return paragraph(look, wording.ending(reason, notice.unsent), "warning", look.marks.warning)
        case Rewound(to=to):
            kept = f"the conversation was taken back to its first {wording.counted(to, 'item')}"
            return paragraph(look, kept if to else "the conversation was emptied", "dim", look.marks.info)
        case Retry(attempt=attempt):
            return paragraph(look, f"trying again, attempt {attempt}", "warning", look.marks.warning)
        case _:
            assert_never(event)


def diagnostic_parts(look: Look, diagnostics: list[Diagnostic], exchange: int) -> list[Part]:
    """A part for each diagnostic of an exchange; what is said again is said once."""
    said = dict.fromkeys((diagnostic.code, diagnostic.message) for diagnostic in diagnostics)
    first = {(diagnostic.code, diagnostic.message): diagnostic for diagnostic in reversed(diagnostics)}
    return [
        Part(f"diagnostic {number}", diagnostic_rows(look, first[key], exchange)) for number, key in enumerate(said)
    ]


def diagnostic_rows(look: Look, diagnostic: Diagnostic, exchange: int) -> list[Row]:
    """A diagnostic: how bad it is, its code, what it says and where in the body it was seen."""
    marks = {"info": look.marks.info, "warning": look.marks.warning, "error": look.marks.bad}
    severity = f"{diagnostic.severity} " if look.marks == PLAIN_MARKS else ""  # elsewhere the mark says it
    said = f"{severity}{diagnostic.code}: {diagnostic.message}"
    said += wording.place(diagnostic, exchange, look.marks.span)
    return paragraph(look, said, SEVERITIES[diagnostic.severity], marks[diagnostic.severity])
