"""A YAML or JSON file as plain JSON values, with the line of each, read strictly.

Knows JSON, and that a file may be missing, endless or no text. Must not know what a tool is, nor the traps of YAML:
`yaml_values.py` does.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from callscope.core.errors import UnusableFile

from .value_path import ValuePath

LONGEST = 16 * 1024 * 1024
"""Bytes of one file: /dev/zero, or a link to it, has no end."""


@dataclass(frozen=True, slots=True)
class Document:
    """The value of a file, and the line on which each part of it begins.

    `foreign` is one that others made for other readers: see `read_document`; `name` is what messages call it where the
    path does not say it.
    """

    path: Path
    value: Any
    lines: dict[ValuePath, int] = field(default_factory=dict)
    is_json: bool = False
    foreign: bool = False
    name: str = ""

    def where(self, at: ValuePath = ()) -> str:
        """`tools.yaml:12` for a part of the file or the nearest one around it; `tools.yaml` where no line is known."""
        for length in range(len(at), -1, -1):
            if line := self.lines.get(at[:length]):
                return f"{self.name or self.path}:{line}"
        return self.name or str(self.path)

    def refuse(self, message: str, at: ValuePath = ()) -> NoReturn:
        """Raise UnusableFile for a part of the file."""
        raise UnusableFile(f"{self.where(at)}: {message}")


def read_text(path: Path) -> str:
    """The text of a file, or UnusableFile with the reason and the way out."""
    try:
        with path.open("rb") as file:
            data = file.read(LONGEST + 1)
    except FileNotFoundError:
        raise UnusableFile(f"{path}: there is no such file.") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL
        raise UnusableFile(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}.") from None
    if len(data) > LONGEST:
        raise UnusableFile(f"{path}: longer than {LONGEST:,} bytes, as no file of tools is.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UnusableFile(f"{path}:{line}: the file is not UTF-8 (byte {error.start}); save it as UTF-8.") from None


def read_document(path: Path, *, foreign: bool = False) -> Document:
    """Read a file as JSON where it is JSON, else as one YAML document.

    A foreign one is read as YAML 1.2 has it, in which `no` is text; in a person's own such a word is refused.
    """
    return parse_document(path, read_text(path), foreign=foreign)


def parse_document(path: Path, text: str, *, foreign: bool = False, name: str = "") -> Document:
    """Read the text of a file as JSON where it is JSON, else as one YAML document; `name` is what messages call it."""
    from .yaml_values import json_lines, read_yaml

    called = name or str(path)
    if not text.strip():
        raise UnusableFile(f"{called}: the file is empty; it must define tools, as in `tools: [...]`.")
    if path.suffix == ".json" or text.lstrip()[0] in "[{":
        try:
            value = json.loads(text, object_pairs_hook=_unique(called), parse_constant=_no_constant(called))
        except json.JSONDecodeError as error:
            if path.suffix == ".json":
                raise UnusableFile(f"{called}:{error.lineno}: this is no JSON: {error.msg}.") from None
        except RecursionError:
            raise UnusableFile(f"{called}: the file is nested too deeply.") from None
        else:
            return Document(path, value, json_lines(text), is_json=True, foreign=foreign, name=name)
    value, lines = read_yaml(called, text, foreign=foreign)
    return Document(path, value, lines, foreign=foreign, name=name)


# ---- JSON ---------------------------------------------------------------------------------------------------------


def _unique(name: str) -> Any:
    def mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        members: dict[str, Any] = {}
        for key, value in pairs:
            if key in members:
                raise UnusableFile(f"{name}: the key {key!r} stands twice in one object; keep one of them.")
            members[key] = value
        return members

    return mapping


def _no_constant(name: str) -> Any:
    def refuse(constant: str) -> NoReturn:
        raise UnusableFile(f"{name}: {constant} is no JSON number.")

    return refuse
