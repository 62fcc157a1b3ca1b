"""What `tools list`, `show` and `schema` do.

Knows how definitions are told to a person and to a script. Must not know Typer, nor how a definition is read.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from callscope.compose import DEFAULT_TOOLS
from callscope.core.errors import UsageError
from callscope.core.json_text import json_line
from callscope.core.values import Settings, ToolSpec
from callscope.core.visible import visible, visible_json


def list_tools(paths: Sequence[Path] | None, *, as_json: bool) -> None:
    """Print a line a tool."""
    for spec in _specs(paths):
        if as_json:
            line = {"name": spec.name, "kind": spec.kind, "approve": spec.approve, "source": spec.source}
            _write(json_line({**line, "description": spec.description}))
        else:
            _print(f"{spec.name:<24} {' '.join(spec.description.split())}")


def show_tool(name: str, paths: Sequence[Path] | None) -> None:
    """Print what is known of a tool."""
    spec = _named(name, _specs(paths))
    approve = f", approve: {spec.approve}" if spec.approve else ""
    _print(f"{spec.name}  ({spec.kind}{approve})\n{spec.source}\n\n{spec.description}\n")
    _write(_indented(dict(spec.parameters)))


def print_schema(
    name: str | None, paths: Sequence[Path] | None, dialect: str, *, strict: bool | None, forms: Sequence[str]
) -> None:
    """Print definitions as a request in this dialect carries them; what has no place in it is told on stderr."""
    from callscope.choosing import forms_from
    from callscope.dialects.registry import definitions

    specs = _specs(paths)
    settings = Settings(dialect=dialect, strict=strict, tool_forms=forms_from(forms))
    written, notices = definitions(settings, [_named(name, specs)] if name else specs)
    for notice in notices:
        _say(notice)
    if written or not name:
        _write(_indented(written[0] if name else written))


def _specs(paths: Sequence[Path] | None) -> Sequence[ToolSpec]:
    from callscope.tools.loading import load_tools
    from callscope.tools.memory import remember

    if not paths and not DEFAULT_TOOLS.exists():
        raise UsageError("There are no tools here: say where they are with --tools FILE.")
    paths = list(paths or [DEFAULT_TOOLS])
    tools = load_tools(paths)
    for warning in tools.warnings:
        _say(warning)
    remember(paths, tools.specs)
    return tools.specs


def _named(name: str, specs: Sequence[ToolSpec]) -> ToolSpec:
    for spec in specs:
        if spec.name == name:
            return spec
    raise UsageError(f"There is no tool {name!r}; there are: {', '.join(spec.name for spec in specs)}.")


def _say(text: str) -> None:
    sys.stderr.write(visible(text) + "\n")
    sys.stderr.flush()


def _indented(value: Any) -> str:
    return visible_json(json.dumps(value, indent=2, ensure_ascii=False))


def _print(text: str) -> None:
    _write(visible(text) if sys.stdout.isatty() else text)


def _write(line: str) -> None:
    sys.stdout.write(line + "\n")
