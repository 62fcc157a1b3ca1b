"""Well-formed streams read as the openai package reads them: the openai package is the oracle here."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletionChunk

from chatbodies import DONE, chunk, completion, decode, entry, event, said, text

TEXTS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)


@st.composite
def streams(draw: st.DrawFn) -> bytes:
    """A stream as OpenAI sends it: text, refusal, parallel calls in pieces, usage."""
    parts = [chunk({"role": "assistant", "content": ""})]
    parts += [chunk({"content": piece}) for piece in draw(st.lists(TEXTS, max_size=4))]
    parts += [chunk({"refusal": piece}) for piece in draw(st.lists(TEXTS, max_size=2))]
    made = draw(st.lists(st.dictionaries(TEXTS, TEXTS | st.integers(), max_size=3), max_size=3))
    for index, arguments in enumerate(made):
        written = json.dumps(arguments, ensure_ascii=draw(st.booleans()))
        at = draw(st.integers(0, len(written)))
        parts.append(chunk({"tool_calls": [entry(index, f"call_{index}", "roll", "", type="function")]}))
        parts += [chunk({"tool_calls": [entry(index, arguments=p)]}) for p in (written[:at], written[at:]) if p]
    parts.append(chunk({}, "tool_calls" if made else draw(st.sampled_from(["stop", "length", "content_filter"]))))
    if draw(st.booleans()):
        usage = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
        shell = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
        parts.append(event({**shell, "choices": [], "usage": usage}))
    return b"".join((*parts, DONE))


def read_with_openai(body: bytes) -> Any:
    state: Any = ChatCompletionStreamState()
    for block in body.split(b"\n\n")[:-2]:
        state.handle_chunk(ChatCompletionChunk.model_validate_json(block[6:]))
    return state.current_completion_snapshot


@settings(max_examples=80, deadline=None)
@given(streams())
def test_a_stream_as_openai_sends_it_reads_as_the_openai_package_reads_it(body: bytes) -> None:
    theirs = read_with_openai(body)
    [choice] = theirs.choices
    events = decode(body)
    ours = completion(events)
    assert text(events) == (choice.message.content or "")
    assert text(events, "refusal") == (choice.message.refusal or "")
    assert said(events) == [(c.function.name, c.function.arguments) for c in choice.message.tool_calls or ()]
    assert ours.finish_reason == choice.finish_reason
    assert (ours.usage.total_tokens if ours.usage else None) == (theirs.usage.total_tokens if theirs.usage else None)
