"""Tools from the operations of an API that an OpenAPI or Swagger file describes.

Knows the keys under `openapi` in a tools file, and how an operation becomes a tool. Must not know how the versions of
OpenAPI differ. What cannot be taken is left out and said, unless it was asked for by name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

from callscope.core.values import ToolSpec
from callscope.tools.definitions import Tool
from callscope.tools.outgoing import HttpCall
from callscope.tools.reading.documents import Document, read_document
from callscope.tools.reading.http import check_address, read_fields, read_headers
from callscope.tools.reading.keys import OPENAPI_KEYS
from callscope.tools.reading.references import Files
from callscope.tools.reading.rules import Part, Variables
from callscope.tools.reading.scopes import Scope, scope_of
from callscope.tools.run_settings import RunSettings
from callscope.tools.templates import Template, Variable
from callscope.tools.words import did_you_mean

from .fetching import fetched_document
from .operations import api_call
from .servers import address, authorized
from .spec import LeftOut, Operation, Spec

MOST_NAMED = 5
"""Operations that a warning names; of the others it tells the number."""

_UNNAMED = re.compile(r"[^a-zA-Z0-9_-]+")


def read_openapi(entry: Part, settings: RunSettings, variables: Variables) -> tuple[list[Tool], list[str]]:
    """The tools of one entry under `openapi`, and warnings; raises UnusableFile."""
    api = _Api(entry, settings, variables)
    return list(api.tools()), list(api.warnings())


class _Api:
    """One entry: the description of an API, and what of it is wanted."""

    def __init__(self, entry: Part, settings: RunSettings, variables: Variables) -> None:
        entry.known(OPENAPI_KEYS, {})
        self._entry = entry
        self._settings = settings
        self._scope: Scope = scope_of("function", {}, variables)
        place = entry.part("spec")
        self._fetched_from = place.value if isinstance(place.value, str) and "://" in place.value else None
        document = fetched_document(place, self._fetched_from) if self._fetched_from else _document(place)
        self._spec = Spec(
            Part(document, document.value), Files(document, None if self._fetched_from else document.path.parent)
        )
        self._schemes = self._spec.schemes()
        self._given = self._auth()
        self._query = read_fields(entry.part("query"), self._scope)
        self._headers = read_headers(entry.part("headers"), self._scope)
        self._prefix = entry.optional("prefix", str, "text") or ""
        self._left_out: list[str] = []
        self._unauthorized: dict[str, list[str]] = {}

    def tools(self) -> Iterator[Tool]:
        """The operations that are wanted and can be taken."""
        taken: dict[str, int] = {}
        for operation, named in self._wanted():
            try:
                call, parameters = api_call(self._spec, operation, self._address(operation))
            except LeftOut as reason:
                if named:
                    self._entry.part("operations").refuse(f"{operation.title} cannot be taken: {reason}.")
                self._left_out.append(f"{operation.title} ({reason})")
                continue
            name = _UNNAMED.sub("_", self._prefix + operation.name).strip("_")[:64]
            taken[name] = taken.get(name, 0) + 1
            name = f"{name[:60]}_{taken[name]}" if taken[name] > 1 else name
            source = f"{operation.part.where} {operation.title}"
            spec = ToolSpec(name, operation.description, parameters, source=source, approve=self._settings.approve)
            yield Tool(spec, self._completed(operation, call), self._settings.timeout, self._settings.limit)

    def warnings(self) -> Iterator[str]:
        """What was left out, and what its server will refuse; once the tools are there."""
        if self._left_out:
            yield f"{self._entry.where}: left out: {_some(self._left_out)}."
        for needed, titles in self._unauthorized.items():
            yield (
                f"{self._entry.where}: nothing was given for {needed}, which is asked for by {_some(titles)}; "
                "write `auth: {NAME: VARIABLE}`, or select other operations."
            )

    def _completed(self, operation: Operation, call: HttpCall) -> HttpCall:
        """The request with what shows who calls, and with what the entry adds to all."""
        needed = self._spec.security(operation)
        authorized_call = authorized(call, needed, self._schemes, self._given)
        if authorized_call is None:
            words = " or ".join(" with ".join(names) for names in needed)
            self._unauthorized.setdefault(words, []).append(operation.title)
        ready = authorized_call or call
        return replace(ready, query=(*ready.query, *self._query), headers=(*ready.headers, *self._headers))

    # ---- what the entry says --------------------------------------------------------------------------------------

    def _wanted(self) -> Iterator[tuple[Operation, bool]]:
        """The operations that are selected, and whether each was named in full."""
        operations = list(self._spec.operations())
        titles = [name for operation in operations for name in (operation.name, operation.title)]
        tags = self._selection("tags", [tag for operation in operations for tag in operation.tags])
        patterns = self._selection("operations", titles)
        for operation in operations:
            fits = [one for one in patterns if fnmatchcase(operation.name, one) or fnmatchcase(operation.title, one)]
            tagged = not tags or any(fnmatchcase(tag, one) for tag in operation.tags for one in tags)
            if tagged and (fits or not patterns):
                yield operation, any(one in (operation.name, operation.title) for one in fits)

    def _selection(self, key: str, known: list[str]) -> list[str]:
        """The patterns of a selection; each must fit something."""
        patterns = []
        for part in self._entry.list_at(key):
            if not isinstance(part.value, str):
                part.refuse(f"`{key}` are texts, not {part.value!r}.")
            if not any(fnmatchcase(one, part.value) for one in known):
                some = ", ".join(list(dict.fromkeys(known))[:20]) or "none"
                part.refuse(f"nothing fits {part.value}{did_you_mean(part.value, known)}; known here: {some}.")
            patterns.append(part.value)
        return patterns

    def _address(self, operation: Operation) -> Template:
        """The address that the entry gives, else the file's own."""
        part = self._entry.part("url")
        if part.value is None:
            found = address(self._spec, operation, self._fetched_from)
            if found is None:
                part.refuse("the file does not say where its server is; write `url`.")
            if self._fetched_from and self._holds_secrets() and _origin(found) != _origin(self._fetched_from):
                part.refuse(
                    f"{_origin(self._fetched_from)} says that the secrets here go to {found}; if so, write `url`."
                )
            return Template((found,))
        if not isinstance(part.value, str):
            part.refuse(f"`url` must be text, not {part.value!r}.")
        template = self._scope.template(Part(part.document, part.value.rstrip("/"), part.at))
        check_address(part, template)
        return template

    def _holds_secrets(self) -> bool:
        """Whether a request may carry one."""
        templates = [*(field.value for field in self._query), *(value for _, value in self._headers)]
        return bool(self._given) or any(template.secrets for template in templates)

    def _auth(self) -> Mapping[str, Variable]:
        """The variable that holds what each security scheme asks for."""
        auth = self._entry.part("auth")
        if auth.value is None:
            return {}
        if not isinstance(auth.value, Mapping):
            auth.refuse("`auth` must be a mapping from names of security schemes to names of variables.")
        for scheme, part in auth.members():
            known = ", ".join(self._schemes) or "none"
            if scheme not in self._schemes:
                hint = did_you_mean(scheme, self._schemes)
                part.refuse(f"the file has no security scheme {scheme}{hint}; it has {known}.")
            if part.variable_name("value of `auth`") not in self._scope.variables:
                part.refuse(f"{part.value} is not declared: write it under `secrets:`.")
        return {scheme: self._scope.variables[name] for scheme, name in auth.value.items()}


def _document(part: Part) -> Document:
    if part.value is None:
        part.refuse("an entry without `spec`; give it the path or the URL of an OpenAPI or Swagger file.")
    return read_document(part.file_beside("`spec`"), foreign=True)


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


def _some(items: list[str]) -> str:
    more = len(items) - MOST_NAMED
    return ", ".join(items[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
