"""Why a response has no call: what is on the wire, held against each known cause.

Knows the causes and what each looks like in the facts of a turn. Must not guess: a verdict has its evidence, and where
nothing hints at a call, that is the verdict. Pure.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import TypeAlias

from callscope.core.events import Diagnostic

from .case import Case
from .entries import Evidence, Verdict
from .evidence import (
    count_in,
    finish,
    listed,
    of_frame,
    of_request,
    said_last,
    tools_counted,
    words_at,
    words_of,
)
from .facts import ExchangeFacts
from .hints import UNREADABLE, hints
from .verdicts import verdict

Rule: TypeAlias = Callable[[Case, ExchangeFacts, str], Iterator[Verdict]]
"""Takes the turn, its last exchange, and the name of the tool that is asked about ("" where none is)."""

UNREACHED = ("connect_failed", "dns_failed", "tls_failed")
CUT = ("truncated", "reset", "timeout")
LENGTH = ("length", "max_tokens", "max_output_tokens")
FILTER = ("content_filter", "safety", "blocked")
WITH_CALLS = ("tool_calls", "function_call", "tool_use")
ORDINARY = ("", "null", "stop", "eos", "completed", "complete", "done", "end_turn", "stop_sequence", *WITH_CALLS)
"""What servers say at the end of an answer that is as they meant it."""
SLACK = 32
"""Tokens that mark the ends of an answer and are no text."""

_OF_TOOLS = re.compile(
    r"\b(?:tools?|tool_choice|parallel_tool_calls|tool[ -]call\w*|functions?|function[ -]call\w*)\b.{0,80}?"
    r"\b(?:supports?|supported|requires?|enabled?|allowed|permitted|schema|unsupported|unrecognized|disabled)\b"
    r"|\b(?:supports?|unsupported|unrecognized|invalid schema|enable)\b.{0,80}?\b(?:tools?|functions?|tool_choice)\b"
    r"|\bparse (?:the )?(?:tools|tool_choice|functions)\b",  # of the request: llama.cpp's "Failed to parse tools: …"
    re.IGNORECASE | re.DOTALL,
)
_UNPARSED = re.compile(
    r"\btool_use_failed\b|failed to call a function|malformed (?:tool|function)[ _]call|"
    r"(?:failed to|could not|cannot|unable to) parse (?:the )?(?:tool|function)(?!s\b|_choice)",
    re.IGNORECASE,
)
_A_CALL = re.compile(
    r'"(?:tool_calls|function_call)"\s*:\s*[\[{]|"type"\s*:\s*"(?:response\.)?(?:function_call|custom_tool_call)'
)
_DROPPED = {"finish_reason_without_calls": "call_dropped", "call_malformed": "call_malformed"}
_LATE = ("data_after_done", "event_after_the_end")


def absence(case: Case, exchange: ExchangeFacts, tool: str = "") -> list[Verdict]:
    """Why this exchange has no call; of the tool, where one is named."""
    if exchange.failure is not None:
        return failed(exchange)
    found = [each for rule in (*LOSSES, *CAUSES) for each in rule(case, exchange, tool)]
    if any(each.certainty == "certain" for each in found):
        return found  # a hint says nothing beside what is certain
    in_words = [] if found else [_in_words(exchange)]
    return [*found, *in_words, *hints(case, exchange, tool)]


def losses(case: Case, exchange: ExchangeFacts) -> list[Verdict]:
    """What of a response hints at a call that is not there; nothing where the model simply spoke."""
    if exchange.failure is not None:
        return failed(exchange)
    return [each for rule in LOSSES for each in rule(case, exchange, "")]


# ---- there is no answer ---------------------------------------------------------------------------------------------


def failed(exchange: ExchangeFacts) -> list[Verdict]:
    """Why the response of this exchange is no answer; nothing where it is one."""
    return list(_failure(exchange)) if exchange.failure is not None else []


def _failure(exchange: ExchangeFacts) -> Iterator[Verdict]:
    failure = exchange.failure
    assert failure is not None
    words = failure.message.strip()
    evidence = words_at(exchange, words)
    if failure.kind in UNREACHED:
        yield verdict("unreachable", evidence, words=words)
    elif failure.kind == "cancelled":
        yield verdict("stopped", evidence)
    elif failure.kind == "too_large":
        yield verdict("answer_too_large", evidence, words=words)
    elif failure.kind == "foreign":
        yield verdict("not_an_answer", evidence, words=words)
    elif failure.kind in CUT:
        yield verdict("answer_cut", evidence, words=words)
    elif failure.kind == "http":
        yield verdict("http_error", evidence, status=failure.status, words=words)
    else:
        yield verdict("server_error", evidence, words=words)
    if failure.kind in ("http", "error") and exchange.asked.tools:
        if _UNPARSED.search(words):
            yield verdict("call_not_parsed", evidence, words=words)
        elif _OF_TOOLS.search(words):
            yield verdict("tools_refused", evidence, words=words)


# ---- the request asked for none -------------------------------------------------------------------------------------


def _not_offered(case: Case, exchange: ExchangeFacts, tool: str) -> Iterator[Verdict]:
    asked, raw = exchange.asked, exchange.request.body
    if not asked.readable:
        return
    if not asked.tools:
        if exchange.loaded:
            yield verdict(
                "tools_left_out", of_request(exchange, "tools"), count=tools_counted(len(exchange.loaded), "is")
            )
        elif exchange.settings.dialect == "acf":
            yield verdict("agent_told_no_call", words_of(exchange))
        else:
            yield verdict("tools_missing", Evidence(exchange.number, "request", f"no tools in {len(raw):,} bytes"))
    elif tool and tool not in asked.tools:
        yield verdict("tool_not_offered", of_request(exchange, "tools"), name=tool, offered=listed(asked.tools))


def _choice(case: Case, exchange: ExchangeFacts, tool: str) -> Iterator[Verdict]:
    asked = exchange.asked
    evidence = of_request(exchange, asked.choice_member)
    said = listed(asked.named)
    if asked.mode == "none":
        yield verdict("choice_none", evidence, member=asked.choice_member)
    elif asked.named and asked.tools and not set(asked.named) & set(asked.tools):
        yield verdict("choice_names_no_tool", evidence, asked=said, offered=listed(asked.tools))
    elif tool and asked.named and tool not in asked.named:
        yield verdict("choice_names_another", evidence, asked=said, name=tool)
    elif asked.obliges and asked.tools and exchange.completed and not _cut(exchange):
        choice = asked.choice if isinstance(asked.choice, str) else json.dumps(asked.choice, ensure_ascii=False)
        yield verdict("tool_choice_ignored", evidence, words_of(exchange), member=asked.choice_member, choice=choice)


# ---- there was a call, and it was lost ------------------------------------------------------------------------------


def _leaked(case: Case, exchange: ExchangeFacts, tool: str) -> Iterator[Verdict]:
    for leak in exchange.leaks:
        byte = leak.evidence.start
        yield verdict(
            "call_leaked",
            leak.evidence,
            where=leak.where,
            marker=leak.marker,
            byte="?" if byte is None else f"{byte:,}",
            exchange=exchange.number,
            cause=leak.cause or "see its documentation",
        )


def _dropped(case: Case, exchange: ExchangeFacts, tool: str) -> Iterator[Verdict]:
    for code, name in _DROPPED.items():
        if any(found.code == code for found in exchange.diagnostics):
            yield verdict(name, finish(exchange), reason=exchange.finish_reason)


def _lost(case: Case, exchange: ExchangeFacts, tool: str) -> Iterator[Verdict]:
    for name, codes in (("call_unreadable", (*UNREADABLE, "member_odd")), ("call_after_the_end", _LATE)):
        found = next((each for each in exchange.diagnostics if each.code in codes and _holds_call(each)), None)
        if found is not None and not exchange.calls:
            yield verdict(name, of_frame(exchange, found), code=found.code, exchange=exchange.number)


def _holds_call(found: Diagnostic) -> bool:
    return _A_CALL.search(found.frame.data if found.frame else "") is not None


def _unaccounted(case: Case, exchange: ExchangeFacts, tool: str) -> Iterator[Verdict]:
    usage = exchange.usage
    if usage is None or usage.output_tokens is None or exchange.calls or exchange.encoded:
        return
    size = sum(said.size for said in exchange.said.values())
    reasoned = count_in(usage.raw, "reasoning_tokens")
    if usage.output_tokens - reasoned > (size + SLACK if size else 2):
        evidence = said_last(exchange, rb'"(?:completion|output)_tokens"\s*:\s*\d+')
        words = f"{size:,} byte{'' if size == 1 else 's'}"
        yield verdict("tokens_unaccounted", evidence, tokens=f"{usage.output_tokens:,}", bytes=words)


def _of_another_kind(case: Case, exchange: ExchangeFacts, tool: str) -> Iterator[Verdict]:
    found = next((each for each in exchange.diagnostics if each.code == "item_not_answered"), None)
    if found is not None and not exchange.calls:
        yield verdict("call_of_another_kind", of_frame(exchange, found), words=found.message)


def _empty(case: Case, exchange: ExchangeFacts, tool: str) -> Iterator[Verdict]:
    codes = {found.code for found in exchange.diagnostics}
    if "response_empty" in codes and not codes & _DROPPED.keys():
        yield verdict("answer_empty", Evidence(exchange.number, "response", f"{exchange.tail.size:,} bytes came"))


# ---- the answer ended without one -----------------------------------------------------------------------------------


def _ended(case: Case, exchange: ExchangeFacts, tool: str) -> Iterator[Verdict]:
    asked, reason = exchange.asked, (exchange.finish_reason or "").lower()
    if reason in LENGTH:
        limit = f" ({asked.limit_member} {asked.limit:,} in the request)" if asked.limit is not None else ""
        member = of_request(exchange, asked.limit_member) if asked.limit is not None else None
        yield verdict("cut_by_length", finish(exchange), member, limit=limit)
    elif reason in FILTER:
        yield verdict("filtered", finish(exchange))
    elif reason not in ORDINARY and not exchange.calls and "malformed" not in reason:
        yield verdict("ended_by_server", finish(exchange), reason=exchange.finish_reason)
    elif set(exchange.said) == {"reasoning"} and not exchange.leaks and reason not in WITH_CALLS:
        yield verdict("thought_and_said_nothing", words_of(exchange, "reasoning"))
    if exchange.said.get("refusal"):
        yield verdict("refused", words_of(exchange, "refusal"))


def _cut(exchange: ExchangeFacts) -> bool:
    return (exchange.finish_reason or "").lower() in (*LENGTH, *FILTER)


# ---- the model simply spoke -----------------------------------------------------------------------------------------


def _in_words(exchange: ExchangeFacts) -> Verdict:
    offered = exchange.asked.tools if exchange.asked.readable else exchange.loaded
    allowed = f"{exchange.asked.choice_member} allows {listed(exchange.asked.named)} alone of {len(offered)}"
    count = allowed if exchange.asked.mode == "some" else tools_counted(len(offered), "was")
    return verdict("answered_in_words", words_of(exchange), finish(exchange), count=count)


LOSSES: tuple[Rule, ...] = (_leaked, _dropped, _lost, _of_another_kind, _unaccounted, _empty)
CAUSES: tuple[Rule, ...] = (_not_offered, _choice, _ended)
