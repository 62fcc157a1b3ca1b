"""What leaves this process with arguments in it, as nouns: a command line, an HTTP request.

Knows their parts. Must not know how they are read from a file, filled or run.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from .templates import JsonTemplate, Template


@dataclass(frozen=True, slots=True)
class CommandLine:
    """A program and its arguments; no shell reads them.

    Each of `words` is one argument, or a group that is left out as a whole where a value in it is absent; the first
    is the program. `folder` is where it runs; `secrets` are taken out of its environment unless `environment` names
    them.
    """

    words: tuple[tuple[Template, ...], ...]
    folder: Path
    environment: tuple[tuple[str, Template], ...] = ()
    secrets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class QueryField:
    """A member of a query or of a form; a list gives one for each item, unless its place joins them.

    An object is JSON, or each of its members is a member of its own: `a=1`, or `name[a]=1` (deep).
    """

    name: str
    value: Template
    objects: Literal["json", "members", "deep"] = "json"


@dataclass(frozen=True, slots=True)
class JsonBody:
    """A body of JSON; an `optional` one is left out where it would be empty."""

    value: JsonTemplate
    optional: bool = False


@dataclass(frozen=True, slots=True)
class FormBody:
    """A body as HTML forms send it."""

    fields: tuple[QueryField, ...]


@dataclass(frozen=True, slots=True)
class MultipartBody:
    """A body as HTML forms with files send it: each value is a part of its own; those of `files` are files."""

    fields: tuple[QueryField, ...]
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TextBody:
    """A body of plain text."""

    text: Template


Body: TypeAlias = JsonBody | FormBody | MultipartBody | TextBody


@dataclass(frozen=True, slots=True)
class HttpCall:
    """An HTTP request with places for arguments. What is absent leaves its header or its member of the query out."""

    method: str
    url: Template
    query: tuple[QueryField, ...] = ()
    headers: tuple[tuple[str, Template], ...] = ()
    body: Body | None = None
    cookies: tuple[tuple[str, Template], ...] = ()
