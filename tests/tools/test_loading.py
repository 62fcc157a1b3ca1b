from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from callscope.core.errors import UnusableFile
from callscope.tools.loading import load_tools
from callscope.tools.running.toolbox import LocalToolbox
from toolbench import call, refusal, run, write

GREET = '''
def greet(name: str) -> str:
    """Say hello."""
    return f"Hello {name}"
'''


def names(*paths: Path | str) -> list[str]:
    return [spec.name for spec in load_tools(paths).specs]


def test_a_python_module_gives_its_public_functions(tmp_path: Path) -> None:
    path = write(
        tmp_path, "m.py", "from os.path import join\n" + GREET + "\ndef _hidden(): pass\n\nclass Thing: pass\n"
    )
    (tool,) = load_tools([path]).tools
    assert (tool.spec.name, tool.spec.description, tool.spec.source) == ("greet", "Say hello.", f"{path}:3")


def test_tools_and_all_choose_among_the_functions_of_a_module(tmp_path: Path) -> None:
    source = GREET + "\ndef other() -> None: pass\n\ndef _third() -> None: pass\n"
    listed = write(tmp_path, "listed.py", source + "TOOLS = [_third, greet]\n")
    exported = write(tmp_path, "exported.py", source + "__all__ = ['other', 'Nothing']\n")
    assert names(listed, exported) == ["_third", "greet", "other"]


def test_a_module_is_found_by_its_dotted_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "dotted_pack/__init__.py", "")
    write(tmp_path, "dotted_pack/inner.py", GREET)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert names("dotted_pack.inner") == ["greet"]


def test_a_yaml_file_names_modules_relative_to_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "deep/lib/m.py", GREET)
    path = write(tmp_path, "deep/tools.yaml", "tools: [{name: first}]\nmodules: [lib/m.py]\n")
    monkeypatch.chdir("/")
    assert names(path) == ["first", "greet"]


def test_a_module_may_import_what_lies_beside_it(tmp_path: Path) -> None:
    write(tmp_path, "beside_it.py", "WORD = 'found'\n")
    path = write(tmp_path, "m.py", "from beside_it import WORD\ndef tell() -> str:\n    return WORD\n")
    assert run(LocalToolbox(load_tools([path]).tools), "tell").output == "found"


def test_what_lies_beside_a_module_never_stands_in_for_a_module_of_the_program(tmp_path: Path) -> None:
    write(tmp_path, "colorsys.py", "raise SystemError('imported')\n")
    path = write(tmp_path, "m.py", GREET)
    program = f"from callscope.tools.loading import load_tools; load_tools([{str(path)!r}]); import colorsys"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=30)


def test_a_file_called_like_a_module_of_python_is_loaded_as_itself(tmp_path: Path) -> None:
    assert names(write(tmp_path, "json.py", GREET)) == ["greet"]


def test_two_tools_of_one_file_share_their_module(tmp_path: Path) -> None:
    write(
        tmp_path,
        "m.py",
        "seen = []\ndef add() -> None:\n    seen.append(1)\ndef count() -> int:\n    return len(seen)\n",
    )
    path = write(
        tmp_path,
        "tools.yaml",
        'tools: [{name: add, parameters: {}, run: {python: "m.py:add"}}, {name: count, run: {python: "m.py:count"}}]',
    )
    tools = LocalToolbox(load_tools([path]).tools)
    run(tools, "add")
    assert run(tools, "count").output == "1"


def test_parameters_come_from_the_signature_where_the_yaml_gives_none(tmp_path: Path) -> None:
    write(tmp_path, "m.py", GREET)
    path = write(tmp_path, "tools.yaml", 'tools: [{name: hello, run: {python: "m.py:greet"}}]')
    (spec,) = load_tools([path]).specs
    assert (spec.name, spec.description, list(spec.parameters["properties"])) == ("hello", "Say hello.", ["name"])


def test_what_a_module_prints_while_it_is_imported_is_a_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    loaded = load_tools([write(tmp_path, "m.py", "print('hello')\n" + GREET)])
    assert (loaded.warnings, capsys.readouterr().out) == (("A module printed while it was imported: hello",), "")


def test_two_tools_of_one_name_are_refused_with_both_places(tmp_path: Path) -> None:
    path = write(tmp_path, "tools.yaml", "tools:\n  - name: a\n  - name: a\n")
    assert refusal(path).startswith("tools.yaml:3: there is a tool a already, at tools.yaml:2; rename one of them")


def test_two_tools_of_one_name_in_two_files_are_refused_with_both_places(tmp_path: Path) -> None:
    first, second = write(tmp_path, "a.yaml", "tools: [{name: greet}]"), write(tmp_path, "m.py", GREET)
    assert refusal(first, second).startswith("m.py:1: there is a tool greet already, at a.yaml:1;")


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (
            "x = 1\nimport nowhere_at_all\n",
            "m.py:2: the module cannot be imported: ModuleNotFoundError: No module named",
        ),
        ("def broken(:\n", "m.py:1: the module cannot be imported: SyntaxError: "),
        ("x = 1\n\nraise SystemExit(3)\n", "m.py:3: the module cannot be imported: SystemExit: 3."),
        ("def f():\n  1 / 0\n\nf()\n", "m.py:2: the module cannot be imported: ZeroDivisionError: division by zero."),
        ("x = 1\n", "m.py: no tools here: define a public function, or list functions in TOOLS."),
        ("TOOLS = ['a']\n", "m.py: TOOLS holds 'a', which is no function."),
        ("def greet(name): pass\n", "m.py:1: greet: the parameter name has no type; write one, as in `name: str`"),
        ("def greet(name: 'Nmae'): pass\n", "m.py:1: greet: its annotations cannot be read: NameError"),
        ("x = 1\ndef größe(): pass\n", "m.py:2: the name 'größe' is not allowed"),
        ("def g(a: object()): pass\n", "m.py:1: g: no schema can be made of its types"),
        ("from threading import Lock\ndef g(a: Lock()): pass\n", "m.py:2: g: no schema can be made of its types"),
        ("class A: pass\ndef g(a: A): pass\n", "m.py:2: g: no schema can be made of its types"),
    ],
)
def test_a_module_that_is_no_good_is_one_clear_error(tmp_path: Path, source: str, words: str) -> None:
    text = refusal(write(tmp_path, "m.py", source))
    assert text.startswith(words)
    assert "\n" not in text


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="from Python 3.12 on pydantic reads typing.TypedDict")
def test_a_typed_dict_of_typing_is_explained(tmp_path: Path) -> None:
    path = write(tmp_path, "m.py", "from typing import TypedDict\nclass T(TypedDict):\n  a: int\ndef g(a: T): pass\n")
    assert refusal(path) == (
        "m.py:4: g: no schema can be made of its types: Python 3.11's typing.TypedDict cannot be read; "
        "import TypedDict from typing_extensions instead."
    )


def test_a_bad_module_is_refused_with_the_line_that_names_it(tmp_path: Path) -> None:
    write(tmp_path, "m.py", "1 / 0\n")
    path = write(tmp_path, "tools.yaml", "tools: []\nmodules:\n  - m.py\n")
    assert refusal(path).startswith("tools.yaml:3: m.py:1: the module cannot be imported: ZeroDivisionError")


def test_a_function_that_does_not_exist_is_refused_with_the_nearest(tmp_path: Path) -> None:
    write(tmp_path, "m.py", GREET)
    path = write(tmp_path, "tools.yaml", 'tools: [{name: a, run: {python: "m.py:gret"}}]')
    assert refusal(path).startswith("tools.yaml:1: m.py:gret does not exist (did you mean greet?).")


def test_a_module_that_failed_is_tried_again(tmp_path: Path) -> None:
    path = write(tmp_path, "m.py", "1 / 0\n")
    refusal(path)
    path.write_text(GREET + "# and longer than before\n")
    assert names(path) == ["greet"]


@pytest.mark.parametrize(
    ("path", "words"),
    [
        (
            "nowhere_at_all.inner",
            "there is no module nowhere_at_all.inner; install it, or write the path of a .py file.",
        ),
        ("no such/thing", "no such/thing: there is no such file; tools come from"),
        ("none.py", "none.py: there is no such file."),
        ("none.json", "none.json: there is no such file."),
    ],
)
def test_a_path_that_is_nothing_is_one_clear_error(path: str, words: str) -> None:
    with pytest.raises(UnusableFile) as error:
        load_tools([path])
    assert str(error.value).startswith(words)


def test_nothing_is_loaded_from_no_path() -> None:
    assert load_tools([]).tools == ()


def test_loading_yaml_imports_nothing_heavy(tmp_path: Path) -> None:
    path = write(tmp_path, "tools.yaml", "tools: [{name: a, parameters: {type: object}, run: {mock: 1}}]")
    program = (
        f"import sys; from callscope.tools.loading import load_tools; load_tools([{str(path)!r}]); "
        "print([m for m in ('pydantic', 'jsonschema', 'docstring_parser', 'asyncio') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, timeout=30, capture_output=True, text=True)
    assert done.stdout == "[]\n"


def test_an_import_that_fails_at_the_first_call_is_a_result_with_the_persons_traceback(tmp_path: Path) -> None:
    write(tmp_path, "m.py", "x = 1\n1 / 0\n")
    path = write(tmp_path, "tools.yaml", 'tools: [{name: a, parameters: {}, run: {python: "m.py:a"}}]')
    result = run(LocalToolbox(load_tools([path]).tools), call("a").name)
    assert '"type": "tool_unavailable"' in result.output
    assert "m.py:2: the module cannot be imported: ZeroDivisionError" in result.output
    assert "callscope/tools" not in result.prints
    assert f'File "{tmp_path}/m.py", line 2' in result.prints
