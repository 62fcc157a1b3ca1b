"""The table of all faults: how one is asked for, and how it is described.

Knows every fault by its name. Must not know how any of them works. `callscope demo` answers `faults` from this table
and docs/demo.md is kept in line with it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Final

from . import arguments
from . import calls as calls
from . import chunks as chunks
from . import events as events
from . import leaks as leaks
from . import replies as replies
from .fault import RULES, Fault

MODULES: Final = (calls, arguments, chunks, events, replies, leaks)
FAULTS: Final[tuple[Fault, ...]] = tuple(
    sorted(
        (fault for module in MODULES for fault in module.FAULTS),
        key=lambda fault: fault.rule,
    )
)


def _key(name: str) -> str:
    return re.sub(r"[\s_-]+", " ", name.strip().lower())


def _pattern(name: str) -> str:
    return r"[\s_-]+".join(re.escape(word) for word in re.split(r"[\s_-]+", name))


_ARTICLE: Final = r"\s*(?:an?\s+|the\s+|your\s+)?"
_ASKED_BY_WORD: Final = re.compile(r"(?:^|[\s(])faults?\s*:\s*([^.;)\n]*)\)?", re.IGNORECASE)


class FaultTable:
    """Faults by their names, and how a prompt asks for them."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self._by_name = {_key(name): fault for fault in faults for name in (fault.name, *fault.aliases)}
        names = "|".join(_pattern(name) for name in sorted(self._by_name, key=len, reverse=True))
        self._name = name = f"(?:{names})"
        self._asked = re.compile(
            rf"(?:^|\bwith\b|\(?\bfaults?\b|\bbut\b|[,;:(–—]|\s-\s){_ARTICLE}:?\s*"
            rf"({name}(?:\s*(?:,|and|,\s*and)\s+{_ARTICLE}{name})*)"
            r"\)?\s*(?=$|[.,;)!?]|and\b|with\b|but\b|please\b)",
            re.IGNORECASE,
        )

    def named(self, name: str) -> Fault | None:
        """The fault of this name, alias or slug."""
        return self._by_name.get(_key(name))

    def asked_for(self, prompt: str) -> tuple[list[Fault], str, str]:
        """The faults a prompt asks for, the prompt without them, and a name after `fault:` that is none."""
        found: list[Fault] = []

        def take(match: re.Match[str]) -> str:
            found.extend(self._by_name[_key(name)] for name in re.findall(self._name, match[1], re.IGNORECASE))
            return " "

        rest = self._asked.sub(take, prompt)
        unknown = ""
        if match := _ASKED_BY_WORD.search(rest):
            unknown = match[1].strip()
            rest = rest.replace(match[0], " ", 1)
        return found, rest, unknown

    def nearest(self, name: str) -> str:
        """What to say of a name that is no fault."""
        close = get_close_matches(_key(name), self._by_name, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else "; say `faults` for the list."
        return f"I know no fault {name!r}{hint}"


TABLE: Final = FaultTable(FAULTS)
named, asked_for, nearest = TABLE.named, TABLE.asked_for, TABLE.nearest


def as_markdown() -> str:
    """The whole table, rule by rule."""
    lines: list[str] = []
    for rule, title in RULES.items():
        lines += [f"### {rule}. {title}", ""]
        lines += [f"- `{fault.name}`: {fault.sentence}" for fault in FAULTS if fault.rule == rule]
        lines.append("")
    return "\n".join(lines)


def as_told() -> str:
    """The table as the agent tells it."""
    return f"Ask for a fault by its name, as in `What's the weather in Paris, with cut arguments`.\n\n{as_markdown()}"
