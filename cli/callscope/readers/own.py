"""Callscope's own reading, in the shape in which the others' are told.

Knows how the events of a decoder become a reading. Must not know any other reader.
"""

from __future__ import annotations

from collections.abc import Iterable

from callscope.core.events import ExchangeOpened, PeerEvent, ResponseHead
from callscope.core.state import Conversation, apply
from callscope.core.values import Request
from callscope.dialects.registry import dialect_named

from .values import Call, Reading, Recorded, Trouble


def own_reading(recorded: Recorded) -> Reading:
    """What our decoder makes of a response."""
    number = recorded.exchange
    decoder = dialect_named(recorded.dialect).decoder(number, recorded.tools)
    events: list[PeerEvent] = []
    if recorded.status is not None:
        events += decoder.feed(ResponseHead(number, recorded.status, recorded.headers))
    for read in recorded.reads:
        events += decoder.feed(read)
    return _reading(number, [*events, *decoder.close(recorded.how or "truncated", recorded.detail)])


def _reading(exchange: int, events: Iterable[PeerEvent]) -> Reading:
    conversation = apply(Conversation(), ExchangeOpened(exchange, Request("POST", "", (), b"")))
    for event in events:
        conversation = apply(conversation, event)
    response = conversation.response
    if response is None:
        return Reading()
    failure, usage = response.failure, response.usage
    return Reading(
        calls=tuple(
            Call(call.call_id, call.name, call.arguments, call.executor, call.fault.code if call.fault else None)
            for call in response.chunks.calls
        ),
        text=response.text("output"),
        refusal=response.text("refusal"),
        finish_reason=response.finish_reason,
        usage=(usage.input_tokens, usage.output_tokens) if usage else None,
        trouble=Trouble("error", failure.kind, failure.message) if failure else None,
    )
