"""Where recordings are kept, and what a new one is called."""

from __future__ import annotations

import secrets as randomness
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from callscope.core.paths import expanded


def recordings_directory(option: Path | None, environ: Mapping[str, str]) -> Path:
    """The option, else $CALLSCOPE_RECORDINGS, else ./recordings where it is there, else the XDG state folder."""
    if option is not None:
        return option
    if named := environ.get("CALLSCOPE_RECORDINGS"):
        return expanded(named)
    here = Path("recordings")
    if here.is_dir():
        return here
    state = environ.get("XDG_STATE_HOME", "")
    # https://specifications.freedesktop.org/basedir-spec/latest/: a relative path is invalid and to be ignored
    base = Path(state) if Path(state).is_absolute() else Path.home() / ".local" / "state"
    return base / "callscope" / "recordings"


def new_recording(directory: Path, now: datetime | None = None) -> Path:
    """A path in this folder that no recording has; by its name it is the newest."""
    return directory / f"{now or datetime.now(UTC):%Y%m%dT%H%M%SZ}-{randomness.token_hex(4)}.jsonl"
