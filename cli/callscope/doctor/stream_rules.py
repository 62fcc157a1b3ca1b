"""Rules of the stream itself, for every protocol: its framing, and when it comes.

Knows server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html) and clocks. Must not know what
events mean. The rules of time are the only ones that depend on how the reads were cut.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from typing import Final

from callscope.core.visible import one_line

from .rule import Level, Rule, Verdict, broken, held, not_shown, rule
from .seen import Seen

STREAM_RULES: Final[list[Rule]] = []
TIME_RULES: Final[list[Rule]] = []

LONG_WAIT: Final = 1.0
"""Seconds before the first byte from which on a wait is one that a stream should have filled."""

MANY: Final = 8
"""Events: an answer of fewer says nothing about buffering."""

MOST_OF_IT: Final = 0.8


def _streamed(seen: Seen) -> bool:
    return seen.wants_stream and seen.is_good and seen.streamed


def _framing(name: str, level: Level, asked: str, breaks: str, *codes: str) -> None:
    """A rule that the framing's defects of these codes break."""

    def judge(seen: Seen) -> Iterator[Verdict]:
        found = [defect for defect in seen.defects if defect.code in codes]
        if found:
            times = f", {len(found)} times" if len(found) > 1 else ""
            yield broken(f"{found[0].code.replace('_', ' ')}{times}", found[0].frame)

    rule(STREAM_RULES, name, level, asked, breaks=breaks, when=_streamed)(judge)


_framing(
    "stream.separated",
    "required",
    "A blank line ends each event.",
    "readers that follow the standard join the events, and fail to parse them",
    "events_not_separated",
)
_framing(
    "stream.terminated",
    "recommended",
    "A blank line ends the last event, too.",
    "readers that follow the standard drop the last event",
    "unterminated_event",
)
_framing(
    "stream.utf8",
    "required",
    "Events are UTF-8.",
    "words are damaged, and strict readers fail",
    "invalid_utf8",
)
_framing(
    "stream.fields",
    "required",
    "Fields are written as the standard has them: `data`, `event`, `id`, `retry`, in lower case, without a space "
    "before.",
    "readers that follow the standard drop the line",
    "field_misspelt",
)
_framing(
    "stream.no_bom",
    "recommended",
    "The stream begins without a byte order mark.",
    "readers that do not know of the mark (httpx-sse) lose the first event",
    "byte_order_mark",
)


@rule(
    STREAM_RULES,
    "stream.only_events",
    "required",
    "Nothing stands in the stream but fields and comments.",
    breaks="readers of events drop the text: an error that is written so is never seen",
    when=_streamed,
)
def _only_events(seen: Seen) -> Iterator[Verdict]:
    for frame in seen.frames:
        if frame.channel == "body" and frame.data.strip():
            yield broken(f"text outside any event: {one_line(frame.data, 60)}", frame)


@rule(
    STREAM_RULES,
    "stream.json",
    "required",
    "The data of each event is one JSON object (or `[DONE]`).",
    breaks="clients fail in the middle of the answer, or skip the event silently",
    when=_streamed,
)
def _json(seen: Seen) -> Iterator[Verdict]:
    for frame in seen.unread:
        if frame.channel == "sse":
            yield broken(f"no JSON object: {one_line(frame.data, 60)}", frame)
    counts: dict[int, int] = {}
    for said in seen.said:
        counts[said.frame.start] = counts.get(said.frame.start, 0) + 1
        if counts[said.frame.start] == 2:
            yield broken("several JSON objects in one event", said.frame)
    for report in seen.reported("number_not_json", "control_characters"):
        yield broken(report.message, report.frame)


# ---- time ---------------------------------------------------------------------------------------------------------


def _timed(seen: Seen) -> bool:
    return _streamed(seen) and bool(seen.exchange.reads)


@rule(
    TIME_RULES,
    "stream.first_byte",
    "informational",
    "How long it takes until the first byte of a stream.",
    breaks="",
    when=_timed,
)
def _first_byte(seen: Seen) -> Iterator[Verdict]:
    yield held(_seconds(seen.exchange.reads[0][0] - seen.exchange.sent_at))


@rule(
    TIME_RULES,
    "stream.cadence",
    "recommended",
    "Events come one by one, as they are made, and not all together after a long wait.",
    breaks="a proxy buffers (nginx: proxy_buffering off; header X-Accel-Buffering: no): nobody sees the answer grow",
    when=_timed,
)
def _cadence(seen: Seen) -> Iterator[Verdict]:
    """Buffered: most of the events came in one read, and before it there was a long silence."""
    events = _events_by_read(seen)
    total = sum(events)
    largest = max(range(len(events)), key=events.__getitem__)
    times = [at for at, _ in seen.exchange.reads]
    silence = times[largest] - (times[largest - 1] if largest else seen.exchange.sent_at)
    span = _seconds(times[-1] - times[0])
    if total < MANY:
        yield not_shown(f"{total} events are too few to tell")
    elif events[largest] >= MOST_OF_IT * total and silence >= LONG_WAIT:
        yield broken(f"{events[largest]} of {total} events in one read after {_seconds(silence)} of silence")
    elif events[largest] >= MOST_OF_IT * total:
        yield not_shown(f"{total} events came at once, but within {_seconds(silence)}: too fast to tell")
    else:
        yield held(f"{total} events in {len(times)} reads over {span}")


def _events_by_read(seen: Seen) -> list[int]:
    """How many events ended in each read. A compressed body has other offsets: there the shares are by bytes."""
    ends: list[int] = []
    size = 0
    for _, data in seen.exchange.reads:
        size += len(data)
        ends.append(size)
    scale = size / len(seen.body) if seen.body else 1.0
    counts = [0] * len(ends)
    for frame in seen.frames:
        if frame.channel == "sse":
            counts[min(bisect_left(ends, frame.end * scale), len(ends) - 1)] += 1
    return counts


def _seconds(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
