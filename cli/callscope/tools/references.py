"""Schemas that refer to other files, made whole: `$ref: "schemas/place.json#/$defs/Place"`.

Knows where a reference may lead: into a JSON or YAML file below the folder of the document, never elsewhere on this
machine, for what it leads to is sent to a model, and never to a network. Must not know the keywords of JSON Schema but
`$ref` and `$defs`: a model needs a schema that stands by itself, so what is referred to is copied under `$defs`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from .documents import Document, ValuePath, read_document
from .rules import Part

Origin = Callable[[ValuePath], Part]
"""Where a part of the whole schema was read."""

_REMOTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


def with_files(part: Part) -> tuple[Mapping[str, Any], Origin]:
    """The schema with all that it takes from other files, and where each part of it stands.

    A schema without such references is given as it is. Raises UnusableFile.
    """
    bundle = _Bundle(part)
    try:
        schema = bundle.root()
    except RecursionError:
        part.refuse("the schema is nested too deeply.")
    return schema, bundle.origin


class _Bundle:
    """One schema being made whole."""

    def __init__(self, part: Part) -> None:
        self.part = part
        self.folder = part.folder.resolve()
        self.documents: dict[Path, Document] = {}
        self.names: dict[tuple[Path, str], str] = {}
        self.origins: dict[str, Part] = {}
        self.whole: Part = part
        self.definitions: dict[str, Any] = {}

    def root(self) -> Mapping[str, Any]:
        """The schema itself; one that is nothing but a reference to a file becomes what stands there."""
        value = self.part.value
        if _leads_out(value.get("$ref")) and len(value) == 1:
            self.whole, _ = self._target(self.part, value["$ref"])
            if not isinstance(self.whole.value, Mapping):
                self.part.part("$ref").refuse(f"{value['$ref']!r} leads to no schema.")
        schema = self._without_definitions(self.whole)
        if not self.definitions:
            return schema  # type: ignore[no-any-return] # a copy of a mapping is one
        return {**schema, "$defs": {**schema.get("$defs", {}), **self.definitions}}

    def origin(self, path: ValuePath) -> Part:
        """Where a part of the whole was read."""
        if len(path) > 1 and path[0] == "$defs" and path[1] in self.origins:
            start = self.origins[str(path[1])]
            return Part(start.document, None, (*start.at, *path[2:]))
        return Part(self.whole.document, None, (*self.whole.at, *path))

    def _without_definitions(self, part: Part) -> Any:
        """A copy; what another file defines is copied where it is referred to, not with the whole."""
        value = part.value
        if part.document is not self.part.document and isinstance(value, Mapping):
            value = {key: member for key, member in value.items() if key not in ("$defs", "definitions")}
        return self._copied(Part(part.document, value, part.at))

    def _copied(self, part: Part) -> Any:
        """The part with references to files made references to `$defs`, however deep."""
        if isinstance(part.value, list):
            return [self._copied(item) for item in part.items()]
        if not isinstance(part.value, Mapping):
            return part.value
        copy = {key: self._copied(member) for key, member in part.members()}
        reference = part.value.get("$ref")
        foreign = part.document is not self.part.document
        if isinstance(reference, str) and (_leads_out(reference) or (foreign and reference.startswith("#"))):
            copy["$ref"] = f"#/$defs/{self._defined(part, reference)}"
        return copy

    def _defined(self, part: Part, reference: str) -> str:
        """The name under `$defs` of what a reference leads to."""
        target, key = self._target(part, reference)
        if key not in self.names:
            name = self._free_name(key)
            self.names[key] = name  # before its own references are followed: it may refer to itself
            self.origins[name] = target
            self.definitions[name] = None
            self.definitions[name] = self._without_definitions(target)
        return self.names[key]

    def _target(self, part: Part, reference: str) -> tuple[Part, tuple[Path, str]]:
        """What a reference leads to, and its identity."""
        here = part.part("$ref")
        name, _, pointer = reference.partition("#")
        path = self._file(here, name) if name else part.document.path.resolve()
        if path not in self.documents:
            self.documents[path] = part.document if not name else read_document(path)
        target = Part(self.documents[path], self.documents[path].value)
        if pointer and not pointer.startswith("/"):
            here.refuse(f"{reference!r}: after the # a path from the top of the file is read, such as #/$defs/Place.")
        for token in pointer.split("/")[1:]:
            target = _step(here, target, unquote(token).replace("~1", "/").replace("~0", "~"), reference)
        return target, (path, pointer)

    def _file(self, here: Part, name: str) -> Path:
        if _REMOTE.match(name) or name.startswith("//"):
            here.refuse(f"{here.value!r} is never fetched: copy it beside this file and write its path.")
        path = (here.folder / unquote(name)).resolve()
        if not path.is_relative_to(self.folder):
            here.refuse(f"{here.value!r} leads out of {self.folder}: a schema goes to a model, so keep it below.")
        if not path.is_file():
            here.refuse(f"there is no file {path}; paths are relative to {here.document.path.name}.")
        return path

    def _free_name(self, key: tuple[Path, str]) -> str:
        path, pointer = key
        wanted = re.sub(r"[^A-Za-z0-9_.-]+", "_", pointer.rpartition("/")[2] or path.stem) or "schema"
        own = self.whole.value.get("$defs", {}) if self.whole is self.part else {}
        taken = {*self.definitions, *own}
        numbers = (f"{wanted}_{number}" for number in range(2, len(taken) + 3))
        return wanted if wanted not in taken else next(name for name in numbers if name not in taken)


def _leads_out(reference: Any) -> bool:
    """Whether a reference leads to another file."""
    return isinstance(reference, str) and not reference.startswith("#") and not _REMOTE.match(reference)


def _step(here: Part, target: Part, token: str, reference: str) -> Part:
    value = target.value
    if isinstance(value, list) and token.isdecimal() and int(token) < len(value):
        return target.part(int(token))
    if isinstance(value, Mapping) and token in value:
        return target.part(token)
    return here.refuse(f"{reference!r} leads nowhere: there is no {token!r} in {target.where}.")
