"""What a fault of the Responses API changes: the events of a stream, or the one response, as JSON.

Knows where items and calls stand in them. Must not know any one fault.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from callscope.serving.demo.faults.fault import Fault

from .events import TYPES, Document
from .history import Item

RULE: Final = 17
GROWING: Final = ("arguments.delta", "input.delta")
"""How the types of events end that carry a piece of a call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentFault(Fault):
    """Changes the events of a stream, or the one response of an answer in one piece."""

    change: Callable[[list[Document]], list[Document]]
    late: bool = False
    """Whether it is about the sequence numbers or what follows them: these are right after every other fault."""


def document_fault(
    table: list[Fault], name: str, sentence: str, *aliases: str
) -> Callable[[Callable[[list[Document]], list[Document]]], None]:
    """A decorator that puts a change of documents into a table, under this name."""

    def register(change: Callable[[list[Document]], list[Document]]) -> None:
        table.append(DocumentFault(name=name, rule=RULE, sentence=sentence, aliases=aliases, change=change))

    return register


# ---- looking at documents -------------------------------------------------------------------------------------------


def is_stream(documents: list[Document]) -> bool:
    """Whether these are events, and not the one response of an answer in one piece."""
    return "type" in documents[0]


def last_response(documents: list[Document]) -> Document:
    """The response as it stands at the end."""
    return next((each["response"] for each in reversed(documents) if "response" in each), documents[0])


def items_in(documents: list[Document]) -> Iterator[Item]:
    """Every item, wherever it stands: added, done, in the output at the end."""
    for document in documents:
        if document.get("item"):
            yield document["item"]
        yield from document.get("response", document).get("output", ())


def calls_in(documents: list[Document]) -> Iterator[Item]:
    """Every call, wherever it stands."""
    return (item for item in items_in(documents) if item["type"] in TYPES.values())


def without(documents: list[Document], *endings: str) -> list[Document]:
    """The documents without events of such types."""
    return [each for each in documents if not str(each.get("type", "")).endswith(endings)]


def place_of(document: Document) -> Document:
    """The members of an event that say which item it belongs to, and to which part of it."""
    return {name: value for name, value in document.items() if name in ("item_id", "output_index", "content_index")}
