"""Every complaint and repair of the dialects, in one table: docs/diagnostics.md is this table for people.

Knows codes, severities and sentences. Must not know when they apply. A code is stable once released: recordings,
scripts and tests name it.

severity: `error` something is lost or cannot be run; `warning` the server did something wrong that matters, here or to
other clients; `info` a harmless repair.
"""

from __future__ import annotations

import json

from callscope.core.events import Diagnostic
from callscope.core.values import CallKey, Frame
from callscope.dialects.acf.codes import AGENT_STEPS, AGENT_STREAMS, DISCOVERY
from callscope.dialects.responses.codes import RESPONSES

from .chunk_codes import CALLS, STRUCTURE
from .codes import Code
from .framing_codes import FRAMING
from .offer_codes import OFFERS

FAULTS = {
    "arguments_incomplete": Code(
        "error", "The arguments of {call_id} are incomplete JSON{text}.", "max_tokens, vLLM", "shows them, runs nothing"
    ),
    "arguments_invalid": Code(
        "error", "The arguments of {call_id} cannot be used: {text}.", "models, templates", "shows them, runs nothing"
    ),
    "arguments_not_object": Code(
        "error", "The arguments of {call_id} cannot be used: {text}.", "models", "shows them, runs nothing"
    ),
    "arguments_contradictory": Code(
        "error", "The arguments of {call_id} contradict themselves: {text}.", "relays", "shows them, runs nothing"
    ),
    "name_missing": Code("error", "The call {call_id} has no name.", "broken parsers", "shows it, runs nothing"),
    "delta_lost": Code(
        "error",
        "An event with parts of a call could not be read, so {call_id} may not be whole.",
        "relays",
        "shows it, runs nothing",
    ),
    "response_broken": Code(
        "error",
        "The response that {call_id} came in is broken.",
        "errors in mid-stream, early ends, resets",
        "shows it, runs nothing (a fault of the call, beside the failure of the response)",
    ),
}

ENDS = {
    "finish_reason_missing": Code(
        "warning", "The stream ended with [DONE], but no finish_reason came.", "relays", "took the answer as finished"
    ),
    "finish_reason_repeated": Code(
        "info",
        "More than one finish_reason came: {text}.",
        "relays",
        "kept the first; what follows the end is the relay's",
    ),
    "finish_reason_empty": Code(
        "info",
        "finish_reason is {text} in the middle of the answer, and not null.",
        "SGLang, vLLM's forks, relays",
        "took it as none",
    ),
    "finish_reason_unknown": Code(
        "info",
        "finish_reason is {text}, a word that the protocol has not.",
        "DeepSeek, relays of Gemini and Anthropic",
        "kept the word, and took the answer as finished",
    ),
    "finish_reason_despite_calls": Code(
        "warning",
        "finish_reason is {text} although there are calls; other clients may not run them.",
        "Gemini, Ollama; `stop` is said of no call that the request forced by name, where OpenAI sends it too",
        "believed the calls",
    ),
    "finish_reason_without_calls": Code(
        "warning", "finish_reason is {text}, but no call came.", "broken tool parsers", "nothing to run"
    ),
    "call_malformed": Code(
        "warning",
        "The model tried to make a call that the server could not read (finish_reason {text}).",
        "Gemini",
        "nothing to run",
    ),
    "usage_elsewhere": Code(
        "info", "The token counts stand in {text}, not in `usage`.", "Groq, Moonshot, relays", "read them"
    ),
    "usage_renamed": Code(
        "info", "The token counts have the names of another protocol ({text}).", "LiteLLM, gateways", "read them"
    ),
    "response_empty": Code(
        "warning", "The answer is empty: no text, no reasoning, no call.", "broken templates", "says so"
    ),
    "leaked_tool_call": Code(
        "warning",
        "The {where} looks like a tool call that the server did not parse ({marker}): {cause}",
        "vLLM, SGLang, llama.cpp, Ollama without the model's tool parser",
        "shows it as it came, runs nothing",
    ),
}

REQUESTS = {
    "arguments_replaced": Code(
        "warning",
        "The arguments of {call_id} are no JSON object, as servers demand of a history: {{}} goes back in place of "
        "{text}",
        "calls that did not run",
        "told it with the first request after the call",
    ),
    "id_renamed": Code(
        "info",
        "The call goes back to the server with the id {call_id} instead of {text}, which an earlier call has.",
        "servers that count ids anew",
        "told it with the first request after the call",
    ),
    "name_replaced": Code(
        "warning",
        "The call without a name goes back to the server as {text}: none takes a call that has no name.",
        "broken parsers",
        "told it with the first request after the call",
    ),
    "result_missing": Code(
        "warning",
        "There is no result of {call_id}: an error goes back to the server in its place.",
        "rewinding into the middle of a turn",
        "sent it",
    ),
}

CODES: dict[str, Code] = {
    **FRAMING,
    **STRUCTURE,
    **CALLS,
    **FAULTS,
    **ENDS,
    **REQUESTS,
    **OFFERS,
    **AGENT_STREAMS,
    **AGENT_STEPS,
    **DISCOVERY,
    **RESPONSES,
}
"""Every code by its name."""

EXCERPT = 120


def diagnostic(code: str, key: CallKey | None = None, frame: Frame | None = None, **facts: str) -> Diagnostic:
    """The complaint of this code with its facts filled in."""
    entry = CODES[code]
    return Diagnostic(entry.severity, code, entry.sentence.format(**facts), key, frame)


def as_sent(value: object) -> str:
    """The beginning of a JSON value as a peer wrote it: null, and not Python's word for it."""
    return excerpt(json.dumps(value, ensure_ascii=False, default=repr))


def excerpt(text: str) -> str:
    """The beginning of a text, in one line."""
    line = " ".join(text[: 4 * EXCERPT].split())
    return line if len(line) <= EXCERPT else line[:EXCERPT] + "…"
