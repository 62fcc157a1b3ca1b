"""What Tab offers behind a command."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from callscope.core.events import BytesRead, ExchangeEnded, ExchangeOpened, ResponseHead, WireEvent
from callscope.core.values import Request
from scriptedrepl import ScriptedRepl

TOOLS = """
    tools:
      - name: get_weather
        description: Weather of a city.
        parameters:
          type: object
          properties:
            unit: {enum: [celsius, deg F, 3]}
            detailed: {type: boolean}
            city: {type: string, description: City name}
            options: {type: object}
          required: [city]
      - name: get_time
        parameters: {type: object, properties: {}}
"""


class Models:
    """An endpoint that lists models, or fails to; counts how often it is asked."""

    def __init__(self, status: int = 200) -> None:
        self.asked = 0
        self.status = status

    async def stream(self, exchange: int, request: Request) -> AsyncGenerator[WireEvent, None]:
        self.asked += 1
        assert request.url == "http://h/v1/models"
        yield ExchangeOpened(exchange, request)
        yield ResponseHead(exchange, self.status, ())
        yield BytesRead(exchange, b'{"data":[{"id":"small"},{"id":"smart"},{"id":"sly\\u001b[2J"},{"id":"big"}]}')
        yield ExchangeEnded(exchange, "complete")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("/too", ["/tools", "/tool ", "/tool-choice ", "/tool-form "]),
        ("/qu", ["/quit"]),
        ("//", []),
        ("hello /qu", []),
        ("/nothing x", []),
        ("/tool get_w", ["/tool get_weather"]),
        (
            "/tool-choice ",
            [
                f"/tool-choice {word}"
                for word in (
                    *("none", "auto", "required", "-", "get_weather", "get_time"),
                    *("allowed:auto:", "allowed:required:"),
                )
            ],
        ),
        ("/tool-choice allowed:r", ["/tool-choice allowed:required:"]),
        ("/tool-choice allowed:auto:get_w", ["/tool-choice allowed:auto:get_weather"]),
        ("/tool-choice allowed:auto:get_weather,", ["/tool-choice allowed:auto:get_weather,get_time"]),
        ("/tool-form f", ["/tool-form functions", "/tool-form flat-allowed"]),
        ("/tool-form functions n", ["/tool-form functions null-ids"]),
        ("/strict o", ["/strict on", "/strict off"]),
        ("/parallel o", ["/parallel on", "/parallel off"]),
        ("/approve a", ["/approve ask", "/approve always"]),
        ("/help tool", ["/help tools", "/help tool", "/help tool-choice", "/help tool-form"]),
        ("/help /tool-", ["/help /tool-choice", "/help /tool-form"]),
        ("/call get_w", ["/call get_weather "]),
        ("/call! get_t", ["/call! get_time "]),
        ("/call get_weather ci", ["/call get_weather city="]),
        ("/call get_weather {", []),
        ("/call get_nothing ci", []),
        ("/call get_weather unit=", [f"/call get_weather unit={word} " for word in ("celsius", "'deg F'", "3")]),
        ("/call get_weather unit:=", [f"/call get_weather unit:={word} " for word in ('"celsius"', '"deg F"', "3")]),
        ("/call get_weather detailed=f", ["/call get_weather detailed=false "]),
        ("/call get_weather city=", []),
        ('/call get_weather city="New Y', []),
    ],
)
def test_tab_offers_what_may_stand_there(tmp_path: Path, before: str, after: list[str]) -> None:
    assert ScriptedRepl(tmp_path, TOOLS).completed(before) == after


def test_required_parameters_come_first_and_given_ones_not_again(tmp_path: Path) -> None:
    repl = ScriptedRepl(tmp_path, TOOLS)
    begin = "/call get_weather "
    assert repl.completed(begin) == [begin + name for name in ("city=", "unit=", "detailed=", "options:=")]
    begin = "/call get_weather city=x options:={} "
    assert repl.completed(begin) == [begin + name for name in ("unit=", "detailed=")]


def test_a_parameter_says_what_it_is(tmp_path: Path) -> None:
    repl = ScriptedRepl(tmp_path, TOOLS)
    found = asyncio.run(repl.repl.complete("/call get_weather "))
    assert [candidate.note for candidate in found] == [
        "string, required, City name", "celsius or deg F or 3", "boolean", "object",
    ]  # fmt: skip


def test_files_are_offered_after_an_at_sign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repl = ScriptedRepl(tmp_path, TOOLS)
    (tmp_path / "a note.txt").touch()
    monkeypatch.chdir(tmp_path)
    assert repl.completed("/call get_weather city=@a") == ["/call get_weather city=@'a note.txt'"]


def test_models_are_asked_for_once(tmp_path: Path) -> None:
    repl = ScriptedRepl(tmp_path, url="http://h/v1")
    endpoint = repl.session.endpoint = Models()
    assert repl.completed("/model s") == ["/model small", "/model smart"]
    assert repl.completed("/model b") == ["/model big"]
    assert endpoint.asked == 1


def test_a_server_without_a_list_of_models_is_asked_once_and_nothing_is_said(tmp_path: Path) -> None:
    repl = ScriptedRepl(tmp_path, url="http://h/v1")
    endpoint = repl.session.endpoint = Models(404)
    assert repl.completed("/model s") == repl.completed("/model s") == []
    assert endpoint.asked == 1
    assert repl.out.getvalue() == ""
