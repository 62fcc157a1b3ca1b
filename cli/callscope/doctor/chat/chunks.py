"""The parts of a Chat Completions answer that the rules look at: chunks, choices, deltas, pieces of calls.

Knows where the protocol has them (https://platform.openai.com/docs/api-reference/chat-streaming). Must not know any
rule. Whatever a server sends in a place, asking for it raises nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from callscope.core.values import Frame, JsonObject
from callscope.dialects.shapes import list_of, object_of
from callscope.doctor.http_rules import was_answered
from callscope.doctor.seen import Said, Seen


class Piece(NamedTuple):
    """An entry of `tool_calls`: a piece of a call in a stream, a whole one otherwise."""

    frame: Frame
    entry: JsonObject

    @property
    def function(self) -> JsonObject:
        """The member that its type names."""
        return object_of(self.entry.get("function")) or object_of(self.entry.get("custom"))

    @property
    def opens(self) -> bool:
        """Whether a call begins here: its name is in it for the first time, or its id."""
        return bool(self.function.get("name"))


def is_error(said: Said) -> bool:
    """Whether a document tells of an error."""
    return said.document.get("error") not in (None, "", False) or said.frame.event == "error"


def is_stream(seen: Seen) -> bool:
    """Whether a stream was asked for and came, with something in it."""
    return seen.wants_stream and seen.is_good and seen.streamed


def has_chunks(seen: Seen) -> bool:
    """Whether there is a chunk to judge."""
    return is_stream(seen) and next(chunks(seen), None) is not None


def is_whole(seen: Seen) -> bool:
    """Whether an answer in one piece was asked for and came."""
    return was_answered(seen) and not seen.wants_stream and bool(seen.whole) and not any(map(is_error, seen.said))


def chunks(seen: Seen) -> Iterator[Said]:
    """The chunks of a stream: documents that tell of no error and have `choices`, or say that they are chunks."""
    for said in seen.said:
        chunk = "choices" in said.document or said.document.get("object") == "chat.completion.chunk"
        if chunk and not is_error(said):
            yield said


def choices(seen: Seen) -> Iterator[Said]:
    """The choices of all chunks, or those of an answer in one piece."""
    for said in chunks(seen):
        for choice in list_of(said.document.get("choices")):
            if isinstance(choice, dict):
                yield Said(said.frame, choice)


def deltas(seen: Seen) -> Iterator[Said]:
    """The deltas of all choices, or the messages of an answer in one piece."""
    for frame, choice in choices(seen):
        found = choice.get("delta" if "delta" in choice else "message")
        if isinstance(found, dict):
            yield Said(frame, found)


def pieces(seen: Seen) -> Iterator[Piece]:
    """The pieces of calls, in order."""
    for frame, delta in deltas(seen):
        found = delta.get("tool_calls")
        for entry in [found] if isinstance(found, dict) else list_of(found):
            if isinstance(entry, dict):
                yield Piece(frame, entry)


def finish_reasons(seen: Seen) -> list[tuple[Frame, Any]]:
    """Every finish reason that is no null, with its frame."""
    return [
        (frame, choice["finish_reason"]) for frame, choice in choices(seen) if choice.get("finish_reason") is not None
    ]
