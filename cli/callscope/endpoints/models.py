"""What models an endpoint offers: one GET, read with clear words for everything that can go wrong.

Knows the shapes of a list of models. Must not know where the list lies (the dialect says), nor how the request travels
(the endpoint's).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from typing import Any
from urllib.parse import urlsplit

from callscope.core.errors import EndpointError, UsageError
from callscope.core.events import BytesRead, ExchangeEnded, ExchangeOpened, MessagePassed, ResponseHead
from callscope.core.ports import Endpoint
from callscope.core.values import Headers, Request
from callscope.dialects.failures import words
from callscope.dialects.inflate import Inflater

from .credentials import secrets_in_headers

LONGEST_LIST = 64 * 1024 * 1024
"""Bytes: no list of models is longer, and one without an end must not fill the memory."""

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
                    if len(body) > LONGEST_LIST:
                        longer = f"what it answers is longer than {LONGEST_LIST:,} bytes"
                        raise EndpointError(f"No list of models from {_bare(url)}: {longer}. Name a model with -m.")
                case ExchangeEnded(how=how, detail=detail) if how != "complete":
                    raise EndpointError(f"No list of models from {_bare(url)}: {detail or how}.")
                case ExchangeEnded() | MessagePassed():
                    pass
    if head is None:
        raise EndpointError(f"No list of models from {_bare(url)}: there was no response.")
    return _read(_bare(url), head, _plain(bytes(body), head.headers), sent)


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


def error_words(body: bytes) -> str:
    """A server's own words on an error, in one line; may be empty."""
    said = " ".join(words(body.decode("utf-8", "replace")).split())
    return said if len(said) <= LONGEST_WORDS else f"{said[:LONGEST_WORDS]}…"


def _plain(body: bytes, headers: Headers) -> bytes:
    """The body without its compression; unchanged where it has none."""
    inflater = Inflater(",".join(value for name, value in headers if name.lower() == "content-encoding"))
    return inflater.feed(body) + inflater.close() if inflater.needed(body) else body


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
        said, secrets = error_words(body), secrets_in_headers(sent)
        for secret in secrets:
            said = said.replace(secret, "…")
        tail = f" The server says: {said}" if said else ""
        raise EndpointError(f"{_refusal(url, head.status, keyed=bool(secrets))}{tail}")
    try:
        ids = _ids(json.loads(body))
    except (ValueError, RecursionError):
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
