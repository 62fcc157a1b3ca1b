"""What a call goes by wherever it is spoken of.

Knows that a tool's name and a call's id come from a peer. Must not know where it is said.
"""

from __future__ import annotations

from .visible import one_line


def call_named(name: str, call_id: str, dot: str = "·") -> str:
    """A call's tool and its id, each on one line."""
    said = (one_line(name, 64) or "a call without a name", one_line(call_id, 80))
    return f" {dot} ".join(part for part in said if part)
