"""What is no document comes to the same in every dialect: words, halves, refusals, and where a response starts."""

from __future__ import annotations

import pytest

from callscope.core.events import Diagnostic, PeerEvent, ResponseFailed, ResponseHead, ResponseStarted
from callscope.core.values import Ending
from callscope.dialects.registry import dialect_named

EVENT_STREAM = (("content-type", "text/event-stream"),)
DEEP = b'{"error": ' + b"[" * 300 + b"]" * 300 + b"}"

both = pytest.mark.parametrize("dialect", ["chat", "responses"])


def decoded(dialect: str, body: bytes, status: int = 200, how: Ending = "complete") -> list[PeerEvent]:
    decoder = dialect_named(dialect).decoder(1, ())
    return [*decoder.feed(ResponseHead(1, status, EVENT_STREAM)), *decoder.feed(body), *decoder.close(how)]


def failure(events: list[PeerEvent]) -> ResponseFailed:
    last = events[-1]
    assert isinstance(last, ResponseFailed)
    return last


def codes(events: list[PeerEvent]) -> list[str]:
    return [event.code for event in events if isinstance(event, Diagnostic)]


@both
def test_words_without_a_blank_line_after_them_are_what_went_wrong(dialect: str) -> None:
    assert failure(decoded(dialect, b": hello\n\ndata: [quota] Out of credit.\n")).message == "[quota] Out of credit."


@both
def test_half_a_document_at_the_end_is_an_event_cut_off(dialect: str) -> None:
    events = decoded(dialect, b': hello\n\ndata: {"type": "resp')
    assert codes(events) == ["event_cut_off"]
    assert failure(events).kind == "truncated"


@both
def test_words_that_a_reset_may_have_cut_are_not_taken(dialect: str) -> None:
    events = decoded(dialect, b": hello\n\ndata: Out of cre", how="reset")
    assert codes(events) == ["event_cut_off"]
    assert failure(events).kind == "reset"


@both
def test_a_refusal_nested_too_deep_is_told_by_its_beginning(dialect: str) -> None:
    assert failure(decoded(dialect, DEEP, status=400)).message.startswith('{"error": [[[')


@both
def test_the_response_starts_before_the_first_thing_that_is_said_of_it(dialect: str) -> None:
    assert isinstance(decoded(dialect, b"data: words\n\n")[0], ResponseStarted)


@both
def test_closing_twice_says_nothing_more(dialect: str) -> None:
    decoder = dialect_named(dialect).decoder(1, ())
    assert decoder.close("complete")
    assert decoder.close("complete") == []
