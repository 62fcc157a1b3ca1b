"""Which protocols the doctor knows: for each its rules, and what it asks.

Knows the three of them. Must not know how anything is sent or judged.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from callscope.core.values import Settings

from .acf import probes as acf_probes
from .acf.rules import ACF_RULES
from .chat import probes as chat_probes
from .chat.rules import CHAT_RULES
from .probe import Probe, Question
from .responses import probes as responses_probes
from .responses.rules import RESPONSES_RULES
from .rule import Rule


class Questions(Protocol):
    """What is asked of a server once, whatever its models are."""

    def __call__(self, settings: Settings, *, keyed: bool) -> tuple[Question, ...]:
        """The questions; `keyed` says whether there is a key that can be left out."""
        ...


@dataclass(frozen=True, slots=True)
class Battery:
    """The rules of a protocol, and what is asked of a server and of each model so that they can be judged."""

    rules: tuple[Rule, ...]
    questions: Questions
    talks: Callable[[str | None], tuple[Probe, ...]]


BATTERIES: Final[dict[str, Battery]] = {
    "chat": Battery(CHAT_RULES, chat_probes.questions, chat_probes.talks),
    "responses": Battery(RESPONSES_RULES, responses_probes.questions, responses_probes.talks),
    "acf": Battery(ACF_RULES, acf_probes.questions, acf_probes.talks),
}
