from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from callscope.tools.definitions import PythonFunction
from callscope.tools.loading import load_tools
from callscope.tools.mcp import settings as mcp_settings
from callscope.tools.python.modules import function_of
from callscope.tools.python.signatures import read_signature
from callscope.tools.reading import definitions as reading
from callscope.tools.reading import keys as run_keys
from callscope.tools.reading import mocks as reading_mocks
from callscope.tools.reading import rules
from callscope.tools.running.toolbox import LocalToolbox
from toolbench import error_of, run

ROOT = Path(__file__).parents[2]
DATA = ROOT / "cli" / "callscope" / "serving" / "data"
TOOLS = LocalToolbox(load_tools([ROOT / "tools.yaml"]).tools)


def test_the_demos_copy_of_the_tools_is_the_example() -> None:
    assert (DATA / "demo_tools.py").read_bytes() == (ROOT / "examples" / "demo_tools.py").read_bytes()
    example = (ROOT / "tools.yaml").read_text(encoding="utf-8").replace("examples/demo_tools.py", "demo_tools.py")
    assert (DATA / "tools.yaml").read_text(encoding="utf-8") == example


def test_the_demos_copy_loads() -> None:
    assert load_tools([DATA / "tools.yaml"]).specs


def test_the_example_shows_each_way_to_run() -> None:
    kinds = {type(tool.implementation).__name__ for tool in load_tools([ROOT / "tools.yaml"]).tools}
    assert kinds == {"PythonFunction", "MockAnswer", "NoneType"}


@pytest.mark.parametrize(
    ("name", "arguments", "output"),
    [
        ("convert_units", {"value": 5, "from_unit": "km", "to_unit": "mi"}, {"value": 3.106856, "unit": "mi"}),
        ("search_notes", {"query": "tea black"}, [{"title": "Tea"}]),
        ("search_notes", {"query": "nothing like it"}, []),
        ("get_exchange_rate", {"base": "EUR", "quote": "USD"}, {"rate": 1.08}),
        ("get_time", {}, {"timezone": "UTC"}),
    ],
)
def test_a_tool_of_the_example_answers(name: str, arguments: dict[str, Any], output: Any) -> None:
    result = json.loads(run(TOOLS, name, arguments).output)
    if isinstance(output, dict):
        assert output.items() <= result.items()
    else:
        assert [note["title"] for note in result] == [note["title"] for note in output]


def test_the_weather_of_a_city_is_always_the_same_and_says_that_it_is_made_up() -> None:
    first, second = (run(TOOLS, "get_weather", {"city": city}).output for city in ("Paris", "Paris"))
    assert (first, json.loads(first)["note"]) == (second, "made-up demo data")


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("convert_units", {"value": 1, "from_unit": "kg", "to_unit": "km"}, "kg is a mass and km a length"),
        ("convert_units", {"value": 1, "from_unit": "ell", "to_unit": "m"}, "unknown unit 'ell'"),
        ("get_time", {"timezone": "Mars/Base"}, "no time zone 'Mars/Base'"),
        ("get_time", {"timezone": "../etc"}, "no time zone '../etc'"),
    ],
)
def test_a_tool_of_the_example_fails_with_words_for_the_model(
    name: str, arguments: dict[str, Any], message: str
) -> None:
    assert message in error_of(run(TOOLS, name, arguments))["message"]


def test_the_slow_tool_prints_while_it_works() -> None:
    result = run(TOOLS, "brew_tea", {"kind": "mint"})
    assert (result.output, result.prints.count("…")) == ("A cup of mint tea is ready.", 4)


def test_the_examples_schemas_say_what_its_functions_take() -> None:
    for tool in load_tools([ROOT / "tools.yaml"]).tools:
        if isinstance(tool.implementation, PythonFunction):
            own = read_signature(function_of(tool.implementation)).parameters
            given = tool.spec.parameters
            assert given.get("required", []) == own.get("required", []), tool.spec.name
            for name, schema in given["properties"].items():
                for key in ("type", "enum"):
                    assert schema.get(key) == own["properties"][name].get(key), (tool.spec.name, name)


SERVER_KEYS = {*mcp_settings.STDIO_KEYS, *mcp_settings.HTTP_KEYS, *mcp_settings.OWN_KEYS}


def editor_schema() -> dict[str, Any]:
    schema: dict[str, Any] = json.loads((ROOT / "docs" / "tools.schema.json").read_text(encoding="utf-8"))
    return schema


def test_the_example_fits_the_schema_for_editors() -> None:
    value = yaml.safe_load((ROOT / "tools.yaml").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(editor_schema()).validate(value)


def test_the_schema_for_editors_knows_the_keys_that_are_read() -> None:
    schema = editor_schema()
    assert tuple(schema["properties"]) == reading.TOP_KEYS
    definition = schema["$defs"]["tool"]["properties"]
    assert set(definition) == {*reading.FLAT_KEYS, *reading.CUSTOM_KEYS, "function", "custom"}
    assert tuple(definition["run"]["properties"]) == run_keys.RUN_KINDS
    parts = schema["$defs"]
    assert tuple(parts["approve"]["enum"]) == rules.APPROVALS
    assert tuple(schema["properties"]["defaults"]["properties"]) == reading.DEFAULT_KEYS
    assert tuple(parts["http"]["properties"]) == run_keys.HTTP_KEYS
    assert tuple(parts["openapi"]["properties"]) == run_keys.OPENAPI_KEYS
    assert set(parts["server"]["properties"]) == SERVER_KEYS
    assert set(parts["server"]["properties"]["type"]["enum"]) == set(mcp_settings.TYPES)
    assert tuple(parts["server"]["properties"]["mode"]["enum"]) == mcp_settings.MODES
    assert tuple(parts["command"]["anyOf"][1]["properties"]) == run_keys.COMMAND_KEYS
    assert tuple(parts["mock"]["then"]["properties"]) == run_keys.MOCK_KEYS
    assert tuple(parts["mock"]["then"]["properties"]["malformed"]["enum"]) == reading_mocks.MALFORMATIONS


def test_every_key_is_in_the_documentation() -> None:
    page = (ROOT / "docs" / "tools.md").read_text(encoding="utf-8")
    keys = {*reading.TOP_KEYS, *reading.FLAT_KEYS, *run_keys.RUN_KINDS, "format"}
    keys |= {*run_keys.HTTP_KEYS, *run_keys.COMMAND_KEYS, *run_keys.MOCK_KEYS, "when"}
    keys |= {*run_keys.OPENAPI_KEYS, *SERVER_KEYS}
    assert [key for key in sorted(keys) if f"`{key}`" not in page] == []
