"""The last turn of a conversation that is gone on with, so that the person finds the place again.

Knows how the items of a turn read, its answer whole and the rest a line each. Must not know how the conversation was
restored.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from rich.text import Text

from callscope.core.naming import call_named
from callscope.core.values import Item, Message, Reasoning, ToolCall, ToolResult
from callscope.core.visible import one_line, visible
from callscope.ui.lines import STYLES

from .raw import Secrets

MOST = 40
"""Items that are shown: a turn of a hundred calls would push its own beginning off the screen."""


def last_turn(items: Sequence[Item], secrets: Secrets) -> Iterator[Text]:
    """The lines that remind of it; none where nothing was said."""
    if not items:
        return
    said = [place for place, item in enumerate(items) if isinstance(item, Message) and item.role == "user"]
    begin = said[-1] if said else 0
    before = f"{begin} item{'' if begin == 1 else 's'} before this; " if begin else ""
    yield Text(f"  the conversation goes on: {before}/history shows all", "dim")
    left_out = len(items) - begin - MOST
    for place, item in enumerate(islice(items, begin, None)):
        if place == 1 and left_out > 0:
            yield Text(f"  … {left_out} items", "dim")
        if place == 0 or place > left_out:
            yield _shown(item, secrets)


def _shown(item: Item, secrets: Secrets) -> Text:
    match item:
        case Message(role="user", text=text):
            return Text(f"> {visible(secrets.mask(text)[0])}", "bold")
        case Message(text=text, refusal=refusal):
            return Text(visible(secrets.mask(text)[0]), "yellow" if refusal else "")
        case Reasoning(text=text):
            return Text(f"  reasoning: {one_line(secrets.mask(text)[0])}", "dim italic")
        case ToolCall(name=name, call_id=call_id, arguments=arguments):
            return Text(f"  {call_named(name, call_id)} {one_line(secrets.mask(arguments)[0])}", "bold cyan")
        case ToolResult(status=status, output=output):
            return Text(f"  {status}: {one_line(secrets.mask(output)[0])}", STYLES[status])
