"""What comes next: the rules that no session shows by itself."""

from __future__ import annotations

from typing import Any

from callscope.core.plan import answers
from callscope.core.state import CallRecord, Conversation
from callscope.core.values import CallKey, Fault, ToolCall


def test_thousands_of_faulted_calls_are_answered_without_a_look_at_all_of_them_for_each() -> None:
    class Counted(dict[CallKey, CallRecord]):
        looks = 0

        def values(self) -> Any:
            Counted.looks += 1
            return super().values()

    broken = Fault("arguments_invalid", "no JSON")
    keys = [CallKey(1, index) for index in range(4_000)]
    records = Counted((key, CallRecord(ToolCall(key, "c", "f", "{", fault=broken))) for key in keys)
    answered = list(answers(Conversation(calls=records), keys))
    assert {result.status for _, result in answered if result} == {"error"}
    assert Counted.looks == 1
