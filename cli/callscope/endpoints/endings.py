"""How far an exchange came, and what an exception of httpx says about its ending.

Knows the steps that httpcore reports, and the exceptions of httpx and of what lies below it, by their cause chain.
Must not know how an exchange is driven; never imports httpx itself, because whoever caught one of its exceptions has.
"""

from __future__ import annotations

import errno
import os
import socket
import ssl
from collections.abc import Iterator, Mapping
from typing import Any

from callscope.core.values import Ending

from .patience import LimitPassed, Patience


class Progress:
    """Hears from httpcore what it begins, and tells the patience when the request goes out.

    `step` is the last thing begun (`connection.start_tls.started`), `peer` the host and port that were connected to:
    those of a proxy where there is one.
    """

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self.step = ""
        self.peer = ""
        self._stream: Any = None

    async def __call__(self, name: str, info: Mapping[str, Any]) -> None:
        """Take one event of https://www.encode.io/httpcore/extensions/#trace."""
        if name == "connection.connect_tcp.complete":
            self._stream = info["return_value"]
        if not name.endswith(".started") or name.startswith("http11.response_closed"):
            return
        if name == "connection.connect_tcp.started":
            self.peer = f"{info['host']}:{info['port']}"
        if name.startswith("http11."):
            # To a proxy, a CONNECT goes out first: it is part of connecting.
            if info["request"].method == b"CONNECT":
                return
            if name == "http11.send_request_headers.started":
                self._patience.enter("first_byte")
        self.step = name

    async def hang_up(self) -> None:
        """Close a connection that never gave a response: httpcore leaves it open when cancelled in a TLS handshake."""
        if self._stream is not None:
            await self._stream.aclose()


def ending(error: Exception, progress: Progress, *, head_came: bool) -> tuple[Ending, str]:
    """How the exchange ended, and a sentence on it."""
    causes = list(chain(error))
    connecting = not progress.step.startswith("http11.")
    in_handshake = ".start_tls" in progress.step
    if isinstance(error, LimitPassed):
        missing = f": {progress.peer} {'began no TLS' if in_handshake else 'did not answer'}" if progress.peer else ""
        return "timeout", f"{error}{missing if connecting else ''}"
    for cause in causes:
        if isinstance(cause, socket.gaierror):
            name = progress.peer.rpartition(":")[0]
            return "dns_failed", f"the name {name} cannot be resolved: {cause.strerror or cause}"
        if isinstance(cause, ssl.SSLError):
            return "tls_failed", _tls_sentence(cause)
    if in_handshake:
        return "tls_failed", f"{progress.peer} ended the TLS handshake: {_words(causes)}"
    if type(error).__name__ == "ProxyError":
        return "connect_failed", f"the proxy {progress.peer} refused: {_words(causes)}"
    if connecting:
        return "connect_failed", f"no connection to {progress.peer}: {_words(causes)}"
    if type(error).__name__ == "RemoteProtocolError":
        return "truncated", _protocol_sentence(str(error), head_came=head_came)
    return "reset", f"the connection broke: {_words(causes)}"


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """The exception, what caused it, and what caused that; the members of a group count as causes."""
    seen: set[int] = set()
    todo = [error]
    while todo:
        current = todo.pop(0)
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        if isinstance(current, BaseExceptionGroup):
            todo += current.exceptions
        todo.append(current.__cause__ or current.__context__)


def _words(causes: list[BaseException]) -> str:
    """The most telling words: those of the system, else the outermost that has any."""
    for cause in causes:
        if isinstance(cause, OSError) and cause.errno and (name := errno.errorcode.get(cause.errno)):
            return f"{os.strerror(cause.errno)} ({name})"
    return next((str(cause) for cause in causes if str(cause)), type(causes[0]).__name__)


def _tls_sentence(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the server's certificate is not trusted: {error.verify_message}"
    if error.reason in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST"):
        return f"the server does not speak TLS here, try http:// ({error.reason})"
    return f"the TLS handshake failed: {error.reason or error}"


def _protocol_sentence(words: str, *, head_came: bool) -> str:
    if head_came or words.startswith("Server disconnected"):
        return words[:1].lower() + words[1:].rstrip(".")
    return f"what came is no HTTP response: {words[:300]}"
