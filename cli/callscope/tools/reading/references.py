"""References made whole: `$ref: "schemas/place.json#/$defs/Place"`, and the files they lead to.

Knows where a reference may lead: into the document itself, or into a JSON or YAML file below its folder, never
elsewhere on this machine, for what it leads to is sent to a model, and never to a network. Must not know the keywords
of JSON Schema but `$ref` and `$defs`: a model needs a schema that stands by itself, so what is referred to is copied
there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from callscope.core.paths import is_file

from .documents import Document, read_document
from .rules import Part
from .value_path import ValuePath

Origin = Callable[[ValuePath], Part]
"""Where a part of the whole schema was read."""

MOST_STEPS = 50
"""References that may lead to one another before they are taken for a circle."""

_REMOTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


def with_files(part: Part) -> tuple[Mapping[str, Any], Origin]:
    """A schema with all that it takes from other files, and where each part of it stands.

    A schema without such references is given as it is. Raises UnusableFile.
    """
    try:
        whole = _Whole(Files(part.document, part.folder), part)
        return whole.schema(), whole.origin
    except RecursionError:
        part.refuse("the schema is nested too deeply.")


class Files:
    """The documents that references lead to. `folder` is what they must lie below; None where there are no files."""

    def __init__(self, document: Document, folder: Path | None) -> None:
        self._folder = folder.resolve() if folder is not None else None
        self._documents: dict[Path, Document] = {}
        self._first = document

    def followed(self, part: Part) -> Part:
        """What a part is, or what the reference in its place leads to."""
        for _ in range(MOST_STEPS):
            if not isinstance(part.value, Mapping) or not isinstance(part.value.get("$ref"), str):
                return part
            part, _key = self.target(part, part.value["$ref"])
        return part.refuse("the references here lead round in a circle.")

    def target(self, part: Part, reference: str) -> tuple[Part, tuple[Path, str]]:
        """What a reference leads to, and its identity."""
        here = part.part("$ref")
        name, _, pointer = reference.partition("#")
        document = self._document(here, name) if name else part.document
        if pointer and not pointer.startswith("/"):
            here.refuse(f"{reference!r}: after the # a path from the top of the file is read, such as #/$defs/Place.")
        target = Part(document, document.value)
        for token in pointer.split("/")[1:]:
            target = _step(here, target, unquote(token).replace("~1", "/").replace("~0", "~"), reference)
        return target, (document.path, pointer)

    def _document(self, here: Part, name: str) -> Document:
        if self._folder is None or _REMOTE.match(name) or name.startswith("//"):
            here.refuse(f"{here.value!r} is never fetched: copy it beside this file and write its path.")
        try:
            path = (here.folder / unquote(name)).resolve()
        except (OSError, ValueError):
            here.refuse(f"{here.value!r} can be no path.")
        if not path.is_relative_to(self._folder):
            here.refuse(f"{here.value!r} leads out of {self._folder}: a schema goes to a model, so keep it below.")
        if not is_file(path):
            here.refuse(f"there is no file {path}; paths are relative to {here.document.path.name}.")
        if path not in self._documents:
            self._documents[path] = read_document(path, foreign=self._first.foreign)
        return self._documents[path]


class Bundle:
    """Schemas copied from a document, and under `definitions` what they refer to.

    `own` is a part that is a schema by itself: in it, what begins with # leads into it and stays as it is.
    """

    def __init__(self, files: Files, own: Part | None = None) -> None:
        self.definitions: dict[str, Any] = {}
        self.origins: dict[str, Part] = {}
        self._files = files
        self._own = own
        self._names: dict[tuple[Path, str], str] = {}
        self._taken = set(own.value.get("$defs", {})) if own is not None else set()

    def copied(self, part: Part) -> Any:
        """The part with references to elsewhere made references to `$defs`, however deep."""
        if isinstance(part.value, list):
            return [self.copied(item) for item in part.items()]
        if not isinstance(part.value, Mapping):
            return part.value
        copy = {key: self.copied(member) for key, member in part.members()}
        reference = part.value.get("$ref")
        if isinstance(reference, str) and self.leads_out(part, reference):
            copy["$ref"] = f"#/$defs/{self._defined(part, reference)}"
        return copy

    def leads_out(self, part: Part, reference: Any) -> bool:
        """Whether a reference leads out of the schema it stands in."""
        if not isinstance(reference, str) or _REMOTE.match(reference):
            return False
        return not reference.startswith("#") or self._own is None or part.document is not self._own.document

    def without_definitions(self, part: Part) -> Any:
        """A copy of a schema from elsewhere: what it defines is copied where it is referred to, not with the whole."""
        value = part.value
        if isinstance(value, Mapping):
            value = {key: member for key, member in value.items() if key not in ("$defs", "definitions")}
        return self.copied(Part(part.document, value, part.at))

    def _defined(self, part: Part, reference: str) -> str:
        """The name under `$defs` of what a reference leads to."""
        target, key = self._files.target(part, reference)
        if key not in self._names:
            name = self._free_name(key)
            self._names[key] = name  # before its own references are followed: it may refer to itself
            self.origins[name] = target
            self.definitions[name] = None
            self.definitions[name] = self.without_definitions(target)
        return self._names[key]

    def _free_name(self, key: tuple[Path, str]) -> str:
        path, pointer = key
        wanted = re.sub(r"[^A-Za-z0-9_.-]+", "_", pointer.rpartition("/")[2] or path.stem) or "schema"
        taken = {*self.definitions, *self._taken}
        numbers = (f"{wanted}_{number}" for number in range(2, len(taken) + 3))
        return wanted if wanted not in taken else next(name for name in numbers if name not in taken)


class _Whole:
    """One schema of a tools file; where it is nothing but a reference to a file, it is what stands there."""

    def __init__(self, files: Files, part: Part) -> None:
        self._bundle = Bundle(files, part)
        self._root = part
        if len(part.value) == 1 and self._bundle.leads_out(part, part.value.get("$ref")):
            self._root = files.followed(part)
            self._bundle = Bundle(files)
            if not isinstance(self._root.value, Mapping):
                part.part("$ref").refuse(f"{part.value['$ref']!r} leads to no schema.")
        self._part = part

    def schema(self) -> Mapping[str, Any]:
        bundle = self._bundle
        copy = bundle.copied if self._root is self._part else bundle.without_definitions
        schema: Mapping[str, Any] = copy(self._root)
        if not bundle.definitions:
            return schema
        return {**schema, "$defs": {**schema.get("$defs", {}), **bundle.definitions}}

    def origin(self, path: ValuePath) -> Part:
        """Where a part of the whole was read."""
        if len(path) > 1 and path[0] == "$defs" and path[1] in self._bundle.origins:
            start = self._bundle.origins[str(path[1])]
            return Part(start.document, None, (*start.at, *path[2:]))
        return Part(self._root.document, None, (*self._root.at, *path))


def _step(here: Part, target: Part, token: str, reference: str) -> Part:
    value = target.value
    if isinstance(value, list) and token.isdecimal() and int(token) < len(value):
        return target.part(int(token))
    if isinstance(value, Mapping) and token in value:
        return target.part(token)
    return here.refuse(f"{reference!r} leads nowhere: there is no {token!r} in {target.where}.")
