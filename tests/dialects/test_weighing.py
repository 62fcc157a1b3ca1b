"""What is kept of an answer is weighed, events that had to be kept among it."""

import json

import pytest

from callscope.core.values import CallKey, Frame
from callscope.dialects.chat.decoder import ChatReader
from callscope.dialects.fragments import OpenCall
from callscope.dialects.frames import FrameDecoder
from callscope.dialects.limits import FRAME, LARGE
from callscope.dialects.weighing import frames_kept, of_frames


def frame(size: int, start: int = 0) -> Frame:
    return Frame("sse", "", "x" * size, start, start + size)


def test_an_event_that_is_kept_weighs_its_characters_once() -> None:
    one, other = frame(1000), frame(10, 1000)
    share = of_frames([one, other, one, None])
    assert (share.number, share.cost) == (1010, 1010 * FRAME)


def test_a_call_keeps_the_events_that_it_began_in_and_grew_in_last() -> None:
    began, between, last = frame(1), frame(2, 1), frame(3, 3)
    call = OpenCall(CallKey(1, 0), "call_1", "f", "function", began)
    call.pieces.say("{", between)
    call.pieces.say("}", last)
    assert list(frames_kept({"output": call.pieces}, [call])) == [last, began, last]


@pytest.mark.parametrize(("size", "kept"), [(10, False), (LARGE + 1, True)])
def test_of_the_events_that_something_was_said_of_only_large_ones_are_kept(size: int, kept: bool) -> None:
    reader = ChatReader(1, ())
    decoder = FrameDecoder(reader)
    odd = {"choices": [{"index": 0, "delta": {"tool_calls": 5, "other": "x" * size}}]}
    events = decoder.feed(b"data: " + json.dumps(odd).encode() + b"\n\n")
    assert any(getattr(event, "code", "") == "member_odd" for event in events)
    assert bool(reader.state.held) is kept
