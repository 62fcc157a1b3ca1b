"""Items that are no words and no calls of ours: calls that the server ran itself, and whatever else it puts out.

Knows the items of the tools that servers have built in. Must not know how an item came in.
"""

from __future__ import annotations

from typing import Any, Final

from callscope.core.events import ArgumentsDelta, CallAssembled, CallStarted, PeerEvent, RemoteResult
from callscope.core.json_text import json_text
from callscope.core.values import Frame, JsonObject, ResultStatus, ToolCall, ToolResult
from callscope.dialects.assembly import remote_id
from callscope.dialects.diagnostics import diagnostic, excerpt
from callscope.dialects.shapes import text_of

from .items import CALLS, OutputItem
from .output import Output

WORDS: Final = frozenset(("message", "reasoning"))
OURS: Final = frozenset(
    ("computer_call", "local_shell_call", "shell_call", "apply_patch_call", "mcp_approval_request", "tool_search_call")
)
"""Items that wait for an answer which Callscope has no tool to give."""

ASKED: Final = ("arguments", "action", "queries", "code", "input", "operation")
"""Members that say what a built-in tool was asked, by the first that is there."""

ANSWERED: Final = ("error", "output", "outputs", "results", "result")
ENVELOPE: Final = frozenset(("type", "id", "status", "name", "call_id", "server_label"))


def tell_item(output: Output, item: OutputItem, frame: Frame, out: list[PeerEvent]) -> None:
    """Say what a whole item is that is neither words nor a call of ours; once for each item."""
    if item.told or item.kind in WORDS or item.kind in CALLS:
        return
    item.told = True
    document = item.document
    if item.kind in OURS:
        out.append(diagnostic("item_not_answered", None, frame, text=excerpt(item.kind)))
    elif item.kind.endswith("_call"):
        _tell_call(output, item, frame, out)
    else:
        out.append(diagnostic("item_unknown", None, frame, text=excerpt(item.kind), item=excerpt(json_text(document))))


def _tell_call(output: Output, item: OutputItem, frame: Frame, out: list[PeerEvent]) -> None:
    """A call that the server ran itself, with its result."""
    document = item.document
    key = output.take_key()
    name = text_of(document.get("name")) or item.kind.removesuffix("_call")
    given = text_of(document.get("call_id")) or text_of(document.get("id"))
    call_id = remote_id(given, key, output.calls.remote_ids)
    arguments = _asked(document)
    out.append(CallStarted(key, call_id, name, "function", "remote", frame))
    if given and call_id != given:
        out.append(diagnostic("id_shared", key, frame, text=excerpt(given), call_id=call_id))
    if arguments:
        out.append(ArgumentsDelta(key, arguments, frame))
    out.append(CallAssembled(ToolCall(key, call_id, name, arguments, executor="remote")))
    out.append(RemoteResult(ToolResult(key, _answered(document), _status(document)), frame))


def _asked(document: JsonObject) -> str:
    asked = next((document[member] for member in ASKED if document.get(member)), None)
    return asked if isinstance(asked, str) else "" if asked is None else json_text(asked)


def _answered(document: JsonObject) -> str:
    """What came of it: the members that hold results, else the status."""
    answered = next((document[member] for member in ANSWERED if document.get(member)), None)
    if isinstance(answered, str):
        return answered
    if answered is not None:
        return json_text(answered)
    rest: dict[str, Any] = {k: v for k, v in document.items() if k not in ENVELOPE and k not in ASKED and v is not None}
    return json_text(rest) if rest else str(document.get("status") or "")


def _status(document: JsonObject) -> ResultStatus:
    return "error" if document.get("error") or document.get("status") in ("failed", "incomplete") else "ok"
