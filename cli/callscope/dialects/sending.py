"""What of a call goes back to a server, whatever its protocol: an id that no other has, a name, arguments, a result.

Knows what strict servers refuse in a history. Must not know how a protocol writes a call.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from callscope.core.events import Diagnostic
from callscope.core.plan import error
from callscope.core.values import CallKey, ToolCall

from .arguments import problem_of
from .diagnostics import diagnostic, excerpt

UNNAMED: Final = "unnamed_tool"


def renamed(call_id: str, exchange: int) -> str:
    """What the call of this exchange is called where an earlier one has its id; underscores may follow."""
    return f"{call_id}_{abs(exchange)}"


class SentCalls:
    """The calls of one request. What is changed in one is told with the first request that carries it.

    That is the request after the `latest` exchange.
    """

    def __init__(self, latest: int) -> None:
        self.diagnostics: list[Diagnostic] = []
        self._latest = latest
        self._ids: set[str] = set()

    def call_id(self, call: ToolCall) -> str:
        """The wire's id; servers that count anew in each response would give one id to two calls of a history."""
        call_id = call.call_id
        if call_id in self._ids:
            call_id = renamed(call_id, call.key.exchange)
            while call_id in self._ids:
                call_id += "_"
            self._report("id_renamed", call, text=call.call_id, call_id=call_id)
        self._ids.add(call_id)
        return call_id

    def name(self, call: ToolCall) -> str:
        """The name, or one for a call that has none."""
        if not call.name:
            self._report("name_replaced", call, text=UNNAMED)
        return call.name or UNNAMED

    def arguments(self, call: ToolCall) -> str:
        """The raw text of a custom tool; of a function the arguments, or `{}` for what is no JSON object."""
        if call.kind == "custom":
            return call.arguments
        if not call.arguments.strip():
            return "{}"
        if problem_of(call.arguments) is None:
            return call.arguments
        self._report("arguments_replaced", call, text=excerpt(call.arguments), call_id=call.call_id)
        return "{}"

    def result(self, call: ToolCall, results: Mapping[CallKey, str]) -> str:
        """The output of a call; a call that has none gets an error, as each has to have one."""
        if call.key in results:
            return results[call.key]
        self.diagnostics.append(diagnostic("result_missing", call.key, None, call_id=call.call_id))
        return error("cancelled", "The call has no result.")

    def _report(self, code: str, call: ToolCall, **facts: str) -> None:
        if abs(call.key.exchange) == self._latest:  # an agent's own calls have an exchange of their own, below zero
            self.diagnostics.append(diagnostic(code, call.key, None, **facts))
