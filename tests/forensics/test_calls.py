"""Why a call did not run, or failed; and what is known of it from its first delta to the next request."""

from __future__ import annotations

import json
from typing import Any

import pytest

from callscope.core.events import (
    CallDecided,
    CallHeld,
    ItemsInserted,
    ResultReviewed,
    Rewound,
    ToolFinished,
    ToolStarted,
    UserMessage,
)
from callscope.core.plan import error
from callscope.core.values import (
    Abort,
    CallKey,
    DecidedBy,
    Decision,
    Edit,
    Mock,
    Reject,
    ResultStatus,
    Run,
    ToolCall,
    ToolResult,
)
from callscope.dialects.demanding import body_of
from callscope.dialects.registry import dialect_named
from callscope.forensics.asking import carried
from callscope.forensics.entries import Verdict
from callscope.forensics.why import calls_named
from chatbodies import DONE, calls, chunk, entry, event
from whybench import Scene, after, called, said

KEY = CallKey(1, 0)


def only(scene: Scene) -> Verdict:
    found = scene.why()
    assert len(found) == 1, [each.code for each in found]
    assert found[0].call == KEY
    return found[0]


def held(arguments: str = '{"city": "Paris"}', **settings: Any) -> Scene:
    return Scene().begin(**settings).exchange(called(arguments))


def decided(decision: Decision, by: DecidedBy = "person") -> Scene:
    return held().tell(CallDecided(KEY, decision, by))


def ran(output: str, status: ResultStatus = "error", arguments: str = '{"city": "Paris"}') -> Scene:
    started = decided(Run()).tell(ToolStarted(KEY, "get_weather", arguments))
    return started.tell(ToolFinished(ToolResult(KEY, output, status)))


# ---- the delta that broke it ----------------------------------------------------------------------------------------


def test_the_delta_that_broke_the_arguments_and_its_byte_are_named() -> None:
    body = called('{"city"', ': "Kö', "ln\\n\", 'unit'", ": 1}")
    scene = after(body)
    found = only(scene)
    place = body.index(b"'unit'")
    assert found.code == "arguments_invalid"
    assert f"at byte {place:,} of exchange 1, in delta 3 of 4" in found.sentence
    assert found.evidence[0].start == place
    assert found.evidence[0].excerpt == "'unit'"


def test_the_break_of_arguments_written_with_escapes_is_found_to_the_byte() -> None:
    piece = '{"city": "\\ud83c\\udf27", nan'  # JSON in JSON: the surrogates are escaped once more on the wire
    body = called(piece, "}")
    broken = after(body).case.calls[KEY].following.broken
    assert broken is not None
    assert broken.byte == body.index(b"nan")
    assert broken.at == len(piece) - 3


def test_the_break_in_a_stream_read_a_byte_at_a_time_is_the_same() -> None:
    body = called('{"city"', ": nope}")
    whole, cut = after(body), after([body[at : at + 1] for at in range(len(body))])
    assert whole.why() == cut.why()


def test_the_break_among_thousands_of_deltas_is_found_and_kept_with_its_neighbours() -> None:
    pieces = ['{"text": "', *["x"] * 3_000, '" oops', *["y"] * 3_000]
    facts = after(called(*pieces)).case.calls[KEY]
    broken = facts.following.broken
    assert broken is not None
    assert broken.fragment.number == 3_002
    kept = [fragment.number for fragment in facts.following.fragments()]
    assert {2_999, 3_000, 3_001, 3_002, 3_003, 3_004, 3_005} <= set(kept)
    assert kept[:30] == list(range(1, 31))
    assert kept[-8:] == list(range(5_995, 6_003))
    assert len(kept) == 30 + 7 + 8


def test_where_arguments_break_off_and_what_is_open_is_told() -> None:
    body = called('{"city": ["Par', finish="length")
    found = only(after(body))
    assert found.code == "arguments_incomplete"
    assert "a string, 1 object and 1 array left open (finish_reason length)" in found.sentence
    place = body.index(b'Par"') + 3
    assert f"at byte {place:,} of exchange 1, after delta 1" in found.sentence


def test_whole_arguments_that_are_no_object() -> None:
    assert only(after(called("[1]"))).code == "arguments_not_object"


def test_two_documents_break_where_the_second_begins() -> None:
    body = called('{"city": "Paris"}', '{"city": "Rome"}')
    found = only(after(body))
    assert found.code == "arguments_contradictory"
    assert "in delta 2 of 2" in found.sentence


def test_arguments_that_were_repaired_keep_the_place_where_they_broke_and_have_no_verdict() -> None:
    body = called('{"city": "P', '{"city": "Paris', '{"city": "Paris"}')
    scene = Scene().begin().exchange(body)
    facts = scene.case.calls[KEY]
    assert scene.codes() == []
    assert facts.following.broken is not None
    assert facts.following.broken.fragment.number == 2
    assert [found.code for found in facts.diagnostics] == ["arguments_cumulative"]


def test_free_text_of_a_custom_tool_never_breaks() -> None:
    custom = {"index": 0, "id": "call_a", "type": "custom", "custom": {"name": "get_weather", "input": "not json"}}
    facts = after(calls(custom) + chunk(finish="tool_calls") + DONE).case.calls[KEY]
    assert facts.following.broken is None


def test_a_delta_knows_when_it_came_in_which_read_and_at_which_bytes() -> None:
    body = called('{"city":', ' "Paris"}')
    place = body.index(b' \\"Paris')
    facts = Scene().begin().exchange([body[:place], body[place:]]).case.calls[KEY]
    first, second = facts.following.fragments()
    assert (first.read, second.read) == (1, 2)
    assert first.at < second.at
    assert second.start is not None
    assert second.start < place < (second.end or 0)


def test_a_broken_response_is_told_before_its_call() -> None:
    body = calls(entry(0, "call_a", "get_weather", '{"city": "Paris"}')) + event({"error": {"message": "gone"}})
    assert after(body).codes() == ["server_error", "response_broken"]


def test_a_call_without_a_name() -> None:
    assert only(after(called("{}", name=""))).code == "name_missing"


# ---- decisions ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("by", "words"), [("person", "refused by you: not today."), ("policy", "by the policy"), ("script", "by --decide")]
)
def test_a_refusal_says_whose_it_was(by: DecidedBy, words: str) -> None:
    found = only(decided(Reject("not today."), by))
    assert found.code == "rejected"
    assert words in found.sentence


def test_a_call_that_nobody_was_there_to_approve() -> None:
    found = only(decided(Reject(), "absent"))
    assert found.code == "nobody_to_ask"
    assert "--decide get_weather=run" in found.advice


def test_a_call_that_was_answered_in_its_place() -> None:
    assert only(decided(Mock("rain"))).code == "answered_in_its_place"


def test_all_calls_of_a_response_that_was_stopped_were_not_run_for_that() -> None:
    both = calls(entry(0, "call_a", "get_weather", "{}"), entry(1, "call_b", "get_weather", "{}"))
    scene = Scene().begin().exchange(both + chunk(finish="tool_calls") + DONE).tell(CallDecided(KEY, Abort()))
    assert scene.codes() == ["turn_aborted", "turn_aborted"]


def test_a_call_that_is_held_waits() -> None:
    assert only(held().tell(CallHeld(KEY))).code == "waiting"


def test_a_call_that_was_not_run_as_asked() -> None:
    assert only(held(run_calls=False).end()).code == "not_run_as_asked"


def test_a_call_that_the_end_of_the_turn_overtook() -> None:
    scene = held().tell(ToolFinished(ToolResult(KEY, error("cancelled", "The call was not run."), "cancelled")))
    assert only(scene).code == "never_started"


def test_a_call_that_was_interrupted_while_it_ran() -> None:
    assert only(ran(error("cancelled", "interrupted"), "cancelled")).code == "interrupted_while_running"


# ---- results --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("output", "status", "code"),
    [
        (error("unknown_tool", "there is no tool get_wether; the tools here: get_weather."), "error", "tool_unknown"),
        (error("invalid_arguments", "The call was not run: city is missing."), "error", "arguments_not_by_schema"),
        (error("no_implementation", "a person was to answer"), "error", "no_implementation"),
        (error("timeout", "gave no result within 10 s"), "timeout", "tool_timed_out"),
        (error("exception", "KeyError: 'city'"), "error", "tool_failed"),
        ("no JSON at all", "error", "tool_failed"),
        (json.dumps([1]), "error", "tool_failed"),
    ],
)
def test_what_an_error_result_means(output: str, status: ResultStatus, code: str) -> None:
    assert only(ran(output, status)).code == code


def test_what_is_said_of_an_unknown_tool_ends_with_one_full_stop() -> None:
    found = only(ran(error("unknown_tool", "there is no tool get_wether; the tools here: get_weather."), "error"))
    assert found.sentence.endswith("the tools here: get_weather.")


@pytest.mark.parametrize("status", ["ok", "mocked"])
def test_a_call_that_ran_well_has_no_verdict(status: ResultStatus) -> None:
    assert ran("sunny", status).codes() == []


def test_an_output_that_looks_like_an_error_of_ours_is_a_result_all_the_same() -> None:
    assert ran(error("unknown_tool", "x"), "ok").codes() == []


# ---- what became of it ----------------------------------------------------------------------------------------------


def test_what_ran_what_was_sent_back_and_what_the_next_request_carried_is_kept() -> None:
    scene = held().tell(CallDecided(KEY, Edit('{"city": "Rome"}')), ToolStarted(KEY, "get_weather", '{"city": "Rome"}'))
    scene.tell(ToolFinished(ToolResult(KEY, "rain")), ResultReviewed(KEY, "sun")).exchange(said("Sunny.")).end()
    facts = scene.case.calls[KEY]
    assert facts.call is not None
    assert facts.call.arguments == '{"city": "Paris"}'
    assert (facts.ran_with, facts.sent_back) == ('{"city": "Rome"}', "sun")
    assert facts.result == ToolResult(KEY, "rain")
    assert facts.carried is not None
    assert (facts.carried.exchange, facts.carried.arguments, facts.carried.output) == (2, '{"city": "Rome"}', "sun")


def test_broken_arguments_are_seen_to_go_back_as_an_empty_object() -> None:
    scene = Scene().begin().exchange(called("{'city'}"))
    scene.tell(ToolFinished(ToolResult(KEY, "{}", "error"))).exchange(said("Hm.")).end()
    carried = scene.case.calls[KEY].carried
    assert carried is not None
    assert carried.arguments == "{}"
    assert "arguments_replaced" in [found.code for found in scene.case.calls[KEY].diagnostics]


@pytest.mark.parametrize("dialect", ["chat", "acf", "responses"])
def test_what_a_request_of_each_dialect_carried_is_found(dialect: str) -> None:
    scene = Scene().begin(dialect=dialect)
    call = ToolCall(KEY, "call_a", "get_weather", '{"city": "Oslo"}')
    scene.tell(ItemsInserted((call, ToolResult(KEY, "snow")), 1))
    request = dialect_named(dialect).request(scene.conversation).request
    found = carried(2, body_of(request.body), call)
    assert found is not None
    assert (found.arguments, found.output) == ('{"city": "Oslo"}', "snow")


@pytest.mark.parametrize("dialect", ["chat", "acf", "responses"])
def test_a_call_that_shares_its_id_with_an_earlier_one_is_found_under_its_new_one(dialect: str) -> None:
    scene, later = Scene().begin(dialect=dialect), CallKey(2, 0)
    for key, city in ((KEY, "Oslo"), (later, "Rome")):
        call = ToolCall(key, "get_weather:0", "get_weather", f'{{"city": "{city}"}}')
        scene.tell(ItemsInserted((call, ToolResult(key, city)), key.exchange))
    request = dialect_named(dialect).request(scene.conversation).request
    found = carried(9, body_of(request.body), call)
    assert found is not None
    assert (found.arguments, found.output) == ('{"city": "Rome"}', "Rome")


@pytest.mark.parametrize("word", ["1", "1.0", "call_a", "get_weather"])
def test_a_call_is_meant_by_number_place_id_or_name(word: str) -> None:
    assert [facts.key for facts in calls_named(held().case, word)] == [KEY]


@pytest.mark.parametrize("word", ["0", "2", "9.9", "call_b", "", "٣"])
def test_other_words_mean_no_call(word: str) -> None:
    assert calls_named(held().case, word) == []


@pytest.mark.parametrize(("to", "hints"), [(1, []), (2, ["history_changed_by_hand"])])
def test_what_was_changed_by_hand_counts_until_it_is_taken_back(to: int, hints: list[str]) -> None:
    scene = decided(Edit('{"city": "Rome"}'))
    scene.tell(ToolFinished(ToolResult(KEY, "sunny"))).exchange(said("So.")).end()
    scene.tell(Rewound(to), UserMessage("And now?")).exchange(said("Sunny.")).end()
    assert [code for code in scene.codes() if code == "history_changed_by_hand"] == hints


def test_the_facts_are_those_of_the_latest_turn() -> None:
    assert held().tell(UserMessage("And now?")).case.calls == {}
