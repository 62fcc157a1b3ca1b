"""Words as values: the same as Typer would make of them, at a fraction of the cost."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import pytest
import typer
from typer.main import get_command

from callscope.app.conversion import convert_plainly

app = typer.Typer(rich_markup_mode=None, add_completion=False)
heard: dict[str, Any] = {}


@app.command()
def one(
    context: typer.Context,
    needed: str,
    missing: Annotated[str | None, typer.Argument()] = None,
    text: str | None = None,
    path: Annotated[Path | None, typer.Option("--path")] = None,
    texts: Annotated[list[str] | None, typer.Option("--texts")] = None,
    paths: Annotated[list[Path] | None, typer.Option("--paths")] = None,
    number: float | None = None,
    count: Annotated[int | None, typer.Option(min=1)] = None,
    switch: bool = False,
    either: bool | None = None,
) -> None:
    """All kinds of parameters that our commands have."""
    heard.update(context.params)


@app.command()
def other() -> None:
    """A second command, so that the first one has a name."""


def values(command: Any, words: list[str]) -> dict[str, Any]:
    heard.clear()
    command(["one", *words], prog_name="test", standalone_mode=False)
    return dict(heard)


@pytest.mark.parametrize(
    "words",
    [
        ["word"],
        [""],
        ["word", "argument", "--text", "", "--path", "~/a b", "--switch", "--either"],
        ["word", "--no-either", "--number", "2.5", "--count", "3"],
        ["word", "--number", " 1e3 ", "--text", "北京"],
        ["word", "--texts", "a=b", "--texts", "", "--paths", "x.py", "--paths", "../y.yaml"],
    ],
)
def test_every_word_means_what_it_means_to_typer(words: list[str]) -> None:
    assert values(convert_plainly(get_command(app)), words) == values(get_command(app), words)


@pytest.mark.parametrize(
    "words", [[], ["word", "--number", "many"], ["word", "--count", "0"], ["word", "--count", "x"]]
)
def test_a_mistake_is_said_in_the_words_of_typer(words: list[str]) -> None:
    with pytest.raises(Exception) as ours:  # its class is private to Typer
        values(convert_plainly(get_command(app)), words)
    with pytest.raises(Exception) as theirs:
        values(get_command(app), words)
    assert type(ours.value) is type(theirs.value)
    assert str(ours.value) == str(theirs.value)


@pytest.mark.parametrize(("option", "kind"), [("--texts", "str"), ("--paths", "path"), ("--count", "int")])
def test_help_says_what_an_option_takes_in_no_words_of_python(
    option: str, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    convert_plainly(get_command(app))(["one", "--help"], prog_name="test", standalone_mode=False)
    assert f"{option} <{kind}>" in capsys.readouterr().out
