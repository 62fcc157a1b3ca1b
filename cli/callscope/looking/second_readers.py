"""What other programs would see in the same bytes: a table with a row a reader, and below it each difference.

Knows how a comparison is drawn. Must not know how anything was read. Everything in it comes from a peer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rich.text import Text

from callscope.core.visible import one_line, visible
from callscope.panels.fitting import fitted, padded
from callscope.panels.wording import counted
from callscope.readers.comparing import Compared, Difference, Row
from callscope.readers.values import NotRead, Reading
from callscope.ui.lines import STYLES

CALLS, FINISH, TOKENS = 5, 13, 11
ROOMY = 72
"""Columns from which on there is room for tokens."""
BEFORE = 20
"""Characters shown before the first one that differs."""
WORDS = {
    "lost_error": "error not seen",
    "silent_end": "cut off, and nothing says so",
    "false_error": "an error, where there is an answer",
    "merged_calls": "calls merged into one",
    "lost_call": "call not seen",
    "extra_call": "a call that there is not",
    "call_id": "another id",
    "name": "another name",
    "arguments": "other arguments",
    "content": "other text",
    "finish_reason": "another finish reason",
    "usage": "other token counts",
}
"""What a kind of difference is called; the others are called by their names."""


@dataclass(frozen=True, slots=True)
class Look:
    """In how many columns, and with ASCII marks alone or not."""

    width: int = 80
    ascii_only: bool = False

    def fit(self, text: str, columns: int) -> str:
        """A peer's text on one line, in at most so many columns."""
        return fitted(one_line(text[: 4 * columns + 80], 4 * columns + 80), columns, ascii_only=self.ascii_only)


def shown_comparison(compared: Compared, look: Look) -> Iterator[Text]:
    """A comparison, line by line, none of which is wider than the look."""
    yield Text(look.fit(_headline(compared), look.width), "bold")
    if compared.why_not:
        yield Text(look.fit(f"  not compared: {compared.why_not}", look.width), "dim")
        return
    names = max(len(str(row.reader)) for row in compared.rows)
    yield Text(_columns("", names, "calls", "finish reason", "tokens", look) + "verdict", "dim")
    yield _line("Callscope", names, compared.ours, (_ours(compared.ours), ""), look)
    for row in compared.rows:
        reading = row.outcome if isinstance(row.outcome, Reading) else None
        yield _line(str(row.reader), names, reading, (_verdict(row, compared.ours), _style(row)), look)
    yield from _shown_faults(compared, look)
    for row in compared.rows:
        for difference in row.differences:
            yield from _shown_difference(row, difference, look)


def _headline(compared: Compared) -> str:
    recorded = compared.recorded
    kind = next((value for name, value in recorded.headers if name.lower() == "content-type"), "")
    head = f"HTTP {recorded.status} {kind.partition(';')[0]}".rstrip() if recorded.status is not None else "no response"
    reads = f"{counted(recorded.size, 'byte')} in {counted(len(recorded.reads), 'read')}"
    return f"exchange {recorded.exchange}  {recorded.dialect}, {head}, {reads}, {recorded.how or 'open'}"


def _line(name: str, names: int, reading: Reading | None, verdict: tuple[str, str], look: Look) -> Text:
    calls = str(len(reading.calls)) if reading else ""
    finish = (reading and reading.finish_reason) or ""
    line = Text(_columns(name, names, calls, finish, _tokens(reading, look), look))
    return line.append(look.fit(verdict[0], look.width - line.cell_len), verdict[1] or None)


def _columns(name: str, names: int, calls: str, finish: str, tokens: str, look: Look) -> str:
    """What stands before the verdict; a narrow terminal has no room for tokens."""
    words = padded(look.fit(finish, FINISH), FINISH, ascii_only=look.ascii_only)
    counts = padded(tokens, TOKENS, ascii_only=look.ascii_only) + "  " if look.width >= ROOMY else ""
    return f"  {name:<{names}}  {calls:>{CALLS}}  {words}  {counts}"


def _tokens(reading: Reading | None, look: Look) -> str:
    if reading is None or reading.usage is None:
        return ""
    came, went = ("?" if count is None else f"{count}" for count in reading.usage)
    return f"{came} {'->' if look.ascii_only else '→'} {went}"


def _shown_faults(compared: Compared, look: Look) -> Iterator[Text]:
    handed_on = any(_hands_on(row, compared.ours) for row in compared.rows)
    for number, call in enumerate(compared.ours.calls, 1):
        if call.fault:
            others = "; others hand it on without a word" if handed_on else ""
            yield Text(look.fit(f"  call {number} cannot run ({call.fault}){others}", look.width), "yellow")


def _hands_on(row: Row, ours: Reading) -> bool:
    """Whether a reader gives its program a call that cannot run; who reads on with our decoder does not."""
    same = isinstance(row.outcome, Reading) and row.outcome.events is None and not row.differences
    return same and any(call.fault for call in ours.calls)


def _ours(reading: Reading) -> str:
    if reading.trouble:
        return f"error: {reading.trouble.words}"
    faulty = sum(call.fault is not None for call in reading.calls)
    return f"{counted(faulty, 'call')} cannot run" if faulty else "an answer"


def _verdict(row: Row, ours: Reading) -> str:
    if isinstance(row.outcome, NotRead):
        return f"not read: {row.outcome.why}"
    if not row.differences:
        if row.outcome.trouble:
            return "the same error"
        return "same, handed on" if _hands_on(row, ours) else "same"
    first, more = row.differences[0], len(row.differences) - 1
    words = WORDS.get(first.kind, first.kind)
    if row.outcome.trouble and row.outcome.trouble.kind != "error":
        words = f"{words}: {row.outcome.trouble.name}"
    return words + (f", and {more} more" if more else "")


def _style(row: Row) -> str:
    if isinstance(row.outcome, NotRead):
        return "dim"
    return STYLES["error"] if row.differences else STYLES["ok"]


def _shown_difference(row: Row, difference: Difference, look: Look) -> Iterator[Text]:
    where = "" if difference.call is None else f", call {difference.call + 1}"
    words = WORDS.get(difference.kind, difference.kind)
    yield Text(look.fit(f"  {row.reader.name}: {words}{where}", look.width), "yellow")
    names = max(len("Callscope"), len(row.reader.name))
    ours, theirs = _sides(difference)
    for name, side in (("Callscope", ours), (row.reader.name, theirs)):
        for place, part in enumerate(side.split("\n") if difference.kind == "merged_calls" else [side]):
            label = f"    {name if place == 0 else '':<{names}}  "
            yield Text.assemble((label, "dim"), look.fit(visible(part) or "nothing", look.width - len(label)))


def _sides(difference: Difference) -> tuple[str, str]:
    """Both sides from a little before where they part."""
    ours, theirs = difference.ours, difference.theirs
    shorter = min(len(ours), len(theirs))
    same = next((place for place in range(shorter) if ours[place] != theirs[place]), shorter)
    if difference.kind == "merged_calls" or same <= 2 * BEFORE:
        return ours, theirs
    return f"…{ours[same - BEFORE :]}", f"…{theirs[same - BEFORE :]}"
