"""From the wire events of an exchange to the response that is read again.

Knows what of a request matters to a reader: whether it asked for a stream, and the tools in it. Must not know where the
events come from.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from callscope.core.events import ExchangeEnded, ExchangeOpened, ResponseHead
from callscope.core.values import ToolSpec

from .values import Recorded


def recorded(
    opened: ExchangeOpened,
    head: ResponseHead | None,
    reads: Sequence[bytes],
    ended: ExchangeEnded | None,
    dialect: str,
    tools: tuple[ToolSpec, ...],
) -> Recorded:
    """The response of one exchange, in which these tools were offered."""
    asked = _object(opened.request.body)
    definitions = asked.get("tools")
    return Recorded(
        exchange=opened.exchange,
        dialect=dialect,
        streamed=bool(asked.get("stream")),
        status=head.status if head else None,
        headers=head.headers if head else (),
        reads=tuple(reads),
        how=ended.how if ended else None,
        detail=ended.detail if ended else "",
        tools=tools,
        definitions=tuple(one for one in definitions if isinstance(one, dict)) if isinstance(definitions, list) else (),
    )


def why_not(response: Recorded) -> str | None:
    """Why a response tells nothing of other readers, in words; None where it does."""
    if response.how is None:
        return "the recording ends before the response does"
    if response.how == "cancelled":
        return "it was interrupted here, and another program would have read on"
    return None


def _object(body: bytes) -> dict[str, Any]:
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return asked if isinstance(asked, dict) else {}
