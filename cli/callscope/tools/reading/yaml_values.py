"""YAML as plain JSON values, with the line of each: a person's own strictly, a foreign file as YAML 1.2 has it.

Knows the traps of YAML 1.1, and refuses in a person's own file what another reader would take for another value:
PyYAML reads `[yes, NO, 012]` as [True, False, 10] and keeps the last of two equal keys; YAML 1.2 reads
["yes", "NO", 12]. Must not know what a file is for.

Specs: https://yaml.org/spec/1.2.2/#103-core-schema, https://pyyaml.org/wiki/PyYAMLDocumentation
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, NoReturn

from callscope.core.errors import UnusableFile

from .value_path import ValuePath

if TYPE_CHECKING:
    from yaml.events import Event
    from yaml.nodes import MappingNode, Node, ScalarNode

LONGEST_WITH_LINES = 1_000_000
"""Characters of JSON whose lines are looked for: PyYAML takes a second for as many."""

MAX_VALUES = 200_000
"""Values of one file after aliases are followed: a few aliases of aliases would otherwise fill the memory."""

SHALLOW = 10_000
"""Characters that cannot be nested too deeply for the C parser, which crashes from 20,000 levels on."""

DEEPEST = 1_000

_TAG = "tag:yaml.org,2002:"
_NUMBER_1_2 = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|0o[0-7]+|0x[0-9a-fA-F]+")
_JSON_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")


def read_yaml(name: str, text: str, *, foreign: bool) -> tuple[Any, dict[ValuePath, int]]:
    """The value of one YAML document, and the line of each part; raises UnusableFile, which calls the file `name`."""
    return _YamlReader(name, foreign=foreign).read(text)


def json_lines(text: str) -> dict[ValuePath, int]:
    """Lines of a JSON text, where PyYAML can read it at all (it stumbles over tabs): good to have, never needed."""
    if len(text) > LONGEST_WITH_LINES:
        return {}
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


def _compose(text: str) -> Node | None:
    import yaml  # 16 ms: only who reads a tool file pays for it

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    if len(text) > SHALLOW:
        _refuse_depth(yaml.parse(text, Loader=loader))
    node: Node | None = yaml.compose(text, Loader=loader)
    return node


def _refuse_depth(events: Iterable[Event]) -> None:
    """Raise RecursionError, as the parser in Python does where the one in C crashes."""
    from yaml.events import CollectionEndEvent, CollectionStartEvent

    depth = 0
    for event in events:
        depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
        if depth > DEEPEST:
            raise RecursionError


class _YamlReader:
    """Turns the nodes of one file into values, refusing whatever has two readings."""

    def __init__(self, name: str, *, foreign: bool) -> None:
        self.name = name
        self.foreign = foreign
        self.most = 10 * MAX_VALUES if foreign else MAX_VALUES
        self.lines: dict[ValuePath, int] = {}
        self.open: set[int] = set()
        self.count = 0

    def read(self, text: str) -> tuple[Any, dict[ValuePath, int]]:
        import yaml

        try:
            node = _compose(text)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            place = f"{self.name}:{mark.line + 1}" if mark else self.name
            raise UnusableFile(f"{place}: this is no YAML: {_reason(error)}.") from None
        except yaml.YAMLError as error:
            raise UnusableFile(f"{self.name}: this is no YAML: {str(error).splitlines()[0]}.") from None
        except RecursionError:
            raise UnusableFile(f"{self.name}: the file is nested too deeply.") from None
        if node is None:
            raise UnusableFile(f"{self.name}: there are only comments here; define tools, as in `tools: [...]`.")
        return self.value(node, ()), self.lines

    def refuse(self, node: Node, message: str) -> NoReturn:
        raise UnusableFile(f"{self.name}:{node.start_mark.line + 1}: {message}")

    def value(self, node: Node, at: ValuePath) -> Any:
        self.count += 1
        if self.count > self.most or len(at) > 100 or id(node) in self.open:
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
        if self.foreign:
            return str(node.value)
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
        if self.foreign and not node.style:
            return _core_scalar(text)
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


def _core_scalar(text: str) -> Any:
    """A plain scalar in the core schema of YAML 1.2."""
    if text in ("", "~", "null", "Null", "NULL"):
        return None
    if text.lower() in ("true", "false") and (text.islower() or text.istitle() or text.isupper()):
        return text.lower() == "true"
    if _JSON_NUMBER.fullmatch(text):
        return json.loads(text)
    if re.fullmatch(r"0o[0-7]+|0x[0-9a-fA-F]+|[-+]?[0-9]+", text):
        return int(text, 10 if text.lstrip("+-").isdecimal() else 0)
    if re.fullmatch(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", text):
        return float(text)
    return text


def _reason(error: Any) -> str:
    words = [word for word in (error.context, error.problem) if word]
    reason = ", ".join(words)
    return reason + ("; indent with spaces" if "\\t" in reason else "")
