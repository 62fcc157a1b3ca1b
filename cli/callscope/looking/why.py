"""Why there was no call, or why one did not run; and one call taken apart, from its raw deltas to what went back.

Knows how verdicts and facts read on a screen. Must not know how they are found. Texts of the wire are shown with
secrets masked and harmless; of long ones there is a beginning.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from textwrap import wrap

from rich.cells import cell_len
from rich.text import Text

from callscope.core.naming import call_named
from callscope.core.values import Abort, CallKey, Edit, Mock, Reject, Run
from callscope.core.visible import one_line
from callscope.forensics.calls import WHO, call_verdict
from callscope.forensics.case import Case
from callscope.forensics.entries import Evidence, Verdict
from callscope.forensics.facts import CallFacts
from callscope.forensics.following import Fragment
from callscope.forensics.why import calls_named, why, why_no_call_of
from callscope.panels.fitting import fitted
from callscope.panels.wording import counted, span
from callscope.ui.lines import SEVERITY_STYLES, STYLES

from .raw import Secrets

LONGEST = 2_000
"""Characters shown of one text."""
NEAR, NEIGHBOURS = 24, 3
"""Characters, and deltas, of joined arguments that are shown on either side of a break."""
NARROW = 70
"""Columns: a narrower terminal has no room for where bytes stand beside what they say."""
USAGE = "/why [CALL]"
CERTAIN = {"certain": "bold red", "likely": "yellow", "possible": "dim"}


class Why:
    """Draws; none of the lines is wider than `width`. `command` is what takes call N apart."""

    def __init__(self, case: Case, secrets: Secrets, *, width: int, ascii_only: bool, command: str = "/why N") -> None:
        self.case = case
        self.secrets = secrets
        self.width = max(width, 30)
        self.ascii_only = ascii_only
        self.command = command
        self.dash, self.here, self.advice, self.dot = ("-", ">", "->", "-") if ascii_only else ("–", "▶", "→", "·")

    def lines(self, words: str) -> Iterator[Text]:
        """What `/why` and these words show."""
        if words:
            yield from self._asked(words)
            return
        found = why(self.case)
        if found:
            yield from self._verdicts(found)
        elif not self.case.begun:
            yield Text("  no turn to look at yet")
        elif not self.case.calls:
            yield Text("  the answer is still to come")
        else:
            yield Text("  every call of this turn ran, and its result went back", "green")
        yield from self._calls()

    def _asked(self, word: str) -> Iterator[Text]:
        calls = calls_named(self.case, word)
        for facts in calls:
            yield from self.call(facts)
        if calls:
            return
        tools = {tool.name for exchange in self.case.exchanges for tool in exchange.loaded}
        offered = {name for exchange in self.case.exchanges for name in exchange.asked.tools}
        if word in tools | offered or (self.case.exchanges and not word[:1].isdecimal()):
            yield from self._verdicts(why_no_call_of(self.case, word))
            return
        yield from self._paragraph(f"{USAGE}: CALL is a call of this turn, by its number, its id or its tool's name.")

    # ---- verdicts ---------------------------------------------------------------------------------------------------

    def _verdicts(self, found: Sequence[Verdict]) -> Iterator[Text]:
        for each in found:
            where = f" {self.dot} {self._called(each.call)}" if each.call else ""
            yield from self._paragraph(f"{each.certainty}: {each.code}{where}", style=CERTAIN[each.certainty])
            yield from self._paragraph(each.sentence, indent=4)
            for evidence in each.evidence:
                yield from self._evidence(evidence)
            yield from self._paragraph(f"{self.advice} {each.advice}", indent=4, style="cyan")

    def _evidence(self, evidence: Evidence) -> Iterator[Text]:
        place = "" if evidence.start is None else f" {span(evidence.start, evidence.end or 0, self.dash)}"
        line = Text(f"    exchange {evidence.exchange}, {evidence.side}{place}  ", "dim")
        if self.width < NARROW:
            yield from self._paragraph(line.plain.strip(), indent=4, style="dim")
            line = Text("      ")
        line.append(self._short(evidence.excerpt, self.width - line.cell_len), "magenta")
        yield line

    def _calls(self) -> Iterator[Text]:
        """The calls that can be asked about."""
        for number, facts in enumerate(self.case.calls.values(), start=1):
            said = call_verdict(self.case, facts)
            state = said.code if said else _state(facts)
            line = f"  {number}  {self._named(facts)}  {counted(facts.following.count, 'delta')}, {state}"
            yield self._row(line, "red" if said else "dim")
        if more := self.case.more_calls:
            yield self._row(f"  {counted(more, 'more call')}, not kept here", "dim")
        if self.case.calls:
            yield from self._paragraph(f"{self.command} takes call N apart, delta by delta", style="dim")

    # ---- one call ---------------------------------------------------------------------------------------------------

    def call(self, facts: CallFacts) -> Iterator[Text]:
        """A call from its raw deltas to what went back."""
        following = facts.following
        yield self._row(f"  {self._named(facts)}, exchange {facts.key.exchange}", "bold cyan")
        if said := call_verdict(self.case, facts):
            yield from self._verdicts([said])
        yield from self._joined(facts)
        came = f"{counted(following.count, 'delta')}, {counted(following.bytes, 'byte')}"
        yield self._row(f"  on the wire: {came}", "bold")
        yield from self._fragments(facts)
        for found in facts.diagnostics:
            where = f" ({span(found.frame.start, found.frame.end, self.dash)})" if found.frame else ""
            yield from self._paragraph(f"{found.code}: {found.message}{where}", style=SEVERITY_STYLES[found.severity])
        yield from self._life(facts)

    def _joined(self, facts: CallFacts) -> Iterator[Text]:
        """The arguments around the place where they stop being JSON, or end too early, with a mark below it."""
        following = facts.following
        if broken := following.broken:
            number, text, at, byte = broken.fragment.number, broken.fragment.text, broken.character, broken.byte
            said = f"byte {broken.at:,} of the arguments"
        elif following.state == "incomplete" and following.last is not None:
            number, text, byte = following.last.number, following.last.text, following.ends_at
            at, said = len(text), f"it ends here, with {following.open} open"
        else:
            return
        masked = self._masked(facts)
        near = range(number - NEIGHBOURS, number + NEIGHBOURS + 1)
        before = "".join(masked.get(each, "") for each in near if each < number) + masked.get(number, text)[:at]
        after = masked.get(number, text)[at:] + "".join(masked.get(each, "") for each in near if each > number)
        where = "" if byte is None else f", byte {byte:,} of exchange {facts.key.exchange}"
        yield from self._marked(
            self._shown(before[-4 * NEAR :])[-NEAR:], self._shown(after[: 4 * NEAR])[:NEAR], f"{said}{where}"
        )

    def _marked(self, before: str, after: str, said: str) -> Iterator[Text]:
        """Text with a mark below the character after `before`."""
        room = max((self.width - 5) // 4, 6)  # a character may take two columns
        before, after = before[-room:], after[:room]
        yield Text.assemble("    ", before, (after[:1] or " ", "bold reverse red"), (after[1:], "red"))
        place = 4 + cell_len(before)
        fits = place + 2 + len(said) <= self.width
        yield Text(" " * place + ("^" if self.ascii_only else "▲") + (f" {said}" if fits else ""), "bold red")
        if not fits:
            yield from self._paragraph(said, indent=4, style="bold red")

    def _fragments(self, facts: CallFacts) -> Iterator[Text]:
        following, known, masked = facts.following, 0, self._masked(facts)
        broken = following.broken
        last = following.last if following.state == "incomplete" and not broken else None
        for fragment in following.fragments():
            if fragment.number > known + 1:
                yield self._row(f"        {fragment.number - known - 1:,} more, not kept here", "dim")
            known = fragment.number
            culprit = broken.fragment if broken else last
            is_broken = culprit is not None and culprit.number == known
            yield self._fragment(fragment, masked[known], broken=is_broken)
            if is_broken and fragment.wire and masked[known] == fragment.text:
                yield self._wire(fragment, broken.character if broken else len(fragment.text))

    def _fragment(self, fragment: Fragment, text: str, *, broken: bool) -> Text:
        mark = self.here if broken else " "
        head = f"  {mark} {fragment.number:>4}  {fragment.at:8.3f} s  "
        if self.width >= NARROW:
            place = "" if fragment.start is None else span(fragment.start, fragment.end or 0, self.dash)
            head += f"read {fragment.read:<4} {place}  "
        line = Text(head, "bold red" if broken else "dim")
        line.append(self._short(text, self.width - line.cell_len), "bold red" if broken else "")
        return line

    def _wire(self, fragment: Fragment, character: int) -> Text:
        """The frame itself around the place where it broke the arguments."""
        wire, text = self._shown(fragment.wire), self._shown(json.dumps(fragment.text, ensure_ascii=False)[1:-1])
        at = wire.find(text) if text else -1
        at = at + len(self._shown(json.dumps(fragment.text[:character], ensure_ascii=False)[1:-1])) if at >= 0 else -1
        room = self.width - 11
        begin = max(0, min(at - room // 2, len(wire) - room))
        cut = ("~" if self.ascii_only else "…") if begin else ""
        shown = f"          {fitted(cut + wire[begin:], room, ascii_only=self.ascii_only)}"
        line = Text(shown, "red")
        if at >= 0:
            place = 10 + len(cut) + at - begin
            line.stylize("bold reverse red", place, place + 1)
        return line

    # ---- what became of it ------------------------------------------------------------------------------------------

    def _life(self, facts: CallFacts) -> Iterator[Text]:
        call, result, carried = facts.call, facts.result, facts.carried
        if call is None:
            yield from self._paragraph("it was not taken as a call of its own", style="dim")
            return
        yield self._member("proposed", call.arguments)
        if decided := _decided(facts):
            yield self._member("decided", decided, "magenta")
        if facts.ran_with is not None:
            edited = facts.ran_with != call.arguments
            yield self._member(
                "ran with", facts.ran_with if edited else "what was proposed", "magenta" if edited else ""
            )
        else:
            yield self._member("ran", "never", "yellow")
        if result is not None:
            yield self._member("result", f"{result.status}: {result.output}", STYLES[result.status])
            if facts.sent_back != result.output:
                yield self._member("changed to", facts.sent_back or "", "magenta")
        if carried is None:
            yield self._member("sent on", "no later request of this turn speaks of it by its id", "dim")
            return
        yield self._row(f"  exchange {carried.exchange} carried", "bold")
        changed = carried.arguments != call.arguments and carried.arguments is not None
        sent = "not in it: the server is to know the call" if carried.arguments is None else carried.arguments or "none"
        yield self._member("arguments", sent, "yellow" if changed else "")
        yield self._member("result", "none" if carried.output is None else carried.output)

    def _member(self, name: str, text: str, style: str = "") -> Text:
        line = Text(f"  {name:<11}", "dim")
        line.append(self._short(text, self.width - line.cell_len), style)
        return line

    def _masked(self, facts: CallFacts) -> Mapping[int, str]:
        """The texts of the deltas by their numbers; a secret that is spread over several is masked in each of them."""
        texts: dict[int, str] = {}
        fragments = list(facts.following.fragments())
        for _, run in groupby(fragments, lambda fragment: fragment.number - fragments.index(fragment)):
            pieces = list(run)
            joined = "".join(fragment.text for fragment in pieces)
            masked, at = self.secrets.mask(joined)[0], 0
            for fragment in pieces:
                end = at + len(fragment.text)
                whole = len(masked) == len(joined)  # else each by itself: stars are counted in bytes
                texts[fragment.number] = masked[at:end] if whole else self.secrets.mask(fragment.text)[0]
                at = end
        return texts

    # ---- texts ------------------------------------------------------------------------------------------------------

    def _shown(self, text: str) -> str:
        shown = one_line(self.secrets.mask(text[: 4 * LONGEST])[0], LONGEST)
        return shown.encode("ascii", "backslashreplace").decode() if self.ascii_only else shown

    def _short(self, text: str, room: int) -> str:
        return fitted(self._shown(text), room, ascii_only=self.ascii_only)

    def _row(self, text: str, style: str = "") -> Text:
        return Text(fitted(text, self.width, ascii_only=self.ascii_only), style)

    def _paragraph(self, text: str, *, indent: int = 2, style: str = "") -> Iterator[Text]:
        hanging = 2 if text.startswith(self.advice) else 0
        shown, room = self._shown(text), self.width - indent
        rows = wrap(shown, room, subsequent_indent=" " * hanging, break_on_hyphens=False)
        if any(cell_len(row) > room for row in rows):  # characters of two columns, which textwrap counts as one
            rows = wrap(shown, room // 2, subsequent_indent=" " * hanging, break_on_hyphens=False)
        yield from (Text(" " * indent + row, style) for row in rows)

    def _called(self, key: CallKey) -> str:
        """What the call goes by elsewhere on the screen; of one that is not kept here only its place is known."""
        facts = self.case.calls.get(key)
        return self._named(facts) if facts else f"call {key.exchange}.{key.index}"

    def _named(self, facts: CallFacts) -> str:
        return call_named(facts.name, facts.call.call_id if facts.call else "", self.dot)


def _state(facts: CallFacts) -> str:
    if facts.result:
        return facts.result.status
    return "open" if facts.call else "said again"


def _decided(facts: CallFacts) -> str:
    who = WHO[facts.by] if facts.by else ""
    match facts.decision:
        case None:
            return ""
        case Run():
            return f"to run, {who}"
        case Edit(arguments=arguments):
            return f"edited {who}: {arguments}"
        case Mock(output=output):
            return f"answered {who}: {output}"
        case Reject(message=message):
            return f"refused {who}{f': {message}' if message else ''}"
        case Abort():
            return f"turn stopped {who}"
