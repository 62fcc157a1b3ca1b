"""One exchange on a page: what came over the wire on one side, what it came to on the other.

Knows how frames, deltas, calls and diagnostics are laid out and lead to one another. Must not know events.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from callscope.core.events import Diagnostic
from callscope.core.values import Abort, Edit, Headers, Mock, Reject
from callscope.ui.framing import Framing, ReadFrame, framing
from callscope.ui.pretty import pretty
from callscope.ui.wording import WHO, counted, exactly, failure, tokens

from .markup import Html, joined, shortened, tag
from .story import MOST_CHARACTERS, CallStory, ExchangeStory, Growth, Voice

MOST_FRAMES: Final = 600
"""Of one exchange: the first two thirds and the last third of so many are shown."""
LONGEST_FRAME: Final = 4000
LONGEST_TEXT: Final = 100_000


def exchange_card(story: ExchangeStory) -> Html:
    """All of one exchange."""
    frames = framing(story.came)
    shown = _shown(frames)
    starts = {frame.frame.start for frame in shown if isinstance(frame, ReadFrame)}
    number = story.came.number
    return tag(
        "section",
        tag("h3", _name(number), tag("span", *_verdict(story), class_="verdict")),
        tag("p", story.came.request.method, " ", tag("code", story.came.request.url), class_="t facts"),
        _asked(story),
        tag(
            "div",
            tag("div", tag("h4", "What came"), *_wire(story, frames, shown), class_="wire"),
            tag("div", tag("h4", "What it came to"), *_meant(story, starts), class_="meant"),
            class_="panes",
        ),
        id=f"x{number}",
        class_="exchange",
    )


def _name(number: int) -> str:
    return f"Exchange {number}" if number else "A question about the server"


def _verdict(story: ExchangeStory) -> Iterator[Html]:
    came = story.came
    if came.head is not None:
        yield _chip(f"HTTP {came.head.status}", "bad" if came.head.status >= 400 else "")
    how = came.ended.how if came.ended else "no end recorded"
    yield _chip(how, "" if how == "complete" else "bad")
    yield _chip(exactly(came.ended_at) if came.ended else "open")
    yield _chip(f"{counted(came.size, 'byte')} in {counted(len(came.reads), 'read')}")
    if story.finish_reason:
        yield _chip(story.finish_reason)
    if said := tokens(story.usage):
        yield _chip(said)
    for severity in ("error", "warning"):
        if found := sum(diagnostic.severity == severity for diagnostic in story.diagnostics):
            yield _chip(counted(found, severity), "bad" if severity == "error" else "odd")


def _chip(text: str, kind: str = "") -> Html:
    return tag("span", text, class_=f"chip {kind}".strip())


# ---- what was asked -----------------------------------------------------------------------------------------------


def _asked(story: ExchangeStory) -> Html:
    request, head = story.came.request, story.came.head
    body = request.body.decode("utf-8", "backslashreplace")
    parts = [tag("h4", "Request headers"), _headers(request.headers)]
    if body:
        parts += [tag("h4", "Request body"), tag("pre", shortened(pretty(body), LONGEST_TEXT), class_="t")]
    if head is not None:
        parts += [tag("h4", "Response headers"), _headers(head.headers)]
    return tag("details", tag("summary", f"Request of {counted(len(request.body), 'byte')}, and headers"), *parts)


def _headers(headers: Headers) -> Html:
    rows = [
        tag("tr", tag("th", name), tag("td", shortened(value, LONGEST_FRAME)), class_="t") for name, value in headers
    ]
    return tag("table", *rows)


# ---- what came ----------------------------------------------------------------------------------------------------


def _shown(frames: Framing) -> Sequence[ReadFrame | int]:
    """The frames to show, and in place of those that are not, how many they are."""
    if len(frames.frames) <= MOST_FRAMES:
        return frames.frames
    last = MOST_FRAMES // 3
    first = MOST_FRAMES - last
    return [*frames.frames[:first], len(frames.frames) - MOST_FRAMES, *frames.frames[-last:]]


def _wire(story: ExchangeStory, frames: Framing, shown: Sequence[ReadFrame | int]) -> Iterator[Html]:
    came = story.came
    if frames.failure:
        yield tag("p", f"No frames, because the body cannot be inflated: {frames.failure}", class_="t odd")
    elif frames.compressed:
        yield tag("p", "The body was compressed: offsets are those of the inflated bytes.", class_="quiet")
    if came.kept < came.size:
        yield tag("p", f"The first {came.kept:,} of {counted(came.size, 'byte')} are shown.", class_="quiet")
    if not came.size:
        yield tag("p", "No byte of a body came.", class_="quiet")
    told = [
        _frame(came.number, frame) if isinstance(frame, ReadFrame) else _left_out(frame, "frame") for frame in shown
    ]
    if told:
        yield tag("ol", *told, class_="frames")
    if came.ended and came.ended.detail:
        yield tag("p", f"{came.ended.how}: {came.ended.detail}", class_="t odd")


def _frame(number: int, part: ReadFrame) -> Html:
    frame = part.frame
    what = {"sse": frame.event, "comment": "comment", "body": ""}[frame.channel]
    facts = [
        tag("span", f"{part.first_at:.3f} s", class_="at"),
        tag("span", f"{frame.start}–{frame.end}", class_="span"),
        tag("span", what, class_="what t") if what else None,
        *(tag("span", code, class_="odd") for code in part.defects),
    ]
    return tag(
        "li",
        tag("div", *facts, class_="quiet"),
        tag("pre", *_with_borders(part), class_="t"),
        id=f"f{number}-{frame.start}",
    )


def _with_borders(part: ReadFrame) -> Iterator[str]:
    r"""The bytes of a frame, with a mark where a read ended; bytes that are no UTF-8 in their piece as `\xNN`."""
    places = [0, *(cut - part.frame.start for cut in part.cuts), len(part.raw)]
    room = LONGEST_FRAME
    for place, (start, end) in enumerate(pairwise(places)):
        if place:
            yield tag("i", class_="cut", title="here a read ended")
        text = part.raw[start:end].decode("utf-8", "backslashreplace")
        yield shortened(text.rstrip("\n") if end == len(part.raw) else text, room)
        room -= len(text)
        if room <= 0:
            return


def _left_out(count: int, noun: str) -> Html:
    return tag("li", f"{counted(count, noun)} in between are in the recording.", class_="quiet")


# ---- what it came to ----------------------------------------------------------------------------------------------


def _meant(story: ExchangeStory, starts: set[int]) -> Iterator[Html]:
    number = story.came.number
    for part in story.parts:
        if isinstance(part, Voice):
            yield _voice(number, part, starts)
        else:
            yield _call(number, part, starts)
    if story.failure:
        yield tag("p", f"The response failed: {failure(story.failure)}", class_="t diagnostic error")
    for diagnostic in story.diagnostics:
        yield _diagnostic(number, diagnostic, starts)
    if story.more_diagnostics:
        yield tag("p", f"And {counted(story.more_diagnostics, 'more diagnostic')}.", class_="quiet")
    if not (story.parts or story.failure or story.diagnostics):
        yield tag("p", "Nothing was decoded from it.", class_="quiet")


def _voice(number: int, voice: Voice, starts: set[int]) -> Html:
    name = {"output": "Text", "reasoning": "Reasoning", "refusal": "Refusal"}[voice.channel]
    came = counted(voice.growth.count, "delta")
    return tag(
        "div",
        tag("div", tag("b", name), tag("span", f" {came}", class_="quiet")),
        tag("div", *_deltas(number, voice.growth, starts), class_="t deltas words"),
        class_=f"part {voice.channel}",
    )


def _deltas(number: int, growth: Growth, starts: set[int]) -> Iterator[Html]:
    """Each delta with its borders; it leads to the frame that it came in."""
    for piece in growth.pieces:
        there = f"f{number}-{piece.frame}" if piece.frame in starts else None
        name = "a" if there else "span"
        yield tag(name, shortened(piece.text, MOST_CHARACTERS), class_="d", href=f"#{there}" if there else None)
    kept = sum(len(piece.text) for piece in growth.pieces)
    if growth.count > len(growth.pieces):
        rest = f" … {growth.count - len(growth.pieces):,} more deltas, {growth.characters - kept:,} characters"
        yield tag("span", rest, class_="more")


def _call(number: int, call: CallStory, starts: set[int]) -> Html:
    proposed = call.call.arguments if call.call else call.growth.text
    return tag(
        "div",
        tag(
            "div",
            tag("b", call.name or "(no name)", class_="t"),
            tag("span", f" call {call.key.exchange}.{call.key.index}, id ", class_="quiet"),
            tag("code", call.call_id or "(none)", class_="t"),
            _chip("the agent runs it itself") if call.remote else None,
            *_state(call),
        ),
        _labelled("Arguments", _data(proposed)),
        tag(
            "details",
            tag("summary", f"as they came, in {counted(call.growth.count, 'delta')}"),
            tag("div", *_deltas(number, call.growth, starts), class_="t deltas code"),
            open=call.growth.count > 1,
        )
        if call.growth.count
        else None,
        *_wrong(call),
        *_decided(call, proposed),
        *_result(call),
        class_="part call",
    )


def _state(call: CallStory) -> Iterator[Html]:
    if call.result is not None:
        status = call.result.status
        yield _chip(status, "good" if status == "ok" else "odd" if status == "mocked" else "bad")
    elif call.call is None:
        yield _chip("never whole", "bad")


def _wrong(call: CallStory) -> Iterator[Html]:
    if call.call and call.call.fault:
        said = f"Not run, {call.call.fault.code}: {call.call.fault.message}"
        yield tag("p", said, class_="t diagnostic error")
    if call.complaint:
        yield tag("p", f"By its schema: {call.complaint}", class_="t diagnostic warning")


def _decided(call: CallStory, proposed: str) -> Iterator[Html]:
    who = WHO[call.by] if call.by else ""
    match call.decision:
        case Edit(arguments=arguments) if arguments != proposed:
            yield _labelled(f"Edited {who}", _data(arguments))
        case Mock():
            yield tag("p", f"Not run: answered in its place {who}.", class_="quiet")
        case Reject(message=message):
            yield tag("p", f"Rejected {who}{f': {message}' if message else ''}", class_="t quiet")
        case None:
            pass
        case _:
            yield tag(
                "p", f"Stopped {who}." if isinstance(call.decision, Abort) else f"Approved {who}.", class_="quiet"
            )


def _result(call: CallStory) -> Iterator[Html]:
    if call.result is None:
        return
    took = f", after {exactly(call.result.duration)}" if call.result.duration else ""
    yield _labelled(f"Result: {call.result.status}{took}", _data(call.result.output))
    if call.result.prints:
        yield _labelled("It printed", tag("pre", shortened(call.result.prints, LONGEST_TEXT), class_="t"))
    if call.sent_back is not None:
        yield _labelled("Changed before it went back", _data(call.sent_back))


def _labelled(label: str, content: Html) -> Html:
    return joined([tag("div", label, class_="label"), content])


def _data(text: str) -> Html:
    if not text:
        return tag("p", "(empty)", class_="quiet")
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return tag("pre", shortened(text, LONGEST_TEXT), class_="t broken")
    return tag("pre", shortened(pretty(text), LONGEST_TEXT), class_="t")


def _diagnostic(number: int, diagnostic: Diagnostic, starts: set[int]) -> Html:
    frame, key = diagnostic.frame, diagnostic.key
    where = None
    if frame is not None:
        place = f"bytes {frame.start:,} to {frame.end:,}"
        where = tag("a", place, href=f"#f{number}-{frame.start}") if frame.start in starts else tag("span", place)
    return tag(
        "p",
        tag("b", f"{diagnostic.severity} {diagnostic.code}"),
        f": {diagnostic.message} ",
        f"(call {key.exchange}.{key.index}) " if key else None,
        where,
        class_=f"t diagnostic {diagnostic.severity}",
    )
