"""What a server of Chat Completions is asked.

Knows the protocol's requests. Must not know how they are sent, nor what is made of the answers.
"""

from __future__ import annotations

from callscope.core.values import Settings
from callscope.dialects.registry import models_url
from callscope.dialects.urls import endpoint_url
from callscope.doctor.probe import Probe, Question, Talk, wrong_requests
from callscope.doctor.tools import (
    COUNT,
    CUSTOM,
    HEATING,
    HELLO,
    NOTE,
    ONE_CITY,
    STRICT,
    TIME,
    TWO_CITIES,
    WEATHER,
)


def questions(settings: Settings, *, keyed: bool) -> tuple[Question, ...]:
    """What is asked of the server once, whatever its models are."""
    plain = {"messages": [{"role": "user", "content": HELLO}]}
    models = Question("the list of models", "GET", models_url(settings.url), headers=(("accept", "application/json"),))
    return (models, *wrong_requests(endpoint_url(settings.url), settings.model, plain, keyed=keyed))


def talks(prompt: str | None) -> tuple[Probe, ...]:
    """What each model is asked; `prompt` asks for the weather in other words."""
    one = prompt or ONE_CITY
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
