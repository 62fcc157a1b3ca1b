"""The main states as terminals of many kinds show them; UPDATE_GOLDEN=1 in the environment rewrites the golden files.

Each file has a state at 40, 80 and 200 columns, and at 80 without UTF-8.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

from callscope.core.events import (
    BytesRead,
    CallDecided,
    CallHeld,
    Diagnostic,
    ResponseFailed,
    ResponseHead,
    ResultHeld,
    TextDelta,
    ToolFinished,
    ToolStarted,
    TurnEnded,
)
from callscope.core.values import Edit, Fault, Frame, Run, ToolCall, ToolResult
from callscope.panels.footer import footer
from callscope.panels.look import Look, Picture
from callscope.panels.panels import screen
from scene import KEY, Scene
from seenscreen import Memory, SeenScreen

GOLDEN = Path(__file__).parent.parent / "golden" / "terminal"
PARIS = ('{"city"', ': "Pa', 'ris", "unit":', ' "celsius"}')
HOSTILE = "\x1b[2J\x1b]0;owned\x07\x9b31m\r\x08\u202egnp.exe\u2066 \x1b[?1049h"
WIDE = "東京の天気 \U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f1eb\U0001f1f7 e\u0301 שלום עולם مرحبا"
LONG = "antidisestablishmentarianism" * 6


def no_city(call: ToolCall, arguments: str) -> str | None:
    return None if re.search("city|城市", arguments) else "city is required"


def asked(words: str = "Weather?") -> Scene:
    return Scene().asked(words).at(0.005, ResponseHead(1, 200, ()), BytesRead(1, b"x" * 1234))


def streaming() -> Scene:
    return asked("What's the weather in Paris?").called(*PARIS[:3], whole=False)


def invalid() -> Scene:
    fault = Fault("arguments_invalid", "The arguments are no JSON: at byte 8 a value is missing.")
    scene = asked().called('{"city"', ":,", ' "x"}', fault=fault).completed()
    return scene.at(0.1, ToolFinished(ToolResult(KEY, '{"error":{"type":"arguments_invalid"}}', "error")))


def held() -> Scene:
    return asked().called(*PARIS).completed().at(0.1, CallHeld(KEY))


def running() -> Scene:
    decided = CallDecided(KEY, Edit('{"city": "Rome", "unit": "celsius"}'))
    return held().at(1.5, decided, ToolStarted(KEY, "get_weather", '{"city": "Rome", "unit": "celsius"}')).at(4.0)


def result() -> Scene:
    ran = ToolResult(KEY, '{"temperature": 21, "sky": "sunny"}', duration=0.231, prints="asking the sky\n")
    scene = held().at(1.5, CallDecided(KEY, Run()), ToolStarted(KEY, "get_weather", "".join(PARIS)))
    return scene.at(1.731, ToolFinished(ran)).at(2.0, TextDelta("output", "It is 21 °C in Paris.")).completed("stop")


def result_held() -> Scene:
    ran = ToolResult(KEY, '{"temperature": 21}', duration=0.231)
    scene = held().at(1.5, CallDecided(KEY, Run(review=True)), ToolStarted(KEY, "get_weather", "".join(PARIS)))
    return scene.at(1.731, ToolFinished(ran), ResultHeld(KEY))


def error() -> Scene:
    failed = ResponseFailed("http", "The model is overloaded. Try again later.", 503, request_id="req_8261")
    return asked().at(0.2, failed, TurnEnded("failed"))


def reasoning_and_text() -> Scene:
    scene = asked("Why is the sky blue?")
    for number, word in enumerate(("The person ", "wants to know ", "about Rayleigh scattering.")):
        scene.at(0.2 + number / 10, TextDelta("reasoning", word))
    for number, word in enumerate(
        (
            "Short waves ",
            "are scattered ",
            "more than long ones, ",
            "so the sky ",
            "looks blue.\n",
            "\n- a list\n- of two",
        )
    ):
        scene.at(0.6 + number / 10, TextDelta("output", word))
    return scene


def diagnostics() -> Scene:
    frame = Frame("sse", "", "", 412, 598)
    scene = asked().called('{"city": "Pa', 'ris"}', whole=False)
    scene.at(
        0.1,
        Diagnostic(
            "warning", "index_missing", "A piece of a call has no index; it was taken for the open call's.", KEY, frame
        ),
    )
    scene.at(0.1, Diagnostic("info", "id_replaced", "The call's id is empty; it is called call_1_0 here.", KEY, frame))
    scene.at(0.2, Diagnostic("error", "event_not_json", 'An event is no JSON and was left out: {"choi', None, frame))
    return scene.completed()


def wide() -> Scene:
    scene = asked(WIDE).called('{"城市": "東', '京", "note": "' + WIDE[:14], '"}', name="天気を調べる")
    return scene.at(0.1, TextDelta("output", f"{WIDE} {WIDE}\n{LONG} {WIDE}")).completed("stop")


def hostile() -> Scene:
    scene = asked(HOSTILE).called(f'{{"x": "{HOSTILE}', '"}', name=HOSTILE)
    scene.at(0.1, TextDelta("output", HOSTILE), Diagnostic("error", "odd", HOSTILE, KEY)).completed()
    return scene.at(0.2, ToolFinished(ToolResult(KEY, HOSTILE, "error", prints=HOSTILE)))


STATES: list[Callable[[], Scene]] = [
    streaming, invalid, held, running, result, result_held, error, reasoning_and_text, diagnostics, wide, hostile,
]  # fmt: skip


def written(scene: Scene, columns: int, encoding: str = "utf-8", **environ: str) -> bytes:
    """What a terminal is told to show a scene and the footer."""
    file = Memory(encoding)
    variables = {"TERM": "xterm-256color", **environ}
    console = Console(file=file, width=columns, force_terminal=True, highlight=False, _environ=variables)
    look = Look.of(console)
    picture = screen(scene.trace.blocks, look, scene.now, no_city)
    console.print(Picture([*picture.rows, footer(scene.trace, look, scene.now)]), soft_wrap=True)
    return file.getvalue().replace("\n", "\r\n").encode(encoding, "backslashreplace")


def seen(scene: Scene, columns: int, encoding: str = "utf-8", **environ: str) -> SeenScreen:
    return SeenScreen(columns, 60).feed(written(scene, columns, encoding, **environ))


def golden(scene: Scene) -> str:
    parts = [(f"{columns} columns", seen(scene, columns)) for columns in (40, 80, 200)]
    parts.append(("80 columns, no UTF-8", seen(scene, 80, "ascii")))
    return "".join(f"==== {name}\n{screen.text}\n" for name, screen in parts)


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_a_state_looks_as_it_did(state: Callable[[], Scene]) -> None:
    file = GOLDEN / f"{state.__name__}.txt"
    shown = golden(state())
    if "UPDATE_GOLDEN" in os.environ:
        file.parent.mkdir(exist_ok=True)
        file.write_text(shown)
    assert shown == file.read_text()


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
@pytest.mark.parametrize("columns", [40, 41, 79, 80, 120, 200, 300])
def test_no_row_of_a_state_is_wider_than_the_terminal(state: Callable[[], Scene], columns: int) -> None:
    for encoding in ("utf-8", "ascii", "iso-8859-1"):
        for line in written(state(), columns, encoding, NO_COLOR="1").decode(encoding).split("\r\n"):
            assert cell_len(re.sub(r"\x1b\[[0-9;]*m", "", line)) <= columns


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_without_colours_a_state_says_the_same(state: Callable[[], Scene]) -> None:
    plain = written(state(), 80, NO_COLOR="1")
    codes = {code for found in re.findall(rb"\x1b\[([0-9;]*)m", plain) for code in found.split(b";")}
    assert codes <= {b"", b"0", b"1", b"2", b"3", b"4", b"7"}
    assert SeenScreen(80, 60).feed(plain).text == seen(state(), 80).text


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_a_dumb_terminal_is_told_no_escape(state: Callable[[], Scene]) -> None:
    assert b"\x1b" not in written(state(), 80, TERM="dumb")


def test_hostile_content_changes_nothing_but_the_text() -> None:
    told = written(hostile(), 80)
    assert set(re.findall(rb"\x1b(.[^a-zA-Z]*[a-zA-Z])", told)) == {
        code for code in re.findall(rb"\x1b(.[^a-zA-Z]*[a-zA-Z])", told) if code.endswith(b"m")
    }
    assert seen(hostile(), 80).unusual == []
    assert not {0x07, 0x08, 0x9B} & set(told.decode().encode("utf-32-le")[::4]) - {0x0D, 0x0A}


def test_no_golden_state_is_left_over() -> None:
    assert {file.stem for file in GOLDEN.glob("*.txt")} == {state.__name__ for state in STATES}
