"""The Responses API as programs read it with the openai package: its stream in a loop, and its stream helper.

Knows the package's interface, and believes its types. Must not know how Callscope reads. Runs in a process of its own
and imports the package there alone.
"""

from __future__ import annotations

from typing import Any

from .openai_chat import Gathered
from .values import Recorded

ASKED: dict[str, Any] = {"model": "recorded", "input": "recorded"}


class ServerError(Exception):
    """The server said in its stream that it failed: the package gives that as an event like any other."""


def loop(client: Any, recorded: Recorded, seen: Gathered) -> None:
    """Join the deltas by their output index, as OpenAI's guide does.

    https://developers.openai.com/api/docs/guides/function-calling?api-mode=responses#streaming
    """
    if not recorded.streamed:
        take_response(client.responses.create(**ASKED), seen)
        return
    for event in client.responses.create(**ASKED, stream=True):
        _take_event(event, seen)


def _take_event(event: Any, seen: Gathered) -> None:
    match event.type:
        case "response.output_text.delta":
            seen.text.add(event.delta)
        case "response.refusal.delta":
            seen.refusal.add(event.delta)
        case "response.output_item.added" if event.item.type in ("function_call", "custom_tool_call"):
            _take_call(event.output_index, event.item, seen)
        case "response.function_call_arguments.delta" | "response.custom_tool_call_input.delta":
            seen.calls[event.output_index].arguments.add(event.delta)
        case "response.completed" | "response.incomplete":
            _take_ending(event.response, seen)
        case "response.failed":
            raise ServerError(event.response.error.message)
        case "error":
            raise ServerError(event.message)
        case _:
            pass


def helper(client: Any, recorded: Recorded, seen: Gathered) -> None:
    """Read with `client.responses.stream`, and ask for the whole answer at the end."""
    with client.responses.stream(**ASKED) as stream:
        for event in stream:
            if event.type in ("error", "response.failed"):
                _take_event(event, seen)
        take_response(stream.get_final_response(), seen)


def take_response(response: Any, seen: Gathered) -> None:
    """Look at a whole answer."""
    _take_ending(response, seen)
    if response.error:
        raise ServerError(response.error.message)
    for place, item in enumerate(response.output):
        match item.type:
            case "function_call" | "custom_tool_call":
                _take_call(place, item, seen)
            case "message":
                for part in item.content:
                    if part.type == "output_text":
                        seen.text.add(part.text)
                    elif part.type == "refusal":
                        seen.refusal.add(part.refusal)
            case _:
                pass


def _take_call(place: int, item: Any, seen: Gathered) -> None:
    seen.add_call(place, item.call_id, item.name, item.arguments if item.type == "function_call" else item.input)


def _take_ending(response: Any, seen: Gathered) -> None:
    if response.usage:
        seen.usage = (response.usage.input_tokens, response.usage.output_tokens)
    details = response.incomplete_details
    reason = details.reason if details and response.status == "incomplete" else response.status
    seen.finish_reason = "length" if reason == "max_output_tokens" else reason  # as our own reading calls it
