"""What the lines say of a call that was running when the turn was interrupted."""

from __future__ import annotations

import asyncio
import io
from dataclasses import replace

from callscope.core.plan import settle
from callscope.core.state import CallRecord
from callscope.core.values import CallKey, ToolCall
from callscope.ui.lines import LinesView, chrome_console
from playbook import Playbook, calls


def test_a_call_that_was_interrupted_says_how_long_it_had_been_running() -> None:
    err = io.StringIO()
    play = Playbook(calls(("get_weather", '{"city": "Paris"}')), pauses={"get_weather": 1000})
    play.session.sinks.append(LinesView(io.StringIO(), chrome_console(err)))

    async def interrupt() -> None:
        turn = asyncio.ensure_future(play.session.say("Weather?"))
        while not play.toolbox.ran:
            await asyncio.sleep(0)
        play.clock.time += 2.5
        turn.cancel()
        await asyncio.wait([turn])

    asyncio.run(interrupt())
    assert "get_weather · c0-1 cancelled after 2.50 s: " in err.getvalue()


def test_a_call_whose_program_was_killed_claims_no_duration() -> None:
    err = io.StringIO()
    view = LinesView(io.StringIO(), chrome_console(err))
    play = Playbook(calls(("get_weather", '{"city": "Paris"}')))
    play.session.sinks.append(view)
    call = ToolCall(CallKey(1, 0), "c", "get_weather", "{}")
    play.session.conversation = replace(play.session.conversation, calls={call.key: CallRecord(call, started=True)})
    for owed in settle(play.session.conversation):
        play.session.emit(owed)
    assert "get_weather · c cancelled: " in err.getvalue()
