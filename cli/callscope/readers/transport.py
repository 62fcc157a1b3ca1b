"""A recorded response as a transport in memory: the same reads, the same ending, and no socket.

Knows how httpx, and httpx2 which has the same names, are given a response. `http` is one of these modules: whoever
reads decides which. Must not know who reads.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from callscope.core.header_bytes import header_bytes
from callscope.core.values import Ending

from .values import Recorded

URL = "http://recorded.invalid/v1"
"""Where the client believes that it is; the name is one that no network has (RFC 2606)."""

_EXCEPTIONS: dict[Ending, tuple[str, str]] = {
    "truncated": ("RemoteProtocolError", "peer closed connection without sending complete message body"),
    "reset": ("ReadError", "connection reset by peer"),
    "timeout": ("ReadTimeout", "the read timed out"),
    "connect_failed": ("ConnectError", "connection refused"),
    "dns_failed": ("ConnectError", "the name cannot be resolved"),
    "tls_failed": ("ConnectError", "the TLS handshake failed"),
}
"""What httpx raises where an exchange ended so, and words for where the recording has none."""


def client_of(http: Any, recorded: Recorded) -> Any:
    """A client of `http` whose every request gets this response."""

    class InMemory(http.BaseTransport):  # type: ignore[misc]
        def handle_request(self, request: Any) -> Any:
            if recorded.status is None:
                raise _exception(http, recorded) or http.RemoteProtocolError("the server sent no response")
            headers = [(name.encode(), header_bytes(value)) for name, value in recorded.headers]
            return http.Response(recorded.status, headers=headers, stream=_body(http, recorded))

    return http.Client(transport=InMemory(), trust_env=False)


def _body(http: Any, recorded: Recorded) -> Any:
    class Body(http.SyncByteStream):  # type: ignore[misc]
        def __iter__(self) -> Iterator[bytes]:
            yield from recorded.reads
            if error := _exception(http, recorded):
                raise error

    return Body()


def _exception(http: Any, recorded: Recorded) -> Exception | None:
    if recorded.how is None or recorded.how not in _EXCEPTIONS:
        return None
    name, words = _EXCEPTIONS[recorded.how]
    error: Exception = getattr(http, name)(recorded.detail or words)
    return error
