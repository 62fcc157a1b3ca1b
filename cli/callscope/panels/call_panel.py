"""The panel of a call: its arguments with every cut, their state, the decision, the run, the result.

Knows how a call is drawn at each moment of its life. Must not know how it comes to be in that state. How the
arguments stand it hears from `judging`.
"""

from __future__ import annotations

from collections.abc import Sequence

from callscope.core.values import Edit, Run, ToolResult
from callscope.dialects.json_progress import utf8_size

from . import wording
from .blocks import CallTrace
from .flow import Cuts
from .frame import CORNER, EDGE, Part, cropped, paragraph
from .judging import Check, Judge, Judgement, follow
from .look import Look, Row, row
from .text_panel import diagnostic_parts

MOST_OUTPUT = 100_000
"""Characters of one result that are shown; a longer one is cut, and says so."""

LONGEST_TITLE = 1_000
"""Characters of a text in one row that are looked at."""

RESULT_STYLES = {
    "ok": "good",
    "mocked": "changed",
    "error": "bad",
    "timeout": "bad",
    "rejected": "warning",
    "cancelled": "warning",
}


class CallContent:
    """A call in its frame."""

    def __init__(self, block: CallTrace, look: Look, check: Check | None = None) -> None:
        self.block = block
        self._look = look
        self._judge = Judge(block, check)
        self._fed = 0
        self._flow = Cuts(look, look.width - EDGE)
        self._kept: dict[str, tuple[object, list[Row]]] = {}  # rows that are costly to make, and what of

    @property
    def done(self) -> bool:
        """Whether nothing more will happen to the call."""
        return self.block.done

    def title(self, *, again: bool) -> Row:
        """Which call it is, and whether it is ours to run; the second time with the arguments that it has."""
        block, dot = self.block, self._look.marks.dot
        whose = {"remote": "the agent's own: it has already acted", "local": ""}[block.executor]
        arguments = "" if not again or isinstance(block.decision, Edit) else block.effective or block.arguments
        said = [self._id(), whose, "put in by hand" if block.by_hand else "", self._in_line(arguments)]
        parts = ((f" {dot} {words}", "dim") for words in said if words)
        return cropped(self._look, row((self._name(), "bold"), *parts))

    def status(self, now: float) -> Sequence[Row]:
        """How it stands, in a row or few; of a call that did not run the end of the turn says it."""
        result = self.block.result
        if self.block.done and (result is None or (result.status == "cancelled" and self.block.started_at is None)):
            return ()
        mark, words, style = self._standing(now)
        call = f"{self._name()} {self._look.marks.dot} {self._in_line(self.block.call_id)}"
        return paragraph(self._look, f"{call} {words}", style, mark, edge=0)

    def _name(self) -> str:
        return self._in_line(self.block.name) or "a call without a name"

    def _id(self) -> str:
        """The id that it goes by, and the server's own where it is another."""
        block, becomes = self.block, self._look.marks.becomes
        ours, theirs = self._in_line(block.call_id), self._in_line(block.wire_id)
        codes = {diagnostic.code for diagnostic in block.diagnostics}
        if "id_shared" in codes and theirs:
            return f"{theirs} {becomes} {ours} (renamed)"
        return f"{ours} (made up)" if "id_missing" in codes else ours

    def _in_line(self, text: str) -> str:
        return self._look.shown(text[:LONGEST_TITLE]).replace("\n", " ")

    def flow(self) -> Cuts:
        """The arguments so far, with a mark at each cut."""
        block = self.block
        if not block.deltas and block.call and not self._fed:
            if block.call.arguments:
                wrong = follow(block.call.arguments).invalid_character if block.kind == "function" else None
                self._flow.feed(block.call.arguments, wrong)
            self._fed = 1
        elif block.deltas and self._fed < block.count:
            wrong = block.progress.invalid_character if block.kind == "function" else None
            for _, text in block.deltas[self._fed :]:
                self._flow.feed(text, wrong)
            self._fed = block.count
        return self._flow

    def parts(self) -> list[Part]:
        """What is said below the arguments, in the order in which it came to be known."""
        return [
            *self._whole_parts(),
            *diagnostic_parts(self._look, self.block.diagnostics, self.block.exchange),
            *self._fault_parts(),
            *self._decision_parts(),
            *self._result_parts(),
        ]

    def fit_to(self, look: Look) -> None:
        """Break the rows that are still here anew."""
        self._look, self._fed = look, 0
        self._kept.clear()
        self._flow = Cuts(look, look.width - EDGE, self._flow.next_start())

    # ---- how it stands --------------------------------------------------------------------------------------------

    def edge(self) -> str:
        """The style of the border: that of how the call stands."""
        return self._standing(self.block.first_at)[2]

    def closing(self, now: float) -> list[Row]:
        """How the call stands: a mark and words, so that it is plain without colours."""
        mark, words, style = self._standing(now)
        return paragraph(self._look, words, "worst" if style == "bad" else style, mark, edge=CORNER)

    def _standing(self, now: float) -> tuple[str, str, str]:
        block, marks = self.block, self._look.marks
        if block.result_held:
            return marks.held, "its result waits for you", "held"
        if block.failure and block.started_at is None and block.call:
            cut_short = block.failure.kind == "cancelled"
            return marks.bad, f"not run: {'interrupted' if cut_short else 'its response broke off'}", "dim"
        if block.result:
            return self._outcome(block.result)
        if block.started_at is not None:
            return marks.running, f"running {wording.clock(now - block.started_at)}", "running"
        if block.held:
            return marks.held, "held at your break" if block.at_break else "held: it waits for you", "held"
        if block.call is None:
            return self._arrival(now)
        if block.call.fault:
            return marks.bad, "will not run", "bad"
        if block.executor == "remote":
            return (
                (marks.bad, "no result was told", "dim")
                if block.done
                else (marks.running, "the agent runs it", "running")
            )
        if block.decision:  # what an edit made of the arguments stands above
            words = "waits to run" if isinstance(block.decision, Edit) else wording.decision(block)
            return marks.good, words, "arriving"
        return marks.arriving, "assembled", "bad" if self._judge.judgement().verdict == "bad" else "arriving"

    def _arrival(self, now: float) -> tuple[str, str, str]:
        block, dot = self.block, self._look.marks.dot
        judgement = self._judge.judgement()
        mark, style = (
            (self._look.marks.bad, "bad") if judgement.verdict == "bad" else (self._look.marks.arriving, "arriving")
        )
        size = f"{wording.counted(block.count, 'delta')}, {wording.counted(block.bytes, 'byte')}"
        gap = f"{wording.clock(block.gap(now))} since the last"
        return mark, f"{judgement.words} {dot} {size} {dot} {gap}", style

    def _outcome(self, result: ToolResult) -> tuple[str, str, str]:
        block, marks = self.block, self._look.marks
        good = result.status in ("ok", "mocked")
        fault = block.call.fault if block.call else None
        words: str = result.status
        if block.started_at is not None and (result.status != "cancelled" or result.duration):
            # without a duration it was cancelled by the end of its program, and nobody knows how long it ran
            words = f"{words} after {wording.seconds(result.duration)}{self._approval()}"
        elif block.by_hand and result.status == "mocked":
            words = "answered by you"
        elif block.executor == "remote" or block.by_hand:
            words = f"{words}, {'by the agent itself' if block.executor == 'remote' else 'by hand'}"
        elif block.decided_by and result.status in ("rejected", "mocked"):
            words = wording.decision(block)
        elif not good and block.started_at is None:
            words = "not run"
        return marks.good if good else marks.bad, words, "bad" if fault else RESULT_STYLES[result.status]

    def _approval(self) -> str:
        """Who let it run as it was proposed; a policy does so without a word."""
        block = self.block
        said = isinstance(block.decision, Run) and block.decided_by not in (None, "policy")
        return f" {self._look.marks.dot} approved {wording.WHO[block.decided_by]}" if said and block.decided_by else ""

    # ---- parts ----------------------------------------------------------------------------------------------------

    def _whole_parts(self) -> list[Part]:
        """How much came and how it stands, and what it was taken for where that differs."""
        block = self.block
        if block.call is None:
            return []
        judgement = self._judge.judgement()
        if not self._judge.repaired():
            return [Part("whole", self._size_rows(judgement))]
        came = f"as they came {self._judge.as_it_came().words}"
        taken = f"{wording.counted(utf8_size(block.call.arguments), 'byte')} {self._look.marks.dot} {judgement.words}"
        return [
            Part("whole", paragraph(self._look, self._size() + came, "warning", self._look.marks.warning)),
            Part("taken", self._told("taken", "taken as", block.call.arguments, "changed")),
            Part("taken whole", paragraph(self._look, taken, *self._verdict(judgement))),
        ]

    def _size_rows(self, judgement: Judgement) -> list[Row]:
        words = f"{self._size() if self.block.deltas else ''}{judgement.words}"
        if self.block.failure:
            return paragraph(self._look, words, "dim")  # what broke the response was said before
        return paragraph(self._look, words, *self._verdict(judgement))

    def _size(self) -> str:
        """How much came in how many pieces, and how long that took."""
        block, dot = self.block, self._look.marks.dot
        took = f" in {wording.seconds(block.last_at - block.first_at)}" if block.last_at and block.count > 1 else ""
        return f"{wording.counted(block.count, 'delta')}, {wording.counted(block.bytes, 'byte')}{took} {dot} "

    def _verdict(self, judgement: Judgement) -> tuple[str, str]:
        """The style and the mark."""
        bad = judgement.verdict == "bad"
        return ("bad", self._look.marks.bad) if bad else ("dim", self._look.marks.good)

    def _fault_parts(self) -> list[Part]:
        fault = self.block.call.fault if self.block.call else None
        told = fault and any(diagnostic.code == fault.code for diagnostic in self.block.diagnostics)
        if fault is None or told or self.block.failure:
            return []
        return [Part("fault", paragraph(self._look, f"{fault.code}: {fault.message}", "bad", self._look.marks.bad))]

    def _decision_parts(self) -> list[Part]:
        block, parts = self.block, list[Part]()
        if isinstance(block.decision, Edit):
            edited = self._told("decision", wording.decision(block), block.decision.arguments, "changed")
            parts.append(Part("decision", edited))
        if block.effective is not None:  # to ask for the arguments before is to join what is still growing
            decided = block.decision.arguments if isinstance(block.decision, Edit) else block.arguments
            if block.effective != decided:
                parts.append(Part("effective", self._told("effective", "runs with", block.effective, "changed")))
        return parts

    def _result_parts(self) -> list[Part]:
        block, parts = self.block, list[Part]()
        result = block.returned or block.result
        if result is None or self._is_of_our_making(result):
            return parts
        if result.prints:
            parts.append(Part("prints", self._told("prints", "printed", result.prints.rstrip("\n"), "dim")))
        gave = "the tool gave " if block.returned else ""
        style = "bad" if result.status in ("error", "timeout") else "plain"
        parts.append(
            Part("result", self._told("result", f"{self._look.marks.back} {gave}".rstrip(), result.output, style))
        )
        if block.returned and block.result:
            who = wording.WHO[block.reviewed_by] if block.reviewed_by else ""
            parts.append(
                Part("sent", self._told("sent", f"changed {who}, went back as", block.result.output, "changed"))
            )
        return parts

    def _is_of_our_making(self, result: ToolResult) -> bool:
        """Whether the words are ours, for a call that did not run: the last row says why."""
        block = self.block
        if block.started_at is not None or block.by_hand or block.executor == "remote":
            return False
        fault = block.call is not None and block.call.fault is not None
        return result.status in ("rejected", "cancelled") or (result.status == "error" and fault)

    def _told(self, name: str, label: str, text: str, style: str) -> list[Row]:
        """Rows of a text that may be long, made once as long as nothing about them changes."""
        kept = self._kept.get(name)
        if kept is None or kept[0] != (label, text, style):
            rest = wording.counted(utf8_size(text[MOST_OUTPUT:]), "more byte")
            said = text if len(text) <= MOST_OUTPUT else f"{text[:MOST_OUTPUT]}{self._look.marks.more} ({rest})"
            kept = self._kept[name] = ((label, text, style), paragraph(self._look, said, style, label))
        return kept[1]
