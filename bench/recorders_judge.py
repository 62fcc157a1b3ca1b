"""What is the same in two answers, what was on time, and which secrets are in a folder. Pure but for reading files.

Knows what counts as kept. Must not know the recorders.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import re
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from recorders_wire import Seen

FRAMING = frozenset(("connection", "keep-alive", "transfer-encoding", "content-length", "date", "server", "trailer"))
"""Headers about the connection or of whoever passes an answer on."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What of the original an answer has; None where the original had none. `ending` is the answer's own."""

    bytes: bool
    content: bool
    borders: bool | None
    ending: str
    ending_kept: bool | None
    head: bool | None

    @property
    def words(self) -> str:
        """What differs, in a few words."""
        if self.ending == "not recorded":
            return self.ending
        lost = [
            word
            for word, kept in (("head", self.head), ("bytes", self.bytes), ("borders", self.borders))
            if kept is False
        ]
        if self.bytes is False and self.content:
            lost[lost.index("bytes")] = "bytes (decompressed)"
        if self.ending_kept is False or (self.ending_kept is None and self.ending != "complete"):
            lost.append(f"ends {self.ending}")
        return ", ".join(lost) or "same"


def judged(original: Seen, seen: Seen, *, missing: Seen | None = None) -> Judged:
    """Compare an answer with the original; `missing` is what the recorder says where it has nothing."""
    lost = missing is not None and seen.status == missing.status != original.status
    broken = original.ending != "complete"
    return Judged(
        bytes=seen.body == original.body and not lost,
        content=_content(seen) == _content(original) and not lost,
        borders=seen.chunks == original.chunks if original.chunks and len(original.chunks) > 1 else None,
        ending="not recorded" if lost else seen.ending,
        ending_kept=seen.ending == original.ending and not lost if broken else None,
        head=_head_kept(original, seen) if original.status else None,
    )


def _content(seen: Seen) -> bytes:
    """The body without compression."""
    if ("content-encoding", "gzip") not in seen.headers:
        return seen.body
    try:
        return gzip.decompress(seen.body)
    except (OSError, EOFError, zlib.error):
        return seen.body


def _head_kept(original: Seen, seen: Seen) -> bool:
    """Same status, and the same headers, repeated ones in their order; a recorder may add its own."""
    wanted = _by_name(original)
    return seen.status == original.status and {name: _by_name(seen).get(name) for name in wanted} == wanted


def _by_name(seen: Seen) -> dict[str, list[str]]:
    """The values of each header that is the answer's own; of `content-type` the media type alone."""
    values: dict[str, list[str]] = {}
    for name, value in seen.headers:
        if name not in FRAMING:
            values.setdefault(name, []).append(value.split(";")[0] if name == "content-type" else value)
    return values


def lags(sent: Sequence[float], sizes: Sequence[int], seen: Seen) -> list[float]:
    """Seconds from each send of a delta to the moment when the client had it; less where it never had it."""
    late: list[float] = []
    total = 0
    for at, size in zip(sent, sizes, strict=True):
        total += size
        arrived = next((clock for clock, had in seen.times if had >= total), None)
        if arrived is not None:
            late.append(arrived - at)
    return late


def found(folder: Path, needles: Iterable[str], played: bytes) -> list[bool]:
    """Which of these stand in the files, plain, in base64 or compressed, or in what is played back from them."""
    hay = [played]
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            data = path.read_bytes()
            hay += [data, *_unpacked(data), *_decoded(data)]
    return [any(needle.encode() in data for data in hay) for needle in needles]


def _unpacked(data: bytes) -> list[bytes]:
    try:
        return [zlib.decompress(data)]
    except zlib.error:
        return []


def _decoded(data: bytes) -> list[bytes]:
    """What stands in base64, also over several lines."""
    texts: list[bytes] = []
    for run in re.findall(rb"[A-Za-z0-9+/]{24,}={0,2}", re.sub(rb"\s+", b"", data)):
        try:
            texts.append(base64.b64decode(run[: len(run) // 4 * 4]))
        except binascii.Error:
            continue
    return texts
