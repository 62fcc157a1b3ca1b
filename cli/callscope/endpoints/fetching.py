"""One GET of a small document, with clear words for everything that can go wrong on the way.

Knows how a document is gathered and when it is too long. Must not know what it should hold.
"""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from callscope.core.errors import EndpointError
from callscope.core.events import BytesRead, ExchangeEnded, ExchangeOpened, MessagePassed, ResponseHead
from callscope.core.ports import Endpoint
from callscope.core.values import Headers, Request
from callscope.dialects.failures import words
from callscope.dialects.inflate import Inflater

from .credentials import secrets_in_headers

LONGEST_LIST = 64 * 1024 * 1024
"""Bytes: no list of models or agents is longer, and one without an end must not fill the memory."""

LONGEST_WORDS = 500
"""Characters of a server's own words that an error quotes."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came back: `url` without its query, which may hold a key, `body` without its compression."""

    url: str
    head: ResponseHead
    body: bytes
    secrets: tuple[str, ...] = field(default=(), repr=False)

    @property
    def is_good(self) -> bool:
        """Whether the status says that this is what was asked for."""
        return 200 <= self.head.status < 300

    @property
    def is_page(self) -> bool:
        """Whether it is a web page."""
        kind = next((value for name, value in self.head.headers if name.lower() == "content-type"), "")
        return "html" in kind.lower() or self.body.lstrip()[:15].lower().startswith((b"<!doctype html", b"<html"))

    def words(self) -> str:
        """The server's own words on an error, in one line, without the key it was sent; may be empty."""
        said = error_words(self.body)
        for secret in self.secrets:
            said = said.replace(secret, "…")
        return said


async def fetch(endpoint: Endpoint, url: str, missing: str, hint: str, *, exchange: int = 0) -> Fetched:
    """GET this URL. Raises EndpointError: `missing` says what did not come, `hint` what to do where it never ends."""
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
                        raise EndpointError(f"{missing} from {bare(url)}: {longer}. {hint}")
                case ExchangeEnded(how=how, detail=detail) if how != "complete":
                    raise EndpointError(f"{missing} from {bare(url)}: {detail or how}.")
                case ExchangeEnded() | MessagePassed():
                    pass
    if head is None:
        raise EndpointError(f"{missing} from {bare(url)}: there was no response.")
    return Fetched(bare(url), head, _plain(bytes(body), head.headers), secrets_in_headers(sent))


def error_words(body: bytes) -> str:
    """A server's own words on an error, in one line; may be empty."""
    said = " ".join(words(body.decode("utf-8", "replace")).split())
    return said if len(said) <= LONGEST_WORDS else f"{said[:LONGEST_WORDS]}…"


def refusal(fetched: Fetched, what_else: str) -> str:
    """What a status that is no success means; `what_else` is what a person can do where nothing is there."""
    url, status = fetched.url, fetched.head.status
    match status:
        case 401 | 403 if fetched.secrets:
            return f"{url} refuses the key ({status})."
        case 401 | 403:
            return f"{url} wants a key ({status}) and none was sent: name its variable with --key-env."
        case 404 | 405:
            return f"{url} does not exist ({status}): {what_else}."
        case _:
            return f"{url} answers with status {status}."


def bare(url: str) -> str:
    """The URL without its query, which may hold a key."""
    return urlsplit(url)._replace(query="", fragment="").geturl()


def _plain(body: bytes, headers: Headers) -> bytes:
    """The body without its compression; unchanged where it has none."""
    inflater = Inflater(",".join(value for name, value in headers if name.lower() == "content-encoding"))
    return inflater.feed(body) + inflater.close() if inflater.needed(body) else body
