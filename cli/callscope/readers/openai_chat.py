"""Chat Completions as programs read them with the openai package: its stream in a loop, and its stream helper.

Knows the package's interface, and believes its types: what they say can be None is looked at, what they say is there is
taken. That is how a careful program is written against it, so that what goes wrong here goes wrong in good programs.
Must not know how Callscope reads. Runs in a process of its own and imports the package there alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .values import Call, Reading, Recorded

ASKED: dict[str, Any] = {"model": "recorded", "messages": [{"role": "user", "content": "recorded"}]}


class Pieces:
    """A text that grows, as with `text += piece`, which a long one would make quadratic."""

    def __init__(self) -> None:
        self._pieces: list[str] = []

    def add(self, piece: Any) -> None:
        """Put a piece behind the others; raises what `+=` raises for what is no text."""
        if not isinstance(piece, str):
            raise TypeError(f'can only concatenate str (not "{type(piece).__name__}") to str')
        self._pieces.append(piece)

    def __str__(self) -> str:
        return "".join(self._pieces)


@dataclass(slots=True)
class GatheredCall:
    """A call on its way."""

    call_id: Any = None
    name: Any = None
    arguments: Pieces = field(default_factory=Pieces)


@dataclass(slots=True)
class Gathered:
    """What a program has gathered, whole or until something went wrong."""

    calls: dict[int, GatheredCall] = field(default_factory=dict)
    text: Pieces = field(default_factory=Pieces)
    refusal: Pieces = field(default_factory=Pieces)
    finish_reason: Any = None
    usage: tuple[Any, Any] | None = None

    def add_call(self, place: int, call_id: Any, name: Any, arguments: Any) -> None:
        """Take a whole call."""
        call = self.calls[place] = GatheredCall(call_id, name)
        if arguments is not None:
            call.arguments.add(arguments)

    def reading(self) -> Reading:
        """What was gathered, as a reading."""
        calls = tuple(
            Call(_shown(call.call_id), _shown(call.name), str(call.arguments)) for call in self.calls.values()
        )
        usage = self.usage and (_count(self.usage[0]), _count(self.usage[1]))
        return Reading(calls, str(self.text), str(self.refusal), _shown(self.finish_reason), usage)


def _shown(value: Any) -> str | None:
    """What the package gave; its types are not checked against what came."""
    return value if value is None or isinstance(value, str) else repr(value)


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) else None


def loop(client: Any, recorded: Recorded, seen: Gathered) -> None:
    """Join the deltas by their index, as OpenAI's guide does.

    https://developers.openai.com/api/docs/guides/function-calling#streaming
    """
    if not recorded.streamed:
        take_completion(client.chat.completions.create(**ASKED), seen)
        return
    for chunk in client.chat.completions.create(**ASKED, stream=True):
        if chunk.usage:
            seen.usage = (chunk.usage.prompt_tokens, chunk.usage.completion_tokens)
        if chunk.choices:
            _take_choice(chunk.choices[0], seen)


def _take_choice(choice: Any, seen: Gathered) -> None:
    delta = choice.delta
    if delta.content:
        seen.text.add(delta.content)
    if delta.refusal:
        seen.refusal.add(delta.refusal)
    for piece in delta.tool_calls or ():
        call = seen.calls.setdefault(piece.index, GatheredCall())
        call.call_id = piece.id or call.call_id
        if piece.function:
            call.name = piece.function.name or call.name
            call.arguments.add(piece.function.arguments or "")
    if choice.finish_reason:
        seen.finish_reason = choice.finish_reason


def helper(client: Any, recorded: Recorded, seen: Gathered) -> None:
    """Read with `client.chat.completions.stream`, and ask for the whole answer at the end."""
    offered = {"tools": list(recorded.definitions)} if recorded.definitions else {}
    with client.chat.completions.stream(**ASKED, **offered) as stream:
        try:
            for _ in stream:
                pass
            final = stream.get_final_completion()
        except Exception:
            _take_snapshot(stream, seen)
            raise
        take_completion(final, seen)


def _take_snapshot(stream: Any, seen: Gathered) -> None:
    """What the helper had joined when it failed."""
    try:
        take_completion(stream.current_completion_snapshot, seen)
    except Exception:
        return  # it had nothing, or nothing that can be looked at: the first exception says more


def take_completion(completion: Any, seen: Gathered) -> None:
    """Look at a whole answer."""
    if completion.usage:
        seen.usage = (completion.usage.prompt_tokens, completion.usage.completion_tokens)
    choice = completion.choices[0]
    seen.finish_reason = choice.finish_reason
    message = choice.message
    seen.text.add(message.content or "")
    seen.refusal.add(message.refusal or "")
    for place, call in enumerate(message.tool_calls or ()):
        if call.type == "custom":
            seen.add_call(place, call.id, call.custom.name, call.custom.input)
        else:
            seen.add_call(place, call.id, call.function.name, call.function.arguments)
