"""The second event dialect of the framework's samples, where the `event:` line decides and `object` is missing.

Knows its six events, as the samples in Python and Go write them. Must not know what becomes of what they say. Source:
https://connect.watson-orchestrate.ibm.com (Working with tools).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from callscope.core.values import Channel, Frame, JsonObject
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
    names = (frame.event, document.get("type"), document.get("event"))
    return next((name for name in names if isinstance(name, str) and name in SIMPLE), "")


def simple_event(name: str, document: JsonObject) -> Simple:
    """What an event of this name says."""
    match name:
        case "assistant_thinking":
            return Said("reasoning", _words(document, "content", "text", "message", "thinking"))
        case "text_delta":
            return Said("output", _words(document, "content", "text", "delta"))
        case "tool_call_start":
            return Called(document)
        case "tool_result":
            output = next((document[member] for member in ("output", "content", "result") if member in document), None)
            failed = document.get("is_error") is True
            return Told(_word(document, "id", "tool_call_id"), _word(document, "name"), output, failed)
        case "stream_error":
            return Failed(document.get("message") or document.get("error") or document)
        case _:
            return Ended(_word(document, "status"))


def _words(document: JsonObject, *members: str) -> str:
    return next((text for member in members if (text := flat_text(document.get(member)))), "")


def _word(document: JsonObject, *members: str) -> str:
    return next((value for member in members if isinstance(value := document.get(member), str) and value), "")
