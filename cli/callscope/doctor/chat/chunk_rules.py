"""Rules on the chunks of a stream, apart from calls; some hold for an answer in one piece, too.

Knows https://platform.openai.com/docs/api-reference/chat. Must not know calls (`call_rules`), nor what only an answer
in one piece has (`whole_rules`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from callscope.core.visible import one_line
from callscope.dialects.assembly import CUT
from callscope.dialects.shapes import object_of
from callscope.doctor.http_rules import is_plain, was_answered
from callscope.doctor.rule import Rule, Verdict, broken, held, not_shown, rule
from callscope.doctor.seen import Seen, as_sent, shown

from .chunks import choices, chunks, deltas, finish_reasons, has_chunks, is_error, is_stream, is_whole

CHUNK_RULES: Final[list[Rule]] = []
FINISHED: Final = ("stop", "length", "tool_calls", "content_filter", "function_call")


@rule(
    CHUNK_RULES,
    "chat.no_error",
    "required",
    "An answer with a status of success holds no error.",
    breaks="most clients look for errors in the status alone: they show an empty answer, or half of one",
    when=lambda seen: was_answered(seen) and bool(seen.said),
)
def _no_error(seen: Seen) -> Iterator[Verdict]:
    for said in seen.said:
        if is_error(said):
            yield broken(f"an error: {shown(said.document)}", said.frame)


@rule(
    CHUNK_RULES,
    "chat.done",
    "required",
    "A stream ends with `data: [DONE]`.",
    breaks="an answer that broke off cannot be told from a whole one; some clients wait until they time out",
    when=lambda seen: is_stream(seen) and seen.exchange.how == "complete",
)
def _done(seen: Seen) -> Iterator[Verdict]:
    if seen.done is None:
        yield broken("it just closes", seen.frames[-1])


@rule(
    CHUNK_RULES,
    "chat.nothing_after_done",
    "recommended",
    "Nothing comes after `[DONE]`.",
    breaks="clients have stopped reading, and their connection cannot be used again",
    when=lambda seen: is_stream(seen) and seen.done is not None,
)
def _nothing_after(seen: Seen) -> Iterator[Verdict]:
    for frame in seen.after_done:
        yield broken(f"after it: {one_line(frame.data, 60)}", frame)


@rule(
    CHUNK_RULES,
    "chat.finish_reason",
    "required",
    f"An answer says how it ended: `finish_reason` is one of {', '.join(FINISHED)}.",
    breaks="loops that go by it stop with an error, or take an answer that is cut off for a whole one",
    when=lambda seen: has_chunks(seen) and seen.exchange.how == "complete",
)
def _finish_reason(seen: Seen) -> Iterator[Verdict]:
    reasons = finish_reasons(seen)
    if not reasons:
        yield broken("none came", seen.frames[-1])
    for frame, reason in reasons:
        if reason not in FINISHED:
            yield broken(f"`finish_reason` is {shown(reason, 40)}", frame)


@rule(
    CHUNK_RULES,
    "chat.finish_once",
    "recommended",
    "`finish_reason` comes once, and after it no delta that says anything.",
    breaks="clients stop at the first one and lose what follows",
    when=lambda seen: has_chunks(seen) and bool(finish_reasons(seen)),
)
def _finish_once(seen: Seen) -> Iterator[Verdict]:
    finished = False
    for frame, choice in choices(seen):
        if finished and any(object_of(choice.get("delta")).get(name) for name in ("content", "tool_calls")):
            yield broken("a delta after it", frame)
        if choice.get("finish_reason") is not None:
            if finished:
                yield broken(f"once more: {shown(choice['finish_reason'], 40)}", frame)
            finished = True


@rule(
    CHUNK_RULES,
    "chat.object",
    "recommended",
    "Each chunk calls itself chat.completion.chunk and has the `id` of the first one.",
    breaks="clients that check it refuse the stream; those that key by the id part the answer",
    when=has_chunks,
)
def _object(seen: Seen) -> Iterator[Verdict]:
    first = None
    for said in chunks(seen):
        kind, name = said.document.get("object"), said.document.get("id")
        first = first or name  # Azure's first chunk, which has no choice, has the id ""
        if kind != "chat.completion.chunk":
            yield broken(as_sent(said.document, "object", 40), said.frame)
        elif (name != first and said.document.get("choices")) or not isinstance(name, str):
            yield broken(f"{as_sent(said.document, 'id', 40)} after {shown(first, 40)}", said.frame)


@rule(
    CHUNK_RULES,
    "chat.choices",
    "required",
    "Each chunk has `choices`, a list of objects, each with the `index` 0 and a `delta`.",
    breaks="clients read choices[0].delta: null and what is missing are errors in them",
    when=has_chunks,
)
def _choices(seen: Seen) -> Iterator[Verdict]:
    for said in chunks(seen):
        listed = said.document.get("choices")
        if not isinstance(listed, list) or not all(isinstance(choice, dict) for choice in listed):
            yield broken(as_sent(said.document, "choices", 40), said.frame)
    for frame, choice in choices(seen):
        if choice.get("index") != 0 or type(choice.get("index")) is not int:
            yield broken(as_sent(choice, "index", 40), frame)
        if not isinstance(choice.get("delta"), dict):
            yield broken(as_sent(choice, "delta", 40), frame)


@rule(
    CHUNK_RULES,
    "chat.choices_filled",
    "recommended",
    "Only the chunk with the usage has no choice.",
    breaks="clients that read choices[0] without looking fail",
    when=has_chunks,
)
def _filled(seen: Seen) -> Iterator[Verdict]:
    for said in chunks(seen):
        if said.document.get("choices") == [] and not said.document.get("usage"):
            yield broken("a chunk without a choice and without usage", said.frame)


@rule(
    CHUNK_RULES,
    "chat.content",
    "required",
    "`content` is a text or null.",
    breaks="clients that join texts fail, or show [object Object]",
    when=lambda seen: has_chunks(seen) or is_whole(seen),
)
def _content(seen: Seen) -> Iterator[Verdict]:
    for frame, delta in deltas(seen):
        if not isinstance(delta.get("content"), str | None):
            yield broken(f"`content` is {shown(delta['content'], 60)}", frame)
    for report in seen.reported("lost_character"):
        yield broken("half of a character", report.frame)


@rule(
    CHUNK_RULES,
    "chat.member_kinds",
    "required",
    "Members are of the kind that the protocol says: a text, a number, a list or an object.",
    breaks="clients fail on a value of another kind, or skip it",
    when=lambda seen: has_chunks(seen) or is_whole(seen),
)
def _member_kinds(seen: Seen) -> Iterator[Verdict]:
    for report in seen.reported("member_odd"):
        yield broken(one_line(report.message, 120), report.frame)


@rule(
    CHUNK_RULES,
    "chat.says",
    "required",
    "A plain question is answered with words.",
    breaks="the person sees nothing",
    when=lambda seen: is_plain(seen) and (is_stream(seen) or is_whole(seen)) and seen.exchange.how == "complete",
)
def _says(seen: Seen) -> Iterator[Verdict]:
    reasons = [reason for _, reason in finish_reasons(seen)]
    if seen.words.strip() or any(map(is_error, seen.said)):
        return
    if seen.refused:
        yield not_shown("the model refused")
    elif reasons and reasons[0] in CUT:
        yield not_shown(f"finish_reason {reasons[0]} came before any word")
    else:
        yield broken("no word came", seen.frames[-1] if seen.frames else None)


@rule(
    CHUNK_RULES,
    "chat.message_once",
    "recommended",
    "Words come once: no whole message beside the deltas.",
    breaks="clients that add both show the answer twice",
    when=has_chunks,
)
def _message_once(seen: Seen) -> Iterator[Verdict]:
    for report in seen.reported("message_repeated", "message_contradicts"):
        yield broken(report.message, report.frame)


@rule(
    CHUNK_RULES,
    "chat.usage",
    "recommended",
    "With stream_options.include_usage the last chunk has the `usage`, and no choice.",
    breaks="tokens are counted as none, or guessed",
    when=lambda seen: (
        has_chunks(seen)
        and object_of(seen.asked.get("stream_options")).get("include_usage") is True
        and seen.exchange.how == "complete"
    ),
)
def _usage(seen: Seen) -> Iterator[Verdict]:
    counted = [said for said in chunks(seen) if isinstance(said.document.get("usage"), dict)]
    if not counted:
        yield broken("no chunk has it")
        return
    last = counted[-1].document
    missing = [
        name for name in ("prompt_tokens", "completion_tokens", "total_tokens") if not is_count(last["usage"], name)
    ]
    if missing:
        yield broken(f"no {' and no '.join(missing)}: {shown(last['usage'])}", counted[-1].frame)
    elif last.get("choices") != []:
        yield broken("it came in a chunk that has a choice", counted[-1].frame)
    else:
        yield held(f"{last['usage']['prompt_tokens']} in, {last['usage']['completion_tokens']} out")


@rule(
    CHUNK_RULES,
    "chat.usage_once",
    "informational",
    "Usage comes once, not with every chunk.",
    breaks="programs that add the counts up count too much",
    when=has_chunks,
)
def _usage_once(seen: Seen) -> Iterator[Verdict]:
    counted = [said for said in chunks(seen) if said.document.get("usage")]
    if len(counted) > 1:
        yield broken(f"{len(counted)} times", counted[0].frame)


@rule(
    CHUNK_RULES,
    "chat.plain_events",
    "informational",
    "Events are `data:` lines with chunks: no names, no other documents.",
    breaks="clients that take each event for a chunk fail on another one",
    when=is_stream,
)
def _plain_events(seen: Seen) -> Iterator[Verdict]:
    for frame in seen.frames:
        if frame.channel == "sse" and frame.event not in ("", "error"):
            yield broken(f"an event named {one_line(frame.event, 40)}", frame)
    for report in seen.reported("event_unknown"):
        yield broken(one_line(report.message, 80), report.frame)


@rule(
    CHUNK_RULES,
    "chat.reasoning_apart",
    "informational",
    "Reasoning stands apart from the answer, not between <think> tags in its text.",
    breaks="the person reads the reasoning as the answer, and the history carries it",
    when=lambda seen: has_chunks(seen) or is_whole(seen),
)
def _reasoning(seen: Seen) -> Iterator[Verdict]:
    for report in seen.reported("reasoning_inline"):
        yield broken("<think> tags in the text", report.frame)


def is_count(usage: Any, name: str) -> bool:
    """Whether a count of tokens is one."""
    return type(object_of(usage).get(name)) is int
