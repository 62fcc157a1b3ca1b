"""A command's words as values, without the import of pydantic that Typer 0.29 makes of it, and their kinds in words.

Knows what Typer would do to a word of each plain type. Must not know any command. See
docs/decisions/005-words-are-converted-before-typer-does.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

PLAIN: dict[Any, Callable[[Any], Any]] = {
    str: str,
    float: float,
    Path: Path,
    list[str]: list,
    list[Path]: lambda words: [Path(word) for word in words],
}
_OF_PYTHON = re.compile(r"<(?:list\[(\w+)\]|(\w+) range)>")


def convert_plainly(command: Any) -> Any:
    """The same command; it and those below it convert plain words themselves, and leave all else to Typer."""
    command.get_params = partial(_parameters, command.get_params)
    for below in getattr(command, "commands", {}).values():
        convert_plainly(below)
    return command


def _parameters(as_typer_does: Callable[[Any], list[Any]], context: Any) -> list[Any]:
    """The parameters of a command, that of `--help` with them, which Typer makes when it is first asked for them."""
    parameters = as_typer_does(context)
    for parameter in parameters:
        if "process_value" not in vars(parameter):
            parameter.process_value = partial(_value, parameter, parameter.process_value)
        if hasattr(parameter, "display_type") and "display_type" not in vars(parameter):
            parameter.display_type = partial(_kind, parameter.display_type)
    return parameters


def _kind(as_typer_says: Callable[..., str], *context: Any, **named: Any) -> str:
    """What `--help` says an option takes: `<path>` where Typer says `<list[Path]>`, `<int>` for `<int range>`."""
    said = as_typer_says(*context, **named)
    kind = _OF_PYTHON.fullmatch(said)
    return f"<{(kind[1] or kind[2]).lower()}>" if kind else said


def _value(parameter: Any, as_typer_does: Callable[[Any, Any], Any], context: Any, word: Any) -> Any:
    # Where Typer has no such attribute (before 0.29), or has it no longer, it converts as it always did.
    wanted = getattr(getattr(parameter, "type_descriptor", None), "annotation", None)
    # a shell that asks what may stand next has not come to what is required
    spared = not parameter.required or context.resilient_parsing
    if word is None and wanted is not None and spared:
        value = () if getattr(parameter, "multiple", False) else None
    elif word is not None and wanted in PLAIN:
        try:
            value = PLAIN[wanted](word)
        except ValueError:
            return as_typer_does(context, word)  # which knows how to say it
    else:
        return as_typer_does(context, word)
    return parameter.callback(context, parameter, value) if parameter.callback else value
