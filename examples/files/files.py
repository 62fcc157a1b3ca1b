"""Files below one folder, and never beside it: what a model may read and write."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(os.environ.get("NOTES") or Path(__file__).with_name("notes")).resolve()
LONGEST = 100_000


def list_files(pattern: str = "**/*") -> list[str]:
    """List the files.

    Args:
        pattern: Which ones, such as *.md or garden/*
    """
    found = (path for path in ROOT.glob(pattern) if path.is_file() and path.resolve().is_relative_to(ROOT))
    return sorted(str(path.relative_to(ROOT)) for path in found)


def read_file(path: str) -> str:
    """Read a file.

    Args:
        path: Its path, as list_files gives it
    """
    return below(path).read_text(encoding="utf-8")[:LONGEST]


def search_files(words: str) -> list[dict[str, str | int]]:
    """Find the lines that hold these words, whatever their case.

    Args:
        words: The words, as they stand one after the other
    """
    return [
        {"path": path, "line": number, "text": line}
        for path in list_files()
        for number, line in enumerate(read_file(path).splitlines(), 1)
        if words.lower() in line.lower()
    ]


def write_file(path: str, text: str) -> str:
    """Write a new file; one that is there already stays as it is.

    Args:
        path: Its path
        text: What it shall hold
    """
    target = below(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("x", encoding="utf-8") as file:
        file.write(text)
    return f"{path}: {len(text)} characters"


def below(path: str) -> Path:
    """The file that is meant; links and .. are followed before anybody trusts it."""
    target = (ROOT / path).resolve()
    if not target.is_relative_to(ROOT):
        raise PermissionError(f"{path} is not among the notes")
    return target
