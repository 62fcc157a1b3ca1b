"""The tools that the doctor offers, and words that ask for them.

Knows definitions that every protocol can carry. Must not know how one writes them.
"""

from __future__ import annotations

from typing import Any, Final

from callscope.core.values import ToolSpec

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
