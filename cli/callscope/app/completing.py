"""What a shell may offer behind `callscope call`: tools, their parameters, the values of these.

Knows what a tool takes. Must not run, start or fetch anything: whoever presses Tab in a folder has not said that its
code may run. What only a load can tell, the last load has remembered.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from callscope.core.errors import CallscopeError
from callscope.core.values import ToolSpec
from callscope.tools.memory import remembered
from callscope.tools.parameters import kinds, listed, plain_schemas, properties

DEFAULT_TOOLS = Path("tools.yaml")


def offers(words: Sequence[str], incomplete: str, paths: Sequence[Path]) -> list[str]:
    """What may stand next; nothing where the tools cannot be known."""
    try:
        return completions(words, incomplete, remembered(paths or [DEFAULT_TOOLS]))
    except CallscopeError:
        return []


def completions(words: Sequence[str], incomplete: str, specs: Sequence[ToolSpec]) -> list[str]:
    """A tool's name, then a parameter not given yet, or one of its values; `words` are those before."""
    if not words:
        return [spec.name for spec in specs if spec.name.startswith(incomplete)]
    spec = next((spec for spec in specs if spec.name == words[0]), None)
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
