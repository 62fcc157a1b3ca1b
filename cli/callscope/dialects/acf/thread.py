"""The id of a thread, wherever an agent says it.

Knows headers and members. Must not know what a thread is for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from callscope.core.values import Headers, JsonObject

THREAD_HEADERS: Final = ("X-THREAD-ID", "X-IBM-THREAD-ID")
"""The framework's own, and that of the contract that Orchestrate registers agents by."""


def thread_headers(thread: str | None) -> Headers:
    """The headers that name a thread to either kind of agent."""
    return tuple((name, thread) for name in THREAD_HEADERS) if thread else ()


def head_thread(headers: Mapping[str, str]) -> str:
    """The thread of a response's headers, their names in lower case; "" where there is none."""
    return next((value for name in THREAD_HEADERS if (value := headers.get(name.lower()))), "")


def named_thread(document: JsonObject) -> str:
    """The thread that a frame or an answer names; "" where it names none."""
    data = document.get("data")
    for part in (document, data if isinstance(data, dict) else {}):
        thread = part.get("thread_id")
        if isinstance(thread, str) and thread:
            return thread
    return ""
