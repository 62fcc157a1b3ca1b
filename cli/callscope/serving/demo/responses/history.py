"""Checks a history of input items as strictly as the strictest servers do.

Knows which items may stand where: outputs behind their calls, reasoning before what followed it, nothing that was not
stored. Must not know the other members of a request.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias
from zlib import crc32

from callscope.serving.demo.ask import NAME, PastCall, Refused, is_object, wrong

Item: TypeAlias = dict[str, Any]

CALLS: Final = {"function_call": "arguments", "custom_tool_call": "input"}
"""Types of calls, and the member with their text."""

OUTPUTS: Final = {f"{kind}_output": kind for kind in CALLS}
OURS: Final = frozenset(("web_search_call", "mcp_call", "mcp_list_tools", "demo:weather_report"))
"""Types of items that only this server makes; they come back as they left."""

PARTS: Final = {
    "user": ("input_text", "input_image", "input_file"),
    "system": ("input_text",),
    "developer": ("input_text",),
    "assistant": ("output_text", "refusal"),
}


def sealed(text: str) -> str:
    """What stands for the encrypted reasoning: opaque to a client, and checked when it comes back."""
    return f"demo-sealed-{crc32(text.encode('utf-8', 'surrogatepass')):08x}-{text.encode().hex()}"


def _is_sealed(content: Any) -> bool:
    try:
        text = bytes.fromhex(str(content).rpartition("-")[2]).decode()
    except ValueError:
        return False
    return bool(sealed(text) == content)


@dataclass(slots=True)
class History:
    """Items that were checked one by one; `known` are ids of items that this server has stored."""

    known: frozenset[str]
    open_calls: dict[str, str] = field(default_factory=dict)
    answered: set[str] = field(default_factory=set)
    reasoning: str = ""
    seen: set[str] = field(default_factory=set)

    def recall(self, item: Item) -> None:
        """Take an item of a response that was stored: it was ours, however wrong it was."""
        kind, call_id = item.get("type"), item.get("call_id")
        if kind in CALLS and isinstance(call_id, str):
            self.open_calls[call_id] = kind
        elif kind in OUTPUTS and isinstance(call_id, str):
            self.open_calls.pop(call_id, None)
            self.answered.add(call_id)
        elif kind == "reasoning":
            self.seen.add(_digest_of(item))

    def check(self, item: Any, path: str) -> None:
        """Take the next item; raises Refused."""
        kind = kind_of(item)
        if kind is None:
            raise wrong(f"Invalid value for '{path}': expected an item with a 'type'.", path)
        self._follows_reasoning(kind, item, path)
        match kind:
            case "message":
                _message(item, path)
            case "function_call" | "custom_tool_call":
                self._call(kind, item, path)
            case "function_call_output" | "custom_tool_call_output":
                self._output(kind, item, path)
            case "reasoning":
                self._reasoning(item, path)
            case _:
                if kind in OURS:
                    return
                supported = ", ".join(("message", *CALLS, *OUTPUTS, "reasoning"))
                raise wrong(f"Invalid value: {kind!r}. Supported values are: {supported}.", f"{path}.type")

    def end(self) -> None:
        """Nothing may be owed at the end; raises Refused."""
        if self.reasoning:
            raise _unfollowed(self.reasoning)
        if self.open_calls:
            raise wrong(f"No tool output found for function call {', '.join(self.open_calls)}.", "input")

    def _follows_reasoning(self, kind: str, item: Item, path: str) -> None:
        ours = kind not in OUTPUTS and not (kind == "message" and item["role"] != "assistant")
        if self.reasoning and not ours:
            raise _unfollowed(self.reasoning)
        self.reasoning = ""
        needed = _reasoning_of(item)
        if ours and kind != "reasoning" and needed and needed not in self.seen:
            message = f"Item '{item['id']}' of type '{kind}' was provided without its required 'reasoning' item"
            raise wrong(f"{message}: 'rs_{needed}'.", path)

    def _reasoning(self, item: Item, path: str) -> None:
        name = item.get("id")
        if not isinstance(item.get("summary"), list):
            raise wrong(f"Missing required parameter: '{path}.summary'.", f"{path}.summary")
        if item.get("encrypted_content") is not None:
            if not _is_sealed(item["encrypted_content"]):
                message = f"The encrypted content for item {name} could not be verified."
                raise Refused(400, message, path, "invalid_encrypted_content")
        elif name not in self.known:
            message = (
                f"Item with id '{name}' not found. Items are not persisted when `store` is set to false. Try again "
                "with `store` set to true, or remove this item from your input."
            )
            raise Refused(404, message, "input")
        self.reasoning = str(name)
        self.seen.add(_digest_of(item))

    def _call(self, kind: str, item: Item, path: str) -> None:
        call_id, name, text = item.get("call_id"), item.get("name"), item.get(CALLS[kind])
        if not isinstance(call_id, str) or not call_id:
            raise wrong(f"Missing required parameter: '{path}.call_id'.", f"{path}.call_id")
        if call_id in self.open_calls or call_id in self.answered:
            raise wrong(f"Duplicate call_id {call_id!r}.", f"{path}.call_id")
        if not isinstance(name, str) or not NAME.fullmatch(name):
            raise wrong(f"Invalid '{path}.name': it must match ^[a-zA-Z0-9_-]{{1,64}}$.", f"{path}.name")
        if not isinstance(text, str) or (kind == "function_call" and not is_object(text)):
            raise wrong(f"Invalid '{path}.{CALLS[kind]}': expected a JSON object, written as a string.", path)
        self.open_calls[call_id] = kind

    def _output(self, kind: str, item: Item, path: str) -> None:
        call_id, output = item.get("call_id"), item.get("output")
        if not isinstance(call_id, str) or self.open_calls.get(call_id) != OUTPUTS[kind]:
            words = "function call" if kind == "function_call_output" else "custom tool call"
            raise wrong(f"No tool call found for {words} output with call_id {call_id}.", f"{path}.call_id")
        if not isinstance(output, str | list):
            raise wrong(f"Invalid '{path}.output': expected a string or a list of parts.", f"{path}.output")
        del self.open_calls[call_id]
        self.answered.add(call_id)


def kind_of(item: Any) -> str | None:
    """The type of an item; what has a role and no type is a message."""
    if not isinstance(item, dict):
        return None
    kind = item.get("type", "message" if "role" in item else None)
    if kind == "message" and item.get("role") not in PARTS:
        return None
    return kind if isinstance(kind, str) else None


def _unfollowed(name: str) -> Refused:
    return wrong(f"Item '{name}' of type 'reasoning' was provided without its required following item.", "input")


def _digest_of(item: Item) -> str:
    """What the ids of one response have in common: `1a2b3c4d` in `fc_1a2b3c4d_1`."""
    return str(item.get("id", "")).partition("_")[2].partition("_")[0]


def _reasoning_of(item: Item) -> str:
    """The digest of the response whose reasoning an item of ours was made with; "" where it tells of none.

    Real servers remember it; this one says it in the id (`fc_1a2b3c4dr_1` was made with `rs_1a2b3c4dr`).
    """
    digest = _digest_of(item)
    return digest if digest.endswith("r") and len(digest) == len("00000000r") else ""


def _message(item: Item, path: str) -> None:
    content = item.get("content")
    if isinstance(content, str):
        return
    if not isinstance(content, list):
        raise wrong(f"Invalid '{path}.content': expected a string or a list of parts.", f"{path}.content")
    supported = PARTS[item["role"]]
    for place, part in enumerate(content):
        kind = part.get("type") if isinstance(part, dict) else None
        if kind not in supported:
            values = " and ".join(repr(each) for each in supported)
            message = f"Invalid value: {json.dumps(kind)}. Supported values are: {values}."
            raise wrong(message, f"{path}.content[{place}].type")


# ---- what the history says ------------------------------------------------------------------------------------------


def calls_in(history: Sequence[Item]) -> list[PastCall]:
    """Every call with its result, in the order of the results."""
    made = {item.get("call_id"): item for item in history if item.get("type") in CALLS}
    calls: list[PastCall] = []
    for item in history:
        if item.get("type") in OUTPUTS:
            call = made[item["call_id"]]
            text = call.get(CALLS[call["type"]])
            arguments = text if isinstance(text, str) else json.dumps(text)
            calls.append(PastCall(str(call.get("name")), arguments, _text(item["output"])))
    return calls


def newest_prompt(history: Sequence[Item]) -> str:
    """The newest words of the user."""
    return next((_text(item["content"]) for item in reversed(history) if item.get("role") == "user"), "")


def since_the_prompt(history: Sequence[Item]) -> int:
    """How many results came after the newest words of the user."""
    roles = [item.get("role") for item in history]
    start = len(roles) - roles[::-1].index("user") if "user" in roles else 0
    return sum(item.get("type") in OUTPUTS for item in history[start:])


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
