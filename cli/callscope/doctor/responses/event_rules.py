"""Rules on the events of a Responses stream: their kinds, their numbers, their order and their end.

Knows the sequence that the protocol documents. Must not know what items hold (`item_rules`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from callscope.core.visible import one_line
from callscope.dialects.shapes import list_of, object_of
from callscope.doctor.http_rules import is_plain, server_words, was_answered
from callscope.doctor.rule import Rule, Verdict, broken, held, not_shown, rule
from callscope.doctor.seen import Seen, as_sent, shown

from .events import BEGINNINGS, ENDS, came_whole, events, final, has_events, is_error, is_whole, name

EVENT_RULES: Final[list[Rule]] = []


@rule(
    EVENT_RULES,
    "responses.no_error",
    "required",
    "An answer with a status of success holds no error, and the response does not fail.",
    breaks="clients that look at the status alone show an empty answer, or half of one",
    when=lambda seen: was_answered(seen) and bool(seen.said),
)
def _no_error(seen: Seen) -> Iterator[Verdict]:
    for said in seen.said:
        if is_error(said):
            yield broken(f"an error: {shown(said.document)}", said.frame)


@rule(
    EVENT_RULES,
    "responses.type",
    "required",
    "Each event has its `type`; where it has an `event:` line, too, both say the same.",
    breaks="clients that go by the one and clients that go by the other see different answers",
    when=has_events,
)
def _type(seen: Seen) -> Iterator[Verdict]:
    for said in seen.said:
        kind = said.document.get("type")
        if not isinstance(kind, str):
            yield broken(as_sent(said.document, "type", 40), said.frame)
        elif said.frame.event not in ("", kind):
            yield broken(f"event: {one_line(said.frame.event, 40)}, type: {one_line(kind, 40)}", said.frame)


@rule(
    EVENT_RULES,
    "responses.event_lines",
    "informational",
    "Each event has an `event:` line.",
    breaks="readers of server-sent events that go by names (EventSource) hear nothing",
    when=has_events,
)
def _event_lines(seen: Seen) -> Iterator[Verdict]:
    for said in seen.said:
        if not said.frame.event:
            yield broken(f"none for {one_line(name(said), 40)}", said.frame)


@rule(
    EVENT_RULES,
    "responses.sequence",
    "recommended",
    "Each event has a `sequence_number`, one more than that of the event before.",
    breaks="a client that lost its connection cannot say where it was; a lost event goes unnoticed",
    when=has_events,
)
def _sequence(seen: Seen) -> Iterator[Verdict]:
    last: int | None = None
    for said in seen.said:
        number = said.document.get("sequence_number")
        if type(number) is not int:
            yield broken(as_sent(said.document, "sequence_number", 40), said.frame)
            return
        if last is not None and number != last + 1:
            yield broken(f"{number} after {last}", said.frame)
        last = number


@rule(
    EVENT_RULES,
    "responses.created",
    "recommended",
    "The first event is response.created, with the response that begins.",
    breaks="clients that make their state of it (the openai SDK's stream helper) fail at the next event",
    when=has_events,
)
def _created(seen: Seen) -> Iterator[Verdict]:
    first = seen.said[0]
    if name(first) not in BEGINNINGS:
        yield broken(f"it is {one_line(name(first), 60) or 'without a type'}", first.frame)
    elif not object_of(first.document.get("response")).get("id"):
        yield broken("the response in it has no id", first.frame)


@rule(
    EVENT_RULES,
    "responses.terminal",
    "required",
    "A stream ends with one response.completed, response.incomplete or response.failed.",
    breaks="an answer that broke off cannot be told from a whole one; its usage and its output are lost",
    when=lambda seen: has_events(seen) and seen.exchange.how == "complete",
)
def _terminal(seen: Seen) -> Iterator[Verdict]:
    ends = list(events(seen, *ENDS))
    if not ends and not any(map(is_error, seen.said)):
        yield broken(f"the last event is {one_line(name(seen.said[-1]), 60)}", seen.said[-1].frame)
    elif len(ends) > 1:
        yield broken(f"{name(ends[1])} after {name(ends[0])}", ends[1].frame)
    elif ends and ends[0] != seen.said[-1]:
        yield broken(f"{one_line(name(seen.said[-1]), 60)} comes after it", seen.said[-1].frame)


@rule(
    EVENT_RULES,
    "responses.no_done",
    "informational",
    "No `data: [DONE]` comes, which belongs to Chat Completions.",
    breaks="clients that parse each event as JSON fail at the very end",
    when=has_events,
)
def _no_done(seen: Seen) -> Iterator[Verdict]:
    if seen.done is not None:
        yield broken("it came", seen.done)


@rule(
    EVENT_RULES,
    "responses.known_events",
    "informational",
    "Only events come that the protocol documents.",
    breaks="clients with a closed list of events fail on another one",
    when=has_events,
)
def _known(seen: Seen) -> Iterator[Verdict]:
    for said in seen.said:
        kind, item = name(said), object_of(said.document.get("item"))
        if not (kind.startswith("response.") or is_error(said)):
            yield broken(f"an event of the type {one_line(kind, 40) or '(none)'}", said.frame)
        elif ":" in str(item.get("type")):
            yield broken(f"an item of the type {one_line(str(item['type']), 40)}", said.frame)


@rule(
    EVENT_RULES,
    "responses.member_kinds",
    "required",
    "Members are of the kind that the protocol says: a text, a number, a list or an object.",
    breaks="clients fail on a value of another kind, or skip it",
    when=lambda seen: has_events(seen) or is_whole(seen),
)
def _member_kinds(seen: Seen) -> Iterator[Verdict]:
    for report in seen.reported("member_odd"):
        yield broken(one_line(report.message, 120), report.frame)


# ---- the response -------------------------------------------------------------------------------------------------


@rule(
    EVENT_RULES,
    "responses.response",
    "required",
    "The response, at the end of a stream or in one piece, has its `id`, `object` response, `status` and `output`.",
    breaks="clients that take the answer from the response find none, and cannot go on from it",
    when=lambda seen: is_whole(seen) or (came_whole(seen) and bool(list(events(seen, *ENDS)))),
)
def _response(seen: Seen) -> Iterator[Verdict]:
    response, frame = final(seen), seen.said[-1].frame
    if response.get("object") != "response":
        yield broken(as_sent(response, "object", 40), frame)
    elif not isinstance(response.get("id"), str) or not response["id"]:
        yield broken(as_sent(response, "id", 40), frame)
    elif not isinstance(response.get("output"), list):
        yield broken(as_sent(response, "output", 40), frame)
    elif response.get("status") not in ("completed", "incomplete"):
        yield broken(as_sent(response, "status", 40), frame)
    elif seen.streamed and name(seen.said[-1]) != f"response.{response['status']}" and name(seen.said[-1]) in ENDS:
        yield broken(f"`status` is {response['status']} in {name(seen.said[-1])}", frame)


@rule(
    EVENT_RULES,
    "responses.usage",
    "recommended",
    "The response has its `usage`: input_tokens, output_tokens, total_tokens.",
    breaks="tokens are counted as none, or guessed",
    when=lambda seen: is_whole(seen) or (came_whole(seen) and bool(final(seen))),
)
def _usage(seen: Seen) -> Iterator[Verdict]:
    usage = final(seen).get("usage")
    counts = ("input_tokens", "output_tokens", "total_tokens")
    missing = [count for count in counts if not _is_count(object_of(usage).get(count))]
    if missing:
        yield broken(f"no {' and no '.join(missing)}: {shown(usage)}", seen.said[-1].frame)
    else:
        yield held(f"{object_of(usage)['input_tokens']} in, {object_of(usage)['output_tokens']} out")


@rule(
    EVENT_RULES,
    "responses.says",
    "required",
    "A plain question is answered with words.",
    breaks="the person sees nothing",
    when=lambda seen: is_plain(seen) and (came_whole(seen) or is_whole(seen)),
)
def _says(seen: Seen) -> Iterator[Verdict]:
    if seen.words.strip():
        return
    if seen.refused:
        yield not_shown("the model refused")
    elif seen.was_cut:
        yield not_shown("a limit cut the answer off")
    else:
        yield broken("no word came", seen.frames[-1])


# ---- the server's memory ------------------------------------------------------------------------------------------


@rule(
    EVENT_RULES,
    "responses.previous",
    "informational",
    "A conversation goes on by `previous_response_id`: the server keeps it.",
    breaks="clients have to send the whole conversation each time",
    when=lambda seen: bool(seen.asked.get("previous_response_id")) and seen.status > 0,
)
def _previous(seen: Seen) -> Iterator[Verdict]:
    yield held("accepted") if seen.is_good else broken(f"status {seen.status}: {server_words(seen)}")


@rule(
    EVENT_RULES,
    "responses.stateless",
    "recommended",
    "With `store: false` the same works without the server's memory: reasoning goes back as it came.",
    breaks="a conversation that must not be kept cannot have calls",
    when=lambda seen: seen.is_chat and seen.asked.get("store") is False and seen.status > 0,
)
def _stateless(seen: Seen) -> Iterator[Verdict]:
    if not seen.is_good:
        yield broken(f"status {seen.status}: {server_words(seen)}", seen.frames[0] if seen.frames else None)


@rule(
    EVENT_RULES,
    "responses.reasoning",
    "recommended",
    "Reasoning that goes back as it came, beside the call it led to, is accepted.",
    breaks="a conversation with a model that reasons ends after its first call",
    when=lambda seen: seen.is_chat and seen.status > 0 and _has_reasoning(seen),
)
def _reasoning(seen: Seen) -> Iterator[Verdict]:
    if not seen.is_good:
        yield broken(f"status {seen.status}: {server_words(seen)}", seen.frames[0] if seen.frames else None)


def _has_reasoning(seen: Seen) -> bool:
    return any(object_of(item).get("type") == "reasoning" for item in list_of(seen.asked.get("input")))


def _is_count(value: Any) -> bool:
    return type(value) is int
