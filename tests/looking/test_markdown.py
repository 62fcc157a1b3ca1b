"""A conversation as Markdown, read again by a Markdown parser: what is content stays content."""

from __future__ import annotations

import html
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from callscope.core.events import Diagnostic, ResponseCompleted, ResponseStarted, TextDelta
from callscope.core.values import CallKey, Edit, Frame, Reject, Run, Settings
from callscope.looking.ledger import Ledger
from callscope.looking.markdown import markdown
from callscope.record.secrets.masking import Secrets
from playbook import Answer, Playbook, calls, failure, text

PARIS = ("get_weather", '{"city": "Paris"}')
ROME = '{"city":"Rome"}'
MISCHIEF = st.text(alphabet="`~>#-*_=<!&[]()|\\\n\r\t :a1\u2028\x1b", max_size=40)


def document(
    *answers: Answer, words: Sequence[str] = ("Weather?",), secrets: Secrets | None = None, **kwargs: Any
) -> str:
    play, ledger = Playbook(*answers, **kwargs), Ledger()
    play.session.sinks.append(ledger)
    play.play(*words)
    masked = secrets or Secrets()
    return markdown(play.session.conversation, ledger, lambda text: masked.mask(text)[0])


def tokens(document: str) -> list[Token]:
    return MarkdownIt("commonmark").parse(document)


def headings(document: str) -> list[str]:
    parsed = tokens(document)
    return [after.content for token, after in pairwise(parsed) if token.type == "heading_open"]


def fences(document: str) -> list[str]:
    return [token.content for token in tokens(document) if token.type == "fence"]


def test_the_document_tells_the_conversation_in_order() -> None:
    assert headings(document(calls(PARIS), text("21."), settings=Settings(dialect="scripted", model="m"))) == [
        "A conversation with `m`",
        "You, message 1",
        "Call `get_weather · c0-1`",
        "Result of `get_weather · c0-1`: ok",
        "Assistant, exchange 2",
    ]


def test_an_edited_call_has_what_was_proposed_and_what_ran() -> None:
    shown = document(calls(PARIS), text("."), decisions=[Edit(ROME)])
    assert fences(shown)[:2] == ['{\n  "city": "Paris"\n}\n', '{\n  "city": "Rome"\n}\n']
    assert "Proposed:" in shown
    assert "Edited by script to:" in shown


def test_a_changed_result_has_what_the_tool_returned_and_what_went_back() -> None:
    shown = document(calls(PARIS), text("."), decisions=[Run(review=True)], reviews=["22"], outputs={PARIS[0]: "21"})
    assert fences(shown)[1:] == ["21\n", "22\n"]


def test_a_refusal_names_its_reason() -> None:
    assert "Refused by script: `too hot`" in document(calls(PARIS), text("."), decisions=[Reject("too hot")])


def test_diagnostics_stand_behind_the_exchange_they_are_of() -> None:
    wrong = Diagnostic("warning", "index_missing", "No index.", CallKey(1, 0), Frame("sse", "", "", 3, 9))
    first = calls(PARIS)
    shown = document(Answer((*first.reads, (wrong,)), first.last), text("."))
    assert headings(shown)[-2:] == ["Diagnostics, exchange 1", "Assistant, exchange 2"]
    assert "- warning `index_missing`: `No index.`, `get_weather · c0-1`, bytes 3 to 9" in shown


def test_a_failed_exchange_says_so_where_it_happened() -> None:
    shown = document(failure("http", "overloaded", status=400), text("Hi."), words=("One", "Two"))
    assert headings(shown)[1:] == ["You, message 1", "Exchange 1 failed", "You, message 2", "Assistant, exchange 2"]
    assert any("overloaded" in fence for fence in fences(shown))


def test_secrets_are_masked() -> None:
    key = "correct-horse-battery"
    shown = document(
        calls(("f", f'{{"k":"{key}"}}')), text(key), words=(key,), outputs={"f": key}, secrets=Secrets([key])
    )
    assert key not in shown
    assert shown.count("*" * len(key)) == 4


def test_plain_words_are_quoted_so_that_they_read_well() -> None:
    assert "> one\n> \n> two" in document(text("one\n\ntwo"))


@pytest.mark.parametrize("words", ["<!-- ", "a <plaintext>", "![x](http://evil/?secret)", "[a]: http://evil"])
def test_words_that_could_be_more_than_words_are_fenced(words: str) -> None:
    assert f"{words}\n" in fences(document(text(words)))


def test_a_fence_in_the_content_does_not_end_ours() -> None:
    hostile = "````\n```\n# Not a heading\n`````"
    shown = document(calls(("f", hostile)), text("."), outputs={"f": hostile})
    assert fences(shown) == [f"{hostile}\n"] * 2
    assert "Not a heading" not in headings(shown)


@settings(max_examples=80, deadline=None)
@given(MISCHIEF, MISCHIEF, MISCHIEF)
def test_no_content_makes_a_heading_a_list_or_a_tag_of_ours(name: str, arguments: str, words: str) -> None:
    hostile = calls((name, arguments))
    wrong = Diagnostic("error", "bad_thing", words)
    answer = Answer(((ResponseStarted(0), TextDelta("output", words or "x")), (wrong,)), (ResponseCompleted("stop"),))
    shown = document(hostile, answer, words=(words,), outputs={name: words}, decisions=[Edit(words)])
    parsed = tokens(shown)
    assert len([token for token in parsed if token.type == "heading_open" and token.level == 0]) == 6
    assert not [token for token in parsed if token.type == "html_block" and token.level == 0]
    assert not any(child.type in ("html_inline", "image") for token in parsed for child in token.children or ())
    rendered = MarkdownIt("commonmark").render(shown)
    assert "<plaintext" not in rendered
    assert html.escape("\x1b") not in rendered
