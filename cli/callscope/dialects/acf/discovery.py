"""What agents a server lists: the answer of `GET /v1/agents`, read whatever is missing in it.

Knows the framework's description of an agent. Must not know how the list is fetched nor shown. Source:
https://connect.watson-orchestrate.ibm.com/acf/discovery/agent-discovery.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from callscope.core.events import Diagnostic
from callscope.dialects.diagnostics import as_sent, diagnostic, excerpt
from callscope.dialects.texts import flat_text

REQUIRED: Final = ("name", "description", "provider", "version", "documentation_url", "capabilities")
KNOWN: Final = frozenset((*REQUIRED, "metadata"))


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent as its server describes it; empty or None where it says nothing.

    `streaming` is what `capabilities` says of it; `extra` are members that the framework does not know, as they came.
    """

    name: str
    description: str = ""
    version: str = ""
    organization: str = ""
    provider_url: str = ""
    documentation_url: str = ""
    streaming: bool | None = None
    capabilities: Mapping[str, Any] = field(default_factory=dict)
    metadata: Any = None
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Listed:
    """The agents of a list, and what was wrong with it."""

    agents: tuple[Agent, ...]
    diagnostics: tuple[Diagnostic, ...]


def listed_agents(body: bytes) -> Listed | None:
    """Read a list of agents; None where the body is none."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return None
    entries, form = _entries(document)
    if entries is None:
        return None
    diagnostics = [diagnostic("agents_not_listed", text=form)] if form else []
    agents: list[Agent] = []
    for entry in entries:
        if isinstance(entry, dict):
            agents.append(_agent(entry, diagnostics))
        else:
            diagnostics.append(diagnostic("member_odd", member="agents", text=as_sent(entry)))
    return Listed(tuple(agents), tuple(diagnostics))


def _entries(document: Any) -> tuple[list[Any] | None, str]:
    """The entries of a list, and in which form they came where it is another one."""
    match document:
        case {"agents": [*entries]}:
            return entries, ""
        case {"agents": {**named}}:
            return [{"name": name, **entry} for name, entry in named.items() if isinstance(entry, dict)], "an object"
        case {"data": [*entries]} if _look_like_agents(entries):
            return entries, "the list `data`"
        case [*entries] if _look_like_agents(entries):
            return entries, "a bare list"
        case {"name": str(), "description": str()}:
            return [document], "one agent alone"
        case _:
            return None, ""


def _look_like_agents(entries: list[Any]) -> bool:
    """Whether these are agents and not models, which have ids and no description."""
    return all(isinstance(entry, dict) and "name" in entry and "description" in entry for entry in entries)


def _agent(entry: dict[str, Any], diagnostics: list[Diagnostic]) -> Agent:
    name = _text(entry.get("name")) or "(without a name)"
    provider, capabilities = entry.get("provider"), entry.get("capabilities")
    missing = [member for member in REQUIRED if entry.get(member) in (None, "")]
    if isinstance(provider, dict):
        missing += [f"provider.{member}" for member in ("organization", "url") if not provider.get(member)]
    elif provider:
        diagnostics.append(_odd(name, "provider", "object with organization and url"))
    streaming = capabilities.get("streaming") if isinstance(capabilities, dict) else None
    if isinstance(capabilities, dict) and type(streaming) is not bool:
        missing.append("capabilities.streaming")
    elif capabilities and not isinstance(capabilities, dict):
        diagnostics.append(_odd(name, "capabilities", "object with streaming"))
    if missing:
        diagnostics.append(diagnostic("agent_incomplete", name=excerpt(name), text=", ".join(missing)))
    return Agent(
        name,
        flat_text(entry.get("description")),
        _text(entry.get("version")),
        _text(provider.get("organization") if isinstance(provider, dict) else provider),
        _text(provider.get("url")) if isinstance(provider, dict) else "",
        _text(entry.get("documentation_url")),
        streaming if type(streaming) is bool else None,
        capabilities if isinstance(capabilities, dict) else {},
        entry.get("metadata"),
        {member: value for member, value in entry.items() if member not in KNOWN},
    )


def _odd(name: str, member: str, expected: str) -> Diagnostic:
    return diagnostic("agent_member_odd", name=excerpt(name), member=member, text=expected)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else str(value) if type(value) in (int, float) else ""
