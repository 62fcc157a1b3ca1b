"""What a person may expect of a recorded session, and where it is otherwise.

Knows the expectations by name. Everything is derived anew from the recorded bytes; with tools, the recorded calls are
checked by their schemas and run again. Must not know pytest.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from callscope.core.errors import UsageError
from callscope.core.events import (
    CallAssembled,
    Diagnostic,
    Event,
    ExchangeOpened,
    ResponseFailed,
    ToolFinished,
    ToolsChanged,
    ToolStarted,
    TurnEnded,
)
from callscope.core.naming import call_named
from callscope.core.values import CallKey, Severity, ToolCall, ToolResult
from callscope.record.deriving.rederiving import derive
from callscope.record.file.reading import RecordingFile
from callscope.tools.definitions import Tool
from callscope.tools.loading import load_tools
from callscope.tools.running.toolbox import LocalToolbox

DEFAULT: Final = ("calls valid", "no errors")

WITH_TOOLS: Final = (*DEFAULT, "results ok")
"""What is expected where nothing is named: the second, where tools run again."""

_ABSENT = re.compile(r"diagnostic:([a-z0-9_]+) absent")
_LONGEST: Final = 500


@dataclass(slots=True)
class Findings:
    """What is to be judged of a session, in order; a complaint is what is wrong with the arguments of a call."""

    exchange: int = 0
    diagnostics: list[tuple[int, Diagnostic]] = field(default_factory=list)
    calls: list[tuple[ToolCall, str | None]] = field(default_factory=list)
    started: list[ToolStarted] = field(default_factory=list)
    results: dict[CallKey, ToolResult] = field(default_factory=dict)
    failure: ResponseFailed | None = None
    turns: list[tuple[TurnEnded, ResponseFailed | None]] = field(default_factory=list)

    def take(self, event: Event, check: Callable[[ToolCall], str | None]) -> None:
        """Take one event."""
        match event:
            case ExchangeOpened(exchange=exchange):
                self.exchange, self.failure = exchange, None
            case Diagnostic():
                self.diagnostics.append((self.exchange, event))
            case CallAssembled(call=call):
                self.calls.append((call, call.fault.message if call.fault else check(call)))
            case ToolStarted():
                self.started.append(event)
            case ToolFinished(result=result):
                self.results[result.key] = result
            case ResponseFailed():
                self.failure = event
            case TurnEnded():
                self.turns.append((event, self.failure))
            case _:
                pass


def expected(named: Sequence[str], tools: Sequence[object]) -> tuple[str, ...]:
    """The expectations that were named, or those that stand where none was."""
    return tuple(named) or (WITH_TOOLS if tools else DEFAULT)


def problems(path: Path, expectations: Sequence[str], tools: Sequence[Path] = ()) -> list[str]:
    """Where a recording is not as expected, a sentence each; none where all is well.

    Raises UsageError for an expectation that nobody knows, UnusableFile for a file that cannot be used.
    """
    judges = [judge_named(expectation) for expectation in expectations]
    toolbox = LocalToolbox(load_tools(list(tools)).tools) if tools else None
    findings = _found(RecordingFile(path), toolbox)
    if toolbox is not None:
        findings.results |= asyncio.run(_run_again(findings, toolbox))
    return [problem[:_LONGEST] for judge in judges for problem in judge(findings)]


def _found(recording: RecordingFile, today: LocalToolbox | None) -> Findings:
    findings, then = Findings(), LocalToolbox([])

    def check(call: ToolCall) -> str | None:
        # the server of a remote call has its own schemas, and checks them
        return (today or then).check(call, call.arguments) if call.executor == "local" else None

    for stamped in derive(recording):
        if isinstance(stamped.event, ToolsChanged):
            then.use(Tool(spec) for spec in stamped.event.tools)
        findings.take(stamped.event, check)
    return findings


async def _run_again(findings: Findings, toolbox: LocalToolbox) -> dict[CallKey, ToolResult]:
    """The results that today's tools give for the calls that ran, one after the other."""
    calls = {call.key: call for call, _ in findings.calls}
    return {
        started.key: await toolbox.run(calls[started.key], started.arguments)
        for started in findings.started
        if started.key in calls
    }


# ---- the expectations ---------------------------------------------------------------------------------------------

Judge = Callable[[Findings], Iterable[str]]


def judge_named(expectation: str) -> Judge:
    """What judges by this expectation. Raises UsageError where there is none of this name."""
    words = " ".join(expectation.split())
    if judge := JUDGES.get(words):
        return judge
    if named := _ABSENT.fullmatch(words):
        return lambda findings: _complaints(findings, code=named[1])
    known = ", ".join((*JUDGES, "diagnostic:CODE absent"))
    raise UsageError(f"{expectation!r} is nothing that can be expected. There are: {known}.")


def _calls_valid(findings: Findings) -> Iterator[str]:
    for call, complaint in findings.calls:
        if complaint:
            yield f"{call_named(call.name, call.call_id)}: {complaint}"


def _complaints(findings: Findings, at_least: Severity = "info", code: str = "") -> Iterator[str]:
    grave = {"info": ("info", "warning", "error"), "warning": ("warning", "error"), "error": ("error",)}[at_least]
    for exchange, diagnostic in findings.diagnostics:
        if diagnostic.severity in grave and code in ("", diagnostic.code):
            yield f"exchange {exchange}: {diagnostic.severity} {diagnostic.code}: {diagnostic.message}"


def _no_errors(findings: Findings) -> Iterator[str]:
    yield from _complaints(findings, "error")
    for number, (turn, failure) in enumerate(findings.turns, start=1):
        if turn.reason == "failed":
            yield f"turn {number} failed{f': {failure.kind}: {failure.message}' if failure else ''}"


def _results_ok(findings: Findings) -> Iterator[str]:
    called = {call.key: call_named(call.name, call.call_id) for call, _ in findings.calls}
    for key, result in findings.results.items():
        if result.status in ("error", "timeout"):
            # a recording that nobody vouches for may speak of a call that never came
            named = called.get(key) or f"call {key.exchange}.{key.index}"
            yield f"result of {named}: {result.status}: {result.output}"


def _turns_completed(findings: Findings) -> Iterator[str]:
    for number, (turn, _) in enumerate(findings.turns, start=1):
        if turn.reason != "completed":
            yield f"turn {number} ended otherwise: {turn.reason}"
    if not findings.turns:
        yield "no turn came to an end"


JUDGES: dict[str, Judge] = {
    "calls valid": _calls_valid,
    "no errors": _no_errors,
    "no warnings": lambda findings: _complaints(findings, "warning"),
    "no diagnostics": _complaints,
    "results ok": _results_ok,
    "turns completed": _turns_completed,
}
"""By its name what an expectation finds wrong."""
