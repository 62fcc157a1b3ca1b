"""What differs between two sessions: calls, arguments, results, endings, timing, and last of all prose.

Knows which turns and calls belong together, and which differences count. Pure; must not know files or how a difference
is shown.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Literal, TypeAlias, get_args

from callscope.core.events import SettingsChanged, ToolsChanged
from callscope.core.json_text import json_text
from callscope.core.values import Settings, ToolSpec
from callscope.record.file.format import Line, line_of
from callscope.record.matching.matching import ABSENT

from .telling import ToldCall, ToldExchange, ToldTurn

Class: TypeAlias = Literal["turns", "settings", "calls", "arguments", "results", "ending", "timing", "prose"]
ORDER: tuple[Class, ...] = get_args(Class)

COUNTING = frozenset({"turns", "calls", "arguments", "results", "ending"})
"""What makes two sessions differ; settings are what was asked, timing and prose are never the same twice."""

NOTICEABLE = 0.01
"""Seconds: less is noise."""

NOTICEABLE_PART = 0.2

DEEPEST = 100


@dataclass(frozen=True, slots=True)
class Change:
    """One difference: its class, the turn (from 1), where in it (`call 2`), the JSON path, both sides."""

    cls: Class
    turn: int
    place: str
    path: str
    a: Any
    b: Any


def changes(a: Sequence[ToldTurn], b: Sequence[ToldTurn]) -> list[Change]:
    """All differences in the order of their classes, within a class in the order of the session."""
    found: list[Change] = []
    for number in range(1, max(len(a), len(b)) + 1):
        one, other = _at(a, number), _at(b, number)
        if one is None or other is None:
            sides = [ABSENT if turn is None else turn.words for turn in (one, other)]
            found.append(Change("turns", number, "turn", "$", *sides))
        else:
            found += _in_turn(number, one, other)
    return sorted(found, key=lambda change: ORDER.index(change.cls))


def _at(turns: Sequence[ToldTurn], number: int) -> ToldTurn | None:
    return turns[number - 1] if number <= len(turns) else None


def _in_turn(number: int, a: ToldTurn, b: ToldTurn) -> Iterator[Change]:
    def found(cls: Class, place: str, one: Any, other: Any) -> Iterator[Change]:
        return (Change(cls, number, place, *difference) for difference in _paths(one, other, "$"))

    yield from found("settings", "settings", _asked(a.settings, a.tools), _asked(b.settings, b.tools))
    yield from found("prose", "the person's words", a.words, b.words)
    for place, one, other in _paired(list(a.calls.values()), list(b.calls.values())):
        if one is None or other is None:
            yield Change("calls", number, place, "$", _call(one), _call(other))
            continue
        yield from found("calls", place, {"fault": one.fault}, {"fault": other.fault})
        yield from found("arguments", place, _value(one.arguments), _value(other.arguments))
        yield from found("results", place, _outcome(one), _outcome(other))
        if one.result and other.result:
            yield from _timing(number, place, one.result.duration, other.result.duration)
    yield from found("ending", "turn", {"reason": a.reason}, {"reason": b.reason})
    yield from _in_exchanges(number, a.exchanges, b.exchanges)
    yield from _timing(number, "turn", a.seconds, b.seconds)


def _in_exchanges(number: int, a: Sequence[ToldExchange], b: Sequence[ToldExchange]) -> Iterator[Change]:
    if len(a) != len(b):
        yield Change("ending", number, "turn", "$.requests", len(a), len(b))
    for place, (one, other) in enumerate(zip(a, b, strict=False), start=1):
        where = f"request {place}"
        for path, x, y in _paths(_end_of(one), _end_of(other), "$"):
            yield Change("ending", number, where, path, x, y)
        yield from _timing(number, f"{where}, first byte", one.first_byte, other.first_byte)
        for channel in sorted(one.text.keys() | other.text.keys()):
            x, y = ("".join(side.text.get(channel, ())) for side in (one, other))
            if x != y:
                yield Change("prose", number, where, f"$.{channel}", x, y)


def _paired(a: list[ToldCall], b: list[ToldCall]) -> Iterator[tuple[str, ToldCall | None, ToldCall | None]]:
    """The calls of a turn side by side: those of one name in their order, what only one side has alone."""
    names = SequenceMatcher(None, [call.name for call in a], [call.name for call in b], autojunk=False)
    for what, a_start, a_end, b_start, b_end in names.get_opcodes():
        for offset in range(max(a_end - a_start, b_end - b_start)):
            one = a[a_start + offset] if a_start + offset < a_end else None
            other = b[b_start + offset] if b_start + offset < b_end else None
            if what == "replace" and one is not None and other is not None and one.name != other.name:
                yield f"call {a_start + offset + 1}", one, None
                yield f"call {b_start + offset + 1}", None, other
            else:
                yield f"call {(a_start if one else b_start) + offset + 1}", one, other


def _asked(settings: Settings, tools: Sequence[ToolSpec]) -> Line:
    """Settings and tools as they are recorded, tools by their names, and not where they were defined."""
    line = line_of(SettingsChanged(settings))
    written = line_of(ToolsChanged(tuple(tools)))["tools"]
    offered = {tool["name"]: {name: tool[name] for name in tool if name != "source"} for tool in written}
    return {name: value for name, value in line.items() if name != "kind"} | {"tools": offered}


def _call(call: ToldCall | None) -> Any:
    return ABSENT if call is None else {"name": call.name, "arguments": _value(call.arguments)}


def _outcome(call: ToldCall) -> Line:
    """What came of a call, and why it came to that."""
    result = call.result
    return {
        "decision": call.decision,
        "ran_with": None if call.ran_with is None else _value(call.ran_with),
        "status": result.status if result else None,
        "output": _value(result.output) if result else None,
        "returned": None if call.returned is None else _value(call.returned),
    }


def _end_of(exchange: ToldExchange) -> Line:
    return {"finish_reason": exchange.finish_reason, "failure": exchange.failure}


def _timing(number: int, place: str, a: float | None, b: float | None) -> Iterator[Change]:
    if a is None or b is None or abs(a - b) < max(NOTICEABLE, NOTICEABLE_PART * max(a, b)):
        return
    yield Change("timing", number, place, "$.seconds", round(a, 6), round(b, 6))


def _value(text: str) -> Any:
    """What a text holds, where it is a JSON object or list; else the text."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value if isinstance(value, dict | list) else text


def _paths(a: Any, b: Any, path: str, depth: int = 0) -> Iterator[tuple[str, Any, Any]]:
    """Every place where two JSON values differ; what is nested beyond reason is compared as a whole."""
    if depth < DEEPEST and isinstance(a, Mapping) and isinstance(b, Mapping):
        for name in dict.fromkeys((*a, *b)):
            yield from _paths(a.get(name, ABSENT), b.get(name, ABSENT), f"{path}{step(name)}", depth + 1)
    elif depth < DEEPEST and isinstance(a, list) and isinstance(b, list):
        for place in range(max(len(a), len(b))):
            sides = [side[place] if place < len(side) else ABSENT for side in (a, b)]
            yield from _paths(sides[0], sides[1], f"{path}[{place}]", depth + 1)
    elif type(a) is not type(b) or _written(a) != _written(b):
        yield path, a, b


def _written(value: Any) -> Any:
    return value if isinstance(value, str | int | float | None) or value is ABSENT else json_text(value, default=str)


def step(name: str) -> str:
    """A member's name as a part of a JSON path."""
    return f".{name}" if name.isidentifier() and name.isascii() else f"[{json.dumps(name, ensure_ascii=False)}]"
