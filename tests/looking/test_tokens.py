"""Tokens: what the servers reported, what they did not, and what the tools take."""

from __future__ import annotations

import json
from typing import Any

import pytest

from callscope.core.events import (
    ArgumentsDelta,
    Event,
    ExchangeOpened,
    ResponseCompleted,
    ResponseFailed,
    ResponseStarted,
    Stamped,
    TextDelta,
)
from callscope.core.state import Conversation, apply
from callscope.core.values import CallKey, Request, Settings, ToolSpec, Usage
from callscope.dialects.chat.dialect import ChatCompletions
from callscope.looking.exchanges import Exchange
from callscope.looking.tokens import MOST_ROWS, Counts, TokenLog, counts, tokens, tools_of


def usage(**raw: Any) -> Usage:
    return Usage(raw.get("prompt_tokens"), raw.get("completion_tokens"), raw.get("total_tokens"), raw)


def log(*ends: ResponseCompleted | ResponseFailed, sent: bytes = b"x" * 400, said: str = "y" * 40) -> TokenLog:
    """The exchanges that end so; each request has 400 bytes, each response 40 and as many of arguments."""
    told, conversation = TokenLog(), Conversation()
    for number, last in enumerate(ends, start=1):
        events: tuple[Event, ...] = (ExchangeOpened(number, Request("POST", "http://h", (), sent)),)
        if said:
            delta = ArgumentsDelta(CallKey(number, 0), said)
            events += (ResponseStarted(number), TextDelta("output", said), delta)
        for event in (*events, last):
            conversation = apply(conversation, event)
            told.handle(Stamped(1, 0.0, event), conversation)
    return told


def lines(told: TokenLog, latest: Exchange | None = None, width: int = 80) -> list[list[str]]:
    return [line.plain.split() for line in tokens(told, latest, width=width, ascii_only=False)]


FULL = usage(
    prompt_tokens=1234,
    completion_tokens=56,
    total_tokens=1290,
    prompt_tokens_details={"cached_tokens": 1024},
    completion_tokens_details={"reasoning_tokens": 40},
)


def test_a_row_has_what_the_server_reported() -> None:
    assert lines(log(ResponseCompleted("stop", FULL)))[1] == ["1", "1,234", "56", "1,024", "40"]


def test_the_sums_stand_below_the_exchanges() -> None:
    shown = lines(log(ResponseCompleted("stop", FULL), ResponseCompleted("stop", usage(prompt_tokens=1))))
    assert shown[3] == ["all", "1,235", "56", "1,024", "40"]


def test_what_was_not_reported_is_estimated_and_marked_and_in_no_sum() -> None:
    shown = lines(log(ResponseCompleted("stop"), ResponseCompleted("stop", FULL)))
    assert shown[1] == ["1", "~100", "~20", "-", "-"]
    assert shown[3][:3] == ["all", "1,234", "56"]
    notes = " ".join(word for line in shown[4:] for word in line)
    assert "~ is our estimate" in notes
    assert "1 of 2 exchanges reported no usage" in notes


def test_a_server_that_reported_all_is_not_spoken_of_as_estimated() -> None:
    assert "estimate" not in str(lines(log(ResponseCompleted("stop", FULL))))


def test_an_exchange_that_brought_nothing_has_no_estimate() -> None:
    assert lines(log(ResponseFailed("http", "no", 429), said=""))[1] == ["1", "-", "-", "-", "-"]


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        ({"input_tokens_details": {"cached_tokens": 3}}, Counts(cached=3)),
        ({"prompt_cache_hit_tokens": 3}, Counts(cached=3)),
        ({"cache_read_input_tokens": 3}, Counts(cached=3)),
        ({"output_tokens_details": {"reasoning_tokens": 4}}, Counts(reasoning=4)),
        ({"prompt_tokens": -1, "completion_tokens": 10**400}, Counts()),
        ({"prompt_tokens_details": "many", "completion_tokens_details": [1]}, Counts()),
        ({"prompt_cache_hit_tokens": True}, Counts()),
    ],
    ids=str,
)
def test_counts_are_found_under_each_name_and_only_where_they_make_sense(raw: dict[str, Any], wanted: Counts) -> None:
    assert counts(usage(**raw)) == wanted


def test_the_share_of_the_tools_is_that_of_the_bytes_that_left() -> None:
    tools = (ToolSpec("get_weather", "Wetter für 北京", {"type": "object"}), ToolSpec("get_time"))
    conversation = Conversation(Settings(url="http://h/v1", model="m"), tools=tools)
    request = ChatCompletions().request(conversation).request
    count, size = tools_of(request.body)
    written = request.body[request.body.index(b'"tools":') + 8 :]
    assert count == 2
    assert json.loads(written[:size]) == json.loads(request.body)["tools"]
    shown = lines(log(ResponseCompleted("stop", FULL)), Exchange(1, request, 0.0))[2:]
    said = " ".join(word for line in shown for word in line)
    assert said.startswith(f"The last request has {len(request.body)} bytes; 2 tools take {size} of them (")


def test_a_request_without_tools_says_so() -> None:
    request = Request("POST", "http://h", (), b'{"messages":[]}')
    shown = lines(log(ResponseCompleted("stop", FULL)), Exchange(1, request, 0.0))[-1]
    assert " ".join(shown) == "The last request has 15 bytes and no tools."


@pytest.mark.parametrize("body", [b"", b"\xff", b"[]", b'{"tools":{}}', b"[" * 99999])
def test_a_body_of_another_kind_defines_no_tools(body: bytes) -> None:
    assert tools_of(body) == (0, 0)


def test_a_long_session_shows_its_last_exchanges_and_sums_all() -> None:
    shown = lines(log(*[ResponseCompleted("stop", usage(prompt_tokens=10))] * 100, said=""))
    assert " ".join(shown[1]) == f"[{100 - MOST_ROWS} earlier exchanges: in the sums]"
    assert shown[2][0] == str(101 - MOST_ROWS)
    assert shown[MOST_ROWS + 2][:2] == ["all", "1,000"]


def test_before_any_response_there_is_nothing_to_count() -> None:
    assert lines(TokenLog()) == [["no", "response", "came", "yet"]]


def test_the_table_fits_forty_columns() -> None:
    told = log(ResponseCompleted("stop", FULL), ResponseCompleted("stop"))
    assert max(len(line.plain) for line in tokens(told, None, width=40, ascii_only=True)) == 40
