"""What the exchanges cost in tokens: as the servers reported it, and an estimate, marked, where they did not.

Knows where the counts stand in servers' usage objects, and the rule of four bytes a token. Must not know any tokenizer:
a number that a server did not report is never in a sum.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from textwrap import wrap
from typing import Any

from rich.text import Text

from callscope.core.events import ExchangeOpened, ResponseCompleted, ResponseFailed, Stamped
from callscope.core.state import Conversation, Response
from callscope.core.values import Usage
from callscope.panels.fitting import fitted
from callscope.panels.wording import counted

from .exchanges import Exchange

BYTES_A_TOKEN = 4
MOST_ROWS = 30
ABSURD = 10**12
"""A count from here on is a server's mistake."""

CACHED = (
    ("prompt_tokens_details", "cached_tokens"),
    ("input_tokens_details", "cached_tokens"),
    ("prompt_cache_hit_tokens",),
    ("cache_read_input_tokens",),
)
REASONING = (
    ("completion_tokens_details", "reasoning_tokens"),
    ("output_tokens_details", "reasoning_tokens"),
    ("reasoning_tokens",),
)
COLUMNS = (("in", 9), ("out", 8), ("cached", 7), ("reasoning", 10))


@dataclass(frozen=True, slots=True)
class Counts:
    """Tokens of an exchange, or of many; None: not reported."""

    input: int | None = None
    output: int | None = None
    cached: int | None = None
    reasoning: int | None = None

    def plus(self, other: Counts) -> Counts:
        """The sums, where what was not reported adds nothing."""
        return Counts(*(_sum(getattr(self, one.name), getattr(other, one.name)) for one in fields(Counts)))


@dataclass(frozen=True, slots=True)
class Row:
    """An exchange: what was reported, and the estimates (tokens) of its request and its response."""

    exchange: int
    reported: Counts
    estimate: Counts


@dataclass(slots=True)
class TokenLog:
    """A sink that keeps the counts of the latest exchanges and the sums of all."""

    rows: deque[Row] = field(default_factory=lambda: deque(maxlen=MOST_ROWS))
    sums: Counts = field(default_factory=Counts)
    exchanges: int = 0
    unreported: int = 0
    _sent: int = 0

    def handle(self, stamped: Stamped, conversation: Conversation) -> None:
        """Take one event."""
        match stamped.event:
            case ExchangeOpened(request=request):
                self._sent = len(request.body)
            case ResponseCompleted(usage=usage) | ResponseFailed(usage=usage):
                self._add(usage, conversation)
            case _:
                pass

    def _add(self, usage: Usage | None, conversation: Conversation) -> None:
        reported = counts(usage)
        came = _size(conversation.response) if conversation.response else 0
        estimate = Counts(_estimated(self._sent), _estimated(came)) if came else Counts()
        self.rows.append(Row(conversation.exchange, reported, estimate))
        self.sums = self.sums.plus(reported)
        self.exchanges += 1
        self.unreported += reported == Counts()


def counts(usage: Usage | None) -> Counts:
    """The counts of a usage object, whatever the server calls them."""
    if usage is None:
        return Counts()
    return Counts(
        _sensible(usage.input_tokens), _sensible(usage.output_tokens), _at(usage.raw, CACHED), _at(usage.raw, REASONING)
    )


def _at(raw: Mapping[str, Any], paths: tuple[tuple[str, ...], ...]) -> int | None:
    for path in paths:
        value: Any = raw
        for name in path:
            value = value.get(name) if isinstance(value, Mapping) else None
        if (count := _sensible(value)) is not None:
            return count
    return None


def _sensible(value: Any) -> int | None:
    return value if type(value) is int and 0 <= value < ABSURD else None


def _sum(one: int | None, other: int | None) -> int | None:
    return other if one is None else one if other is None else one + other


def _size(response: Response) -> int:
    """Bytes of the words and arguments of a response."""
    texts = [*response.chunks.text.values(), *response.chunks.arguments.values()]
    return sum(len(chunk.encode("utf-8", "surrogatepass")) for chunks in texts for chunk in chunks)


def _estimated(size: int) -> int:
    return -(-size // BYTES_A_TOKEN)


# ---- shown --------------------------------------------------------------------------------------------------------


def tokens(log: TokenLog, latest: Exchange | None, *, width: int, ascii_only: bool) -> Iterator[Text]:
    """What `/tokens` shows: a row for each exchange, the sums, and what the tools take of the last request."""
    if not log.rows:
        yield Text("  no response came yet")
        return
    head = "".join(f"{name:>{columns}}" for name, columns in COLUMNS)
    yield Text(fitted(f"  {'':4}{head}", width, ascii_only=ascii_only), "dim")
    if log.exchanges > len(log.rows):
        yield Text(f"  [{counted(log.exchanges - len(log.rows), 'earlier exchange')}: in the sums]", "dim")
    for row in log.rows:
        yield Text(_line(str(row.exchange), row.reported, row.estimate))
    if log.exchanges > 1:
        yield Text(_line("all", log.sums, Counts()), "bold")
    for note in _notes(log, latest):
        yield from (Text(f"  {line}", "dim") for line in wrap(note, width - 2))


def _line(label: str, reported: Counts, estimate: Counts) -> str:
    cells = ""
    for (_, columns), one in zip(COLUMNS, fields(Counts), strict=True):
        count, guess = getattr(reported, one.name), getattr(estimate, one.name)
        said = f"{count:,}" if count is not None else f"~{guess:,}" if guess is not None else "-"
        cells += f" {said:>{columns - 1}}"
    return f"  {label:<4}{cells}"


def _notes(log: TokenLog, latest: Exchange | None) -> Iterator[str]:
    if any(_guessed(row) for row in log.rows):
        yield f"~ is our estimate, {BYTES_A_TOKEN} bytes a token, where the server reported no count; no sum has it."
    if log.unreported:
        yield f"{log.unreported:,} of {counted(log.exchanges, 'exchange')} reported no usage at all."
    if latest is not None:
        yield from _request_note(latest.request.body)


def _guessed(row: Row) -> bool:
    guessed = ((row.reported.input, row.estimate.input), (row.reported.output, row.estimate.output))
    return any(count is None and guess is not None for count, guess in guessed)


def _request_note(body: bytes) -> Iterator[str]:
    said = f"The last request has {counted(len(body), 'byte')}"
    count, size = tools_of(body)
    if not count:
        yield f"{said} and no tools."
        return
    yield (
        f"{said}; {counted(count, 'tool')} take {size:,} of them ({size / len(body):.0%}), "
        f"~{_estimated(size):,} tokens by our estimate."
    )


def tools_of(body: bytes) -> tuple[int, int]:
    """How many tools a request's body defines, and how many bytes their definitions take in it."""
    try:
        request = json.loads(body)
    except (ValueError, RecursionError):
        return 0, 0
    offered = request.get("tools") if isinstance(request, dict) else None
    if not isinstance(offered, list) or not offered:
        return 0, 0
    # written as requests are, so that the size is that of the bytes that left
    return len(offered), len(json.dumps(offered, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace"))
