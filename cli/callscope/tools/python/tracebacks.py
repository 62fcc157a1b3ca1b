"""What an exception says to the person whose code raised it: their lines, none of ours.

Knows frames. Must not know why the code ran.
"""

from __future__ import annotations

import traceback
from pathlib import Path
from types import TracebackType

_OURS = (str(Path(__file__).parents[1]), str(Path(traceback.__file__).parent / "asyncio"), "<frozen importlib")


def summary(error: BaseException) -> str:
    """`ValueError: no such city`, or the class alone where the exception has no words."""
    try:
        words = str(error)
    except Exception:  # a person's __str__ may do anything
        words = ""
    return f"{type(error).__name__}: {words}" if words else type(error).__name__


def line_in(error: BaseException, path: Path) -> int | None:
    """The line of this file that raised, or that does not parse."""
    wanted = str(path.resolve())
    if isinstance(error, SyntaxError) and error.filename == wanted:
        return error.lineno
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == wanted]
    return lines[-1] if lines else None


def person_traceback(error: BaseException) -> str:
    """The traceback from the person's first frame on."""
    return "".join(traceback.format_exception(type(error), error, _without_ours(error.__traceback__)))


def _without_ours(frames: TracebackType | None) -> TracebackType | None:
    while frames is not None and frames.tb_frame.f_code.co_filename.startswith(_OURS):
        frames = frames.tb_next
    return frames
