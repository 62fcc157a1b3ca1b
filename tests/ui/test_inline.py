"""A text at a prompt in the middle of a turn, on a screen of its own."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterator

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.data_structures import Size
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output.vt100 import Vt100_Output

from callscope.ui.inline import ToEditor, type_text


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    written = io.StringIO()
    output = Vt100_Output(written, lambda: Size(rows=24, columns=80), term="xterm", enable_cpr=False)
    monkeypatch.setattr("prompt_toolkit.output.create_output", lambda **_: output)
    monkeypatch.setenv("TERM", "xterm")
    return written


@pytest.fixture
def keyboard(screen: io.StringIO) -> Iterator[PipeInput]:
    with create_pipe_input() as pipe, create_app_session(input=pipe):
        yield pipe


def typed(keyboard: PipeInput, keys: str, text: str = "") -> str:
    async def bounded() -> str:
        async with asyncio.timeout(10):
            return await type_text("  text › ", text)

    keyboard.send_text(keys)
    return asyncio.run(bounded())


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        ("blue\r", "blue"),
        ("a\x1b\rb\r", "a\nb"),
        ("a\nb\r", "a\nb"),
        ("\x1b[200~a\r\nb\r\n\x1b[201~\r", "a\nb\n"),
        ("\r", ""),
    ],
    ids=["Enter", "Alt-Enter", "Ctrl-J", "a paste", "nothing"],
)
def test_enter_sends_and_new_lines_can_be_made(keyboard: PipeInput, keys: str, text: str) -> None:
    assert typed(keyboard, keys) == text


def test_the_text_begins_as_it_was_given_with_the_cursor_at_its_end(keyboard: PipeInput) -> None:
    assert typed(keyboard, "!\r", "two\nlines") == "two\nlines!"


def test_the_editor_gets_what_was_typed_so_far(keyboard: PipeInput) -> None:
    with pytest.raises(ToEditor) as wish:
        typed(keyboard, "half\x18\x05", "one ")
    assert wish.value.text == "one half"


@pytest.mark.parametrize("key", ["\x03", "\x04"], ids=["Ctrl-C", "Ctrl-D"])
def test_ctrl_c_and_ctrl_d_cancel(keyboard: PipeInput, key: str) -> None:
    with pytest.raises(asyncio.CancelledError):
        typed(keyboard, key)


HOSTILE = "a\u202e\u2066b 北京 \x1b[2J\x9b1m é"


def test_hostile_characters_are_shown_and_not_obeyed(keyboard: PipeInput, screen: io.StringIO) -> None:
    assert typed(keyboard, "\r", HOSTILE) == HOSTILE
    shown = screen.getvalue()
    assert "a\\u202e\\u2066b 北京 " in shown
    assert "\x1b[2J" not in shown
    assert "\u202e" not in shown
    assert "\x9b" not in shown


def test_a_hostile_character_is_one_place_for_the_cursor(keyboard: PipeInput) -> None:
    left = "\x1b[D"
    assert typed(keyboard, left * 2 + "\x7f\r", "a\u202ebc") == "abc"
