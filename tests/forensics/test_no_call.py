"""Why there was no call: for each verdict the bytes, or the request, that give it."""

from __future__ import annotations

import json

import pytest

from callscope.core.events import CallDecided, ItemsInserted, ToolFinished, ToolStarted
from callscope.core.values import CallKey, Message, Run, ToolCall, ToolResult, ToolSpec
from callscope.forensics.entries import Verdict
from callscope.forensics.why import hint, why_no_call_of
from chatbodies import DONE, answer, calls, chunk, entry, event
from whybench import Scene, after, body_with, called, said

HTML = (("content-type", "text/html"),)
JSON = (("content-type", "application/json"),)
WORDY = ToolSpec("get_weather", "The weather of a city, as its own service measures it every hour. " * 20)


def only(scene: Scene) -> Verdict:
    found = scene.why()
    assert len(found) == 1, [each.code for each in found]
    return found[0]


# ---- there was no answer --------------------------------------------------------------------------------------------


def test_a_server_that_was_not_reached() -> None:
    scene = after(b"", status=0, how="connect_failed", detail="connection refused", retries=0)
    found = only(scene)
    assert (found.code, found.evidence[0].excerpt) == ("unreachable", "connect_failed: connection refused")


def test_a_server_that_refuses_the_tools_is_said_to_and_quoted_where_it_says_so() -> None:
    words = '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set'
    body = json.dumps({"object": "error", "message": words, "code": 400}).encode()
    scene = after(body, status=400, headers=JSON)
    assert scene.codes() == ["http_error", "tools_refused"]
    place = scene.why()[1].evidence[0]
    assert place.start is not None
    assert body[place.start : place.end].startswith(b'\\"auto\\" tool choice requires')


@pytest.mark.parametrize(
    "words",
    [
        "registry.ollama.ai/library/gemma:2b does not support tools",
        "tools param requires --jinja flag",
        "Function calling is not enabled for models/gemma-3",
        "No endpoints found that support tool use",
        "Invalid schema for function 'get_weather': 'city' is not of type 'object'",
    ],
)
def test_what_servers_say_of_tools_they_will_not_have(words: str) -> None:
    assert (
        "tools_refused" in after(json.dumps({"error": {"message": words}}).encode(), status=400, headers=JSON).codes()
    )


@pytest.mark.parametrize("words", ["messages.reduce is not a function", "Invalid model name", "Rate limit reached"])
def test_an_error_about_something_else_is_not_laid_at_the_tools(words: str) -> None:
    assert after(json.dumps({"error": words}).encode(), status=400, headers=JSON).codes() == ["http_error"]


def test_a_server_that_says_it_could_not_parse_the_call() -> None:
    error = {"error": {"message": "Failed to call a function. Please adjust your prompt.", "code": "tool_use_failed"}}
    assert after(event(error)).codes() == ["server_error", "call_not_parsed"]


@pytest.mark.parametrize(
    "words",
    [
        'Failed to parse tools: Unsupported tool type: {"type":"custom","custom":{"name":"note"}}',
        "Failed to parse tools: Missing tool type: {}",
        "Cannot parse tool_choice",
    ],
)
def test_a_server_that_cannot_parse_the_tools_of_the_request_refuses_them(words: str) -> None:
    body = json.dumps({"error": {"message": words, "code": 500}}).encode()
    assert after(body, status=500, headers=JSON).codes() == ["http_error", "tools_refused"]


@pytest.mark.parametrize("words", ["Failed to parse tool call arguments as JSON", "could not parse the function: {"])
def test_a_server_that_cannot_parse_the_models_call_is_told_from_one_that_refuses_tools(words: str) -> None:
    body = json.dumps({"error": {"message": words, "code": 500}}).encode()
    assert after(body, status=500, headers=JSON).codes() == ["http_error", "call_not_parsed"]


def test_an_error_in_the_stream_has_the_servers_words_and_their_bytes() -> None:
    body = said("Let me", finish=None).removesuffix(DONE) + event({"error": {"message": "out of memory"}})
    found = only(after(body))
    place = found.evidence[0]
    assert found.code == "server_error"
    assert body[place.start : place.end] == b"out of memory"


def test_an_answer_that_broke_off() -> None:
    assert only(after(chunk({"content": "Let"}), how="reset", detail="ECONNRESET")).code == "answer_cut"


def test_a_page_is_no_answer() -> None:
    assert only(after(b"<html><title>Login</title></html>", headers=HTML)).code == "not_an_answer"


def test_a_turn_that_was_stopped() -> None:
    assert only(after(chunk({"content": "Let"}), how="cancelled")).code == "stopped"


def test_a_turn_in_which_no_request_left() -> None:
    from callscope.core.events import TurnEnded

    assert only(Scene().begin().tell(TurnEnded("interrupted"))).code == "never_asked"


def test_while_the_answer_is_still_to_come_nothing_is_said() -> None:
    assert Scene().begin().codes() == []


# ---- the request asked for no call ----------------------------------------------------------------------------------


def test_no_tools_because_none_is_loaded() -> None:
    assert only(after(said("Hi."), tools=())).code == "tools_missing"


def test_an_agent_without_tools_of_ours_is_said_to_run_its_own() -> None:
    document = {"id": "1", "object": "thread.message.delta", "choices": [{"delta": {"content": "Hi.", "role": "a"}}]}
    assert only(after(event(document), tools=(), dialect="acf")).code == "agent_told_no_call"


def test_loaded_tools_that_the_request_does_not_carry() -> None:
    found = only(after(said("Hi."), body=body_with(tools=None)))
    assert found.code == "tools_left_out"
    assert found.sentence == "The request has no tools although 1 tool is loaded."


def test_tool_choice_none_is_shown_where_it_stands_in_the_request() -> None:
    scene = after(said("Hi."), tool_choice="none")
    found = only(scene)
    place, body = found.evidence[0], scene.case.exchanges[-1].request.body
    assert (found.code, place.side) == ("choice_none", "request")
    assert body[place.start : place.end] == b'"tool_choice":"none"'


def test_the_legacy_member_that_forbids_calls() -> None:
    functions = [{"name": "get_weather"}]
    found = only(after(said("Hi."), body=body_with(tools=None, functions=functions, function_call="none")))
    assert (found.code, found.sentence) == ("choice_none", "The request forbids calls: function_call is none.")


def test_a_tool_choice_that_names_a_tool_nobody_offers() -> None:
    choice = {"type": "function", "function": {"name": "get_wether"}}
    assert only(after(said("Hi."), body=body_with(tool_choice=choice))).code == "choice_names_no_tool"


@pytest.mark.parametrize(
    "choice",
    [
        "required",
        {"type": "function", "function": {"name": "get_weather"}},
        {"type": "function", "name": "get_weather"},
        {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [{"name": "get_weather"}]}},
        {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "get_weather"}]},
    ],
)
def test_a_demand_for_a_call_that_the_server_did_not_heed(choice: object) -> None:
    assert only(after(said("Hi."), body=body_with(tool_choice=choice))).code == "tool_choice_ignored"


def test_allowed_tools_that_demand_nothing_are_not_said_to_be_ignored() -> None:
    choice = {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "get_weather"}]}
    why = only(after(said("Hi."), body=body_with(tool_choice=choice)))
    assert why.code == "answered_in_words"
    assert "tool_choice allows get_weather alone of " in why.sentence


def test_why_there_was_no_call_of_one_tool() -> None:
    choice = {"type": "function", "name": "get_time"}
    scene = after(said("Hi."), body=body_with(tool_choice=choice))
    assert [each.code for each in why_no_call_of(scene.case, "get_weather")] == ["choice_names_another"]
    assert [each.code for each in why_no_call_of(scene.case, "brew_tea")] == [
        "tool_not_offered",
        "choice_names_another",
    ]


# ---- there was a call, and it was lost ------------------------------------------------------------------------------


def test_a_leak_is_found_to_the_byte_where_its_marker_came_in_pieces() -> None:
    pieces = (
        "Sure. ",
        "<to",
        "ol_c",
        'all>\n{"name": "get_weather", ',
        '"arguments": {"city": "Köln"}}',
        "</tool_call>",
    )
    body = said(*pieces)
    found = only(after(body))
    place = found.evidence[0]
    assert (found.code, place.start) == ("call_leaked", body.index(b"<to"))
    assert place.excerpt.startswith("<tool_call>")
    assert f"byte {place.start:,} of exchange 1" in found.sentence


def test_a_leak_in_the_reasoning_says_so() -> None:
    words = '<tool_call>{"name": "get_weather", "arguments": {}}</tool_call>'
    body = chunk({"reasoning_content": words}) + said("Hm.")
    assert "passed it on as reasoning" in only(after(body)).sentence


def test_a_finish_reason_of_calls_without_calls_is_shown_where_it_stands() -> None:
    body = said("Let me see.", finish="tool_calls")
    found = only(after(body))
    place = found.evidence[0]
    assert found.code == "call_dropped"
    assert body[place.start : place.end] == b'"finish_reason": "tool_calls"'


def test_a_call_that_the_model_could_not_write() -> None:
    assert only(after(said(finish="MALFORMED_FUNCTION_CALL"))).code == "call_malformed"


def test_a_call_in_an_event_that_cannot_be_read() -> None:
    half = b'data: {"choices":[{"delta":{"tool_calls":[{"index":0,"id":"call_a"\n\n'
    found = only(after(half + said("Hm.")))
    assert (found.code, found.evidence[0].start) == ("call_unreadable", 0)


def test_a_call_after_the_end_marker() -> None:
    body = said("Hm.") + calls(entry(0, "call_a", "get_weather", "{}"))
    assert only(after(body)).code == "call_after_the_end"


def test_more_tokens_than_bytes_mean_that_something_was_kept_back() -> None:
    usage = {"prompt_tokens": 100, "completion_tokens": 60, "total_tokens": 160}
    found = only(after(said("Hm.", usage=usage)))
    assert (found.code, found.certainty) == ("tokens_unaccounted", "likely")
    assert "60 tokens of output and sent 3 bytes" in found.sentence


def test_tokens_of_reasoning_are_accounted_for() -> None:
    usage = {"completion_tokens": 60, "completion_tokens_details": {"reasoning_tokens": 58}}
    assert only(after(said("Hm.", usage=usage))).code == "answered_in_words"


def test_an_empty_answer() -> None:
    assert only(after(said())).code == "answer_empty"


# ---- the answer ended without one -----------------------------------------------------------------------------------


def test_the_token_limit_is_told_with_the_one_of_the_request() -> None:
    found = only(after(said("Let me", finish="length"), parameters={"max_tokens": 3}))
    assert found.code == "cut_by_length"
    assert "(max_tokens 3 in the request)" in found.sentence
    assert [place.side for place in found.evidence] == ["response", "request"]


def test_a_content_filter() -> None:
    assert only(after(said("Let me", finish="content_filter"))).code == "filtered"


def test_a_refusal_has_its_words() -> None:
    found = only(after(chunk({"refusal": "I can not do that."}) + said()))
    assert (found.code, found.evidence[0].excerpt) == ("refused", "I can not do that.")


def test_an_end_for_a_reason_of_the_servers_own() -> None:
    assert only(after(said("Let me", finish="insufficient_system_resource"))).code == "ended_by_server"


def test_reasoning_and_nothing_after_it() -> None:
    assert only(after(chunk({"reasoning_content": "Let me think."}) + said())).code == "thought_and_said_nothing"


# ---- nothing was lost -----------------------------------------------------------------------------------------------


def test_a_model_that_simply_spoke_is_said_to_have_with_its_words() -> None:
    body = said("It is sunny.")
    found = only(after(body, body=body_with()))
    words = found.evidence[0]
    assert found.code == "answered_in_words"
    assert "2 tools were offered" in found.sentence
    assert words.excerpt == "It is sunny."
    assert b"It is sunny." in body[words.start : words.end]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("I don't have access to real-time weather.", "model_knows_no_tools"),
        ("I do not have any tools for that.", "model_knows_no_tools"),
        ("I will now use get_weather for this.", "call_told_in_words"),
        ("Which city do you mean?", "asked_for_more"),
    ],
)
def test_a_hint_stands_beside_the_words(text: str, code: str) -> None:
    assert after(said(text)).codes() == ["answered_in_words", code]


@pytest.mark.parametrize("text", ["No tool needed.", "The tools you have are fine.", "There is no real answer."])
def test_words_about_tools_are_no_hint(text: str) -> None:
    assert after(said(text)).codes() == ["answered_in_words"]


def test_fewer_tokens_of_input_than_the_descriptions_need() -> None:
    usage = {"prompt_tokens": 12, "completion_tokens": 3}
    assert after(said("It is sunny.", usage=usage), tools=[WORDY]).codes() == [
        "answered_in_words",
        "tools_not_in_prompt",
    ]
    cached = {**usage, "cache_read_input_tokens": 400}
    assert after(said("It is sunny.", usage=cached), tools=[WORDY]).codes() == ["answered_in_words"]


def test_an_event_that_was_lost_is_a_hint() -> None:
    assert after(b"data: {half\n\n" + said("It is sunny.")).codes() == ["answered_in_words", "event_lost"]


def test_a_history_that_was_changed_by_hand_is_a_hint() -> None:
    key = CallKey(0, 0)
    items = (ToolCall(key, "by_hand_0", "get_weather", "{}"), ToolResult(key, "rain"), Message("user", "x"))
    scene = Scene().begin().tell(ItemsInserted(items[:2])).exchange(said("It is sunny.")).end()
    assert scene.codes() == ["answered_in_words", "history_changed_by_hand"]


def test_hints_are_left_out_where_something_is_certain() -> None:
    assert after(said("Shall I use get_weather?", finish="tool_calls")).codes() == ["call_dropped"]


# ---- more than one response -----------------------------------------------------------------------------------------


def ran(scene: Scene, exchange: int = 1) -> Scene:
    key = CallKey(exchange, 0)
    return scene.tell(
        CallDecided(key, Run()), ToolStarted(key, "get_weather", "{}"), ToolFinished(ToolResult(key, "sunny"))
    )


def test_after_calls_that_ran_words_are_no_riddle() -> None:
    scene = ran(Scene().begin().exchange(called("{}"))).exchange(said("It is sunny. Anything else?")).end()
    assert scene.codes() == []


def test_after_calls_that_ran_a_leak_still_is() -> None:
    leak = '<tool_call>{"name": "get_weather", "arguments": {}}</tool_call>'
    scene = ran(Scene().begin().exchange(called("{}"))).exchange(said(leak)).end()
    assert scene.codes() == ["call_leaked"]


def test_after_calls_that_ran_an_error_still_is() -> None:
    scene = ran(Scene().begin().exchange(called("{}"))).exchange(b"busy", status=500, headers=JSON).end()
    assert scene.codes() == ["http_error"]


def test_the_round_limit_is_told() -> None:
    scene = ran(Scene().begin(max_rounds=1).exchange(called("{}"))).end()
    assert scene.codes() == ["round_limit"]


# ---- unasked --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "heard"),
    [(said("Hm.", finish="tool_calls"), True), (said("Which city?"), False), (said(finish="length"), False)],
)
def test_a_person_hears_unasked_only_of_a_call_that_was_to_be_expected(body: bytes, heard: bool) -> None:
    assert bool(hint(after(body).case)) == heard


def test_a_person_is_led_on_from_an_answer_that_failed() -> None:
    scene = Scene().begin().exchange(b"no", status=401, headers=JSON).end()
    assert hint(scene.case) == "the answer failed (http_error)"


def test_a_person_is_led_on_from_a_call_that_could_not_run() -> None:
    scene = Scene().begin().exchange(called('{"city": "P')).end()
    assert hint(scene.case) == "a call did not run (arguments_incomplete)"


def test_of_calls_that_ran_nothing_is_said_unasked() -> None:
    assert hint(ran(Scene().begin().exchange(called("{}"))).exchange(said("Sunny.")).end().case) == ""


def test_a_whole_answer_is_judged_as_a_stream_is() -> None:
    body = answer({"content": "Hm."}, "tool_calls")
    found = only(after(body, headers=JSON, stream=False))
    place = found.evidence[0]
    assert body[place.start : place.end] == b'"finish_reason": "tool_calls"'


def test_an_event_of_which_a_member_was_skipped_is_not_told_as_lost() -> None:
    body = chunk({"refusal": 7}) + said("It is sunny.")
    assert after(body).codes() == ["answered_in_words"]
