"""Mends in a YAML file what needs no judgement; comments, order and quotes stay as they are.

Knows which rules have one right answer. Must not touch what has two: which parameters are optional, what a description
should say.
"""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Iterator, MutableMapping, MutableSequence
from pathlib import Path
from typing import Any

from callscope.core.errors import UnusableFile

from .walking import Place, places, properties, types

Schema = MutableMapping[str, Any]


def fix_file(path: Path) -> list[str]:
    """Mend a file in place, all or nothing; gives a sentence for each change. Raises UnusableFile."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096  # never wrap a line that a person wrote
    try:
        text = path.read_text(encoding="utf-8")
        document = yaml.load(text)
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        raise UnusableFile(f"{path}: it cannot be mended: {str(error).splitlines()[0]}") from None
    changes = list(_document(document))
    if changes:
        mapping, sequence, offset = _indents(text)
        yaml.indent(mapping=mapping, sequence=sequence, offset=offset)
        written = io.StringIO()
        yaml.dump(document, written)
        _replace(path, written.getvalue())
    return changes


def _indents(text: str) -> tuple[int, int, int]:
    """How a file indents its lists: `- ` under its key or further in."""
    for line in text.splitlines():
        if line.lstrip().startswith("- "):
            inner = len(line) - len(line.lstrip())
            return 2, inner + 2, inner
    return 2, 4, 2


def _replace(path: Path, text: str) -> None:
    """Write beside the file and rename, so that a full disk leaves the old one."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).chmod(path.stat().st_mode & 0o777)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _document(document: Any) -> Iterator[str]:
    entries = document.get("tools") if isinstance(document, MutableMapping) else document
    for entry in entries if isinstance(entries, MutableSequence) else ():
        if isinstance(entry, MutableMapping):
            inner = entry.get("function")
            definition = inner if isinstance(inner, MutableMapping) else entry
            parameters = definition.get("parameters")
            if isinstance(parameters, MutableMapping):
                for change in _parameters(parameters, strict=definition.get("strict") is True):
                    yield f"{definition.get('name')}: {change}"


def _parameters(root: Schema, *, strict: bool) -> Iterator[str]:
    if "type" not in root and "properties" in root:
        root["type"] = "object"
        yield "$.parameters: type: object added"
    for place in list(places(root, "$.parameters")):
        schema = place.schema
        if isinstance(schema, MutableMapping):
            yield from _required(place.path, schema)
            if strict:
                yield from _strict(place, schema)


def _required(path: str, schema: Schema) -> Iterator[str]:
    names = schema.get("required")
    if not isinstance(names, MutableSequence):
        return
    known = properties(schema)
    for position in range(len(names) - 1, -1, -1):
        name = names[position]
        if name in list(names)[:position] or (known and name not in known):
            del names[position]
            yield f"{path}.required: {name} taken out"


def _strict(place: Place, schema: Schema) -> Iterator[str]:
    if ("object" in types(schema) or "properties" in schema) and "additionalProperties" not in schema:
        schema["additionalProperties"] = False
        yield f"{place.path}: additionalProperties: false added"
    if "default" in schema:
        default = schema.pop("default")
        description = str(schema.get("description", "")).rstrip(" .")
        schema["description"] = f"{description + '; ' if description else ''}default: {default}"
        yield f"{place.path}: the default went into the description"
