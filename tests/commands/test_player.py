"""A recording played: by hand with keys, and in a real terminal."""

from __future__ import annotations

import asyncio
import math
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from callscope.commands.player import Player
from callscope.core.events import CallStarted, Stamped
from callscope.panels.look import Look
from callscope.panels.playback import Playback
from callscope.record.deriving.rederiving import derive
from callscope.record.deriving.reel import Reel
from callscope.record.file.reading import open_recording
from callscope.ui.keys import Taker
from ptyshell import SHELL, Shell
from seenscreen import Memory

SAMPLES = Path(__file__).parents[2] / "recordings" / "samples"
WEATHER = SAMPLES / "weather.jsonl"


class Press:
    """A key as prompt_toolkit gives it."""

    def __init__(self, key: str) -> None:
        self.key, self.data = key, key


@contextmanager
def nobody(taker: Taker, came: Callable[[], object]) -> Iterator[None]:
    yield


def player(sample: Path = WEATHER, **options: Any) -> Player:
    recording = open_recording(sample)
    console = Console(file=Memory(), force_terminal=True, width=60, height=33)
    length = max(entry.at for entry in recording.entries)
    return Player(Reel(derive(recording)), console, length=length, listen=nobody, **options)


def press(there: Player, *keys: str) -> None:
    """Press keys, and let the player go where they lead; it must be paused."""
    there.take([Press(key) for key in keys])  # type: ignore[misc]
    for _ in range(1000):
        if there._goal is None and not there._pressed:
            return
        there._go_on()
    raise AssertionError(f"it never came to {there._goal}")


def shown(playback: Playback) -> list[str]:
    return [row.text for row in playback.rows(3.0, 30)]


def afresh(events: list[Stamped]) -> Playback:
    playback = Playback(Look(columns=60))
    for stamped in events:
        playback.handle(stamped)
    return playback


def in_a_loop(test: Callable[[], None]) -> None:
    async def main() -> None:
        test()

    asyncio.run(main())


@pytest.mark.parametrize("sample", sorted(SAMPLES.glob("*.jsonl")), ids=lambda path: path.stem)
def test_wherever_keys_lead_the_screen_is_that_of_the_place(sample: Path) -> None:
    def test() -> None:
        for seed in range(5):
            there, dice = player(sample, paused=True), random.Random(seed)
            for _ in range(30):
                press(there, *dice.choices(["n", "right", "p", "left", "c", "d"], [9, 9, 4, 4, 1, 1], k=5))
                assert shown(there._playback) == shown(afresh(there.reel.events[: there.place]))

    in_a_loop(test)


def test_as_many_steps_back_as_forward_lead_to_the_beginning() -> None:
    def test() -> None:
        there = player(paused=True)
        press(there, *["n"] * 20)
        assert there.place > 20
        press(there, *["p"] * 20)
        assert there.place == 0
        press(there, "p")
        assert there.place == 0

    in_a_loop(test)


@pytest.mark.parametrize("speed", [1.0, math.inf])
def test_a_pause_stops_the_clock_before_what_is_not_shown_yet(speed: float) -> None:
    def test() -> None:
        there = player(speed=speed)
        there._set_off(1.0)  # a second has passed since the last frame
        press(there, " ")
        assert there.paused
        times = [there._now()]
        for _ in range(20):
            press(there, "n")
            times.append(there._now())
        assert times == sorted(times)
        assert times[-1] > times[1]

    in_a_loop(test)


def test_a_jump_to_a_call_stands_right_where_it_comes_into_sight() -> None:
    def test() -> None:
        there = player(paused=True)
        for _ in range(2):
            press(there, "c")
            assert isinstance(there.reel.events[there.place - 1].event, CallStarted)
        at = there.place
        press(there, "c")
        assert (there.place, there._said) == (at, "no further call")

    in_a_loop(test)


def test_keys_that_come_faster_than_they_are_followed_count_one_by_one() -> None:
    def test() -> None:
        there, slow = player(paused=True), player(paused=True)
        keys = [*"nncnnpc", *["left"] * 3, *"nd"]
        press(there, *keys)
        for key in keys:
            press(slow, key)
        assert there.place == slow.place > 0

    in_a_loop(test)


def test_speed_doubles_and_halves_within_bounds() -> None:
    def test() -> None:
        there = player(paused=True)
        press(there, *"++-")
        assert there.speed == 2
        press(there, *"-" * 50)
        assert there.speed == 1 / 64
        press(there, *"+" * 50)
        assert there.speed == 1024

    in_a_loop(test)


def test_unattended_it_plays_to_the_end_and_leaves() -> None:
    there = player(speed=float("inf"))
    asyncio.run(there.run())
    assert (there.place, there.interrupted) == (len(there.reel.events), False)


def test_it_takes_the_recorded_time_divided_by_the_speed() -> None:
    there = player(speed=8)
    began = time.monotonic()
    asyncio.run(there.run())
    assert there._length / 8 <= time.monotonic() - began < there._length / 8 + 2


def test_a_player_that_fails_gives_the_terminal_back(monkeypatch: pytest.MonkeyPatch) -> None:
    there = player(paused=True)
    monkeypatch.setattr(there, "_go_on", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        asyncio.run(there.run())
    assert there._console.file.getvalue().endswith("\x1b[?7h\x1b[?25h")  # type: ignore[attr-defined]


# ---- in a terminal ---------------------------------------------------------------------------------------------------

Open = Callable[..., Shell]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    shells: list[Shell] = []
    for sample in SAMPLES.glob("*.jsonl"):
        shutil.copy(sample, tmp_path)
    (tmp_path / "replay").write_text(f'#!/bin/sh\nexec {sys.executable} -m callscope replay "$@"\n')
    (tmp_path / "replay").chmod(0o755)

    def open_one(*options: str, columns: int = 80, rows: int = 40, **environ: str) -> Shell:
        shells.append(Shell(tmp_path, "", columns, rows, environ))
        shells[-1].enter("./replay " + " ".join(options))
        return shells[-1]

    yield open_one
    for shell in shells:
        shell.close()


def rows(shell: Shell) -> list[str]:
    """What stands on the screen below the command."""
    lines = shell.screen.lines
    return lines[max(number for number, line in enumerate(lines) if "replay" in line) + 1 :]


def settled(shell: Shell, *words: str) -> list[str]:
    """Wait until these words stand on the screen; gives what is there."""
    deadline = time.monotonic() + 10
    while not all(word in shell.screen.text for word in words):
        shell._read(min(deadline, time.monotonic() + 0.05), "")
        assert time.monotonic() < deadline, shell.screen.text
    return rows(shell)


def gone(shell: Shell, words: str) -> None:
    """Wait until these words stand there no longer."""
    deadline = time.monotonic() + 10
    while words in shell.screen.text:
        shell._read(min(deadline, time.monotonic() + 0.05), "")
        assert time.monotonic() < deadline, shell.screen.text


def test_played_to_the_end_the_panels_are_whole_in_scrollback_and_the_shell_is_back(opened: Open) -> None:
    shell = opened("weather.jsonl", "--speed", "max", rows=12)
    shell.until("tokens", SHELL)
    assert shell.exit_code() == 0
    shell.assert_sane()
    told = shell.screen.text
    for words in (
        "> What is the weather in",
        "╭─ get_weather · call_1",
        "╰─ ✓ ok after",
        "Here is what came back",
        "37 out",
    ):
        assert words in told
    assert told.count("╭─ get_weather · call_2") == 1


def test_keys_pause_step_jump_and_leave(opened: Open) -> None:
    shell = opened("cut-arguments.jsonl", "--step")
    assert settled(shell, "paused", "0.00 s of") != []
    shell.send("n")
    assert settled(shell, "> What is the weather in Paris?")[0] == "> What is the weather in Paris?"
    shell.send("c")
    assert "╭─ get_weather · call_1" in settled(shell, "no arguments yet")
    shell.send("d")
    assert any("✗ arguments_incomplete" in row for row in settled(shell, "1 finding"))
    shell.send("p")
    gone(shell, "arguments_incomplete")
    shell.send("\x1b[C")  # the right arrow
    settled(shell, "arguments_incomplete")
    shell.send("+ ")
    settled(shell, "2x", "space pauses")
    settled(shell, "the end")
    shell.send("q")
    shell.until(SHELL)
    assert shell.exit_code() == 0
    shell.assert_sane()


def test_left_in_the_middle_what_was_seen_stays_and_no_more(opened: Open) -> None:
    shell = opened("weather.jsonl", "--step")
    settled(shell, "paused")
    shell.send("c")
    settled(shell, "╭─ get_weather")
    shell.send("q")
    shell.until(SHELL)
    assert "╭─ get_weather · call_1" in shell.screen.text
    assert "Here is what came back" not in shell.screen.text
    assert "q leaves" not in shell.screen.text
    shell.assert_sane()


@pytest.mark.parametrize("how", ["\x03", "SIGTERM"])
def test_interrupted_it_gives_the_terminal_back(opened: Open, how: str) -> None:
    shell = opened("weather.jsonl", "--step")
    settled(shell, "paused")
    if how == "SIGTERM":
        os.kill(shell.process(), signal.SIGTERM)
    else:
        shell.send(how)
    shell.until(SHELL)
    assert shell.exit_code() == 130
    shell.assert_sane()


def test_suspended_and_gone_on_with_it_draws_afresh(opened: Open) -> None:
    shell = opened("weather.jsonl", "--step")
    settled(shell, "paused")
    shell.send("c")
    settled(shell, "╭─ get_weather")
    shell.send("\x1a")
    shell.until(SHELL)
    shell.assert_sane()
    shell.enter("fg")
    shell.until("replay", "get_weather", "paused")
    shell.until_raw()
    shell.send("n")
    settled(shell, '{"city": "北京')
    shell.send("q")
    shell.until(SHELL)
    shell.assert_sane()


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_no_row_is_broken_in_any_width_nor_after_another_one(opened: Open, columns: int) -> None:
    shell = opened("decisions.jsonl", "--step", columns=columns)
    settled(shell, "paused")
    shell.send("cc" + "n" * 12)
    seen = settled(shell, "╭─ get_time")
    assert all(row.startswith((">", "  ", "╭─", "│", "╰─", " ")) for row in seen if row)
    shell.resize(columns // 2 + 20, 40)
    shell.send("p")
    settled(shell, "paused")
    shell.send("q")
    shell.until(SHELL)
    assert "╭─ get_time · call_2" in shell.screen.text
    shell.assert_sane()


def test_what_derives_otherwise_is_said_after_playing(opened: Open, tmp_path: Path) -> None:
    text = WEATHER.read_text()
    piece = next(line for line in text.splitlines() if '"read"' in line and "aris" in line and "arguments" in line)
    (tmp_path / "weather.jsonl").write_text(text.replace(piece, piece.replace("aris", "orto", 1)))
    shell = opened("weather.jsonl", "--speed", "max")
    shell.until("derives otherwise today", SHELL)
    assert shell.exit_code() == 1


def test_a_dumb_terminal_is_told_lines_and_steps_by_any_key(opened: Open) -> None:
    shell = opened("weather.jsonl", "--step", TERM="dumb")
    shell.until("any key steps")
    shell.until_raw()
    shell.send(" ")
    shell.until("> What is the weather")
    shell.send(" " * 200)
    shell.until("Here is what came back", SHELL)
    assert shell.exit_code() == 0
    shell.assert_sane()
