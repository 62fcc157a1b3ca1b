"""The table of all faults: how one is asked for, and how it is described.

Knows every fault by its name. Must not know how any of them works. `callscope demo` answers `faults` from this table
and docs/demo.md is kept in line with it.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import Final

from . import faults_arguments, faults_calls, faults_chunks, faults_events, faults_leaks, faults_replies
from .fault import RULES, Fault

MODULES: Final = (faults_calls, faults_arguments, faults_chunks, faults_events, faults_replies, faults_leaks)
FAULTS: Final[tuple[Fault, ...]] = tuple(
    sorted(
        (fault for module in MODULES for fault in module.FAULTS),
        key=lambda fault: fault.rule,
    )
)


def _key(name: str) -> str:
    return re.sub(r"[\s_-]+", " ", name.strip().lower())


_BY_NAME: Final = {_key(name): fault for fault in FAULTS for name in (fault.name, *fault.aliases)}


def _pattern(name: str) -> str:
    return r"[\s_-]+".join(re.escape(word) for word in re.split(r"[\s_-]+", name))


_NAMES: Final = "|".join(_pattern(name) for name in sorted(_BY_NAME, key=len, reverse=True))
_NAME: Final = f"(?:{_NAMES})"
_ARTICLE: Final = r"\s*(?:an?\s+|the\s+|your\s+)?"
_ASKED: Final = re.compile(
    rf"(?:^|\bwith\b|\(?\bfaults?\b|\bbut\b|[,;:(–—]|\s-\s){_ARTICLE}:?\s*({_NAME}(?:\s*(?:,|and|,\s*and)\s+{_ARTICLE}{_NAME})*)"
    r"\)?\s*(?=$|[.,;)!?]|and\b|with\b|but\b|please\b)",
    re.IGNORECASE,
)
_ASKED_BY_WORD: Final = re.compile(r"(?:^|[\s(])faults?\s*:\s*([^.;)\n]*)\)?", re.IGNORECASE)


def named(name: str) -> Fault | None:
    """The fault of this name, alias or slug."""
    return _BY_NAME.get(_key(name))


def asked_for(prompt: str) -> tuple[list[Fault], str, str]:
    """The faults a prompt asks for, the prompt without them, and a name after `fault:` that is none."""
    found: list[Fault] = []

    def take(match: re.Match[str]) -> str:
        found.extend(_BY_NAME[_key(name)] for name in re.findall(_NAME, match[1], re.IGNORECASE))
        return " "

    rest = _ASKED.sub(take, prompt)
    unknown = ""
    if match := _ASKED_BY_WORD.search(rest):
        unknown = match[1].strip()
        rest = rest.replace(match[0], " ", 1)
    return found, rest, unknown


def nearest(name: str) -> str:
    """What to say of a name that is no fault."""
    close = get_close_matches(_key(name), _BY_NAME, n=1)
    return f"I know no fault {name!r}" + (f"; did you mean {close[0]!r}?" if close else "; say `faults` for the list.")


def as_markdown() -> str:
    """The whole table, rule by rule."""
    lines: list[str] = []
    for rule, title in RULES.items():
        lines += [f"### {rule}. {title}", ""]
        lines += [f"- `{fault.name}`: {fault.sentence}" for fault in FAULTS if fault.rule == rule]
        lines.append("")
    return "\n".join(lines)
