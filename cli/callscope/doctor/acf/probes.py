"""What an agent is asked.

Knows the framework's requests. Must not know how they are sent, nor what is made of the answers. An agent has tools of
its own, which nobody can force it to use: the words that make it do so are the person's to say.
"""

from __future__ import annotations

import json
from typing import Final

from callscope.core.values import Settings
from callscope.dialects.acf.urls import agents_urls, chat_url
from callscope.doctor.probe import JSON, Probe, Question, Talk
from callscope.doctor.seen import NO_KEY
from callscope.doctor.tools import COUNT, HELLO

USE_A_TOOL: Final = "What is the weather in Paris? Use one of your tools."
GO_ON: Final = "Thank you. Now say hello."


def questions(settings: Settings, *, keyed: bool) -> tuple[Question, ...]:
    """What is asked of the server once, whatever its agents are."""
    url, listed = chat_url(settings.url), agents_urls(settings.url)[0]
    plain = {"messages": [{"role": "user", "content": HELLO}], "stream": False}
    named = json.dumps({"model": settings.model, **plain}).encode()
    return (
        Question("the list of agents", "GET", listed, headers=(("accept", "application/json"),)),
        Question("a body that is no JSON", "POST", url, b'{"model": ', JSON),
        Question("no model", "POST", url, json.dumps(plain).encode(), JSON),
        *((Question("no key", "POST", url, named, (*JSON, NO_KEY), keyless=True),) if keyed else ()),
    )


def talks(prompt: str | None) -> tuple[Probe, ...]:
    """What each agent is asked; `prompt` are words that make it use its tools."""
    return (
        Talk("a stream, and a second message", (COUNT, GO_ON)),
        Talk("an answer in one piece", (HELLO,), stream=False),
        Talk("the agent's own tools, and a message after them", (prompt or USE_A_TOOL, GO_ON)),
    )
