"""What `callscope agents` does: lists the agents of a server.

Knows how a list of agents is shown. Must not know Typer, nor how agents are found.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict

from callscope.compose import open_endpoint
from callscope.core.json_text import json_line
from callscope.core.visible import one_line, visible
from callscope.dialects.acf.discovery import Agent
from callscope.dialects.acf.urls import agents_urls, chat_url
from callscope.endpoints.agents import FoundAgents, list_agents
from callscope.settings.config import Flags, load_config

COLUMNS = ("NAME", "VERSION", "STREAMS", "PROVIDER", "DESCRIPTION")
WIDEST = 40
"""Characters of a column, but for the last one, which has as many as it needs in one line."""


def print_agents(flags: Flags, *, as_json: bool) -> None:
    """Print the agents that the server lists, a line each; what is wrong with the list goes to stderr."""
    found = asyncio.run(_found(flags))
    for diagnostic in found.listed.diagnostics:
        _say(f"! {diagnostic.severity} {diagnostic.code}: {diagnostic.message}")
    agents = found.listed.agents
    if as_json:
        for agent in agents:
            sys.stdout.write(json_line(asdict(agent), ascii_only=not _takes_unicode(), default=str) + "\n")
        return
    if not agents:
        _say(f"{found.url} lists no agent.")
        return
    for line in _aligned([COLUMNS, *map(_row, agents)]):
        sys.stdout.write(line + "\n")
    _say(f"chat: callscope chat --url {chat_url(found.url)} -m {_quoted(agents[0].name)}")


async def _found(flags: Flags) -> FoundAgents:
    config = load_config(flags, os.environ)
    for notice in config.notices:
        _say(notice)
    endpoint = open_endpoint(config)
    try:
        return await list_agents(endpoint, agents_urls(config.url))
    finally:
        await endpoint.aclose()


def _row(agent: Agent) -> tuple[str, ...]:
    streams = {True: "yes", False: "no", None: "?"}[agent.streaming]
    return agent.name, agent.version or "?", streams, agent.organization or "?", agent.description or "?"


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """The rows as lines of columns; nothing that a server says can command a terminal or break a line."""
    shown = [[*(one_line(cell, WIDEST) for cell in row[:-1]), one_line(row[-1])] for row in rows]
    widths = [max(len(row[column]) for row in shown) for column in range(len(COLUMNS))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in shown]


def _takes_unicode() -> bool:
    return (sys.stdout.encoding or "").lower().startswith("utf")


def _quoted(name: str) -> str:
    from shlex import quote

    return quote(one_line(name, 80))


def _say(text: str) -> None:
    sys.stderr.write(visible(text) + "\n")
