"""`/readers`: the bytes of this session, as other programs would read them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from callscope.core.events import BytesRead, ExchangeEnded, ExchangeOpened, ResponseHead, SettingsChanged
from callscope.core.state import Conversation
from callscope.core.values import Request
from readersbench import STREAM, two_calls
from scriptedrepl import ScriptedRepl

REQUEST = Request("POST", "http://localhost/v1/chat/completions", (), b'{"stream":true}')


@pytest.fixture
def scripted(tmp_path: Path) -> ScriptedRepl:
    """A session in which two calls came at one index."""
    scripted = ScriptedRepl(tmp_path)
    scripted.session.conversation = Conversation()  # Chat Completions
    scripted.session.sinks.append(scripted.repl.witness)
    for event in (
        ExchangeOpened(1, REQUEST),
        ResponseHead(1, 200, STREAM),
        BytesRead(1, two_calls(0, 0)),
        ExchangeEnded(1, "complete"),
    ):
        scripted.session.emit(event)
    return scripted


@pytest.mark.parametrize("line", ["/readers", "/readers 1"])
def test_readers_shows_what_others_see_of_an_exchange(scripted: ScriptedRepl, line: str) -> None:
    shown = scripted.typed(line)
    assert "exchange 1  chat, HTTP 200 text/event-stream" in shown
    assert shown.count("calls merged into one") == 4  # a row and a difference of the SDK, and of its helper


def test_an_exchange_is_read_in_the_dialect_that_it_was_made_in(scripted: ScriptedRepl) -> None:
    settings = scripted.session.conversation.settings
    scripted.session.emit(SettingsChanged(replace(settings, dialect="acf")))
    assert "exchange 1  chat, HTTP 200 text/event-stream" in scripted.typed("/readers 1")


def test_an_exchange_that_is_not_kept_is_said(scripted: ScriptedRepl) -> None:
    assert "Exchange 7 is not kept here." in scripted.typed("/readers 7")


def test_what_is_no_number_is_said(scripted: ScriptedRepl) -> None:
    assert "N is the number of an exchange" in scripted.typed("/readers all")


def test_before_any_request_there_is_nothing_to_read(tmp_path: Path) -> None:
    assert "No request was sent yet." in ScriptedRepl(tmp_path).typed("/readers")


def test_an_exchange_too_large_to_be_kept_leads_to_the_recording(scripted: ScriptedRepl) -> None:
    scripted.session.emit(ExchangeOpened(2, REQUEST))
    scripted.session.emit(ResponseHead(2, 200, STREAM))
    scripted.session.emit(BytesRead(2, b"x" * 5_000_000))
    scripted.session.emit(ExchangeEnded(2, "complete"))
    assert "callscope recordings compare-readers" in " ".join(scripted.typed("/readers 2").split())
