"""One key from a terminal: what counts as one, and what must never answer a question."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import pytest
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.input.typeahead import get_typeahead, store_typeahead
from prompt_toolkit.key_binding import KeyPress

from callscope.ui.one_key import SEVERAL, key_of, read_key


@pytest.fixture
def keyboard(monkeypatch: pytest.MonkeyPatch) -> Iterator[PipeInput]:
    with create_pipe_input() as pipe:
        monkeypatch.setattr("prompt_toolkit.input.create_input", lambda: pipe)
        yield pipe


def pressed(ask: Callable[[], None]) -> str:
    async def bounded() -> str:
        async with asyncio.timeout(10):
            return await read_key(ask)

    return asyncio.run(bounded())


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("y", "y"),
        ("Y", "Y"),
        ("ü", "ü"),
        ("y\r", "y"),
        ("y\n", "y"),
        ("\ry", "y"),
        ("yn", SEVERAL),
        ("yes\r", SEVERAL),
        ("\x1b[A", "up"),
        ("\x1bOP", "f1"),
        ("\x1b", "escape"),
        ("\t", "c-i"),
    ],
)
def test_a_key_is_read_as_it_was_pressed(keyboard: PipeInput, text: str, key: str) -> None:
    assert pressed(lambda: keyboard.send_text(text)) == key


@pytest.mark.parametrize("text", ["\x03", "\x04", "y\x03", "\x03y"])
def test_ctrl_c_and_ctrl_d_cancel_whatever_else_was_pressed(keyboard: PipeInput, text: str) -> None:
    with pytest.raises(asyncio.CancelledError):
        pressed(lambda: keyboard.send_text(text))


def test_a_terminal_that_has_gone_cancels(keyboard: PipeInput) -> None:
    with pytest.raises(asyncio.CancelledError):
        pressed(keyboard.close)


@pytest.mark.parametrize(
    "names",
    [
        ["c-m"],
        ["c-j", "c-m"],
        ["<cursor-position-response>"],
        ["escape", "]", "1", "1", ";", "a", "c-g"],
        ["escape", "y"],
    ],
    ids=["Enter", "Enter twice", "a cursor position", "a terminal's colour", "Alt-y"],
)
def test_what_is_no_persons_key_is_passed_over(names: list[str]) -> None:
    assert key_of(names) is None


def test_what_a_prompt_left_unread_answers_nothing(keyboard: PipeInput) -> None:
    store_typeahead(keyboard, [KeyPress("y", "y")])
    assert pressed(lambda: keyboard.send_text("n")) == "n"
    assert get_typeahead(keyboard) == []
