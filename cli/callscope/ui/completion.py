"""What can stand at the cursor: candidates for the words of a line.

Knows how a half-written word is completed. Must not know prompt_toolkit, nor which commands there are.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Candidate:
    """A word that may stand in place of the last `replaces` characters before the cursor; `note` says what it is."""

    text: str
    replaces: int
    note: str = ""


Complete: TypeAlias = Callable[[str], Awaitable[Sequence[Candidate]]]
"""The candidates by the text before the cursor."""


def choices(words: Mapping[str, str] | Iterable[str], begun: str) -> list[Candidate]:
    """Those of the words that begin as the person began; a mapping gives each its note."""
    notes = words if isinstance(words, Mapping) else dict.fromkeys(words, "")
    return [Candidate(word, len(begun), note) for word, note in notes.items() if word.startswith(begun)]
