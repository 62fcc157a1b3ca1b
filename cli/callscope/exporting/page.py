"""A recording as one HTML file for a bug report: it works offline, asks no address for anything, runs no word of it.

Knows what stands on the page, and the policy that holds a browser to that. Must not know how an exchange is laid out.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from callscope.panels.wording import counted, exactly, failed
from callscope.record.file.reading import RecordingFile
from callscope.version import VERSION

from .bars import timeline
from .chapters import CallStory, ExchangeStory, Note, Story, TurnStory
from .markup import Html, joined, shortened, tag
from .meant_pane import LONGEST_TEXT
from .panes import exchange_card
from .story import story_of

DATA: Final = Path(__file__).parent / "data"


def html(recording: RecordingFile) -> Iterator[str]:
    """The page, part by part. Raises UnusableFile."""
    yield from _page(story_of(recording))


def _page(story: Story) -> Iterator[str]:
    style, script = ((DATA / name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    title = f"{story.settings.model or 'A session'}, {story.path.name}"
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        # a meta element cannot forbid frames; all else is forbidden but this very style and this very script
        Html(f'<meta http-equiv="Content-Security-Policy" content="{_policy(style, script)}">'),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", title),
        tag("style", Html(style)),
    )
    yield f'<!doctype html>\n<html lang="en">{head}<body>{_bar()}<main>'
    yield from _main(story)
    yield f"</main>{tag('script', Html(script))}</body></html>\n"


def _policy(style: str, script: str) -> str:
    return (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}"


def _bar() -> Html:
    return tag(
        "header",
        tag("span", "Callscope", class_="brand"),
        tag(
            "input", type="search", id="find", placeholder="Search  (press /)", aria_label="Search", autocomplete="off"
        ),
        tag("span", id="found", role="status"),
        tag("button", "Open all", type="button", id="open"),
        class_="bar",
    )


def _main(story: Story) -> Iterator[Html]:
    yield tag("h1", story.settings.model or "A session", class_="t")
    yield _facts(story)
    for warning in story.warnings:
        yield tag("p", warning, class_="t diagnostic warning")
    yield from _overview(story)
    for turn in story.turns:
        yield from _turn(turn)
    if story.exchanges > story.shown:
        yield tag("p", f"The first {story.shown} of {story.exchanges:,} exchanges are shown.", class_="quiet")
    yield _offered(story)
    yield tag("footer", f"Made by Callscope {VERSION} from a recording; what it masks as secret is masked here.")


def _facts(story: Story) -> Html:
    settings, turns = story.settings, [turn for turn in story.turns if turn.number]
    calls = sum(len(exchange.calls) for turn in story.turns for exchange in turn.exchanges)
    facts = [
        ("Recording", tag("code", story.path.name)),
        ("Begun", story.header.created),
        ("Endpoint", tag("code", settings.url or "unknown")),
        ("Dialect", settings.dialect),
        ("Holds", f"{counted(len(turns), 'turn')}, {counted(story.exchanges, 'exchange')}, {counted(calls, 'call')}"),
    ]
    if story.header.parent:
        facts.append(("Made from", tag("code", story.header.parent)))
    cells = [tag("div", tag("dt", name), tag("dd", value)) for name, value in facts]
    return tag("dl", *cells, class_="t facts")


def _overview(story: Story) -> Iterator[Html]:
    """What was wrong, first of all: whoever opens a report looks for that."""
    wrong = [line for turn in story.turns for exchange in turn.exchanges for line in _wrong(exchange)]
    if wrong:
        yield tag("h2", counted(len(wrong), "problem"))
        yield tag("ul", *wrong[:100], class_="problems")
        if len(wrong) > 100:
            yield tag("p", f"And {len(wrong) - 100:,} more, below.", class_="quiet")
    else:
        yield tag("p", "No problem was found in any response.", class_="calm")


def _wrong(exchange: ExchangeStory) -> Iterator[Html]:
    number = exchange.came.number
    there = tag("a", f"exchange {number}", href=f"#x{exchange.place}")
    if exchange.failure:
        how = tag("b", f"failed, {failed(exchange.failure.kind)}")
        yield tag("li", there, " ", how, " ", shortened(exchange.failure.message, 300), class_="t error")
    for diagnostic in exchange.diagnostics:
        if diagnostic.severity != "info":
            said = shortened(diagnostic.message, 300)
            yield tag("li", there, " ", tag("b", diagnostic.code), " ", said, class_=f"t {diagnostic.severity}")
    for call in exchange.calls:
        if sentence := _trouble(call):
            yield tag("li", there, " ", tag("b", call.name), " ", shortened(sentence, 300), class_="t warning")


def _trouble(call: CallStory) -> str:
    if call.complaint:
        return call.complaint
    if call.result and call.result.status in ("error", "timeout"):
        return f"{call.result.status}: {call.result.output}"
    return ""


def _turn(turn: TurnStory) -> Iterator[Html]:
    if not turn.number and not turn.parts:
        return
    took = f", {exactly(turn.ended_at - turn.began_at)}" if turn.ended_at is not None else ""
    ended = f"{turn.ended or 'not ended'}{took}"
    heading = f"Turn {turn.number}" if turn.number else "Before the first turn"
    chip = tag("span", ended, class_="chip" if turn.ended == "completed" else "chip odd") if turn.number else None
    yield tag("h2", heading, chip, id=f"t{turn.number}")
    if turn.words is not None:
        yield tag("div", shortened(turn.words, LONGEST_TEXT), class_="t you")
    if drawn := timeline(turn):
        yield drawn
    for part in turn.parts:
        yield _note(part) if isinstance(part, Note) else exchange_card(part)


def _note(note: Note) -> Html:
    said = [tag("b", "Note: "), note.text] if note.mark else [note.text]
    return tag("p", *said, class_="t note mark" if note.mark else "t note")


def _offered(story: Story) -> Html:
    settings = story.settings
    parameters = json.dumps(dict(settings.parameters), ensure_ascii=False, indent=2)
    parts = [tag("h4", "System prompt"), tag("pre", settings.system, class_="t")] if settings.system else []
    if settings.parameters:
        parts += [tag("h4", "Parameters"), tag("pre", shortened(parameters, LONGEST_TEXT), class_="t")]
    for tool in story.tools:
        schema = json.dumps(dict(tool.parameters), ensure_ascii=False, indent=2)
        parts.append(tag("h4", tool.name, class_="t"))
        parts.append(tag("p", tool.description, class_="t"))
        parts.append(tag("pre", shortened(schema, LONGEST_TEXT), class_="t"))
    summary = tag("summary", f"Settings and {counted(len(story.tools), 'tool')} as they were last")
    return tag("details", summary, joined(parts), class_="offered")
