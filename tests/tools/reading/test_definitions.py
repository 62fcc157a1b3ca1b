from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from callscope.core.errors import UnusableFile
from callscope.core.values import ToolSpec
from callscope.tools.definitions import MockAnswer, PythonFunction, Tool
from callscope.tools.loading import load_tools
from toolbench import refusal, write

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


def load(folder: Path, text: str, name: str = "tools.yaml") -> tuple[Tool, ...]:
    return load_tools([write(folder, name, text)]).tools


def refused(folder: Path, text: str) -> str:
    return refusal(write(folder, "tools.yaml", text))


def test_a_full_definition_is_read_with_all_its_keys(tmp_path: Path) -> None:
    write(tmp_path, "weather.py", "raise SystemError('imported')")
    text = """
        tools:
          - name: get_weather
            description: Current weather for a city.
            parameters: {type: object, properties: {city: {type: string}}, required: [city]}
            strict: true
            run: {python: "weather.py:get_weather"}
            timeout: 10
            approve: always
            isolate: thread
            limit: 500
        """
    spec = ToolSpec(
        "get_weather",
        "Current weather for a city.",
        CITY,
        strict=True,
        source=f"{tmp_path}/tools.yaml:2",
        approve="always",
    )
    assert load(tmp_path, text) == (Tool(spec, PythonFunction(tmp_path / "weather.py", "get_weather"), 10.0, 500),)


def test_listing_the_tools_of_a_yaml_file_imports_nothing(tmp_path: Path) -> None:
    write(tmp_path, "trap.py", "raise SystemError('imported')")
    load(tmp_path, 'tools: [{name: a, parameters: {}, run: {python: "trap.py:a"}}]')
    assert not [name for name in sys.modules if name.startswith("callscope_tool_trap")]


def test_a_name_is_all_a_tool_needs(tmp_path: Path) -> None:
    assert load(tmp_path, "tools: [{name: ask_me}]") == (Tool(ToolSpec("ask_me", source=f"{tmp_path}/tools.yaml:1")),)


@pytest.mark.parametrize(
    ("yaml", "output"), [("{a: 1}", {"a": 1}), ("text", "text"), ("null", None), ("[1, two]", [1, "two"])]
)
def test_a_mock_is_any_json(tmp_path: Path, yaml: str, output: Any) -> None:
    (tool,) = load(tmp_path, f"tools: [{{name: a, run: {{mock: {yaml}}}}}]")
    assert tool.implementation == MockAnswer(output)


NESTED = {"type": "function", "function": {"name": "f", "description": "d", "parameters": CITY, "strict": True}}
FLAT = {"type": "function", "name": "f", "description": "d", "parameters": CITY, "strict": True}


@pytest.mark.parametrize("definition", [NESTED, FLAT], ids=["nested", "flat"])
@pytest.mark.parametrize("name", ["tools.json", "tools.yaml"])
@pytest.mark.parametrize("whole", [lambda it: [it], lambda it: {"tools": [it]}], ids=["a list", "under tools"])
def test_definitions_of_openai_load_as_they_are(tmp_path: Path, definition: Any, name: str, whole: Any) -> None:
    (tool,) = load(tmp_path, json.dumps(whole(definition), indent=1), name)
    spec = tool.spec
    assert (spec.name, spec.description, spec.parameters, spec.strict, spec.kind) == ("f", "d", CITY, True, "function")


@pytest.mark.parametrize(
    "definition",
    [
        {"type": "custom", "name": "f", "description": "d", "format": {"type": "text"}},
        {"type": "custom", "custom": {"name": "f", "description": "d", "format": {"type": "text"}}},
    ],
    ids=["flat", "nested"],
)
def test_custom_tools_load_as_they_are(tmp_path: Path, definition: Any) -> None:
    (tool,) = load(tmp_path, json.dumps([definition]), "tools.json")
    assert (tool.spec.name, tool.spec.kind, tool.spec.parameters) == ("f", "custom", {"type": "text"})


def test_a_nested_definition_may_have_our_keys_beside_it(tmp_path: Path) -> None:
    (tool,) = load(
        tmp_path, "tools: [{type: function, function: {name: f}, run: {mock: 1}, timeout: 3, approve: never}]"
    )
    assert (tool.implementation, tool.timeout, tool.spec.approve) == (MockAnswer(1), 3.0, "never")


def test_null_stands_for_a_key_left_out_as_openai_writes_it(tmp_path: Path) -> None:
    text = '[{"type": "function", "name": "f", "description": null, "parameters": null, "strict": null}]'
    assert load(tmp_path, text, "tools.json") == (Tool(ToolSpec("f", source=f"{tmp_path}/tools.json:1")),)


def test_a_tool_of_a_json_file_has_its_line(tmp_path: Path) -> None:
    tools = load(tmp_path, json.dumps([FLAT, {**FLAT, "name": "g"}], indent=1), "tools.json")
    assert tools[1].spec.source == f"{tmp_path}/tools.json:19"


def test_secrets_are_names_of_variables(tmp_path: Path) -> None:
    path = write(tmp_path, "tools.yaml", "secrets: [WEATHER_KEY, other_key]\n")
    assert load_tools([path]).secrets == ("WEATHER_KEY", "other_key")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("- name: a\n", "tools.yaml:1: the file is a list; put `tools:` above it"),
        ("text\n", "tools.yaml:1: the file must be a mapping with the key `tools`."),
        (
            "tool: []\n",
            "tools.yaml:1: unknown key `tool` (did you mean tools?); known here: include, secrets,",
        ),
        ("name: a\n", "tools.yaml:1: unknown key `name`; a definition stands in the list under `tools:`"),
        ("tools: {a: {}}\n", "tools.yaml:1: `tools` must be a list"),
        ("modules: a.py\n", "tools.yaml:1: `modules` must be a list"),
        ("tools:\n  - get_weather\n", "tools.yaml:2: a tool must be a mapping with `name`, not 'get_weather'."),
        ("tools:\n  - description: x\n", "tools.yaml:2: a tool without `name`"),
        ("tools: [{name: 12}]\n", "tools.yaml:1: `name` must be text, not 12."),
        ("tools: [{name: get weather!}]\n", "is not allowed: letters, digits, _ and - only, for example get_weather."),
        (f"tools: [{{name: {'a' * 65}}}]\n", "has 65 characters; the protocol allows 64."),
        (
            "tools:\n - name: a\n   descripton: b\n",
            "tools.yaml:3: unknown key `descripton` (did you mean description?)",
        ),
        ("tools:\n - name: a\n   input_schema: {}\n", "unknown key `input_schema` (did you mean parameters?)"),
        ("tools: [{type: function, function: {name: a, run: {}}}]\n", "unknown key `run`"),
        ("tools: [{type: custom, name: a, parameters: {}}]\n", "unknown key `parameters`"),
        ("tools: [{type: web_search}]\n", "`type: web_search` cannot be loaded: function and custom can."),
        ("tools: [{name: a, description: [b]}]\n", "`description` must be text, not ['b']."),
        ("tools: [{name: a, strict: 1}]\n", "`strict` must be true or false, not 1."),
        ("tools: [{name: a, approve: yes}]\n", "yes is a boolean to some readers"),
        (
            "tools: [{name: a, approve: allways}]\n",
            "must be always, result, ask or never, not 'allways' (did you mean always?)",
        ),
        ("tools: [{name: a, timeout: 0}]\n", "`timeout` must be seconds between 0 and 86400, not 0."),
        ("tools: [{name: a, timeout: 10s}]\n", "`timeout` must be seconds between 0 and 86400, not '10s'."),
        ("tools: [{name: a, timeout: true}]\n", "`timeout` must be seconds between 0 and 86400, not True."),
        ("tools: [{name: a, limit: 0}]\n", "`limit` must be a number of characters of 1 or more, not 0."),
        ("tools: [{name: a, limit: 1.5}]\n", "`limit` must be a number of characters of 1 or more, not 1.5."),
        ("tools: [{name: a, isolate: process}]\n", "`isolate` is for `run: {python: …}`; leave it out here."),
        ("tools: [{name: a, isolate: box}]\n", "`isolate` must be thread or process, not 'box'."),
        ("tools: [{name: a, run: null}]\n", "`run` must be a mapping with one key"),
        ("tools: [{name: a, run: 'x.py:a'}]\n", "`run` must be a mapping with one key"),
        ("tools: [{name: a, run: {mock: 1, python: 'x.py:a'}}]\n", "`run` must be a mapping with one key"),
        ("tools: [{name: a, run: {pyhton: x}}]\n", "`run` knows no 'pyhton' (did you mean python?)"),
        ("tools: [{name: a, run: {python: get_weather}}]\n", '`python` must be "file.py:function" or'),
        ("tools: [{name: a, run: {python: 'x.py:a b'}}]\n", '`python` must be "file.py:function" or'),
        ("tools: [{name: a, run: {python: 'a/b:c'}}]\n", "'a/b' is neither a .py file nor a dotted module name."),
        (
            "tools:\n - name: a\n   run: {python: 'none.py:a'}\n",
            "tools.yaml:3: there is no file none.py; paths are relative",
        ),
        ("modules: [none.py]\n", "there is no file none.py; paths are relative to tools.yaml."),
        ("modules: [3]\n", "a module must be a file.py or a package.module."),
        ("secrets: ['sk-123']\n", "a secret is the name of an environment variable, never its value."),
        ("tools: [{name: a, parameters: []}]\n", "`parameters` must be an object, not []."),
        ("tools: [{name: a, parameters: {type: string}}]\n", "`parameters` must be `type: object`"),
    ],
)
def test_a_broken_definition_is_refused_with_the_rule_and_what_to_do(tmp_path: Path, text: str, words: str) -> None:
    assert words in refused(tmp_path, text)


def test_a_schema_that_is_none_is_refused_with_its_path_and_line(tmp_path: Path) -> None:
    text = """
        tools:
          - name: a
            parameters:
              type: object
              properties:
                city: {type: text}
        """
    assert refused(tmp_path, text).startswith(
        "tools.yaml:6: parameters.properties.city.type is no JSON Schema: `type` must be array, boolean,"
    )


def test_a_remote_reference_is_refused(tmp_path: Path) -> None:
    text = 'tools: [{name: a, parameters: {$ref: "https://example.com/schema.json"}}]'
    assert "parameters.$ref is no JSON Schema: 'https://example.com/schema.json' is never fetched" in refused(
        tmp_path, text
    )


def test_a_refused_file_has_exit_code_3(tmp_path: Path) -> None:
    with pytest.raises(UnusableFile) as error:
        load(tmp_path, "tools: [{}]")
    assert error.value.exit_code == 3
