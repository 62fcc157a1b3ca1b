"""Every body of tests/quirks/responses is read as its note says, and reads the same however it is cut.

Knows the corpus and what a reading is; must not know how the decoder comes to it. tests/quirks/README.md tells the
members of a note.
"""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from callscope.core.events import Diagnostic, ResponseCompleted
from callscope.core.values import ToolCall
from quirkbodies import FOLDER, Quirk, Reading, bodies_without_a_note, corpus, decode, read_whole, value

RESPONSES = FOLDER / "responses"
CORPUS = corpus(RESPONSES)
every_quirk = pytest.mark.parametrize("quirk", CORPUS, ids=[str(quirk) for quirk in CORPUS])
MEMBERS = {"source", "server", "quirk", "rules", "http_status", "content_type", "tools", "tier", "expect"}
EXPECTED = {"content", "reasoning", "tool_calls", "finish_reason", "error", "error_kind", "note"}
ENDED_EARLY = ("stream", "http")
THEMES = range(14)


def calls_for_us(quirk: Quirk) -> list[ToolCall]:
    return [call for call in read_whole(quirk.path).calls if call.executor == "local"]


def kept(reading: Reading) -> str:
    """All that goes back with the next request as it came."""
    echoes = [dict(event.echo) for event in reading.events if isinstance(event, ResponseCompleted)]
    return json.dumps([echoes, [dict(call.extra) for call in reading.calls]])


@every_quirk
def test_the_words_of_each_channel_are_what_the_body_says(quirk: Quirk) -> None:
    response = read_whole(quirk.path).response
    for channel, member in (("output", "content"), ("reasoning", "reasoning"), ("refusal", "refusal")):
        text = response.text(channel)  # type: ignore[arg-type]
        if wanted := quirk.expect.get(f"{member}_contains"):
            assert [part in text for part in wanted] == [True] * len(wanted)
            assert sorted(wanted, key=text.index) == wanted
        else:
            assert text == (quirk.expect.get(member) or "")


@every_quirk
def test_the_calls_are_those_of_the_body(quirk: Quirk) -> None:
    calls, expected = calls_for_us(quirk), quirk.expect["tool_calls"]
    assert [(call.name, call.arguments) for call in calls] == [
        (call["name"], call["arguments_raw"]) for call in expected
    ]
    for call, wanted in zip(calls, expected, strict=True):
        if wanted["arguments_json"] is not None and wanted.get("kind") != "custom":
            assert value(call.arguments) == wanted["arguments_json"]


@every_quirk
def test_only_what_can_be_run_is_without_a_fault(quirk: Quirk) -> None:
    if quirk.expect["error_kind"] in ENDED_EARLY:
        return  # nothing of a broken response runs, whole or not
    faulty = [call.fault is not None for call in calls_for_us(quirk)]
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


@every_quirk
def test_an_error_has_the_servers_own_words(quirk: Quirk) -> None:
    if words := quirk.expect.get("error_contains"):
        failure = read_whole(quirk.path).failure
        assert failure is not None
        assert words in failure.message


@every_quirk
def test_the_finish_reason_is_the_servers_word(quirk: Quirk) -> None:
    assert read_whole(quirk.path).response.finish_reason == quirk.expect["finish_reason"]


@every_quirk
def test_usage_is_found_wherever_it_stands(quirk: Quirk) -> None:
    if expected := quirk.expect.get("usage"):
        usage = read_whole(quirk.path).response.usage
        assert usage is not None
        counts = (usage.input_tokens, usage.output_tokens, usage.total_tokens)
        assert counts == tuple(expected[name] for name in ("input_tokens", "output_tokens", "total_tokens"))


@every_quirk
def test_ids_are_verbatim_or_made_up_but_never_shared(quirk: Quirk) -> None:
    ids = [call.call_id for call in calls_for_us(quirk)]
    assert all(ids)
    assert len(set(ids)) == len(ids)
    expected = [call["id"] for call in quirk.expect["tool_calls"]]
    assert [given for given, wanted in zip(ids, expected, strict=True) if wanted is not None] == [
        wanted for wanted in expected if wanted is not None
    ]


@every_quirk
def test_the_kind_of_each_call_is_known(quirk: Quirk) -> None:
    kinds = [call.kind for call in calls_for_us(quirk)]
    assert kinds == [call.get("kind", "function") for call in quirk.expect["tool_calls"]]


@every_quirk
def test_what_goes_back_is_kept_as_it_came(quirk: Quirk) -> None:
    reading = read_whole(quirk.path)
    assert quirk.expect.get("echo_contains", "") in kept(reading)
    for call, wanted in zip(calls_for_us(quirk), quirk.expect["tool_calls"], strict=True):
        assert wanted.get("extra_contains", "") in json.dumps(dict(call.extra))


@every_quirk
def test_items_of_the_servers_own_are_kept_and_are_not_ours_to_run(quirk: Quirk) -> None:
    reading = read_whole(quirk.path)
    for kind in quirk.expect.get("kept", ()):
        assert f'"type": "{kind}"' in kept(reading)
        assert not any(call.name == kind and call.executor == "local" for call in reading.calls)


@every_quirk
def test_what_was_wrong_is_said_and_nothing_is_said_of_what_was_right(quirk: Quirk) -> None:
    reading = read_whole(quirk.path)
    said = [event for event in reading.events if isinstance(event, Diagnostic)]
    assert {event.code for event in said} >= set(quirk.expect.get("diagnostics", ()))
    if quirk.expect.get("said"):
        assert said
    if quirk.expect.get("no_warning"):
        assert [event.code for event in said if event.severity != "info"] == []
    if quirk.expect.get("unremarkable"):
        assert [event.code for event in said] == []


@every_quirk
def test_padding_is_never_shown(quirk: Quirk) -> None:
    if padding := quirk.expect.get("never_contains"):
        shown = [event for event in read_whole(quirk.path).events if padding in repr(event)]
        assert shown == []


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
def test_a_note_has_all_members_and_its_source(quirk: Quirk) -> None:
    assert quirk.meta.keys() >= MEMBERS
    assert quirk.expect.keys() >= EXPECTED
    assert quirk.expect["error_kind"] in (None, "arguments", "stream", "http", "warning")
    assert (quirk.expect["error"] is None) == (quirk.expect["error_kind"] is None)
    assert quirk.meta["source"].startswith(("https://", "composed: "))


def test_each_theme_has_its_bodies() -> None:
    assert {rule for quirk in CORPUS for rule in quirk.meta["rules"]} == set(THEMES)


def test_each_body_has_a_note_and_a_number_of_its_own() -> None:
    assert bodies_without_a_note(RESPONSES) == set()
    others = [*corpus(FOLDER), *corpus(FOLDER / "acf")]
    assert len({quirk.number for quirk in [*CORPUS, *others]}) == len(CORPUS) + len(others)
