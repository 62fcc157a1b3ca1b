"""How a tool runs, as a definition says it: `run`, from plain values to an implementation.

Knows the keys of each kind and the rules for them. Must not know the rest of a definition, nor run anything.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise, takewhile
from pathlib import Path, PurePath
from typing import Any
from urllib.parse import urlsplit

from .definitions import (
    Body,
    CommandLine,
    FormBody,
    HttpCall,
    Implementation,
    JsonBody,
    PythonFunction,
    QueryField,
    TextBody,
)
from .reading_mocks import read_mock
from .requests import templates_of
from .rules import Part
from .scopes import Scope
from .templates import ALL, Argument, Template, Variable
from .words import did_you_mean, either

RUN_KINDS = ("python", "http", "command", "mock")
COMMAND_KEYS = ("args", "cwd", "env")
HTTP_KEYS = ("method", "url", "query", "headers", "json", "form", "body")
BODIES = ("json", "form", "body")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
DERIVED_HEADERS = ("host", "content-length", "transfer-encoding", "connection")

_HEADER = re.compile(r"[-!#$%&'*+.^_`|~0-9A-Za-z]+")
_INTERPRETER = re.compile(r"(ba|z|da|k|fi)?sh|python[0-9.]*|perl|ruby|node|php|lua|pwsh")
_SCRIPT = re.compile(r"-[a-z]*[cer]|--eval|--command|-Command")


def read_run(entry: Part, scope: Scope) -> Implementation:
    """Read `run` of a definition, or raise UnusableFile."""
    run = entry.part("run")
    if not isinstance(run.value, Mapping) or len(run.value) != 1:
        run.refuse(f"`run` must be a mapping with one key, {either(RUN_KINDS)}; without `run` a person answers.")
    ((kind, part),) = run.members()
    match kind:
        case "python":
            return _python(part)
        case "http":
            return _http(part, scope)
        case "command":
            return _command(part, scope)
        case "mock":
            return read_mock(part, scope)
        case _:
            hint = did_you_mean(kind, RUN_KINDS)
            return part.refuse(f"`run` knows no {kind!r}{hint}; it knows {either(RUN_KINDS)}.")


def module_path(part: Part, module: str) -> Path | str:
    """A file beside the document, or a dotted name."""
    if not module.endswith(".py"):
        if all(word.isidentifier() for word in module.split(".")):
            return module
        part.refuse(f"{module!r} is neither a .py file nor a dotted module name.")
    return Part(part.document, module, part.at).file_beside("a module")


def _python(part: Part) -> PythonFunction:
    module, colon, name = part.value.rpartition(":") if isinstance(part.value, str) else ("", "", "")
    if not colon or not module or not name.isidentifier():
        part.refuse('`python` must be "file.py:function" or "package.module:function".')
    return PythonFunction(module_path(part, module), name)


# ---- commands -----------------------------------------------------------------------------------------------------


def _command(part: Part, scope: Scope) -> CommandLine:
    args = part
    if isinstance(part.value, Mapping):
        part.known(COMMAND_KEYS, {})
        args = part.part("args")
    if not isinstance(args.value, list) or not args.value:
        args.refuse('`command` must be a list, such as [prog, "{city}"]: no shell takes it apart.')
    words = tuple(_word_group(item, scope) for item in args.items())
    _refuse_scripts(args, words)
    return CommandLine(
        ((_program(args.part(0), words[0]),), *words[1:]), _folder(part), _environment(part, scope), scope.secrets
    )


def _word_group(item: Part, scope: Scope) -> tuple[Template, ...]:
    if not isinstance(item.value, list):
        return (scope.template(item),)
    if not item.value:
        item.refuse("an empty group; it holds the arguments that are left out together.")
    return tuple(scope.template(word) for word in item.items())


def _program(item: Part, group: tuple[Template, ...]) -> Template:
    """The program as it is executed: a path is relative to the document, whatever folder it runs in."""
    template = group[0]
    if len(group) > 1 or template.arguments or not template.parts:
        item.refuse("the program must stand first, and no argument may choose it.")
    text = str(item.value)
    if "/" not in text or any(isinstance(part, Variable) for part in template.parts):
        return template
    return Template((str(Part(item.document, text, item.at).file_beside("the program").absolute()),))


def _refuse_scripts(args: Part, words: tuple[tuple[Template, ...], ...]) -> None:
    """A value within the text of a script would be read as script, quotes or not."""
    flat = [word for group in words for word in group]
    if not _INTERPRETER.fullmatch(PurePath(str(flat[0])).name):
        return
    for before, word in takewhile(lambda pair: str(pair[0]).startswith("-"), pairwise(flat[1:])):
        if word.arguments and _SCRIPT.fullmatch(str(before)):
            args.refuse(
                f"{{{word.arguments[0]}}} stands within a script, where a value could say anything; hand it over as an "
                'argument, as in [sh, -c, \'grep -- "$1" notes.txt\', sh, "{word}"].'
            )


def _folder(part: Part) -> Path:
    """Where it runs: `cwd`, else the folder of the document."""
    if not isinstance(part.value, Mapping) or not part.has("cwd"):
        return part.folder
    cwd = part.part("cwd")
    if not isinstance(cwd.value, str):
        cwd.refuse(f"`cwd` must be the path of a folder, not {cwd.value!r}.")
    folder = part.folder / Path(cwd.value).expanduser()
    if not folder.is_dir():
        cwd.refuse(f"there is no folder {folder}; paths are relative to {part.document.path.name}.")
    return folder


def _environment(part: Part, scope: Scope) -> tuple[tuple[str, Template], ...]:
    if not isinstance(part.value, Mapping) or not part.has("env"):
        return ()
    env = part.part("env")
    if not isinstance(env.value, Mapping):
        env.refuse("`env` must be a mapping from names of variables to values.")
    return tuple(
        (Part(env.document, name, value.at).variable_name("key of `env`"), scope.template(value))
        for name, value in env.members()
    )


# ---- HTTP ---------------------------------------------------------------------------------------------------------


def _http(part: Part, scope: Scope) -> HttpCall:
    if not isinstance(part.value, Mapping):
        part.refuse("`http` must be a mapping with `url`.")
    part.known(HTTP_KEYS, {})
    body = _body(part, scope)
    call = HttpCall(
        part.choice("method", METHODS) or ("GET" if body is None else "POST"),
        _url(part.part("url"), scope),
        _fields(part.part("query"), scope),
        _headers(part.part("headers"), scope),
        body,
    )
    scope.refuse_unused(part, templates_of(call))
    return call


def _url(part: Part, scope: Scope) -> Template:
    if not isinstance(part.value, str):
        part.refuse("`url` is missing, as in http://127.0.0.1:8000/weather/{city}.")
    template = scope.template(part)
    start = template.parts[0] if template.parts else ""
    if not isinstance(start, Variable):
        start = start if isinstance(start, str) else ""
        parts = urlsplit(start)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            part.refuse("`url` must begin with http:// or https:// and a host, none of them an argument.")
        if len(template.parts) > 1 and "/" not in start.partition("://")[2] and "?" not in start:
            part.refuse("no argument or variable may stand in the host of `url`; write the host out.")
        if "@" in parts.netloc:
            part.refuse("`url` holds a user name; send it in `headers`, with a secret: authorization: Basic ${NAME}.")
    elif len(template.parts) > 1 and isinstance(template.parts[1], Argument):
        part.refuse("an argument right after the address could change the host; write a / between them.")
    for name in template.arguments:
        if not scope.is_required(name):
            part.refuse(f"{name} is not `required`, and the URL needs it; require it, or put it into `query`.")
    return template


def _fields(part: Part, scope: Scope) -> tuple[QueryField, ...]:
    """Members of a query or a form; `"{*}"` for one member for each argument."""
    if part.value is None:
        return ()
    if isinstance(part.value, str):
        template = scope.template(part)
        if template.only != ALL:
            part.refuse('this must be a mapping, or "{*}" for all arguments.')
        return (QueryField(ALL, template),)
    if not isinstance(part.value, Mapping):
        part.refuse("this must be a mapping from names to values.")
    return tuple(QueryField(name, scope.template(value)) for name, value in part.members())


def _headers(part: Part, scope: Scope) -> tuple[tuple[str, Template], ...]:
    if part.value is None:
        return ()
    if not isinstance(part.value, Mapping):
        part.refuse("`headers` must be a mapping from names to values.")
    for name, value in part.members():
        if not _HEADER.fullmatch(name):
            value.refuse(f"{name!r} is no name of an HTTP header.")
        if name.lower() in DERIVED_HEADERS:
            value.refuse(f"the header {name} follows from the request and cannot be set.")
    return tuple((name, scope.template(value)) for name, value in part.members())


def _body(part: Part, scope: Scope) -> Body | None:
    given = [key for key in BODIES if key in part.value]
    if len(given) > 1:
        part.part(given[1]).refuse(f"a request has one body: {either(given)}.")
    readers: dict[str, Any] = {
        "json": lambda body: JsonBody(scope.json_template(body)),
        "form": lambda body: FormBody(_fields(body, scope)),
        "body": lambda body: TextBody(scope.template(body)),
    }
    body: Body | None = readers[given[0]](part.part(given[0])) if given else None
    return body
