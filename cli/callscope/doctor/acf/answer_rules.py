"""Rules on an agent's words, its errors, its answer in one piece, its threads and its history.

Knows where the framework has words. Must not know steps nor the envelope.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from callscope.core.events import TextDelta
from callscope.core.visible import one_line
from callscope.dialects.shapes import list_of, object_of
from callscope.doctor.http_rules import server_words, was_answered
from callscope.doctor.rule import Rule, Verdict, broken, held, not_shown, rule
from callscope.doctor.seen import Said, Seen, as_sent, shown

from .envelopes import MESSAGE, deltas, has, is_error, is_simple

ANSWER_RULES: Final[list[Rule]] = []
ENOUGH: Final = 5
"""Pieces of text: fewer may have no space between them by chance."""


@rule(
    ANSWER_RULES,
    "acf.content",
    "required",
    "The `content` of a message is a text.",
    breaks="clients show [object Object], or fail on it",
    when=has(deltas, MESSAGE),
)
def _content(seen: Seen) -> Iterator[Verdict]:
    for delta in deltas(seen, MESSAGE):
        content = delta.members.get("content")
        if not isinstance(content, str | None) and object_of(content).get("type") != "thinking":
            yield broken(f"`content` is {shown(content)}", delta.frame)


@rule(
    ANSWER_RULES,
    "acf.answers",
    "required",
    f"An answer has words in {MESSAGE}.",
    breaks="the person sees nothing",
    when=lambda seen: seen.wants_stream and seen.is_good and seen.streamed and seen.exchange.how == "complete",
)
def _answers(seen: Seen) -> Iterator[Verdict]:
    if seen.words.strip() or any(map(_is_failure, seen.said)):
        return
    if seen.calls and any(call.name in seen.tools for call in seen.calls):
        yield not_shown("the answer is a call that is left to the client")
    else:
        yield broken("no word of an answer came", seen.frames[-1])


@rule(
    ANSWER_RULES,
    "acf.spaces",
    "recommended",
    "The pieces of the text have their spaces: joined as they come they are the text.",
    breaks="the person reads wordswithoutspaces",
    when=has(deltas, MESSAGE),
)
def _spaces(seen: Seen) -> Iterator[Verdict]:
    for report in seen.reported("words_joined"):
        yield broken(f"no piece has a space: {one_line(seen.words.strip(), 40)}", report.frame)
    if sum(isinstance(event, TextDelta) for event in seen.events) < ENOUGH:
        yield not_shown("too few pieces to tell")


@rule(
    ANSWER_RULES,
    "acf.no_error",
    "required",
    "A good request is answered, not with an error under a status of success.",
    breaks="the framework has no event for errors: some clients show nothing, some the raw JSON",
    when=lambda seen: was_answered(seen) and bool(seen.said or seen.unread),
)
def _no_error(seen: Seen) -> Iterator[Verdict]:
    for said in seen.said:
        if _is_failure(said):
            yield broken(f"an error: {shown(said.document)}", said.frame)
    for frame in seen.unread:
        if frame.channel == "sse" and frame.event == "error":
            yield broken(f"an error that is no JSON: {one_line(frame.data, 60)}", frame)


@rule(
    ANSWER_RULES,
    "acf.error_as_text",
    "recommended",
    "An error does not come as words of the answer.",
    breaks="the person takes the error for an answer, and so does the program",
    when=was_answered,
)
def _error_as_text(seen: Seen) -> Iterator[Verdict]:
    for report in seen.reported("error_as_text"):
        yield broken(one_line(report.message, 100), report.frame)


# ---- in one piece -------------------------------------------------------------------------------------------------


def _is_whole(seen: Seen) -> bool:
    return was_answered(seen) and not seen.wants_stream and bool(seen.whole) and not is_error(seen.said[0])


@rule(
    ANSWER_RULES,
    "acf.whole_object",
    "required",
    "An answer in one piece calls itself chat.completion.",
    breaks="clients that check it refuse the answer",
    when=_is_whole,
)
def _whole_object(seen: Seen) -> Iterator[Verdict]:
    if seen.whole.get("object") != "chat.completion":
        yield broken(as_sent(seen.whole, "object", 40), seen.said[0].frame)


@rule(
    ANSWER_RULES,
    "acf.whole_message",
    "required",
    "An answer in one piece has its words in choices[0].message: `role` assistant, `content` a text.",
    breaks="clients find no answer",
    when=_is_whole,
)
def _whole_message(seen: Seen) -> Iterator[Verdict]:
    message = object_of(_first_choice(seen).get("message"))
    if not message:
        yield broken(f"no message: {shown(seen.whole)}", seen.said[0].frame)
    elif message.get("role") != "assistant":
        yield broken(as_sent(message, "role", 40), seen.said[0].frame)
    elif not isinstance(message.get("content"), str) and not message.get("tool_calls"):
        yield broken(as_sent(message, "content", 60), seen.said[0].frame)


@rule(
    ANSWER_RULES,
    "acf.whole_members",
    "recommended",
    "An answer in one piece has `id`, `created`, `model`, and its choice has `index` and `finish_reason`.",
    breaks="clients that check the answer (the openai SDK's types) miss them",
    when=_is_whole,
)
def _whole_members(seen: Seen) -> Iterator[Verdict]:
    missing = [name for name in ("id", "created", "model") if seen.whole.get(name) is None]
    missing += [name for name in ("index", "finish_reason") if _first_choice(seen).get(name) is None]
    if missing:
        yield broken(f"no {' and no '.join(missing)}", seen.said[0].frame)


# ---- the conversation ---------------------------------------------------------------------------------------------


def _thread_asked(seen: Seen) -> str:
    thread = object_of(seen.asked.get("extra_body")).get("thread_id")
    return thread if isinstance(thread, str) else ""


@rule(
    ANSWER_RULES,
    "acf.thread_kept",
    "recommended",
    "A request that names a thread (X-THREAD-ID, extra_body.thread_id) is answered in that thread.",
    breaks="the agent forgets what was said, or mixes conversations up",
    when=lambda seen: was_answered(seen) and bool(_thread_asked(seen)),
)
def _thread_kept(seen: Seen) -> Iterator[Verdict]:
    asked = _thread_asked(seen)
    for said in seen.said:
        thread = said.document.get("thread_id")
        if isinstance(thread, str) and thread and thread != asked:
            yield broken(f"{one_line(thread, 40)} in place of {one_line(asked, 40)}", said.frame)
            return
    if not any(said.document.get("thread_id") for said in seen.said):
        yield not_shown("the answer names no thread")


def _roles(seen: Seen) -> list[Any]:
    return [object_of(message).get("role") for message in list_of(seen.asked.get("messages"))]


@rule(
    ANSWER_RULES,
    "acf.history",
    "required",
    "A history with the answers before is accepted.",
    breaks="a conversation ends after its first answer",
    when=lambda seen: seen.is_chat and "assistant" in _roles(seen) and seen.status > 0,
)
def _history(seen: Seen) -> Iterator[Verdict]:
    if not seen.is_good:
        yield broken(f"status {seen.status}: {server_words(seen)}", seen.frames[0] if seen.frames else None)


@rule(
    ANSWER_RULES,
    "acf.history_of_calls",
    "recommended",
    "A history with calls in the shape of Chat Completions, and their results, is accepted.",
    breaks="a conversation ends after its first call",
    when=lambda seen: seen.is_chat and "tool" in _roles(seen) and seen.status > 0,
)
def _history_of_calls(seen: Seen) -> Iterator[Verdict]:
    if not seen.is_good:
        yield broken(f"status {seen.status}: {server_words(seen)}", seen.frames[0] if seen.frames else None)


@rule(
    ANSWER_RULES,
    "acf.model_optional",
    "informational",
    "A request without `model` is answered.",
    breaks="clients that name no model, as an agent is its own, are refused (422)",
    when=lambda seen: seen.is_chat and "model" not in seen.asked and seen.status > 0,
)
def _model_optional(seen: Seen) -> Iterator[Verdict]:
    yield held(f"status {seen.status}") if seen.is_good else broken(f"status {seen.status}: {server_words(seen)}")


def _first_choice(seen: Seen) -> dict[str, Any]:
    choices = list_of(seen.whole.get("choices"))
    return object_of(choices[0]) if choices else {}


def _is_failure(said: Said) -> bool:
    return is_error(said) or (is_simple(said) and said.frame.event == "stream_error")
