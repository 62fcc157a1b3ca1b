"""The conversation as a list, and its items whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from rich.cells import cell_len

from callscope.core.events import ItemsInserted, Rewound
from callscope.core.values import (
    CallKey,
    Decision,
    Edit,
    Fault,
    Item,
    Message,
    Mock,
    Reject,
    Run,
    ToolCall,
    ToolResult,
)
from callscope.looking.history import history
from callscope.looking.ledger import Ledger
from callscope.record.secrets.masking import Secrets
from playbook import Answer, Playbook, calls, failure, text

PARIS = ("get_weather", '{"city": "Paris"}')
ROME = '{"city": "Rome"}'


def played(*answers: Answer, words: Sequence[str] = ("Weather?",), **kwargs: Any) -> tuple[Playbook, Ledger]:
    play, ledger = Playbook(*answers, **kwargs), Ledger()
    play.session.sinks.append(ledger)
    play.play(*words)
    return play, ledger


def lines(
    played: tuple[Playbook, Ledger], words: str = "", secrets: Secrets | None = None, width: int = 100
) -> list[str]:
    play, ledger = played
    items = play.session.conversation.items
    return [line.plain for line in history(words, items, ledger, secrets or Secrets(), width=width, ascii_only=False)]


def columns(line: str) -> list[str]:
    return line.split(maxsplit=2)


def test_every_item_has_a_number_and_the_persons_messages_one_more() -> None:
    shown = lines(played(calls(PARIS), text("21 degrees."), text("Bye."), words=("Weather?", "Thanks.")))
    assert [line.split()[:3] for line in shown[:-1]] == [
        ["1", "you", "#1"],
        ["2", "call", "get_weather"],
        ["3", "result", "of"],
        ["4", "assistant", "21"],
        ["5", "you", "#2"],
        ["6", "assistant", "Bye."],
    ]
    assert "/edit N" in shown[-1]


def test_a_result_says_which_call_it_is_of() -> None:
    shown = lines(played(calls(PARIS, ("get_time", "{}")), text("."), outputs={"get_weather": "21"}))
    assert "of 2: 21" in shown[3]
    assert "of 3: done" in shown[4]


def test_an_edited_call_is_marked_and_shows_what_ran() -> None:
    shown = lines(played(calls(PARIS), text("."), decisions=[Edit(ROME)]))
    assert "edited get_weather " + ROME in shown[1]


def test_an_edit_that_changed_nothing_is_no_edit() -> None:
    assert "edited" not in lines(played(calls(PARIS), text("."), decisions=[Edit(PARIS[1])]))[1]


def test_an_edited_call_shows_whole_what_was_proposed_and_what_ran() -> None:
    shown = "\n".join(lines(played(calls(PARIS), text("."), decisions=[Edit(ROME)]), "2"))
    assert shown.index("proposed") < shown.index('"Paris"') < shown.index("edited to") < shown.index('"Rome"')
    assert "its result is item 3" in shown


def test_a_result_that_the_person_changed_shows_whole_what_the_tool_returned() -> None:
    changed = played(
        calls(PARIS), text("."), decisions=[Run(review=True)], reviews=["22"], outputs={"get_weather": "21"}
    )
    assert "changed of 2: 22" in lines(changed)[2]
    shown = "\n".join(lines(changed, "3"))
    assert shown.index("the tool returned") < shown.index("21") < shown.index("changed to") < shown.index("22")


@pytest.mark.parametrize(
    ("decision", "words"),
    [(Reject("too hot"), "refused by script: too hot"), (Mock("21"), "answered in its place by script")],
    ids=["reject", "mock"],
)
def test_a_call_shows_whole_what_was_decided_on_it(decision: Decision, words: str) -> None:
    assert words in "\n".join(lines(played(calls(PARIS), text("."), decisions=[decision]), "2"))


def test_a_call_that_could_not_be_run_says_why() -> None:
    cut = played(calls(("f", '{"a')), text("."))
    broken = played(calls(("f", '{"a'), faults={0: Fault("arguments_incomplete", "They end early.")}), text("."))
    assert "not run" not in "\n".join(lines(cut, "2"))
    assert "not run: They end early." in "\n".join(lines(broken, "2"))


def test_what_was_put_in_by_hand_is_marked() -> None:
    play, ledger = played(text("Hi."))
    call = ToolCall(CallKey(1, 900), "hand", "get_time", "{}")
    items: tuple[Item, ...] = (call, ToolResult(call.key, "noon"))
    play.session.emit(ItemsInserted(items))
    assert "by hand get_time" in lines((play, ledger))[2]


@pytest.mark.parametrize("words", ["0", "5", "-1", "x", "1 2", "9" * 30])
def test_a_number_that_is_none_is_answered_with_those_that_are(words: str) -> None:
    assert lines(played(text("Hi.")), words) == [
        "  /history [N]: N is an item of the conversation, by its number, 1 to 2."
    ]


def test_an_empty_conversation_says_so() -> None:
    assert lines((Playbook(), Ledger())) == ["  nothing was said yet"]


def test_the_text_of_an_item_is_shown_whole_with_its_lines() -> None:
    shown = "\n".join(lines(played(text("one\ntwo " + "x" * 3000)), "2"))
    assert "    one\n    two xxx" in shown
    assert "x" * 3000 in shown


@pytest.mark.parametrize("width", [40, 80, 200])
def test_every_line_of_the_list_fits_the_terminal(width: int) -> None:
    words = ("天気はどうですか？ " * 40, "\U0001f468\u200d\U0001f469\u200d\U0001f467 " * 40, "שלום " * 60, "x" * 999)
    shown = lines(played(*(text(word) for word in words), words=words), width=width)
    assert all(cell_len(line) <= width for line in shown)
    assert [line.split()[0] for line in shown[:8]] == list("12345678")


def test_hostile_text_is_shown_and_not_obeyed() -> None:
    hostile = "\x1b]0;owned\x07\x1b[2J\r\u202e\n\nrm -rf"
    game = played(calls((hostile, hostile)), text(hostile), words=(hostile,), outputs={hostile: hostile})
    shown = [line for words in ("", "1", "2", "3", "4") for line in lines(game, words)]
    assert not {"\x1b", "\x07", "\r", "\u202e"} & set("".join(shown))
    assert not any("\n" in line for line in lines(game))


def test_secrets_are_masked_as_in_the_recording() -> None:
    key = "correct-horse-battery"
    game = played(calls(("f", f'{{"k":"{key}"}}')), text(key), words=(key,), outputs={"f": key})
    shown = "".join(line for words in ("", "1", "2", "3", "4") for line in lines(game, words, Secrets([key])))
    assert key not in shown
    assert "*" * len(key) in shown


def test_the_ledger_forgets_what_was_taken_back() -> None:
    play, ledger = played(calls(PARIS), text("."), calls(PARIS), text("."), words=("One", "Two"))
    play.session.emit(Rewound(4))
    assert [(key.exchange, key.index) for key in ledger.calls] == [(1, 0)]
    assert list(ledger.exchanges) == [1, 2]
    play.session.emit(Rewound(0))
    assert not ledger.calls
    assert not ledger.exchanges


def test_a_failed_try_stays_with_the_words_it_answered() -> None:
    play, ledger = played(failure("error"), words=("One",))
    play.session.emit(Rewound(1))
    assert list(ledger.exchanges) == [1]
    assert isinstance(play.session.conversation.items[0], Message)
