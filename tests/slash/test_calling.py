"""Running a tool by hand, and what of it the model sees."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from callscope.core.events import ItemsInserted
from callscope.core.values import CallKey, ToolCall, ToolResult
from playbook import check_history, text
from scriptedrepl import ScriptedRepl

TOOLS = """
    tools:
      - name: get_weather
        parameters:
          type: object
          properties: {city: {type: string}, days: {type: integer}}
          required: [city]
          additionalProperties: false
        run: {mock: {temperature: 21}}
      - name: ask_me
        parameters: {type: object, properties: {question: {type: string}}}
      - name: launch
        parameters: {type: object, properties: {}}
        approve: never
        run: {mock: launched}
      - name: shout
        type: custom
        run: {mock: SHOUTED}
"""


def inserted(repl: ScriptedRepl) -> list[tuple[Any, ...]]:
    return [event.items for event in repl.play.listener.events if isinstance(event, ItemsInserted)]


def test_a_call_by_hand_shows_its_result_and_asks_whether_the_model_shall_see_it(tmp_path: Path) -> None:
    repl = ScriptedRepl(tmp_path, TOOLS, keys=["n"])
    shown = repl.typed("/call get_weather city=Paris days=3")
    assert 'get_weather {"city": "Paris", "days": 3}' in shown
    assert '{"temperature":21}' in shown
    assert repl.person.questions == ["let the model see call and result?"]
    assert repl.conversation.items == ()


def test_a_call_that_the_model_shall_see_is_in_the_next_request(tmp_path: Path) -> None:
    repl = ScriptedRepl(tmp_path, TOOLS, keys=["y"], answers=[text("Warm.")])
    repl.typed('/call get_weather {"city":"Paris"}', "and now?")
    ((call, result),) = inserted(repl)
    assert call == ToolCall(CallKey(0, 0), "by_hand_0", "get_weather", '{"city":"Paris"}')
    assert result == ToolResult(CallKey(0, 0), '{"temperature":21}', "mocked")
    assert b'call get_weather {\\"city\\":\\"Paris\\"}' in repl.play.endpoint.requests[0].body


def test_what_is_put_into_the_conversation_is_shown_by_the_view(tmp_path: Path) -> None:
    shown = ScriptedRepl(tmp_path, TOOLS).typed("/call! get_weather city=Paris").splitlines()
    assert shown[1].endswith('by hand: get_weather · by_hand_0 {"city": "Paris"}')
    assert shown[2:] == [
        '  mocked: {"temperature":21}',
        "  in the conversation as by_hand_0; the model sees it with your next message",
    ]


def test_each_call_by_hand_has_an_id_of_its_own(tmp_path: Path) -> None:
    repl = ScriptedRepl(tmp_path, TOOLS, answers=[text("ok")])
    repl.typed("/call! get_weather city=Paris", "hm", "/call! get_weather city=Rome", "/call! shout hello there")
    calls = [item for item in repl.conversation.items if isinstance(item, ToolCall)]
    assert [call.call_id for call in calls] == ["by_hand_0", "by_hand_1", "by_hand_2"]
    assert calls[2].arguments == "hello there"
    assert calls[2].kind == "custom"
    check_history(repl.conversation)


def test_a_call_that_was_taken_back_leaves_its_id_unused(tmp_path: Path) -> None:
    repl = ScriptedRepl(tmp_path, TOOLS)
    repl.typed("/call! get_weather city=Paris", "/clear", "/call! get_weather city=Rome")
    assert [items[0].call_id for items in inserted(repl)] == ["by_hand_0", "by_hand_1"]


def test_a_conversation_that_is_gone_on_with_has_used_its_ids(tmp_path: Path) -> None:
    repl = ScriptedRepl(tmp_path, TOOLS)
    key = CallKey(0, 6)
    repl.session.emit(ItemsInserted((ToolCall(key, "by_hand_6", "shout", ""), ToolResult(key, "ok"))))
    repl.typed("/call! get_weather city=Paris")
    assert inserted(repl)[-1][0].call_id == "by_hand_7"


def test_arguments_that_do_not_fit_are_said_and_nothing_runs(tmp_path: Path) -> None:
    repl = ScriptedRepl(tmp_path, TOOLS)
    assert "Not run: missing argument city" in repl.typed("/call get_weather days=3")
    assert "days must be a whole number" in repl.typed("/call get_weather city=Paris days=soon")
    assert "no parameter citty (did you mean city?)" in repl.typed("/call get_weather citty=Paris")
    assert "is left open" in repl.typed('/call get_weather city="Paris')
    assert repl.person.questions == []


def test_a_tool_that_does_not_exist_is_named_with_the_nearest_one(tmp_path: Path) -> None:
    repl = ScriptedRepl(tmp_path, TOOLS)
    assert "There is no tool get_wether (did you mean get_weather?)" in repl.typed("/call get_wether city=Paris")
    assert "Name a tool; there are get_weather, ask_me" in repl.typed("/call")


def test_a_tool_without_an_implementation_is_answered_by_the_person(tmp_path: Path) -> None:
    repl = ScriptedRepl(tmp_path, TOOLS, keys=["42"])
    repl.typed("/call! ask_me question=why")
    assert inserted(repl)[0][1] == ToolResult(CallKey(0, 0), "42", "mocked")


def test_a_policy_of_never_is_overruled_only_by_a_yes(tmp_path: Path) -> None:
    repl = ScriptedRepl(tmp_path, TOOLS, keys=["n", "y"])
    assert "launched" not in repl.typed("/call! launch")
    assert "launched" in repl.typed("/call! launch")
    assert all("never runs" in question for question in repl.person.questions)


def test_a_call_that_is_interrupted_puts_nothing_into_the_conversation(tmp_path: Path) -> None:
    repl = ScriptedRepl(tmp_path, TOOLS)

    class Endless:
        async def run(self, call: ToolCall, arguments: str) -> ToolResult:
            task = asyncio.current_task()
            assert task is not None
            task.cancel()
            await asyncio.sleep(60)
            raise AssertionError("it was cancelled")

    repl.session.toolbox = Endless()
    assert "interrupted; the call may have had an effect" in repl.typed("/call! get_weather city=Paris")
    assert inserted(repl) == []


def test_a_hostile_result_is_shown_and_not_obeyed(tmp_path: Path) -> None:
    repl = ScriptedRepl(
        tmp_path, 'tools: [{name: evil, parameters: {type: object}, run: {mock: "\\e[2Jgone"}}]', keys=["n"]
    )
    shown = repl.typed("/call evil")
    assert "\x1b[2J" not in shown
    assert r"\x1b[2Jgone" in shown


def test_what_a_person_answered_is_named_so_and_not_said_again(tmp_path: Path) -> None:
    repl = ScriptedRepl(tmp_path, TOOLS, keys=["forty-two", "n"])
    shown = repl.typed("/call ask_me question=why")
    assert "  answered by you\n" in shown
    assert "forty-two" not in shown
