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
    "item_id_shared": Code(
        "warning",
        "Two items have the id {text}; other clients may join them.",
        "relays",
        "told items apart by index, type and order",
    ),
    "item_nameless": Code(
        "info", "A {text} has no `id`.", "Bedrock Mantle", "told items apart by index, type and order"
    ),
    "item_renamed": Code(
        "info",
        "The item {known} is called {text} at its end, or at that of the response.",
        "mistral.rs, SMG",
        "took it as the same one",
    ),
    "item_repeated": Code("info", "The item {text} was announced or ended twice.", "relays", "counted it once"),
    "item_at_the_end_alone": Code(
        "warning",
        "The response at the end has a {text} that no event spoke of; clients that read the events alone miss it.",
        "relays",
        "read it",
    ),
    "output_index_missing": Code(
        "info", "Events have no `output_index`.", "Lemonade (llama.cpp)", "told items apart by id, type and order"
    ),
    "output_index_shared": Code(
        "warning",
        "Two items have the output_index {text}; other clients may join them.",
        "open-responses-server, 9router",
        "told items apart by id and type",
    ),
    "output_index_odd": Code(
        "info",
        "The output indexes do not count the items from 0 on: {text}.",
        "relays",
        "took the items in the order in which they came",
    ),
    "output_index_changed": Code(
        "warning",
        "An item has another output_index than when it was announced; other clients may take it for another one.",
        "relays",
        "told items apart by their ids",
    ),
    "output_reordered": Code(
        "info",
        "The response at the end has its items in another order.",
        "Surogate",
        "kept the order in which they came",
    ),
    "part_index_missing": Code(
        "info",
        "Events have no index of the part that they speak of.",
        "Lemonade (llama.cpp)",
        "took it as the first part",
    ),
    "part_index_odd": Code(
        "info",
        "The deltas of a part have other indexes than its end.",
        "vLLM",
        "took them as one part, as the end says their words",
    ),
    "part_type_odd": Code(
        "info", "A {known} has a part of the type {text}.", "hand-written gateways", "read its text all the same"
    ),
    "part_unfinished": Code(
        "info",
        "The deltas of a {text} have no end of their own, such as response.output_text.done.",
        "Llama Stack, vLLM",
        "took the end of the item as theirs",
    ),
    "content_as_text": Code(
        "info", "The content of a {text} is text, not a list of parts.", "hand-written gateways", "read it"
    ),
    "member_null": Code("info", "`{text}` is null.", "vLLM, relays", "took it as empty"),
    "deltas_none": Code(
        "info",
        "A {text} was announced, and then came whole, without deltas.",
        "Azure, gpt-5.3-codex-spark, vLLM",
        "shows it when it is whole",
    ),
    "end_empty": Code(
        "warning",
        "The end of a part, an item or the response is empty, and its deltas were not; other clients may lose them.",
        "relays",
        "kept the deltas",
    ),
    "call_named_late": Code(
        "info",
        "The call came into sight without its name or its id: {text} came later.",
        "M365-Copilot2API, relays",
        "took what came later",
    ),
    "call_events_differ": Code(
        "info",
        "The raw text of a {text} came in the events of another kind of call.",
        "9router",
        "took it as that of the call",
    ),
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
    "event_lines_missing": Code(
        "info", "Events have no `event:` line with their type.", "LiteLLM, gateways", "went by `type`"
    ),
    "sequence_missing": Code(
        "info", "Events have no `sequence_number`.", "mlx-vlm, gateways", "took them as they came"
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
    "status_missing": Code(
        "info", "The response at the end has no `status`.", "hand-written gateways", "went by the name of the event"
    ),
    "status_differs": Code(
        "warning",
        "The event says that the response is {text}, and the response says {whole}.",
        "relays",
        "believed the response where it says an end",
    ),
    "incomplete_without_reason": Code(
        "info", "The response is incomplete, and the server does not say why.", "relays", "calls it incomplete"
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
