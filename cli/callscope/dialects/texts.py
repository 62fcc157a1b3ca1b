"""The words of a delta or a message: content in its forms, reasoning under its many names, what must go back.

Knows the members of `delta` and `message` that hold text. Must not know events or calls.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any, TypeAlias

from callscope.core.growing import GrowingText
from callscope.core.values import Channel, JsonObject

from .limits import Share, texts, values
from .pieces import Pieces

Words: TypeAlias = Iterator[tuple[Channel, str]]

PLAIN_REASONING = ("reasoning_content", "reasoning", "reasoning_text", "thinking")
DETAILED_REASONING = ("reasoning_details", "thinking_blocks")
REASONING = frozenset((*PLAIN_REASONING, *DETAILED_REASONING))
OPAQUE = frozenset(("extra_content", "provider_specific_fields", "thought_signature", "encrypted_content"))
"""Members that some servers want back word for word with the next request."""

_REASONING_PARTS = frozenset(("thinking", "reasoning", "reasoning_content", "reasoning_text", "summary_text"))


def content_words(content: Any, unknown: list[str]) -> Words:
    """The texts of a content: a string, a part, or a list of them; types of parts without text go to `unknown`."""
    match content:
        case str():
            yield "output", content
        case list():
            for part in content:
                yield from content_words(part, unknown)
        case dict():
            yield from _part_words(content, unknown)
        case _:
            unknown.append(type(content).__name__)


def _part_words(part: JsonObject, unknown: list[str]) -> Words:
    kind = part.get("type")
    kind = kind if isinstance(kind, str) else None
    if kind in _REASONING_PARTS:
        yield "reasoning", flat_text(part)
    elif kind == "refusal":
        yield "refusal", flat_text(part)
    elif kind is None or kind in ("text", "output_text") or isinstance(part.get("text"), str):
        yield "output", flat_text(part)
    else:
        unknown.append(kind)


def flat_text(value: Any) -> str:
    """All text in a part, however deep it was put."""
    match value:
        case str():
            return value
        case list():
            return "".join(map(flat_text, value))
        case dict():
            names = ("text", "thinking", "reasoning", "content", "summary", "value", "refusal")
            return next((text for name in names if (text := flat_text(value.get(name)))), "")
        case _:
            return ""


class Reasoning:
    """The reasoning of one response: its text once, whatever members repeat it, and its members for the way back."""

    def __init__(self) -> None:
        self._texts: dict[str, Pieces] = {}
        self._details: dict[str, Details] = {}
        self._opaque: JsonObject = {}

    def take(self, delta: JsonObject) -> str:
        """The reasoning that a delta adds: of members that say the same, the first that has text."""
        text = ""
        for name in PLAIN_REASONING:
            said = flat_text(delta.get(name))
            if said and not text:
                text = said
                if (pieces := self._texts.get(name)) is None:
                    pieces = self._texts[name] = Pieces()
                pieces.append(said)
        for name in DETAILED_REASONING:
            details = delta.get(name)
            if isinstance(details, list) and details:
                self._details.setdefault(name, Details()).extend(details)
                text = text or self._news_in(flat_text(details))
        return text

    def _news_in(self, said: str) -> str:
        """The text of details that come alone, unless they repeat as a whole what a plain member said in pieces."""
        for pieces in self._texts.values():
            if pieces.size == len(said) and pieces.text == said:
                return ""
        return said

    def keep(self, name: str, value: Any) -> None:
        """Keep an opaque member of the message."""
        self._opaque[name] = value

    def echo(self) -> JsonObject:
        """The members that go back with the assistant's message; plain text only where no details say it better."""
        if self._details:
            return {**{name: details.joined() for name, details in self._details.items()}, **self._opaque}
        return {**{name: pieces.text for name, pieces in self._texts.items()}, **self._opaque}

    def kept(self) -> Iterator[Share]:
        """What of it is kept so far."""
        size = sum(pieces.size for pieces in self._texts.values())
        yield Share("characters of reasoning", size, 2 * size)  # what is shown of it is counted as text
        yield values("members of reasoning", [self._opaque])
        for details in self._details.values():
            yield from details.kept()


class Details:
    """Details, the pieces of one of them joined: https://openrouter.ai/docs/use-cases/reasoning-tokens."""

    def __init__(self) -> None:
        self._whole: list[Any] = []
        self._texts: dict[str, GrowingText] = {}  # of the last detail

    def extend(self, details: list[Any]) -> None:
        """Take the details of a delta."""
        for detail in details:
            if self._whole and _is_piece_of(self._whole[-1], detail):
                self._whole[-1].update({name: member for name, member in detail.items() if member is not None})
            else:
                self._write()
                self._texts.clear()
                self._whole.append(dict(detail) if isinstance(detail, dict) else detail)
            if isinstance(detail, dict):
                for name in ("text", "summary", "thinking"):
                    if isinstance(detail.get(name), str):
                        self._texts.setdefault(name, GrowingText()).append(detail[name])

    def joined(self) -> list[Any]:
        """The details so far."""
        self._write()
        return [dict(detail) if isinstance(detail, dict) else detail for detail in self._whole]

    def kept(self) -> Iterator[Share]:
        """What of them is kept so far."""
        yield texts("reasoning", [(len(part), 1) for part in chain.from_iterable(self._texts.values())])
        yield values("details of reasoning", self._whole)

    def _write(self) -> None:
        if self._texts:
            self._whole[-1].update({name: text.text for name, text in self._texts.items()})


def _is_piece_of(last: Any, detail: Any) -> bool:
    if not isinstance(last, dict) or not isinstance(detail, dict) or "data" in detail:
        return False
    same = all(last.get(name) == detail.get(name) for name in ("type", "index"))
    return same and (not last.get("id") or not detail.get("id") or last["id"] == detail["id"])
