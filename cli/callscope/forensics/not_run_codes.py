"""The verdicts on a call that came and did not run, or failed: one part of the table in `verdicts`.

Knows codes, how sure each is, sentences and advice. Must not know when they apply.
"""

from __future__ import annotations

from .entries import Entry

FAULTS = {
    "arguments_incomplete": Entry(
        "certain",
        "The arguments of {name} break off{place}: {open} left open{reason}.",
        "Raise the token limit where the finish_reason is length; try again where the answer broke off; else the "
        "server lost the rest: look with /raw.",
    ),
    "arguments_invalid": Entry(
        "certain",
        "The arguments of {name} are not JSON{place}: {problem}.",
        "Ask for strict schemas or constrained decoding; lower the temperature; check the server's tool parser.",
    ),
    "arguments_not_object": Entry(
        "certain",
        "The arguments of {name} are JSON, but not an object{place}.",
        "Give the tool an object as its parameters; check the server's tool parser.",
    ),
    "arguments_contradictory": Entry(
        "certain",
        "The arguments of {name} contradict themselves{place}: {problem}.",
        "The server says them twice, and differently: tell its makers, with the recording.",
    ),
    "name_missing": Entry(
        "certain", "A call came without a name, so nobody can run it.", "The server's tool parser lost it: see /raw."
    ),
    "delta_lost": Entry(
        "certain",
        "An event with a part of {name} could not be read, so the call may not be whole.",
        "Look for the unreadable event in /raw; mend the proxy or the server.",
    ),
    "response_incomplete": Entry(
        "certain",
        "{name} may not be whole: {words}",
        "Raise the token limit; nothing of a call that may lack its end is run.",
    ),
    "response_broken": Entry(
        "certain",
        "The response broke after {name} had begun, so it was not run: {words}",
        "Try again; nothing of a broken answer runs, whole or not.",
    ),
}

NOT_ALLOWED = {
    "call_not_allowed": Entry(
        "certain",
        "{name} was called although {reason}.",
        "The server does not honour tool_choice: tell its makers. Such a call is asked about whatever the policy says.",
    ),
}

NOT_RUN = {
    "tool_unknown": Entry(
        "certain",
        "The model called {name}, and there is no such tool here: {offered}.",
        "Load it, or name your tools so that a model does not make up others; /tools lists them.",
    ),
    "arguments_not_by_schema": Entry(
        "certain",
        "{name} was not run, because its arguments do not fit its schema: {words}",
        "Tell the model in the descriptions what is wanted, or loosen the schema; with /approve ask, e edits such "
        "a call.",
    ),
    "no_implementation": Entry(
        "certain",
        "{name} is defined without `run`, and nobody was there to answer in its place.",
        "Give it a `run`, or answer it in the REPL.",
    ),
    "nobody_to_ask": Entry(
        "certain",
        "{name} was to be approved by a person, and nobody was there.",
        "Approve beforehand: --approve always, `approve: always` on the tool, or --decide {name}=run.",
    ),
    "rejected": Entry(
        "certain", "{name} was refused {who}{words}.", "Approve it when it is held, or change the policy."
    ),
    "answered_in_its_place": Entry(
        "certain", "{name} was not run: it was answered in its place {who}.", "Approve it to have it run."
    ),
    "turn_aborted": Entry(
        "certain", "{name} was not run: the turn was stopped {who}.", "Approve or refuse calls one by one."
    ),
    "not_run_as_asked": Entry("certain", "{name} was not run, as asked (--no-run).", "Leave out --no-run."),
    "waiting": Entry("certain", "{name} waits for a decision.", "Decide on it."),
    "never_started": Entry(
        "certain", "{name} was not run: the turn ended before it could be.", "Say it again, or /retry."
    ),
    "interrupted_while_running": Entry(
        "certain",
        "{name} was interrupted while it ran; it may have had an effect.",
        "Look at what it did, then /retry.",
    ),
    "tool_timed_out": Entry(
        "certain", "{name} ran and gave no result in time.", "Raise its `timeout`, or make it faster."
    ),
    "tool_failed": Entry(
        "certain", "{name} ran and its result is an error: {words}", "Mend the tool; /call runs it by hand."
    ),
    "agent_told_no_result": Entry(
        "certain",
        "{name} is the agent's own call: it runs it itself, and told no result.",
        "Look into the agent's log; nothing here could run it.",
    ),
}
