"""The inside of an isolated call's process: one job in, one answer out.

Knows that stdout is the way back: it is put aside before any code of a person runs, and what that code prints, also
through a subprocess or from C, goes to stderr. Must not be imported by the program itself.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import os
import sys
from collections.abc import Awaitable
from io import TextIOWrapper
from pathlib import Path
from typing import Any, cast

from callscope.tools.definitions import PythonFunction

from .calling import answer_of, callable_of


def main() -> None:
    """Do the job on stdin and write the answer as JSON to what was stdout."""
    job = json.load(sys.stdin)
    answers = os.dup(1)  # a subprocess of the tool does not inherit it
    os.dup2(2, 1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for stream in (sys.stdout, sys.stderr):  # written through, so that a crash loses nothing and the order stays
        cast(TextIOWrapper, stream).reconfigure(encoding="utf-8", errors="backslashreplace", write_through=True)
    module = Path(job["module"]) if job["file"] else job["module"]
    target = PythonFunction(module, job["function"], listed=job["listed"])

    def call() -> Any:
        value = callable_of(target, job["kind"])(job["arguments"])
        return asyncio.run(_awaited(value)) if inspect.isawaitable(value) else value

    answer = answer_of(job["tool"], job["limit"], call, sys.stderr)
    with os.fdopen(answers, "w", encoding="utf-8") as back:
        json.dump(answer, back)
    os._exit(0)  # a thread that the tool left behind must not hold the answer up


async def _awaited(value: Awaitable[Any]) -> Any:
    return await value
