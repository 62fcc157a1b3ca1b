from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from callscope.core.errors import UnusableFile
from callscope.tools.loading import load_tools
from toolbench import refusal, write

PLACE = {
    "$defs": {
        "Place": {
            "type": "object",
            "properties": {
                "city": {"type": "string"},
                "near": {"$ref": "#/$defs/Place"},
                "zone": {"$ref": "#/$defs/Zone"},
            },
        },
        "Zone": {"enum": ["here", "there"]},
        "Unused": {"type": "string"},
    }
}


def parameters(folder: Path, schema: Any) -> Any:
    """The parameters of a tool whose definition says so."""
    path = write(folder, "tools.yaml", json.dumps({"tools": [{"name": "t", "parameters": schema}]}))
    return load_tools([path]).tools[0].spec.parameters


def refused(folder: Path, schema: Any) -> str:
    return refusal(write(folder, "tools.yaml", json.dumps({"tools": [{"name": "t", "parameters": schema}]})))


def test_parameters_may_be_a_whole_file(tmp_path: Path) -> None:
    write(tmp_path, "schemas/city.yaml", "type: object\nproperties: {city: {type: string}}\n")
    assert parameters(tmp_path, {"$ref": "schemas/city.yaml"}) == {
        "type": "object",
        "properties": {"city": {"type": "string"}},
    }


def test_parameters_may_be_a_part_of_a_file_with_all_that_it_refers_to(tmp_path: Path) -> None:
    write(tmp_path, "place.json", json.dumps(PLACE))
    schema = parameters(tmp_path, {"$ref": "place.json#/$defs/Place"})
    assert schema["type"] == "object"
    assert set(schema["$defs"]) == {"Place", "Zone"}
    validator = Draft202012Validator(schema)
    assert validator.is_valid({"city": "x", "near": {"near": {"zone": "here"}}})
    assert not validator.is_valid({"near": {"near": {"zone": "nowhere"}}})


def test_a_reference_deep_in_a_schema_is_copied_under_defs_beside_those_that_are_there(tmp_path: Path) -> None:
    write(tmp_path, "place.json", json.dumps(PLACE))
    schema = {
        "type": "object",
        "properties": {
            "at": {"$ref": "place.json#/$defs/Place", "description": "where"},
            "again": {"items": {"$ref": "place.json#/$defs/Place"}},
            "own": {"$ref": "#/$defs/Zone"},
        },
        "$defs": {"Zone": {"type": "integer"}},
    }
    whole = parameters(tmp_path, schema)
    assert whole["properties"]["at"] == {"$ref": "#/$defs/Place", "description": "where"}
    assert whole["properties"]["again"] == {"items": {"$ref": "#/$defs/Place"}}
    assert whole["$defs"]["Zone"] == {"type": "integer"}
    assert whole["$defs"]["Zone_2"] == {"enum": ["here", "there"]}
    assert whole["$defs"]["Place"]["properties"]["zone"] == {"$ref": "#/$defs/Zone_2"}


def test_files_may_refer_to_one_another_in_a_circle(tmp_path: Path) -> None:
    write(tmp_path, "a.json", '{"type": "object", "properties": {"b": {"$ref": "deep/b.json"}}}')
    write(tmp_path, "deep/b.json", '{"type": "object", "properties": {"a": {"$ref": "../a.json"}}}')
    schema = parameters(tmp_path, {"$ref": "a.json"})
    assert Draft202012Validator(schema).is_valid({"b": {"a": {"b": {}}}})
    assert not Draft202012Validator(schema).is_valid({"b": {"a": {"b": 1}}})


def test_a_pointer_may_be_escaped_and_lead_through_lists(tmp_path: Path) -> None:
    write(tmp_path, "x.json", '{"a/b": [{"~c d": {"type": "object", "title": "found"}}]}')
    assert parameters(tmp_path, {"$ref": "x.json#/a~1b/0/~0c%20d"})["title"] == "found"


def test_a_schema_without_files_stays_as_it_is(tmp_path: Path) -> None:
    schema = {
        "type": "object",
        "properties": {"$ref": {"type": "string"}, "x": {"$ref": "#/$defs/x"}},
        "$defs": {"x": {}},
    }
    assert parameters(tmp_path, schema) == schema


def test_a_mistake_in_a_file_is_said_with_the_line_of_that_file(tmp_path: Path) -> None:
    write(tmp_path, "x.yaml", "Place:\n  type: object\n  properties:\n    city: {type: text}\n")
    words = refused(tmp_path, {"properties": {"at": {"$ref": "x.yaml#/Place"}}})
    assert words.startswith("x.yaml:4: parameters.$defs.Place.properties.city.type is no JSON Schema: `type` must be")
    words = refused(tmp_path, {"$ref": "x.yaml#/Place"})
    assert words.startswith("x.yaml:4: parameters.properties.city.type is no JSON Schema")


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("none.json", "there is no file"),
        ("x.json#/nothing", "'x.json#/nothing' leads nowhere: there is no 'nothing' in"),
        ("x.json#/list/7", "leads nowhere: there is no '7' in"),
        ("x.json#Place", "after the # a path from the top of the file is read, such as #/$defs/Place."),
        ("x.json#/list", "'x.json#/list' leads to no schema."),
        ("x.json#/text", "leads to no schema."),
        ("broken.json", "broken.json:1: this is no JSON"),
        ("//example.com/x.json", "is never fetched: copy it beside this file and write its path."),
        ("https://example.com/x.json", "is never fetched: copy it under `$defs`"),
        ("file:///etc/passwd", "is never fetched"),
        ("x.json#/string", "`parameters` must be `type: object`"),
    ],
)
def test_a_reference_that_leads_to_no_schema_is_refused(tmp_path: Path, reference: str, words: str) -> None:
    write(tmp_path, "x.json", '{"list": [1], "text": "t", "string": {"type": "string"}}')
    write(tmp_path, "broken.json", "{")
    assert words in refused(tmp_path, {"$ref": reference})


@pytest.mark.parametrize(
    "reference", ["../secret.json", "/etc/hostname", "deep/../../secret.json", "%2e%2e/secret.json"]
)
def test_a_reference_never_leads_out_of_the_folder_of_its_file(tmp_path: Path, reference: str) -> None:
    write(tmp_path, "secret.json", '{"type": "object"}')
    (tmp_path / "tools").mkdir()
    assert "a schema goes to a model, so keep it below." in refused(tmp_path / "tools", {"$ref": reference})


def test_a_link_does_not_lead_out_of_the_folder_either(tmp_path: Path) -> None:
    write(tmp_path, "secret.json", '{"type": "object"}')
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "link.json").symlink_to(tmp_path / "secret.json")
    assert "leads out of" in refused(tmp_path / "tools", {"$ref": "link.json"})


def test_a_schema_nested_without_end_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "deep.json", '{"not":' * 3000 + "{}" + "}" * 3000)
    with pytest.raises(UnusableFile, match="nested too deeply"):
        parameters(tmp_path, {"$ref": "deep.json"})
