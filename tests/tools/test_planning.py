from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from callscope.tools.invalid import InvalidArguments
from callscope.tools.loading import load_tools
from callscope.tools.planning import PlannedRun, planned_run
from toolbench import write

ENVIRONMENT = {"KEY": "geheim-und-lang", "BASE": "http://127.0.0.1:8000"}
TOOLS = """
    secrets: [KEY]
    variables: {BASE: null}
    tools:
      - name: find
        parameters: {properties: {word: {}, most: {}}, required: [word]}
        run: {command: {args: [grep, [-m, "{most}"], --, "{word}", notes.txt], env: {TOKEN: "${KEY}"}, cwd: data}}
      - name: weather
        parameters: {properties: {city: {}, days: {}}, required: [city]}
        run:
          http:
            method: POST
            url: "${BASE}/w/{city}?key=${KEY}"
            headers: {authorization: "Bearer ${KEY}"}
            json: {days: "{days}"}
      - {name: add, parameters: {properties: {a: {}}}, run: {python: "m.py:add"}}
      - {name: alone, parameters: {}, isolate: process, run: {python: "m.py:add"}}
      - {name: mock, run: {mock: 1}}
      - {name: person}
      - {type: custom, name: shout, run: {command: [cat]}}
    """


def planned(folder: Path, name: str, arguments: Any = "") -> PlannedRun:
    (folder / "data").mkdir(exist_ok=True)
    write(folder, "m.py", "raise SystemError('imported')")
    loaded = load_tools([write(folder, "tools.yaml", TOOLS)])
    (tool,) = (tool for tool in loaded.tools if tool.spec.name == name)
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return planned_run(tool, text, ENVIRONMENT)


def test_a_command_is_planned_to_the_letter(tmp_path: Path) -> None:
    run = planned(tmp_path, "find", {"word": "two words", "most": 3})
    assert run.as_json() == {
        "command": ["grep", "-m", "3", "--", "two words", "notes.txt"],
        "cwd": str(tmp_path / "data"),
        "env": {"TOKEN": "${KEY}"},
        "stdin": '{"word": "two words", "most": 3}',
    }
    assert str(run).splitlines() == [
        f"cd {tmp_path}/data && TOKEN='${{KEY}}' grep -m 3 -- 'two words' notes.txt",
        'stdin: {"word": "two words", "most": 3}',
    ]


def test_a_request_is_planned_to_the_letter(tmp_path: Path) -> None:
    run = planned(tmp_path, "weather", {"city": "Köln", "days": 2})
    http = run.as_json()["http"]
    assert (http["method"], http["url"]) == ("POST", "http://127.0.0.1:8000/w/K%C3%B6ln?key=${KEY}")
    assert (["authorization", "Bearer ${KEY}"] in http["headers"], http["body"]) == (True, '{"days":2}')
    assert str(run).startswith("POST http://127.0.0.1:8000/w/K%C3%B6ln?key=${KEY}\nhost: 127.0.0.1:8000\n")
    assert str(run).endswith('\n\n{"days":2}')


@pytest.mark.parametrize(("name", "arguments"), [("find", {"word": "x"}), ("weather", {"city": "x"})])
def test_no_plan_holds_a_secret(tmp_path: Path, name: str, arguments: dict[str, Any]) -> None:
    run = planned(tmp_path, name, arguments)
    assert "geheim" not in f"{run} {run!r} {run.as_json()}"


def test_a_function_is_planned_with_its_arguments_and_not_imported(tmp_path: Path) -> None:
    run = planned(tmp_path, "add", {"a": "ü"})
    assert (str(run), run.as_json()["python"]) == ('m.py:add(a="ü")', "m.py:add")
    assert str(planned(tmp_path, "alone")) == "m.py:add() in a process of its own"


def test_a_plan_says_who_answers_where_nothing_runs(tmp_path: Path) -> None:
    assert planned(tmp_path, "mock").as_json() == {"answered_by": "mock", "arguments": {}}
    assert str(planned(tmp_path, "person")) == "a person answers {}"


def test_a_custom_tools_input_is_planned_as_it_is(tmp_path: Path) -> None:
    assert planned(tmp_path, "shout", "no {json").as_json()["stdin"] == "no {json"


def test_a_plan_refuses_what_the_run_would_refuse(tmp_path: Path) -> None:
    with pytest.raises(InvalidArguments, match=r"city is \.\., which the path of a URL cannot have"):
        planned(tmp_path, "weather", {"city": ".."})
