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
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from callscope.core.errors import UnusableFile
from callscope.core.values import CallKind, ToolSpec
from callscope.tools.definitions import PythonFunction, Signature, Tool
from callscope.tools.run_settings import DEFAULT_TIMEOUT, RunSettings
from callscope.tools.words import did_you_mean, path_text

from .documents import Document
from .rules import Part, Variables, read_settings
from .runs import module_path, read_run
from .schemas import refers_to_files, schema_problem
from .value_path import ValuePath

if TYPE_CHECKING:
    from callscope.tools.mcp.settings import McpSource

TOP_KEYS = ("include", "secrets", "variables", "defaults", "tools", "openapi", "mcp", "modules")
DEFAULT_KEYS = ("timeout", "approve", "isolate", "limit")
RUN_KEYS = ("run", *DEFAULT_KEYS)
FLAT_KEYS = ("type", "name", "description", "parameters", "strict", *RUN_KEYS)
FUNCTION_KEYS = ("name", "description", "parameters", "strict")
CUSTOM_KEYS = ("name", "description", "format")

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")

SchemaOf = Callable[[PythonFunction], tuple[PythonFunction, Signature]]
"""Imports a function and reads its signature; raises UnusableFile."""


@dataclass(frozen=True, slots=True)
class ToolsFile:
    """What one file says: its tools, and what it names: other files, modules, servers, secrets; with their places."""

    tools: tuple[Tool, ...]
    includes: tuple[tuple[Path, str], ...] = ()
    modules: tuple[tuple[Path | str, str], ...] = ()
    servers: tuple[McpSource, ...] = ()
    secrets: tuple[str, ...] = ()
    defaults: RunSettings = field(default_factory=RunSettings)
    warnings: tuple[str, ...] = ()


def read_tools(document: Document, schema_of: SchemaOf) -> ToolsFile:
    """Read a whole file, or raise UnusableFile with the first thing that is wrong with it."""
    file = Part(document, document.value)
    if isinstance(file.value, list) and document.is_json:
        reader = _Reader(schema_of, RunSettings(), Variables())
        return ToolsFile(tuple(reader.tool(entry) for entry in file.items()))
    if isinstance(file.value, list):
        file.refuse("the file is a list; put `tools:` above it and indent the list.")
    if not isinstance(file.value, Mapping):
        file.refuse("the file must be a mapping with the key `tools`.")
    file.known(TOP_KEYS)
    reader = _Reader(schema_of, _defaults(file), _variables(file))
    tools = [reader.tool(entry) for entry in file.list_at("tools")]
    more, warnings = reader.apis(file.list_at("openapi"))
    servers, said = _servers(file, reader.defaults)
    return ToolsFile(
        (*tools, *more),
        tuple((_included(entry), entry.where) for entry in file.list_at("include")),
        tuple((_module(entry), entry.where) for entry in file.list_at("modules")),
        servers,
        reader.variables.secrets,
        reader.defaults,
        (*warnings, *said),
    )


def settled(tool: Tool, settings: RunSettings) -> Tool:
    """A tool of a module, run as its file says."""
    run = tool.implementation
    if isinstance(run, PythonFunction):
        run = replace(run, isolated=settings.isolated)
    spec = replace(tool.spec, approve=settings.approve or tool.spec.approve)
    timeout = settings.timeout if settings.timeout != DEFAULT_TIMEOUT else tool.timeout
    return Tool(spec, run, timeout, settings.limit)


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


# ---- a file -------------------------------------------------------------------------------------------------------


def _defaults(file: Part) -> RunSettings:
    if not file.has("defaults"):
        return RunSettings()
    defaults = file.part("defaults")
    if not isinstance(defaults.value, Mapping):
        defaults.refuse("`defaults` must be a mapping of what holds for all tools of this file.")
    defaults.known(DEFAULT_KEYS)
    return read_settings(defaults, RunSettings())


def _variables(file: Part) -> Variables:
    secrets = tuple(entry.variable_name("secret") for entry in file.list_at("secrets"))
    if not file.has("variables"):
        return Variables(secrets)
    plain = file.part("variables")
    if not isinstance(plain.value, Mapping):
        plain.refuse("`variables` must be a mapping from names of variables to defaults, or to null for none.")
    for name, default in plain.members():
        Part(plain.document, name, default.at).variable_name("variable")
        if name in secrets:
            default.refuse(f"{name} stands under `secrets` already; what is secret has no default.")
        if not isinstance(default.value, str | None):
            default.refuse(f"the default of {name} must be text, or null for none.")
    return Variables(secrets, plain.value)


def _servers(file: Part, defaults: RunSettings) -> tuple[tuple[McpSource, ...], tuple[str, ...]]:
    """The MCP servers that the file names, and warnings."""
    if not file.has("mcp"):
        return (), ()
    from callscope.tools.mcp.settings import read_servers

    return read_servers(file.part("mcp"), defaults)


def _included(entry: Part) -> Path:
    if isinstance(entry.value, str) and entry.value.endswith(".py"):
        entry.refuse(f"{entry.value} is a module; write it under `modules`.")
    return entry.file_beside("an included file")


def _module(entry: Part) -> Path | str:
    if not isinstance(entry.value, str) or not entry.value:
        entry.refuse("a module must be a file.py or a package.module.")
    return module_path(entry, entry.value)


# ---- a definition -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads the definitions of one file, with what holds for all of them."""

    schema_of: SchemaOf
    defaults: RunSettings
    variables: Variables

    def tool(self, entry: Part) -> Tool:
        if not isinstance(entry.value, Mapping):
            entry.refuse(f"a tool must be a mapping with `name`, not {entry.value!r}.")
        kind, inner = _unfold(entry)
        name = _name(inner)
        description = inner.optional("description", str, "text")
        parameters = _parameters(kind, inner)
        settings = read_settings(entry, self.defaults)
        run = read_run(entry, kind, parameters, self.variables) if "run" in entry.value else None
        if isinstance(run, PythonFunction):
            run = replace(run, isolated=settings.isolated)
            if kind == "function" and parameters is None:
                run, signature = self._from_signature(entry.part("run"), run)
                parameters, description = signature.parameters, description or signature.description
                settings = replace(settings, approve=settings.approve or signature.approve)
        elif entry.has("isolate"):
            entry.part("isolate").refuse("`isolate` is for `run: {python: …}`; leave it out here.")
        spec = ToolSpec(
            name=name,
            description=description or "",
            parameters=parameters or {},
            kind=kind,
            strict=inner.optional("strict", bool, "true or false"),
            source=entry.where,
            approve=settings.approve,
        )
        return Tool(spec, run, settings.timeout, settings.limit)

    def apis(self, entries: list[Part]) -> tuple[list[Tool], tuple[str, ...]]:
        """The tools of the APIs that the file names, and warnings."""
        tools: list[Tool] = []
        warnings: list[str] = []
        for entry in entries:
            from callscope.tools.openapi.tools import read_openapi

            if not isinstance(entry.value, Mapping):
                entry.refuse("an API must be a mapping with `spec`.")
            found, said = read_openapi(entry, read_settings(entry, self.defaults), self.variables)
            tools += found
            warnings += said
        return tools, tuple(warnings)

    def _from_signature(self, run: Part, function: PythonFunction) -> tuple[PythonFunction, Signature]:
        try:
            return self.schema_of(function)
        except UnusableFile as error:
            hint = "" if "`parameters`" in str(error) else " (It was imported because there are no `parameters` here.)"
            run.refuse(f"{error}{hint}")


def _unfold(entry: Part) -> tuple[CallKind, Part]:
    """The kind of a definition, and its own members: one level down in the nested form."""
    kind = entry.value.get("type", "function")
    if kind not in ("function", "custom"):
        hint = did_you_mean(str(kind), ("function", "custom"))
        entry.part("type").refuse(f"`type: {kind}` cannot be loaded: function and custom can{hint}.")
    inner = entry.part(kind)
    if isinstance(inner.value, Mapping):
        entry.known(("type", kind, *RUN_KEYS))
        inner.known(FUNCTION_KEYS if kind == "function" else CUSTOM_KEYS)
        return kind, inner
    entry.known(FLAT_KEYS if kind == "function" else ("type", *CUSTOM_KEYS, *RUN_KEYS))
    return kind, entry


def _name(inner: Part) -> str:
    name = inner.part("name")
    if name.value is None:
        inner.refuse("a tool without `name`; give it one.")
    if problem := check_name(name.value):
        name.refuse(f"{problem}.")
    return str(name.value)


def _parameters(kind: CallKind, inner: Part) -> Mapping[str, Any] | None:
    key = "parameters" if kind == "function" else "format"
    part = inner.part(key)
    if part.value is None:
        return None
    if not isinstance(part.value, Mapping):
        part.refuse(f"`{key}` must be an object, not {part.value!r}.")
    if kind == "custom":
        return part.value
    schema, origin = _whole(part)
    if problem := schema_problem(schema):
        path, sentence = problem
        place = path_text((key, *path))
        origin(path).refuse(f"{place} is no JSON Schema: {sentence}.")
    if schema.get("type", "object") != "object":
        origin(("type",)).refuse("`parameters` must be `type: object`: arguments always come as an object.")
    return schema


def _whole(part: Part) -> tuple[Mapping[str, Any], Callable[[ValuePath], Part]]:
    """The schema with what it takes from other files, and where each part of it was read."""
    try:
        refers = refers_to_files(part.value)
    except RecursionError:
        part.refuse("the schema is nested too deeply.")
    if refers:
        from .references import with_files

        return with_files(part)
    return part.value, lambda path: Part(part.document, None, (*part.at, *path))
