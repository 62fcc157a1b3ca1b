"""What the calls of a response come to when it ends: ids, arguments, faults.

Knows when a call may run. Must not know how its pieces came together (`calls`), nor how the response ended, but for
what it is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from callscope.core.events import CallAssembled, PeerEvent
from callscope.core.values import Fault, ToolCall

from .arguments import verdict
from .diagnostics import diagnostic, excerpt
from .fragments import OpenCall

CUT = ("length", "content_filter")


class Ended(NamedTuple):
    """What the end of a response means for its calls.

    `broken`: no call may run. `damaged`: an event with a piece of a call was lost.
    """

    finish_reason: str | None
    broken: bool
    damaged: bool


def assemble(calls: Sequence[OpenCall], ended: Ended, out: list[PeerEvent]) -> None:
    """Say what each call came to, in the order in which they came into sight."""
    real = _without_phantoms(calls, out)
    for call, call_id in zip(real, _unique_ids(real, out), strict=True):
        if rest := call.halves.rest():
            call.pieces.append(rest)
            out.append(diagnostic("lost_character", call.key, call.frame))
        text, fault = _judge(call, call_id, ended, call is real[-1], out)
        whole = ToolCall(call.key, call_id, call.name, text, call.kind, extra=dict(call.extra), fault=fault)
        out.append(CallAssembled(whole))


def _without_phantoms(calls: Sequence[OpenCall], out: list[PeerEvent]) -> list[OpenCall]:
    """One call at many indexes (https://github.com/mudler/LocalAI/issues/9722) leaves heads without arguments."""
    real = {(call.call_id, call.name) for call in calls if call.call_id and call.started}
    kept: list[OpenCall] = []
    for call in calls:
        if call.started or (call.call_id, call.name) not in real:
            kept.append(call)
        else:
            out.append(diagnostic("call_repeated", call.key, call.frame))
    return kept


def _unique_ids(calls: Sequence[OpenCall], out: list[PeerEvent]) -> list[str]:
    """The wire's ids where they tell calls apart, and made-up ones elsewhere."""
    given = {call.call_id for call in calls}
    ids: dict[str, None] = {}
    for call in calls:
        call_id = call.call_id
        if not call_id or call_id in ids:
            call_id = f"call_{call.key.exchange}_{call.key.index}"
            while call_id in given or call_id in ids:
                call_id += "_"
            code = "id_shared" if call.call_id else "id_missing"
            out.append(diagnostic(code, call.key, call.frame, text=excerpt(call.call_id), call_id=call_id))
        ids[call_id] = None
    return list(ids)


def _judge(call: OpenCall, call_id: str, ended: Ended, last: bool, out: list[PeerEvent]) -> tuple[str, Fault | None]:
    """The arguments, and why the call must not run; in a broken response none may, whole or not."""
    text, code, reason = _arguments(call, ended, last, out)
    if not code and not call.name:
        code = "name_missing"
    if not code and ended.damaged:
        code = "delta_lost"
    if not code and not ended.broken:
        return text, None
    found = diagnostic(code or "response_broken", call.key, call.frame, call_id=call_id, text=reason)
    if not ended.broken:  # the failure of the response says it once for all
        out.append(found)
    return text, Fault(found.code, found.message)


def _arguments(call: OpenCall, ended: Ended, last: bool, out: list[PeerEvent]) -> tuple[str, str, str]:
    """The arguments with the code and the reason of what is wrong with them ("" where nothing is)."""
    cut = last and ended.finish_reason in CUT
    if call.kind == "custom":
        return call.text, "arguments_incomplete" if cut else "", ""
    found = verdict(call.pieces, call.snapshot)
    if found.repair:
        out.append(diagnostic(found.repair, call.key, call.frame))
    if found.repeats_a_key:
        out.append(diagnostic("arguments_repeat_a_key", call.key, call.frame))
    if found.problem is None:
        if cut and not found.text:
            return "", "arguments_incomplete", f": none came before the end (finish_reason {ended.finish_reason})"
        return found.text, "", ""
    reason = found.problem.reason
    if found.problem.code == "arguments_incomplete":
        reason = _unfinished(ended.finish_reason)
    return found.text, found.problem.code, reason


def _unfinished(finish_reason: str | None) -> str:
    if not finish_reason:
        return ""
    return (
        f" (finish_reason {finish_reason})" if finish_reason in CUT else f" although finish_reason is {finish_reason}"
    )
