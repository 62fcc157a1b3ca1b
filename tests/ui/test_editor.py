"""A text in the person's own editor: which one it is, and what is left of the text."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

import pytest

from callscope.ui.editor import NoEditor, edit_in_editor, editor_command


@pytest.mark.parametrize(
    ("environ", "command"),
    [
        ({}, None),
        ({"EDITOR": "vi"}, ["vi"]),
        ({"VISUAL": "code --wait", "EDITOR": "vi"}, ["code", "--wait"]),
        ({"VISUAL": " ", "EDITOR": "vi"}, ["vi"]),
        ({"EDITOR": ""}, None),
        ({"EDITOR": "'my editor' -c \"set nu; $(id)\""}, ["my editor", "-c", "set nu; $(id)"]),
    ],
)
def test_the_editor_is_visual_before_editor_and_its_words_go_to_no_shell(
    environ: dict[str, str], command: list[str] | None
) -> None:
    assert editor_command(environ) == command


def test_an_editor_that_cannot_be_read_as_words_is_said() -> None:
    with pytest.raises(NoEditor, match=r"\$VISUAL cannot be read: no closing quotation"):
        editor_command({"VISUAL": "vi '"})


def edited(tmp_path: Path, text: str, program: str) -> str:
    """The text after a Python program has had its file, whose content is the bytes `text`."""
    script = tmp_path / "editor.py"
    script.write_text(
        "import pathlib, sys\nfile = pathlib.Path(sys.argv[1])\ntext = file.read_bytes()\n"
        f"{program}\nfile.write_bytes(text)\n"
    )
    return asyncio.run(edit_in_editor([sys.executable, str(script)], text, "a.json"))


@pytest.mark.parametrize("text", ["", "a", "a\n", "a\r\nb", "\n\n", "北京 \x1b[2J \u202e", "half \ud83d a character"])
def test_a_text_that_is_left_alone_stays_as_it_was(tmp_path: Path, text: str) -> None:
    assert edited(tmp_path, text, "pass") == text


@pytest.mark.parametrize("text", ["a", "a\nb", "a\n", ""])
def test_the_newline_an_editor_adds_to_the_last_line_is_not_the_persons(tmp_path: Path, text: str) -> None:
    assert edited(tmp_path, text, "text += b'' if text.endswith(b'\\n') else b'\\n'") == text


def test_what_the_person_wrote_comes_back_whole(tmp_path: Path) -> None:
    assert edited(tmp_path, '{"a": 1}', "text = '{\\n\"ä\": 2\\n}\\n\\n'.encode()") == '{\n"ä": 2\n}\n'


def test_a_signal_that_is_not_the_editors_is_heard_while_it_runs(tmp_path: Path) -> None:
    async def heard() -> bool:
        came = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, came.set)
        script = "import os, signal; os.kill(os.getppid(), signal.SIGINT); os.kill(os.getppid(), signal.SIGUSR1)"
        await edit_in_editor([sys.executable, "-c", script], "", "a")
        async with asyncio.timeout(10):
            return await came.wait()

    before = signal.getsignal(signal.SIGINT)
    assert asyncio.run(heard())
    assert signal.getsignal(signal.SIGINT) is before


def test_an_interruption_is_heard_again_when_the_editor_has_ended(tmp_path: Path) -> None:
    async def heard() -> bool:
        came = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, came.set)
        await edit_in_editor([sys.executable, "-c", "import os; os.kill(os.getppid(), 2)"], "", "a")
        assert not came.is_set()
        signal.raise_signal(signal.SIGINT)
        async with asyncio.timeout(10):
            return await came.wait()

    assert asyncio.run(heard())
