"""URLs as a person gives them: which are good, where they lead, and what in them is secret.

Knows the parts of a URL. Must not know who asks, nor open any connection.
"""

from __future__ import annotations

import base64
import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit

from callscope.core.credentials import is_secret_parameter
from callscope.core.errors import UsageError
from callscope.core.values import Headers

PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Address:
    """A base URL, and apart from it the credentials that stood in it: as headers and as query parameters."""

    url: str
    headers: Headers = ()
    query: tuple[tuple[str, str], ...] = ()
    secrets: tuple[str, ...] = ()


def address(text: str) -> Address:
    """Read a base URL; without a scheme it is http for loopback. Raises UsageError with what to write instead."""
    text = text.strip()
    if re.search(r"[\x00-\x20\x7f]", text):
        raise UsageError(f"a URL has no white space in it: {without_userinfo(text)!r}")
    if not re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", text):
        text = _with_scheme(text)
    origin(text)
    parts = urlsplit(text)
    userinfo, _, netloc = parts.netloc.rpartition("@")
    pairs = [pair for pair in parts.query.split("&") if pair]
    hidden = [pair for pair in pairs if is_secret_parameter(unquote(pair.partition("=")[0]))]
    shown = "&".join(pair for pair in pairs if pair not in hidden)
    query = tuple(parse_qsl("&".join(hidden), keep_blank_values=True))
    headers, secrets = _basic(userinfo) if userinfo else ((), ())
    url = parts._replace(netloc=netloc, query=shown, fragment="").geturl()
    return Address(url, headers, query, (*secrets, *(value for _, value in query if value)))


def origin(url: str) -> str:
    """Scheme, host and port of an http(s) URL, in one spelling; raises UsageError for anything else."""
    try:
        parts = urlsplit(url)
        port = parts.port or PORTS.get(parts.scheme)
    except ValueError as error:
        raise UsageError(f"this is no URL: {without_userinfo(url)} ({error})") from None
    if parts.scheme not in PORTS or not parts.hostname:
        shown = without_userinfo(url)
        raise UsageError(f"a URL begins with http:// or https:// and the name of a server: {shown} does not")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}:{port}"


def is_loopback(host: str) -> bool:
    """Whether a host is this machine by its very name: localhost, *.localhost, 127.0.0.0/8, ::1."""
    name = host.strip("[]").lower().rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def without_userinfo(url: str) -> str:
    """The URL as it may be shown: no user, no password, no query."""
    head, _, tail = url.partition("?")[0].rpartition("@")
    return f"{head.partition('://')[0]}://…@{tail}" if "://" in head else tail


def _with_scheme(text: str) -> str:
    netloc = re.split(r"[/?#]", text, maxsplit=1)[0].rpartition("@")[2]
    host = netloc if netloc.startswith("[") else netloc.partition(":")[0]
    if is_loopback(host.partition("]")[0]):
        return f"http://{text}"
    shown = without_userinfo(text)
    if not host:
        raise UsageError(
            f"a URL begins with http:// or https:// and the name of a server: {shown or 'an empty one'} does not"
        )
    raise UsageError(f"{shown} has no https:// or http:// before it: write https://{shown}")


def _basic(userinfo: str) -> tuple[Headers, tuple[str, ...]]:
    """The header that `user:password@` stands for, and what of it is secret."""
    user, _, password = (unquote(part) for part in userinfo.partition(":"))
    encoded = base64.b64encode(f"{user}:{password}".encode()).decode("ascii")
    return (("authorization", f"Basic {encoded}"),), tuple(filter(None, (encoded, password or user)))
