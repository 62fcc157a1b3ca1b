"""A command line with places for arguments: filled, then run without a shell.

Knows that a value fills exactly one argument, a list several, and that none of them becomes an option by itself. Must
not know how a process is ended.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from callscope.tools.answers import Answer, concealed, failed, invalid, tail
from callscope.tools.definitions import Tool
from callscope.tools.invalid import InvalidArguments
from callscope.tools.outgoing import CommandLine
from callscope.tools.templates import Filling, MissingVariable, Template, fill

from .outputs import written_text
from .prints import Prints
from .processes import Finished, run_process, stopped_early

_NUMBER = re.compile(r"-[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?")


@dataclass(frozen=True, slots=True)
class FilledCommand:
    """What is executed: the argument list, and the variables that are set for it."""

    words: tuple[str, ...]
    folder: Path
    environment: Mapping[str, str]


def fill_command(line: CommandLine, filling: Filling) -> FilledCommand:
    """Put the values in; raises InvalidArguments and MissingVariable. A group with an absent value is left out."""
    program, *rest = line.words
    words = [fill(template, filling) or "" for template in program]
    options_end = "--" in words
    for group in rest:
        filled = list(_group(group, filling, options_end=options_end))
        options_end = options_end or "--" in filled
        words += filled
    texts = ((name, fill(template, filling)) for name, template in line.environment)
    environment = {name: _storable(text, name) for name, text in texts if text is not None}
    return FilledCommand(tuple(words), line.folder, environment)


async def run_command(
    tool: Tool, line: CommandLine, filling: Filling, stdin: str, prints: Prints, environment: Mapping[str, str]
) -> Answer:
    """Run it: stdout is the output, what it writes to stderr is for the person and for the error."""
    secrets = filling.secret_values(line.secrets)
    try:
        command = fill_command(line, filling)
        finished = await run_process(
            command.words,
            stdin=stdin.encode("utf-8", "replace"),
            folder=command.folder,
            environment={**_inherited(line, environment), **command.environment},
            patience=tool.timeout,
            keep=4 * tool.limit + 4,
        )
    except InvalidArguments as problem:
        return invalid(problem)
    except MissingVariable as name:
        return failed(
            "tool_unavailable", f"{tool.spec.name} cannot run: the variable {name}, which it needs, is unset."
        )
    except (OSError, ValueError) as trouble:
        return failed("tool_unavailable", concealed(_not_started(tool, line, trouble), secrets))
    return _answer(tool, line, finished, prints, secrets)


def _answer(tool: Tool, line: CommandLine, finished: Finished, prints: Prints, secrets: Iterable[str]) -> Answer:
    errors = concealed(finished.errors.decode("utf-8", "replace"), secrets)
    prints.write(errors)
    if finished.errors_dropped:
        prints.write(f"\n[callscope: {finished.errors_dropped:,} more bytes were written to stderr]\n")
    if stopped := stopped_early(tool, finished):
        return stopped
    output, notes = written_text(finished.output, finished.dropped, tool.limit, lambda text: concealed(text, secrets))
    for note in notes:
        prints.write(f"[callscope: {note}]\n")
    if finished.code == 0:
        return output, "ok"
    said = tail(errors) or tail(output)
    words = f"{line.words[0][0]} ended with {finished.ending}" + (f": {said}" if said else ", and said nothing.")
    return failed("exit_status", words)


def _inherited(line: CommandLine, environment: Mapping[str, str]) -> Mapping[str, str]:
    """The environment without the file's secrets: a program is handed those that its definition names."""
    return {name: value for name, value in environment.items() if name not in line.secrets}


def _not_started(tool: Tool, line: CommandLine, trouble: OSError | ValueError) -> str:
    program = str(line.words[0][0])
    if isinstance(trouble, FileNotFoundError) and line.folder.is_dir() and shutil.which(program) is None:
        return f"{tool.spec.name} cannot run: there is no program {program}; install it, or write its path."
    if isinstance(trouble, FileNotFoundError) and not line.folder.is_dir():
        return f"{tool.spec.name} cannot run: there is no folder {line.folder}."
    reason = trouble.strerror if isinstance(trouble, OSError) else str(trouble)
    return f"{tool.spec.name} cannot run: {program} could not be started: {reason}."


# ---- from templates to arguments ----------------------------------------------------------------------------------


def _group(group: tuple[Template, ...], filling: Filling, *, options_end: bool) -> Iterator[str]:
    """The arguments of a group; none at all where a value in it is absent."""
    words: list[str] = []
    for template in group:
        filled = _word(template, filling)
        if filled is None:
            return
        if template.only and not options_end and "--" not in words:
            _refuse_options(filled, template.only)
        words += filled
    yield from words


def _word(template: Template, filling: Filling) -> list[str] | None:
    """One argument, or one for each item of the list that is its only value."""
    names = template.arguments
    value = filling.value(names[0]) if len(names) == 1 else None
    if isinstance(value, list):
        (name,) = names
        each = (Filling({**filling.arguments, name: item}, filling.environment, filling.shown) for item in value)
        return [_storable(text, name) for item in each if (text := fill(template, item)) is not None]
    text = fill(template, filling)
    return None if text is None else [_storable(text, names[0] if names else "")]


def _refuse_options(words: list[str], name: str) -> None:
    """What begins with a dash would be read as an option; a negative number is what it says."""
    if any(word.startswith("-") and not _NUMBER.fullmatch(word) for word in words):
        raise InvalidArguments([(name, f"{name} begins with a dash, which the program would take for an option")])


def _storable(text: str, name: str) -> str:
    """Text that an argument or a variable can hold."""
    if "\0" in text:
        raise InvalidArguments([(name, f"{name} holds a NUL character, which no command line can")])
    return text.encode("utf-8", "replace").decode()
