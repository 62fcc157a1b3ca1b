from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from callscope.core.events import (
    BytesRead,
    CallStarted,
    Diagnostic,
    Event,
    ItemsInserted,
    ResponseFailed,
    ResponseHead,
    Stamped,
    TextDelta,
    UserMessage,
)
from callscope.core.values import CallKey, Message, ToolCall
from callscope.record.deriving.rederiving import derive
from callscope.record.deriving.reel import UNSEEN, Reel
from callscope.record.file.reading import open_recording

KEY = CallKey(1, 0)
SEEN: list[Event] = [
    UserMessage("Hi."),
    TextDelta("output", "a"),
    CallStarted(KEY, "c", "f"),
    Diagnostic("info", "x", "y"),
    ResponseFailed("error", "z"),
    ItemsInserted((Message("user", "By hand."),)),
    ItemsInserted((ToolCall(KEY, "c", "f", "{}"),)),
]
UNSEEN_EVENTS: list[Event] = [BytesRead(1, b"x"), ResponseHead(1, 200, ())]
events = st.lists(st.sampled_from([*SEEN, *UNSEEN_EVENTS]), max_size=30)


def reel(happened: list[Event]) -> Reel:
    made = Reel(Stamped(number, float(number), event) for number, event in enumerate(happened))
    made.finish()
    return made


def places(happened: list[Event], *kinds: type) -> list[int]:
    return [number for number, event in enumerate(happened, start=1) if isinstance(event, kinds)]


@given(events)
def test_a_step_goes_to_the_next_event_that_can_be_seen_and_back_to_the_one_before(happened: list[Event]) -> None:
    film = reel(happened)
    stops = [number for number, event in enumerate(happened, start=1) if not isinstance(event, UNSEEN)]
    for place in range(len(happened) + 1):
        assert film.next(place, "step") == next((stop for stop in stops if stop > place), None)
        assert film.previous(place, "step") == max((stop for stop in stops if stop < place), default=0)


@given(events)
def test_a_jump_goes_to_the_next_call_or_complaint(happened: list[Event]) -> None:
    film = reel(happened)
    calls = [
        number
        for number, event in enumerate(happened, start=1)
        if isinstance(event, CallStarted) or (isinstance(event, ItemsInserted) and isinstance(event.items[0], ToolCall))
    ]
    for place in range(len(happened) + 1):
        assert film.next(place, "call") == next((stop for stop in calls if stop > place), None)
        complaints = places(happened, Diagnostic, ResponseFailed)
        assert film.next(place, "diagnostic") == next((stop for stop in complaints if stop > place), None)


def test_no_more_is_derived_than_somebody_looks_at() -> None:
    derived: list[int] = []

    def stream() -> Iterator[Stamped]:
        for number in range(10):
            derived.append(number)
            yield Stamped(number, 0.0, UserMessage(str(number)))

    film = Reel(stream())
    assert film.reaches(3)
    assert (len(derived), film.complete) == (3, False)
    assert film.next(3, "step") is None
    film.derive(2)
    assert (film.next(3, "step"), len(derived)) == (4, 5)
    assert not film.reaches(11)
    assert (film.complete, len(film.events)) == (True, 10)


def test_time_never_steps_back() -> None:
    film = Reel(Stamped(number, at, UserMessage("")) for number, at in enumerate([0.5, 2.0, 1.0, 3.0]))
    film.finish()
    assert [film.time(place) for place in range(5)] == [0.0, 0.5, 2.0, 2.0, 3.0]


def test_a_reel_of_a_recording_is_its_stream_and_tells_whether_it_derives() -> None:
    sample = Path(__file__).parents[3] / "recordings" / "samples" / "weather.jsonl"
    recording = open_recording(sample)
    film = Reel(derive(recording, found=(found := [])))
    film.finish()
    assert film.events == list(derive(recording))
    assert found == []
