"""One tool call from a shell: read the arguments, check them, run, and say what came of it.

Knows what goes to stdout and what to stderr, and which exit code each ending has. Must not know how tools are loaded or
run. Nothing here waits for a person: a call typed into a shell was decided by whoever typed it.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from callscope.compose import DEFAULT_TOOLS, LiveClock
from callscope.core.errors import CallscopeError, UsageError
from callscope.core.events import Event, ItemsInserted, SettingsChanged, Stamped, ToolsChanged
from callscope.core.state import Conversation, apply
from callscope.core.values import CallKey, Settings, ToolCall, ToolResult, ToolSpec
from callscope.loop import run
from callscope.record.directories import recordings_directory
from callscope.record.masking import Secrets
from callscope.record.recorder import Recorder
from callscope.tools.definitions import InvalidArguments, LoadedTools, Tool
from callscope.tools.given import given_arguments, json_value
from callscope.tools.loading import load_tools
from callscope.tools.mock_rules import mocked
from callscope.tools.parameters import kinds, listed, plain_schemas, properties
from callscope.tools.planning import planned_run
from callscope.tools.running import LocalToolbox
from callscope.tools.words import did_you_mean
from callscope.ui.visible import visible
from callscope.version import VERSION

TIMED_OUT = 124
ERROR = 1
STDIN = "-"


@dataclass(frozen=True, slots=True)
class Written:
    """What a command line says: a tool, and its arguments in one of three forms."""

    tool: str
    words: tuple[str, ...] = ()
    args_json: str | None = None


@dataclass(frozen=True, slots=True)
class Keep:
    """That a recording is wanted, and in which folder (None: the usual one)."""

    folder: Path | None = None


def loaded(paths: Sequence[Path], mocks: Sequence[str] = ()) -> LoadedTools:
    """The tools of these files, else of ./tools.yaml, with these mocks in their place."""
    if not paths and not DEFAULT_TOOLS.exists():
        raise UsageError("There are no tools here: say where they are with --tools FILE.")
    tools = load_tools(list(paths) or [DEFAULT_TOOLS])
    for warning in tools.warnings:
        sys.stderr.write(visible(f"callscope: {warning}") + "\n")
    for rule in mocks:
        tools = mocked(tools, rule)
    return tools


def call(written: Written, tools: LoadedTools, *, seconds: float | None, as_json: bool, keep: Keep | None) -> int:
    """Call a tool and show what came of it; gives the exit code."""
    tool, made = _made(written, tools)
    result = run(_ran(made, tool, tools, seconds))
    recording = _record(made, result, tools, keep) if keep and result else None
    if as_json:
        _print(json.dumps(envelope(made, result, recording), ensure_ascii=False))
    elif result:
        show(result)
    else:
        sys.stderr.write(f"callscope: --timeout: {made.name} gave no result within {seconds:g} seconds.\n")
    return exit_code(result)


def show_plan(written: Written, tools: LoadedTools, *, as_json: bool) -> None:
    """Print what the call would run: the argument list, the request, the function. Nothing runs."""
    tool, made = _made(written, tools)
    _check(made, LocalToolbox(tools.tools))
    try:
        plan = planned_run(tool, made.arguments, os.environ)
    except InvalidArguments as problem:
        raise UsageError(f"{made.name} would not run: {problem}.") from None
    _print(json.dumps(plan.as_json(), ensure_ascii=False) if as_json else str(plan))


def _made(written: Written, tools: LoadedTools) -> tuple[Tool, ToolCall]:
    """The tool that is meant and the call of it; it came in no exchange."""
    tool = named(written, tools)
    spec = tool.spec
    return tool, ToolCall(CallKey(0, 0), "by_hand_0", spec.name, arguments_of(written, spec), spec.kind)


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
    from_stdin = STDIN in written.words
    words = [word for word in written.words if word != STDIN]
    if (written.args_json is not None) + from_stdin + bool(words) > 1:
        raise UsageError("Give the arguments in one way: key=value words, --args-json, or - for stdin.")
    if from_stdin or written.args_json == STDIN:
        return _whole(_stdin(), spec, "stdin")
    if written.args_json is not None:
        return _whole(written.args_json, spec, "--args-json")
    return given_arguments(words, spec)


def _whole(text: str, spec: ToolSpec, source: str) -> str:
    return text if spec.kind == "custom" else json_value(source, text)


def _stdin() -> str:
    if sys.stdin.isatty():
        raise UsageError("stdin is a terminal, and nothing here waits for a person: pipe the arguments in.")
    try:
        return sys.stdin.buffer.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"stdin is not UTF-8 at byte {error.start}.") from None


async def _ran(call: ToolCall, tool: Tool, tools: LoadedTools, seconds: float | None) -> ToolResult | None:
    """Check and run; None where the command's own time was up. Raises UsageError for arguments that do not fit."""
    toolbox = LocalToolbox(tools.tools)
    if tool.implementation is None:
        raise UsageError(f"{call.name} has no `run` in {tool.spec.source}: a person answers it, and here is none.")
    _check(call, toolbox)
    try:
        async with asyncio.timeout(seconds):
            return await toolbox.run(call, call.arguments)
    except TimeoutError:
        return None


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
    sys.stdout.write((visible(text) if sys.stdout.isatty() else text) + "\n")
    sys.stdout.flush()


def _message(output: str) -> str:
    """The sentence in an error object, else the output as it is."""
    try:
        return str(json.loads(output)["error"]["message"])
    except (ValueError, TypeError, KeyError):
        return output


def complete(words: Sequence[str], incomplete: str, paths: Sequence[Path]) -> list[str]:
    """What a shell may offer; nothing where the tools cannot be loaded."""
    try:
        return completions(words, incomplete, loaded(paths))
    except CallscopeError:
        return []


def completions(words: Sequence[str], incomplete: str, tools: LoadedTools) -> list[str]:
    """What may stand next on the command line: a tool's name, then a parameter not given yet, or one of its values."""
    if not words:
        return [spec.name for spec in tools.specs if spec.name.startswith(incomplete)]
    spec = next((spec for spec in tools.specs if spec.name == words[0]), None)
    known = properties(spec) if spec else {}
    name, separator, _ = incomplete.partition("=")
    if spec and separator and name in known:
        parts = plain_schemas(known[name], spec.parameters)
        values = [value for part in parts for value in listed(part)]
        values = values or ["true", "false"] * any("boolean" in kinds(part) for part in parts)
        written = [f"{name}={value if isinstance(value, str) else json.dumps(value)}" for value in values]
        return [word for word in written if word.startswith(incomplete)]
    given = {word.partition("=")[0].removesuffix(":") for word in words[1:]}
    return [f"{name}=" for name in known if name not in given and name.startswith(incomplete)]
