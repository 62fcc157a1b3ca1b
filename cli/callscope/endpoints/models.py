"""What models an endpoint offers: one GET, read with clear words for everything that can go wrong.

Knows the shapes of a list of models and of an error body. Must not know where the list lies (the dialect says), nor
how the request travels (the endpoint's).
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from typing import Any
from urllib.parse import urlsplit

from callscope.core.errors import EndpointError, UsageError
from callscope.core.events import BytesRead, ExchangeEnded, ExchangeOpened, MessagePassed, ResponseHead
from callscope.core.ports import Endpoint
from callscope.core.values import Headers, Request

from .credentials import secrets_in

LONGEST_WORDS = 500
"""Characters of a server's own words that an error quotes."""


async def list_models(endpoint: Endpoint, url: str, *, exchange: int = 0) -> list[str]:
    """The ids that a GET of this URL lists, in the server's order; raises EndpointError with the server's own words."""
    request = Request("GET", url, (("accept", "application/json"),), b"")
    sent: Headers = ()
    head: ResponseHead | None = None
    body = bytearray()
    async with aclosing(endpoint.stream(exchange, request)) as events:
        async for event in events:
            match event:
                case ExchangeOpened():
                    sent = event.request.headers
                case ResponseHead():
                    head = event
                case BytesRead():
                    body += event.data
                case ExchangeEnded(how=how, detail=detail) if how != "complete":
                    raise EndpointError(f"No list of models from {_bare(url)}: {detail or how}.")
                case ExchangeEnded() | MessagePassed():
                    pass
    if head is None:
        raise EndpointError(f"No list of models from {_bare(url)}: there was no response.")
    return _read(_bare(url), head, inflate(bytes(body), head.headers), sent)


def only_model(ids: Sequence[str], url: str) -> str:
    """The only entry of a list of models; raises UsageError with the list where a person has to choose."""
    match ids:
        case [only]:
            return only
        case []:
            raise UsageError(f"{_bare(url)} lists no model: name one with -m.")
        case _:
            shown = "\n".join(f"  {name}" for name in ids[:50])
            more = f"\n  … and {len(ids) - 50} more" if len(ids) > 50 else ""
            raise UsageError(f"{_bare(url)} lists {len(ids)} models: name one with -m.\n{shown}{more}")


def inflate(body: bytes, headers: Headers) -> bytes:
    """The body without a gzip or deflate coding; unchanged where it is not what its headers say."""
    codings = {value.strip().lower() for name, value in headers if name.lower() == "content-encoding"}
    if not codings & {"gzip", "x-gzip", "deflate"}:
        return body
    try:
        return zlib.decompress(body, zlib.MAX_WBITS | 32)
    except zlib.error:
        return body


def error_words(body: bytes) -> str:
    """A server's own words on an error: the message of the usual JSON shapes, else the text itself; may be empty."""
    text = body.decode("utf-8", "replace").strip()
    try:
        found = _message(json.loads(text))
    except ValueError:
        found = ""
    words = " ".join((found or text).split())
    return words if len(words) <= LONGEST_WORDS else f"{words[:LONGEST_WORDS]}…"


def _message(value: Any) -> str:
    """The first message in {"error": {"message"}}, {"error": "…"}, {"message"}, {"detail"}, or a list of these."""
    match value:
        case str():
            return value
        case [first, *_]:
            return _message(first)
        case Mapping():
            found = (_message(value[name]) for name in ("error", "message", "detail", "msg") if value.get(name))
            return next((words for words in found if words), "")
        case _:
            return ""


def _read(url: str, head: ResponseHead, body: bytes, sent: Headers) -> list[str]:
    if 300 <= head.status < 400:
        location = next((value for name, value in head.headers if name.lower() == "location"), "nowhere")
        raise EndpointError(
            f"{url} redirects ({head.status}) to {location}: give that URL, redirects are not followed."
        )
    if _is_html(head, body):
        page = "answers with a web page, not with an API"
        raise EndpointError(f"{url} {page} ({head.status}). Is the base URL right? It often ends in /v1.")
    if not 200 <= head.status < 300:
        words = error_words(body)
        for secret in secrets_in(sent):
            words = words.replace(secret, "…")
        said = f" The server says: {words}" if words else ""
        raise EndpointError(f"{_refusal(url, head.status, keyed=bool(secrets_in(sent)))}{said}")
    try:
        ids = _ids(json.loads(body))
    except ValueError:
        ids = None
    if ids is None:
        raise EndpointError(f"What {url} answers is no list of models: name one with -m.")
    return ids


def _refusal(url: str, status: int, *, keyed: bool) -> str:
    match status:
        case 401 | 403 if keyed:
            return f"{url} refuses the key ({status})."
        case 401 | 403:
            return f"{url} wants a key ({status}) and none was sent: name its variable with --key-env."
        case 404 | 405:
            return f"{url} does not exist ({status}): name a model with -m, or mend the base URL."
        case _:
            return f"{url} answers with status {status}."


def _is_html(head: ResponseHead, body: bytes) -> bool:
    kind = next((value for name, value in head.headers if name.lower() == "content-type"), "")
    return "html" in kind.lower() or body.lstrip()[:15].lower().startswith((b"<!doctype html", b"<html"))


def _ids(value: Any) -> list[str] | None:
    """{"data": [{"id"}]} as OpenAI has it, {"models": [{"name"}]} as Ollama and Gemini have it, or a bare list."""
    if isinstance(value, Mapping):
        value = value.get("data") if isinstance(value.get("data"), list) else value.get("models")
    if not isinstance(value, list):
        return None
    ids: list[str] = []
    for entry in value:
        name = (entry.get("id") or entry.get("name") or entry.get("model")) if isinstance(entry, Mapping) else entry
        if not isinstance(name, str):
            return None
        ids.append(name)
    return list(dict.fromkeys(ids))


def _bare(url: str) -> str:
    """The URL without its query, which may hold a key."""
    return urlsplit(url)._replace(query="", fragment="").geturl()
