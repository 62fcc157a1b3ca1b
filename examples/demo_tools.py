"""Tools to try Callscope with: they need no network and no key, and the same question has the same answer.

A tool is a plain function with types. What it returns goes to the model; what it prints goes to you alone.
"""

from __future__ import annotations

import asyncio
import zlib
from datetime import datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

SKIES = ("sunny", "cloudy", "light rain", "windy", "fog", "thunderstorm")

UNITS: dict[str, tuple[str, float]] = {
    "mm": ("length", 0.001),
    "cm": ("length", 0.01),
    "m": ("length", 1.0),
    "km": ("length", 1000.0),
    "in": ("length", 0.0254),
    "ft": ("length", 0.3048),
    "mi": ("length", 1609.344),
    "g": ("mass", 0.001),
    "kg": ("mass", 1.0),
    "lb": ("mass", 0.45359237),
    "s": ("time", 1.0),
    "min": ("time", 60.0),
    "h": ("time", 3600.0),
}

NOTES = (
    ("Packing list", "Passport, chargers, rain jacket, the good camera."),
    ("Lisbon trip", "Fly on Friday, hotel near Rossio, dinner with Ana on Saturday at eight."),
    ("Tea", "Green tea wants 80 °C and two minutes; black tea boiling water and four."),
    ("Router", "Restart it by holding the small button for ten seconds."),
    ("Ideas", "An oscilloscope for tool calls: stop a call, change it, let it go on."),
)


def get_weather(city: str, unit: Literal["celsius", "fahrenheit"] = "celsius") -> dict[str, Any]:
    """Made-up weather that is always the same for the same city."""
    number = zlib.crc32(city.strip().casefold().encode())
    celsius = number % 36 - 3
    degrees = celsius if unit == "celsius" else round(celsius * 9 / 5 + 32)
    sky = SKIES[number // 36 % len(SKIES)]
    return {"city": city, "temperature": degrees, "unit": unit, "sky": sky, "note": "made-up demo data"}


def get_time(timezone: str = "UTC") -> dict[str, str]:
    """The current time in a time zone."""
    try:
        now = datetime.now(ZoneInfo(timezone))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"no time zone {timezone!r}: use an IANA name such as Europe/Rome") from None
    return {"timezone": timezone, "time": now.strftime("%H:%M"), "date": now.date().isoformat()}


def convert_units(value: float, from_unit: str, to_unit: str) -> dict[str, Any]:
    """Convert lengths, masses and times; what cannot be converted is an error, which the model gets to read."""
    for unit in (from_unit, to_unit):
        if unit not in UNITS:
            raise ValueError(f"unknown unit {unit!r}; known: {', '.join(UNITS)}")
    (kind, factor), (other_kind, other_factor) = UNITS[from_unit], UNITS[to_unit]
    if kind != other_kind:
        raise ValueError(f"{from_unit} is a {kind} and {to_unit} a {other_kind}: nothing to convert")
    return {"value": round(value * factor / other_factor, 6), "unit": to_unit}


def search_notes(query: str, limit: int = 3) -> list[dict[str, str]]:
    """Notes that contain all words of the query."""
    words = query.casefold().split()
    found = [(title, text) for title, text in NOTES if all(word in f"{title} {text}".casefold() for word in words)]
    print(f"{len(found)} of {len(NOTES)} notes match {query!r}")
    return [{"title": title, "text": text} for title, text in found[:limit]]


async def brew_tea(kind: Literal["green", "black", "mint"] = "green") -> str:
    """Take two seconds and say how far it is; async, so it can be cancelled while it waits."""
    for step in ("boiling the water", "warming the pot", "letting it draw", "pouring"):
        print(f"{step} …")
        await asyncio.sleep(0.5)
    return f"A cup of {kind} tea is ready."
