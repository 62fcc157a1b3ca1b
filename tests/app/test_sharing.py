"""Options that several commands share: described once, and the same wherever they stand."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
import typer
from typer.testing import CliRunner

from callscope.app.app import app
from callscope.app.sharing import shares


class Colours:
    """Some options."""

    ink: Annotated[str | None, typer.Option("--ink", help="The ink.")] = None
    paper: Annotated[bool, typer.Option("--paper", help="The paper.")] = True


def asked(*words: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    drawing = typer.Typer()

    @drawing.command()
    @shares(Colours)
    def draw(what: Annotated[str, typer.Argument()], **said: Any) -> None:
        found.update(what=what, **said)

    CliRunner().invoke(drawing, list(words), catch_exceptions=False)
    return found


def test_a_command_gets_what_was_said_of_the_shared_options() -> None:
    assert asked("a cat", "--ink", "blue") == {"what": "a cat", "ink": "blue", "paper": True}


def test_a_shared_option_that_nobody_names_has_its_default() -> None:
    assert asked("a cat") == {"what": "a cat", "ink": None, "paper": True}


def helps(command: str) -> dict[str | None, str | None]:
    group: Any = typer.main.get_command(app)
    return {each.name: getattr(each, "help", None) for each in group.commands[command].params}


@pytest.mark.parametrize("command", ["ask", "demo", "agents", "doctor"])
def test_an_option_that_chat_has_too_is_helped_in_the_same_words(command: str) -> None:
    chat, other = helps("chat"), helps(command)
    differing = {name for name in chat.keys() & other.keys() if chat[name] != other[name]}
    assert differing <= {"model", "url"}  # doctor takes several models, and agents a URL without a word before it


def test_whatever_chat_takes_but_for_going_on_ask_takes() -> None:
    assert helps("chat").keys() - helps("ask").keys() == {"resume"}
