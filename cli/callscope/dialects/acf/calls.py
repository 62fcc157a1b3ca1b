"""The calls of an agent and their results: which result belongs to which call, and whose a call is.

Knows the two shapes of a call (`args` of the framework, `function.arguments` of Chat Completions). Must not know the
frames' envelopes. A call of the framework's shape was made and run by the agent itself. One of the other shape is ours
if its tool was offered and no result came before the end; till then its executor is a guess.
"""

from __future__ import annotations

import json
import re
from collections import OrderedDict, defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Final, NamedTuple

from callscope.core.events import ArgumentsDelta, CallAssembled, CallStarted, PeerEvent, RemoteResult
from callscope.core.values import CallKey, Frame, ToolCall, ToolResult
from callscope.dialects.assembly import Ended, assemble, remote_id
from callscope.dialects.calls import Calls
from callscope.dialects.diagnostics import as_sent, diagnostic, excerpt
from callscope.dialects.documents import Halves
from callscope.dialects.fragments import OpenCall
from callscope.dialects.limits import CALL, MOST_CALLS, Share, texts
from callscope.dialects.weighing import of_frames

from .renamed import ARGS, documented, renamed

MOST_LOOKED_AT: Final = 1_000
"""Calls that may be ours, among which a result without an id of theirs is given to the only one of its name."""

_RUN_ID: Final = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
_PYTHON: Final = re.compile(r"'\s*[:,\]})]|[\[{(,:]\s*'|\b(?:None|True|False)\b")


class Told(NamedTuple):
    """A result as the agent told it; None where it left something out."""

    call_id: Any
    name: Any
    output: Any
    is_error: bool = False


@dataclass(slots=True)
class AgentCall:
    """A call that the agent runs."""

    call: ToolCall
    frame: Frame
    answered: bool = False


Known = AgentCall | OpenCall


class AgentCalls:
    """The calls of one response. `calls` takes those of Chat Completions' shape; `offered` names our tools."""

    def __init__(self, exchange: int, calls: Calls, offered: Collection[str]) -> None:
        self._exchange = exchange
        self._calls = calls
        self._offered = offered
        self._own: list[AgentCall] = []
        self._by_id: dict[str, AgentCall] = {}
        # By name, then by id; under "" all of them. A plain dict is slow to find its first after many were taken out.
        self._waiting: defaultdict[str, OrderedDict[str, AgentCall]] = defaultdict(OrderedDict)
        self._results: list[int] = []  # their sizes
        self._reported: set[str] = set()

    # ---- calls ------------------------------------------------------------------------------------------------------

    def add(self, entries: Any, frame: Frame, out: list[PeerEvent], due: str = ARGS) -> None:
        """Take the calls of a step, or of an event; `due` is the member that their arguments belong in."""
        if isinstance(entries, dict):
            self._report(out, "calls_not_listed", None, frame)
            entries = [entries]
        for entry in entries if isinstance(entries, list) else [entries]:
            if len(self._own) > MOST_CALLS:
                return
            if not isinstance(entry, dict):
                out.append(diagnostic("member_odd", None, frame, member="tool_calls", text=as_sent(entry)))
            elif isinstance(entry.get("function"), dict):
                self._add_openai(entry, frame, out)
            else:
                self._add_own(entry, due, frame, out)

    def _add_openai(self, entry: dict[str, Any], frame: Frame, out: list[PeerEvent]) -> None:
        """Take a whole call in the shape of Chat Completions."""
        mark = len(out)
        self._calls.numbered = False
        self._calls.add([entry], frame, out)
        self.relabel(out, mark)

    def relabel(self, out: list[PeerEvent], mark: int) -> None:
        """Say of calls in the shape of Chat Completions that began since `mark` whose they seem to be."""
        for place, event in enumerate(out[mark:], mark):
            if isinstance(event, CallStarted):
                out.append(diagnostic("call_openai_shaped", event.key, event.frame))
                if event.name not in self._offered:
                    out[place] = replace(event, executor="remote")

    def _add_own(self, entry: dict[str, Any], due: str, frame: Frame, out: list[PeerEvent]) -> None:
        """Show a call of the framework's shape; it comes whole."""
        if due == ARGS:
            for member, _ in renamed("tool_calls", entry):
                self._report(out, "member_renamed", None, frame, member=member, due=due)
            entry = documented("tool_calls", entry)
        name, call_id = self._text("name", entry.get("name"), frame, out), self._id(entry.get("id"), frame, out)
        arguments = _written(entry.get(due))
        known = self._by_id.get(call_id) if call_id else None
        if known is not None and (known.call.name, known.call.arguments) == (name, arguments):
            self._report(out, "call_repeated", known.call.key, frame)
            return
        key = CallKey(self._exchange, self._calls.take_index())
        unique = remote_id(call_id, key, self._calls.remote_ids)
        call = ToolCall(key, unique, name, arguments, executor="remote")
        self._keep(AgentCall(call, frame))
        out.append(CallStarted(key, unique, name, "function", "remote", frame))
        if arguments:
            out.append(ArgumentsDelta(key, arguments, frame))
        self._judge_id(call, call_id, frame, out)
        if arguments and not isinstance(entry[due], dict if due == ARGS else dict | str):
            out.append(
                diagnostic("args_not_object", key, frame, text=excerpt(json.dumps(entry[due], ensure_ascii=False)))
            )
        out.append(CallAssembled(call))

    def _judge_id(self, call: ToolCall, given: str, frame: Frame, out: list[PeerEvent]) -> None:
        if not given:
            out.append(diagnostic("id_missing", call.key, frame, call_id=call.call_id))
        elif given != call.call_id:
            out.append(diagnostic("id_shared", call.key, frame, text=excerpt(given), call_id=call.call_id))
        elif _RUN_ID.fullmatch(given):
            self._report(out, "call_id_of_a_run", call.key, frame, text=given)

    # ---- results ----------------------------------------------------------------------------------------------------

    def answer(self, told: Told, frame: Frame, out: list[PeerEvent]) -> None:
        """Take a result."""
        call_id, name = self._id(told.call_id, frame, out), self._text("name", told.name, frame, out)
        own = self._find(call_id, name, frame, out)
        if own is None:
            key = CallKey(self._exchange, self._calls.take_index())
        else:
            key = own.call.key
            if own.answered:
                out.append(diagnostic("result_repeated", key, frame, text=excerpt(own.call.call_id)))
            self._settle(own)
        output = self._output(told.output, key, frame, out)
        self._results.append(len(output))
        out.append(RemoteResult(ToolResult(key, output, "error" if told.is_error else "ok"), frame))

    def _find(self, call_id: str, name: str, frame: Frame, out: list[PeerEvent]) -> AgentCall | None:
        """The call of a result: by its id, else by its name or alone where there is no doubt."""
        if call_id:
            own, ours = self._by_id.get(call_id), self._calls.with_id(call_id)
            if own is not None and (ours is None or not own.answered):
                return own
            if ours is not None:
                return self._as_own(ours, out)
        waiting = list(islice(self._unanswered(name), 2))
        only = self._as_own(waiting[0], out) if len(waiting) == 1 else None
        text = excerpt(call_id) or "(no id)"
        out.append(diagnostic("result_unmatched", only.call.key if only is not None else None, frame, text=text))
        return only

    def _unanswered(self, name: str) -> Iterator[Known]:
        """The calls of this name that have no result, or all such calls."""
        yield from self._waiting[name].values() if name in self._waiting else ()
        yield from (call for call in self._calls.calls[:MOST_LOOKED_AT] if name in ("", call.name))

    def _keep(self, own: AgentCall) -> None:
        call_id = own.call.call_id
        self._own.append(own)
        self._by_id.setdefault(call_id, own)
        for name in ("", own.call.name):
            self._waiting[name][call_id] = own

    def _settle(self, own: AgentCall) -> None:
        own.answered = True
        for name in ("", own.call.name):
            self._waiting[name].pop(own.call.call_id, None)

    def _as_own(self, known: Known, out: list[PeerEvent]) -> AgentCall:
        """The agent's own call; one in the shape of Chat Completions turns out to be the agent's here."""
        if isinstance(known, AgentCall):
            return known
        self._calls.give_up(known)
        found: list[PeerEvent] = []
        assemble([known], Ended(None, broken=False, damaged=False), found, self._calls.remote_ids)
        assembled = found.pop()
        assert isinstance(assembled, CallAssembled)
        assert known.frame is not None
        self._calls.remote_ids.add(assembled.call.call_id)
        own = AgentCall(replace(assembled.call, executor="remote", fault=None), known.frame)
        self._keep(own)
        out += [*found, CallAssembled(own.call)]
        return own

    @staticmethod
    def _output(output: Any, key: CallKey, frame: Frame, out: list[PeerEvent]) -> str:
        if isinstance(output, str) and _is_python(output):
            out.append(diagnostic("result_python_repr", key, frame, text=excerpt(output)))
        elif output is not None and not isinstance(output, str):
            out.append(diagnostic("result_not_text", key, frame))
        halves = Halves()
        return halves.joined(_written(output))[0] + halves.rest()

    def kept(self) -> Iterator[Share]:
        """What is kept of the agent's own calls, and of all results."""
        yield Share("calls of the agent's", len(self._own), len(self._own) * CALL)
        yield texts("arguments", [(len(own.call.arguments) + len(own.call.name), 1) for own in self._own])
        yield of_frames(own.frame for own in self._own)
        yield Share("results", len(self._results), len(self._results) * CALL)
        yield texts("results", [(size, 1) for size in self._results])

    # ---- the end ----------------------------------------------------------------------------------------------------

    def close(self, out: list[PeerEvent]) -> None:
        """Settle whose the open calls are: what was not offered was never ours."""
        for call in [call for call in self._calls.calls if call.name not in self._offered]:
            self._as_own(call, out)
        for own in self._own:
            if not own.answered:
                name = excerpt(f"{own.call.name} ({own.call.call_id})")
                out.append(diagnostic("call_unanswered", own.call.key, own.frame, text=name))

    def _id(self, value: Any, frame: Frame, out: list[PeerEvent]) -> str:
        """An id that a call or a result has, or names; a number is one, too."""
        if type(value) in (int, float):
            self._report(out, "id_not_text", None, frame, text=str(value))
            return str(value)
        return self._text("id", value, frame, out)

    def _text(self, member: str, value: Any, frame: Frame, out: list[PeerEvent]) -> str:
        if value is None or isinstance(value, str):
            return value or ""
        out.append(diagnostic("member_odd", None, frame, member=member, text=as_sent(value)))
        return ""

    def _report(self, out: list[PeerEvent], code: str, key: CallKey | None, frame: Frame, **facts: str) -> None:
        """Say it once."""
        if code not in self._reported:
            self._reported.add(code)
            out.append(diagnostic(code, key, frame, **facts))


def _written(value: Any) -> str:
    """Text as it is, any other value as compact JSON, nothing as nothing."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _is_python(text: str) -> bool:
    """Whether a text is a Python value written with repr(), and no JSON."""
    if text.lstrip()[:1] not in ("[", "{", "(") or not _PYTHON.search(text):
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return True
    return False
