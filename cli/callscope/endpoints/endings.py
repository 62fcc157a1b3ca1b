"""What an exception of httpx says about the ending of an exchange.

Knows the exceptions of httpx and of what lies below it, by their cause chain. Must not know how an exchange is
driven; never imports httpx itself, because whoever catches one of its exceptions has.
"""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Iterator

from callscope.core.values import Ending

from .patience import LimitPassed


def ending(error: Exception, step: str, head_came: bool) -> tuple[Ending, str]:
    """How the exchange ended, and a sentence on it.

    `step` is the last thing that httpcore began (`connection.start_tls.started`); `head_came` says whether a
    response had started.
    """
    causes = list(chain(error))
    if any(isinstance(cause, LimitPassed) for cause in causes):
        return "timeout", str(error)
    for cause in causes:
        if isinstance(cause, socket.gaierror):
            return "dns_failed", f"the name of the server cannot be resolved: {cause.strerror or cause}"
        if isinstance(cause, ssl.SSLError):
            return "tls_failed", _tls_sentence(cause)
    if ".start_tls" in step:
        return "tls_failed", f"the peer ended the TLS handshake: {_words(causes)}"
    if ".connect_" in step or not step:
        return "connect_failed", _words(causes)
    match type(error).__name__:
        case "ProxyError":
            return "connect_failed", f"the proxy refused: {_words(causes)}"
        case "RemoteProtocolError":
            return "truncated", _protocol_sentence(str(error), head_came)
        case "ReadError" | "WriteError":
            return "reset", f"the connection broke: {_words(causes)}"
        case _:
            return "reset", f"{type(error).__name__}: {_words(causes)}"


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
        if isinstance(cause, OSError) and cause.errno is not None:
            name = errno.errorcode.get(cause.errno, "")
            return f"{cause.strerror or cause} ({name})" if name else str(cause.strerror or cause)
    return next((str(cause) for cause in causes if str(cause)), type(causes[0]).__name__)


def _tls_sentence(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the server's certificate is not trusted: {error.verify_message}"
    if error.reason in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST"):
        return f"the server does not speak TLS here, try http:// ({error.reason})"
    return f"the TLS handshake failed: {error.reason or error}"


def _protocol_sentence(words: str, head_came: bool) -> str:
    if head_came or words.startswith("Server disconnected"):
        return words[:1].lower() + words[1:]
    return f"what came is no HTTP response: {words[:300]}"
