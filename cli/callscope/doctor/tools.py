"""The tools that the doctor offers, the words that ask for them, and the talks that every model with tools is led into.

Knows what every protocol can carry. Must not know how one writes it.
"""

from __future__ import annotations

from typing import Any, Final

from callscope.core.values import ToolSpec

from .probe import Talk

_SOURCE: Final = "callscope doctor"


def _object(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


_CITY: Final = {"type": "string", "description": "Name of the city"}

WEATHER: Final = ToolSpec("get_weather", "Current weather for a city.", _object(city=_CITY), source=_SOURCE)
TIME: Final = ToolSpec("get_time", "Current time in a city.", _object(city=_CITY), source=_SOURCE)
STRICT: Final = ToolSpec(
    "set_heating",
    "Set the heating of a room.",
    _object(
        room={"type": "string", "enum": ["kitchen", "bath"]},
        celsius={"type": "integer"},
        mode={"type": "string", "enum": ["eco", "comfort"]},
    ),
    strict=True,
    source=_SOURCE,
)
CUSTOM: Final = ToolSpec("write_note", "Write a note in plain words.", kind="custom", source=_SOURCE)

COUNT: Final = "Count from 1 to 20, with a space between the numbers."
HELLO: Final = "Say hello."
ONE_CITY: Final = "What is the weather in Paris?"
TWO_CITIES: Final = "What is the weather in Paris, and what is the weather in Rome? Ask for both at once."
HEATING: Final = "Set the heating of the kitchen to 21 degrees, in the mode eco."
NOTE: Final = "Write a note that says: buy milk."


def tool_talks(one: str) -> tuple[Talk, ...]:
    """Words, and tools in every way in which they can be offered; `one` are words that ask for one call."""
    both = (WEATHER, TIME)
    return (
        Talk("a stream", (COUNT,)),
        Talk("an answer in one piece", (HELLO,), stream=False),
        Talk("a call, and its result", (one,), both, tool_choice="required", rounds=2),
        Talk("a call in one piece", (one,), both, tool_choice="required", stream=False),
        Talk("one tool by its name", (ONE_CITY,), both, tool_choice=TIME.name),
        Talk("no tool", (one,), both, tool_choice="none"),
        Talk("several calls at once", (TWO_CITIES,), both, tool_choice="required", parallel=True, tries=2, calls=2),
        Talk("one call at a time", (TWO_CITIES,), both, tool_choice="required", parallel=False),
        Talk("a strict tool", (HEATING,), (STRICT,), tool_choice="required"),
        Talk("a custom tool", (NOTE,), (CUSTOM,), tool_choice="required"),
    )
