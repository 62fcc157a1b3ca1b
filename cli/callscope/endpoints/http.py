"""The live endpoint: requests out and reads in, over httpx's transport.

Knows HTTP as it lies on the socket. Must not know any protocol above it, nor retry, follow a redirect, decompress or
keep anything: a redirect is a response like any other, and each attempt is an exchange of its own.

It stands on httpx's transport and not on its client, for three reasons: the client builds an SSL context (46 ms) even
for http:// URLs, it adds headers that nobody asked for, and it logs URLs, which may hold a key.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from itertools import accumulate
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote, urlsplit

from callscope.core.errors import UsageError
from callscope.core.events import BytesRead, ExchangeEnded, ExchangeOpened, ResponseHead, WireEvent
from callscope.core.header_bytes import header_bytes, header_text
from callscope.core.values import Headers, Request
from callscope.version import VERSION

from .addresses import origin
from .endings import Progress, ending
from .gathering import gathered
from .lean import load_httpx
from .patience import Patience, Timeouts
from .routes import Routes

if TYPE_CHECKING:
    import httpx

DEFAULTS: Headers = (("user-agent", f"callscope/{VERSION}"), ("accept-encoding", "identity"))
DERIVED = ("host", "content-length", "transfer-encoding", "connection")
"""Headers that follow from the request itself: a wrong one would make it another request."""


class HttpEndpoint:
    """An HTTP server, and what we carry to it.

    `headers` (keys included) and `query` are added to requests for the origin of `url` and to no other, so that a key
    cannot reach another host. `proxy` goes before the proxies of the environment; `ca_file` is a PEM file of
    authorities to trust in place of the usual ones; `defaults` go with requests that do not have them. Lives in one
    event loop; `aclose` it.
    """

    def __init__(
        self,
        url: str,
        *,
        headers: Headers = (),
        query: tuple[tuple[str, str], ...] = (),
        timeouts: Timeouts | None = None,
        proxy: str | None = None,
        ca_file: str | None = None,
        defaults: Headers = DEFAULTS,
    ) -> None:
        for name, value in headers:
            check_header(name, value)
        self._url = url
        self._origin = origin(url)
        self._headers = headers
        self._defaults = defaults
        self._query = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in query)
        self._timeouts = timeouts or Timeouts()
        self._routes = Routes(proxy, ca_file)

    def check(self) -> None:
        """Raise UsageError for a proxy or a CA file that cannot be used, before the first request is made."""
        self._routes.check(self._url)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._routes.aclose()

    def complete(self, request: Request) -> Request:
        """The request exactly as it leaves: URL, headers in their order, body; UsageError where the URL is none."""
        load_httpx()
        import httpx

        ours = origin(request.url) == self._origin
        parts = urlsplit(request.url)
        query = "&".join(filter(None, (parts.query, self._query if ours else "")))
        netloc = parts.netloc.rpartition("@")[2]
        try:
            url = httpx.URL(parts._replace(netloc=netloc, query=query, fragment="").geturl())
        except httpx.InvalidURL as error:
            raise UsageError(f"This is not a URL: {request.url} ({error}).") from None
        headers = merged(self._defaults, request.headers, self._headers if ours else ())
        headers = tuple(pair for pair in headers if pair[0].lower() not in DERIVED)
        length = (("content-length", str(len(request.body))),) if request.body or request.method == "POST" else ()
        host = ("host", url.netloc.decode("ascii"))
        return Request(request.method, str(url), (host, *headers, *length), request.body)

    async def stream(self, exchange: int, request: Request) -> AsyncGenerator[WireEvent, None]:
        """Send the request and yield what comes back; nothing raises for what a network or a peer can do.

        A BytesRead is what one read of the socket brought; its cuts are where transfer chunks end in it (streaming
        servers put each event in one), and a chunk that arrives in pieces is given in pieces. Chunk framing is
        removed and nothing else: a compressed body stays compressed.
        """
        final = self.complete(request)
        transport = self._routes.transport(final.url)
        yield ExchangeOpened(exchange, final)
        patience = Patience(self._timeouts)
        progress = Progress(patience)
        response: httpx.Response | None = None
        try:
            with patience:
                response = await transport.handle_async_request(_outgoing(final, progress))
            patience.head_came = True
            yield ResponseHead(exchange, response.status_code, _received(response))
            async with aclosing(gathered(aiter(cast(Any, response.stream)))) as reads:
                with patience:
                    chunks = await anext(reads, None)
                patience.enter("between_bytes")
                while chunks is not None:
                    yield BytesRead(exchange, b"".join(chunks), cuts=tuple(accumulate(map(len, chunks[:-1]))))
                    with patience:
                        chunks = await anext(reads, None)
            end = ExchangeEnded(exchange, "complete")
        except Exception as error:
            end = ExchangeEnded(exchange, *ending(error, progress, head_came=response is not None))
        finally:
            patience.stop()
            await (response.aclose() if response is not None else progress.hang_up())
        yield end


def check_header(name: str, value: str) -> None:
    """Raise UsageError for a header that HTTP does not allow or that is not ours to set; never quotes the value."""
    if not re.fullmatch(r"[-!#$%&'*+.^_`|~0-9A-Za-z]+", name):
        raise UsageError(f"This is no name of an HTTP header: {name!r}")
    if name.lower() in DERIVED:
        raise UsageError(f"The header {name} follows from the request and cannot be set.")
    if re.search(r"[\x00-\x08\x0a-\x1f\x7f]", value) or value != value.strip():
        raise UsageError(f"The value of the header {name} has a control character, or white space at an end.")


def merged(*sources: Headers) -> Headers:
    """All headers, where a later source replaces the names of an earlier one; doubles within a source stay."""
    kept: Headers = ()
    for source in sources:
        names = {name.lower() for name, _ in source}
        kept = tuple(pair for pair in kept if pair[0].lower() not in names) + source
    return kept


def _outgoing(request: Request, progress: Progress) -> httpx.Request:
    import httpx

    return httpx.Request(
        request.method,
        request.url,
        headers=[(name.encode("ascii"), header_bytes(value)) for name, value in request.headers],
        stream=httpx.ByteStream(request.body),
        extensions={"trace": progress},
    )


def _received(response: httpx.Response) -> Headers:
    return tuple((header_text(name), header_text(value)) for name, value in response.headers.raw)
