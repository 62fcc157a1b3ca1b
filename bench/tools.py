"""A hundred calls of 50 ms at once in Callscope's own toolbox; prints the seconds of every round as JSON.

    tools.py ROUNDS

The first round is one call alone and not printed: it imports what checks and converts arguments, once a program.
"""

import asyncio
import json
import sys
import time
from pathlib import Path

from callscope.core.values import CallKey, ToolCall
from callscope.tools.loading import load_tools
from callscope.tools.running.toolbox import LocalToolbox

CALLS = 100


async def together(toolbox: LocalToolbox, calls: int) -> float:
    """The seconds that so many calls take."""
    start = time.perf_counter()
    results = await asyncio.gather(*(toolbox.run(_call(n), json.dumps({"call": n})) for n in range(calls)))
    seconds = time.perf_counter() - start
    if [(result.status, result.output) for result in results] != [("ok", str(n)) for n in range(calls)]:
        sys.exit(f"not every call gave its result: {results[0]}")
    return seconds


def _call(number: int) -> ToolCall:
    return ToolCall(CallKey(1, number), f"call_{number}", "nap", "")


async def main(rounds: int) -> list[float]:
    """Measure."""
    toolbox = LocalToolbox(load_tools([Path(__file__).with_name("nap.py")]).tools)
    await together(toolbox, 1)
    return [await together(toolbox, CALLS) for _ in range(rounds)]


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(int(sys.argv[1])))))
