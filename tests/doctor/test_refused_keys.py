"""A server that refuses the key each time: one fault, told once, and what to do about it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from callscope.core.values import Request
from callscope.doctor.exchange import Exchange
from callscope.doctor.report import examine
from callscope.doctor.seen import NO_KEY
from examined import DOCUMENT, PATHS, exchange, failing, finding

TOOL = {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object"}}}
SAID = {"error": {"message": "Incorrect API key provided", "type": "auth", "param": None, "code": "invalid_api_key"}}


def refused(dialect: str = "chat", status: int = 401, **asked: Any) -> Exchange:
    return exchange(dialect, [json.dumps(SAID).encode()], asked, status=status, headers=DOCUMENT)


def listed(status: int = 401) -> Exchange:
    one = refused(status=status)
    return Exchange(2, 0, one.settings, Request("GET", "http://127.0.0.1/v1/models", (), b""), 0.0, one.head, one.reads)


def plain_and_with_tools(dialect: str = "chat", status: int = 401) -> list[Exchange]:
    return [refused(dialect, status), refused(dialect, status, tools=[TOOL], tool_choice="required"), listed(status)]


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("dialect", sorted(PATHS))
def test_a_key_that_is_refused_each_time_breaks_one_rule_alone(dialect: str, status: int) -> None:
    assert failing(plain_and_with_tools(dialect, status), dialect) == {"http.answers"}


def test_what_to_do_and_the_servers_words_stand_in_the_finding() -> None:
    came = finding(plain_and_with_tools(), "chat", "http.answers").came
    assert "status 401: Incorrect API key provided" in came
    assert "--key-env NAME" in came


def test_what_could_not_be_examined_is_not_shown_for_that_reason() -> None:
    for rule in ("tools.accepted", "tools.required", "http.models"):
        found = finding(plain_and_with_tools(), "chat", rule)
        assert (found.outcome, found.came) == ("not_shown", "the key is refused")


def test_it_is_told_of_requests_with_tools_alone_too() -> None:
    found = finding([refused(tools=[TOOL])], "chat", "http.answers")
    assert found.is_failure


def test_the_form_of_a_refusal_is_judged_all_the_same() -> None:
    came = exchange("chat", [b"no"], status=401, headers=(("content-type", "text/plain"),))
    assert failing([came], "chat") == {"http.answers", "http.error_shape"}


def test_a_server_that_refuses_tools_alone_breaks_the_rules_on_tools() -> None:
    good = exchange("chat", [b'data: {"choices": []}\n\n'])
    assert "tools.accepted" in failing([good, refused(status=403, tools=[TOOL])], "chat")


def test_the_request_that_leaves_the_key_out_on_purpose_is_no_refusal() -> None:
    one = refused()
    without = Request("POST", one.request.url, (NO_KEY,), one.request.body)
    keyless = Exchange(1, 0, one.settings, without, 0.0, one.head, one.reads, "complete")
    assert not any(found.is_failure for found in examine([keyless], "chat"))
