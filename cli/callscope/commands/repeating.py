"""What `replay` does where it runs a session again: who answers, how often, and what a person is told of it.

Knows the options, the lines and the exit codes. Must not know Typer, nor how a run is driven or compared.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast, get_args

from callscope.core.errors import UnusableFile, UsageError
from callscope.core.ports import Clock, Sink
from callscope.loop import run
from callscope.record.file.reading import RecordingFile
from callscope.record.matching.ignoring import Ignored
from callscope.record.matching.requests import Level
from callscope.record.recorder import Recorder
from callscope.record.rerunning.divergence import Divergence
from callscope.record.rerunning.report import DIVERGED, RerunReport
from callscope.record.rerunning.rerunning import Answers, rerun
from callscope.record.rerunning.sameness import Terms
from callscope.record.rerunning.script import Script, script_of
from callscope.version import VERSION

from .showing import Shown, say, shown_to
from .standing_in import Cast, Roles, announced
from .standing_in import cast as cast_of

INTERRUPTED = 130
SERVERS = ("recorded", "live")

MOST_TOLD = 5
"""Divergences that a person is told in full; the rest is counted."""

MOST_PATHS = 10
"""Lines of one of them."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the options of `replay` that run a session again ask for; None or empty where they say nothing."""

    server: str | None = None
    calls: str | None = None
    tools: tuple[Path, ...] = ()
    mock: tuple[str, ...] = ()
    model: str | None = None
    url: str | None = None
    key_env: str | None = None
    match: str | None = None
    ignore: tuple[str, ...] = ()
    slower: float | None = None
    runs: int | None = None
    record: bool = False
    recordings: Path | None = None

    @property
    def given(self) -> list[str]:
        """The options that were given."""
        options = {
            "--server": self.server,
            "--calls": self.calls,
            "--tools": self.tools,
            "--mock": self.mock,
            "--model": self.model,
            "--url": self.url,
            "--key-env": self.key_env,
            "--match": self.match,
            "--ignore": self.ignore,
            "--slower": self.slower,
            "--runs": self.runs,
            "--record": self.record,
            "--recordings": self.recordings,
        }
        return [name for name, value in options.items() if value]


def repeat(file: Path, asked: Asked, beside: Sequence[str], *, as_json: bool) -> int:
    """Run a recorded session again and compare; gives the exit code. `beside` are options that only show one."""
    _refuse_what_means_nothing(asked, beside)
    roles = _roles(asked)
    recording = RecordingFile(file)
    terms = _terms(asked, recording)
    script = script_of(recording)
    for warning in recording.warnings:
        say(f"callscope: {warning}")
    if not script.turns:
        raise UnusableFile(f"{file} has no turn that could run again: it holds no words of a person.")
    runs = _Runs(recording, script, roles, terms, asked)
    with shown_to(file, as_json=as_json) as shown:
        try:
            reports = run(runs.run(shown))
            shown.exit_code = _exit_code(reports)
        except KeyboardInterrupt:
            shown.exit_code, shown.error = INTERRUPTED, "interrupted"
            return INTERRUPTED
    if runs.recorded:
        say(f"recorded in {', '.join(map(str, runs.recorded))}")
    if len(reports) == 1:
        _tell(reports[0])
    else:
        say(f"callscope: {sum(report.same for report in reports)} of {len(reports)} the same")
    return shown.exit_code


class _Runs:
    """One run or several, one after the other."""

    def __init__(self, recording: RecordingFile, script: Script, roles: Roles, terms: Terms, asked: Asked) -> None:
        self.recorded: list[Path] = []
        self._recording = recording
        self._script = script
        self._roles = roles
        self._terms = terms
        self._asked = asked
        self._count = asked.runs or 1

    async def run(self, shown: Shown) -> list[RerunReport]:
        """Run them; several are told one by one, a single one is shown as it goes."""
        reports: list[RerunReport] = []
        async with cast_of(self._roles, self._recording.path, self._script) as parts:
            for sentence in (*parts.notices, *announced(self._roles, self._script, self._count)):
                say(sentence)
            for number in range(1, self._count + 1):
                report = await self._once(parts, shown)
                reports.append(report)
                if shown.json_lines is not None:
                    for line in _json_of(report, number):
                        shown.json_lines.write(line)
                elif self._count > 1:
                    say(f"run {number} of {self._count}: {report}")
        return reports

    async def _once(self, parts: Cast, shown: Shown) -> RerunReport:
        toolbox = parts.toolbox() if parts.toolbox else None
        gate = parts.gate(toolbox) if toolbox and self._roles.calls == "ask" else None
        recorder = self._recorder(parts) if self._asked.record else None
        views: Sequence[Sink] = shown.sinks if self._count == 1 else ()
        with closing(recorder) if recorder else nullcontext():
            return await rerun(
                self._recording,
                live=parts.live,
                calls=self._roles.calls,
                gate=gate,
                toolbox=toolbox,
                sinks=[*([recorder] if recorder else []), *views],
                terms=self._terms,
                script=self._script,
            )

    def _recorder(self, parts: Cast) -> Recorder:
        from callscope.record.file.directories import recordings_directory

        folder = recordings_directory(self._asked.recordings, os.environ)
        clock: Clock = parts.live.clock if parts.live else _FromZero()
        recorder = Recorder.create(
            folder,
            secrets=parts.secrets,
            clock=clock,
            program=VERSION,
            parent=self._recording.path.name,
            ignore=self._terms.ignored.paths,
        )
        self.recorded.append(recorder.path)
        return recorder


class _FromZero:
    """The clock by which a run without a server counts: seconds since the header of its recording."""

    def now(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        """Nobody waits."""


# ---- options ------------------------------------------------------------------------------------------------------


def _refuse_what_means_nothing(asked: Asked, beside: Sequence[str]) -> None:
    first = asked.given[0]
    for option, does in (("--accept", "rewrites what is derived"), ("--rechunk", "compares")):
        if option in beside:
            raise UsageError(f"{option} {does} and shows nothing: {first} says nothing beside it.")
    if beside:
        raise UsageError(f"{beside[0]} is for showing a recording; a run of it ({first}) takes no time.")
    live, calls = asked.server == "live", asked.calls or "recorded"
    rules = [
        (bool(asked.tools) and calls == "recorded", "--tools says which tools run again: it needs --calls run."),
        (bool(asked.mock) and calls not in ("mock", "ask"), "--mock answers calls: it needs --calls mock."),
        (calls == "run" and not asked.tools, "--calls run runs tools again: say which with --tools FILE."),
        (bool(asked.recordings) and not asked.record, "--recordings says where --record writes: give that, too."),
    ]
    for name, value in (("--model", asked.model), ("--url", asked.url), ("--key-env", asked.key_env)):
        rules.append((bool(value) and not live, f"{name} is about a server that answers now: it needs --server live."))
    for name, number in (("--runs", asked.runs), ("--slower", asked.slower)):
        fixed = not live and calls == "recorded"
        alike = f"{name}: recorded answers and results are alike each time; say --server live, or --calls run."
        rules.append((bool(number) and fixed, alike))
    if asked.match == "wire" and asked.ignore:
        rules.append((True, "--match wire compares bytes, which have no paths to leave out: drop --ignore."))
    for wrong, sentence in rules:
        if wrong:
            raise UsageError(sentence)


def _roles(asked: Asked) -> Roles:
    server = _one_of("--server", asked.server or "recorded", SERVERS)
    calls = _one_of("--calls", asked.calls or "recorded", get_args(Answers))
    return Roles(
        server == "live", cast("Answers", calls), asked.tools, asked.mock, asked.url, asked.model, asked.key_env
    )


def _terms(asked: Asked, recording: RecordingFile) -> Terms:
    level = cast("Level", _one_of("--match", asked.match or "semantic", get_args(Level)))
    if asked.slower is not None and asked.slower < 1:
        raise UsageError("--slower: write how many times as long something may take, 1 or more.")
    kept = () if level == "wire" else recording.header.ignore
    try:
        return Terms(level, Ignored.of((*kept, *asked.ignore)), asked.slower)
    except UsageError as error:
        if any(path in str(error) for path in asked.ignore) or not kept:
            raise
        raise UnusableFile(f"{recording.path}, line 1: {error}") from None


def _one_of(option: str, said: str, words: Sequence[str]) -> str:
    if said not in words:
        raise UsageError(f"{option} {said}: write {', '.join(words[:-1])} or {words[-1]}.")
    return said


# ---- what is told -------------------------------------------------------------------------------------------------


def _exit_code(reports: Sequence[RerunReport]) -> int:
    """The worst: a server that did not answer leaves the question open, which is more than an answer of no."""
    return max((report.exit_code for report in reports), default=DIVERGED)


OPEN = (
    "It stopped there: the server did not answer. Whether all of it happens again is an open question; --url names "
    "where the server is now (for a recording of `callscope demo`: `callscope serve --demo --port N`, then "
    "--url http://127.0.0.1:N/v1)."
)


def _tell(report: RerunReport) -> None:
    if report.unreachable and report.count <= 1:  # the one divergence is that nobody answered
        say(f"callscope: {OPEN}")
        return
    if report.count > 1 or any(_has_more(one) for one in report.divergences):
        for one in report.divergences[:MOST_TOLD]:
            lines = one.sentences()
            for line in lines[: MOST_PATHS + 1]:
                say(line)
            if len(lines) > MOST_PATHS + 1:
                say(f"  and {len(lines) - MOST_PATHS - 1} more lines (--json has them)")
        if report.count > MOST_TOLD:
            say(f"and {report.count - MOST_TOLD} more divergences")
    say(f"callscope: {report}")


def _has_more(one: Divergence) -> bool:
    return len(one.differences) > 1 or one.nearest not in (None, one.exchange)


def _json_of(report: RerunReport, number: int) -> list[dict[str, Any]]:
    lines = [{"event": "divergence", "run": number, **one.as_json()} for one in report.divergences]
    return [*lines, {"event": "verdict", "run": number, **report.as_json()}]
