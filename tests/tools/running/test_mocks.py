from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest

from callscope.tools.loading import load_tools
from callscope.tools.running.toolbox import LocalToolbox
from toolbench import error_of, run, write

CITY = {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}}


def mock_toolbox(folder: Path, mock: Any, **keys: Any) -> LocalToolbox:
    tool = {"name": "t", "parameters": CITY, "run": {"mock": mock}, **keys}
    return LocalToolbox(load_tools([write(folder, "tools.yaml", json.dumps({"tools": [tool]}))]).tools)


def output(tools: LocalToolbox, **arguments: Any) -> str:
    result = run(tools, "t", arguments)
    assert result.status == "mocked", result.output
    return result.output


@pytest.mark.parametrize("literal", ["text", {"rate": 1.08}, [1], None, {"when": "now"}, "{city} ${X} }{"])
def test_anything_without_a_key_of_mocks_is_the_answer_itself(tmp_path: Path, literal: Any) -> None:
    expected = literal if isinstance(literal, str) else json.dumps(literal, separators=(",", ":"))
    assert output(mock_toolbox(tmp_path, literal), city="Rome") == expected


def test_an_answer_may_hold_what_else_would_be_a_key(tmp_path: Path) -> None:
    assert (
        output(mock_toolbox(tmp_path, {"answer": {"error": "as data", "delay": 3}})) == '{"error":"as data","delay":3}'
    )


def test_a_template_is_filled_from_the_arguments(tmp_path: Path) -> None:
    template = {"city": "{city}", "note": "sunny in {city}", "days": "{days}", "fixed": 21}
    tools = mock_toolbox(tmp_path, {"template": template})
    assert output(tools, city="Köln") == '{"city":"Köln","note":"sunny in Köln","fixed":21}'
    assert output(tools, city="Rome", days=2) == '{"city":"Rome","note":"sunny in Rome","days":2,"fixed":21}'


def test_a_file_is_read_when_it_is_asked_for(tmp_path: Path) -> None:
    path = write(tmp_path, "data/answer.json", '{"a": 1}\n')
    tools = mock_toolbox(tmp_path, {"file": "data/answer.json"})
    path.write_text("changed", encoding="utf-8")
    assert output(tools) == "changed"


def test_a_file_that_is_gone_is_an_error(tmp_path: Path) -> None:
    path = write(tmp_path, "answer.json", "{}")
    tools = mock_toolbox(tmp_path, {"file": "answer.json"})
    path.unlink()
    assert error_of(run(tools, "t"))["message"] == f"The mock of t cannot answer: {path}: there is no such file."


@pytest.mark.parametrize(
    ("error", "members"),
    [
        ("no such city", {"type": "exception", "message": "no such city", "retryable": False}),
        (
            {"message": "silent", "type": "timeout", "path": "city", "retryable": True},
            {"type": "timeout", "message": "silent", "path": "city", "retryable": True},
        ),
    ],
)
def test_an_error_looks_like_a_real_one(tmp_path: Path, error: Any, members: dict[str, Any]) -> None:
    assert json.loads(output(mock_toolbox(tmp_path, {"error": error}))) == {"error": members}


def test_a_sequence_gives_its_answers_in_turn_and_stays_at_the_last(tmp_path: Path) -> None:
    tools = mock_toolbox(tmp_path, {"sequence": ["one", {"n": 2}, {"error": "three"}]})
    outputs = [output(tools) for _ in range(4)]
    assert outputs[:2] == ["one", '{"n":2}']
    assert "three" in outputs[2]
    assert outputs[2] == outputs[3]


def test_each_toolbox_begins_its_sequences_anew(tmp_path: Path) -> None:
    assert [output(mock_toolbox(tmp_path, {"sequence": ["one", "two"]})) for _ in range(2)] == ["one", "one"]


def test_arguments_that_do_not_fit_use_up_no_answer(tmp_path: Path) -> None:
    tools = mock_toolbox(tmp_path, {"sequence": ["one", "two"]})
    assert error_of(run(tools, "t", {"days": "x"}))["type"] == "invalid_arguments"
    assert output(tools) == "one"


CASES = {
    "cases": [
        {"when": {"city": ["Rome", "Paris"], "days": 1}, "answer": "a day in the south"},
        {"when": {"city": "Oslo"}, "sequence": ["cold", "colder"]},
        {"when": {"days": [1, 2]}, "template": "{days} days"},
        {"error": "no such city"},
    ]
}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"city": "Paris", "days": 1}, "a day in the south"),
        ({"city": "Paris", "days": 1.0}, "a day in the south"),
        ({"city": "Paris", "days": 2}, "2 days"),
        ({"city": "Oslo"}, "cold"),
    ],
)
def test_the_first_case_that_fits_answers(tmp_path: Path, arguments: dict[str, Any], expected: str) -> None:
    assert output(mock_toolbox(tmp_path, CASES), **arguments) == expected


def test_a_case_without_when_fits_all(tmp_path: Path) -> None:
    assert "no such city" in output(mock_toolbox(tmp_path, CASES), city="paris", days=3)


def test_each_sequence_within_cases_has_its_own_turn(tmp_path: Path) -> None:
    cases = [{"when": {"city": name}, "sequence": [f"{name} 1", f"{name} 2"]} for name in ("a", "b")]
    tools = mock_toolbox(tmp_path, {"cases": cases})
    assert [output(tools, city=name) for name in "abba"] == ["a 1", "b 1", "b 2", "a 2"]


def test_true_is_no_number_in_a_case(tmp_path: Path) -> None:
    tools = mock_toolbox(
        tmp_path, {"cases": [{"when": {"days": 1}, "answer": "one"}]}, parameters={"properties": {"days": {}}}
    )
    result = run(tools, "t", {"days": True})
    assert (result.status, error_of(result)["type"]) == ("error", "no_mock")


def test_where_no_case_fits_the_result_says_so(tmp_path: Path) -> None:
    result = run(mock_toolbox(tmp_path, {"cases": [{"when": {"city": "Rome"}, "answer": 1}]}), "t", {})
    assert error_of(result)["message"] == (
        "No case of the mock of t fits these arguments; one without `when` fits all."
    )


def test_a_delay_is_waited_for(tmp_path: Path) -> None:
    began = time.monotonic()
    assert output(mock_toolbox(tmp_path, {"answer": "late", "delay": 0.2})) == "late"
    assert time.monotonic() - began >= 0.2


def test_a_delay_past_the_time_of_the_tool_is_a_timeout(tmp_path: Path) -> None:
    result = run(mock_toolbox(tmp_path, {"answer": "late", "delay": 30}, timeout=0.1), "t")
    assert (result.status, error_of(result)["message"]) == (
        "timeout",
        "t gave no result within 0.1 s. Its mock answers after 30 s.",
    )


@pytest.mark.parametrize(
    ("how", "expected"),
    [("cut", '{"a": [1'), ("empty", ""), ("escapes", '{"a": [1, 2]}x\x1b[2J\x1b]0;title\x07\u202e\x00')],
)
def test_a_good_answer_can_be_spoiled(tmp_path: Path, how: str, expected: str) -> None:
    text = '{"a": [1, 2]}x' if how == "escapes" else '{"a": [1, 2], }x'
    assert output(mock_toolbox(tmp_path, {"answer": text, "malformed": how})) == expected


def test_an_error_page_can_stand_in_for_json(tmp_path: Path) -> None:
    assert "<h1>502 Bad Gateway</h1>" in output(mock_toolbox(tmp_path, {"malformed": "html"}))


def test_a_long_answer_goes_past_the_limit_and_is_cut(tmp_path: Path) -> None:
    text = output(mock_toolbox(tmp_path, {"answer": "abc", "malformed": "long"}, limit=10))
    assert text.startswith("abcabcabca\n[output cut here: ")


def test_a_mock_of_a_custom_tool_has_its_input(tmp_path: Path) -> None:
    tool = {"type": "custom", "name": "t", "run": {"mock": {"template": "you said {input}"}}}
    tools = LocalToolbox(load_tools([write(tmp_path, "tools.yaml", json.dumps({"tools": [tool]}))]).tools)
    assert run(tools, "t", "no {json").output == "you said no {json"


@pytest.mark.parametrize(
    ("mock", "words"),
    [
        ({"answer": 1, "rate": 2}, "`answer` is a key of mocks, and `rate` is none; for an answer with these members"),
        ({"answer": 1, "error": "x"}, "a mock has one answer: answer or error."),
        ({"sequence": []}, "`sequence` must be a list of at least one answer."),
        ({"sequence": "x"}, "`sequence` must be a list"),
        ({"sequence": ["x"], "delay": 1}, "`sequence` stands alone; what else belongs to an answer stands in each"),
        ({"cases": [1]}, "a case must be a mapping"),
        ({"cases": [{"when": {"city": "x"}}]}, "a case without an answer"),
        ({"cases": [{"when": {"cty": "x"}, "answer": 1}]}, "cty is no parameter; known here: city, days."),
        ({"cases": [{"if": {}, "answer": 1}]}, "unknown key `if`"),
        ({"template": "{cty}"}, "{cty} names no parameter (did you mean city?); known here: city, days;"),
        ({"template": "${KEY}"}, "${KEY} is not declared"),
        ({"file": "none.json"}, "there is no file"),
        ({"file": 3}, "`file` must be the path of a file, not 3."),
        ({"error": {"type": "x"}}, "`error` must be text, or a mapping with `message`."),
        ({"error": {"message": "x", "retry": True}}, "unknown key `retry` (did you mean retryable?)"),
        ({"answer": 1, "delay": -1}, "`delay` must be seconds between 0 and 86400, not -1."),
        ({"answer": 1, "malformed": "broken"}, "`malformed` must be cut, empty, html, escapes or long, not 'broken'"),
    ],
)
def test_a_mock_that_makes_no_sense_is_refused(tmp_path: Path, mock: Any, words: str) -> None:
    with pytest.raises(Exception, match=r"tools\.yaml:1: ") as error:
        mock_toolbox(tmp_path, mock)
    assert words in str(error.value)


def test_no_variable_of_the_environment_stands_in_a_mock(tmp_path: Path) -> None:
    text = "secrets: [KEY]\ntools: [{name: t, run: {mock: {template: '${KEY}'}}}]"
    with pytest.raises(Exception, match="no variable of the environment may stand in it"):
        load_tools([write(tmp_path, "tools.yaml", text)])


def test_mocks_that_wait_do_so_together(tmp_path: Path) -> None:
    from toolbench import call

    tools = mock_toolbox(tmp_path, {"answer": 1, "delay": 0.3})

    async def together() -> None:
        await asyncio.gather(*(tools.run(call("t", index), "") for index in range(5)))

    began = time.monotonic()
    asyncio.run(together())
    assert time.monotonic() - began < 1.2
