"""What is known of a tool, and which of them the model may choose."""

from __future__ import annotations

from pathlib import Path

from scriptedrepl import ScriptedRepl

TOOLS = """
    tools:
      - name: get_weather
        description: Weather of a city.
        parameters:
          type: object
          properties: {city: {type: string, description: City name}, unit: {enum: [c, f]}}
          required: [city]
        approve: result
        run: {mock: sunny}
      - name: ask_me
        parameters: {type: object, properties: {}}
"""


def test_a_tool_is_shown_with_its_source_policy_parameters_and_how_to_call_it(tmp_path: Path) -> None:
    shown = ScriptedRepl(tmp_path, TOOLS).typed("/tool get_weather").splitlines()
    assert shown[0] == "get_weather  function, approve ask (its own: result)"
    assert shown[1].endswith("tools.yaml:2")
    assert shown[2:5] == ["Weather of a city.", "  city  string, required, City name", "  unit  c or f"]
    assert '"required": ["city"]' in shown[5]
    assert shown[6] == "/call get_weather city=…"


def test_a_tool_that_a_person_answers_is_shown_as_one(tmp_path: Path) -> None:
    assert "answered by a person" in ScriptedRepl(tmp_path, TOOLS).typed("/tool ask_me")


def test_all_tools_are_listed_with_their_own_policy(tmp_path: Path) -> None:
    assert ScriptedRepl(tmp_path, TOOLS).typed("/tools").splitlines() == [
        "  get_weather  [result]  Weather of a city.",
        "  ask_me",
    ]
    assert "No tools." in ScriptedRepl(tmp_path).typed("/tools")
