"""What a fault is: a small transformation of an honest answer, at one of three stages.

Knows the stages: the chunks as JSON, the stream as bytes, the reply as a whole with its head and its end. Must not
know any one fault. A transformation gets a list of its own and may change it; what it gives is sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

from callscope.serving.connection import CutChunk, HangUp, Head, Reset
from callscope.serving.demo.answer import Chunk


@dataclass(frozen=True, slots=True)
class Stall:
    """Silence, for as long as the demo is set to stall."""


ReplyPiece: TypeAlias = bytes | Stall | HangUp | CutChunk | Reset


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole reply: `pieces` leave one by one, `slowness` times the usual pace apart."""

    head: Head
    pieces: Iterable[ReplyPiece]
    slowness: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A way to be wrong: its name, other names, the rule of docs/demo.md it belongs to, and a sentence on it.

    One that `heals` is committed only the first time a request comes: the same request sent again gets its answer.
    """

    name: str
    rule: int
    sentence: str
    aliases: tuple[str, ...] = ()
    heals: bool = False

    @property
    def slug(self) -> str:
        """The name as it stands in a model's name: `index-always-0`."""
        return self.name.lower().replace(" ", "-")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkFault(Fault):
    """Changes the chunks of a stream, or the one completion of an answer in one piece."""

    change: Callable[[list[Chunk]], list[Chunk]]


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFault(Fault):
    """Changes a stream as bytes, one item an event; an item is one write and may be cut or joined."""

    change: Callable[[list[bytes]], list[bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyFault(Fault):
    """Changes the whole reply: its status, its headers, its end."""

    change: Callable[[Reply], Reply]


@dataclass(frozen=True, slots=True, kw_only=True)
class LineFault(Fault):
    """Changes the lines of one event, given with its number; it has its `event:` line already."""

    change: Callable[[bytes, int], bytes]


def as_a_whole(reply: Reply, faults: Sequence[Fault], effects: set[str]) -> Reply:
    """The reply with the faults of its last stage; a header says which faults had an effect."""
    for fault in faults:
        if isinstance(fault, ReplyFault):
            reply = fault.change(reply)
            effects.add(fault.name)
    if not faults:
        return reply
    notes = [fault.name if fault.name in effects else f"{fault.name} (without effect here)" for fault in faults]
    headers = (*reply.head.headers, ("x-callscope-faults", ", ".join(notes)))
    return replace(reply, head=replace(reply.head, headers=headers))


def chunk_fault(
    table: list[Fault], rule: int, name: str, sentence: str, *aliases: str
) -> Callable[[Callable[[list[Chunk]], list[Chunk]]], None]:
    """A decorator that puts a change of chunks into a table, under this name."""

    def register(change: Callable[[list[Chunk]], list[Chunk]]) -> None:
        table.append(ChunkFault(name=name, rule=rule, sentence=sentence, aliases=aliases, change=change))

    return register


# ---- looking at chunks --------------------------------------------------------------------------------------------


def is_stream(chunks: list[Chunk]) -> bool:
    """Whether these are chunks, and not the one completion of an answer in one piece."""
    return bool(chunks[0]["object"] == "chat.completion.chunk")


def part(chunk: Chunk) -> dict[str, Any]:
    """The delta of a chunk, or the message of a completion."""
    choice = chunk["choices"][0] if chunk["choices"] else {}
    found = choice.get("delta" if "delta" in choice else "message")
    return found if isinstance(found, dict) else {}


def text_in(chunk: Chunk) -> str:
    """The text of a chunk, or of a completion."""
    text = part(chunk).get("content")
    return text if isinstance(text, str) else ""


def entries(chunk: Chunk) -> list[dict[str, Any]]:
    """The calls in a chunk, or the pieces of them."""
    found = part(chunk).get("tool_calls") or ()
    return [found] if isinstance(found, dict) else list(found)


def all_entries(chunks: list[Chunk]) -> Iterator[dict[str, Any]]:
    """The calls of all chunks, or the pieces of them."""
    for chunk in chunks:
        yield from entries(chunk)


def openings(chunks: list[Chunk]) -> list[dict[str, Any]]:
    """The pieces with which a call begins: those that have an id."""
    return [entry for entry in all_entries(chunks) if "id" in entry]


RULES: Final = {
    1: "Index always 0",
    2: "Index missing",
    3: "Index that is no position",
    4: "Ids on continuations",
    5: "Names on continuations",
    6: "Ids missing or shared",
    7: "Arguments that are no string",
    8: "Arguments more than once",
    9: "Arguments that cannot run",
    10: "Finish reasons",
    11: "Errors in place of an answer",
    12: "Endings",
    13: "Framing",
    14: "Odd structure",
    15: "Calls that leak into the text",
}
