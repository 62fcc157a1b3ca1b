"""How tools are offered, changed in mid-conversation: the choice, parallel calls, strict mode, forms."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from callscope.core.state import Conversation
from scriptedrepl import ScriptedRepl

TOOLS = """
    tools:
      - name: get_weather
        parameters:
          type: object
          properties: {city: {type: string}, unit: {enum: [c, f]}}
          required: [city]
        run: {mock: sunny}
      - name: get_time
        parameters: {type: object, properties: {}, additionalProperties: false}
        strict: true
        run: {mock: noon}
      - type: custom
        name: run_sql
        run: {mock: 1 row}
"""


@pytest.fixture
def repl(tmp_path: Path) -> ScriptedRepl:
    return ScriptedRepl(tmp_path, TOOLS)


# ---- the choice -----------------------------------------------------------------------------------------------------


def test_a_choice_is_a_word_a_tool_some_tools_or_json_and_a_dash_leaves_it_to_the_server(repl: ScriptedRepl) -> None:
    assert "left to the server" in repl.typed("/tool-choice")
    written = ["required", "get_weather", "run_sql", "allowed:auto: get_time, run_sql", '{"type":"mcp"}', '"any"', "-"]
    repl.typed(*(f"/tool-choice {word}" for word in written))
    assert [made.tool_choice for made in repl.settings_said()] == [
        *("required", "get_weather", "run_sql", "allowed:auto:get_time,run_sql", {"type": "mcp"}, "any", None),
    ]


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("get_wether", "There is no tool get_wether (did you mean get_weather?); there are get_weather, get_time"),
        ("requird", "did you mean required?"),
        ("allowed:auto:get_time,get_tim", "There is no tool get_tim (did you mean get_time?)"),
        ("allowed:get_time", "lacks a mode (auto or required) or names: write it as allowed:auto:get_weather,get_time"),
        ("allowed:auto:", "lacks a mode"),
        ("{", "must be JSON"),
        ("{}x", "must be JSON"),
    ],
)
def test_a_choice_that_cannot_be_meant_is_one_error_and_changes_nothing(
    repl: ScriptedRepl, word: str, said: str
) -> None:
    assert said in " ".join(repl.typed(f"/tool-choice {word}").split())
    assert repl.settings_said() == []


def test_the_choice_is_shown_as_it_was_written(repl: ScriptedRepl) -> None:
    assert repl.typed("/tool-choice allowed:required:get_time").strip() == "allowed:required:get_time"
    assert repl.typed('/tool-choice {"type": "mcp"}').strip() == '{"type": "mcp"}'
    assert repl.typed("/tool-choice {}").strip() == "{}"


# ---- switches -------------------------------------------------------------------------------------------------------


def test_parallel_and_strict_are_on_off_or_unsaid(repl: ScriptedRepl) -> None:
    repl.typed("/parallel on", "/parallel off", "/parallel -", "/strict on", "/strict off", "/strict -")
    found = repl.settings_said()
    assert [made.parallel for made in found[:3]] == [True, False, None]
    assert [made.strict for made in found[3:]] == [True, False, None]
    assert "write on, off, or -" in repl.typed("/strict yes")


def test_strict_says_what_it_comes_to_for_each_tool(repl: ScriptedRepl) -> None:
    assert repl.typed("/strict").splitlines() == [
        "  each tool says it itself",
        "    get_weather: not asked for, so off",
        "    get_time: on",
        "    run_sql: a custom tool has no schema",
    ]


def test_strict_mode_that_a_schema_cannot_have_is_told_with_path_and_rule(repl: ScriptedRepl) -> None:
    said = repl.typed("/strict on")
    assert said.startswith("  strict mode refuses the schema of get_weather: $.parameters (strict-additional): add ")
    assert "get_weather: on, but refused: $.parameters (strict-additional)" in said


def test_the_responses_api_turns_on_by_itself_what_nobody_said_and_it_is_told_where_it_cannot(tmp_path: Path) -> None:
    repl = ScriptedRepl(tmp_path, TOOLS.replace("strict: true", "approve: ask"))
    repl.typed()
    repl.session.conversation = _spoken(repl, "responses")
    lines = repl.typed("/strict").splitlines()
    assert lines[1].startswith("    get_weather: not said: the server tries it, and falls back to off: $.parameters (")
    assert lines[2] == "    get_time: not said: the server turns it on by itself"


def test_a_tool_is_shown_with_what_becomes_of_its_strict_mode(repl: ScriptedRepl) -> None:
    assert repl.typed("/tool get_time").startswith("get_time  function, strict on, approve")
    repl.typed("/strict on")
    assert "get_weather  function, strict on, but refused: $.parameters (strict-" in repl.typed("/tool get_weather")
    assert "strict" not in repl.typed("/tool run_sql")


# ---- forms ----------------------------------------------------------------------------------------------------------


def test_forms_are_named_and_taken_back(repl: ScriptedRepl) -> None:
    assert "as the protocol has it" in repl.typed("/tool-form")
    assert repl.typed("/tool-form flat-allowed null-ids").splitlines() == [
        "  flat-allowed: allowed_tools without its inner level, as ZenMux has it",
        "  null-ids: null for ids that the server did not give",
    ]
    repl.typed("/tool-form -")
    assert [made.tool_forms for made in repl.settings_said()] == [("flat-allowed", "null-ids"), ()]
    assert "did you mean functions?" in repl.typed("/tool-form function")


def test_what_the_legacy_form_cannot_say_is_refused_and_nothing_changes(repl: ScriptedRepl) -> None:
    repl.typed("/tool-choice required")
    assert "no `required`" in repl.typed("/tool-form functions")
    assert repl.conversation.settings.tool_forms == ()


@pytest.mark.parametrize(
    ("dialect", "line", "said"),
    [
        ("acf", "/tool-choice run_sql", "has no custom tools, so run_sql cannot be chosen"),
        ("acf", "/tool-form null-ids", "The Agent Connect Framework has no form `null-ids`"),
        ("responses", "/tool-form functions", "The Responses API has no form `functions`"),
    ],
)
def test_what_a_protocol_has_no_place_for_is_refused_at_the_prompt(
    repl: ScriptedRepl, dialect: str, line: str, said: str
) -> None:
    repl.typed()
    repl.session.conversation = before = _spoken(repl, dialect)
    assert said in " ".join(repl.typed(line).split())
    assert repl.conversation.settings == before.settings


def _spoken(repl: ScriptedRepl, dialect: str) -> Conversation:
    return replace(repl.conversation, settings=replace(repl.conversation.settings, dialect=dialect))
