"""What a frame looks at: what came since the one before, however long an answer is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NoReturn

from callscope.core.values import CallKey
from callscope.panels.blocks import Block, CallTrace, TextTrace
from callscope.panels.frame import Panel
from callscope.panels.look import Look, Marks
from callscope.panels.panels import content

LOOK = Look(80, "utf-8", Marks())


class OnlyItsEnd(list[object]):
    """A list that may be sliced and counted, but not gone through."""

    def __iter__(self) -> NoReturn:
        raise AssertionError("a frame went through all that has come")


def frames(block: Block, pieces: list[object]) -> Iterator[list[str]]:
    """A frame after each piece."""
    panel = Panel(content(block, LOOK, None), LOOK)
    for count, piece in enumerate(pieces, start=1):
        if isinstance(block, CallTrace):
            block.deltas.append(piece)  # type: ignore[arg-type]
            block.progress.feed(str(piece))
        elif isinstance(block, TextTrace):
            block.chunks.append(str(piece))
            block.count = count
        panel.overflow(6, 0.0)
        yield [line.text for line in panel.lines(0.0, 6)]


def test_a_frame_of_a_growing_call_looks_only_at_the_new_deltas() -> None:
    call = CallTrace(CallKey(1, 0), "edit", "call_1", 0.0)
    call.deltas = OnlyItsEnd()  # type: ignore[assignment]
    drawn = list(frames(call, [(0.0, '{"a": [')] + [(0.0, "1, ")] * 300))
    assert len(drawn) == 301
    assert all(len(rows) <= 6 for rows in drawn)


def test_a_frame_of_a_growing_text_looks_only_at_the_new_chunks() -> None:
    text = TextTrace("output", 1, 0.0, 0.0)
    text.chunks = OnlyItsEnd()  # type: ignore[assignment]
    drawn = list(frames(text, ["word "] * 300))
    assert any("word word" in line for line in drawn[-1])
