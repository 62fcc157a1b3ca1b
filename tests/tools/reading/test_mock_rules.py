from __future__ import annotations

from pathlib import Path

import pytest

from callscope.core.errors import UsageError
from callscope.tools.definitions import LoadedTools, MockAnswer, MockSequence
from callscope.tools.loading import load_tools
from callscope.tools.reading.mock_rules import mocked
from callscope.tools.running.toolbox import LocalToolbox
from toolbench import run, write

TOOLS = """
    secrets: [KEY]
    tools:
      - {name: get_weather, parameters: {properties: {city: {}}}, run: {command: [touch, ran]}}
      - {name: get_time}
      - {name: add, run: {mock: 3}}
    """


def tools(folder: Path) -> LoadedTools:
    return load_tools([write(folder, "tools.yaml", TOOLS)])


def answered(loaded: LoadedTools, name: str) -> str:
    return run(LocalToolbox(loaded.tools), name, {}).output


@pytest.mark.parametrize(
    ("answer", "output"),
    [
        ("sunny", "sunny"),
        ("", ""),
        ("a=b", "a=b"),
        ("21", "21"),
        ("it is: nice", "it is: nice"),
        ('{"t": 21}', '{"t":21}'),
        ("{t: 21}", '{"t":21}'),
        ("[1, two]", '[1,"two"]'),
        ('"{not json"', "{not json"),
        ("{answer: {error: 1}}", '{"error":1}'),
        ("{malformed: empty}", ""),
    ],
)
def test_a_rule_puts_an_answer_in_the_place_of_a_tool(tmp_path: Path, answer: str, output: str) -> None:
    changed = mocked(tools(tmp_path), f"get_weather={answer}")
    assert answered(changed, "get_weather") == output
    assert not (tmp_path / "ran").exists()


def test_all_else_of_the_tools_stays_as_it_was(tmp_path: Path) -> None:
    before = tools(tmp_path)
    after = mocked(before, "get_weather=x")
    assert (after.specs, after.secrets, after.tools[1:]) == (before.specs, ("KEY",), before.tools[1:])


def test_a_star_mocks_all_that_fit(tmp_path: Path) -> None:
    changed = mocked(tools(tmp_path), "get_*=down")
    assert [answered(changed, name) for name in ("get_weather", "get_time", "add")] == ["down", "down", "3"]


def test_a_later_rule_wins(tmp_path: Path) -> None:
    assert answered(mocked(mocked(tools(tmp_path), "*=one"), "add=two"), "add") == "two"


def test_a_file_is_named_after_an_at_sign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "answer.txt", "from the file")
    monkeypatch.chdir(tmp_path)
    changed = mocked(tools(tmp_path), "add=@answer.txt")
    monkeypatch.chdir("/")
    assert answered(changed, "add") == "from the file"


def test_a_mock_of_a_rule_may_have_all_that_a_file_has(tmp_path: Path) -> None:
    changed = mocked(tools(tmp_path), "get_weather={sequence: [{error: down}, {template: 'in {city}'}]}")
    implementation = changed.tools[0].implementation
    assert isinstance(implementation, MockSequence)
    assert implementation.answers[0] == MockAnswer(
        {"type": "exception", "message": "down", "retryable": False}, "error"
    )


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("get_weather", "'get_weather' is no mock: write TOOL=text"),
        ("=x", "'=x' is no mock"),
        (
            "get_wether=x",
            "There is no tool get_wether to mock (did you mean get_weather?); the tools here: get_weather",
        ),
        ("add=@none.txt", "The mock of add: there is no file none.txt."),
        ("add={a: 1", "this is no YAML"),
        ("add={answer: 1, sequense: 2}", "The mock of add: `answer` is a key of mocks, and `sequense` is none"),
        ("get_weather={template: '{cty}'}", "{cty} names no parameter (did you mean city?)"),
        ("add={delay: no}", "no is a boolean to some readers of YAML"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(tmp_path: Path, rule: str, words: str) -> None:
    with pytest.raises(UsageError) as error:
        mocked(tools(tmp_path), rule)
    assert words in str(error.value)


def test_a_toolbox_takes_other_tools_while_it_is_in_use(tmp_path: Path) -> None:
    loaded = tools(tmp_path)
    toolbox = LocalToolbox(loaded.tools)
    toolbox.use(mocked(loaded, "add=mocked").tools)
    assert run(toolbox, "add").output == "mocked"
    toolbox.use(loaded.tools)
    assert run(toolbox, "add").output == "3"


def test_a_sequence_goes_on_while_other_tools_are_mocked_and_begins_anew_where_it_is_another(tmp_path: Path) -> None:
    loaded = tools(tmp_path)
    toolbox = LocalToolbox(mocked(loaded, "add={sequence: [one, two, three]}").tools)
    assert run(toolbox, "add").output == "one"
    toolbox.use(mocked(mocked(loaded, "add={sequence: [one, two, three]}"), "get_time=x").tools)
    assert run(toolbox, "add").output == "two"
    toolbox.use(mocked(loaded, "add={sequence: [uno, due]}").tools)
    assert run(toolbox, "add").output == "uno"
