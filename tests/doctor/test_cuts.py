"""However the reads of any known body are cut, the findings are the same, and they are found in linear time."""

from __future__ import annotations

import json
import time

from hypothesis import given, settings
from hypothesis import strategies as st

from callscope.doctor.exchange import Exchange
from callscope.doctor.report import Finding, examine
from callscope.doctor.stream_rules import TIME_RULES
from examined import exchange
from quirkbodies import FOLDER, Quirk, corpus

BODIES = [*corpus(FOLDER), *corpus(FOLDER / "responses")]


def answered(quirk: Quirk, reads: list[bytes]) -> Exchange:
    tools = [{"type": "function", "function": {"name": name}} for name in quirk.meta["tools"]]
    return exchange(
        quirk.dialect,
        reads,
        {"stream": quirk.path.with_suffix(".sse").exists(), "tools": tools, "tool_choice": "required"},
        status=quirk.meta["http_status"],
        headers=(("content-type", quirk.meta["content_type"]),),
        how=quirk.meta.get("ending", "complete"),
        times=[0.1] * len(reads),
    )


def timeless(quirk: Quirk, reads: list[bytes]) -> list[Finding]:
    return [one for one in examine([answered(quirk, reads)], quirk.dialect) if one.rule not in TIME_RULES]


@given(quirk=st.sampled_from(BODIES), data=st.data())
@settings(max_examples=150, deadline=None)
def test_the_findings_are_the_same_however_the_reads_are_cut(quirk: Quirk, data: st.DataObject) -> None:
    body = quirk.body
    places = sorted(data.draw(st.sets(st.integers(0, len(body)), max_size=20)))
    reads = [body[start:end] for start, end in zip([0, *places], [*places, len(body)], strict=True)]
    assert timeless(quirk, reads) == timeless(quirk, [body])


def seconds_for(pieces: int) -> float:
    """The time that an answer with a call in so many pieces, each of them wrong, is judged in."""
    document = {"choices": [{"index": 1, "delta": {"tool_calls": [{"id": "c", "function": {"name": "f"}}]}}]}
    body = b"".join(b"data: %b\n\n" % json.dumps({**document, "id": str(n)}).encode() for n in range(pieces))
    began = time.process_time()
    examine([exchange("chat", [body], {"tools": [{"type": "function", "function": {"name": "f"}}]})], "chat")
    return time.process_time() - began


def test_an_answer_that_is_wrong_ten_thousand_times_is_judged_in_linear_time() -> None:
    seconds_for(100)
    assert seconds_for(10_000) < 40 * max(seconds_for(1_000), 0.02)
