"""One operation of an API as an HTTP request with places, and as the parameters that a model is offered.

Knows how arguments outside of the body and those within it become one object. Must not know where a description of
the API came from, nor which of its operations are wanted.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from callscope.tools.outgoing import Body, FormBody, HttpCall, JsonBody, MultipartBody, QueryField, TextBody
from callscope.tools.reading.references import Bundle
from callscope.tools.reading.rules import Part
from callscope.tools.reading.schemas import schema_problem
from callscope.tools.templates import Argument, JsonTemplate, Template
from callscope.tools.words import path_text

from .schemas import OF_PARAMETERS, is_read_only, json_schema
from .spec import LeftOut, Operation, Parameter, RequestBody, Spec

_UNNAMED = re.compile(r"[^a-zA-Z0-9_.-]+")
_PLACE = re.compile(r"\{([^{}]+)\}")
_COMBINED = ("allOf", "anyOf", "oneOf", "not", "if", "patternProperties", "$ref")


def api_call(spec: Spec, operation: Operation, address: Template) -> tuple[HttpCall, Mapping[str, Any]]:
    """The request of an operation below this address, and the JSON Schema of its arguments. Raises LeftOut."""
    arguments = _Arguments(spec, Bundle(spec.files))
    parameters = _with_undeclared(operation, spec.parameters(operation))
    names = {(one.name, one.place): arguments.add(one) for one in parameters}
    query, headers, cookies = [], [], []
    for one in parameters:
        template = Template((Argument(names[one.name, one.place], one.join),))
        if one.place == "query":
            query.append(QueryField(one.name, template, one.objects))
        elif one.place == "header":
            headers.append((one.name, template))
        elif one.place == "cookie":
            cookies.append((one.name, template))
    body, more = _body(spec, arguments, spec.body(operation))
    url = Template((*address.parts, *_path(operation.path, {name: names[name, "path"] for name in _places(operation)})))
    method = operation.method.upper()
    call = HttpCall(method, url, tuple(query), (*headers, *more), body, tuple(cookies))
    return call, arguments.schema()


@dataclass(slots=True)
class _Arguments:
    """The arguments of one operation, named and described as they are found."""

    spec: Spec
    bundle: Bundle
    properties: dict[str, Any] = field(default_factory=dict)
    required: list[str] = field(default_factory=list)

    def add(self, one: Parameter) -> str:
        """Take a parameter in; gives the name it has among the arguments."""
        plain = self.spec.files.followed(one.schema).value
        copied = self.bundle.copied(one.schema) if isinstance(plain, Mapping) else {}
        if one.schema.value is plain and isinstance(plain, Mapping) and "in" in plain and "name" in plain:
            copied = {key: value for key, value in copied.items() if key not in OF_PARAMETERS}
        return self.put(one.name, copied, one.description, required=one.required, instead=f"{one.place}_{one.name}")

    def put(self, name: str, schema: Any, description: str, *, required: bool, instead: str) -> str:
        """Take an argument in under its name, or, where that is taken, under another."""
        safe = _UNNAMED.sub("_", name).strip("_") or "value"
        if safe in self.properties:
            safe = _UNNAMED.sub("_", instead)
        if safe in self.properties:
            raise LeftOut(f"two of its parameters are called {name}")
        described = {"description": description} if description and isinstance(schema, Mapping) else {}
        self.properties[safe] = {**schema, **described} if isinstance(schema, Mapping) else schema
        if required:
            self.required.append(safe)
        return safe

    def schema(self) -> Mapping[str, Any]:
        """The schema of all arguments; raises LeftOut where what the file says is none."""
        properties = {name: json_schema(schema) for name, schema in self.properties.items()}
        whole: dict[str, Any] = {"type": "object", "properties": properties}
        if self.required:
            whole["required"] = self.required
        whole["additionalProperties"] = False
        if self.bundle.definitions:
            whole["$defs"] = {name: json_schema(schema) for name, schema in self.bundle.definitions.items()}
        if problem := schema_problem(whole):
            path, words = problem
            raise LeftOut(f"{path_text(path)} is no schema: {words}")
        return whole


def _places(operation: Operation) -> list[str]:
    return list(dict.fromkeys(_PLACE.findall(operation.path)))


def _with_undeclared(operation: Operation, parameters: tuple[Parameter, ...]) -> tuple[Parameter, ...]:
    """The parameters, with those that stand in the path and are declared nowhere; a path needs no others."""
    places = _places(operation)
    declared = [one.name for one in parameters if one.place == "path"]
    text = Part(operation.part.document, {"type": "string"}, operation.part.at)
    missing = [Parameter(name, "path", text, True, "") for name in places if name not in declared]
    return (*missing, *(one for one in parameters if one.place != "path" or one.name in places))


def _path(path: str, names: Mapping[str, str]) -> tuple[str | Argument, ...]:
    texts = _PLACE.split(path)
    parts = [Argument(names[text], ",") if index % 2 else text for index, text in enumerate(texts)]
    return tuple(part for part in parts if part != "")


# ---- the body -----------------------------------------------------------------------------------------------------


def _body(
    spec: Spec, arguments: _Arguments, body: RequestBody | None
) -> tuple[Body | None, tuple[tuple[str, Template], ...]]:
    """The body with its places, and the header that names its type where the type alone does not."""
    if body is None:
        return None, ()
    kind = body.content_type.partition(";")[0].strip().lower()
    typed = (("content-type", Template((body.content_type,))),)
    if kind in ("application/json", "*/*", "application/*"):
        return _json_body(spec, arguments, body), ()
    if kind.endswith("+json"):
        return _json_body(spec, arguments, body), typed
    if kind == "application/x-www-form-urlencoded":
        return FormBody(_form_fields(spec, arguments, body)[0]), ()
    if kind == "multipart/form-data":
        fields, files = _form_fields(spec, arguments, body)
        return MultipartBody(fields, files), ()
    if kind.startswith("text/") or kind.endswith(("/xml", "+xml")):
        name = arguments.put("body", {"type": "string"}, body.description, required=body.required, instead="body_text")
        return TextBody(Template((Argument(name),))), typed
    raise LeftOut(f"its body is {kind}")


def _json_body(spec: Spec, arguments: _Arguments, body: RequestBody) -> JsonBody:
    """The properties of an object are arguments like others; a body that is anything else is one argument."""
    members = _members(spec, body.schema) if body.schema is not None else None
    if members is None or any(_UNNAMED.sub("_", name).strip("_") in arguments.properties for name in members):
        schema = arguments.bundle.copied(body.schema) if body.schema is not None and body.schema.value else {}
        name = arguments.put("body", schema, body.description, required=body.required, instead="request_body")
        return JsonBody(Template((Argument(name),)), optional=not body.required)
    value: dict[str, JsonTemplate] = {}
    for name, (part, required) in members.items():
        schema = arguments.bundle.copied(part)
        safe = arguments.put(name, schema, "", required=required and body.required, instead=f"body_{name}")
        value[name] = Template((Argument(safe),))
    return JsonBody(value, optional=not body.required)


def _form_fields(
    spec: Spec, arguments: _Arguments, body: RequestBody
) -> tuple[tuple[QueryField, ...], tuple[str, ...]]:
    """The fields of a form, and the names of those that are files."""
    if body.fields:
        named = [(one, arguments.add(one)) for one in body.fields]
        files = tuple(one.name for one in body.fields if one.schema.value.get("type") == "file")
        return tuple(QueryField(one.name, Template((Argument(name, one.join),))) for one, name in named), files
    members = _members(spec, body.schema) if body.schema is not None else None
    if members is None:
        raise LeftOut("its form is no plain object")
    fields = []
    for name, (part, required) in members.items():
        schema = arguments.bundle.copied(part)
        safe = arguments.put(name, schema, "", required=required and body.required, instead=f"body_{name}")
        fields.append(QueryField(name, Template((Argument(safe),)), "members"))
    return tuple(fields), tuple(name for name, (part, _) in members.items() if _is_file(spec.files.followed(part)))


def _is_file(part: Part) -> bool:
    value = part.value if isinstance(part.value, Mapping) else {}
    binary = value.get("format") in ("binary", "byte") or "contentMediaType" in value
    return binary and value.get("type", "string") == "string"


def _members(spec: Spec, part: Part) -> dict[str, tuple[Part, bool]] | None:
    """The properties of a schema that is an object and nothing else, and whether each is required."""
    schema = spec.files.followed(part)
    value = schema.value
    if not isinstance(value, Mapping) or any(key in value for key in _COMBINED) or value.get("nullable") is True:
        return None
    properties = schema.part("properties")
    if value.get("type", "object") != "object" or not isinstance(properties.value, Mapping) or not properties.value:
        return None
    if value.get("additionalProperties") not in (None, False):
        return None
    required = value.get("required") if isinstance(value.get("required"), list) else []
    writable = ((name, member) for name, member in properties.members() if not is_read_only(member.value))
    return {name: (member, name in (required or [])) for name, member in writable} or None
