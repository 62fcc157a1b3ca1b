"""What a server of the Responses API is asked.

Knows the protocol's requests. Must not know how they are sent, nor what is made of the answers.
"""

from __future__ import annotations

from callscope.core.values import Settings
from callscope.dialects.registry import models_url
from callscope.dialects.urls import RESPONSES, endpoint_url
from callscope.doctor.probe import Probe, Question, Talk, wrong_requests
from callscope.doctor.tools import HELLO, ONE_CITY, TIME, WEATHER, tool_talks


def questions(settings: Settings, *, keyed: bool) -> tuple[Question, ...]:
    """What is asked of the server once, whatever its models are."""
    models = Question("the list of models", "GET", models_url(settings.url), headers=(("accept", "application/json"),))
    url = endpoint_url(settings.url, RESPONSES)
    return (models, *wrong_requests(url, settings.model, {"input": HELLO}, keyed=keyed))


def talks(prompt: str | None) -> tuple[Probe, ...]:
    """What each model is asked; `prompt` asks for the weather in other words."""
    both = (WEATHER, TIME)
    return (
        *tool_talks(prompt or ONE_CITY),
        Talk("a second message that names the first answer", (HELLO, "Once more, please."), history="server"),
        Talk(
            "a call without the server's memory",
            (prompt or ONE_CITY,),
            both,
            tool_choice="required",
            rounds=2,
            parameters={"store": False},
        ),
    )
