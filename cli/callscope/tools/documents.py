"""A YAML or JSON file as plain JSON values, with the line of each, read strictly.

Knows the traps of YAML 1.1, and refuses what another reader would take for another value: PyYAML reads
`[yes, NO, 012]` as [True, False, 10] and keeps the last of two equal keys; YAML 1.2 reads ["yes", "NO", 12].
Must not know what a tool is.

Specs: https://yaml.org/spec/1.2.2/#103-core-schema, https://pyyaml.org/wiki/PyYAMLDocumentation
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

from callscope.core.errors import UnusableFile

if TYPE_CHECKING:
    from yaml.nodes import MappingNode, Node, ScalarNode

ValuePath: TypeAlias = tuple[str | int, ...]

LONGEST = 16 * 1024 * 1024
"""Bytes of one file: /dev/zero, or a link to it, has no end."""

MAX_VALUES = 200_000
"""Values of one file after aliases are followed: a few aliases of aliases would otherwise fill the memory."""

_TAG = "tag:yaml.org,2002:"
_NUMBER_1_2 = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|0o[0-7]+|0x[0-9a-fA-F]+")
_JSON_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Document:
    """The value of a file, and the line on which each part of it begins."""

    path: Path
    value: Any
    lines: dict[ValuePath, int] = field(default_factory=dict)
    is_json: bool = False

    def where(self, at: ValuePath = ()) -> str:
        """`tools.yaml:12` for a part of the file or the nearest one around it; `tools.yaml` where no line is known."""
        for length in range(len(at), -1, -1):
            if line := self.lines.get(at[:length]):
                return f"{self.path}:{line}"
        return str(self.path)

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
    except OSError as error:
        raise UnusableFile(f"{path}: cannot be read: {error.strerror or error}.") from None
    if len(data) > LONGEST:
        raise UnusableFile(f"{path}: longer than {LONGEST:,} bytes, as no file of tools is.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UnusableFile(f"{path}:{line}: the file is not UTF-8 (byte {error.start}); save it as UTF-8.") from None


def read_document(path: Path) -> Document:
    """Read a file as JSON where it is JSON, else as one YAML document."""
    return parse_document(path, read_text(path))


def parse_document(path: Path, text: str) -> Document:
    """Read the text of a file as JSON where it is JSON, else as one YAML document."""
    if not text.strip():
        raise UnusableFile(f"{path}: the file is empty; it must define tools, as in `tools: [...]`.")
    if path.suffix == ".json" or text.lstrip()[0] in "[{":
        try:
            value = json.loads(text, object_pairs_hook=_unique(path), parse_constant=_no_constant(path))
        except json.JSONDecodeError as error:
            if path.suffix == ".json":
                raise UnusableFile(f"{path}:{error.lineno}: this is no JSON: {error.msg}.") from None
        except RecursionError:
            raise UnusableFile(f"{path}: the file is nested too deeply.") from None
        else:
            return Document(path, value, _json_lines(text), is_json=True)
    return _YamlReader(path).read(text)


# ---- JSON ---------------------------------------------------------------------------------------------------------


def _unique(path: Path) -> Any:
    def mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        members: dict[str, Any] = {}
        for key, value in pairs:
            if key in members:
                raise UnusableFile(f"{path}: the key {key!r} stands twice in one object; keep one of them.")
            members[key] = value
        return members

    return mapping


def _no_constant(path: Path) -> Any:
    def refuse(name: str) -> NoReturn:
        raise UnusableFile(f"{path}: {name} is no JSON number.")

    return refuse


def _json_lines(text: str) -> dict[ValuePath, int]:
    """Lines of a JSON text, where PyYAML can read it at all (it stumbles over tabs): good to have, never needed."""
    import yaml

    try:
        node = _compose(text)
    except (yaml.YAMLError, RecursionError):
        return {}
    return dict(_lines(node, ())) if node is not None else {}


def _lines(node: Node, at: ValuePath) -> Iterator[tuple[ValuePath, int]]:
    yield at, node.start_mark.line + 1
    if _kind(node) == "mapping":
        for key, value in node.value:
            yield from _lines(value, (*at, key.value))
            yield (*at, key.value), key.start_mark.line + 1
    elif _kind(node) == "sequence":
        for index, item in enumerate(node.value):
            yield from _lines(item, (*at, index))


def _kind(node: Node) -> str:
    return str(node.id)  # type: ignore[attr-defined] # every node class has it; the stubs do not know


# ---- YAML ---------------------------------------------------------------------------------------------------------


def _compose(text: str) -> Node | None:
    import yaml  # 16 ms: only who reads a tool file pays for it

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    node: Node | None = yaml.compose(text, Loader=loader)
    return node


class _YamlReader:
    """Turns the nodes of one file into values, refusing whatever has two readings."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines: dict[ValuePath, int] = {}
        self.open: set[int] = set()
        self.count = 0

    def read(self, text: str) -> Document:
        import yaml

        try:
            node = _compose(text)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            place = f"{self.path}:{mark.line + 1}" if mark else str(self.path)
            raise UnusableFile(f"{place}: this is no YAML: {_reason(error)}.") from None
        except yaml.YAMLError as error:
            raise UnusableFile(f"{self.path}: this is no YAML: {str(error).splitlines()[0]}.") from None
        except RecursionError:
            raise UnusableFile(f"{self.path}: the file is nested too deeply.") from None
        if node is None:
            raise UnusableFile(f"{self.path}: there are only comments here; define tools, as in `tools: [...]`.")
        return Document(self.path, self.value(node, ()), self.lines)

    def refuse(self, node: Node, message: str) -> NoReturn:
        raise UnusableFile(f"{self.path}:{node.start_mark.line + 1}: {message}")

    def value(self, node: Node, at: ValuePath) -> Any:
        self.count += 1
        if self.count > MAX_VALUES or len(at) > 100 or id(node) in self.open:
            self.refuse(node, "the aliases here never end, or the file is nested too deeply.")
        self.lines.setdefault(at, node.start_mark.line + 1)
        self.open.add(id(node))
        try:
            match _kind(node):
                case "mapping":
                    return self.mapping(node, at)  # type: ignore[arg-type] # `_kind` says so
                case "sequence":
                    self.known_tag(node, "seq")
                    return [self.value(item, (*at, index)) for index, item in enumerate(node.value)]
                case _:
                    return self.scalar(node)  # type: ignore[arg-type]
        finally:
            self.open.discard(id(node))

    def mapping(self, node: MappingNode, at: ValuePath) -> dict[str, Any]:
        self.known_tag(node, "map")
        members: dict[str, Any] = {}
        first: dict[str, int] = {}
        for key_node, value_node in node.value:
            key = self.key(key_node)
            line = key_node.start_mark.line + 1
            if key in members:
                self.refuse(key_node, f"the key {key!r} stands twice (first on line {first[key]}); keep one of them.")
            first[key] = self.lines[(*at, key)] = line
            members[key] = self.value(value_node, (*at, key))
        return members

    def key(self, node: Node) -> str:
        if _kind(node) != "scalar":
            self.refuse(node, "a key must be a word, not a list or a mapping.")
        if node.tag == f"{_TAG}merge":
            self.refuse(node, "merge keys (`<<`) are not read; write the keys out, or use an alias for a whole value.")
        key = self.scalar(node)  # type: ignore[arg-type]
        if not isinstance(key, str):
            self.refuse(node, f'the key {node.value} is not text; write it in quotes: "{node.value}".')
        return key

    def known_tag(self, node: Node, tag: str) -> None:
        if node.tag != _TAG + tag:
            self.refuse(node, f"the tag {node.tag.replace(_TAG, '!!')} is not read; write plain YAML without tags.")

    def scalar(self, node: ScalarNode) -> Any:
        """A scalar that YAML 1.1, YAML 1.2 and JSON agree on; any other must be written so that they do."""
        text = node.value
        if node.style:  # quoted or a block; plain is None, and "" from the C parser
            self.known_tag(node, "str")
            return text
        match node.tag.removeprefix(_TAG):
            case "str":
                return text if not _NUMBER_1_2.fullmatch(text) else self.ambiguous(node, "not plain text to all")
            case "null":
                return None
            case "bool" if text.lower() in ("true", "false"):
                return text.lower() == "true"
            case "bool":
                truth = "true" if text.lower() in ("yes", "on") else "false"
                advice = f'write {truth}, or "{text}" in quotes for the word'
                return self.refuse(node, f"{text} is a boolean to some readers of YAML: {advice}.")
            case "int" | "float" if _JSON_NUMBER.fullmatch(text):
                return json.loads(text)
            case "int" | "float":
                return self.ambiguous(node, "not the same number to all")
            case "timestamp" | "value":
                return self.ambiguous(node, "not plain text to all")
            case _:
                return self.known_tag(node, "str")

    def ambiguous(self, node: ScalarNode, what: str) -> NoReturn:
        plain = f'write it as in JSON, or "{node.value}" in quotes for the text'
        self.refuse(node, f"{node.value} is {what} readers of YAML: {plain}.")


def _reason(error: Any) -> str:
    words = [word for word in (error.context, error.problem) if word]
    reason = ", ".join(words)
    return reason + ("; indent with spaces" if "\\t" in reason else "")
