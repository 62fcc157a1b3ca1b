"""The bytes of a frame on a page: up to a limit, and never half a character."""

import pytest

from callscope.core.values import Frame
from callscope.exporting.wire_pane import LONGEST_FRAME, _with_borders
from callscope.looking.framing import ReadFrame


def drawn(raw: bytes, *cuts: int) -> str:
    return "".join(_with_borders(ReadFrame(Frame("body", "", "", 0, len(raw)), raw, cuts, 0.0, 0.0)))


@pytest.mark.parametrize("before", [0, 1, 2, 3, 4])
def test_a_long_frame_ends_in_the_middle_of_no_character(before: int) -> None:
    raw = b"x" * (LONGEST_FRAME - before) + "🌍".encode() * 10
    shown = LONGEST_FRAME if before == 4 else LONGEST_FRAME - before
    said = drawn(raw)
    assert "\\x" not in said
    assert said.count("🌍") == (before == 4)
    assert f"{len(raw) - shown} more bytes" in said


def test_a_read_that_ended_where_the_frame_is_cut_is_not_marked() -> None:
    assert '<i class="cut"' not in drawn(b"x" * (LONGEST_FRAME + 1), LONGEST_FRAME)
