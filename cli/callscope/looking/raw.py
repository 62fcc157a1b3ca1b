"""An exchange as it was on the wire: request, head, then the body as frames, as reads or in hex.

Knows how bytes are made readable. Must not know what a frame means, nor how exchanges are kept. Secrets are shown as
the recording has them, masked. Long exchanges are shown in part, with a line that says how to see the rest.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal, Protocol, TypeVar

from rich.text import Text

from callscope.core.values import Headers
from callscope.core.visible import visible
from callscope.panels.wording import counted, exactly, span

from .exchanges import Exchange, Exchanges, Read
from .framing import ReadFrame, framing
from .hexdump import hexdump
from .marked import marks
from .pretty import pretty

Form = Literal["frames", "reads", "hex"]
Part = TypeVar("Part")

FIRST, LAST = 40, 10
"""How many frames, reads or rows are shown of many."""
LONGEST_TEXT = 2000
"""Characters shown of one text, unless all are asked for."""
LONGEST_BODY = 60
"""Lines shown of a request's body, unless all are asked for."""
USAGE = "/raw [N] [reads|hex] [all]"


class Secrets(Protocol):
    """What hides secrets; each method gives the masked value first, and then where it found any."""

    def mask(self, text: str) -> tuple[str, Any]:
        """Mask a text."""
        ...

    def mask_url(self, url: str) -> tuple[str, Any]:
        """Mask a URL."""
        ...

    def mask_headers(self, headers: Headers) -> tuple[Headers, Any]:
        """Mask headers."""
        ...


@dataclass(frozen=True, slots=True)
class Look:
    """How to look: in which form, at all of it or the ends, in how many columns, with ASCII marks alone or not."""

    form: Form = "frames"
    everything: bool = False
    width: int = 80
    ascii_only: bool = False

    @property
    def dash(self) -> str:
        """What stands between two offsets."""
        return "-" if self.ascii_only else "–"


def raw(words: str, exchanges: Exchanges, secrets: Secrets, *, width: int, ascii_only: bool) -> Iterator[Text]:
    """What `/raw` and these words show: by default the worst exchange of the turn, in frames."""
    form: Form = "frames"
    everything = False
    number: int | None = None
    for word in words.split():
        match word:
            case "frames" | "reads" | "hex":
                form = word
            case "all":
                everything = True
            case _ if word.isdecimal() and len(word) < 10:
                number = int(word)
            case _:
                yield Text(f"  {USAGE}: N is the number of an exchange of this session.")
                return
    exchange = exchanges.worst() if number is None else exchanges.numbered(number)
    if exchange is None:
        yield Text(_not_kept(number, exchanges.numbers()))
        return
    if number is None and exchange is not (latest := exchanges.latest()) and latest:
        yield Text(f"  the exchange with the findings; /raw {latest.number} shows the last one", "yellow")
    yield from shown_exchange(exchange, secrets, Look(form, everything, width, ascii_only))


def _not_kept(number: int | None, kept: Sequence[int]) -> str:
    if not kept:
        return "  no request was sent yet"
    range_kept = f"{kept[0]} to {kept[-1]}" if len(kept) > 1 else f"{kept[0]}"
    if number is not None and number > kept[-1]:
        return f"  there is no exchange {number} yet; here: {range_kept}"
    return f"  exchange {number} is not kept; here: {range_kept}. The recording has all of them."


def shown_exchange(exchange: Exchange, secrets: Secrets, look: Look) -> Iterator[Text]:
    """An exchange, line by line; times in seconds since the request left."""
    yield from _request(exchange, secrets, look)
    yield from _head(exchange, secrets)
    match look.form:
        case "frames":
            yield from _frames(exchange, look)
        case "reads":
            yield from _reads(exchange, look)
        case "hex":
            yield from _hex(exchange, look)
    yield from _end(exchange, secrets, look)


# ---- request and head ----------------------------------------------------------------------------------------------


def _request(exchange: Exchange, secrets: Secrets, look: Look) -> Iterator[Text]:
    request = exchange.request
    url = visible(secrets.mask_url(request.url)[0])
    yield Text.assemble((f"exchange {exchange.number}  ", "dim"), (f"{visible(request.method)} {url}", "bold"))
    for name, value in secrets.mask_headers(request.headers)[0]:
        yield Text(f"  {visible(name)}: {visible(value)}", "dim")
    body = secrets.mask(request.body.decode("utf-8", "backslashreplace"))[0]
    if look.form == "hex":
        yield from _rows(list(hexdump(body.encode(), start=0, width=look.width)), look)
        return
    lines = visible(pretty(body)).split("\n") if body else []
    shown = lines if look.everything or len(lines) <= LONGEST_BODY else lines[:LONGEST_BODY]
    yield from (Text(f"  {_short(line, look)}") for line in shown)
    if len(shown) < len(lines):
        yield _more(len(lines) - len(shown), "line", look)


def _head(exchange: Exchange, secrets: Secrets) -> Iterator[Text]:
    if exchange.head is None:
        return
    yield Text.assemble(_when(exchange.head_at), (f"HTTP {exchange.head.status}", "bold"))
    for name, value in secrets.mask_headers(exchange.head.headers)[0]:
        yield Text(f"  {visible(name)}: {visible(value)}", "dim")


def _end(exchange: Exchange, secrets: Secrets, look: Look) -> Iterator[Text]:
    if exchange.kept < exchange.size:
        yield Text(
            f"  {span(exchange.kept, exchange.size, look.dash)} are not kept here; the recording has them", "yellow"
        )
    if exchange.ended is None:
        yield Text("  still open")
        return
    detail = visible(secrets.mask(exchange.ended.detail)[0])
    size = (
        f"{counted(exchange.size, 'byte')} in {counted(len(exchange.reads), 'read')}"
        if exchange.kept == exchange.size
        else ""
    )
    said = "  ".join(filter(None, (exchange.ended.how, detail, size)))
    yield Text.assemble(_when(exchange.ended_at), (said, "bold"))


# ---- the body -----------------------------------------------------------------------------------------------------


def _frames(exchange: Exchange, look: Look) -> Iterator[Text]:
    found = framing(exchange)
    if found.failure:
        yield Text(f"  no frames, because the body cannot be inflated: {found.failure}. /raw hex shows it.", "yellow")
    elif found.compressed:
        yield Text("  the body was compressed: offsets are those of the inflated bytes", "yellow")
    marked = marks(exchange, found)
    for part in _ends(list(enumerate(found.frames)), look, marked):
        if isinstance(part, int):
            yield _more(part, "frame", look)
        else:
            number, read_frame = part
            yield _frame_line(read_frame, marked.get(number, ()), look)
            yield _frame_text(read_frame, look)


def _frame_line(part: ReadFrame, found: Sequence[tuple[str, str]], look: Look) -> Text:
    frame = part.frame
    what = {"sse": frame.event or "data", "comment": "comment", "body": "no event"}[frame.channel]
    came = f"{part.first_at:.3f}" if part.first_at == part.last_at else f"{part.first_at:.3f} to {part.last_at:.3f}"
    line = Text.assemble(
        (f"{came:>9} s  ", "dim"), (span(frame.start, frame.end, look.dash), "cyan"), f"  {visible(what)}"
    )
    if part.cuts:
        places = ", ".join(map(str, part.cuts[:3])) + (f" and {len(part.cuts) - 3} more" if len(part.cuts) > 3 else "")
        line.append(f"  cut at {places}", "cyan")
    cross = "x" if look.ascii_only else "✗"
    for severity, code in found:
        mark, style = {"error": (cross, "bold red"), "warning": ("!", "bold yellow")}.get(severity, ("i", "bold"))
        line.append(f"  {mark} {code}", style)
    return line


def _frame_text(part: ReadFrame, look: Look) -> Text:
    """The frame's own bytes, with a mark where a read ended."""
    places = [0, *(cut - part.frame.start for cut in part.cuts), len(part.raw)]
    return _marked(part.raw, places, look)


def _marked(data: bytes, places: Sequence[int], look: Look, newline: str = "") -> Text:
    r"""Bytes as text, cut at these places with a mark; bytes that are no UTF-8 in their piece as `\xNN`.

    `newline` is written at the end of each line.
    """
    text = Text("  ")
    room = None if look.everything else LONGEST_TEXT
    for number, (start, end) in enumerate(pairwise(places)):
        if number:
            text.append("|" if look.ascii_only else "┊", "bold cyan")
        piece = visible(data[start:end].decode("utf-8", "backslashreplace")).replace("\n", f"{newline}\n  ")
        text.append(piece if room is None else piece[:room])
        if room is not None and len(piece) > room:
            text.append(f" [{counted(len(data) - start, 'byte')} from here on: /raw all]", "yellow")
            break
        room = None if room is None else room - len(piece)
    text.rstrip()
    return text


def _reads(exchange: Exchange, look: Look) -> Iterator[Text]:
    for part in _ends(list(_with_gaps(exchange.reads)), look):
        if isinstance(part, int):
            yield _more(part, "read", look)
        else:
            read, gap = part
            yield _read_line(read, gap, look)
            newline = r"\n" if look.ascii_only else "⏎"
            yield _marked(read.data, (0, *read.cuts, len(read.data)), look, newline)


def _with_gaps(reads: Sequence[Read]) -> Iterator[tuple[Read, float]]:
    before = None
    for read in reads:
        yield read, read.at - before if before is not None else 0.0
        before = read.at


def _read_line(read: Read, gap: float, look: Look) -> Text:
    line = Text.assemble(
        _when(read.at), (span(read.start, read.end, look.dash), "cyan"), (f"  {counted(len(read.data), 'byte')}", "dim")
    )
    if gap >= 0.0005:
        line.append(f"  {exactly(gap)} later", "dim")
    if read.cuts:
        line.append(f"  {len(read.cuts) + 1} chunks", "cyan")
    return line


def _hex(exchange: Exchange, look: Look) -> Iterator[Text]:
    rows: list[str | Text] = []
    for read, gap in _with_gaps(exchange.reads):
        rows.append(_read_line(read, gap, look))
        rows += hexdump(read.data, start=read.start, width=look.width)
    yield from _rows(rows, look)


# ---- in part ------------------------------------------------------------------------------------------------------


def _rows(rows: Sequence[str | Text], look: Look) -> Iterator[Text]:
    for part in _ends(rows, look):
        if isinstance(part, int):
            yield _more(part, "row", look)
        else:
            yield part if isinstance(part, Text) else Text(part)


def _ends(parts: Sequence[Part], look: Look, also: Container[int] = ()) -> Iterator[Part | int]:
    """All parts, or the first and last ones and those in `also`, with the number of those left out between."""
    left_out = 0
    for place, part in enumerate(parts):
        at_an_end = place < FIRST or place >= len(parts) - LAST
        if look.everything or len(parts) <= FIRST + LAST or at_an_end or place in also:
            if left_out:
                yield left_out
            left_out = 0
            yield part
        else:
            left_out += 1


def _more(count: int, what: str, look: Look) -> Text:
    form = "" if look.form == "frames" else f" {look.form}"
    return Text(f"  [{counted(count, f'more {what}')}: /raw{form} all]", "yellow")


def _short(line: str, look: Look) -> str:
    if look.everything or len(line) <= LONGEST_TEXT:
        return line
    return f"{line[:LONGEST_TEXT]} [{counted(len(line) - LONGEST_TEXT, 'more character')}: /raw all]"


def _when(at: float) -> tuple[str, str]:
    return f"{at:9.3f} s  ", "dim"
