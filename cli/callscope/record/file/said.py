"""What a model said in a response and what else of it goes back with the next request.

Knows which events carry such texts. Must not know what they are compared with. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from callscope.core.events import CallAssembled, Event, RemoteResult, ResponseCompleted, TextDelta

MOST_PIECES = 4096
"""Pieces of a text before they are joined: each costs more than its letters."""


@dataclass(slots=True)
class Said:
    """One response: its `words` by channel, and the `texts` of what is opaque to us."""

    words: dict[str, list[str]] = field(default_factory=dict)
    texts: set[str] = field(default_factory=set)

    def hear(self, event: Event) -> None:
        """Take an event of the response."""
        match event:
            case TextDelta(channel=channel, text=text):
                words = self.words.setdefault(channel, [])
                words.append(text)
                if len(words) > MOST_PIECES:
                    words[:] = ["".join(words)]
            case CallAssembled(call=call):
                self.texts.update(_texts_in(dict(call.extra)))
            case RemoteResult(result=result):
                self.texts.add(result.output)
            case ResponseCompleted(echo=echo):
                self.texts.update(_texts_in(dict(echo)))
                for words in self.words.values():
                    words[:] = ["".join(words)]
            case _:
                pass

    @property
    def text(self) -> str:
        """The words of the answer."""
        return "".join(self.words.get("output", ()))

    @property
    def carried(self) -> Iterator[str]:
        """All texts that go back as they came."""
        yield from self.texts
        for words in self.words.values():
            yield "".join(words)


def _texts_in(value: Any) -> Iterator[str]:
    left = [value]
    while left:
        match left.pop():
            case str() as text:
                yield text
            case dict() as members:
                left += members.values()
            case list() as elements:
                left += elements
            case _:
                pass
