"""What the first turn will need, imported while the person reads the first prompt.

Knows the heavy modules and that a thread can import them. Must not know when a session opens. What is imported before
the prompt delays it; what is imported in a turn stops the screen and the keys for its time (100 ms and more in all).
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

from callscope.endpoints.lean import load_httpx

DELAY = 0.05
"""Seconds: the prompt is drawn and answers its first keys."""

NEEDED = (
    "callscope.slash.table",
    "callscope.ui.live",
    "httpcore",
    "callscope.dialects.chat.decoder",
    "jsonschema",
    "referencing",
    "pydantic.json_schema",
)
"""To do a command, draw a turn, send a request, read the answer, check a call's arguments, run a Python function."""

OFTEN = (700, 10, 10)
"""How often Python itself collects: a turn leaves cycles behind that hold whole requests, and with the few collections
of the start (`__main__`) 360 turns add 30 MB."""


@contextmanager
def importing_ahead() -> Iterator[None]:
    """Begin soon after the event loop had its turn; at the end nothing begins any more."""
    loop = asyncio.get_running_loop()
    # the loop's own pool, for asyncio.run waits for it: a thread that is in the middle of an import when Python ends
    # brings down what is written in Rust
    handle = loop.call_later(DELAY, loop.run_in_executor, None, _import_all)
    try:
        yield
    finally:
        handle.cancel()


def _import_all() -> None:
    load_httpx()
    for name in NEEDED:
        import_module(name)
    collect_as_ever()


def collect_as_ever() -> None:
    """Collect garbage as often as Python itself does, but never look at what is here now: it stays.

    A full collection takes 23 ms with it, in which no key is answered and no delta is read, and none without.
    """
    gc.freeze()
    gc.set_threshold(*OFTEN)
