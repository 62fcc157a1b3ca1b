"""Where recordings are kept."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def recordings_directory(option: Path | None, environ: Mapping[str, str]) -> Path:
    """The option, else $CALLSCOPE_RECORDINGS, else ./recordings where it is there, else the XDG state folder."""
    if option is not None:
        return option
    if named := environ.get("CALLSCOPE_RECORDINGS"):
        return Path(named).expanduser()
    here = Path("recordings")
    if here.is_dir():
        return here
    state = environ.get("XDG_STATE_HOME", "")
    # https://specifications.freedesktop.org/basedir-spec/latest/: a relative path is invalid and to be ignored
    base = Path(state) if Path(state).is_absolute() else Path.home() / ".local" / "state"
    return base / "callscope" / "recordings"
