"""An API as its OpenAPI 3.0, 3.1 or Swagger 2 file describes it, in one form: operations with places for arguments.

Knows how the three versions say the same. Must not know tools, nor which operations are wanted.

Specs: https://spec.openapis.org/oas/v3.1.1.html, https://spec.openapis.org/oas/v3.0.4.html,
https://spec.openapis.org/oas/v2.0.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from callscope.tools.reading.references import Files
from callscope.tools.reading.rules import Part

METHODS = ("get", "put", "post", "delete", "options", "head", "patch")
PLACES = ("path", "query", "header", "cookie")
DELIMITERS = {"spaceDelimited": " ", "pipeDelimited": "|", "ssv": " ", "tsv": "\t", "pipes": "|"}
IGNORED_HEADERS = ("accept", "content-type", "authorization")
"""Header parameters that a file may list and nobody is to send: they follow from the rest."""

Objects = Literal["json", "members", "deep"]


class LeftOut(Exception):
    """An operation that cannot be taken; the argument says why, in a few words."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """An argument of an operation, outside of its body. `join` and `objects` are as in `outgoing.QueryField`."""

    name: str
    place: str
    schema: Part
    required: bool
    description: str
    join: str | None = None
    objects: Objects = "json"


@dataclass(frozen=True, slots=True)
class RequestBody:
    """The body of an operation: one schema, or, for a form of Swagger 2, its fields."""

    content_type: str
    required: bool
    schema: Part | None = None
    fields: tuple[Parameter, ...] = ()
    description: str = ""


@dataclass(frozen=True, slots=True)
class Scheme:
    """How a caller shows who it is: a value in a header, a query or a cookie, or `bearer` or `basic` in HTTP's own."""

    kind: Literal["header", "query", "cookie", "bearer", "basic"]
    name: str = ""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: `part` is where it stands, `shared` what its path says for all of its operations."""

    method: str
    path: str
    part: Part
    shared: Part

    @property
    def name(self) -> str:
        """The operation's own id, or its method and path."""
        own = self.part.value.get("operationId")
        return own if isinstance(own, str) and own else f"{self.method}{self.path}"

    @property
    def title(self) -> str:
        """`GET /pets/{id}`."""
        return f"{self.method.upper()} {self.path}"

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags it is listed under."""
        tags = self.part.value.get("tags")
        return tuple(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else ()

    @property
    def description(self) -> str:
        """What it does, in the file's words."""
        words = [self.part.value.get(key) for key in ("summary", "description")]
        said = list(dict.fromkeys(word.strip() for word in words if isinstance(word, str) and word.strip()))
        deprecated = ["Deprecated."] if self.part.value.get("deprecated") is True else []
        return "\n\n".join([*said, *deprecated]) or self.title


class Spec:
    """A whole file; parts of it may be references, which are followed here."""

    def __init__(self, root: Part, files: Files) -> None:
        self.root = root
        self.files = files
        self.version = _version(root)

    def operations(self) -> Iterator[Operation]:
        """All operations, in the file's order."""
        paths = self.root.part("paths")
        if not isinstance(paths.value, Mapping):
            return
        for path, item in paths.members():
            shared = self.files.followed(item)
            if isinstance(shared.value, Mapping) and path.startswith("/"):
                for method in METHODS:
                    part = shared.part(method)
                    if isinstance(part.value, Mapping):
                        yield Operation(method, path, part, shared)

    def parameters(self, operation: Operation) -> tuple[Parameter, ...]:
        """The parameters outside of the body; the operation's own go before those of its path. Raises LeftOut."""
        found: dict[tuple[str, str], Parameter] = {}
        for part in (*self._listed(operation.shared), *self._listed(operation.part)):
            name, place = part.value.get("name"), part.value.get("in")
            if not isinstance(name, str) or place not in PLACES:
                continue
            if place == "header" and name.lower() in IGNORED_HEADERS:
                continue
            found[name, place] = self._parameter(part, name, place)
        return tuple(sorted(found.values(), key=lambda one: PLACES.index(one.place)))

    def body(self, operation: Operation) -> RequestBody | None:
        """What is sent. Raises LeftOut."""
        return self._body_2(operation) if self.version == "2" else self._body_3(operation)

    def schemes(self) -> Mapping[str, Scheme]:
        """The ways to show who one is, by the names the file gives them."""
        top = self.root.part("securityDefinitions") if self.version == "2" else self._components("securitySchemes")
        if not isinstance(top.value, Mapping):
            return {}
        found = ((name, _scheme(self.files.followed(part).value)) for name, part in top.members())
        return {name: scheme for name, scheme in found if scheme is not None}

    def security(self, operation: Operation) -> list[tuple[str, ...]]:
        """The names of schemes that are needed together, each set an alternative; none at all where nobody asks."""
        own = operation.part.value.get("security", self.root.value.get("security"))
        own = [own] if isinstance(own, Mapping) else own  # which it must not be, and is in published files
        return [tuple(names) for names in own if isinstance(names, Mapping)] if isinstance(own, list) else []

    # ---- what the versions say differently ------------------------------------------------------------------------

    def _components(self, kind: str) -> Part:
        components = self.root.part("components")
        return components.part(kind) if isinstance(components.value, Mapping) else components

    def _listed(self, owner: Part) -> Iterator[Part]:
        parameters = owner.part("parameters")
        if isinstance(parameters.value, list):
            for item in parameters.items():
                part = self.files.followed(item)
                if isinstance(part.value, Mapping):
                    yield part

    def _parameter(self, part: Part, name: str, place: str) -> Parameter:
        value = part.value
        style = value.get("style") or value.get("collectionFormat")
        if style in ("label", "matrix"):
            raise LeftOut(f"its parameter {name} has the style {style}")
        described = str(value.get("description") or "").strip()
        required = value.get("required") is True or place == "path"
        if isinstance(value.get("content"), Mapping) and value["content"]:
            media = next(iter(value["content"]))
            return Parameter(name, place, part.part("content").part(media).part("schema"), required, described)
        of_3 = "schema" in value  # met in files of Swagger 2, too
        written = _written(value, place, style) if of_3 or self.version != "2" else _written_2(place, style)
        return Parameter(name, place, part.part("schema") if of_3 else part, required, described, *written)

    def _body_3(self, operation: Operation) -> RequestBody | None:
        body = self.files.followed(operation.part.part("requestBody"))
        content = body.part("content") if isinstance(body.value, Mapping) else body
        if not isinstance(content.value, Mapping) or not content.value:
            return None
        chosen = _preferred(list(content.value))
        described = str(body.value.get("description") or "").strip()
        required = body.value.get("required") is True
        media = self.files.followed(content.part(chosen))
        schema = media.part("schema") if isinstance(media.value, Mapping) else media
        return RequestBody(chosen, required, schema, description=described)

    def _body_2(self, operation: Operation) -> RequestBody | None:
        listed = {(part.value.get("in"), part.value.get("name")): part for part in self._listed(operation.shared)}
        listed |= {(part.value.get("in"), part.value.get("name")): part for part in self._listed(operation.part)}
        consumes = operation.part.value.get("consumes") or self.root.value.get("consumes") or []
        fields = [part for (place, _), part in listed.items() if place == "formData"]
        if fields:
            parameters = tuple(self._parameter(part, str(part.value.get("name")), "formData") for part in fields)
            required = any(field.required for field in parameters)
            in_parts = "multipart/form-data" in consumes or any(part.value.get("type") == "file" for part in fields)
            urlencoded = "application/x-www-form-urlencoded"
            return RequestBody("multipart/form-data" if in_parts else urlencoded, required, fields=parameters)
        for (place, _), part in listed.items():
            if place == "body":
                described = str(part.value.get("description") or "").strip()
                content_type = _preferred([str(kind) for kind in consumes] or ["application/json"])
                return RequestBody(content_type, part.value.get("required") is True, part.part("schema"), (), described)
        return None


def _version(root: Part) -> str:
    value = root.value if isinstance(root.value, Mapping) else {}
    said = str(value.get("openapi") or value.get("swagger") or "")
    if said.startswith(("3.0", "3.1", "3.2")) and "openapi" in value:
        return said[:3]
    if said.startswith("2") and "swagger" in value:
        return "2"
    return root.refuse('this is no OpenAPI 3.0 or 3.1 file (`openapi: 3.…`) and no Swagger 2 file (`swagger: "2.0"`).')


def _written(value: Mapping[str, Any], place: str, style: Any) -> tuple[str | None, Objects]:
    """What stands between the items of a list (None: it is repeated), and how an object is written."""
    if place in ("path", "header"):
        return ",", "json"
    if style == "deepObject":
        return None, "deep"
    explode = value.get("explode", style in (None, "form"))
    return (None, "members") if explode else (DELIMITERS.get(str(style), ","), "json")


def _written_2(place: str, style: Any) -> tuple[str | None, Objects]:
    """The same for Swagger 2."""
    if style == "multi" and place not in ("path", "header"):
        return None, "json"
    return DELIMITERS.get(str(style), ","), "json"


def _preferred(types: list[str]) -> str:
    """The content type we send best."""
    for wanted in (
        "application/json",
        "+json",
        "*/*",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "text/",
    ):
        for content_type in types:
            if wanted in content_type:
                return content_type
    return types[0]


def _scheme(value: Any) -> Scheme | None:
    if not isinstance(value, Mapping):
        return None
    match value.get("type"):
        case "apiKey" if value.get("in") in ("header", "query", "cookie") and isinstance(value.get("name"), str):
            return Scheme(value["in"], value["name"])
        case "basic":
            return Scheme("basic")
        case "http":
            return Scheme("basic" if str(value.get("scheme")).lower() == "basic" else "bearer")
        case "oauth2" | "openIdConnect":
            return Scheme("bearer")
        case _:
            return None
