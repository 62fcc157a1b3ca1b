"""The complaints and repairs that only agents give cause for: one more part of the table in `diagnostics`.

Knows codes, severities and sentences. Must not know when they apply.
"""

from __future__ import annotations

from callscope.dialects.codes import Code

AGENT_STREAMS = {
    "event_line_missing": Code(
        "info", "The frames have no `event:` line; `{member}` says what they are.", "most agents", "read that"
    ),
    "event_line_contradicts": Code(
        "warning",
        "The `event:` line says {text}, `{member}` says {kind}.",
        "hand-written agents",
        "believed the latter",
    ),
    "id_line": Code(
        "info",
        "A frame has an `id:` line, on which the public validator of external agents trips.",
        "BeeAI, sse-starlette",
        "read it all the same",
    ),
    "crlf": Code("info", "Lines end with CR LF.", "BeeAI, sse-starlette", "read it all the same"),
    "comment": Code("info", "A comment keeps the connection awake: {text}", "sse-starlette", "skipped it"),
    "content_type_odd": Code(
        "warning",
        "The stream of events calls itself {text}; other clients may not read it.",
        "FastAPI agents with a bare StreamingResponse",
        "read it as a stream",
    ),
    "object_missing": Code(
        "warning", "`object` is missing: nothing says what the frame is.", "hand-written agents", "went by its members"
    ),
    "object_odd": Code("warning", "The answer in one piece calls itself {text}.", "BeeAI", "read it as an answer"),
    "member_renamed": Code(
        "warning",
        "`{member}` stands where `{due}` is due; other clients miss it.",
        "hand-written agents",
        "read it all the same",
    ),
    "choice_incomplete": Code("info", "The choice has no {text}.", "hand-written agents", "read the rest"),
    "choices_missing": Code(
        "warning", "The frame has its delta beside `choices`, not in it.", "the Assistants API", "read the delta"
    ),
    "chunk_in_stream": Code(
        "info", "A frame of Chat Completions stands in the stream.", "agents on LangGraph, relays", "read it, too"
    ),
    "delta_empty": Code("info", "A delta says nothing.", "agents that mark their end with it", "skipped it"),
    "heartbeat": Code(
        "info", "A delta of the role {text} without content came.", "agents behind idle time-outs", "skipped it"
    ),
    "role_odd": Code(
        "warning", "A delta speaks as {text}, not as assistant.", "hand-written agents", "showed its text"
    ),
    "thread_changed": Code(
        "warning", "The thread changed within one answer, to {text}.", "agents that make up an id for each frame",
        "kept the first",
    ),
    "acf_answer": Code(
        "warning",
        "The answer speaks the Agent Connect Framework: --dialect acf reads all of it.",
        "agents behind `/chat/completions`",
        "read its text alone",
    ),
}  # fmt: skip

AGENT_STEPS = {
    "thinking_in_message": Code(
        "warning",
        "Thinking came as the content of a message, where the text for the person belongs.",
        "BeeAI",
        "took it as thinking",
    ),
    "text_in_step": Code(
        "warning",
        "Text came in a step without `step_details`; Orchestrate shows steps apart from the answer.",
        "IBM's agent_builder example, BeeAI examples in TypeScript",
        "took it as the answer",
    ),
    "call_outside_step": Code(
        "warning",
        "A call stands in the delta itself, not in `step_details`.",
        "hand-written agents",
        "read it all the same",
    ),
    "step_unknown": Code(
        "warning", "A step has the unknown type {text}.", "hand-written agents", "showed its text as thinking"
    ),
    "call_openai_shaped": Code(
        "warning",
        "A call came in the shape of Chat Completions (`function.arguments`), not as `name` and `args`.",
        "agents that pass their model's calls on",
        "ran it only where its tool was offered and no result came",
    ),
    "args_not_object": Code(
        "warning", "The `args` of a call are no JSON object: {text}", "hand-written agents", "showed them as they came"
    ),
    "call_id_of_a_run": Code(
        "info", "The id of the call looks like that of a run: {text}", "LangGraph and BeeAI adapters", "kept it"
    ),
    "call_unanswered": Code(
        "warning",
        "The agent told no result of its call {text}.",
        "agents that hide results; streams that break off",
        "showed the call alone",
    ),
    "result_unmatched": Code(
        "warning",
        "A result names the call {text}, which never came: Orchestrate cannot show the steps rightly.",
        "agents that make ids up twice",
        "paired it by its name where that is clear, else showed it alone",
    ),
    "result_repeated": Code("warning", "The call {text} got more than one result.", "retrying agents", "showed both"),
    "result_not_text": Code(
        "info", "The content of a result is a JSON value, not text.", "hand-written agents", "wrote it as compact JSON"
    ),
    "result_python_repr": Code(
        "warning",
        "A result is written as Python, not as JSON: {text}",
        "IBM's toolkit, agents that call str() on a result",
        "showed it as it came",
    ),
    "words_joined": Code(
        "warning",
        "No piece of the text has a space at either end: the agent seems to have split its words and lost the spaces.",
        "agents that stream text.split()",
        "showed it as it came",
    ),
    "text_unframed": Code(
        "warning",
        "Text stands outside any event, where readers of events drop it: {text}",
        "IBM's langgraph_python example with models that answer in parts",
        "took it as the answer",
    ),
    "error_as_text": Code(
        "warning",
        "An error came as plain text, which a reader of events drops or shows as an answer: {text}",
        "IBM's langgraph_python and agent_builder examples",
        "took it as the failure of the answer",
    ),
}

DISCOVERY = {
    "dialect_chosen": Code("info", "The dialect is {text}", "--dialect auto", "says how it knows"),
    "agents_not_listed": Code(
        "warning",
        "The agents came as {text}, not as an object with the list `agents`.",
        "hand-written agents",
        "read it",
    ),
    "agent_incomplete": Code(
        "warning", "The agent {name} lacks {text}.", "hand-written agents, BeeAI examples", "showed what there is"
    ),
    "agent_member_odd": Code(
        "warning", "`{member}` of the agent {name} is no {text}.", "hand-written agents", "left it out"
    ),
}
