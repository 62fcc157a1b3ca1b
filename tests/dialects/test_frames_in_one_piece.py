"""Whether an answer was one document and no stream."""

import json

import pytest

from callscope.core.events import ResponseHead
from callscope.dialects.chat.decoder import chat_decoder

CHUNK = json.dumps({"object": "chat.completion.chunk", "model": "m", "choices": [{"index": 0, "delta": {}}]})


@pytest.mark.parametrize(
    ("body", "label", "one"),
    [
        (CHUNK, "application/json", True),
        (CHUNK, "text/event-stream", False),
        (f"{CHUNK}\n{CHUNK}\n", "application/json", False),
        (f"data: {CHUNK}\n\n", "text/event-stream", False),
        ("", "application/json", False),
    ],
    ids=["one document", "said to be a stream", "two events without data", "a stream", "nothing"],
)
def test_events_that_lost_their_frames_are_still_a_stream(body: str, label: str, one: bool) -> None:
    decoder = chat_decoder(1, ())
    decoder.feed(ResponseHead(1, 200, (("content-type", label),)))
    decoder.feed(body.encode())
    decoder.close("complete")
    assert decoder.in_one_piece is one
