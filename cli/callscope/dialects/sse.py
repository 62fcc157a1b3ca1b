"""Server-sent events from bytes: a decoder for what servers send, not only for what the standard says.

Knows the framing (https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation) and the
ways in which servers break it. Must not know what the data mean, but for one thing: that events are JSON objects or
`[DONE]`, which is how events without a blank line between them are told apart.

However the bytes are cut, the frames are the same. Time is linear in the bytes: a line is joined once, when it ends.

A frame reaches from the first byte of its first line to the last byte of its last line, without the line's ending.
Channels: `sse` an event (`error: …`, a field of llama.cpp's own, is an event named error), `comment`, and `body` for
lines that are no fields at all, such as an error page in the middle of a stream.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

from callscope.core.values import Frame

LIMIT = 64 * 1024 * 1024
"""Bytes: of a line, and of the data of an event, longer than this only the beginning is kept."""

MOST_LINES = 1_000_000
"""Lines of one event, or of one text outside any: of more only the first are kept. Each costs more than its bytes."""

LONGEST_FIELD = 64
"""Bytes: room for a field's name before its value."""

BOM = b"\xef\xbb\xbf"
FIELDS = frozenset(("data", "event", "id", "retry", "error"))
BEGINNINGS = frozenset(name[:length] for name in (b"data", b"event", b"retry") for length in range(1, len(name) + 1))
"""What is left of a line that was cut within the name of its field: no words of anybody."""

DefectCode: TypeAlias = Literal[
    "byte_order_mark",
    "invalid_utf8",
    "event_too_long",
    "events_not_separated",
    "unterminated_event",
    "field_misspelt",
]


class Defect(NamedTuple):
    """What was wrong with the framing of a frame; the code is one of docs/diagnostics.md."""

    frame: Frame
    code: DefectCode


class SSEDecoder:
    """Bytes in, frames out. `defects` collects what was wrong, in the order of the frames, for whoever drains it."""

    def __init__(self) -> None:
        self.defects: list[Defect] = []
        self._offset = 0  # of the line that is not whole yet
        self._partial: list[bytes] = []
        self._partial_size = 0
        self._dropped = 0  # bytes of an endless line
        self._after_cr = False
        self._data: list[str] = []
        self._size = 0
        self._name = ""
        self._name_with_data = ""
        self._start = -1  # of the open event; -1 while none is open
        self._end = 0
        self._loose: list[str] = []  # lines that are no fields
        self._loose_start = 0
        self._loose_end = 0
        self._loose_size = 0
        self._wrong: list[DefectCode] = []  # with the frame that is being read

    def feed(self, data: bytes) -> list[Frame]:
        """Take a read of the body; give the frames that are whole now."""
        if self._after_cr and data:
            self._after_cr = False
            if data[0] == 0x0A:
                self._offset += 1
                data = data[1:]
        frames: list[Frame] = []
        data = self._ordinary(data, frames)
        for line in self._whole_lines(data) if data else ():
            if line == b"\n" and not self._loose:
                if self._start >= 0:
                    frames.append(self._dispatch())
            elif line[:6] == b"data: " and self._start < 0 and self._offset and not self._loose:
                self._open_with_data(line)
            else:
                self._any_line(line, frames)
            self._offset += len(line)
            if self._dropped:
                self._offset += self._dropped
                self._end += self._dropped
                self._dropped = 0
        return frames

    def _ordinary(self, data: bytes, frames: list[Frame]) -> bytes:
        """The hot path: events of one data line and a blank one. Gives what it did not take."""
        end = data.rfind(b"\n\n")
        if end < 0 or self._start >= 0 or self._loose or self._wrong or self._dropped or not self._offset:
            return data
        if self._partial:
            data = b"".join((*self._partial, data))
            end += self._partial_size
            self._partial.clear()
            self._partial_size = 0
        begin = at = self._offset
        for event in data[:end].split(b"\n\n"):
            if event[:6] != b"data: " or b"\n" in event or b"\r" in event or len(event) > LIMIT:
                break
            try:
                text = event[6:].decode()
            except UnicodeDecodeError:
                break
            frames.append(Frame("sse", "", text, at, at + len(event)))
            at += len(event) + 2
        self._offset = at
        return data[at - begin :]

    def close(self) -> list[Frame]:
        """Flush what the end of the body left open; an event among it is marked as unterminated."""
        frames: list[Frame] = []
        if self._partial:
            line = b"".join(self._partial)
            self._partial.clear()
            if self._offset and not self._loose and line in BEGINNINGS:
                self._open(len(line))
            else:
                self._any_line(line, frames)
            self._offset += len(line)
        self._flush_loose(frames)
        if self._start >= 0:
            self._wrong.append("unterminated_event")
            frames.append(self._dispatch())
        return frames

    def _whole_lines(self, data: bytes) -> list[bytes]:
        """The lines that end in this read, each with its ending; the rest is kept."""
        lines = data.splitlines(keepends=True)
        if not lines:
            return lines
        last = lines[-1][-1]
        self._after_cr = last == 0x0D
        unfinished = lines.pop() if last not in b"\r\n" else b""
        if lines and self._partial:
            lines[0] = b"".join((*self._partial, lines[0]))
            self._partial.clear()
            self._partial_size = 0
            if self._dropped:
                self._find_wrong("event_too_long")
        if unfinished:
            self._keep(unfinished)
        return lines

    def _keep(self, piece: bytes) -> None:
        kept = piece[: max(0, LIMIT + LONGEST_FIELD - self._partial_size)]
        self._dropped += len(piece) - len(kept)
        self._partial_size += len(kept)
        if kept:
            self._partial.append(kept)

    # ---- lines ------------------------------------------------------------------------------------------------------

    def _any_line(self, line: bytes, frames: list[Frame]) -> None:
        size = len(line)
        if not self._offset and line.startswith(BOM):
            line = line[3:]
            self._wrong.append("byte_order_mark")
        content = line.rstrip(b"\r\n")
        if not content:
            self._flush_loose(frames)
            if self._start >= 0:
                frames.append(self._dispatch())
            return
        name, _, value = content.partition(b":")
        field = name.decode("latin-1")
        if field and field not in FIELDS:
            field = field.strip().lower()
            if field not in FIELDS:
                self._add_loose(content, frames)
                return
            self._find_wrong("field_misspelt")
        self._flush_loose(frames)
        length = size - (len(line) - len(content))
        self._field(field, value[1:] if value[:1] == b" " else value, length, frames)

    def _field(self, field: str, value: bytes, length: int, frames: list[Frame]) -> None:
        match field:
            case "":
                frames.append(self._frame("comment", "", self._text(value), self._offset, self._offset + length))
            case "data":
                self._add_data(value, length, frames)
            case "error":
                self._add_data(value, length, frames)
                self._name = self._name_with_data = "error"
            case _:
                self._open(length)
                if field == "event":
                    self._name = self._text(value)

    def _open_with_data(self, line: bytes) -> None:
        """The ordinary line: `data: …` at the beginning of an event."""
        value = line.rstrip(b"\r\n")
        self._start = self._offset
        self._end = self._offset + len(value)
        text = self._text(value[6:])
        self._size = len(text)
        self._data.append(text)

    def _add_data(self, value: bytes, size: int, frames: list[Frame]) -> None:
        """Take a data line of `size` bytes; its value may still have the line's ending."""
        stripped = value.rstrip(b"\r\n")
        text = self._text(stripped)
        if self._data and self._begins_another(text):
            self._part(frames)
        if self._start < 0:
            self._size = 0
        self._open(size - (len(value) - len(stripped)))
        self._name_with_data = self._name
        if self._size > LIMIT or len(self._data) >= MOST_LINES:
            self._find_wrong("event_too_long")
            return
        self._size += len(text) + 1
        self._data.append(text)

    def _begins_another(self, text: str) -> bool:
        """Whether the open data and this line are two events: `}` and then `{` is never one JSON document."""
        if text.lstrip()[:1] != "{" and text.strip() != "[DONE]":
            return False
        return self._data[0].lstrip()[:1] == "{" and self._data[-1].rstrip()[-1:] == "}"

    def _part(self, frames: list[Frame]) -> None:
        """End the open event where no blank line ended it; an event line after its data is the next one's."""
        name_of_next = self._name if self._name != self._name_with_data else ""
        self._name = self._name_with_data
        self._wrong.append("events_not_separated")
        frames.append(self._dispatch())
        self._name = name_of_next

    def _add_loose(self, content: bytes, frames: list[Frame]) -> None:
        if self._start >= 0:
            frames.append(self._dispatch())
        if not self._loose:
            self._loose_start = self._offset
            self._loose_size = 0
        self._loose_end = self._offset + len(content)
        if self._loose_size > LIMIT or len(self._loose) >= MOST_LINES:
            self._find_wrong("event_too_long")
            return
        self._loose_size += len(content)
        self._loose.append(self._text(content))

    def _open(self, length: int) -> None:
        if self._start < 0:
            self._start = self._offset
        self._end = self._offset + length

    def _text(self, raw: bytes) -> str:
        if len(raw) > LIMIT:
            self._find_wrong("event_too_long")
            raw = raw[:LIMIT]
        try:
            return raw.decode()
        except UnicodeDecodeError:
            self._find_wrong("invalid_utf8")
            return raw.decode(errors="replace")

    # ---- frames -----------------------------------------------------------------------------------------------------

    def _find_wrong(self, code: DefectCode) -> None:
        """Once for a frame, which may have any number of lines."""
        if code not in self._wrong:
            self._wrong.append(code)

    def _dispatch(self) -> Frame:
        data = self._data[0] if len(self._data) == 1 else "\n".join(self._data)
        frame = self._frame("sse", self._name, data, self._start, self._end)
        self._data.clear()
        self._name = self._name_with_data = ""
        self._start = -1
        return frame

    def _flush_loose(self, frames: list[Frame]) -> None:
        if self._loose:
            frames.append(self._frame("body", "", "\n".join(self._loose), self._loose_start, self._loose_end))
            self._loose.clear()

    def _frame(self, channel: Literal["sse", "comment", "body"], event: str, data: str, start: int, end: int) -> Frame:
        frame = Frame(channel, event, data, start, end)
        if self._wrong:
            self.defects += [Defect(frame, code) for code in dict.fromkeys(self._wrong)]
            self._wrong.clear()
        return frame
