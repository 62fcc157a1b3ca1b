"""A Python function's call: from the arguments' text to the answer's text, whatever the function does.

Knows that a function may raise anything and give anything. Must not know where it runs: the thread of a call and the
process of an isolated one both come here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TextIO

from callscope.core.errors import UnusableFile
from callscope.core.values import CallKind
from callscope.tools.answers import Answer, failed, invalid
from callscope.tools.definitions import PythonFunction
from callscope.tools.invalid import InvalidArguments
from callscope.tools.python.modules import function_of
from callscope.tools.python.tracebacks import person_traceback, summary

from .outputs import cut, output_text


def callable_of(target: PythonFunction, kind: CallKind) -> Callable[[str], Any]:
    """The function behind its signature; a custom tool's function takes the input's text as it is."""
    from callscope.tools.python.foreign import foreign_tool

    function = function_of(target)
    if (foreign := foreign_tool(function)) is not None:
        return foreign.call
    if kind == "custom":
        return function  # type: ignore[no-any-return] # it is callable, or it would have been refused
    from callscope.tools.python.signatures import read_signature  # pydantic: paid by the first call, where it runs

    return read_signature(function, typed=False).call


def answer_of(name: str, limit: int, call: Callable[[], Any], prints: TextIO | Any) -> Answer:
    """Call, and write down what comes of it; a traceback and notes for the person go to `prints`."""
    try:
        output, notes = output_text(call())
    except InvalidArguments as problem:
        return invalid(problem)
    except UnusableFile as problem:
        if problem.__cause__ is not None:
            prints.write(person_traceback(problem.__cause__))
        return failed("tool_unavailable", f"{name} cannot run: {problem}")
    except BaseException as raised:  # also SystemExit: a tool does not end the program
        prints.write(person_traceback(raised))
        return failed("exception", summary(raised), retryable=isinstance(raised, TimeoutError | ConnectionError))
    for note in notes:
        prints.write(f"[callscope: {note}]\n")
    return cut(output, limit), "ok"
