"""Rules that hold for any part of a tools file: its keys are known, its value has the type and range it must have.

Knows how a mistake is said: the file, the line, the rule, what to do. Must not know what any key is for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn, cast, get_args

from callscope.core.paths import expanded, is_file
from callscope.core.values import Approval
from callscope.tools.run_settings import RunSettings
from callscope.tools.words import did_you_mean, either

from .documents import Document
from .value_path import ValuePath

OTHER_NAMES = {
    "input_schema": "parameters",
    "inputSchema": "parameters",
    "parametersJsonSchema": "parameters",
    "schema": "parameters",
    "args": "parameters",
    "permission": "approve",
    "function": "a nested definition: {type: function, function: {…}}",
}
"""What other programs call our keys."""

APPROVALS = get_args(Approval)

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Variables:
    """The environment variables that a file declares: names of secrets, and plain ones with their defaults."""

    secrets: tuple[str, ...] = ()
    plain: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Part:
    """A value within a document, and its place there."""

    document: Document
    value: Any
    at: ValuePath = ()

    @property
    def where(self) -> str:
        """`tools.yaml:12`."""
        return self.document.where(self.at)

    @property
    def folder(self) -> Path:
        """The folder that paths in this document are relative to."""
        return self.document.path.parent

    def refuse(self, message: str) -> NoReturn:
        """Raise UnusableFile for this part."""
        self.document.refuse(message, self.at)

    def part(self, key: str | int) -> Part:
        """A member or an item; None where it is missing."""
        try:
            value = self.value[key]
        except (KeyError, IndexError):
            value = None
        return Part(self.document, value, (*self.at, key))

    def has(self, key: str) -> bool:
        """Whether there is a member of this name that is not null."""
        return isinstance(self.value, Mapping) and self.value.get(key) is not None

    def members(self) -> Iterator[tuple[str, Part]]:
        """The members of a mapping, with their keys."""
        return ((key, self.part(key)) for key in self.value)

    def items(self) -> Iterator[Part]:
        """The items of a list."""
        return (self.part(index) for index in range(len(self.value)))

    # ---- rules ----------------------------------------------------------------------------------------------------

    def known(self, keys: tuple[str, ...], unlike: Mapping[str, str] = OTHER_NAMES) -> None:
        """Refuse any key but these."""
        for key, member in self.members():
            if key in keys:
                continue
            meant = unlike.get(key)
            hint = f" (did you mean {meant}?)" if meant else did_you_mean(key, keys)
            if not self.at and key in ("name", "type", "parameters"):
                hint = "; a definition stands in the list under `tools:`"
            member.refuse(f"unknown key `{key}`{hint}; known here: {', '.join(keys)}.")

    def list_at(self, key: str) -> list[Part]:
        """The items of a list that may be missing."""
        member = self.part(key)
        if member.value is None:
            return []
        if not isinstance(member.value, list):
            member.refuse(f"`{key}` must be a list: write each entry after a dash.")
        return list(member.items())

    def optional(self, key: str, wanted: type, words: str) -> Any:
        """A member of this type, or None."""
        member = self.part(key)
        if member.value is not None and not isinstance(member.value, wanted):
            member.refuse(f"`{key}` must be {words}, not {member.value!r}.")
        return member.value

    def choice(self, key: str, choices: tuple[str, ...]) -> str | None:
        """One of these words, or None."""
        member = self.part(key)
        if member.value is not None and member.value not in choices:
            hint = did_you_mean(str(member.value), choices)
            member.refuse(f"`{key}` must be {either(choices)}, not {member.value!r}{hint}.")
        return member.value  # type: ignore[no-any-return] # it is one of the choices

    def seconds(self, key: str, default: float, *, least: float | None = None) -> float:
        """A number of seconds above 0, or from `least` on; at most a day."""
        member = self.part(key)
        value = default if member.value is None else member.value
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or value > 86_400 or not (value > 0 if least is None else value >= least):
            member.refuse(f"`{key}` must be seconds between 0 and 86400, not {value!r}.")
        return float(value)

    def characters(self, key: str, default: int) -> int:
        """A number of characters."""
        member = self.part(key)
        value = default if member.value is None else member.value
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            member.refuse(f"`{key}` must be a number of characters of 1 or more, not {value!r}.")
        return value

    def variable_name(self, what: str) -> str:
        """The name of an environment variable."""
        if not isinstance(self.value, str) or not _VARIABLE.fullmatch(self.value):
            self.refuse(f"a {what} is the name of an environment variable, never its value.")
        return self.value

    def file_beside(self, what: str) -> Path:
        """A file that exists; relative paths are relative to the document."""
        if not isinstance(self.value, str) or not self.value:
            self.refuse(f"{what} must be the path of a file, not {self.value!r}.")
        path = self.folder / expanded(self.value)
        if not is_file(path):
            self.refuse(f"there is no file {path}; paths are relative to {self.document.path.name}.")
        return path


def read_settings(part: Part, otherwise: RunSettings) -> RunSettings:
    """What a part says of runs, and for the rest what holds otherwise."""
    isolate = part.choice("isolate", ("thread", "process"))
    return RunSettings(
        part.seconds("timeout", otherwise.timeout),
        part.characters("limit", otherwise.limit),
        cast("Approval | None", part.choice("approve", APPROVALS)) or otherwise.approve,
        isolate == "process" if isolate else otherwise.isolated,
    )
