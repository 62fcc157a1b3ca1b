"""How findings are told: a table for people, JSON lines for programs.

Knows Rich and JSON. Must not know how anything was found. Whatever a peer said is shown, never obeyed, and without the
secrets that `mask` knows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from callscope.core.json_text import json_line
from callscope.core.visible import one_line

from .report import Came, Finding

MARKS: Final[Mapping[Came, tuple[str, str]]] = {
    "pass": ("ok", "green"),
    "fail": ("FAIL", "bold red"),
    "not_shown": ("?", "yellow"),
    "not_asked": ("-", "dim"),
}
LONGEST_CAME: Final = 200
LONGEST_SHOWN: Final = 600

Told = Mapping[str, Sequence[Finding]]
"""Findings by model, the rules of each in the same order."""

Mask = Callable[[str], str]


def print_findings(console: Console, told: Told, mask: Mask) -> None:
    """Print a table with a column for each model, then what is broken, one by one."""
    _print(console, _table(told, mask))
    for model, findings in told.items():
        broken = [one for one in findings if one.outcome == "fail"]
        for one in sorted(broken, key=lambda one: not one.is_failure):
            console.print()
            _print(console, _details(one, model if len(told) > 1 else "", mask))
    console.print()
    legend = "ok holds   FAIL broken (fail: recommended, no: informational)   ? not shown"
    console.print(Text(legend, "dim"))


def _print(console: Console, table: Table) -> None:
    """Print a table; where nobody looks on, without the blanks that fill its last column."""
    if console.is_terminal:
        console.print(table)
        return
    with console.capture() as captured:
        console.print(table)
    console.print(Text("\n".join(line.rstrip() for line in captured.get().splitlines())), soft_wrap=True)


def _table(told: Told, mask: Mask) -> Table:
    table = Table(box=None, pad_edge=False, show_edge=False, header_style="dim")
    single = len(told) == 1
    for model in told:
        table.add_column("" if single else one_line(model, 24), no_wrap=single, overflow="fold")
    table.add_column("rule", no_wrap=True)
    table.add_column("level", no_wrap=True)
    table.add_column("what came, or was asked", overflow="fold")
    for row in zip(*told.values(), strict=True):
        if all(one.outcome == "not_asked" for one in row):
            continue
        worst = next((one for outcome in MARKS_WORST for one in row if one.outcome == outcome), row[0])
        marks = (_mark(one) for one in row)
        table.add_row(*marks, Text(worst.rule.id), Text(worst.rule.level, "dim"), _said(worst, mask))
    return table


def _said(finding: Finding, mask: Mask) -> Text:
    """What came; of a rule that holds in one line, and what was asked where nothing else is to be said."""
    came = one_line(mask(finding.came), LONGEST_CAME)
    if finding.outcome != "pass":
        return Text(came, "" if finding.outcome == "fail" else "dim")
    return Text(came or finding.rule.asked.rstrip("."), "dim", no_wrap=True, overflow="ellipsis")


FEW: Final = 5
"""So many rules that were not asked are named."""

MARKS_WORST: Final[tuple[Came, ...]] = ("fail", "not_shown", "pass", "not_asked")


def _mark(finding: Finding) -> Text:
    word, style = MARKS[finding.outcome]
    if finding.outcome == "fail" and finding.rule.level != "required":
        word, style = ("fail", "yellow") if finding.rule.level == "recommended" else ("no", "cyan")
    return Text(word, style)


def _details(finding: Finding, model: str, mask: Mask) -> Table:
    rule = finding.rule
    times = f", {finding.times} times" if finding.times > 1 else ""
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True, style="dim")
    table.add_column(overflow="fold")
    lines = [("asked", rule.asked), ("came", one_line(mask(finding.came), LONGEST_SHOWN))]
    if finding.evidence:
        place = f"exchange {finding.exchange}, bytes {finding.evidence.start:,} to {finding.evidence.end:,}"
        lines.append(("frame", f"{place}: {one_line(mask(finding.evidence.text), LONGEST_SHOWN)}"))
    elif finding.exchange is not None:
        lines.append(("where", f"exchange {finding.exchange}"))
    lines += [("breaks", rule.breaks)] if rule.breaks else []
    for name, words in lines:
        table.add_row(Text(f"  {name}"), Text(words))
    table.title = Text.assemble(
        (rule.id, "bold"), f" ({rule.level}{times}){f' {one_line(model, 40)}' if model else ''}"
    )
    table.title_justify = "left"
    return table


def summary(told: Told) -> str:
    """How many rules are broken and how many hold, in a sentence."""
    every = [one for findings in told.values() for one in findings]
    required = sum(one.is_failure for one in every)
    others = sum(one.outcome == "fail" and one.rule.level == "recommended" for one in every)
    held = sum(one.outcome == "pass" for one in every)
    unseen = sum(one.outcome == "not_shown" for one in every)
    unasked = sum(one.outcome == "not_asked" for one in every)
    holds = f"{held} {'holds' if held == 1 else 'hold'}"
    were = f"{unasked} {'was' if unasked == 1 else 'were'} not asked{_named(every) if unasked <= FEW else ''}"
    return f"{required} required and {others} recommended rules broken, {holds}, {unseen} could not be shown, {were}"


def _named(findings: Sequence[Finding]) -> str:
    names = dict.fromkeys(one.rule.id for one in findings if one.outcome == "not_asked")
    return f" ({', '.join(names)})" if names else ""


def finding_line(finding: Finding, model: str, mask: Mask) -> str:
    """A finding as a JSON line."""
    rule, evidence = finding.rule, finding.evidence
    members: dict[str, Any] = {
        "event": "finding",
        "model": model,
        "rule": rule.id,
        "level": rule.level,
        "outcome": finding.outcome,
        "asked": rule.asked,
        "came": mask(finding.came),
        "breaks": rule.breaks,
        "times": finding.times,
        "exchange": finding.exchange,
        "frame": evidence and {"start": evidence.start, "end": evidence.end, "text": mask(evidence.text)},
    }
    return json_line(members)
