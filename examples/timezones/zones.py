"""What time it is elsewhere; the standard library knows."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, Field


def _known(zone: str) -> str:
    """The zone, or an error that names some: a model corrects itself by it."""
    if zone not in available_timezones():
        near = sorted(name for name in available_timezones() if name.lower().endswith(zone.lower().replace(" ", "_")))
        raise ValueError(f"there is no time zone {zone}" + (f"; did you mean {', '.join(near[:3])}?" if near else ""))
    return zone


Zone = Annotated[str, AfterValidator(_known), Field(description="IANA name, such as Europe/Rome")]


def time_in(zone: Zone) -> dict[str, str]:
    """The date and time now in a time zone."""
    return _told(datetime.now(UTC), zone)


def convert_time(
    time: Annotated[datetime, Field(description="As 2026-11-21T09:00")], from_zone: Zone, to_zone: Zone
) -> dict[str, str]:
    """What a local time is elsewhere."""
    return _told(time.replace(tzinfo=ZoneInfo(from_zone)), to_zone)


def _told(moment: datetime, zone: str) -> dict[str, str]:
    local = moment.astimezone(ZoneInfo(zone))
    return {"zone": zone, "time": local.strftime("%Y-%m-%d %H:%M"), "weekday": local.strftime("%A")}
