"""Blocks without a secret in them, for a picture that leaves this machine.

Knows which texts of a block may hold a secret, also where deltas cut it. Must not know what a secret looks like: `mask`
hides those of a text and keeps its number of bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import accumulate, pairwise
from typing import TypeAlias, assert_never

from callscope.core.events import Diagnostic, ResponseFailed, Rewound, TurnEnded
from callscope.core.values import Decision, Edit, Mock, Reject, ToolCall, ToolResult

from .blocks import Block, CallTrace, Notice, Retry, TextTrace

Mask = Callable[[str], str]
Told: TypeAlias = Diagnostic | ResponseFailed | TurnEnded | Rewound | Retry


def masked_block(block: Block, mask: Mask) -> Block:
    """The same block with its secrets masked; the block itself stays as it is."""
    match block:
        case TextTrace():
            diagnostics = [_diagnostic(diagnostic, mask) for diagnostic in block.diagnostics]
            return replace(block, chunks=[mask("".join(block.chunks))], diagnostics=diagnostics)
        case CallTrace():
            return _call(block, mask)
        case Notice():
            return replace(block, event=_event(block.event, mask))
        case _:
            assert_never(block)


def _call(block: CallTrace, mask: Mask) -> CallTrace:
    texts = masked_pieces([text for _, text in block.deltas], mask)
    return replace(
        block,
        name=mask(block.name),
        call_id=mask(block.call_id),
        wire_id=mask(block.wire_id),
        failure=replace(block.failure, message=mask(block.failure.message)) if block.failure else None,
        deltas=[(at, text) for (at, _), text in zip(block.deltas, texts, strict=True)],
        call=_assembled(block.call, mask) if block.call else None,
        decision=_decision(block.decision, mask),
        effective=mask(block.effective) if block.effective is not None else None,
        result=_result(block.result, mask),
        returned=_result(block.returned, mask),
        diagnostics=[_diagnostic(diagnostic, mask) for diagnostic in block.diagnostics],
    )


def masked_pieces(pieces: Sequence[str], mask: Mask) -> list[str]:
    """The pieces of a text, cut at the same bytes, with what is secret in the whole of it masked."""
    whole = "".join(pieces)
    masked = mask(whole)
    if masked == whole:
        return list(pieces)
    # what is masked is ASCII and begins and ends where characters do, so that every cut still parts characters
    ends = accumulate((len(piece.encode("utf-8", "surrogatepass")) for piece in pieces), initial=0)
    data = masked.encode("utf-8", "surrogatepass")
    return [data[start:end].decode("utf-8", "surrogatepass") for start, end in pairwise(ends)]


def _assembled(call: ToolCall, mask: Mask) -> ToolCall:
    fault = replace(call.fault, message=mask(call.fault.message)) if call.fault else None
    return replace(call, name=mask(call.name), arguments=mask(call.arguments), fault=fault)


def _decision(decision: Decision | None, mask: Mask) -> Decision | None:
    match decision:
        case Edit(arguments=arguments):
            return Edit(mask(arguments))
        case Mock(output=output):
            return Mock(mask(output))
        case Reject(message=message):
            return Reject(mask(message))
        case _:
            return decision


def _result(result: ToolResult | None, mask: Mask) -> ToolResult | None:
    return replace(result, output=mask(result.output), prints=mask(result.prints)) if result else None


def _diagnostic(diagnostic: Diagnostic, mask: Mask) -> Diagnostic:
    return replace(diagnostic, message=mask(diagnostic.message))


def _event(event: Told, mask: Mask) -> Told:
    match event:
        case Diagnostic() | ResponseFailed():
            return replace(event, message=mask(event.message))
        case _:
            return event
