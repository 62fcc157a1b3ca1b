"""The definitions of one tools file, from plain values to tools.

Knows every key a definition may have, in our own form and in the forms of OpenAI's APIs, and the rules for each.
Must not know YAML, nor import any module of a person: `schema_of` does that, and only where a function's own
signature is the only place to learn its parameters from.

Specs: https://platform.openai.com/docs/api-reference/chat/create (nested),
https://platform.openai.com/docs/api-reference/responses/create (flat)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from callscope.core.errors import UnusableFile
from callscope.core.values import Approval, CallKind, ToolSpec

from .definitions import DEFAULT_LIMIT, DEFAULT_TIMEOUT, Implementation, MockAnswer, PythonFunction, Signature, Tool
from .documents import Document, ValuePath
from .schemas import schema_problem
from .words import did_you_mean, either, path_text

TOP_KEYS = ("tools", "modules", "secrets")
RUN_KEYS = ("run", "timeout", "approve", "isolate", "limit")
FLAT_KEYS = ("type", "name", "description", "parameters", "strict", *RUN_KEYS)
FUNCTION_KEYS = ("name", "description", "parameters", "strict")
CUSTOM_KEYS = ("name", "description", "format")

RUN_KINDS = ("python", "mock")
LATER_RUN_KINDS = ("http", "command", "mcp", "openapi")
APPROVALS = ("ask", "always", "never")

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

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_ENVIRONMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

SchemaOf = Callable[[PythonFunction], tuple[PythonFunction, Signature]]
"""Imports a function and reads its signature; raises UnusableFile."""


@dataclass(frozen=True, slots=True)
class ToolsFile:
    """What one file says: its tools, the modules it names, the names of its secrets."""

    tools: tuple[Tool, ...]
    modules: tuple[tuple[Path | str, str], ...] = ()
    secrets: tuple[str, ...] = ()


def read_tools(document: Document, schema_of: SchemaOf) -> ToolsFile:
    """Read a whole file, or raise UnusableFile with the first thing that is wrong with it."""
    value = document.value
    if isinstance(value, list) and document.is_json:
        return ToolsFile(_tools(document, value, (), schema_of))
    if isinstance(value, list):
        document.refuse("the file is a list; put `tools:` above it and indent the list.")
    if not isinstance(value, Mapping):
        document.refuse("the file must be a mapping with the key `tools`.")
    _refuse_unknown_keys(document, value, TOP_KEYS, ())
    return ToolsFile(
        _tools(document, _list(document, value, "tools"), ("tools",), schema_of),
        tuple(_module(document, entry, ("modules", i)) for i, entry in enumerate(_list(document, value, "modules"))),
        tuple(_secret(document, entry, ("secrets", i)) for i, entry in enumerate(_list(document, value, "secrets"))),
    )


def check_name(name: Any) -> str | None:
    """Why a tool cannot have this name, or None."""
    if not isinstance(name, str):
        return f"`name` must be text, not {name!r}"
    if len(name) > 64:
        return f"the name {name[:20]}… has {len(name)} characters; the protocol allows 64"
    if not _NAME.fullmatch(name):
        better = re.sub(r"[^a-zA-Z0-9_-]+", "_", name).strip("_") or "my_tool"
        return f"the name {name!r} is not allowed: letters, digits, _ and - only, for example {better}"
    return None


def _tools(document: Document, entries: list[Any], at: ValuePath, schema_of: SchemaOf) -> tuple[Tool, ...]:
    return tuple(_tool(document, entry, (*at, index), schema_of) for index, entry in enumerate(entries))


def _tool(document: Document, entry: Any, at: ValuePath, schema_of: SchemaOf) -> Tool:
    if not isinstance(entry, Mapping):
        document.refuse(f"a tool must be a mapping with `name`, not {entry!r}.", at)
    kind, members, inner = _unfold(document, entry, at)
    name = members.get("name")
    if name is None:
        document.refuse("a tool without `name`; give it one.", inner)
    if problem := check_name(name):
        document.refuse(f"{problem}.", (*inner, "name"))
    implementation = _implementation(document, entry, at)
    description = _optional(document, members, "description", inner, str, "text")
    parameters = _parameters(document, kind, members, inner)
    if isinstance(implementation, PythonFunction) and kind == "function" and parameters is None:
        implementation, signature = _from_signature(document, implementation, at, schema_of)
        parameters, description = signature.parameters, description or signature.description
    spec = ToolSpec(
        name=name,
        description=description or "",
        parameters=parameters or {},
        kind=kind,
        strict=_optional(document, members, "strict", inner, bool, "true or false"),
        source=document.where(at),
        approve=cast("Approval | None", _choice(document, entry, "approve", at, APPROVALS)),
    )
    _check_isolation(document, entry, at)
    return Tool(spec, implementation, *_limits(document, entry, at))


def _unfold(
    document: Document, entry: Mapping[str, Any], at: ValuePath
) -> tuple[CallKind, Mapping[str, Any], ValuePath]:
    """The kind of a definition, its own members, and where they stand: one level down in the nested form."""
    kind = entry.get("type", "function")
    if kind not in ("function", "custom"):
        hint = did_you_mean(str(kind), ("function", "custom"))
        document.refuse(f"`type: {kind}` cannot be loaded: function and custom can{hint}.", (*at, "type"))
    inner = entry.get(kind)
    if isinstance(inner, Mapping):
        _refuse_unknown_keys(document, entry, ("type", kind, *RUN_KEYS), at)
        _refuse_unknown_keys(document, inner, FUNCTION_KEYS if kind == "function" else CUSTOM_KEYS, (*at, kind))
        return kind, inner, (*at, kind)
    keys = FLAT_KEYS if kind == "function" else ("type", *CUSTOM_KEYS, *RUN_KEYS)
    _refuse_unknown_keys(document, entry, keys, at)
    return kind, entry, at


def _parameters(
    document: Document, kind: CallKind, members: Mapping[str, Any], at: ValuePath
) -> Mapping[str, Any] | None:
    key = "parameters" if kind == "function" else "format"
    value = members.get(key)
    if value is None:
        return None
    if not isinstance(value, Mapping):
        document.refuse(f"`{key}` must be an object, not {value!r}.", (*at, key))
    if kind == "custom":
        return value
    if problem := schema_problem(value):
        path, sentence = problem
        place = path_text((key, *path))
        document.refuse(f"{place} is no JSON Schema: {sentence}.", (*at, key, *path))
    if value.get("type", "object") != "object":
        document.refuse("`parameters` must be `type: object`: arguments always come as an object.", (*at, key, "type"))
    return value


# ---- how it runs --------------------------------------------------------------------------------------------------


def _implementation(document: Document, entry: Mapping[str, Any], at: ValuePath) -> Implementation | None:
    if "run" not in entry:
        return None
    run, here = entry["run"], (*at, "run")
    if not isinstance(run, Mapping) or len(run) != 1:
        document.refuse("`run` must be a mapping with one key, python or mock; without `run` a person answers.", here)
    ((kind, value),) = run.items()
    match kind:
        case "python":
            return _python(document, value, (*here, kind))
        case "mock":
            return MockAnswer(value)
        case _ if kind in LATER_RUN_KINDS:
            return document.refuse(f"`run: {{{kind}: …}}` is not supported yet; python and mock are.", (*here, kind))
        case _:
            hint = did_you_mean(kind, RUN_KINDS)
            return document.refuse(f"`run` knows no {kind!r}{hint}; it knows {either(RUN_KINDS)}.", (*here, kind))


def _python(document: Document, value: Any, at: ValuePath) -> PythonFunction:
    module, colon, name = value.rpartition(":") if isinstance(value, str) else ("", "", "")
    if not colon or not module or not name.isidentifier():
        document.refuse('`python` must be "file.py:function" or "package.module:function".', at)
    return PythonFunction(_module_path(document, module, at), name)


def _from_signature(
    document: Document, function: PythonFunction, at: ValuePath, schema_of: SchemaOf
) -> tuple[PythonFunction, Signature]:
    try:
        return schema_of(function)
    except UnusableFile as error:
        hint = "" if "`parameters`" in str(error) else " (It was imported because there are no `parameters` here.)"
        document.refuse(f"{error}{hint}", (*at, "run"))


def _module(document: Document, entry: Any, at: ValuePath) -> tuple[Path | str, str]:
    if not isinstance(entry, str) or not entry:
        document.refuse("a module must be a file.py or a package.module.", at)
    return _module_path(document, entry, at), document.where(at)


def _module_path(document: Document, module: str, at: ValuePath) -> Path | str:
    """A file beside the document, or a dotted name."""
    if not module.endswith(".py"):
        if all(part.isidentifier() for part in module.split(".")):
            return module
        document.refuse(f"{module!r} is neither a .py file nor a dotted module name.", at)
    path = document.path.parent / Path(module).expanduser()
    if not path.is_file():
        document.refuse(f"there is no file {path}; paths are relative to {document.path.name}.", at)
    return path


def _limits(document: Document, entry: Mapping[str, Any], at: ValuePath) -> tuple[float, int]:
    timeout, limit = entry.get("timeout", DEFAULT_TIMEOUT), entry.get("limit", DEFAULT_LIMIT)
    if isinstance(timeout, bool) or not isinstance(timeout, int | float) or not 0 < timeout <= 86_400:
        document.refuse(f"`timeout` must be seconds between 0 and 86400, not {timeout!r}.", (*at, "timeout"))
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
        document.refuse(f"`limit` must be a number of characters of 1 or more, not {limit!r}.", (*at, "limit"))
    return float(timeout), limit


def _check_isolation(document: Document, entry: Mapping[str, Any], at: ValuePath) -> None:
    if _choice(document, entry, "isolate", at, ("thread", "process")) == "process":
        document.refuse("`isolate: process` is not supported yet; leave it out to run in a thread.", (*at, "isolate"))


# ---- rules for any key --------------------------------------------------------------------------------------------


def _refuse_unknown_keys(document: Document, value: Mapping[str, Any], known: tuple[str, ...], at: ValuePath) -> None:
    for key in value:
        if key not in known:
            meant = OTHER_NAMES.get(key)
            hint = f" (did you mean {meant}?)" if meant else did_you_mean(key, known)
            if not at and key in ("name", "type", "parameters"):
                hint = "; a definition stands in the list under `tools:`"
            document.refuse(f"unknown key `{key}`{hint}; known here: {', '.join(known)}.", (*at, key))


def _list(document: Document, value: Mapping[str, Any], key: str) -> list[Any]:
    entries = value.get(key)
    if entries is None:
        return []
    if not isinstance(entries, list):
        document.refuse(f"`{key}` must be a list: write each entry after a dash.", (key,))
    return entries


def _secret(document: Document, entry: Any, at: ValuePath) -> str:
    if not isinstance(entry, str) or not _ENVIRONMENT.fullmatch(entry):
        document.refuse("a secret is the name of an environment variable, never its value.", at)
    return entry


def _optional(document: Document, members: Mapping[str, Any], key: str, at: ValuePath, wanted: type, words: str) -> Any:
    value = members.get(key)
    if value is not None and not isinstance(value, wanted):
        document.refuse(f"`{key}` must be {words}, not {value!r}.", (*at, key))
    return value


def _choice(
    document: Document, entry: Mapping[str, Any], key: str, at: ValuePath, choices: tuple[str, ...]
) -> str | None:
    value = entry.get(key)
    if value is not None and value not in choices:
        hint = did_you_mean(str(value), choices)
        document.refuse(f"`{key}` must be {either(choices)}, not {value!r}{hint}.", (*at, key))
    return value
