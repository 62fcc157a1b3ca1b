"""How a response came out: what its calls are worth, what goes back with the next request, and what was odd.

Knows what the end of a response means for its items. Must not know how they came in.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from callscope.core.events import CallAssembled, PeerEvent, ResponseCompleted
from callscope.core.json_text import json_text
from callscope.core.values import CallKey, Ending, JsonObject, ToolCall
from callscope.dialects.assembly import Ended, assemble
from callscope.dialects.diagnostics import diagnostic, excerpt
from callscope.dialects.ending import Exchange, failed, failure_of, report_body, report_leaks, usage_of
from callscope.dialects.failures import ENDINGS

from .items import RAW, OutputItem
from .output import Output

NOTES: Final = ("prompt_cache_diagnostics", "input_transformations")
"""Members of a response in which a server says what it did with the request."""


_REFUSED: Final = re.compile(r"previous[ _]response", re.IGNORECASE)
"""What the words of all servers have in common that do not know, or do not take, `previous_response_id`."""


def finish(
    exchange: Exchange, output: Output, response: JsonObject, how: Ending, detail: str, out: list[PeerEvent]
) -> None:
    """Say everything that only the end can tell; the last event is the completion or the failure."""
    output.flush(out)
    _judge_done(exchange, output, out)
    failure = failure_of(exchange, how, detail)
    report_body(exchange, out)
    report_leaks(exchange, out)
    if failure is None:
        _report_oddities(output, response, how, detail, out)
    if failure is not None and exchange.refused and _REFUSED.search(failure[1]):
        out.append(diagnostic("server_history_refused"))
    mark = len(out)
    ended = Ended(output.finish_reason, failure is not None, output.calls.damaged, _incomplete(output))
    assemble(output.calls.calls, ended, out, output.calls.remote_ids)
    if failure is not None:
        out.append(failed(exchange, *failure))
        return
    calls = {event.call.key: event.call for event in out[mark:] if isinstance(event, CallAssembled)}
    out.append(ResponseCompleted(output.finish_reason, usage_of(output.usage), _echo(output, response, calls)))


def _judge_done(exchange: Exchange, output: Output, out: list[PeerEvent]) -> None:
    """[DONE] ends a response that was not said to be completed only where each of its items is whole."""
    if exchange.done and not output.whole and not exchange.error:
        exchange.done = bool(output.items) and all(item.done for item in output.items)
        if exchange.done:
            out.append(diagnostic("completed_missing"))


def _incomplete(output: Output) -> str:
    """Why a call may lack its end: what the response says, else what a call's own item does."""
    unfinished = any(item.call and item.document.get("status") == "incomplete" for item in output.items)
    return output.incomplete or ("the status of a call is incomplete" if unfinished else "")


def _report_oddities(output: Output, response: JsonObject, how: Ending, detail: str, out: list[PeerEvent]) -> None:
    if how != "complete":
        out.append(diagnostic("answer_after_the_end", text=detail or ENDINGS[how]))
    if output.silent and output.finish_reason in (None, "completed"):
        out.append(diagnostic("response_empty"))
    for item in output.items:
        if not item.done:
            key = item.call.key if item.call else None
            out.append(diagnostic("item_unfinished", key, text=excerpt(item.kind)))
    notes = [(name, json_text(response[name])) for name in NOTES if response.get(name)]
    out += [diagnostic("server_note", text=name, note=excerpt(note)) for name, note in notes]


# ---- what goes back -------------------------------------------------------------------------------------------------


def _echo(output: Output, response: JsonObject, calls: Mapping[CallKey, ToolCall]) -> JsonObject:
    """The response as it goes back: its id and its items, in their order and as the server gave them."""
    echo: JsonObject = {"output": [each for item in output.items if (each := _item(item, calls)) is not None]}
    if isinstance(response.get("id"), str) and not any(_is_renamed(item, calls) for item in output.items):
        echo["id"] = response["id"]
    if response.get("store") is False:
        echo["store"] = False
    return echo


def _is_renamed(item: OutputItem, calls: Mapping[CallKey, ToolCall]) -> bool:
    """Whether the server would not know the result of a call by the id that the call has here."""
    call = calls.get(item.call.key) if item.call else None
    return call is not None and item.document.get("call_id") != call.call_id


def _item(item: OutputItem, calls: Mapping[CallKey, ToolCall]) -> JsonObject | None:
    """An item word for word, but for what of a call was missing or repaired; None for what cannot go back."""
    if item.call is not None:
        call = calls.get(item.call.key)
        return None if call is None else _call(item, call)
    if item.done:
        return item.document
    text = item.text("output_text")
    if item.kind == "message" and text:
        return {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}
    return None


def _call(item: OutputItem, call: ToolCall) -> JsonObject:
    own = {"call_id": call.call_id, "name": call.name, RAW[item.kind]: call.arguments}
    given = item.document if item.done else {k: v for k, v in item.document.items() if k != "status"}
    return {**given, "type": item.kind, **own}
