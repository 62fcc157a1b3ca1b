"""Who stands in for the server, the person and the tools when a session runs again.

Knows what may answer a call or a request, and what has to be told before: a recording never leads to a server, a key or
a side effect by itself. Must not know how a run is compared or shown.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from callscope.core.errors import UsageError
from callscope.core.events import SettingsChanged, ToolsChanged, ToolStarted
from callscope.core.ports import Gate, Guard
from callscope.core.values import Settings, ToolSpec
from callscope.record.rerunning.live import asked_once
from callscope.record.rerunning.rerunning import Answers, Live
from callscope.record.rerunning.script import Script
from callscope.record.secrets.guard import SecretGuard
from callscope.record.secrets.masking import Secrets
from callscope.settings.config import Config, Flags, load_config

from .showing import say

if TYPE_CHECKING:
    from callscope.tools.definitions import LoadedTools
    from callscope.tools.running.toolbox import LocalToolbox


@dataclass(frozen=True, slots=True)
class Roles:
    """Who answers: a live server or the recorded one, and what comes of calls."""

    live: bool = False
    calls: Answers = "recorded"
    tools: tuple[Path, ...] = ()
    mock: tuple[str, ...] = ()
    url: str | None = None
    model: str | None = None
    key_env: str | None = None


@dataclass(frozen=True, slots=True)
class Cast:
    """The ports of the runs; `toolbox` makes one for each run, because mocks can have a memory."""

    live: Live | None
    toolbox: Callable[[], LocalToolbox] | None
    secrets: Secrets
    notices: tuple[str, ...] = ()

    def gate(self, toolbox: LocalToolbox) -> Gate:
        """The person at this terminal. Raises UsageError where there is none."""
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            raise UsageError("--calls ask asks you about each call: it needs a terminal.")
        from callscope.ui.asking import PersonAtTerminal
        from callscope.ui.lines import chrome_console
        from callscope.ui.prompt_gate import PromptGate

        console = chrome_console(sys.stderr)
        return PromptGate(PersonAtTerminal(console), console, toolbox.check, toolbox.answered_by_person)


@asynccontextmanager
async def cast(roles: Roles, file: Path, script: Script) -> AsyncIterator[Cast]:
    """Bring together whoever answers. Raises UsageError before anything was asked or run."""
    tools = _tools(roles, script)
    variables = [os.environ.get(name, "") for name in tools.secrets] if tools else []
    toolbox = None if tools is None else lambda: _toolbox(tools)
    if not roles.live:
        yield Cast(None, toolbox, Secrets(variables))
        return
    from callscope.compose import LiveClock, open_endpoint

    config = _config(roles, file, script)
    secrets = Secrets([*config.secrets, *variables])
    endpoint = open_endpoint(config)
    try:
        endpoint.check()
        guard: Guard = SecretGuard(secrets)
        live = Live(endpoint, LiveClock(), guard, config.url if roles.url else None, roles.model)
        yield Cast(live, toolbox, secrets, (*config.notices, *_masked(script)))
    finally:
        await endpoint.aclose()


def announced(roles: Roles, script: Script, runs: int) -> list[str]:
    """What is going to be asked of the world, in sentences."""
    times = f", {runs} times" if runs > 1 else ""
    sentences = []
    if roles.live:
        settings = {(roles.url or one.url, roles.model or one.model) for one in _settings(script)}
        places = " and ".join(f"{url} (model {model})" for url, model in sorted(settings))
        requests = len(asked_once(script).facts("request"))
        sentences.append(f"asks {places} live: at most {requests} request{'' if requests == 1 else 's'}{times}")
    if roles.calls == "run" and (names := _called(script)):
        amounts = ", ".join(f"{name} ({amount})" if amount > 1 else name for name, amount in names.items())
        sentences.append(f"runs tools again: {amounts}{times}")
    return sentences


# ---- the server ---------------------------------------------------------------------------------------------------


def _config(roles: Roles, file: Path, script: Script) -> Config:
    """The server that is meant: the one that was named, else the recorded one, which gets no key by itself."""
    settings = _settings(script)
    recorded = settings[0] if settings else Settings()
    places = {one.url for one in settings}
    if not roles.url and len(places) > 1:
        raise UsageError(f"{file} speaks to {len(places)} servers: name the one that is meant with --url.")
    if not roles.url and ("***" in recorded.url or not recorded.url):
        raise UsageError(f"{file} does not say its whole URL: say it with --url.")
    flags = Flags(
        url=roles.url or recorded.url,
        url_from="--url" if roles.url else f"The url of {file}",
        model=roles.model or recorded.model,
        dialect=recorded.dialect,
        key_env=roles.key_env,
    )
    return load_config(flags, os.environ)


def _settings(script: Script) -> list[Settings]:
    changes = [step for step in script.steps if isinstance(step, SettingsChanged)]
    changes += [
        one.event for turn in script.turns for one in turn.interjections if isinstance(one.event, SettingsChanged)
    ]
    return [change.settings for change in changes]


def _masked(script: Script) -> Sequence[str]:
    masked = any(fact.masked for what in ("response", "start", "result") for fact in script.facts(what))
    return ("secrets in the recording are masked: to the model they are asterisks now",) if masked else ()


# ---- tools --------------------------------------------------------------------------------------------------------


def _tools(roles: Roles, script: Script) -> LoadedTools | None:
    """The tools that answer calls; None where the recording does."""
    if roles.calls == "recorded":
        return None
    from callscope.tools.definitions import LoadedTools, Tool
    from callscope.tools.loading import load_tools
    from callscope.tools.reading.mock_rules import mocked

    loaded = load_tools(list(roles.tools)) if roles.tools else LoadedTools()
    for warning in loaded.warnings:
        say(warning)
    if roles.calls == "run":
        _refuse_to_run(loaded, script)
        return loaded
    here = {tool.spec.name: tool for tool in loaded.tools}
    known = [*here.values(), *(Tool(spec) for name, spec in _offered(script).items() if name not in here)]
    tools = replace(loaded, tools=tuple(known))
    for rule in roles.mock:
        tools = mocked(tools, rule)
    return _mocks_alone(tools, script) if roles.calls == "mock" else tools


def _toolbox(tools: LoadedTools) -> LocalToolbox:
    from callscope.tools.running.toolbox import LocalToolbox

    return LocalToolbox(tools.tools)


def _refuse_to_run(tools: LoadedTools, script: Script) -> None:
    """Refuse before anything runs what could not run, or never may."""
    here = {tool.spec.name: tool for tool in tools.tools}
    for name in _called(script):
        if name not in here:
            raise UsageError(f"--calls run: the recording calls {name}, which the tools here do not have.")
        if here[name].spec.approve == "never":
            raise UsageError(f"--calls run: {name} never runs ({here[name].spec.source} says approve: never).")


def _mocks_alone(tools: LoadedTools, script: Script) -> LoadedTools:
    """The tools with nothing in them that could have an effect."""
    from callscope.tools.definitions import MockAnswer, MockCases, MockSequence

    kinds = (MockAnswer, MockCases, MockSequence)
    without = [tool.spec.name for tool in tools.tools if not isinstance(tool.implementation, kinds)]
    if missing := [name for name in _called(script) if name in without]:
        raise UsageError(f"--calls mock: {missing[0]} has no mock; give it one: --mock {missing[0]}=ANSWER.")
    harmless = [replace(one, implementation=None) if one.spec.name in without else one for one in tools.tools]
    return replace(tools, tools=tuple(harmless))


def _called(script: Script) -> Counter[str]:
    """The names of the calls that ran, and how often."""
    return Counter(fact.event.name for fact in script.facts("start") if isinstance(fact.event, ToolStarted))


def _offered(script: Script) -> dict[str, ToolSpec]:
    changes = [step.tools for step in script.steps if isinstance(step, ToolsChanged)]
    return {spec.name: spec for tools in changes for spec in tools}
