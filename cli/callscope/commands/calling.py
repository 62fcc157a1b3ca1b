"""One tool call from a shell: read the arguments, check them, run, and say what came of it.

Knows what goes to stdout and what to stderr, and which exit code each ending has. Must not know how tools are loaded or
run. Nothing here waits for a person: a call typed into a shell was decided by whoever typed it.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from callscope.compose import DEFAULT_TOOLS, LiveClock
from callscope.core.errors import UsageError
from callscope.core.events import Event, ItemsInserted, SettingsChanged, Stamped, ToolsChanged
from callscope.core.json_text import json_line
from callscope.core.state import Conversation, apply
from callscope.core.values import CallKey, Settings, ToolCall, ToolResult, ToolSpec
from callscope.core.visible import visible
from callscope.loop import run
from callscope.record.file.directories import recordings_directory
from callscope.record.recorder import Recorder
from callscope.record.secrets.masking import Secrets
from callscope.tools.definitions import LoadedTools, Tool
from callscope.tools.given import given_arguments, json_value
from callscope.tools.invalid import InvalidArguments
from callscope.tools.loading import load_tools
from callscope.tools.memory import remember
from callscope.tools.planning import planned_run
from callscope.tools.reading.mock_rules import mocked
from callscope.tools.running.threads import ThreadedCall
from callscope.tools.running.toolbox import LocalToolbox
from callscope.tools.words import did_you_mean
from callscope.version import VERSION

TIMED_OUT = 124
ERROR = 1
STDIN = "-"
BY_HAND = "by_hand_0"


@dataclass(frozen=True, slots=True)
class Written:
    """What a command line says: a tool, and its arguments in one of three forms; `stdin` is what came there."""

    tool: str
    words: tuple[str, ...] = ()
    args_json: str | None = None
    stdin: str | None = None


@dataclass(frozen=True, slots=True)
class Sources:
    """Where tools come from: files, else ./tools.yaml; and mocks that stand in the place of some."""

    files: tuple[Path, ...] = ()
    mocks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Keep:
    """That a recording is wanted, and in which folder (None: the usual one)."""

    folder: Path | None = None


def call(written: Written, sources: Sources, *, seconds: float | None, as_json: bool, keep: Keep | None) -> int:
    """Call a tool and show what came of it; gives the exit code."""
    made, tools, result = run(_called(_heard(written), sources, seconds))
    recording = _record(made, result, tools, keep) if keep and result else None
    if as_json:
        _write(json_line(envelope(made, result, recording)))
    elif result:
        show(result)
    else:
        sys.stderr.write(f"callscope: --timeout: {written.tool} gave no result within {seconds:g} seconds.\n")
    return exit_code(result)


def show_plan(written: Written, sources: Sources, *, as_json: bool) -> None:
    """Print what the call would run: the argument list, the request, the function. Nothing runs."""
    written = _heard(written)
    tools = run(_loaded(sources))
    tool, made = _made(written, tools)
    _check(made, LocalToolbox(tools.tools))
    try:
        plan = planned_run(tool, made.arguments, os.environ)
    except InvalidArguments as problem:
        raise UsageError(f"{made.name} would not run: {problem}.") from None
    if as_json:
        _write(json_line(plan.as_json()))
    else:
        _print(str(plan))


async def _loaded(sources: Sources) -> LoadedTools:
    """The tools, with the mocks in their place; loaded beside the loop, for a server may take its time to start."""
    if not sources.files and not DEFAULT_TOOLS.exists():
        raise UsageError("There are no tools here: say where they are with --tools FILE.")
    paths = list(sources.files) or [DEFAULT_TOOLS]
    tools = await ThreadedCall(lambda _: load_tools(paths), "load").result(math.inf)
    remember(paths, tools.specs)
    for warning in tools.warnings:
        sys.stderr.write(visible(f"callscope: {warning}") + "\n")
    for rule in sources.mocks:
        tools = mocked(tools, rule)
    return tools


def _made(written: Written, tools: LoadedTools) -> tuple[Tool, ToolCall]:
    """The tool that is meant and the call of it; it came in no exchange."""
    tool = named(written, tools)
    spec = tool.spec
    return tool, ToolCall(CallKey(0, 0), BY_HAND, spec.name, arguments_of(written, spec), spec.kind)


def named(written: Written, tools: LoadedTools) -> Tool:
    """The tool that is meant. Raises UsageError."""
    tool = next((tool for tool in tools.tools if tool.spec.name == written.tool), None)
    if tool is None:
        names = [spec.name for spec in tools.specs]
        hint = did_you_mean(written.tool, names)
        raise UsageError(f"There is no tool {written.tool}{hint}; there are: {', '.join(names) or 'none'}.")
    if tool.spec.approve == "never":
        raise UsageError(f"{tool.spec.name} has approve: never in {tool.spec.source}; change that to call it.")
    return tool


def arguments_of(written: Written, spec: ToolSpec) -> str:
    """The arguments as JSON text (for a custom tool: as text). Raises UsageError."""
    if written.stdin is not None:
        return _whole(written.stdin, spec, "stdin")
    if written.args_json is not None:
        return _whole(written.args_json, spec, "--args-json")
    return given_arguments(written.words, spec)


def _heard(written: Written) -> Written:
    """The same with what stdin says, where it is to be read: before there is a loop, so that Ctrl-C ends it."""
    from_stdin = STDIN in written.words
    if (written.args_json is not None) + from_stdin + (len(written.words) > from_stdin) > 1:
        raise UsageError("Give the arguments in one way: key=value words, --args-json, or - for stdin.")
    return replace(written, stdin=_stdin()) if from_stdin or written.args_json == STDIN else written


def _whole(text: str, spec: ToolSpec, source: str) -> str:
    return text if spec.kind == "custom" else json_value(source, text)


def _stdin() -> str:
    if sys.stdin.isatty():
        raise UsageError("stdin is a terminal, and nothing here waits for a person: pipe the arguments in.")
    try:
        return sys.stdin.buffer.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"stdin is not UTF-8 at byte {error.start}.") from None


async def _called(
    written: Written, sources: Sources, seconds: float | None
) -> tuple[ToolCall, LoadedTools, ToolResult | None]:
    """Load, check and run; no result where the command's own time was up. Raises UsageError for what does not fit."""
    made, tools = ToolCall(CallKey(0, 0), BY_HAND, written.tool, ""), LoadedTools()
    try:
        async with asyncio.timeout(seconds):
            tools = await _loaded(sources)
            tool, made = _made(written, tools)
            toolbox = LocalToolbox(tools.tools)
            if tool.implementation is None:
                words = f"{made.name} has no `run` in {tool.spec.source}: a person answers it, and here is none."
                raise UsageError(words)
            _check(made, toolbox)
            return made, tools, await toolbox.run(made, made.arguments)
    except TimeoutError:
        return made, tools, None


def _check(call: ToolCall, toolbox: LocalToolbox) -> None:
    if problem := toolbox.check(call, call.arguments):
        raise UsageError(f"{call.name} was not run: {problem}.")


def _record(call: ToolCall, result: ToolResult, tools: LoadedTools, keep: Keep) -> Path:
    """Write a recording that holds this call alone; gives where it is."""
    secrets = Secrets([os.environ.get(name, "") for name in tools.secrets])
    folder, clock = recordings_directory(keep.folder, os.environ), LiveClock()
    recorder = Recorder.create(folder, secrets=secrets, clock=clock, program=VERSION)
    conversation = Conversation()
    try:
        events: tuple[Event, ...] = (
            SettingsChanged(Settings()),
            ToolsChanged(tools.specs),
            ItemsInserted((call, result)),
        )
        for seq, event in enumerate(events, 1):
            conversation = apply(conversation, event)
            recorder.handle(Stamped(seq, clock.now(), event), conversation)
    finally:
        recorder.close()
    return recorder.path


def exit_code(result: ToolResult | None) -> int:
    """0 for a result, 1 for an error, 124 where the command's own time was up."""
    if result is None:
        return TIMED_OUT
    return 0 if result.status in ("ok", "mocked") else ERROR


def envelope(call: ToolCall, result: ToolResult | None, recording: Path | None) -> dict[str, Any]:
    """The members of the one line that --json prints (docs/json-lines.md)."""
    return {
        "event": "ended",
        "tool": call.name,
        "arguments": call.arguments,
        "status": result.status if result else "timeout",
        "output": result.output if result else None,
        "duration": round(result.duration, 6) if result else None,
        "prints": result.prints if result else "",
        "exit_code": exit_code(result),
        "recording": str(recording) if recording else None,
    }


def show(result: ToolResult) -> None:
    """A result goes to stdout; what a tool printed, and an error, to stderr."""
    if result.prints:
        sys.stderr.write(visible(result.prints.removesuffix("\n")) + "\n")
    if exit_code(result) == 0:
        _print(result.output.removesuffix("\n"))
    else:
        sys.stderr.write(visible(f"callscope: {result.status}: {_message(result.output)}") + "\n")


def _print(text: str) -> None:
    _write(visible(text) if sys.stdout.isatty() else text)


def _write(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _message(output: str) -> str:
    """The sentence in an error object, else the output as it is."""
    try:
        return str(json.loads(output)["error"]["message"])
    except (ValueError, TypeError, KeyError):
        return output
