"""How a response came out: completed or failed, with whose words, and what about its end was odd.

Knows what makes an answer whole. Must not know how its parts came in.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from callscope.core.events import PeerEvent, ResponseCompleted, ResponseFailed
from callscope.core.values import Channel, Ending, FailureKind, Frame, JsonObject, Usage

from .answer import Answer
from .assembly import Ended, assemble
from .demanding import forced
from .diagnostics import diagnostic, excerpt
from .failures import ENDINGS, LONGEST, request_id, retry_after, status_words
from .fragments import OpenCall
from .leaks import find_leak
from .pieces import Spoken

_THINKING = re.compile(r"\s*<think(?:ing)?>")
UNREACHED = ("connect_failed", "dns_failed", "tls_failed")
OF_CALLS = ('"tool_calls"', '"function_call', ".function_call_", '"custom_tool_call', ".custom_tool_call_")
"""What an event with a piece of a call has in it: members of a delta, types of items and of events."""
WITH_CALLS = ("tool_calls", "function_call", "tool_use", "length", "content_filter")


class OpenCalls(Protocol):
    """The calls of an answer that are ours to run."""

    calls: list[OpenCall]
    damaged: bool


class Progress(Protocol):
    """What the end has to know of an answer, whatever its protocol."""

    finish_reason: str | None
    usage: JsonObject | None
    whole: bool

    @property
    def calls(self) -> OpenCalls:
        """Its calls, in the order in which they came into sight."""
        ...

    @property
    def growing(self) -> bool:
        """Whether a call has begun and may not be whole yet."""
        ...

    @property
    def said(self) -> Mapping[Channel, Spoken]:
        """Its texts."""
        ...


@dataclass
class Exchange:
    """What is known of one exchange while it lasts, beside the answer itself."""

    number: int
    offered: Collection[str]
    answer: Progress
    asked: bytes = b""  # the body of the request, where it is known
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    chunks: int = 0
    done: bool = False  # [DONE] came
    error: str = ""  # the server's words for what went wrong
    remark: str = ""  # words that are an error if nothing better comes
    page: str = ""  # the words of an HTML page
    foreign: str = ""  # the beginning of a document of another protocol
    mistaken: str = ""  # which protocol that is, and what to do about it
    choiceless: bool = False  # a document with an empty list of choices
    cut_off: bool = False  # a document of which the end is missing
    event_cut_off: bool = False  # an event of a stream, likewise
    unframed: bool = False  # a document that was meant as an event stands there without `data:`
    empty: bool = True
    compressed: bool = False
    undecodable: str = ""
    excess: str = ""  # why the answer was not read to its end
    told: int = 0  # diagnostics that are not said once for all
    held: list[Frame] = field(default_factory=list)  # large events that something was said of
    protocol: str = "Chat Completions"
    early: str = ENDINGS["complete"]  # what to say of a clean end in the middle of an answer

    @property
    def refused(self) -> bool:
        """Whether the status says that there is no answer."""
        return self.status is not None and not 200 <= self.status < 300

    def fail(self, message: str) -> None:
        """Keep the server's words; the first ones name the cause."""
        self.error = self.error or message[:LONGEST]

    def damaged_by(self, text: str, *, half: bool) -> None:
        """Take note of an event that was lost: if it held a piece of a call, no call can be trusted.

        `half` is whether it was a document that broke, and not words: then it may have been a piece of any call that
        was growing, though nothing in what is left of it says so.
        """
        says_so = '"' in text and any(name in text for name in OF_CALLS)
        if says_so or (half and self.answer.growing):
            self.answer.calls.damaged = True


def end(exchange: Exchange, answer: Answer, how: Ending, detail: str, out: list[PeerEvent]) -> None:
    """Say everything that only the end can tell; the last event is the completion or the failure."""
    answer.flush(out)
    failure = failure_of(exchange, how, detail)
    report_body(exchange, out)
    report_leaks(exchange, out)
    if failure is None:
        _report_oddities(exchange.asked, answer, how, detail, out)
    calls = answer.calls
    assemble(calls.calls, Ended(answer.finish_reason, failure is not None, calls.damaged), out, calls.remote_ids)
    if failure is not None:
        out.append(failed(exchange, *failure))
    else:
        out.append(ResponseCompleted(answer.finish_reason, usage_of(answer.usage), answer.reasoning.echo()))


# ---- failure --------------------------------------------------------------------------------------------------------


def failure_of(exchange: Exchange, how: Ending, detail: str) -> tuple[FailureKind, str] | None:
    """What went wrong, in the order of who knows best; None where the answer is whole."""
    answer = exchange.answer
    if how != "complete" and how in UNREACHED and exchange.status is None:
        return how, detail or ENDINGS[how]
    if exchange.refused and exchange.status is not None:
        return "http", exchange.error or f"{status_words(exchange.status)}, without a word about it."
    if exchange.excess:
        return "too_large", exchange.excess
    if exchange.error or answer.finish_reason == "error":
        return "error", exchange.error or 'The server ended the response with finish_reason "error".'
    if exchange.remark and not answer.finish_reason and not answer.whole:
        return "error", exchange.remark[:LONGEST]
    if exchange.done and not exchange.chunks and exchange.foreign:
        return "foreign", _foreign(exchange)
    if exchange.done or (answer.whole and not exchange.cut_off):
        return None
    if answer.finish_reason and how != "cancelled":
        return None
    if how != "complete":
        return how, detail or ENDINGS[how]
    return _early_end(exchange)


def _early_end(exchange: Exchange) -> tuple[FailureKind, str]:
    """A clean end without an answer, or in the middle of one."""
    if exchange.page:
        return "foreign", f"The server answered with a page: {exchange.page}"[:LONGEST]
    if exchange.remark:
        return "error", exchange.remark[:LONGEST]
    if exchange.undecodable:
        return "foreign", f"The body cannot be decompressed: {exchange.undecodable}"
    if exchange.empty:
        return "truncated", "The body is empty."
    if exchange.cut_off:
        return "truncated", "The body ends in the middle of a JSON document."
    if exchange.chunks:
        return "truncated", exchange.early
    if exchange.foreign:
        return "foreign", _foreign(exchange)
    if exchange.choiceless:
        return "truncated", "The answer has no choices."
    return "truncated", exchange.early


def _foreign(exchange: Exchange) -> str:
    return exchange.mistaken or f"This is no {exchange.protocol} answer: {exchange.foreign}"


def failed(exchange: Exchange, kind: FailureKind, message: str) -> ResponseFailed:
    """The failure as an event."""
    return ResponseFailed(
        kind,
        message,
        exchange.status,
        request_id(exchange.headers),
        retry_after(exchange.headers),
        exchange.answer.finish_reason,
        usage_of(exchange.answer.usage),
    )


# ---- oddities of a whole answer -------------------------------------------------------------------------------------


def report_body(exchange: Exchange, out: list[PeerEvent]) -> None:
    """Say what was odd about the body as bytes."""
    if exchange.undecodable:
        out.append(diagnostic("body_undecodable", text=exchange.undecodable))
    elif exchange.compressed:
        out.append(diagnostic("body_compressed"))


def _report_oddities(asked: bytes, answer: Answer, how: Ending, detail: str, out: list[PeerEvent]) -> None:
    reason, calls = answer.finish_reason, answer.calls.calls
    if how != "complete":
        out.append(diagnostic("answer_after_the_end", text=detail or ENDINGS[how]))
    if reason is None and not answer.whole:
        out.append(diagnostic("finish_reason_missing"))
    elif reason is not None and "malformed" in reason.lower():
        out.append(diagnostic("call_malformed", text=excerpt(reason)))
    elif calls and reason is not None and reason not in WITH_CALLS and not _is_forced(asked, reason):
        out.append(diagnostic("finish_reason_despite_calls", text=excerpt(reason)))
    elif not calls and reason in ("tool_calls", "function_call", "tool_use"):
        out.append(diagnostic("finish_reason_without_calls", text=reason))
    if answer.silent and reason not in ("length", "content_filter"):
        out.append(diagnostic("response_empty"))


def _is_forced(asked: bytes, reason: str) -> bool:
    """Whether the word for an end is `stop` because the request forced the tool."""
    # OpenAI documents it of a call that the request forced: then `stop` stands there instead of `tool_calls`
    # https://platform.openai.com/docs/guides/function-calling#edge-cases
    return reason == "stop" and bool(forced(asked))


def report_leaks(exchange: Exchange, out: list[PeerEvent]) -> None:
    """Say where a text, or the name of a call, looks like a call that the server did not parse."""
    answer = exchange.answer
    channels: tuple[tuple[Channel, str], ...] = (("output", "text"), ("reasoning", "reasoning"))
    for channel, where in channels:
        text = answer.said[channel].text
        if leak := find_leak(text, exchange.offered):
            frame = answer.said[channel].frame_at(leak.start)
            facts = {"where": where, "marker": excerpt(leak.marker), "cause": leak.cause}
            out.append(diagnostic("leaked_tool_call", None, frame, **facts))
    for call in answer.calls.calls:
        if leak := find_leak(call.name, ()):
            facts = {"where": "name of a call", "marker": excerpt(leak.marker), "cause": leak.cause}
            out.append(diagnostic("leaked_tool_call", call.key, call.frame, **facts))
    if _THINKING.match(answer.said["output"].text):
        out.append(diagnostic("reasoning_inline", None, answer.said["output"].frame_at(0)))


# ---- usage ----------------------------------------------------------------------------------------------------------


def usage_of(raw: Mapping[str, Any] | None) -> Usage | None:
    """Token counts, by whichever names the server has for them."""
    if raw is None:
        return None
    return Usage(
        _count(raw, "prompt_tokens", "input_tokens"),
        _count(raw, "completion_tokens", "output_tokens"),
        _count(raw, "total_tokens"),
        raw,
    )


def _count(raw: Mapping[str, Any], *names: str) -> int | None:
    return next((raw[name] for name in names if type(raw.get(name)) is int), None)
