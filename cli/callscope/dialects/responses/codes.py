"""Every complaint that only the Responses API has, for the table of `diagnostics`.

Knows codes, severities and sentences. Must not know when they apply.
"""

from __future__ import annotations

from callscope.dialects.codes import Code

ITEMS = {
    "item_unannounced": Code(
        "warning",
        "An event speaks of a {text} that no response.output_item.added announced.",
        "gateways that bridge from Chat Completions",
        "took it as the beginning of the item",
    ),
    "item_id_missing": Code(
        "info", "Events have no `item_id`.", "gateways, early vLLM", "told items apart by index, type and order"
    ),
    "item_id_differs": Code(
        "warning",
        "Events name the item {text}, and the item is called {known}; other clients may lose the text.",
        "relays that make up an id for each event (Copilot)",
        "told items apart by index, type and order",
    ),
    "item_repeated": Code("info", "The item {text} was announced twice.", "relays", "counted it once"),
    "item_unfinished": Code(
        "info",
        "A {text} has no response.output_item.done, and the end of the response does not repeat it.",
        "gateways",
        "took it as its deltas said",
    ),
    "item_unknown": Code(
        "info",
        "The answer has an item of the type {text}: {item}",
        "vendors' own items (orq:*), newer servers",
        "kept it, and sends it back as it came",
    ),
    "item_not_answered": Code(
        "warning",
        "A {text} waits for an answer that Callscope has no tool to give.",
        "computer use, shells, MCP servers that ask for approval",
        "kept it, and sends it back as it came; the next request may be refused",
    ),
    "deltas_missing": Code(
        "warning",
        "The end of a part or an item says more than its deltas did: some are missing.",
        "relays that drop events",
        "added what was missing",
    ),
    "text_differs": Code(
        "warning",
        "The end of a part, an item or the response says another text than the deltas.",
        "relays that filter one and not the other",
        "kept the deltas; the item goes back as the server gave it",
    ),
    "arguments_corrected": Code(
        "warning",
        "The deltas of the arguments are {text}, and at their end they are {whole}.",
        "relays that repeat or lose deltas",
        "took the end, as the deltas are no arguments",
    ),
    "arguments_differ": Code(
        "warning",
        "The deltas of a call say {text}, and its end says {whole}.",
        "relays",
        "shows the deltas, and runs them only where both mean the same",
    ),
    "call_renamed": Code(
        "warning",
        "The call was announced as {text}, and at its end it is {whole}.",
        "relays",
        "took the end, which the server will know it by",
    ),
    "call_kind_differs": Code(
        "info",
        "The call of a tool that was offered as another kind came as a {text}.",
        "gateways that bridge from Chat Completions",
        "took it as it came; it goes back the same way",
    ),
    "output_text_alone": Code(
        "info",
        "The answer has its words in `output_text`, which only SDKs have, and no items.",
        "hand-written gateways",
        "read it",
    ),
    "response_cumulative": Code(
        "info", "Each event is the whole response so far.", "AI Stats", "took what was new in each"
    ),
    "response_incomplete": Code(
        "error",
        "The response that {call_id} came in ended incomplete ({text}).",
        "max_output_tokens, content filters",
        "shows it, runs nothing",
    ),
}

EVENTS = {
    "type_missing": Code(
        "info", "Events have no `type`; their `event:` lines say what they are.", "hand-written gateways", "read those"
    ),
    "event_name_contradicts": Code(
        "warning", "The `event:` line says {text}, `type` says {kind}.", "relays", "believed `type`"
    ),
    "event_other": Code(
        "info",
        "There are events of the type {text}.",
        "built-in tools, newer servers",
        "skipped them; the items tell it",
    ),
    "sequence_odd": Code(
        "warning",
        "The sequence numbers do not rise ({text}): events came twice or out of order.",
        "relays, servers that count anew or not at all",
        "took the events as they came",
    ),
    "sequence_gap": Code(
        "warning", "Sequence numbers are missing ({text}): events were lost.", "relays that drop events", "went on"
    ),
    "completed_missing": Code(
        "warning",
        "`[DONE]` came, and response.completed did not; other clients may wait for it.",
        "gateways that bridge from Chat Completions",
        "took the response as completed, as each of its items is whole",
    ),
    "output_left_out": Code(
        "warning",
        "The response at the end has no output, and items came; clients that read it alone see no answer.",
        "new-api, LiteLLM, ChatGPT's own backend",
        "took the items as they came",
    ),
    "event_after_the_end": Code(
        "warning", "Something came after the end of the response: {text}", "relays", "did not add it to the answer"
    ),
    "chat_answer": Code(
        "error",
        "This is an answer of Chat Completions, not of the Responses API.",
        "a wrong URL, gateways that take either request",
        "decoded nothing: try --dialect chat",
    ),
    "server_note": Code(
        "info",
        "The server says of the request, {text}: {note}",
        "OpenAI (a missed prompt cache, reasoning that it removed)",
        "shows it",
    ),
}

HISTORY = {
    "reasoning_left_out": Code(
        "info",
        "Reasoning of an earlier answer does not go back to the server: {text}.",
        "requests with `store` false, a changed server",
        "left it out; told it with the first request that goes without it",
    ),
    "server_history_unused": Code(
        "info",
        "The whole conversation goes to the server instead of previous_response_id: {text}.",
        "--history server",
        "sent the full list",
    ),
    "server_history_refused": Code(
        "info",
        "The server refuses to go on from a response that it is to know: it may keep none.",
        "Ollama, Together, Upstage; `store` false; a response that is too old",
        "`--history full` sends the whole conversation",
    ),
}

RESPONSES = {**ITEMS, **EVENTS, **HISTORY}
"""All of them."""
