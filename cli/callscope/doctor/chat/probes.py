"""What a server of Chat Completions is asked.

Knows the protocol's requests. Must not know how they are sent, nor what is made of the answers.
"""

from __future__ import annotations

from callscope.core.values import Settings
from callscope.dialects.registry import models_url
from callscope.dialects.urls import endpoint_url
from callscope.doctor.probe import Probe, Question, wrong_requests
from callscope.doctor.tools import HELLO, ONE_CITY, tool_talks


def questions(settings: Settings, *, keyed: bool) -> tuple[Question, ...]:
    """What is asked of the server once, whatever its models are."""
    plain = {"messages": [{"role": "user", "content": HELLO}]}
    models = Question("the list of models", "GET", models_url(settings.url), headers=(("accept", "application/json"),))
    return (models, *wrong_requests(endpoint_url(settings.url), settings.model, plain, keyed=keyed))


def talks(prompt: str | None) -> tuple[Probe, ...]:
    """What each model is asked; `prompt` asks for the weather in other words."""
    return tool_talks(prompt or ONE_CITY)
