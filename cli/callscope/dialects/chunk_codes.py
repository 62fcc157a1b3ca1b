"""What is odd about the chunks of an answer, and about the calls in them: two parts of the table in `diagnostics`.

Knows codes, severities and sentences. Must not know when they apply.
"""

from __future__ import annotations

from .codes import Code

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
    "choice_index_odd": Code(
        "info",
        "The index of the choice is {text} where 0 was due.",
        "LiteLLM, relays that fan one request out",
        "took it as the answer",
    ),
    "choices_not_listed": Code(
        "info", "`choices` is an object, not a list.", "hand-written gateways", "took it as a list of one"
    ),
    "choices_share_an_index": Code(
        "info",
        "Several choices of one document have the index {text}.",
        "Copilot's gateway, which parts words from calls",
        "took them as one answer",
    ),
    "chunks_listed": Code("info", "A chunk came in a list.", "hand-written gateways", "took each of the list"),
    "message_for_delta": Code(
        "warning",
        "A choice in the stream has `message` where `delta` belongs; other clients see no answer.",
        "relays that stream what they did not stream themselves",
        "read it",
    ),
    "content_not_text": Code(
        "info",
        "`{member}` is no text but a JSON value with text in it.",
        "Mistral's reasoning models, hand-written gateways",
        "read its text",
    ),
    "content_after_finish": Code(
        "warning",
        "Something came after the finish_reason, where other clients may stop.",
        "hand-written gateways",
        "added it to the answer",
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
    "call_not_allowed": Code(
        "warning",
        "{name} was called although {text}.",
        "servers that do not honour tool_choice (aimock, LLMock)",
        "asks about it whatever the policy says; with nobody there it is not run",
    ),
    "call_not_alone": Code(
        "warning",
        "{name} was called beside another call although parallel_tool_calls was false.",
        "servers that do not honour parallel_tool_calls (aimock)",
        "takes it as any other call",
    ),
    "call_says_nothing": Code(
        "info",
        "An entry of `tool_calls` has neither name nor id nor arguments; other clients may make a call of it.",
        "vLLM, relays",
        "skipped it",
    ),
    "call_type_odd": Code(
        "info", "The type of a call is {text}, which the protocol has not.", "LiteLLM, relays", "took it as a function"
    ),
    "head_repeated": Code(
        "info",
        "Later pieces of a call repeat its id or its name, which clients that join texts get twice.",
        "many gateways",
        "took it once",
    ),
    "name_null": Code("info", "The name of a call is the text null.", "LiteLLM", "took it as none"),
    "id_not_text": Code(
        "info", "The id of a call is the number {text}, no text.", "hand-written gateways", "wrote it as text"
    ),
}
