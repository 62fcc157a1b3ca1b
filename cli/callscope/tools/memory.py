"""What tools there are, as far as it can be known without running, starting or fetching anything.

Knows which parts of a tools file are plain text, and where the rest is remembered from the last load. Must not know who
asks.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from callscope.core.values import ToolSpec
from callscope.tools.reading.definitions import read_tools
from callscope.tools.reading.documents import read_document

from .definitions import PythonFunction, Signature

PLAIN_KEYS = ("include", "secrets", "variables", "defaults", "tools")
"""What a file says by itself; what stands under its other keys is learned from modules, servers and other documents."""


def remembered(paths: Sequence[Path]) -> list[ToolSpec]:
    """What these files define, and what the last load of them found besides. Raises UnusableFile."""
    specs = {spec.name: spec for spec in _recalled(paths)}
    for path in paths:
        if path.suffix != ".py" and path.exists():
            for spec in _declared(path, ()):
                specs[spec.name] = spec if spec.parameters else specs.get(spec.name, spec)
    return list(specs.values())


def remember(paths: Sequence[Path], specs: Iterable[ToolSpec]) -> None:
    """Keep the names and the parameters of what a load of these files found; a cache that cannot be written is none."""
    text = json.dumps([{"name": spec.name, "parameters": spec.parameters} for spec in specs], ensure_ascii=False)
    file = _file(paths)
    with contextlib.suppress(OSError):
        if file.exists() and file.read_text(encoding="utf-8") == text:
            return
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        new = file.with_suffix(f".{os.getpid()}")
        new.write_text(text, encoding="utf-8")
        new.replace(file)


def _recalled(paths: Sequence[Path]) -> list[ToolSpec]:
    try:
        known = json.loads(_file(paths).read_text(encoding="utf-8"))
        return [ToolSpec(str(one["name"]), parameters=_object(one["parameters"])) for one in known]
    except (OSError, ValueError, TypeError, KeyError):
        return []


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _file(paths: Sequence[Path]) -> Path:
    names = "\n".join(str(path.absolute()) for path in paths)
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    base = base if base.is_absolute() else Path.home() / ".cache"
    return base / "callscope" / "tools" / f"{hashlib.sha256(names.encode()).hexdigest()[:32]}.json"


def _declared(path: Path, including: tuple[Path, ...]) -> list[ToolSpec]:
    document = read_document(path)
    if isinstance(document.value, Mapping):
        plain = {key: value for key, value in document.value.items() if key in PLAIN_KEYS}
        document = replace(document, value=plain)
    file = read_tools(document, _unread)
    within = (*including, path.resolve())
    included = [spec for one, _ in file.includes if one.resolve() not in within for spec in _declared(one, within)]
    return [*included, *(tool.spec for tool in file.tools)]


def _unread(function: PythonFunction) -> tuple[PythonFunction, Signature]:
    """A function whose module would have to be imported to know what it takes."""
    return function, Signature("", {}, call=_never)


def _never(_: str) -> None:
    """Nothing is called here."""
