"""An HTTP request with places for arguments, filled: the request that leaves, byte for byte.

Knows how values are written in URLs, headers and bodies, and what an argument must not be able to do there: choose
another host or path, add a header. Must not know how a request is sent.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, assert_never
from urllib.parse import quote, unquote, urlsplit

from callscope.core.values import Headers, Request
from callscope.tools.invalid import InvalidArguments
from callscope.tools.outgoing import Body, FormBody, HttpCall, JsonBody, MultipartBody, QueryField, TextBody
from callscope.tools.templates import ALL, Argument, Filling, Template, Variable, fill, fill_json, templates_in, text_of
from callscope.version import VERSION

DEFAULTS: Headers = (("user-agent", f"callscope/{VERSION}"), ("accept", "*/*"), ("accept-encoding", "identity"))

_HEADER_ESCAPES = str.maketrans({'"': "%22", "\r": "%0D", "\n": "%0A"})
"""As browsers do in the names of parts: https://html.spec.whatwg.org/#multipart-form-data."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def fill_request(call: HttpCall, filling: Filling) -> Request:
    """Put the values in; raises InvalidArguments and MissingVariable."""
    url = _url(call, filling)
    body, content_type = _body(call.body, filling)
    given = (*_headers(call.headers, filling), *_cookies(call.cookies, filling))
    names = {name.lower() for name, _ in given}
    headers = [pair for pair in DEFAULTS if pair[0] not in names]
    headers += given
    if content_type and "content-type" not in names:
        headers.append(("content-type", content_type))
    if body or call.method in ("POST", "PUT", "PATCH"):
        headers.append(("content-length", str(len(body))))
    host = urlsplit(url).netloc
    return Request(call.method, url, ((("host", host),) if host else ()) + tuple(headers), body)


def templates_of(call: HttpCall) -> Iterator[Template]:
    """Every template of a request."""
    yield call.url
    yield from (field.value for field in call.query)
    yield from (value for _, value in (*call.headers, *call.cookies))
    match call.body:
        case None:
            return
        case JsonBody(value=value):
            yield from templates_in(value)
        case FormBody(fields=fields) | MultipartBody(fields=fields):
            yield from (field.value for field in fields)
        case TextBody(text=text):
            yield text
        case _:
            assert_never(call.body)


def secrets_of(call: HttpCall) -> tuple[str, ...]:
    """The names of all secrets that have a place in a request."""
    return tuple(dict.fromkeys(name for template in templates_of(call) for name in template.secrets))


# ---- the URL ------------------------------------------------------------------------------------------------------


def _url(call: HttpCall, filling: Filling) -> str:
    start = call.url.parts[0]
    base = ""
    rest = call.url
    if isinstance(start, Variable):  # a variable that holds the address itself is not quoted
        base = filling.variable(start)
        rest = Template(call.url.parts[1:])
    for name in rest.arguments:
        if filling.value(name) is None:
            raise InvalidArguments([(name, f"missing argument {name}, which is part of the URL")])
    url = base + (fill(rest, filling, _quoted) or "")
    _refuse_other_paths(rest, filling, url)
    query = "&".join(f"{name}={text}" for name, text in _fields(call.query, filling))
    return f"{url}{'&' if '?' in url else '?'}{query}" if query else url


def _refuse_other_paths(template: Template, filling: Filling, url: str) -> None:
    """No argument may empty a segment of the path, or climb out of one."""
    path = urlsplit(url).path
    climbs = any(unquote(segment) in (".", "..") for segment in path.split("/"))
    before = ""
    for part in template.parts:
        if isinstance(part, Argument) and "?" not in before:
            text = text_of(filling.value(part.name))
            if not text or (climbs and set(text) <= {"."}):
                what = "is empty" if not text else f"is {text}"
                raise InvalidArguments([(part.name, f"{part.name} {what}, which the path of a URL cannot have")])
        before += part if isinstance(part, str) else ""


def _quoted(text: str) -> str:
    return quote(text.encode("utf-8", "replace"), safe="")


def _fields(fields: tuple[QueryField, ...], filling: Filling) -> Iterator[tuple[str, str]]:
    """Quoted names and values; what is absent is left out, a list is repeated unless its place joins it."""
    for field in fields:
        only = field.value.only
        value = filling.value(only) if only else None
        if isinstance(value, Mapping) and (only == ALL or field.objects == "members"):
            yield from _members(value)
        elif isinstance(value, Mapping) and field.objects == "deep":
            yield from _members({f"{field.name}[{name}]": member for name, member in value.items()})
        elif isinstance(value, list) and field.value.parts == (Argument(str(only)),):
            yield from ((_quoted(field.name), text) for text in _texts(value))
        elif (text := fill(field.value, filling, _quoted)) is not None:
            yield _quoted(field.name), text


def _members(value: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, member in value.items():
        yield from ((_quoted(name), text) for text in _texts(member))


def _texts(value: Any) -> Iterator[str]:
    items = value if isinstance(value, list) else [value]
    return (_quoted(text_of(item)) for item in items if item is not None)


# ---- headers and body ---------------------------------------------------------------------------------------------


def _headers(headers: tuple[tuple[str, Template], ...], filling: Filling) -> Iterator[tuple[str, str]]:
    for name, template in headers:
        text = fill(template, filling)
        if text is None:
            continue
        if _CONTROL.search(text):
            named = template.arguments[0] if template.arguments else ""
            words = f"{named or 'the value'} holds a control character, which the header {name} cannot"
            raise InvalidArguments([(named, words)])
        yield name, text.strip()


def _cookies(cookies: tuple[tuple[str, Template], ...], filling: Filling) -> Iterator[tuple[str, str]]:
    """All cookies in one header, as RFC 6265 wants them."""
    texts = ((name, fill(template, filling, _quoted)) for name, template in cookies)
    if pairs := "; ".join(f"{name}={text}" for name, text in texts if text is not None):
        yield "cookie", pairs


def _body(body: Body | None, filling: Filling) -> tuple[bytes, str | None]:
    """The bytes, and the type of what they are."""
    match body:
        case None:
            return b"", None
        case JsonBody(value=value, optional=optional):
            filled = fill_json(value, filling)
            return (b"", None) if optional and filled in (None, {}) else (_json(filled), "application/json")
        case FormBody(fields=fields):
            pairs = "&".join(f"{name}={text}" for name, text in _fields(fields, filling))
            return pairs.encode(), "application/x-www-form-urlencoded"
        case MultipartBody(fields=fields, files=files):
            return _multipart(list(_fields(fields, filling)), files)
        case TextBody(text=text):
            return (fill(text, filling) or "").encode("utf-8", "replace"), "text/plain; charset=utf-8"
        case _:
            assert_never(body)


def _multipart(pairs: list[tuple[str, str]], files: tuple[str, ...]) -> tuple[bytes, str]:
    """The parts, and the type that names what parts them: a digest of them, so that the same call is the same bytes."""
    plain = [(unquote(name), unquote(text).encode()) for name, text in pairs]
    boundary = f"callscope-{hashlib.sha256(repr(plain).encode()).hexdigest()[:32]}"
    body = b""
    for name, value in plain:
        shown = name.replace("\\", "_").translate(_HEADER_ESCAPES)
        file = f'; filename="{shown}"\r\ncontent-type: application/octet-stream' if name in files else ""
        body += f'--{boundary}\r\ncontent-disposition: form-data; name="{shown}"{file}\r\n\r\n'.encode()
        body += value + b"\r\n"
    return body + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


def _json(value: Any) -> bytes:
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode("utf-8", "replace")
    except ValueError:
        raise InvalidArguments([("", "the arguments hold a number that is too large")]) from None
