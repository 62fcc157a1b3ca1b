"""What the calls of a response come to when it ends: ids, arguments, faults.

Knows when a call may run. Must not know how its pieces came together (`calls`), nor how the response ended, but for
what it is told.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Sequence
from typing import NamedTuple

from callscope.core.events import CallAssembled, PeerEvent
from callscope.core.values import CallKey, Fault, Frame, ToolCall

from .arguments import Verdict, raw_verdict, verdict
from .diagnostics import diagnostic, excerpt
from .fragments import OpenCall
from .json_progress import invalid_at

CUT = ("length", "content_filter")


class Ended(NamedTuple):
    """What the end of a response means for its calls.

    `broken`: no call may run. `damaged`: an event with a piece of a call was lost. `incomplete`: why the response ended
    before it was whole, where its protocol says so of the response; then no call may run either.
    """

    finish_reason: str | None
    broken: bool
    damaged: bool
    incomplete: str = ""


def assemble(calls: Sequence[OpenCall], ended: Ended, out: list[PeerEvent], remote_ids: Collection[str] = ()) -> None:
    """Say what each call came to, in the order in which they came into sight; `remote_ids` are taken already."""
    for call in calls:
        if rest := call.halves.rest():
            call.pieces.say(rest, call.last_frame)
            out.append(diagnostic("lost_character", call.key, call.frame))
    found = _once_each([(call, _verdict(call)) for call in calls], out)
    for (call, said), call_id in zip(found, _unique_ids([call for call, _ in found], remote_ids, out), strict=True):
        _report_repairs(call, said, out)
        fault = _fault(call, said, call_id, ended, call is found[-1][0], out)
        if fault is None and call.kind == "function" and not (said.repair or said.text.strip()):
            out.append(diagnostic("arguments_empty", call.key, call.frame))
        whole = ToolCall(call.key, call_id, call.name, said.text, call.kind, extra=dict(call.extra), fault=fault)
        out.append(CallAssembled(whole))


def remote_id(given: str, key: CallKey, taken: set[str]) -> str:
    """The id of a call that the peer ran itself: the wire's, or one made up where that is empty or taken; takes it."""
    call_id = given if given and given not in taken else _made_up(key, taken)
    taken.add(call_id)
    return call_id


def is_made_up(call_id: str, key: CallKey) -> bool:
    """Whether this is the id that a call gets here when the wire has none for it."""
    return call_id.rstrip("_") == _made_up(key, ())


def _made_up(key: CallKey, taken: Container[str]) -> str:
    call_id = f"call_{key.exchange}_{key.index}"
    while call_id in taken:
        call_id += "_"
    return call_id


def _verdict(call: OpenCall) -> Verdict:
    custom = call.kind == "custom"
    return raw_verdict(call.text, call.snapshot) if custom else verdict(call.pieces, call.snapshot)


def _once_each(found: list[tuple[OpenCall, Verdict]], out: list[PeerEvent]) -> list[tuple[OpenCall, Verdict]]:
    """Leave out calls that were said before under the same id, and heads of them that got no arguments.

    One call at many indexes: https://github.com/mudler/LocalAI/issues/9722
    """
    started = {(call.call_id, call.name) for call, _ in found if call.started}
    seen: set[tuple[str, str, str]] = set()
    kept: list[tuple[OpenCall, Verdict]] = []
    for call, said in found:
        whole = (call.call_id, call.name, said.text)
        again = whole in seen or (not call.started and whole[:2] in started)
        if call.call_id and again:
            out.append(diagnostic("call_repeated", call.key, call.frame))
        else:
            kept.append((call, said))
            seen.add(whole)
    return kept


def _unique_ids(calls: Sequence[OpenCall], remote_ids: Collection[str], out: list[PeerEvent]) -> list[str]:
    """The wire's ids where they tell calls apart, and made-up ones elsewhere."""
    taken: set[str] = set()
    ids: dict[str, None] = {}
    for call in calls:
        call_id = call.call_id
        if not call_id or call_id in ids or call_id in remote_ids:
            taken = taken or {*(known.call_id for known in calls), *remote_ids}  # large, and seldom needed
            call_id = _made_up(call.key, taken)
            taken.add(call_id)
            code = "id_shared" if call.call_id else "id_missing"
            out.append(diagnostic(code, call.key, call.frame, text=excerpt(call.call_id), call_id=call_id))
        ids[call_id] = None
    return list(ids)


def _report_repairs(call: OpenCall, said: Verdict, out: list[PeerEvent]) -> None:
    if said.repair:
        out.append(diagnostic(said.repair, call.key, call.frame))
    if said.repeats_a_key:
        out.append(diagnostic("arguments_repeat_a_key", call.key, call.frame))


def _fault(call: OpenCall, said: Verdict, call_id: str, ended: Ended, last: bool, out: list[PeerEvent]) -> Fault | None:
    """Why the call must not run; in a broken response none may, whole or not."""
    code, reason = _problem(call, said, ended, cut=last and ended.finish_reason in CUT)
    if not code and not ended.broken:
        return None
    found = diagnostic(code or "response_broken", call.key, _broken_in(call, code), call_id=call_id, text=reason)
    if not ended.broken:  # the failure of the response says it once for all
        out.append(found)
    return Fault(found.code, found.message)


def _broken_in(call: OpenCall, code: str) -> Frame | None:
    """The frame that shows a problem: of arguments the one that broke them, else the one that the call began in."""
    match code:
        case "arguments_incomplete":
            return call.last_frame or call.frame
        case "arguments_invalid" | "arguments_contradictory":
            broken = invalid_at(call.text) if call.kind == "function" else None
            return (call.snapshot_frame if broken is None else call.pieces.frame_at(broken)) or call.frame
        case _:
            return call.frame


def _problem(call: OpenCall, said: Verdict, ended: Ended, *, cut: bool) -> tuple[str, str]:
    """The code and the reason of what is wrong with a call ("" where nothing is)."""
    if said.problem is not None and said.problem.code == "arguments_incomplete":
        return said.problem.code, _although(ended.finish_reason)
    if said.problem is not None:
        return said.problem
    if cut and (call.kind == "custom" or not said.text):
        return "arguments_incomplete", _although(ended.finish_reason)
    if not call.name:
        return "name_missing", ""
    if ended.incomplete:
        return "response_incomplete", excerpt(ended.incomplete)
    return ("delta_lost", "") if ended.damaged else ("", "")


def _although(finish_reason: str | None) -> str:
    if not finish_reason:
        return ""
    return (
        f" (finish_reason {finish_reason})" if finish_reason in CUT else f" although finish_reason is {finish_reason}"
    )
