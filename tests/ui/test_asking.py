"""How a person is asked: what a question looks like, and what an edit goes through."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable

import pytest
from rich.console import Console

from callscope.ui import asking
from callscope.ui.asking import Choice, Choices, Draft, PersonAtTerminal
from callscope.ui.inline import ToEditor
from callscope.ui.prompt_gate import CALL

FEW: Choices = {"y": Choice("yes", "do it"), "N": Choice("Never", "leave it"), "o": Choice("look", "look first")}


class Typed:
    """Stands for the terminal: these keys are pressed, these texts typed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *answers: str | ToEditor | None) -> None:
        self.answers = list(answers)
        self.began_with: list[str] = []
        monkeypatch.setattr(asking, "read_key", self.key)
        monkeypatch.setattr(asking, "type_text", self.text)

    async def key(self, ask: Callable[[], None]) -> str:
        ask()
        answer = self.answers.pop(0)
        assert isinstance(answer, str)
        return answer

    async def text(self, prompt: str, text: str, hint: str) -> str | None:
        self.began_with.append(text)
        answer = self.answers.pop(0)
        if isinstance(answer, ToEditor):
            raise answer
        return answer


def person(width: int = 120, encoding: str = "utf-8", **environ: str) -> tuple[PersonAtTerminal, Callable[[], str]]:
    raw = io.BytesIO()
    screen = io.TextIOWrapper(raw, encoding=encoding, errors="backslashreplace", write_through=True)
    console = Console(file=screen, width=width, soft_wrap=True)
    return PersonAtTerminal(console, environ), lambda: raw.getvalue().decode(encoding)


def test_a_question_shows_its_keys_in_their_words(monkeypatch: pytest.MonkeyPatch) -> None:
    Typed(monkeypatch, "y")
    asked, shown = person()
    assert asyncio.run(asked.key("do it?", FEW)) == "y"
    assert shown() == "  do it? [y]es [N]ever [o]look [?] › yes\n"


def test_a_question_asks_again_after_an_unknown_key_and_says_so_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    Typed(monkeypatch, "x", "", "several", "N")
    asked, shown = person()
    assert asyncio.run(asked.key("do it?", FEW)) == "N"
    assert shown().count("do it?") == 4
    assert shown().count("is none of these keys; ? tells") == 2  # none after Ctrl-Z, which is no mistake
    assert "leave it" not in shown()


@pytest.mark.parametrize("leaving", ["Ctrl-C stops the turn.", "Ctrl-C says no."])
def test_a_question_mark_tells_what_the_keys_of_this_question_do(monkeypatch: pytest.MonkeyPatch, leaving: str) -> None:
    Typed(monkeypatch, "?", "y")
    asked, shown = person()
    asyncio.run(asked.key("do it?", FEW, leaving))
    assert f"    y  do it\n    N  leave it\n    o  look first\n    {leaving}\n" in shown()


def test_a_question_that_was_interrupted_says_so_where_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    async def interrupted(ask: Callable[[], None]) -> str:
        ask()
        raise asyncio.CancelledError

    monkeypatch.setattr(asking, "read_key", interrupted)
    asked, shown = person()
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(asked.key("do it?", FEW))
    assert shown() == "  do it? [y]es [N]ever [o]look [?] › interrupted\n"


@pytest.mark.parametrize("width", [1, 2, 7, 10])
def test_a_question_can_be_answered_however_narrow_the_terminal_is(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    Typed(monkeypatch, "y")
    asked, _ = person(width)
    assert asyncio.run(asked.key("1 of 2 · get_weather · call_1 — run it?", CALL)) == "y"


@pytest.mark.parametrize("width", [40, 59, 60, 80, 120, 300])
def test_every_key_is_shown_within_the_terminal(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    Typed(monkeypatch, "y")
    asked, shown = person(width)
    asyncio.run(asked.key("1 of 2 · get_weather · call_1 — run it?", CALL))
    lines = shown().splitlines()
    assert all(len(line) <= width for line in lines)
    assert all(f"[{key}]" in shown() for key in CALL)


def test_the_keys_of_a_call_take_one_row_of_80_columns_and_keep_their_words_at_40(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown = {}
    for width in (40, 80, 120):
        Typed(monkeypatch, "y")
        asked, show = person(width)
        asyncio.run(asked.key("get_weather · call_1 — run it?", CALL))
        shown[width] = show().splitlines()
    assert shown[80] == [
        "  get_weather · call_1 — run it?",
        "  [y]es [Y]always [n]o [N]ever [r]eason [e]dit [m]ock [o] [p] [a]bort [?] › yes",
    ]
    assert shown[40] == [
        "  get_weather · call_1 — run it?",
        "  [y]es [Y]always [n]o [N]ever",
        "  [r]eason [e]dit [m]ock [o]utput",
        "  [p]rint [a]bort [?] › yes",
    ]
    assert len(shown[120]) == 1 or "[p]rint" in shown[120][1]


@pytest.mark.parametrize(("key", "told"), [("a", "a"), ("e", "edit"), ("r", "r")])
def test_an_answer_that_would_wrap_is_told_by_its_key(monkeypatch: pytest.MonkeyPatch, key: str, told: str) -> None:
    Typed(monkeypatch, key)
    asked, shown = person(80)
    asyncio.run(asked.key("get_weather · call_1 — run it?", CALL))
    assert shown().endswith(f" [a]bort [?] › {told}\n")


def test_a_terminal_without_utf8_gets_ascii(monkeypatch: pytest.MonkeyPatch) -> None:
    Typed(monkeypatch, "y")
    asked, shown = person(encoding="ascii")
    asyncio.run(asked.key("do it?", FEW))
    assert shown() == "  do it? [y]es [N]ever [o]look [?] > yes\n"


def draft(text: str = "old") -> Draft:
    return Draft(text, "text", "txt", lambda new: None if new.startswith("good") else "it must be good")


def test_an_edit_at_the_prompt_goes_on_from_what_was_written(monkeypatch: pytest.MonkeyPatch) -> None:
    typed = Typed(monkeypatch, "bad", "worse", "good")
    asked, shown = person()
    assert asyncio.run(asked.edit(draft())) == "good"
    assert typed.began_with == ["old", "bad", "worse"]
    assert shown().count("! it must be good") == 2


def test_esc_is_a_change_of_mind(monkeypatch: pytest.MonkeyPatch) -> None:
    Typed(monkeypatch, "bad", None, None)
    asked, _ = person()
    assert asyncio.run(asked.edit(draft())) is None
    assert asyncio.run(asked.words("reason")) == ""


@pytest.mark.parametrize(("text", "said"), [("old", "unchanged"), ("", "empty"), ("  ", "empty")])
def test_a_text_as_it_was_or_empty_is_no_edit(monkeypatch: pytest.MonkeyPatch, text: str, said: str) -> None:
    Typed(monkeypatch, text)
    asked, shown = person()
    assert asyncio.run(asked.edit(draft())) is None
    assert said in shown()


def test_the_wish_for_an_editor_where_there_is_none_keeps_the_text(monkeypatch: pytest.MonkeyPatch) -> None:
    typed = Typed(monkeypatch, ToEditor("half"), "whole")
    asked, shown = person()
    assert asyncio.run(asked.words("answer")) == "whole"
    assert typed.began_with == ["", "half"]
    assert "neither $VISUAL nor $EDITOR is set" in shown()
