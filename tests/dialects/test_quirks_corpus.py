"""Every body of tests/quirks is read as its note says, and reads the same however it is cut.

Knows the corpus and what a reading is; must not know how the decoder comes to it. A body `NNN-slug.sse` (or `.body`)
stands beside `NNN-slug.json` with its source and the reading expected of it; tests/quirks/README.md tells the members.
"""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from callscope.core.events import Diagnostic, ResponseCompleted
from quirkbodies import FOLDER, Quirk, bodies_without_a_note, corpus, decode, read_whole, value

MEMBERS = {"source", "server", "quirk", "rules", "http_status", "content_type", "tools", "tier", "expect"}
EXPECTED = {"content", "reasoning", "tool_calls", "finish_reason", "error", "error_kind", "note"}
ENDED_EARLY = ("stream", "http")
RULES = range(1, 16)
BODIES_OF_A_RULE = 4

CORPUS = corpus(FOLDER)
every_quirk = pytest.mark.parametrize("quirk", CORPUS, ids=[str(quirk) for quirk in CORPUS])


# ---- level 1: content, calls, broken streams ------------------------------------------------------------------------


@every_quirk
def test_the_content_is_what_the_body_says(quirk: Quirk) -> None:
    assert read_whole(quirk.path).response.text("output") == quirk.expect["content"]


@every_quirk
def test_the_calls_are_those_of_the_body(quirk: Quirk) -> None:
    calls, expected = read_whole(quirk.path).calls, quirk.expect["tool_calls"]
    assert [call.name for call in calls] == [call["name"] for call in expected]
    for call, wanted in zip(calls, expected, strict=True):
        if wanted["arguments_json"] is None or wanted.get("kind") == "custom":
            assert call.arguments == wanted["arguments_raw"]
        else:
            assert value(call.arguments) == wanted["arguments_json"]


@every_quirk
def test_only_what_can_be_run_is_without_a_fault(quirk: Quirk) -> None:
    if quirk.expect["error_kind"] in ENDED_EARLY:
        return  # nothing of a broken response runs, whole or not
    faulty = [call.fault is not None for call in read_whole(quirk.path).calls]
    assert faulty == [call["arguments_json"] is None for call in quirk.expect["tool_calls"]]


@every_quirk
def test_a_broken_answer_is_signalled_and_a_good_one_is_not(quirk: Quirk) -> None:
    reading = read_whole(quirk.path)
    match quirk.expect["error_kind"]:
        case "http":
            assert reading.failure is not None
            assert (reading.failure.kind, reading.failure.status) == ("http", quirk.meta["http_status"])
        case "stream":
            assert reading.failure is not None
            assert reading.failure.kind != "http"
        case "arguments":
            assert reading.failure is None
            assert any(call.fault for call in reading.calls)
        case "warning":
            assert reading.failure is None
            assert reading.diagnostics("warning")
        case kind:
            assert kind is None
            assert reading.failure is None
            assert reading.diagnostics("error") == []


# ---- level 2: everything else ---------------------------------------------------------------------------------------


@every_quirk
def test_reasoning_and_refusal_are_channels_of_their_own(quirk: Quirk) -> None:
    response = read_whole(quirk.path).response
    assert response.text("reasoning") == (quirk.expect["reasoning"] or "")
    assert response.text("refusal") == quirk.expect.get("refusal", "")


@every_quirk
def test_the_finish_reason_is_the_servers_word(quirk: Quirk) -> None:
    assert read_whole(quirk.path).response.finish_reason == quirk.expect["finish_reason"]


@every_quirk
def test_usage_is_found_wherever_it_stands(quirk: Quirk) -> None:
    if expected := quirk.expect.get("usage"):
        usage = read_whole(quirk.path).response.usage
        assert usage is not None
        counts = (usage.input_tokens, usage.output_tokens, usage.total_tokens)
        assert counts == tuple(expected[name] for name in ("prompt_tokens", "completion_tokens", "total_tokens"))


@every_quirk
def test_an_error_has_the_servers_own_words(quirk: Quirk) -> None:
    if words := quirk.expect.get("error_contains"):
        failure = read_whole(quirk.path).failure
        assert failure is not None
        assert words in failure.message


@every_quirk
def test_ids_are_verbatim_or_made_up_but_never_shared(quirk: Quirk) -> None:
    ids = [call.call_id for call in read_whole(quirk.path).calls]
    assert all(ids)
    assert len(set(ids)) == len(ids)
    expected = [call["id"] for call in quirk.expect["tool_calls"]]
    assert [given for given, wanted in zip(ids, expected, strict=True) if wanted is not None] == [
        wanted for wanted in expected if wanted is not None
    ]


@every_quirk
def test_the_raw_arguments_are_kept(quirk: Quirk) -> None:
    raw = [call.arguments for call in read_whole(quirk.path).calls]
    assert raw == [call["arguments_raw"] for call in quirk.expect["tool_calls"]]


@every_quirk
def test_the_kind_of_each_call_is_known(quirk: Quirk) -> None:
    kinds = [call.kind for call in read_whole(quirk.path).calls]
    assert kinds == [call.get("kind", "function") for call in quirk.expect["tool_calls"]]


@every_quirk
def test_opaque_data_is_kept_for_the_way_back(quirk: Quirk) -> None:
    reading = read_whole(quirk.path)
    for call, wanted in zip(reading.calls, quirk.expect["tool_calls"], strict=True):
        assert wanted.get("extra_contains", "") in json.dumps(dict(call.extra))
    completed = [event for event in reading.events if isinstance(event, ResponseCompleted)]
    assert quirk.expect.get("echo_contains", "") in json.dumps([dict(event.echo) for event in completed])


@every_quirk
def test_what_was_wrong_is_said(quirk: Quirk) -> None:
    reading = read_whole(quirk.path)
    codes = {event.code for event in reading.events if isinstance(event, Diagnostic)}
    assert codes >= set(quirk.expect.get("diagnostics", ()))
    if quirk.expect.get("no_warning"):
        assert reading.diagnostics("warning") == []


@every_quirk
def test_nothing_is_read_leniently_without_a_word(quirk: Quirk) -> None:
    reading = read_whole(quirk.path)
    said = [event.code for event in reading.events if isinstance(event, Diagnostic)]
    if quirk.expect.get("unremarkable"):
        assert said == []
    else:
        assert said or reading.failure


# ---- any cut --------------------------------------------------------------------------------------------------------


@every_quirk
def test_single_bytes_give_the_same_events(quirk: Quirk) -> None:
    assert decode(quirk, (quirk.body[at : at + 1] for at in range(len(quirk.body)))) == read_whole(quirk.path).events


@every_quirk
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_any_cuts_give_the_same_events(quirk: Quirk, data: st.DataObject) -> None:
    length = len(quirk.body)
    cuts = sorted(data.draw(st.sets(st.integers(0, length), max_size=8)) | {0, length})
    assert decode(quirk, (quirk.body[a:b] for a, b in pairwise(cuts))) == read_whole(quirk.path).events


# ---- the corpus itself ----------------------------------------------------------------------------------------------


@every_quirk
def test_a_note_has_all_members(quirk: Quirk) -> None:
    assert quirk.meta.keys() >= MEMBERS
    assert quirk.expect.keys() >= EXPECTED
    assert quirk.expect["error_kind"] in (None, "arguments", "stream", "http", "warning")
    assert (quirk.expect["error"] is None) == (quirk.expect["error_kind"] is None)


@every_quirk
def test_a_note_gives_its_source(quirk: Quirk) -> None:
    assert quirk.meta["source"].startswith(("https://", "composed: "))


def test_each_rule_has_its_bodies() -> None:
    counts = {rule: sum(rule in quirk.meta["rules"] for quirk in CORPUS) for rule in RULES}
    assert {rule: count for rule, count in counts.items() if count < BODIES_OF_A_RULE} == {}


def test_numbers_are_unique() -> None:
    numbers = [quirk.number for quirk in CORPUS]
    assert len(set(numbers)) == len(numbers)


def test_each_body_has_a_note() -> None:
    assert bodies_without_a_note(FOLDER) == set()
