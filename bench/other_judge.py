"""Whether a client read a body right, and if not, what went wrong. docs/other-clients.md says the same in words.

Knows the members of a note in tests/quirks and of an answer. Must not know any client.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

Verdict = Literal["right", "crash", "lost error", "false error", "wrong calls", "wrong text", "hang"]
VERDICTS: tuple[Verdict, ...] = ("right", "crash", "lost error", "false error", "wrong calls", "wrong text", "hang")

BROKEN = ("stream", "http")
"""What is expected of these is that the program is told of an error, by an exception or by the finish reason `error`;
what it got before that is not judged."""
CRASHES = {"TypeError", "AttributeError", "AssertionError", "IndexError", "KeyError", "NameError", "UnboundLocalError"}
CRASHES |= {"RecursionError", "MemoryError", "ZeroDivisionError", "StopIteration", "killed"}
"""Exceptions by which nobody tells an error: the library, or the program, went wrong over the body."""


def verdict(expect: Mapping[str, Any], got: Mapping[str, Any] | None) -> Verdict:
    """The verdict on an answer; None stands for one that did not come in time."""
    if got is None:
        return "hang"
    error = got["error"]
    if error and error["type"] in CRASHES:
        return "crash"
    if expect["error_kind"] in BROKEN:
        return "right" if error or got["finish"] == "error" else "lost error"
    if error:
        return "right" if expect["error_kind"] == "arguments" else "false error"
    if not same_calls(expect["tool_calls"], got["calls"]):
        return "wrong calls"
    said = expect["content"]
    return "right" if said is None or (got["text"] or "") == said else "wrong text"


def same_finish(expect: Mapping[str, Any], got: Mapping[str, Any]) -> bool:
    """Whether the server's word for the end is there, too; of a broken answer none is asked for."""
    return expect["error_kind"] in BROKEN or (got["finish"] or None) == (expect["finish_reason"] or None)


def same_calls(expected: Sequence[Mapping[str, Any]], calls: Sequence[Mapping[str, Any]]) -> bool:
    """Whether these are the calls, in their order, with names, arguments and ids that a program can go on with."""
    if len(expected) != len(calls):
        return False
    ids = [call["id"] for call in calls]
    usable = all(isinstance(one, str) and one for one in ids) and len(set(ids)) == len(ids)
    return usable and all(same_call(wanted, call) for wanted, call in zip(expected, calls, strict=True))


def same_call(wanted: Mapping[str, Any], call: Mapping[str, Any]) -> bool:
    """Whether a call is the one that is wanted; one that must not run must have no arguments to run with."""
    if wanted["name"] != call["name"] or (wanted["id"] is not None and wanted["id"] != call["id"]):
        return False
    arguments = call["arguments"]
    if wanted.get("kind") == "custom":
        return bool(arguments == wanted["arguments_raw"])
    if wanted["arguments_json"] is None:
        return not isinstance(parsed(arguments), dict)
    return bool(parsed(arguments) == wanted["arguments_json"])


def parsed(arguments: Any) -> Any:
    """What a program has after `json.loads`; no text means no arguments, as everybody takes it."""
    if not isinstance(arguments, str):
        return {} if arguments is None else arguments
    try:
        return json.loads(arguments) if arguments.strip() else {}
    except ValueError:
        return None
