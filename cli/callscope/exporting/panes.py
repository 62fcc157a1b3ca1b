"""One exchange on a page: what came over the wire on one side, what it came to on the other.

Knows how both are put together, and what is said of the exchange as a whole. Must not know events.
"""

from __future__ import annotations

from collections.abc import Iterator

from callscope.core.values import Headers
from callscope.looking.framing import ReadFrame, framing
from callscope.looking.pretty import pretty
from callscope.panels.wording import counted, exactly, tokens

from .chapters import ExchangeStory
from .markup import Html, chip, shortened, tag
from .meant_pane import LONGEST_TEXT, meant
from .wire_pane import LONGEST_FRAME, shown_frames, wire


def exchange_card(story: ExchangeStory) -> Html:
    """All of one exchange."""
    frames = framing(story.came)
    shown = shown_frames(frames)
    starts = {frame.frame.start for frame in shown if isinstance(frame, ReadFrame)}
    number = story.came.number
    return tag(
        "section",
        tag("h3", _name(number), tag("span", *_verdict(story), class_="verdict")),
        tag("p", story.came.request.method, " ", tag("code", story.came.request.url), class_="t facts"),
        _asked(story),
        tag(
            "div",
            tag("div", tag("h4", "What came"), *wire(story, frames, shown), class_="wire"),
            tag("div", tag("h4", "What it came to"), *meant(story, starts), class_="meant"),
            class_="panes",
        ),
        id=f"x{story.place}",
        class_="exchange",
    )


def _name(number: int) -> str:
    return f"Exchange {number}" if number else "A question about the server"


def _verdict(story: ExchangeStory) -> Iterator[Html]:
    came = story.came
    if came.head is not None:
        yield chip(f"HTTP {came.head.status}", "bad" if came.head.status >= 400 else "")
    how = came.ended.how if came.ended else "no end recorded"
    yield chip(how, "" if how == "complete" else "bad")
    yield chip(exactly(came.ended_at) if came.ended else "open")
    yield chip(f"{counted(came.size, 'byte')} in {counted(len(came.reads), 'read')}")
    if story.finish_reason:
        yield chip(story.finish_reason)
    if said := tokens(story.usage):
        yield chip(said)
    for severity in ("error", "warning"):
        if found := sum(diagnostic.severity == severity for diagnostic in story.diagnostics):
            yield chip(counted(found, severity), "bad" if severity == "error" else "odd")


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
