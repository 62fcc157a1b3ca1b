"""What can stand at the cursor: candidates for the words of a line.

Knows how a half-written word is completed. Must not know prompt_toolkit, nor which commands there are.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TypeAlias

MOST_FILES = 1000
"""Entries of a folder that are looked at: a menu of more helps nobody, and a key must not wait."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A word that may stand in place of the last `replaces` characters before the cursor; `note` says what it is."""

    text: str
    replaces: int
    note: str = ""


Complete: TypeAlias = Callable[[str], Awaitable[Sequence[Candidate]]]
"""The candidates by the text before the cursor."""


def choices(words: Mapping[str, str] | Iterable[str], begun: str, end: str = "") -> list[Candidate]:
    """Those of the words that begin as the person began; a mapping gives each its note. `end` is put after a word."""
    notes = words if isinstance(words, Mapping) else dict.fromkeys(words, "")
    return [Candidate(word + end, len(begun), note) for word, note in notes.items() if word.startswith(begun)]


def file_names(begun: str, quote: Callable[[str], str] = str) -> list[Candidate]:
    """Files and folders that begin as the person began; hidden ones where a dot was typed."""
    folder, name = os.path.split(begun)
    try:
        entries = sorted(
            (entry.name, entry.is_dir())
            for entry in islice(os.scandir(Path(folder or ".").expanduser()), MOST_FILES)
            if entry.name.startswith(name) and (name.startswith(".") or not entry.name.startswith("."))
        )
    except (OSError, RuntimeError, ValueError):  # no such folder, a ~ of nobody, a NUL: nothing to offer
        return []
    return [
        Candidate(quote(os.path.join(folder, entry)) + ("/" if is_folder else ""), len(begun))  # noqa: PTH118 - keeps ./
        for entry, is_folder in entries
        if entry.isprintable()
    ]
