"""What comes next: the rules that no session shows by itself."""

from __future__ import annotations

from typing import Any

from callscope.core.plan import answers
from callscope.core.state import CallRecord, Conversation
from callscope.core.values import CallKey, Fault, ToolCall
p='tests/record/test_rerunning.py'
s=open(p).read()
s=s.replace('''    assert (divergence.what, divergence.path) == ("start", "$.arguments.city")
    assert (divergence.recorded, divergence.now) == ("Paris", "Parus")
''','''    assert (divergence.kind, divergence.path) == ("integrity", "$.calls[0].arguments")
    assert [one.path for one in divergence.differences] == ["$.calls[0].arguments", "$.sha256"]
    started = again(path).divergences[1]
    assert (started.kind, started.what, started.path) == ("arguments", "start", "$.arguments.city")
    assert (started.recorded, started.now) == ("Paris", "Parus")
''')
s=s.replace('''f"request 1 (line {line}), $.body.model: recorded 'huge', now 'tiny'"''','''f'request: request 1 (line {line}), $.body.model: recorded "huge", now "tiny"\'''')
s=s.replace('''    divergence = again(path, dialects=lambda name: PlainDialect(accent="So: ")).divergence
    assert divergence is not None
    assert (divergence.what, divergence.path, divergence.now) == ("request", "$.body.messages[1].content", "So: One.")
''','''    divergences = again(path, dialects=lambda name: PlainDialect(accent="So: ")).divergences
    assert [(one.kind, one.exchange, one.path, one.now) for one in divergences] == [
        ("parse", 1, "$.message.content", "So: One."),
        ("parse", 2, "$.message.content", "So: Two."),
        ("request", 2, "$.body.messages[1].content", "So: One."),
    ]
''')
s=s.replace('''        assert bool(report.stopped) == in_mid_turn, f"cut after line {cut}: {report}"
    assert "cut off in the recording at line" in report.stopped
''','''        assert bool(report.cut_off) == in_mid_turn, f"cut after line {cut}: {report}"
        assert report.same, f"cut after line {cut}: {report}"
    assert "cut off in the recording at line" in report.cut_off
''')
s=s.replace('''        (says("No need."), "response", "$.finish_reason"),
''','''        (says("No need."), "call", "$"),
''')
open(p,'w').write(s)


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
