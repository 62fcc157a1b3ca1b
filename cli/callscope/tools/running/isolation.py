"""A Python tool in a process of its own: one that can be stopped, and that may crash.

Knows what is handed to that process and how its answer comes back. Must not know Python tools any better than that:
`child.py` is the other side. Each call is a fresh process, so a module keeps nothing from one call to the next.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import cast, get_args

from callscope.core.values import ResultStatus
from callscope.tools.answers import Answer, failed
from callscope.tools.definitions import PythonFunction, Tool

from .prints import Prints
from .processes import LONGEST, Finished, run_process, stopped_early

# -P: nothing is imported from the folder a person happens to be in, https://docs.python.org/3/using/cmdline.html
_START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from callscope.tools.running.child import main; main()"
)


async def run_isolated(
    tool: Tool, target: PythonFunction, arguments: str, prints: Prints, environment: Mapping[str, str]
) -> Answer:
    """Run the call in a new process and give its answer; a crash is an answer, too."""
    job = {
        "module": str(target.module),
        "file": isinstance(target.module, Path),
        "function": target.name,
        "listed": target.listed,
        "tool": tool.spec.name,
        "kind": tool.spec.kind,
        "limit": tool.limit,
        "arguments": arguments,
    }
    words = (sys.executable, "-P", "-X", "faulthandler", "-c", _START, json.dumps(sys.path))
    try:
        finished = await run_process(
            words,
            stdin=json.dumps(job).encode(),
            folder=None,
            environment=environment,
            patience=tool.timeout,
            keep=LONGEST,
        )
    except OSError as trouble:
        reason = trouble.strerror or str(trouble)
        return failed("not_run", f"{tool.spec.name} could not be started: {reason}.", retryable=True)
    prints.write(finished.errors.decode("utf-8", "replace"))
    return stopped_early(tool, finished) or _answer(tool, finished)


def _answer(tool: Tool, finished: Finished) -> Answer:
    """What the process said last; where it said nothing whole, how it ended."""
    try:
        output, status = json.loads(finished.output)
    except ValueError:
        words = f"{tool.spec.name} gave no result: its process ended with {finished.ending}"
        return failed("crashed", f"{words}, and may have had an effect.")
    assert isinstance(output, str)
    assert status in get_args(ResultStatus)
    return output, cast(ResultStatus, status)
