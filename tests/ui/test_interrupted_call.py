"""What the lines say of a call that was running when the turn was interrupted."""

from __future__ import annotations

import asyncio
import io

from callscope.ui.lines import LinesView, chrome_console
from playbook import Playbook, calls


def test_a_call_that_was_interrupted_claims_no_duration() -> None:
    err = io.StringIO()
    play = Playbook(calls(("get_weather", '{"city": "Paris"}')), pauses={"get_weather": 1000})
    play.session.sinks.append(LinesView(io.StringIO(), chrome_console(err)))

    async def interrupt() -> None:
        turn = asyncio.ensure_future(play.session.say("Weather?"))
        while not play.toolbox.ran:
            await asyncio.sleep(0)
        turn.cancel()
        await asyncio.wait([turn])

    asyncio.run(interrupt())
    assert "get_weather cancelled: " in err.getvalue()
