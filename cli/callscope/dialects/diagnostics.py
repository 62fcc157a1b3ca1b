"""Every complaint and repair of the dialects, in one table: docs/diagnostics.md is this table for people.

Knows codes, severities and sentences. Must not know when they apply. A code is stable once released: recordings,
scripts and tests name it.

severity: `error` something is lost or cannot be run; `warning` the server did something wrong that matters, here or to
other clients; `info` a harmless repair.
"""

from __future__ import annotations

from callscope.core.events import Diagnostic
from callscope.core.values import CallKey, Frame
from callscope.dialects.acf.codes import AGENT_STEPS, AGENT_STREAMS, DISCOVERY
from callscope.dialects.responses.codes import RESPONSES

from .codes import Code
from .framing_codes import FRAMING
from .offer_codes import OFFERS

STRUCTURE = {
    "choice_shifted": Code(
        "info",
        "Parts of one answer carry different choice indexes.",
        "relays that put a content block's number there (LiteLLM, Copilot)",
        "took them as one answer",
    ),
    "choice_ignored": Code(
        "warning", "The server sent more than one choice.", "requests with n above 1", "followed the first one"
    ),
    "message_repeated": Code(
        "info", "The whole message came again after its deltas.", "relays, Perplexity", "added nothing twice"
    ),
    "message_contradicts": Code(
        "warning", "The message at the end is not what the deltas said.", "relays", "kept the deltas"
    ),
    "member_odd": Code(
        "warning", "`{member}` is not of the kind the protocol says: {text}", "hand-written gateways", "skipped it"
    ),
    "part_unknown": Code(
        "warning", "The content has a part of the type {text}, which has no text.", "multimodal servers", "skipped it"
    ),
    "reasoning_inline": Code(
        "info",
        "The content has <think> tags: the server does not part reasoning from text.",
        "vLLM and SGLang without a reasoning parser",
        "left the text as it came",
    ),
    "legacy_function_call": Code(
        "info",
        "The call came in the legacy `function_call` member.",
        "old gateways",
        "took it as a call; it goes back as `tool_calls`, or with `--tool-form functions` as it came",
    ),
    "function_call_repeated": Code(
        "info", "`function_call` says a call of `tool_calls` once more.", "gateways that fill both", "counted it once"
    ),
}

CALLS = {
    "calls_not_listed": Code(
        "info", "`tool_calls` is an object, not a list.", "old gateways", "took it as a list of one"
    ),
    "call_flat": Code(
        "info", "Name and arguments stand on the call itself, not in `function`.", "hand-written gateways", "read them"
    ),
    "index_missing": Code(
        "info", "A call has no index.", "Gemini's compatible endpoint, SGLang", "told calls apart by id and order"
    ),
    "index_odd": Code(
        "info",
        "The indexes do not count the calls from 0 on: {text}.",
        "Bedrock, LiteLLM, home-made servers",
        "took the calls in the order in which they came",
    ),
    "index_reused": Code(
        "warning",
        "A new call has the index of an earlier one; other clients may join the two.",
        "Ollama, Gemini proxies",
        "opened a new call",
    ),
    "index_shifted": Code(
        "info", "The index changed in the middle of a call.", "Bedrock and LiteLLM", "went on with the same call"
    ),
    "id_missing": Code(
        "info",
        "The call has no id; here it is {call_id}.",
        "SGLang, DeepSeek relays, old gateways",
        "made one up, which goes back, too; with `--tool-form null-ids` null does",
    ),
    "id_shared": Code(
        "warning",
        "The call has the id of another one, {text}; here it is {call_id}.",
        "Kimi, StepFun, relays",
        "gave it one of its own",
    ),
    "id_changed": Code(
        "info", "The id changed in the middle of a call.", "relays that make up an id for each chunk", "kept the first"
    ),
    "name_in_pieces": Code("info", "The name came in pieces.", "relays of Anthropic and others", "joined them"),
    "name_changed": Code(
        "warning", "The name changed in the middle of a call, to {text}.", "relays", "kept the first name"
    ),
    "arguments_as_object": Code(
        "warning",
        "The arguments are a JSON value, not text; other clients may fail on them.",
        "MiniMax, TGI, old llama.cpp",
        "wrote them as compact JSON",
    ),
    "arguments_null": Code("info", "The arguments are the text null.", "relays", "took them as no arguments"),
    "arguments_after_empty": Code(
        "info", "An empty document stands before the arguments.", "Bedrock, Claude relays", "left it out"
    ),
    "arguments_repeated": Code(
        "warning", "The arguments came more than once.", "vLLM's final flush, LiteLLM, xLAM", "took them once"
    ),
    "arguments_cumulative": Code(
        "warning", "Each delta carries all arguments so far.", "Baidu Qianfan", "took the last one"
    ),
    "arguments_encoded_twice": Code(
        "warning",
        "The arguments are a JSON string that holds the JSON.",
        "relays, fine-tuned models",
        "decoded it once",
    ),
    "arguments_repeat_a_key": Code(
        "warning",
        "The arguments have the same key twice.",
        "models without constrained decoding",
        "left them; most programs take the last",
    ),
    "arguments_empty": Code(
        "info", "The call has no arguments, not even {{}}.", "vLLM, Claude relays", "took them as {}"
    ),
    "call_repeated": Code("info", "The whole call came once more.", "LocalAI, relays", "counted it once"),
}

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
    "finish_reason_despite_calls": Code(
        "warning",
        "finish_reason is {text} although there are calls; other clients may not run them.",
        "Gemini, vLLM with a forced tool, Ollama",
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
        "The arguments of {call_id} go back to the server as {{}} instead of {text}: servers refuse a history with "
        "broken JSON.",
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


def excerpt(text: str) -> str:
    """The beginning of a text, in one line."""
    line = " ".join(text[: 4 * EXCERPT].split())
    return line if len(line) <= EXCERPT else line[:EXCERPT] + "…"
