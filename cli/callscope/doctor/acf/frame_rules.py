"""Rules on an agent's frames: the envelope, its `event:` line, and what else stands in the stream.

Knows the framework's envelope. Must not know what steps say (`step_rules`) nor words (`answer_rules`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from callscope.core.visible import one_line
from callscope.dialects.shapes import object_of
from callscope.doctor.rule import Level, Rule, Verdict, broken, held, rule
from callscope.doctor.seen import Seen, as_sent, shown

from .envelopes import (
    CHUNK,
    MARKS,
    MESSAGE,
    NATIVE,
    STEP,
    deltas,
    envelopes,
    has_envelopes,
    is_agent_stream,
    is_envelope,
    is_error,
    is_simple,
    kind,
)

FRAME_RULES: Final[list[Rule]] = []


@rule(
    FRAME_RULES,
    "acf.events",
    "recommended",
    "The stream is of envelopes with `object` and `choices`, as the framework documents them.",
    breaks="Orchestrate reads these; the events of the Python and Go samples (text_delta, tool_call_start) only some "
    "clients know",
    when=is_agent_stream,
)
def _events(seen: Seen) -> Iterator[Verdict]:
    simple = [said for said in seen.said if is_simple(said)]
    if simple:
        yield broken(
            f"{len(simple)} events of the samples' dialect, the first {simple[0].frame.event}", simple[0].frame
        )


@rule(
    FRAME_RULES,
    "acf.object",
    "required",
    f"Each envelope says what it is: `object` is {STEP} or {MESSAGE} (or the created and completed marks of a step).",
    breaks="nothing else says whether words are an answer or a step; clients skip the frame",
    when=has_envelopes,
)
def _object(seen: Seen) -> Iterator[Verdict]:
    for said in envelopes(seen):
        found = said.document.get("object")
        if not isinstance(found, str):
            yield broken(as_sent(said.document, "object"), said.frame)
        elif found not in (STEP, MESSAGE, *MARKS, *NATIVE):
            yield broken(f"`object` is {one_line(found, 60)}", said.frame)


@rule(
    FRAME_RULES,
    "acf.event_line",
    "required",
    "Where a frame has an `event:` line, it says what `object` says.",
    breaks="clients that go by the line and clients that go by `object` see two different answers",
    when=has_envelopes,
)
def _event_line(seen: Seen) -> Iterator[Verdict]:
    named = False
    for said in envelopes(seen):
        found, line = said.document.get("object"), said.frame.event
        named = named or bool(line)
        if line and isinstance(found, str) and line != found:
            yield broken(f"event: {one_line(line, 40)}, object: {one_line(found, 40)}", said.frame)
    if not named:
        yield held("there are no `event:` lines, which are optional")


def _member(name: str, level: Level, breaks: str, is_good: Callable[[Any], bool], wanted: str) -> None:
    """A rule on one member of the envelope."""

    def judge(seen: Seen) -> Iterator[Verdict]:
        for said in envelopes(seen):
            found = said.document.get(name)
            if kind(said) not in NATIVE and not is_good(found):
                yield broken(as_sent(said.document, name), said.frame)

    rule(
        FRAME_RULES,
        f"acf.{name}",
        level,
        f"Each envelope has `{name}`, {wanted}.",
        breaks=breaks,
        when=has_envelopes,
    )(judge)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


_member("id", "required", "clients that key frames by it lose or join them", _is_text, "a text")
_member("created", "recommended", "clients that check the envelope refuse it", lambda v: type(v) is int, "Unix seconds")
_member("model", "recommended", "clients that check the envelope refuse it", _is_text, "a text")
_member(
    "thread_id",
    "recommended",
    "the next message cannot say which conversation it belongs to",
    _is_text,
    "the conversation's",
)


@rule(
    FRAME_RULES,
    "acf.one_thread",
    "required",
    "All frames of an answer name the same thread.",
    breaks="each message begins a new conversation, because no client knows which thread is meant",
    when=lambda seen: is_agent_stream(seen) and any(said.document.get("thread_id") for said in seen.said),
)
def _one_thread(seen: Seen) -> Iterator[Verdict]:
    first = None
    for said in seen.said:
        thread = said.document.get("thread_id")
        if not isinstance(thread, str) or not thread:
            continue
        first = first or thread
        if thread != first:
            yield broken(f"{one_line(thread, 40)} after {one_line(first, 40)}", said.frame)


@rule(
    FRAME_RULES,
    "acf.choices",
    "required",
    "Each delta stands in `choices`, a list of one, as its `delta`, an object.",
    breaks="clients read choices[0].delta: what stands elsewhere is lost, and an empty list is an error",
    when=has_envelopes,
)
def _choices(seen: Seen) -> Iterator[Verdict]:
    for said in envelopes(seen):
        if kind(said) in (*MARKS, *NATIVE):
            continue
        choices = said.document.get("choices")
        if not isinstance(choices, list):
            yield broken("`choices` is missing" if choices is None else "`choices` is no list", said.frame)
        elif len(choices) != 1:
            yield broken(f"`choices` has {len(choices)} entries", said.frame)
        elif not isinstance(object_of(choices[0]).get("delta"), dict):
            yield broken(f"the choice has no `delta`: {shown(choices[0])}", said.frame)


@rule(
    FRAME_RULES,
    "acf.role",
    "recommended",
    "Each delta speaks as the assistant: `role` is assistant.",
    breaks="clients show words of another role as another speaker's, and empty ones as empty messages",
    when=has_envelopes,
)
def _role(seen: Seen) -> Iterator[Verdict]:
    for delta in deltas(seen, STEP, MESSAGE):
        role = delta.members.get("role")
        if role != "assistant" and delta.members:
            yield broken(as_sent(delta.members, "role"), delta.frame)


@rule(
    FRAME_RULES,
    "acf.delta",
    "recommended",
    "Each delta says something: `content` in a message, `step_details` in a step.",
    breaks="clients show an empty bubble, or fail on the missing member",
    when=has_envelopes,
)
def _delta(seen: Seen) -> Iterator[Verdict]:
    for delta in deltas(seen, STEP, MESSAGE):
        if not any(value for name, value in delta.members.items() if name != "role"):
            yield broken(f"the delta is {shown(delta.members)}", delta.frame)


@rule(
    FRAME_RULES,
    "acf.no_chunks",
    "recommended",
    "No frame of Chat Completions (chat.completion.chunk) stands in the stream.",
    breaks="clients of the framework do not know the frame; some take it for an error",
    when=is_agent_stream,
)
def _no_chunks(seen: Seen) -> Iterator[Verdict]:
    for said in seen.said:
        if kind(said) == CHUNK:
            yield broken("a chat.completion.chunk", said.frame)


@rule(
    FRAME_RULES,
    "acf.only_envelopes",
    "recommended",
    "Nothing but envelopes stands in the stream (and a frame that names the thread alone).",
    breaks="the framework knows no other events: clients that take each frame for an envelope fail",
    when=is_agent_stream,
)
def _only_envelopes(seen: Seen) -> Iterator[Verdict]:
    for said in seen.said:
        known = is_envelope(said) or is_simple(said) or is_error(said) or kind(said) == CHUNK
        if not known and not set(said.document) <= {"thread_id"}:
            yield broken(f"a document of another kind: {shown(said.document, 60)}", said.frame)


@rule(
    FRAME_RULES,
    "acf.framework_only",
    "informational",
    "The objects are those of the framework, none of native Orchestrate's (thread.message.completed).",
    breaks="clients of the framework skip them, or show the message twice",
    when=has_envelopes,
)
def _framework_only(seen: Seen) -> Iterator[Verdict]:
    for said in envelopes(seen):
        if kind(said) in NATIVE:
            yield broken(kind(said), said.frame)
