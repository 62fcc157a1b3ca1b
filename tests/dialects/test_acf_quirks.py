"""Every body of tests/quirks/acf is read as its note says, with its complaints, and reads the same however it is cut.

Knows the corpus and what a reading is; must not know how the decoder comes to it. tests/quirks/README.md tells the
members of a note.
"""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from callscope.core.events import CallStarted, Diagnostic, RemoteResult, TextDelta
from quirkbodies import FOLDER, Quirk, bodies_without_a_note, corpus, decode, read_whole, value

AGENTS = FOLDER / "acf"
CORPUS = corpus(AGENTS)
every_quirk = pytest.mark.parametrize("quirk", CORPUS, ids=[str(quirk) for quirk in CORPUS])
MEMBERS = {"source", "server", "quirk", "rules", "http_status", "content_type", "tools", "tier", "expect"}
EXPECTED = {"content", "reasoning", "tool_calls", "results", "thread", "finish_reason", "error", "error_kind", "note"}
FRAMELESS = {"answer_after_the_end", "response_empty"}
"""Complaints about the end, which is in no frame."""


@every_quirk
def test_the_answer_and_the_thinking_are_what_the_agent_says(quirk: Quirk) -> None:
    response = read_whole(quirk.path).response
    assert response.text("output") == quirk.expect["content"]
    assert response.text("reasoning") == (quirk.expect["reasoning"] or "")


@every_quirk
def test_the_calls_are_those_of_the_agent_and_say_who_runs_them(quirk: Quirk) -> None:
    calls, expected = read_whole(quirk.path).calls, quirk.expect["tool_calls"]
    assert [(call.name, call.executor, call.arguments) for call in calls] == [
        (call["name"], call["executor"], call["arguments_raw"]) for call in expected
    ]
    assert [value(call.arguments) for call in calls] == [call["arguments_json"] for call in expected]
    assert [call.call_id for call in calls if expected[calls.index(call)]["id"]] == [
        call["id"] for call in expected if call["id"]
    ]
    assert len({call.call_id for call in calls}) == len(calls)


@every_quirk
def test_a_result_stands_with_its_call(quirk: Quirk) -> None:
    reading = read_whole(quirk.path)
    places = {call.key: place for place, call in enumerate(reading.calls)}
    assert [(places.get(result.key), result.output, result.status) for result in reading.results] == [
        (result["call"], result["output"], result["status"]) for result in quirk.expect["results"]
    ]


@every_quirk
def test_the_thread_is_learnt(quirk: Quirk) -> None:
    assert read_whole(quirk.path).response.thread == quirk.expect["thread"]


@every_quirk
def test_a_broken_answer_is_signalled_and_a_good_one_is_not(quirk: Quirk) -> None:
    failure = read_whole(quirk.path).failure
    match quirk.expect["error_kind"]:
        case "http":
            assert failure is not None
            assert (failure.kind, failure.status) == ("http", quirk.meta["http_status"])
        case "stream":
            assert failure is not None
            assert failure.kind != "http"
        case _:
            assert failure is None
    if words := quirk.expect.get("error_contains"):
        assert failure is not None
        assert words in failure.message


@every_quirk
def test_the_finish_reason_is_the_agents_word(quirk: Quirk) -> None:
    assert read_whole(quirk.path).response.finish_reason == quirk.expect["finish_reason"]


@every_quirk
def test_what_is_odd_is_said_and_nothing_else(quirk: Quirk) -> None:
    codes = {event.code for event in read_whole(quirk.path).events if isinstance(event, Diagnostic)}
    assert codes == set(quirk.expect["diagnostics"])


@every_quirk
def test_what_is_said_names_the_frame_it_is_about(quirk: Quirk) -> None:
    for event in read_whole(quirk.path).events:
        if isinstance(event, TextDelta | CallStarted | RemoteResult) or (
            isinstance(event, Diagnostic) and event.code not in FRAMELESS
        ):
            assert event.frame is not None, event
            assert 0 <= event.frame.start < event.frame.end <= len(quirk.body)


# ---- any cut --------------------------------------------------------------------------------------------------------


@every_quirk
def test_single_bytes_give_the_same_events(quirk: Quirk) -> None:
    assert decode(quirk, (quirk.body[at : at + 1] for at in range(len(quirk.body)))) == read_whole(quirk.path).events


@every_quirk
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_any_cuts_give_the_same_events(quirk: Quirk, data: st.DataObject) -> None:
    length = len(quirk.body)
    cuts = sorted(data.draw(st.sets(st.integers(0, length), max_size=8)) | {0, length})
    assert decode(quirk, (quirk.body[a:b] for a, b in pairwise(cuts))) == read_whole(quirk.path).events


# ---- the corpus itself ----------------------------------------------------------------------------------------------


@every_quirk
def test_a_note_has_all_members_and_its_source(quirk: Quirk) -> None:
    assert quirk.meta.keys() >= MEMBERS
    assert quirk.expect.keys() >= EXPECTED
    assert quirk.expect["error_kind"] in (None, "stream", "http", "warning")
    assert (quirk.expect["error"] is None) == (quirk.expect["error_kind"] is None)
    assert quirk.meta["source"].startswith(("https://", "composed: "))


def test_each_theme_has_its_bodies() -> None:
    assert {rule for quirk in CORPUS for rule in quirk.meta["rules"]} == set(range(14))


def test_each_body_has_a_note_and_a_number_of_its_own() -> None:
    assert bodies_without_a_note(AGENTS) == set()
    assert len({quirk.number for quirk in [*CORPUS, *corpus(FOLDER)]}) == len(CORPUS) + len(corpus(FOLDER))
