"""Paths as people and files write them: whatever a text says, asking about it raises nothing.

Knows that pathlib raises where there is no such user (`~nobody/x`), where a name is too long or holds a NUL, and where
a folder may not be looked into. Must not know what a path is for.
"""

from __future__ import annotations

import os
from pathlib import Path


def expanded(path: str | Path) -> Path:
    """The path with the home folder for its `~`; that of nobody stays as it is, and leads nowhere."""
    return Path(os.path.expanduser(path))  # noqa: PTH111 - Path.expanduser raises


def is_file(path: Path) -> bool:
    """Whether there is a file that can be seen; False for what can be no path at all."""
    return os.path.isfile(path)  # noqa: PTH113 - Path.is_file raises


def is_folder(path: Path) -> bool:
    """Whether there is a folder that can be seen; False for what can be no path at all."""
    return os.path.isdir(path)  # noqa: PTH112 - Path.is_dir raises


def is_there(path: str | Path) -> bool:
    """Whether there is anything of this name: a file, a folder, a pipe, a link that leads nowhere."""
    return os.path.lexists(path)
