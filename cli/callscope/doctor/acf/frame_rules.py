"""Rules on an agent's frames: the envelope, its `event:` line, and what else stands in the stream.

Knows the framework's envelope. Must not know what steps say (`step_rules`) nor words (`answer_rules`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from callscope.core.values import Frame
from callscope.core.visible import one_line
from callscope.doctor.rule import Level, Rule, Verdict, broken, held, rule
from callscope.doctor.seen import Seen, members, shown

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
    is_simple,
    kind,
)

FRAME_RULES: Final[list[Rule]] = []
_ID_LINE: Final = re.compile(rb"(?:\A|[\r\n])id *:")


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
            yield broken(f"`object` is {shown(found) if 'object' in said.document else 'missing'}", said.frame)
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
                yield broken(f"`{name}` is {shown(found) if name in said.document else 'missing'}", said.frame)

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
        elif not isinstance(members(choices[0]).get("delta"), dict):
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
            yield broken(f"`role` is {shown(role) if 'role' in delta.members else 'missing'}", delta.frame)


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


# ---- habits that the standard allows ------------------------------------------------------------------------------


def _habit(name: str, asked: str, breaks: str, find: Callable[[Seen], Frame | None]) -> None:
    """An informational rule on a habit that is seen first in some frame."""

    def judge(seen: Seen) -> Iterator[Verdict]:
        if frame := find(seen):
            yield broken("seen first here", frame)

    rule(FRAME_RULES, name, "informational", asked, breaks=breaks, when=is_agent_stream)(judge)


def _frame_at(seen: Seen, at: int) -> Frame | None:
    """The frame that has this byte, or the last one before it."""
    if at < 0:
        return None
    before = [frame for frame in seen.frames if frame.start <= at]
    return before[-1] if before else seen.frames[0]


def _id_line(seen: Seen) -> Frame | None:
    for frame in seen.frames:
        if frame.channel == "sse" and _ID_LINE.search(seen.body[frame.start : frame.end]):
            return frame
    return None


_habit(
    "acf.no_id_line",
    "Frames have no `id:` line.",
    "the public validator of external agents takes the frame for a wrong one",
    _id_line,
)
_habit(
    "acf.no_crlf",
    "Lines end with LF.",
    "hand-written readers that split at LF LF find no end of a frame",
    lambda seen: _frame_at(seen, seen.body.find(b"\r\n")),
)
_habit(
    "acf.no_comments",
    "No comments stand between the frames.",
    "hand-written readers that take each block for a frame fail on the ping",
    lambda seen: next((frame for frame in seen.frames if frame.channel == "comment"), None),
)


@rule(
    FRAME_RULES,
    "acf.done",
    "informational",
    "The stream ends with `data: [DONE]`.",
    breaks="a stream that just closes cannot be told from one that broke off in good order",
    when=is_agent_stream,
)
def _done(seen: Seen) -> Iterator[Verdict]:
    if seen.done is not None:
        yield held("it does", seen.done)
    elif any(is_simple(said) and said.frame.event == "stream_end" for said in seen.said):
        yield held("stream_end, in the samples' dialect")
    else:
        yield broken("it just closes")


@rule(
    FRAME_RULES,
    "acf.nothing_after_done",
    "recommended",
    "Nothing comes after `[DONE]`.",
    breaks="clients have stopped reading: what comes is lost",
    when=lambda seen: is_agent_stream(seen) and seen.done is not None,
)
def _nothing_after(seen: Seen) -> Iterator[Verdict]:
    for frame in seen.after_done:
        if "[DONE]" not in frame.data:
            yield broken(f"after it: {one_line(frame.data, 60)}", frame)
