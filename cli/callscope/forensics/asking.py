"""What a request asked for as far as calls go, and what it carried of an earlier call: read from its exact body.

Knows the members of Chat Completions, of the Responses API and of the requests before them. Must not know settings: a
person's settings say what was meant, the body says what left.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from callscope.core.values import JsonObject, ToolCall
from callscope.dialects.demanding import Demand, Mode, body_of, demand_of, part_of
from callscope.dialects.sending import renamed
from callscope.dialects.shapes import objects

_LIMITS = ("max_completion_tokens", "max_output_tokens", "max_tokens")


@dataclass(frozen=True, slots=True)
class Asked:
    """The names of the tools that were sent, how they were to be chosen, and the token limit.

    `choice` is the member word for word, `named` the tools that it names, `obliges` whether it asks for a call;
    `described` is the size in bytes of names and descriptions, which every chat template writes out.
    """

    tools: tuple[str, ...] = ()
    mode: Mode = "unset"
    choice: Any = None
    choice_member: str = "tool_choice"
    named: tuple[str, ...] = ()
    obliges: bool = False
    limit: int | None = None
    limit_member: str = ""
    described: int = 0
    readable: bool = True

    def forbids(self, name: str) -> str:
        """Why a call of this tool was not allowed, in words; "" where it was."""
        return Demand(self.choice_member, self.mode, self.named, self.obliges, self.tools).forbids(name)


@dataclass(frozen=True, slots=True)
class Carried:
    """What a later request carried of a call: its arguments and its result, None where they were not in it."""

    exchange: int
    arguments: str | None
    output: str | None


def asked(raw: bytes) -> Asked:
    """Read a body; one that is no JSON object asks for nothing that we know of."""
    body = body_of(raw)
    if body is None:
        return Asked(readable=False)
    tools = [*objects(body.get("tools")), *objects(body.get("functions"))]
    demand = demand_of(body)
    limit = next((name for name in _LIMITS if type(body.get(name)) is int), "")
    return Asked(
        demand.tools,
        demand.mode,
        body.get(demand.member),
        demand.member,
        demand.named,
        demand.obliges,
        body[limit] if limit else None,
        limit,
        sum(map(_described, tools)),
    )


def member_at(raw: bytes, name: str) -> tuple[int, int] | None:
    """Where a top member stands in a body, with its value; None where it is not there."""
    body = body_of(raw)
    if body is None or name not in body:
        return None
    text, decode = raw.decode("utf-8", "replace"), json.JSONDecoder().raw_decode
    at = text.rfind(f'"{name}"')
    while at >= 0:
        begin = at + len(name) + 2
        rest = text[begin : begin + 8].lstrip()
        if rest.startswith(":"):
            begin = text.index(":", begin) + 1
            begin += len(text[begin : begin + 8]) - len(text[begin : begin + 8].lstrip())
            try:
                value, end = decode(text, begin)
            except (ValueError, RecursionError):
                value, end = None, begin
            if value == body[name]:
                return len(text[:at].encode()), len(text[:end].encode())
        at = text.rfind(f'"{name}"', 0, at)
    return None


def carried(exchange: int, body: JsonObject | None, call: ToolCall) -> Carried | None:
    """What a request carried of a call, by its id; None where it does not speak of it."""
    arguments = output = None
    again = renamed(call.call_id, call.key.exchange).rstrip("_")
    for entry in _entries(body or {}):
        own = entry.get("call_id") or entry.get("tool_call_id") or entry.get("id")
        if not isinstance(own, str) or (own != call.call_id and own.rstrip("_") != again):
            continue
        if entry.get("role") == "tool" or str(entry.get("type", "")).endswith("_output"):
            output = _text(entry.get("content") if "content" in entry else entry.get("output"))
        else:
            part = part_of(entry)
            arguments = _text(part.get("arguments") if "arguments" in part else part.get("input"))
    return Carried(exchange, arguments, output) if arguments is not None or output is not None else None


def _entries(body: JsonObject) -> Iterator[JsonObject]:
    """Messages and items that may be a call or its result."""
    for message in [*objects(body.get("messages")), *objects(body.get("input"))]:
        yield from objects(message.get("tool_calls"))
        yield message


def _described(entry: JsonObject) -> int:
    part = part_of(entry)
    parameters = part.get("parameters")
    properties = parameters.get("properties") if isinstance(parameters, dict) else None
    said = [part.get("name"), part.get("description"), *(properties if isinstance(properties, dict) else ())]
    return sum(len(text.encode("utf-8", "replace")) for text in said if isinstance(text, str))


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)
