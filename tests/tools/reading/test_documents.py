from __future__ import annotations

from pathlib import Path

import pytest

from callscope.core.errors import UnusableFile
from callscope.tools.reading.documents import read_document
from toolbench import refusal, write


def value_of(folder: Path, text: str, name: str = "x.yaml") -> object:
    return read_document(write(folder, name, text)).value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: text", "text"),
        ("a: 12", 12),
        ("a: -1.5", -1.5),
        ("a: 1.5e+3", 1500.0),
        ("a: true", True),
        ("a: False", False),
        ("a: null", None),
        ("a: ~", None),
        ("a:", None),
        ("a: 'no'", "no"),
        ('a: "012"', "012"),
        ("a: |\n  two\n  lines\n", "two\nlines\n"),
        ("a: v1.2.3", "v1.2.3"),
        ("a: {b: [1, x]}", {"b": [1, "x"]}),
    ],
)
def test_what_all_readers_of_yaml_agree_on_is_read(tmp_path: Path, text: str, value: object) -> None:
    assert value_of(tmp_path, text) == {"a": value}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("yes", 'yes is a boolean to some readers of YAML: write true, or "yes" in quotes for the word'),
        ("NO", 'NO is a boolean to some readers of YAML: write false, or "NO" in quotes for the word'),
        ("On", "On is a boolean"),
        ("012", "012 is not the same number to all readers of YAML"),
        ("0o12", "0o12 is not plain text to all readers of YAML"),
        ("0x1F", "0x1F is not the same number"),
        ("1_000", "1_000 is not the same number"),
        ("1e3", "1e3 is not plain text"),
        ("12:30:45", "12:30:45 is not the same number"),
        ("+1", "+1 is not the same number"),
        (".inf", ".inf is not the same number"),
        (".nan", ".nan is not the same number"),
        ("2024-01-01", "2024-01-01 is not plain text"),
        ("!!python/object/apply:os.system [ls]", "the tag !!python/object/apply:os.system is not read"),
        ("!mine x", "the tag !mine is not read"),
        ('!!int "3"', "the tag !!int is not read"),
    ],
)
def test_what_readers_of_yaml_disagree_on_is_refused_with_its_line(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(UnusableFile) as refused:
        value_of(tmp_path, f"# a comment\na: 1\nb: {text}\n")
    assert f"x.yaml:3: {words}" in str(refused.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: 1\nb: 2\na: 3\n", "x.yaml:3: the key 'a' stands twice (first on line 1); keep one of them."),
        ("12: x\n", 'x.yaml:1: the key 12 is not text; write it in quotes: "12".'),
        ("yes: x\n", "x.yaml:1: yes is a boolean"),
        ("? [a]\n: x\n", "x.yaml:1: a key must be a word"),
        ("b: &b {x: 1}\na:\n  <<: *b\n", "x.yaml:3: merge keys (`<<`) are not read"),
        ("a: &a [*a]\n", "x.yaml:1: the aliases here never end"),
        ("a: [1, 2\nb: 3\n", "x.yaml:2: this is no YAML"),
        ("a:\n\tb: 1\n", "x.yaml:2: this is no YAML"),
        ("a: 1\n---\nb: 2\n", "x.yaml:2: this is no YAML"),
        ("a: *nowhere\n", "x.yaml:1: this is no YAML"),
        ("a: \x01\n", "x.yaml: this is no YAML"),
        ("# nothing\n", "x.yaml: there are only comments here"),
    ],
)
def test_a_broken_yaml_file_is_one_clear_error(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(UnusableFile) as refused:
        value_of(tmp_path, text)
    assert str(refused.value).replace(f"{tmp_path}/", "").startswith(words)


def test_aliases_of_whole_values_are_read(tmp_path: Path) -> None:
    assert value_of(tmp_path, "a: &city {type: string}\nb: *city\n") == {
        "a": {"type": "string"},
        "b": {"type": "string"},
    }


def test_aliases_of_aliases_do_not_fill_the_memory(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    with pytest.raises(UnusableFile, match="the aliases here never end"):
        value_of(tmp_path, "\n".join(lines))


@pytest.mark.parametrize("opened", ["[", "- ", "? "])
def test_a_file_so_deep_that_the_parser_would_crash_is_refused(tmp_path: Path, opened: str) -> None:
    with pytest.raises(UnusableFile, match="nested too deeply"):
        value_of(tmp_path, f"tools: {opened * 50_000}" if opened == "[" else f"{opened * 50_000}a")


def test_a_file_nested_too_deeply_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnusableFile, match="nested too deeply"):
        value_of(tmp_path, "a: " + "[" * 300 + "]" * 300)


def test_a_missing_file_is_said_to_be_missing(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none.yaml") == "none.yaml: there is no such file."


def test_a_folder_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "folder.yaml").mkdir()
    assert refusal(tmp_path / "folder.yaml") == "folder.yaml: cannot be read: Is a directory."


def test_a_file_without_an_end_is_refused(tmp_path: Path) -> None:
    (tmp_path / "endless.yaml").symlink_to("/dev/zero")
    assert refusal(tmp_path / "endless.yaml") == "endless.yaml: longer than 16,777,216 bytes, as no file of tools is."


def test_a_file_that_is_not_utf_8_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(b"a: 1\nb: caf\xe9\n")
    assert refusal(path) == "x.yaml:2: the file is not UTF-8 (byte 11); save it as UTF-8."


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\n")
    assert read_document(path).value == {"a": 1}


@pytest.mark.parametrize("text", ["", "  \n\n"])
def test_an_empty_file_is_refused(tmp_path: Path, text: str) -> None:
    assert refusal(write(tmp_path, "x.yaml", text)).startswith("x.yaml: the file is empty")


def test_json_is_read_as_json_and_not_as_yaml(tmp_path: Path) -> None:
    text = '{"a": "\\ud83d\\ude00",\n\t"b": 1e3, "c": "no"}'
    assert value_of(tmp_path, text, "x.json") == {"a": "😀", "b": 1000.0, "c": "no"}


def test_json_in_a_yaml_file_is_read_as_json(tmp_path: Path) -> None:
    assert value_of(tmp_path, '[{"a": 1e3}]') == [{"a": 1000.0}]


def test_flow_yaml_that_is_no_json_is_read_as_yaml(tmp_path: Path) -> None:
    assert value_of(tmp_path, "{a: [b, c]}") == {"a": ["b", "c"]}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"a": 1,\n "b" 2}', "x.json:2: this is no JSON: Expecting ':' delimiter."),
        ('{"a": 1, "a": 2}', "x.json: the key 'a' stands twice in one object; keep one of them."),
        ('{"a": NaN}', "x.json: NaN is no JSON number."),
        ("[" * 100_000, "x.json: the file is nested too deeply."),
    ],
)
def test_a_broken_json_file_is_one_clear_error(tmp_path: Path, text: str, words: str) -> None:
    assert refusal(write(tmp_path, "x.json", text)) == words


def test_a_part_of_a_file_has_its_line_or_that_of_the_nearest_part_around_it(tmp_path: Path) -> None:
    document = read_document(write(tmp_path, "x.yaml", "tools:\n  - name: a\n  - name: b\n    description: c\n"))
    places = [
        document.where(at).rpartition(":")[2] for at in [("tools", 1), ("tools", 1, "description"), ("tools", 1, "x")]
    ]
    assert places == ["3", "4", "3"]


def test_json_has_lines_too(tmp_path: Path) -> None:
    document = read_document(write(tmp_path, "x.json", '[\n {"name": "a"},\n {"name": "b"}\n]'))
    assert document.where((1, "name")).endswith("x.json:3")
