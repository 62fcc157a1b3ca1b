"""Masking: every byte of a secret becomes a `*`, and the spans say where.

Knows where secrets stand in headers, URLs, JSON and plain text. Must not know the recording's lines (format.py) nor the
stream (guard.py). Masking keeps the number of bytes, so that offsets, lengths and cuts stay true.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from callscope.core.credentials import is_secret_header, is_secret_parameter
from callscope.core.values import Headers

from .scanning import Scanner, Span, merged

SHORTEST = 8
"""Characters: a shorter value is too likely to be an ordinary word, and masking it would tear up the conversation."""

_SCHEME = re.compile(r"\s*[A-Za-z][\w\-]*\s+(?=\S)")
_PASSWORD = re.compile(r"://[^/?#:@]*:([^/?#]*)@")
_PARAMETER = re.compile(r"[?&;#]([^=&;#?]+)=([^&;#]*)")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]{0,30}://[^\s\"'<>\\]+")
"""The scheme is bounded: without a bound, a long header of nothing but letters takes seconds."""


class Secrets:
    """The secrets of a session: known values (keys, variables declared secret) and, always, the vendors' tokens.

    `too_short` counts the values of fewer than 8 characters, which are not looked for; a caller warns about them.
    """

    def __init__(self, values: Iterable[str] = ()) -> None:
        stripped = {value.strip() for value in values} - {""}
        known = {value for value in stripped if len(value) >= SHORTEST}
        self.too_short = len(stripped) - len(known)
        self.scanner = Scanner(known)
        self._count = len(known)

    def __repr__(self) -> str:
        return f"<Secrets: {self._count} known values>"

    def mask(self, text: str) -> tuple[str, tuple[Span, ...]]:
        """Mask a text: the masked text, and the spans as (start, length) in UTF-8 bytes of it."""
        data = text.encode("utf-8", "surrogatepass")
        spans = self.scanner.find(data)
        return _masked(text, data, spans)

    def mask_bytes(self, data: bytes) -> tuple[bytes, tuple[Span, ...]]:
        """Mask bytes that may be no text: the masked bytes, and the spans as (start, length)."""
        spans = self.scanner.find(data)
        return stars(data, spans), _lengths(spans)

    def mask_headers(self, headers: Headers) -> tuple[Headers, tuple[tuple[int, int, int], ...]]:
        """Mask headers; the spans are (index of the header, start, length) in UTF-8 bytes of the value.

        The values of headers that carry credentials are masked whole, but for the scheme: `Bearer ****`.
        """
        masked_headers: list[tuple[str, str]] = []
        found: list[tuple[int, int, int]] = []
        for index, (name, value) in enumerate(headers):
            masked, spans = self._mask_header(name, value)
            masked_headers.append((name, masked))
            found += [(index, start, length) for start, length in spans]
        return tuple(masked_headers), tuple(found)

    def mask_url(self, url: str) -> tuple[str, tuple[Span, ...]]:
        """Mask a URL's password, its parameters that carry credentials, and other secrets in it; spans as of `mask`."""
        data = url.encode("utf-8", "surrogatepass")
        return _masked(url, data, merged((*self.scanner.find(data), *_in_url(url))))

    def _mask_header(self, name: str, value: str) -> tuple[str, tuple[Span, ...]]:
        data = value.encode("utf-8", "surrogatepass")
        if is_secret_header(name):
            scheme = _SCHEME.match(value) if name.strip().lower().endswith("authorization") else None
            start = len(value[: scheme.end()].encode()) if scheme else 0
            return _masked(value, data, merged([(start, len(data))]))
        in_urls = (
            (_bytes_before(value, url.start()) + start, _bytes_before(value, url.start()) + end)
            for url in _URL.finditer(value)
            for start, end in _in_url(url[0])
        )
        return _masked(value, data, merged((*self.scanner.find(data), *in_urls)))


def stars(data: bytes, spans: Iterable[Span]) -> bytes:
    """The data with a `*` for each byte of the (start, end) spans: what a `BytesRead` looks like masked."""
    masked = bytearray(data)
    for start, end in spans:
        masked[start:end] = b"*" * (min(end, len(data)) - start)
    return bytes(masked)


def _masked(text: str, data: bytes, spans: tuple[Span, ...]) -> tuple[str, tuple[Span, ...]]:
    if not spans:
        return text, ()
    return stars(data, spans).decode("utf-8", "surrogatepass"), _lengths(spans)


def _lengths(spans: tuple[Span, ...]) -> tuple[Span, ...]:
    return tuple((start, end - start) for start, end in spans)


def _in_url(url: str) -> list[Span]:
    """The (start, end) of what stands in a URL where credentials stand, in UTF-8 bytes."""
    found = [match.span(1) for match in _PASSWORD.finditer(url)]
    found += [match.span(2) for match in _PARAMETER.finditer(url) if is_secret_parameter(match[1])]
    return [(_bytes_before(url, start), _bytes_before(url, end)) for start, end in found]


def _bytes_before(text: str, index: int) -> int:
    return len(text[:index].encode("utf-8", "surrogatepass"))
