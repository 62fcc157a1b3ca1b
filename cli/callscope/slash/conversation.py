"""Commands that change the conversation, or what its next request says.

Knows which event each of them is. Must not know how a turn runs.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from callscope.core.errors import UsageError
from callscope.core.events import Rewound, SettingsChanged
from callscope.core.values import Message
from callscope.core.visible import one_line, visible
from callscope.repl import Command, Repl

from .hints import models


def change_settings(repl: Repl, **changes: Any) -> None:
    """Make the next requests with other settings."""
    repl.session.emit(SettingsChanged(replace(repl.session.conversation.settings, **changes)))


async def _model(repl: Repl, rest: str) -> None:
    model = one_line(repl.session.conversation.settings.model) or "no model"
    if not rest:
        repl.say(f"  {model}")
        return
    change_settings(repl, model=rest)
    repl.say(f"  {one_line(rest)} answers from your next message on; it was {model}")


async def _system(repl: Repl, rest: str) -> None:
    if rest:
        change_settings(repl, system=None if rest == "-" else rest)
    system = repl.session.conversation.settings.system
    repl.say(f"  {visible(system)}" if system else "  no system prompt")


async def _clear(repl: Repl, rest: str) -> None:
    repl.session.emit(Rewound(0))
    repl.say("  the conversation is empty again; model, system prompt and tools stay")


async def _undo(repl: Repl, rest: str) -> None:
    place, message = _said(repl, "", "take back")
    repl.session.emit(Rewound(place))
    repl.say(f"  taken back: {one_line(message.text)}")


async def _retry(repl: Repl, rest: str) -> None:
    place, message = _said(repl, rest, "try again")
    repl.session.emit(Rewound(place))
    await repl.turn(message.text)


async def _edit(repl: Repl, rest: str) -> None:
    place, message = _said(repl, rest, "edit")
    text = await repl.prompt.ask("edit> ", default=message.text)
    if not text or not text.strip():
        repl.say("  nothing changed")
        return
    repl.session.emit(Rewound(place))
    await repl.turn(text.strip())


def _said(repl: Repl, number: str, verb: str) -> tuple[int, Message]:
    """The place and the words of the person's message of this number, counted from 1; without one, of the last."""
    said = repl.said()
    if not said:
        raise UsageError(f"There is nothing to {verb}: you have said nothing yet.")
    if not number:
        return said[-1]
    if not (number.isdecimal() and len(number) < 10 and 1 <= int(number) <= len(said)):
        raise UsageError(
            f"There is no message {one_line(number, 40)}: you have said {len(said)}; /history numbers them."
        )
    return said[int(number) - 1]


COMMANDS = (
    Command("/undo", "take back your last message and what followed", _undo, "conversation"),
    Command("/retry [N]", "say your last message again, or message N", _retry, "conversation"),
    Command(
        "/edit [N]",
        "change your last message, or message N, and go on from there",
        _edit,
        "conversation",
        more="What followed it is forgotten. Ctrl-X Ctrl-E opens $EDITOR; an empty line or Ctrl-C changes nothing.",
    ),
    Command("/clear", "forget the conversation", _clear, "conversation"),
    Command("/model [NAME]", "show or change the model", _model, "conversation", models),
    Command("/system [TEXT]", "show or change the system prompt; - removes it", _system, "conversation"),
)
