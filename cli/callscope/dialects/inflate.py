"""Bodies that a server compressed although they were asked for as they are.

Knows gzip and deflate as zlib does them. Other encodings need third-party code and are only named.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Protocol

LIMIT = 512 * 1024 * 1024
"""Bytes: a body that inflates to more is a bomb."""

MOST_TIMES = 200
"""A body that inflates to more than so many times itself is one too: a stream of deltas comes to some thirty."""
ALLOWED = 4 * 1024 * 1024
"""Bytes that a body may inflate to whatever its own size."""
BLOCK = 4096
"""Bytes of the compressed body between two looks at how much came of it, counted from its beginning."""

GZIP = b"\x1f\x8b"
_TEXT = b'{["<:deir \t\r\n\xef'  # with one of these an event stream, a document or a page begins


class _Stream(Protocol):
    @property
    def unused_data(self) -> bytes: ...

    @property
    def eof(self) -> bool: ...

    def decompress(self, data: bytes, max_length: int = 0, /) -> bytes: ...

    def copy(self) -> _Stream: ...


class Inflater:
    """Compressed bytes in, plain bytes out, equal for any cut. `encoding` is the Content-Encoding header."""

    def __init__(self, encoding: str) -> None:
        self.active = False
        self.failure = ""
        self.bomb = False  # that it inflates to too much is the failure
        names = [name.strip().lower() for name in encoding.split(",") if name.strip()]
        self._encoding = names[-1] if names else "identity"
        self._begun = False
        self._first = b""
        self._stream: _Stream | None = None
        self._size = 0
        self._taken = 0

    def needed(self, raw: bytes) -> bool:
        """Whether the body, of which this is the next read, is compressed or may be."""
        if self._begun:
            return self.active
        return bool(raw) and (self._encoding != "identity" or self._first != b"" or raw[:1] == GZIP[:1])

    def feed(self, raw: bytes) -> bytes:
        """Inflate the next read. After a failure nothing more comes."""
        if not self._begun:
            self._first += raw
            if len(self._first) < len(GZIP):
                return b""
            raw, self._first = self._first, b""
            self._begin(raw)
            if not self.active:
                return raw
        return b"" if self.failure else self._inflate(raw)

    def close(self) -> bytes:
        """What was held back of a body too short to tell."""
        rest, self._first = self._first, b""
        return rest

    def _begin(self, first: bytes) -> None:
        """Believe the bytes before the label: some proxies inflate a body and keep the header."""
        self._begun = True
        if first.startswith(GZIP):
            self.active, self._stream = True, zlib.decompressobj(31)
        elif first[:1] in _TEXT:
            pass
        elif self._encoding == "deflate":
            wrapped = first[0] & 0x0F == 8 and (first[0] << 8 | first[1]) % 31 == 0
            self.active, self._stream = True, zlib.decompressobj(15 if wrapped else -15)
        elif self._encoding in ("br", "zstd", "compress"):
            self.active = True
            self.failure = f"its encoding is {self._encoding}, which needs a library that is not there"

    def _inflate(self, raw: bytes) -> bytes:
        """Block by block, so that a bomb is known before much of it is there, and at the same byte for any cut."""
        out: list[bytes] = []
        at = 0
        while at < len(raw) and not self.failure:
            block = raw[at : at + BLOCK - self._taken % BLOCK]
            out += self._inflate_block(block)
            at += len(block)
            self._taken += len(block)
            if self._taken % BLOCK == 0 and self._size > ALLOWED + MOST_TIMES * self._taken:
                self._go_off(f"it inflates to more than {MOST_TIMES} times its size")
        return b"".join(out)

    def _inflate_block(self, raw: bytes) -> Iterator[bytes]:
        while raw and not self.failure and self._stream is not None:
            before = self._stream.copy()
            try:
                yield self._bounded(self._stream.decompress(raw, LIMIT - self._size + 1))
            except zlib.error as error:
                yield self._until_it_breaks(before, raw)
                self.failure = str(error)
            raw = self._stream.unused_data
            if self._stream.eof and raw:  # another gzip member follows
                self._stream = zlib.decompressobj(31)

    def _bounded(self, data: bytes) -> bytes:
        self._size += len(data)
        if self._size > LIMIT:
            self._go_off(f"it inflates to more than {LIMIT} bytes")
        return data

    def _go_off(self, why: str) -> None:
        self.failure = self.failure or why
        self.bomb = True

    def _until_it_breaks(self, stream: _Stream, raw: bytes) -> bytes:
        """Byte by byte, so that what comes before a fault does not depend on where the reads were cut."""
        out: list[bytes] = []
        for at in range(len(raw)):
            try:
                out.append(stream.decompress(raw[at : at + 1]))
            except zlib.error:
                break
        return b"".join(out)
