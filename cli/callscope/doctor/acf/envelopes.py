"""The documents of an agent's stream, sorted by what they are: what the rules on frames look at.

Knows the two event dialects of the Agent Connect Framework, its documented objects and native Orchestrate's. Must not
know any rule. Source: https://connect.watson-orchestrate.ibm.com, and the `external_agent` specification in
https://github.com/watson-developer-cloud/watsonx-orchestrate-developer-toolkit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from callscope.core.values import Frame, JsonObject
from callscope.dialects.acf.simple import simple_name
from callscope.dialects.shapes import list_of, object_of
from callscope.doctor.seen import Said, Seen

STEP: Final = "thread.run.step.delta"
MESSAGE: Final = "thread.message.delta"
MARKS: Final = ("thread.run.step.created", "thread.run.step.completed")
NATIVE: Final = ("thread.message.completed", "error")
"""Objects of native Orchestrate, beyond the framework."""

CHUNK: Final = "chat.completion.chunk"


class Delta(NamedTuple):
    """One delta of an envelope: the frame, the envelope's object, and its members."""

    frame: Frame
    kind: str
    members: JsonObject


class Call(NamedTuple):
    """One call of a step, as it came."""

    frame: Frame
    entry: Any


def is_agent_stream(seen: Seen) -> bool:
    """Whether an agent answered with a stream that has something in it."""
    return seen.wants_stream and seen.is_good and seen.streamed and bool(seen.said)


def is_simple(said: Said) -> bool:
    """Whether a document is an event of the samples' dialect, in which the `event:` line decides."""
    return bool(simple_name(said.document, said.frame))


def kind(said: Said) -> str:
    """What an envelope says it is: its `object`, else its `event:` line."""
    found = said.document.get("object")
    return found if isinstance(found, str) else said.frame.event


def is_error(said: Said) -> bool:
    """Whether a document tells of an error."""
    return said.document.get("error") not in (None, "", False) or kind(said) == "error" or said.frame.event == "error"


def is_envelope(said: Said) -> bool:
    """Whether a document is meant as an envelope of the framework: it says so, or it has choices or a delta."""
    if is_simple(said) or is_error(said) or kind(said) == CHUNK:
        return False
    return kind(said).startswith("thread.") or not {"choices", "delta"}.isdisjoint(said.document)


def envelopes(seen: Seen) -> Iterator[Said]:
    """The envelopes of a stream."""
    return filter(is_envelope, seen.said)


def has_envelopes(seen: Seen) -> bool:
    """Whether there is any envelope of the framework to judge."""
    return is_agent_stream(seen) and next(envelopes(seen), None) is not None


def deltas(seen: Seen, *kinds: str) -> Iterator[Delta]:
    """The deltas of envelopes of these kinds (all where none is named)."""
    for said in envelopes(seen):
        name = kind(said)
        if not kinds or name in kinds:
            for choice in list_of(said.document.get("choices")):
                yield Delta(said.frame, name, object_of(object_of(choice).get("delta")))


def steps(seen: Seen, *types: str) -> Iterator[Delta]:
    """The `step_details` of steps of these types (all where none is named), in the place of the deltas' members."""
    for delta in deltas(seen):
        details = delta.members.get("step_details")
        if isinstance(details, dict) and (not types or details.get("type") in types):
            yield delta._replace(members=details)


def calls(seen: Seen) -> Iterator[Call]:
    """The calls of all steps, of whatever shape."""
    for step in steps(seen, "tool_calls"):
        found = step.members.get("tool_calls")
        for entry in found if isinstance(found, list) else [found]:
            yield Call(step.frame, entry)


def has(find: Callable[..., Iterator[Any]], *types: str) -> Callable[[Seen], bool]:
    """A condition: whether a stream has any of these."""
    return lambda seen: is_agent_stream(seen) and next(find(seen, *types), None) is not None
