"""Which frames of an exchange something was found in, and what.

Knows how a finding leads to a frame. Must not know how either is drawn.
"""

from __future__ import annotations

import json

from callscope.core.values import Frame
from callscope.dialects.failures import error_in

from .exchanges import Exchange
from .framing import Framing

Marks = dict[int, list[tuple[str, str]]]
"""By the place of a frame in its framing: each severity and code."""


def marks(exchange: Exchange, found: Framing) -> Marks:
    """What was found in each frame: by the dialect, by the framing itself, and the server's own error."""
    places: dict[tuple[int, int], list[tuple[str, str]]] = {}
    for finding in exchange.findings:
        if finding.frame:
            places.setdefault((finding.frame.start, finding.frame.end), []).append((finding.severity, finding.code))
    marked: Marks = {}
    for number, part in enumerate(found.frames):
        said = [("warning", code) for code in part.defects]
        said += [mark for mark in places.get((part.frame.start, part.frame.end), []) if mark[1] not in part.defects]
        if exchange.failure and exchange.failure.kind == "error" and _is_error(part.frame):
            said.insert(0, ("error", "error"))
        if said:
            marked[number] = list(dict.fromkeys(said))
    return marked


def _is_error(frame: Frame) -> bool:
    if frame.event == "error":
        return True
    try:
        document = json.loads(frame.data)
    except (ValueError, RecursionError):
        return False
    return isinstance(document, dict) and error_in(document) is not None
