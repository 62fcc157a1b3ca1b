"""Commands that change the conversation, or what its next request says.

Knows which event each of them is. Must not know how a turn runs.
"""

from __future__ import annotations

from dataclasses import replace

from callscope.core.events import Rewound, SettingsChanged
from callscope.repl import Command, Repl
from callscope.ui.visible import one_line, visible


async def _model(repl: Repl, rest: str) -> None:
    settings = repl.session.conversation.settings
    if rest:
        repl.session.emit(SettingsChanged(replace(settings, model=rest)))
    repl.say(f"  {one_line(rest or settings.model)}")


async def _system(repl: Repl, rest: str) -> None:
    settings = repl.session.conversation.settings
    if rest:
        text = None if rest == "-" else rest
        repl.session.emit(SettingsChanged(replace(settings, system=text)))
    system = repl.session.conversation.settings.system
    repl.say(f"  {visible(system)}" if system else "  no system prompt")


async def _clear(repl: Repl, rest: str) -> None:
    repl.session.emit(Rewound(0))
    repl.say("  the conversation is empty again; model, system prompt and tools stay")


async def _undo(repl: Repl, rest: str) -> None:
    said = repl.said()
    if not said:
        repl.say("  nothing to take back")
        return
    place, message = said[-1]
    repl.session.emit(Rewound(place))
    repl.say(f"  taken back: {one_line(message.text)}")


async def _retry(repl: Repl, rest: str) -> None:
    said = repl.said()
    if not said:
        repl.say("  nothing to try again")
        return
    place, message = said[-1]
    repl.session.emit(Rewound(place))
    await repl.turn(message.text)


COMMANDS = (
    Command("/model [NAME]", "show or change the model", _model, "conversation"),
    Command("/system [TEXT]", "show or change the system prompt; - removes it", _system, "conversation"),
    Command("/clear", "forget the conversation", _clear, "conversation"),
    Command("/undo", "take back the last message and what followed", _undo, "conversation"),
    Command("/retry", "say the last message again", _retry, "conversation"),
)
