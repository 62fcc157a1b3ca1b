"""The live view in a terminal: what stands on the screen at each moment, and what is left behind."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import pyte
import pytest
from rich.console import Console

from callscope.core.events import (
    ArgumentsDelta,
    BreakRequested,
    BytesRead,
    CallDecided,
    CallHeld,
    Diagnostic,
    ItemsInserted,
    ResponseCompleted,
    Rewound,
    TextDelta,
    ToolFinished,
    ToolStarted,
    TurnEnded,
    UserMessage,
)
from callscope.core.values import CallKey, Run, ToolCall, ToolResult, Usage
from callscope.ui.keys import Keys
from callscope.ui.live import LiveView
from scene import KEY, Scene

PARIS = ('{"ci', 'ty": "Pa', 'ris"}')


class Paper(io.StringIO):
    """A file that counts what is written to it."""

    def __init__(self) -> None:
        super().__init__()
        self.writes = 0

    def write(self, text: str) -> int:
        self.writes += 1
        return super().write(text)


class Stage:
    """A live view before a terminal of 60×30, and a scene that it sees; keys are put in by hand."""

    def __init__(self, columns: int = 60, rows: int = 30) -> None:
        self.paper = Paper()
        self.console = Console(
            file=self.paper, force_terminal=True, color_system="standard", width=columns, height=rows
        )
        self.view = LiveView(self.console, self, listen=self._listen)
        self.view.check = lambda call, arguments: None
        self.scene = Scene(trace=self.view.trace, sinks=[])
        self.screen = pyte.HistoryScreen(columns, rows, history=10_000)
        self._stream = pyte.Stream(self.screen)
        self._read = 0
        self.keys: Keys | None = None
        self.stopped = asyncio.Event()
        self.held = 0
        self.scene = Scene(sinks=[self.view])

    def now(self) -> float:
        return self.scene.now

    async def sleep(self, seconds: float) -> None:
        raise AssertionError

    @contextmanager
    def _listen(self, keys: Keys, came: Callable[[], object]) -> Iterator[None]:
        self.keys = keys
        try:
            yield
        finally:
            self.keys = None

    @contextmanager
    def turn(self) -> Iterator[Scene]:
        def hold() -> None:
            self.held += 1

        with self.view.watching(self.stopped.set, hold):
            yield self.scene

    @property
    def lines(self) -> list[str]:
        """What stands in scrollback and on the screen."""
        self._stream.feed(self.paper.getvalue()[self._read :])
        self._read = len(self.paper.getvalue())
        old = ["".join(line[x].data for x in range(self.screen.columns)) for line in self.screen.history.top]
        return "\n".join(line.rstrip() for line in [*old, *self.screen.display]).rstrip("\n").split("\n")

    async def until(self, words: str) -> None:
        """Wait until these words stand there."""
        async with asyncio.timeout(5):
            while words not in "\n".join(self.lines):
                await asyncio.sleep(0.005)

    def at_rest(self) -> bool:
        """Whether the terminal is as a shell wants it."""
        _ = self.lines
        return not self.screen.cursor.hidden and pyte.modes.DECAWM in self.screen.mode and self.screen.cursor.x == 0


@asynccontextmanager
async def drawing() -> AsyncIterator[Stage]:
    """A stage in the middle of a turn."""
    stage = Stage()
    with stage.turn() as scene:
        scene.asked()
        yield stage


def test_a_turn_leaves_its_panels_in_scrollback_and_a_summary() -> None:
    async def play() -> Stage:
        stage = Stage()
        with stage.turn() as scene:
            scene.asked().at(0.05, BytesRead(1, b"data:")).at(0.1, TextDelta("output", "Let me see."))
            scene.called(*PARIS).completed()
            scene.at(1, CallDecided(KEY, Run(), "policy"), ToolStarted(KEY, "get_weather", "{}"))
            scene.at(2, ToolFinished(ToolResult(KEY, "sun", "ok", 0.5)), TurnEnded("completed"))
        return stage

    stage = asyncio.run(play())
    assert stage.lines == [
        "╭─ answer",
        "│ Let me see.",
        "╰─ 11 bytes in 1 delta",
        "╭─ get_weather · call_0",
        '│ {"ci┊ty": "Pa┊ris"}',
        "│ ✓ 3 deltas, 17 bytes in 30 ms · valid by the schema",
        "│ runs with {}",
        "│ ← sun",
        "╰─ ✓ ok after 500 ms",
        " demo · first byte 50 ms · first delta 100 ms · tool_calls",
    ]
    assert stage.at_rest()


def test_what_grows_is_seen_growing_with_a_footer_below_it() -> None:
    async def play() -> None:
        async with drawing() as stage:
            stage.scene.called('{"ci', whole=False)
            await stage.until('│ {"ci\n╰─ ▸ incomplete · 1 delta, 4 bytes')
            assert "b holds" in stage.lines[-1]
            stage.scene.at(1, ArgumentsDelta(KEY, 'ty": "Paris"}'))
            await stage.until('│ {"ci┊ty": "Paris"}')

    asyncio.run(play())


def test_the_footer_tells_of_tokens_and_diagnostics_and_of_a_break() -> None:
    async def play() -> None:
        stage = Stage(columns=118)
        with stage.turn() as scene:
            scene.asked()
            await stage.until("demo · chat · no byte for 0.0 s · b holds the next call · ^C stops")
            scene.at(0.5, BytesRead(1, b"data:"), Diagnostic("warning", "event_not_json", "…"))
            scene.at(1, ResponseCompleted("stop", Usage(12, 34, 46)))
            await stage.until("first byte 500 ms · stop · 12 tokens in, 34 out · 1 finding · b holds")
            scene.at(2, BreakRequested())
            await stage.until("1 finding · the next call will be held · ^C stops")

    asyncio.run(play())


def test_a_long_text_stands_in_scrollback_once_and_whole() -> None:
    async def play() -> Stage:
        stage = Stage()
        with stage.turn() as scene:
            scene.asked()
            for number in range(2_000):
                scene.at(number / 1000, TextDelta("output", f"this is line {number}\n"))
                if number % 40 == 0:
                    await asyncio.sleep(0)
        return stage

    stage = asyncio.run(play())
    assert [line for line in stage.lines if "this is line" in line] == [f"│ this is line {n}" for n in range(2_000)]
    assert len(stage.paper.getvalue()) < 6 * sum(len(f"this is line {n}\n") for n in range(2_000))


def test_many_events_make_few_frames() -> None:
    async def play() -> float:
        stage = Stage()
        began = time.monotonic()
        with stage.turn() as scene:
            scene.asked()
            for number in range(1_000):
                scene.at(number / 1000, TextDelta("output", "word "))
                await asyncio.sleep(0.0002)
            frames = stage.paper.writes
        return frames / (time.monotonic() - began)

    assert asyncio.run(play()) <= 32


def test_nothing_is_written_while_nothing_changes() -> None:
    async def play() -> None:
        async with drawing() as stage:
            stage.scene.at(0.1, TextDelta("output", "Hi"))
            await stage.until("│ Hi")
            before = stage.paper.writes
            await asyncio.sleep(0.3)  # three ticks of a clock that stands still
            assert stage.paper.writes == before

    asyncio.run(play())


def test_before_a_question_all_is_in_scrollback_and_nothing_is_drawn_until_it_is_answered() -> None:
    async def play() -> Stage:
        stage = Stage()
        with stage.turn() as scene:
            scene.asked().called(*PARIS).completed().at(1, CallHeld(KEY))
            with stage.view.aside():
                assert stage.lines[-1] == "╰─ ■ held: it waits for you"
                assert stage.at_rest()
                before = stage.paper.writes
                await asyncio.sleep(0.15)
                assert stage.paper.writes == before
                stage.paper.write("run it? y\r\n")
            scene.at(2, CallDecided(KEY, Run()), ToolStarted(KEY, "get_weather", "".join(PARIS)))
            await stage.until("● get_weather · call_0 running 0.0 s")
            scene.at(3, ToolFinished(ToolResult(KEY, "sun", "ok", 1.0)), TurnEnded("completed"))
        return stage

    lines = asyncio.run(play()).lines
    assert lines[-5:-1] == [
        "run it? y",
        '╭─ get_weather · call_0 · {"city": "Paris"}',
        "│ ← sun",
        "╰─ ✓ ok after 1.00 s · approved by you",
    ]
    assert "\n".join(lines).count('{"ci┊ty"') == 1


def test_the_terminal_is_given_back_when_the_turn_breaks() -> None:
    async def play(stage: Stage) -> None:
        with stage.turn() as scene:
            scene.asked().called('{"ci', whole=False)
            await stage.until('{"ci')
            raise OSError("the disk is full")

    stage = Stage()
    with pytest.raises(OSError, match="full"):
        asyncio.run(play(stage))
    assert stage.at_rest()
    assert "b holds" not in "\n".join(stage.lines)


def test_a_panel_that_cannot_be_drawn_ends_the_turn_and_says_why() -> None:
    def check(call: ToolCall, arguments: str) -> str:
        raise ValueError("no schema")

    async def play(stage: Stage) -> None:
        stage.view.check = check
        with stage.turn() as scene:
            scene.asked().called(*PARIS).completed()
            async with asyncio.timeout(5):
                await stage.stopped.wait()
            stage.view.check = None

    with pytest.raises(ValueError, match="no schema"):
        asyncio.run(play(Stage()))


def test_a_resize_in_mid_stream_breaks_the_rows_anew() -> None:
    async def play() -> Stage:
        async with drawing() as stage:
            stage.scene.at(0.1, TextDelta("output", "word " * 20))
            await stage.until("bytes in 1 delta")
            stage.screen.resize(30, 40)
            stage.console.size = (40, 30)  # type: ignore[assignment]
            os.kill(os.getpid(), signal.SIGWINCH)
            await stage.until("│ " + "word " * 6 + "word\n")
        return stage

    stage = asyncio.run(play())
    assert "\n".join(stage.lines).count("╭─ answer") == 1


def test_a_diagnostic_that_comes_late_goes_on_in_a_panel_of_its_own() -> None:
    async def play() -> Stage:
        async with drawing() as stage:
            stage.scene.at(0.1, TextDelta("output", "<tool_call>")).called("{}").completed()
            await stage.until("tool_call")
            await stage.until("valid by the schema")
            stage.scene.at(1, Diagnostic("warning", "leaked_tool_call", "The content looks like a call."))
            stage.scene.at(2, TurnEnded("completed"))
        return stage

    lines = asyncio.run(play()).lines
    place = lines.index("╭─ answer (goes on)")
    assert lines[place + 1].startswith("│ ! leaked_tool_call")


def test_the_keys_stop_and_hold_and_what_is_typed_is_seen() -> None:
    async def play() -> None:
        async with drawing() as stage:
            assert stage.keys is not None
            stage.keys.hold()
            stage.keys.stop()
            assert (stage.held, stage.stopped.is_set()) == (1, True)

    asyncio.run(play())


def test_the_persons_words_and_a_commands_doings_are_not_said_twice() -> None:
    async def play() -> Stage:
        stage = Stage()
        with stage.turn() as scene:
            scene.at(0, UserMessage("Weather?"))
        stage.scene.at(1, Rewound(0))
        stage.view.close()
        return stage

    assert asyncio.run(play()).lines == [""]


def test_items_put_in_by_hand_are_shown_at_once() -> None:
    key = CallKey(9, 0)
    stage = Stage()
    stage.scene.at(1, ItemsInserted((ToolCall(key, "h", "get_time", "{}"), ToolResult(key, "noon"))))
    assert stage.lines == [
        "╭─ get_time · h · put in by hand",
        "│ {}",
        "│ ✓ valid JSON",
        "│ ← noon",
        "╰─ ✓ ok, by hand",
    ]


def test_nothing_of_an_earlier_turn_is_kept() -> None:
    async def play() -> Stage:
        stage = Stage()
        for _ in range(3):
            with stage.turn() as scene:
                scene.asked().called(*PARIS).completed().at(scene.now, TurnEnded("completed"))
        return stage

    assert len(asyncio.run(play()).view.trace.blocks) == 3


def test_many_open_calls_leave_the_newest_in_sight() -> None:
    async def play() -> None:
        async with drawing() as stage:
            for number in range(40):
                stage.scene.called("{}", key=CallKey(1, number), name=f"tool_{number}", whole=False)
            await stage.until("tool_39")
            assert len(stage.lines) <= 30

    asyncio.run(play())


def test_words_from_elsewhere_stand_above_what_is_drawn() -> None:
    async def play() -> Stage:
        async with drawing() as stage:
            stage.scene.called('{"ci', whole=False)
            await stage.until('{"ci')
            stage.view.say("curl -X POST")
            await stage.until("b holds")
        return stage

    assert asyncio.run(play()).lines[0] == "curl -X POST"


def test_a_turn_that_was_suspended_says_for_how_long(monkeypatch: pytest.MonkeyPatch) -> None:
    async def play() -> Stage:
        async with drawing() as stage:

            def away() -> None:
                stage.scene.now += 75

            monkeypatch.setattr("callscope.ui.live.suspend_job", away)
            stage.scene.called('{"ci', whole=False)
            await stage.until('{"ci')
            assert stage.keys is not None
            stage.keys.suspend()
            await stage.until("i suspended for 1:15 min")
        return stage

    assert "\n".join(asyncio.run(play()).lines).count("suspended") == 1
