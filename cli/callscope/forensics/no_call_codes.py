"""The verdicts on a turn in which no call came: one part of the table in `verdicts`.

Knows codes, how sure each is, sentences and advice. Must not know when they apply.
"""

from __future__ import annotations

from .entries import Entry

NO_ANSWER = {
    "unreachable": Entry("certain", "The server was never reached: {words}", "Check --url, and that the server is up."),
    "tools_refused": Entry(
        "likely",
        "The server refused the request because of its tools: {words}",
        "Have the server accept tools (vLLM: --enable-auto-tool-choice and --tool-call-parser; llama.cpp: --jinja), or "
        "take a model that knows them.",
    ),
    "call_not_parsed": Entry(
        "likely",
        "The model made a call that the server could not parse, as its error says: {words}",
        "Try again, with simpler schemas and fewer tools, or at a lower temperature; the server's log may have the "
        "model's own words.",
    ),
    "http_error": Entry(
        "certain",
        "The server answered with HTTP {status}, so no model spoke: {words}",
        "Mend what the server names. At 401 or 403 check the key (--key-env), at 404 the path of --url and the model, "
        "at 429 wait.",
    ),
    "server_error": Entry(
        "certain",
        "The server reported an error in its answer: {words}",
        "Look into the server's log; what came before the error is in /raw.",
    ),
    "answer_cut": Entry(
        "certain",
        "The answer broke off: {words}",
        "Try again; look for a proxy or a time-out between you and the server.",
    ),
    "answer_too_large": Entry(
        "certain",
        "The answer was not read to its end, and nothing of it runs: {words}",
        "Limit the answer; look with /raw at what the server repeats.",
    ),
    "not_an_answer": Entry(
        "certain", "What came is no answer of this protocol: {words}", "Check the path of --url, and --dialect."
    ),
    "stopped": Entry("certain", "The turn was stopped while the answer came.", "Let it come to its end."),
    "never_asked": Entry("certain", "No request left in this turn.", "Say something again, or /retry."),
}

NOT_OFFERED = {
    "tools_missing": Entry(
        "certain",
        "No tools were sent: none is loaded.",
        "Load some: --tools FILE, or a tools.yaml in this folder; without --no-tools.",
    ),
    "agent_told_no_call": Entry(
        "certain",
        "The agent told of no call of its own, and no tools of yours were sent: none is loaded.",
        "An agent runs its own tools and need not tell of them: look into its log. Load yours with --tools FILE.",
    ),
    "tools_left_out": Entry(
        "certain",
        "The request has no tools although {count} loaded.",
        "Look at the request with /raw; a parameter of your own (--param tools=…) goes before the loaded tools.",
    ),
    "tool_not_offered": Entry(
        "certain",
        "The request does not offer the tool {name}; it offers {offered}.",
        "Load it with --tools, and mind its spelling: /tools lists what is offered.",
    ),
    "choice_none": Entry(
        "certain", "The request forbids calls: {member} is none.", "Use tool_choice auto or required."
    ),
    "choice_names_another": Entry(
        "certain",
        "The request asks for a call of {asked}, not of {name}.",
        "Name this tool in tool_choice, or use auto.",
    ),
    "choice_names_no_tool": Entry(
        "certain",
        "The request asks for a call of {asked}, which is not among the tools it offers: {offered}.",
        "Name a tool that is offered.",
    ),
}

LOST = {
    "call_leaked": Entry(
        "certain",
        "The model made a call, and the server passed it on as {where}: {marker} stands at byte {byte} of exchange "
        "{exchange}.",
        "Mend the server: {cause}.",
    ),
    "call_dropped": Entry(
        "certain",
        "The server says that there is a call (finish_reason {reason}) and sent none: its parser dropped it.",
        "Look into the server's log for the model's own words; check its tool parser and chat template.",
    ),
    "call_malformed": Entry(
        "certain",
        "The model tried to make a call that the server could not read (finish_reason {reason}).",
        "Try again, with simpler schemas and fewer tools, or at a lower temperature.",
    ),
    "call_unreadable": Entry(
        "certain",
        "A call came in bytes that cannot be read ({code}), so nothing could be made of it.",
        "Look at these bytes with /raw {exchange}; mend the server or the proxy that wrote them.",
    ),
    "call_after_the_end": Entry(
        "certain",
        "A call came after the end of the answer ({code}) and was not taken.",
        "Look at it with /raw {exchange}; what writes on after the end is a relay or a broken server.",
    ),
    "call_of_another_kind": Entry(
        "certain",
        "The model made a call of a kind that nobody here answers: {words}",
        "Leave that hosted tool out of the request, or answer it with a program of your own.",
    ),
    "tokens_unaccounted": Entry(
        "likely",
        "The server counts {tokens} tokens of output and sent {bytes} of text: it kept back what the model wrote. "
        "A token is at least one byte.",
        "Look into the server's log for the model's own words; its tool or reasoning parser may swallow the call.",
    ),
    "answer_empty": Entry(
        "certain",
        "The answer is empty: no text, no reasoning, no call.",
        "Try again; check the server's chat template and its log.",
    ),
}

ENDED = {
    "cut_by_length": Entry(
        "certain",
        "The answer was cut by the token limit{limit} before any call came.",
        "Raise the limit: --param max_tokens=N, and the server's own context size.",
    ),
    "filtered": Entry(
        "certain", "The provider's content filter ended the answer.", "Say it in other words, or change the filter."
    ),
    "ended_by_server": Entry(
        "certain",
        "The server ended the answer for a reason of its own (finish_reason {reason}).",
        "Look that word up in the server's documentation; try again.",
    ),
    "thought_and_said_nothing": Entry(
        "certain",
        "The model reasoned, and then came neither words nor a call.",
        "Raise the token limit; check the server's reasoning parser, which may have taken the answer, or the call, for "
        "reasoning.",
    ),
    "refused": Entry("certain", "The model refused to answer.", "Say it in other words; its reasons are in the text."),
    "tool_choice_ignored": Entry(
        "certain",
        "The request demands a call ({member} {choice}), and the server answered without one.",
        "The server does not honour tool_choice: check whether it says that it does, and tell its makers.",
    ),
    "round_limit": Entry(
        "certain",
        "The turn ended at its round limit of {limit}: what its last calls gave was not sent on.",
        "Go on with y when it asks, or raise --max-rounds.",
    ),
}

HINTS = {
    "tools_not_in_prompt": Entry(
        "possible",
        "The server counts {tokens} tokens of input, too few for the tools that were sent ({bytes} of names and "
        "descriptions alone): the model may never have seen them.",
        "Check that the model's chat template writes tools out (Ollama: `ollama show`; llama.cpp: --jinja).",
    ),
    "event_lost": Entry(
        "possible",
        "An event could not be read ({code}): what was in it is not known.",
        "Look at it with /raw; mend the server or the proxy that wrote it.",
    ),
    "model_knows_no_tools": Entry(
        "possible",
        "The model says that it has no tools: its prompt may not have them.",
        "Check that the model's chat template writes tools out, or take a model that was trained on calls.",
    ),
    "call_told_in_words": Entry(
        "possible",
        "The answer speaks of {name} and does not call it.",
        "Use tool_choice required; say in the description when the tool is to be called.",
    ),
    "asked_for_more": Entry(
        "possible",
        "The answer ends with a question: the model may lack a value that the tool needs.",
        "Answer it, or give the parameter a default and say so in its description.",
    ),
    "history_changed_by_hand": Entry(
        "possible",
        "The history that was sent was changed by hand ({what}): the model went by that.",
        "See it as the model saw it: /history and /raw.",
    ),
    "answered_in_words": Entry(
        "certain",
        "The model chose to answer in words: {count} offered, and nothing on the wire hints at a call.",
        "Use tool_choice required to see whether it can; say in the tool's description when to call it.",
    ),
}
