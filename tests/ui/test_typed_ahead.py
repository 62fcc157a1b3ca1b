"""What was typed before the prompt: the terminal was in its ordinary mode then, and is not any more."""

from __future__ import annotations

import os
import pty
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest
from prompt_toolkit.input.typeahead import get_typeahead
from prompt_toolkit.input.vt100 import Vt100Input

from callscope.ui.typed_ahead import with_what_was_typed


@pytest.fixture
def terminal() -> Iterator[tuple[int, Vt100Input]]:
    """A terminal in its ordinary mode: the end that types, and what a prompt reads from."""
    keyboard, screen = pty.openpty()
    with os.fdopen(screen, "r") as file:
        yield keyboard, Vt100Input(file)
    os.close(keyboard)


def typed(source: Vt100Input) -> list[str]:
    with with_what_was_typed(source):
        return [press.data for press in get_typeahead(source)]


def test_a_line_that_was_sent_before_the_prompt_is_sent_at_it(terminal: tuple[int, Vt100Input]) -> None:
    keyboard, source = terminal
    os.write(keyboard, b"/clear\r")
    assert typed(source) == [*"/clear", "\r"]


def test_half_a_line_stands_at_the_prompt(terminal: tuple[int, Vt100Input]) -> None:
    keyboard, source = terminal
    os.write(keyboard, b"hel")
    assert typed(source) == [*"hel"]


def test_the_end_of_input_that_was_typed_ahead_ends_the_prompt(terminal: tuple[int, Vt100Input]) -> None:
    keyboard, source = terminal
    os.write(keyboard, b"\x04")
    assert typed(source) == ["\x04"]


def test_a_line_that_comes_while_the_prompt_is_made_ends_with_enter(terminal: tuple[int, Vt100Input]) -> None:
    keyboard, source = terminal
    with with_what_was_typed(source):
        os.write(keyboard, b"/clear\r")
        assert [press.data for press in source.read_keys()] == [*"/clear", "\r"]


def test_the_terminal_is_afterwards_as_it_was(terminal: tuple[int, Vt100Input]) -> None:
    _, source = terminal
    before = termios.tcgetattr(source.fileno())
    typed(source)
    assert termios.tcgetattr(source.fileno()) == before


def test_what_is_no_terminal_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "typed").write_text("hello\n")
    with (tmp_path / "typed").open() as file:
        assert typed(Vt100Input(file)) == []
