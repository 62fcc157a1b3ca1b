"""The second event dialect of the framework's samples, where the `event:` line decides and `object` is missing.

Knows its six events, as the samples in Python and Go write them. Must not know what becomes of what they say. Source:
https://connect.watson-orchestrate.ibm.com (Working with tools).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from callscope.core.values import Channel, Frame, JsonObject
from callscope.dialects.shapes import text_of
from callscope.dialects.texts import flat_text

from .calls import Told

SIMPLE: Final = frozenset(
    ("assistant_thinking", "text_delta", "tool_call_start", "tool_result", "stream_error", "stream_end")
)


@dataclass(frozen=True, slots=True)
class Said:
    """Words; perhaps none."""

    channel: Channel
    text: str


@dataclass(frozen=True, slots=True)
class Called:
    """A call that the agent makes and runs."""

    entry: JsonObject


@dataclass(frozen=True, slots=True)
class Failed:
    """The stream is broken."""

    words: Any


@dataclass(frozen=True, slots=True)
class Ended:
    """The stream is over; `status` is the agent's word."""

    status: str


Simple: TypeAlias = Said | Called | Told | Failed | Ended


def simple_name(document: JsonObject, frame: Frame) -> str:
    """The name of an event of this dialect; "" where it is none. It may also stand in the data."""
    if "object" in document or "choices" in document:
        return ""
    if frame.event in SIMPLE:
        return frame.event
    return next((document[member] for member in names_in(document)), "")


def names_in(document: JsonObject) -> Iterator[str]:
    """The members of an event's data that name it, where its `event:` line should."""
    return (m for m in ("type", "event") if isinstance(document.get(m), str) and document[m] in SIMPLE)


def simple_event(name: str, document: JsonObject) -> Simple:
    """What an event of this name says, its members under the names that are due."""
    match name:
        case "assistant_thinking":
            return Said("reasoning", flat_text(document.get("content")))
        case "text_delta":
            return Said("output", flat_text(document.get("content")))
        case "tool_call_start":
            return Called(document)
        case "tool_result":
            failed = document.get("is_error") is True
            return Told(document.get("id"), document.get("name"), document.get("output"), failed)
        case "stream_error":
            return Failed(document.get("message") or document)
        case _:
            return Ended(text_of(document.get("status")))
