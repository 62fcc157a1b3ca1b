"""Rules on `GET /v1/agents`: whether an agent says who it is.

Knows the framework's description of an agent (https://connect.watson-orchestrate.ibm.com/acf/discovery/agent-discovery).
Must not know how the list is fetched. External agents, which are registered by their URL alone, list nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from callscope.core.visible import one_line
from callscope.dialects.shapes import object_of
from callscope.doctor.http_rules import server_words
from callscope.doctor.rule import Rule, Verdict, broken, held, not_shown, rule
from callscope.doctor.seen import Seen, shown

DISCOVERY_RULES: Final[list[Rule]] = []
TEXTS: Final = ("name", "description", "version", "documentation_url")


def _is_list(seen: Seen) -> bool:
    return seen.exchange.request.method == "GET" and seen.path.endswith("/agents") and seen.status > 0


def _agents(seen: Seen) -> list[Any]:
    agents = seen.whole.get("agents")
    return agents if isinstance(agents, list) else []


@rule(
    DISCOVERY_RULES,
    "acf.agents",
    "recommended",
    'The agents are listed: GET /v1/agents is {"agents": […]} with at least one.',
    breaks="the agent can be registered by its URL alone, and nothing is known of it",
    when=_is_list,
)
def _listed(seen: Seen) -> Iterator[Verdict]:
    if seen.status in (404, 405):
        yield not_shown(f"status {seen.status}: as external agents have it, which list nothing")
    elif not seen.is_good:
        yield broken(f"status {seen.status}: {server_words(seen)}")
    elif not _agents(seen):
        yield broken(f"no list `agents`: {shown(seen.whole)}", seen.frames[0] if seen.frames else None)
    else:
        yield held(f"{len(_agents(seen))} agent{'' if len(_agents(seen)) == 1 else 's'}")


@rule(
    DISCOVERY_RULES,
    "acf.agent_members",
    "recommended",
    "An agent says its name, description, version, documentation_url, provider (organization, url) and capabilities "
    "(streaming).",
    breaks="clients that show or check the description leave the agent out",
    when=lambda seen: _is_list(seen) and bool(_agents(seen)),
)
def _members(seen: Seen) -> Iterator[Verdict]:
    for agent in map(object_of, _agents(seen)):
        missing = [name for name in TEXTS if not isinstance(agent.get(name), str) or not agent[name]]
        provider = object_of(agent.get("provider"))
        missing += [f"provider.{name}" for name in ("organization", "url") if not isinstance(provider.get(name), str)]
        if type(object_of(agent.get("capabilities")).get("streaming")) is not bool:
            missing.append("capabilities.streaming")
        if missing:
            yield broken(f"{one_line(str(agent.get('name')), 30)} lacks {', '.join(missing)}", seen.frames[0])


@rule(
    DISCOVERY_RULES,
    "acf.streaming_declared",
    "informational",
    "An agent says that it streams: capabilities.streaming is true.",
    breaks="Orchestrate shows the answer only when it is whole",
    when=lambda seen: _is_list(seen) and bool(_agents(seen)),
)
def _streaming(seen: Seen) -> Iterator[Verdict]:
    for agent in map(object_of, _agents(seen)):
        if object_of(agent.get("capabilities")).get("streaming") is False:
            yield broken(f"{one_line(str(agent.get('name')), 30)} says that it does not", seen.frames[0])
