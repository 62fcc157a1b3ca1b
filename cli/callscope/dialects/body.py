"""Bytes of a response body in, frames out, whatever the body turns out to be.

Knows how to tell an event stream from a JSON document or a page, by the bytes and not by the label, and compressed
bytes from plain ones. Must not know what the frames mean.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from callscope.core.values import Frame

from .inflate import Inflater
from .sse import BOM, LIMIT, Defect, SSEDecoder

LONGEST_BLANK = 4096
"""Bytes: a body that begins with more white space than this is read as a stream of lines."""

_EVENTS_INSIDE = re.compile(rb"[\r\n][ \t]*(?:data|event):")


class BodyReader:
    """The frames of one response body. A document or a page is one frame, given when the body ends."""

    def __init__(self, headers: Mapping[str, str], watch: Callable[[bytes], None] | None = None) -> None:
        """Take the response's headers, their names in lower case, and who hears the bytes before the frames."""
        self.defects: list[Defect] = []
        self.inflater = Inflater(headers.get("content-encoding", ""))
        self.size = 0
        self.excess = ""  # why no more of it is taken
        self.is_document = False  # it ended, and was no stream
        self._watch = watch
        self._sse = SSEDecoder()
        self._sse.defects = self.defects
        self._streams: bool | None = None  # None until the first byte that tells
        self._kept: list[bytes] = []
        self._kept_size = 0

    def feed(self, raw: bytes) -> list[Frame]:
        """Take a read; give the frames that are whole now."""
        return self.frames(self.inflated(raw))

    def inflated(self, raw: bytes) -> bytes:
        """What a read adds to the body; it may be many times the read."""
        if not self.inflater.needed(raw):
            return raw
        data = self.inflater.feed(raw)
        if self.inflater.bomb:
            self.excess = self.inflater.failure
        return data

    def frames(self, data: bytes) -> list[Frame]:
        """Take a part of the body; give the frames that are whole now."""
        self.size += len(data)
        if self._watch is not None:
            self._watch(data)
        if self._streams:
            return self._sse.feed(data)
        self._kept_size += len(data)
        if self._kept_size <= LIMIT:
            self._kept.append(data)
        else:
            self.excess = f"it is one document of more than {LIMIT:,} bytes"
        if self._streams is None and self._tells(data):
            kept, self._kept = self._kept, []
            return self._sse.feed(b"".join(kept))
        return []

    def _tells(self, data: bytes) -> bool:
        """Whether it is clear by now that this is an event stream."""
        beginning = data if len(self._kept) == 1 else b"".join(self._kept)
        if BOM.startswith(beginning[:3]):
            if len(beginning) < len(BOM):
                return False
            beginning = beginning[3:]
        beginning = beginning.lstrip()
        if beginning:
            self._streams = beginning[:1] not in b'{["<'
        elif self._kept_size > LONGEST_BLANK:
            self._streams = True
        return bool(self._streams)

    def close(self) -> list[Frame]:
        """Give what the end of the body left open."""
        whole = b"".join((*self._kept, self.inflater.close()))
        self._kept = []
        if self._streams is False and (whole.lstrip()[:1] == b"<" or not _EVENTS_INSIDE.search(whole)):
            self.is_document = bool(whole)
            return [self._document(whole)] if whole else []
        return [*self._sse.feed(whole), *self._sse.close()]

    def _document(self, whole: bytes) -> Frame:
        try:
            return Frame("body", "", whole.decode("utf-8-sig"), 0, len(whole))
        except UnicodeDecodeError:
            frame = Frame("body", "", whole.decode("utf-8-sig", errors="replace"), 0, len(whole))
            self.defects.append(Defect(frame, "invalid_utf8"))
            return frame
