from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from callscope.core.values import CallKey, ToolResult
from callscope.tools.loading import load_tools
from callscope.tools.running.toolbox import LocalToolbox
from toolbench import call, error_of, run, toolbox, write, yaml_toolbox


def test_a_call_gives_the_functions_value_with_its_prints_apart(tmp_path: Path) -> None:
    tools = toolbox(tmp_path, "def add(a: int, b: int) -> int:\n    print('adding')\n    return a + b\n")
    assert run(tools, "add", {"a": 1, "b": 2}) == ToolResult(CallKey(1, 0), "3", "ok", 0.0, "adding\n")


def test_the_arguments_that_run_are_those_that_were_decided_not_the_calls_own(tmp_path: Path) -> None:
    tools = toolbox(tmp_path, "def echo(a: str) -> str:\n    return a\n")
    proposed = call("echo")
    result = asyncio.run(tools.run(proposed, '{"a": "decided"}'))
    assert (proposed.arguments, result.output) == ("", "decided")


def test_an_async_function_runs_in_an_event_loop_of_its_own_thread(tmp_path: Path) -> None:
    source = """
        import asyncio, threading
        async def where() -> bool:
            await asyncio.sleep(0)
            print(await asyncio.to_thread(threading.current_thread))
            print('caught')
            return threading.current_thread() is not threading.main_thread()
        """
    result = run(toolbox(tmp_path, source), "where")
    assert (result.output, result.prints.endswith("caught\n")) == ("true", True)


def test_a_function_that_gives_an_awaitable_is_awaited(tmp_path: Path) -> None:
    source = "async def _later() -> int:\n    return 3\ndef now() -> object:\n    return _later()\n"
    assert run(toolbox(tmp_path, source), "now").output == "3"


def test_a_function_that_blocks_holds_up_neither_the_loop_nor_its_siblings(tmp_path: Path) -> None:
    source = """
        import threading
        meet = threading.Barrier(3, timeout=10)
        def wait() -> None:
            meet.wait()
        """
    tools = toolbox(tmp_path, source)

    async def together() -> list[ToolResult]:
        return await asyncio.gather(*(tools.run(call("wait", index), "") for index in range(3)))

    results = asyncio.run(together())
    assert [(result.key.index, result.status) for result in results] == [(0, "ok"), (1, "ok"), (2, "ok")]


def test_calls_that_run_together_keep_their_prints_apart(tmp_path: Path) -> None:
    source = """
        import threading
        meet = threading.Barrier(4, timeout=10)
        def say(word: str) -> None:
            for _ in range(20):
                meet.wait()
                print(word)
        """
    tools = toolbox(tmp_path, source)

    async def together() -> list[ToolResult]:
        return await asyncio.gather(*(tools.run(call("say", n), json.dumps({"word": str(n)})) for n in range(4)))

    assert [result.prints for result in asyncio.run(together())] == [f"{n}\n" * 20 for n in range(4)]


def test_an_exception_is_a_result_with_the_persons_lines_in_its_prints(tmp_path: Path) -> None:
    tools = toolbox(tmp_path, "def fail() -> None:\n    print('before')\n    raise ValueError('no such city: Ω')\n")
    result = run(tools, "fail")
    assert (result.status, error_of(result)) == (
        "error",
        {"type": "exception", "message": "ValueError: no such city: Ω", "retryable": False},
    )
    assert result.prints.startswith("before\nTraceback (most recent call last):\n")
    assert result.prints.endswith(
        "line 3, in fail\n    raise ValueError('no such city: Ω')\nValueError: no such city: Ω\n"
    )
    assert "callscope/tools" not in result.prints
    assert "Traceback" not in result.output


def test_the_traceback_of_an_async_function_has_only_the_persons_lines(tmp_path: Path) -> None:
    result = run(toolbox(tmp_path, "async def fail() -> None:\n    1 / 0\n"), "fail")
    assert [line.count("File ") for line in result.prints.splitlines()].count(1) == 1


@pytest.mark.parametrize(
    ("raised", "message"),
    [
        ("SystemExit(3)", "SystemExit: 3"),
        ("KeyboardInterrupt", "KeyboardInterrupt"),
        ("GeneratorExit", "GeneratorExit"),
        ("asyncio.CancelledError", "CancelledError"),
        ("BaseException('x')", "BaseException: x"),
        ("StopIteration", "StopIteration"),
        ("Bad()", "Bad"),
    ],
)
@pytest.mark.parametrize("kind", ["def", "async def"])
def test_whatever_a_tool_raises_is_a_result(tmp_path: Path, raised: str, message: str, kind: str) -> None:
    source = f"""
        import asyncio
        class Bad(Exception):
            def __str__(self): raise SystemError
        {kind} fail() -> None:
            raise {raised}
        """
    result = run(toolbox(tmp_path, source), "fail")
    if (kind, raised) == ("async def", "StopIteration"):
        message = "RuntimeError: coroutine raised StopIteration"
    assert (result.status, error_of(result)["message"]) == ("error", message)


@pytest.mark.parametrize("raised", ["TimeoutError", "ConnectionResetError"])
def test_an_error_of_the_network_may_be_tried_again(tmp_path: Path, raised: str) -> None:
    result = run(toolbox(tmp_path, f"def fail() -> None:\n    raise {raised}\n"), "fail")
    assert (result.status, error_of(result)["retryable"]) == ("error", True)


def test_a_result_that_raises_while_it_is_written_down_is_an_error(tmp_path: Path) -> None:
    source = "def fail() -> object:\n    return (1 / 0 for _ in 'x')\n"
    assert error_of(run(toolbox(tmp_path, source), "fail"))["message"] == "ZeroDivisionError: division by zero"


def test_an_unknown_tool_is_an_error_that_names_the_nearest(tmp_path: Path) -> None:
    tools = toolbox(tmp_path, "def get_weather() -> None: pass\ndef add() -> None: pass\n")
    assert error_of(run(tools, "get_wether")) == {
        "type": "unknown_tool",
        "message": "there is no tool get_wether (did you mean get_weather?); the tools here: get_weather, add.",
        "retryable": True,
    }


def test_nothing_runs_with_arguments_that_do_not_fit(tmp_path: Path) -> None:
    result = run(toolbox(tmp_path, "def add(a: int) -> None:\n    print('ran')\n"), "add", {"a": "1"})
    assert (result.status, result.prints) == ("error", "")
    assert error_of(result) == {
        "type": "invalid_arguments",
        "message": 'The call was not run: a must be an integer, not the string "1".',
        "path": "a",
        "retryable": True,
    }


def test_what_only_pydantic_can_see_is_an_error_of_the_same_form(tmp_path: Path) -> None:
    tools = toolbox(tmp_path, "import datetime\ndef book(day: datetime.date) -> None:\n    print('ran')\n")
    result = run(tools, "book", {"day": "soon"})
    assert (error_of(result)["type"], error_of(result)["path"], result.prints) == ("invalid_arguments", "day", "")


def test_an_argument_the_schema_lets_through_but_the_function_does_not_take_is_an_error(tmp_path: Path) -> None:
    write(tmp_path, "m.py", "def f(a):\n    return a\n")
    tools = yaml_toolbox(tmp_path, 'tools: [{name: f, parameters: {type: object}, run: {python: "m.py:f"}}]')
    assert error_of(run(tools, "f", {"b": 1}))["message"] == (
        "The call was not run: missing argument a; unknown argument b."
    )


def test_a_schema_that_fails_when_it_is_applied_is_an_error(tmp_path: Path) -> None:
    tools = yaml_toolbox(tmp_path, 'tools: [{name: f, parameters: {$ref: "#"}, run: {mock: 1}}]')
    assert "the schema of f cannot be applied" in error_of(run(tools, "f", {}))["message"]


def test_a_check_says_what_is_wrong_before_anything_runs(tmp_path: Path) -> None:
    tools = toolbox(tmp_path, "def add(city: int) -> None: pass\n")
    assert tools.check(call("add"), '{"city": 1}') is None
    sentence = "unknown argument cty (did you mean city, which is required and missing?)"
    assert tools.check(call("add"), '{"cty": 1}') == sentence
    assert tools.check(call("ad"), "{}") == "there is no tool ad (did you mean add?); the tools here: add"


def test_a_mock_answers_without_running_anything(tmp_path: Path) -> None:
    tools = yaml_toolbox(
        tmp_path, "tools: [{name: a, run: {mock: {t: 21, where: Köln}}}, {name: b, run: {mock: text}}]"
    )
    assert [(run(tools, name).output, run(tools, name).status) for name in "ab"] == [
        ('{"t":21,"where":"Köln"}', "mocked"),
        ("text", "mocked"),
    ]


def test_a_mock_checks_its_arguments_too(tmp_path: Path) -> None:
    text = "tools: [{name: a, parameters: {required: [x]}, run: {mock: 1}}]"
    assert error_of(run(yaml_toolbox(tmp_path, text), "a"))["type"] == "invalid_arguments"


def test_a_tool_without_an_implementation_is_answered_by_a_person(tmp_path: Path) -> None:
    tools = yaml_toolbox(tmp_path, "tools: [{name: a}, {name: b, run: {mock: 1}}]")
    assert [tools.answered_by_person(name) for name in "abc"] == [True, False, False]
    result = run(tools, "a")
    assert (result.status, error_of(result)["type"]) == ("error", "no_implementation")
    assert "tools.yaml:1 defines a without `run`: a person was to answer, and nobody did." in result.output


def test_a_custom_tool_gets_its_input_as_plain_text(tmp_path: Path) -> None:
    write(tmp_path, "m.py", "def shout(text):\n    return text.upper()\n")
    tools = yaml_toolbox(tmp_path, 'tools: [{type: custom, name: shout, run: {python: "m.py:shout"}}]')
    assert (tools.check(call("shout"), "{"), run(tools, "shout", "no {json").output) == (None, "NO {JSON")


def test_an_output_past_the_limit_of_its_tool_is_cut_and_says_so(tmp_path: Path) -> None:
    write(tmp_path, "m.py", "def long() -> str:\n    return 'x' * 50\n")
    tools = yaml_toolbox(tmp_path, 'tools: [{name: long, parameters: {}, limit: 20, run: {python: "m.py:long"}}]')
    result = run(tools, "long")
    assert (result.status, result.output) == (
        "ok",
        "x" * 20 + "\n[output cut here: 30 of 50 characters left out; the limit of this tool is 20]",
    )


def test_a_result_that_is_no_json_has_a_note_for_the_person(tmp_path: Path) -> None:
    result = run(toolbox(tmp_path, "def f() -> object:\n    return {'a': complex(1, 2)}\n"), "f")
    note = "[callscope: The result holds a complex, which is no JSON; its repr was sent.]\n"
    assert (result.output, result.prints) == ('{"a":"(1+2j)"}', note)


def test_the_duration_is_of_the_clock_that_was_given(tmp_path: Path) -> None:
    ticks = iter([10.0, 12.5])
    path = write(tmp_path, "tools.yaml", "tools: [{name: a, run: {mock: 1}}]")
    assert run(LocalToolbox(load_tools([path]).tools, lambda: next(ticks)), "a").duration == 2.5


def test_arguments_that_a_pattern_would_search_for_years_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("callscope.tools.arguments.LONGEST_CHECK", 0.2)
    schema = {"type": "object", "properties": {"a": {"type": "string", "pattern": "^(a+)+$"}}}
    tools = yaml_toolbox(
        tmp_path, json.dumps({"tools": [{"name": "t", "parameters": schema, "run": {"mock": "done"}}]})
    )
    result = run(tools, "t", {"a": "a" * 60 + "!"})
    assert (result.status, "see its patterns" in error_of(result)["message"]) == ("error", True)
    assert run(tools, "t", {"a": "aaa"}).output == "done"
