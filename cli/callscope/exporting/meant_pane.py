"""What an exchange came to: texts, calls and diagnostics on a page, each delta with its borders.

Knows how a delta leads to the frame that brought it. Must not know events nor frames.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

from callscope.core.events import Diagnostic
from callscope.core.naming import call_named
from callscope.core.values import Abort, Edit, Mock, Reject
from callscope.dialects.json_progress import utf8_size
from callscope.looking.pretty import pretty
from callscope.panels.wording import WHO, counted, exactly, failure

from .chapters import MOST_BYTES, CallStory, ExchangeStory, Growth, Voice
from .markup import Html, chip, joined, shortened, tag

LONGEST_TEXT: Final = 100_000


def meant(story: ExchangeStory, starts: set[int]) -> Iterator[Html]:
    """Its parts in order; `starts` are where the frames begin that are on the page."""
    place = story.place
    for part in story.parts:
        if isinstance(part, Voice):
            yield _voice(place, part, starts)
        else:
            yield _call(place, part, starts)
    if story.failure:
        yield tag("p", f"The response failed: {failure(story.failure)}", class_="t diagnostic error")
    for diagnostic in story.diagnostics:
        yield _diagnostic(story, diagnostic, starts)
    if story.more_diagnostics:
        yield tag("p", f"And {counted(story.more_diagnostics, 'more diagnostic')}.", class_="quiet")
    if not (story.parts or story.failure or story.diagnostics):
        yield tag("p", "Nothing was decoded from it.", class_="quiet")


def _voice(place: int, voice: Voice, starts: set[int]) -> Html:
    name = {"output": "Text", "reasoning": "Reasoning", "refusal": "Refusal"}[voice.channel]
    came = counted(voice.growth.count, "delta")
    return tag(
        "div",
        tag("div", tag("b", name), tag("span", f" {came}", class_="quiet")),
        tag("div", *_deltas(place, voice.growth, starts), class_="t deltas words"),
        class_=f"part {voice.channel}",
    )


def _deltas(place: int, growth: Growth, starts: set[int]) -> Iterator[Html]:
    """Each delta with its borders; it leads to the frame that it came in."""
    for piece in growth.pieces:
        there = f"f{place}-{piece.frame}" if piece.frame in starts else None
        name = "a" if there else "span"
        yield tag(name, shortened(piece.text, MOST_BYTES), class_="d", href=f"#{there}" if there else None)
    kept = sum(utf8_size(piece.text) for piece in growth.pieces)
    if growth.count > len(growth.pieces):
        more = counted(growth.count - len(growth.pieces), "more delta")
        rest = f" … {more}, {counted(growth.bytes - kept, 'byte')}"
        yield tag("span", rest, class_="more")


def _call(place: int, call: CallStory, starts: set[int]) -> Html:
    proposed = call.call.arguments if call.call else call.growth.text
    return tag(
        "div",
        tag(
            "div",
            tag("b", call.name or "(no name)", class_="t"),
            tag("span", " · ", class_="quiet"),
            tag("code", call.call_id or "(no id)", class_="t"),
            chip("the agent runs it itself") if call.remote else None,
            *_state(call),
        ),
        _labelled("Arguments", _data(proposed)),
        tag(
            "details",
            tag("summary", f"as they came, in {counted(call.growth.count, 'delta')}"),
            tag("div", *_deltas(place, call.growth, starts), class_="t deltas code"),
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
        yield chip(status, "good" if status == "ok" else "odd" if status == "mocked" else "bad")
    elif call.call is None:
        yield chip("never whole", "bad")


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


def _diagnostic(story: ExchangeStory, diagnostic: Diagnostic, starts: set[int]) -> Html:
    frame, place = diagnostic.frame, story.place
    named = next((call_named(call.name, call.call_id) for call in story.calls if call.key == diagnostic.key), None)
    where = None
    if frame is not None:
        span = f"bytes {frame.start:,} to {frame.end:,}"
        where = tag("a", span, href=f"#f{place}-{frame.start}") if frame.start in starts else tag("span", span)
    return tag(
        "p",
        tag("b", f"{diagnostic.severity} {diagnostic.code}"),
        f": {diagnostic.message} ",
        f"({named}) " if named else None,
        where,
        class_=f"t diagnostic {diagnostic.severity}",
    )
