"""HTTP requests as a definition says them, from plain values to templates.

Knows the keys of `http`, and that no argument may choose where a request goes. Must not know how a request is sent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from callscope.tools.outgoing import Body, FormBody, HttpCall, JsonBody, QueryField, TextBody
from callscope.tools.running.requests import templates_of
from callscope.tools.templates import ALL, Argument, Template, Variable
from callscope.tools.words import either

from .keys import HTTP_KEYS
from .rules import Part
from .scopes import Scope

BODIES = ("json", "form", "body")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
DERIVED_HEADERS = ("host", "content-length", "transfer-encoding", "connection")

_HEADER = re.compile(r"[-!#$%&'*+.^_`|~0-9A-Za-z]+")


def read_http(part: Part, scope: Scope) -> HttpCall:
    """Read what stands under `http`, or raise UnusableFile."""
    if not isinstance(part.value, Mapping):
        part.refuse("`http` must be a mapping with `url`.")
    part.known(HTTP_KEYS, {})
    body = _body(part, scope)
    call = HttpCall(
        part.choice("method", METHODS) or ("GET" if body is None else "POST"),
        _url(part.part("url"), scope),
        read_fields(part.part("query"), scope),
        read_headers(part.part("headers"), scope),
        body,
    )
    scope.refuse_unused(part, templates_of(call))
    return call


def check_address(part: Part, template: Template) -> None:
    """Refuse a URL whose host could be anything but what the file says."""
    start = template.parts[0] if template.parts else ""
    if isinstance(start, Variable):
        if len(template.parts) > 1 and isinstance(template.parts[1], Argument):
            part.refuse("an argument right after the address could change the host; write a / between them.")
        return
    start = start if isinstance(start, str) else ""
    try:
        parts = urlsplit(start)
        parts.port  # noqa: B018 - asked for, it raises where it can be none
    except ValueError as error:
        part.refuse(f"`url` is none: {str(error).lower()}.")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        part.refuse("`url` must begin with http:// or https:// and a host, none of them an argument.")
    if len(template.parts) > 1 and "/" not in start.partition("://")[2] and "?" not in start:
        part.refuse("no argument or variable may stand in the host of `url`; write the host out.")
    if "@" in parts.netloc:
        part.refuse("`url` holds a user name; send it in `headers`, with a secret: authorization: Basic ${NAME}.")


def _url(part: Part, scope: Scope) -> Template:
    if not isinstance(part.value, str):
        part.refuse("`url` is missing, as in http://127.0.0.1:8000/weather/{city}.")
    template = scope.template(part)
    check_address(part, template)
    for name in template.arguments:
        if not scope.is_required(name):
            part.refuse(f"{name} is not `required`, and the URL needs it; require it, or put it into `query`.")
    return template


def read_fields(part: Part, scope: Scope) -> tuple[QueryField, ...]:
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


def read_headers(part: Part, scope: Scope) -> tuple[tuple[str, Template], ...]:
    """Read headers, each a template; null for none."""
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
        "form": lambda body: FormBody(read_fields(body, scope)),
        "body": lambda body: TextBody(scope.template(body)),
    }
    body: Body | None = readers[given[0]](part.part(given[0])) if given else None
    return body
