"""Two readings in, differences out; nothing is read here."""

from __future__ import annotations

from dataclasses import replace

import pytest

from callscope.readers.comparing import Row, compare
from callscope.readers.values import Call, NotRead, Reader, Reading, Trouble, outcome_as_json, outcome_of_json

PARIS = Call("call_1", "get_weather", '{"city":"Paris"}')
ROME = Call("call_2", "get_weather", '{"city":"Rome"}')
OURS = Reading((PARIS, ROME), "Let me see.", "", "tool_calls", (12, 7))


def kinds(theirs: Reading, ours: Reading = OURS) -> list[str]:
    return [difference.kind for difference in compare(ours, theirs)]


def test_the_same_reading_has_no_difference() -> None:
    assert compare(OURS, OURS) == ()


def test_how_arguments_are_written_is_no_difference() -> None:
    assert kinds(replace(OURS, calls=(replace(PARIS, arguments='{ "city" : "Paris" }'), ROME))) == []


def test_no_arguments_are_an_empty_object() -> None:
    call = Call("c", "get_time", "")
    assert kinds(Reading((replace(call, arguments="{}"),)), Reading((call,))) == []


def test_calls_joined_into_one_are_told_as_one_difference() -> None:
    both = Call("call_2", "get_weather", f"{PARIS.arguments}{ROME.arguments}")
    [difference] = compare(OURS, replace(OURS, calls=(both,)))
    assert difference.kind == "merged_calls"
    assert difference.ours.count("\n") == 1


def test_a_call_that_is_missing_is_lost_and_not_merged() -> None:
    assert kinds(replace(OURS, calls=(PARIS,))) == ["lost_call"]


def test_a_call_that_there_is_not_is_extra() -> None:
    assert kinds(replace(OURS, calls=(PARIS, ROME, PARIS))) == ["extra_call"]


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"call_id": None}, "call_id"),
        ({"name": "get_weatherget_weather"}, "name"),
        ({"arguments": '{"city":"Paris"'}, "arguments"),
    ],
)
def test_each_member_of_a_call_is_compared(changes: dict[str, str | None], kind: str) -> None:
    [difference] = compare(OURS, replace(OURS, calls=(replace(PARIS, **changes), ROME)))  # type: ignore[arg-type]
    assert (difference.kind, difference.call) == (kind, 0)


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"text": "Let me"}, "content"),
        ({"refusal": "No."}, "refusal"),
        ({"finish_reason": None}, "finish_reason"),
        ({"usage": None}, "usage"),
    ],
)
def test_what_stands_beside_the_calls_is_compared(changes: dict[str, object], kind: str) -> None:
    assert kinds(replace(OURS, **changes)) == [kind]  # type: ignore[arg-type]


def test_an_error_that_a_reader_does_not_tell_is_lost() -> None:
    assert kinds(OURS, replace(OURS, trouble=Trouble("error", "http", "overloaded"))) == ["lost_error"]


def test_an_early_end_that_a_reader_does_not_tell_is_silent() -> None:
    assert kinds(OURS, replace(OURS, trouble=Trouble("error", "truncated", "no [DONE]"))) == ["silent_end"]


def test_an_error_over_a_good_answer_is_false() -> None:
    assert kinds(replace(OURS, trouble=Trouble("error", "openai.APIError", "?"))) == ["false_error"]


def test_where_both_tell_an_error_nothing_before_it_is_compared() -> None:
    broken = replace(OURS, calls=(PARIS,), trouble=Trouble("error", "reset", "broke"))
    assert kinds(replace(broken, calls=()), broken) == []


@pytest.mark.parametrize("kind", ["crash", "hang", "killed"])
def test_a_reader_that_does_not_come_back_is_not_compared_further(kind: str) -> None:
    assert kinds(Reading(trouble=Trouble(kind, "TypeError", "?"))) == [kind]  # type: ignore[arg-type]


def test_a_crash_over_a_broken_answer_is_a_crash() -> None:
    broken = Reading(trouble=Trouble("error", "http", "overloaded"))
    assert kinds(Reading(trouble=Trouble("crash", "TypeError", "?")), broken) == ["crash"]


def test_what_was_not_read_has_no_difference_but_a_verdict_of_its_own() -> None:
    row = Row(Reader("openai-loop", "openai"), NotRead("no reader for acf"), compare(OURS, NotRead("no reader")))
    assert (row.differences, row.verdict) == ((), "not read")


@pytest.mark.parametrize("outcome", [OURS, Reading(trouble=Trouble("crash", "KeyError", "'x'")), NotRead("why")])
def test_what_a_reader_saw_goes_through_json_unchanged(outcome: Reading | NotRead) -> None:
    assert outcome_of_json(outcome_as_json(outcome)) == outcome


def test_a_call_that_the_peer_runs_itself_is_not_asked_of_a_program() -> None:
    search = Call("ws_1", "web_search", "{}", "remote")
    assert kinds(OURS, replace(OURS, calls=(PARIS, search, ROME))) == []


def test_a_call_that_the_peer_runs_itself_is_asked_of_who_reads_with_our_decoder() -> None:
    search = Call("ws_1", "web_search", "{}", "remote")
    assert kinds(replace(OURS, events=9), replace(OURS, calls=(PARIS, ROME, search))) == ["lost_call"]
