"""Puts a session together: the one place that names the concrete endpoint, dialect, toolbox, recorder and guard.

Knows which implementation stands behind each port. Must not know how a command shows anything.
"""

from __future__ import annotations

import asyncio
import math
import os
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field, fields, replace
from functools import partial
from pathlib import Path
from typing import Any

from callscope.choosing import checked, choice_from_flag, forms_from
from callscope.core.events import SettingsChanged, ToolsChanged
from callscope.core.ports import Arrival, Gate, Sink
from callscope.core.values import Request, Settings
from callscope.dialects.acf.request import DEFAULT_MODEL
from callscope.dialects.detecting import Told
from callscope.dialects.registry import dialect_named, models_url
from callscope.endpoints.curl import CurlLines, curl_command
from callscope.endpoints.detecting import Detected, Witness, detect
from callscope.endpoints.http import HttpEndpoint
from callscope.endpoints.models import list_models, only_model
from callscope.record.file.directories import recordings_directory
from callscope.record.recorder import Recorder
from callscope.record.secrets.guard import SecretGuard
from callscope.record.secrets.masking import Secrets
from callscope.resuming import Resumed, changed_tools, changes, greeting, resuming, same_tools
from callscope.session import Session
from callscope.settings.config import Config, Flags, load_config
from callscope.tools.definitions import LoadedTools
from callscope.tools.loading import load_tools
from callscope.tools.reading.mock_rules import mocked
from callscope.tools.running.threads import ThreadedCall
from callscope.tools.running.toolbox import LocalToolbox
from callscope.version import VERSION

DEFAULT_TOOLS = Path("tools.yaml")

Say = Callable[[str], None]
Views = Callable[["Recorder | None", Told], Sequence[Sink]]


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line said: `flags` that a profile could say as well, and what only a command line says.

    `spare_tools` are offered where nobody names any and none lie here.
    """

    flags: Flags = field(default_factory=Flags)
    no_tools: bool = False
    decide: tuple[str, ...] = ()
    mock: tuple[str, ...] = ()
    record: bool = True
    recordings: Path | None = None
    curl: bool = False
    no_run: bool = False
    resume: Path | None = None
    spare_tools: Path | None = None


def options(parameters: Mapping[str, Any]) -> Options:
    """The options among a command's parameters."""
    said = {name: tuple(value) if isinstance(value, list) else value for name, value in parameters.items()}
    said = {name: value for name, value in said.items() if value is not None}
    flags = Flags(**_members(Flags, said), stream=False if said.get("no_stream") else None)
    return Options(flags, **_members(Options, said))


def _members(kind: type[Any], said: Mapping[str, Any]) -> dict[str, Any]:
    return {field.name: said[field.name] for field in fields(kind) if field.name in said}


@dataclass(frozen=True, slots=True)
class Opened:
    """A session and what stands behind it.

    `detected` says how its dialect is known. `reload` reads its tool files again, `record` begins a new recording,
    `curl` gives the line that repeats a request.
    """

    session: Session
    detected: Detected
    tools: LoadedTools
    toolbox: LocalToolbox
    secrets: Secrets
    recorder: Recorder | None
    reload: Callable[[], LoadedTools]
    record: Callable[[], Recorder]
    curl: Callable[[Request], str]


class LiveClock:
    """The machine's monotonic clock."""

    def now(self) -> float:
        """Seconds since some fixed moment."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Let this many seconds pass."""
        await asyncio.sleep(seconds)


@asynccontextmanager
async def open_session(
    options: Options, *, gate: Callable[[LocalToolbox], Gate], views: Views, say: Say
) -> AsyncIterator[Opened]:
    """Open a session with its settings and tools in place; `say` hears what a person should know beforehand."""
    async with AsyncExitStack() as stack:
        resumed = stack.enter_context(_gone_on_with(options, say))
        config = load_config(resumed.flags if resumed else options.flags, os.environ)
        load = partial(_tools, options, config, resumed, say)
        # beside the loop: a server may take its time to start, and Ctrl-C must be heard
        tools = await ThreadedCall(lambda _: load(), "load").result(math.inf)
        secrets = _secrets(config, tools, say)
        endpoint = open_endpoint(config)
        stack.push_async_callback(endpoint.aclose)
        endpoint.check()
        detected = await _detected(endpoint, config, _named_by(options, resumed))
        model, detected = (config.model, detected) if config.model else await _model(endpoint, config, detected)
        settings = _settings(options, config, model, detected.told.dialect, tools)
        settings = _checked(resumed.settings(settings) if resumed else settings, tools, resumed, say)
        toolbox = LocalToolbox(tools.tools)
        clock = LiveClock()
        decider = gate(toolbox)

        def record() -> Recorder:
            folder = recordings_directory(options.recordings, os.environ)
            return Recorder.create(folder, secrets=secrets, clock=clock, program=VERSION)

        recorder = None
        if options.record:
            recorder = _writing_on(resumed, secrets, clock) if resumed else record()
            stack.callback(recorder.close)
        curl = partial(curl_command, key_variable=config.key_variable, secrets=config.secrets)
        first: Sequence[Sink | None] = (recorder, CurlLines(say, curl) if options.curl else None)
        session = Session(
            endpoint=endpoint,
            dialect=dialect_named(settings.dialect),
            gate=decider,
            toolbox=toolbox,
            clock=clock,
            sinks=[*filter(None, first), *views(recorder, detected.told)],
            guard=SecretGuard(secrets),
        )
        _begin(session, settings, tools, detected, resumed, say)
        yield Opened(session, detected, tools, toolbox, secrets, recorder, load, record, curl)


@contextmanager
def _gone_on_with(options: Options, say: Say) -> Iterator[Resumed | None]:
    """The session that goes on, and the sentences about it; None where a new one begins."""
    if options.resume is None:
        yield None
        return
    with resuming(options.resume, options.flags, os.environ, record=options.record) as resumed:
        for sentence in greeting(resumed):
            say(sentence)
        yield resumed


def _begin(
    session: Session, settings: Settings, tools: LoadedTools, detected: Detected, resumed: Resumed | None, say: Say
) -> None:
    """Tell the settings and the tools; of a session that goes on only what is other than it was."""
    before = resumed.conversation if resumed else None
    if resumed is not None and before is not None:
        session.conversation = before
        for event in resumed.owed:
            session.emit(event)
        for sentence in (*changes(before.settings, settings), *changed_tools(before.tools, tools)):
            say(sentence)
    _tell(session, detected)
    if before is None or before.settings != settings:
        session.emit(SettingsChanged(settings))
    if before is None or not same_tools(before.tools, tools.specs):
        session.emit(ToolsChanged(tools.specs))
    if detected.is_news:
        session.emit(detected.told.diagnostic())


def _writing_on(resumed: Resumed, secrets: Secrets, clock: LiveClock) -> Recorder:
    assert resumed.file is not None
    return Recorder.resume(resumed.file, resumed.recording, secrets=secrets, clock=clock, program=VERSION)


def _tools(options: Options, config: Config, resumed: Resumed | None, say: Say) -> LoadedTools:
    """The tools that were named, else those of the recording, else those that lie here."""
    if resumed is None or options.no_tools or resumed.names_tools:
        return _load(options, config, say)
    return resumed.tools(_load(options, config, say)) if resumed.conversation.tools else LoadedTools()


def _load(options: Options, config: Config, say: Say) -> LoadedTools:
    """The tools that were named, else those of ./tools.yaml, with a notice: it is code that lies here."""
    if options.no_tools:
        return LoadedTools()
    paths = list(options.flags.tools if options.spare_tools else config.tools)
    if not paths and DEFAULT_TOOLS.exists():
        say(f"tools from ./{DEFAULT_TOOLS} (--no-tools leaves them out)")
        paths = [DEFAULT_TOOLS]
    elif not paths and options.spare_tools:
        paths = [options.spare_tools]
    tools = load_tools(paths)
    for warning in tools.warnings:
        say(warning)
    for rule in options.mock:
        tools = mocked(tools, rule)
    return tools


def _secrets(config: Config, tools: LoadedTools, say: Say) -> Secrets:
    secrets = Secrets([*config.secrets, *(os.environ.get(name, "") for name in tools.secrets)])
    if secrets.too_short:
        say("A secret of fewer than 8 characters cannot be told from ordinary text: it is not masked.")
    for notice in config.notices:
        say(notice)
    return secrets


def open_endpoint(config: Config) -> HttpEndpoint:
    """The server that is meant, with what we carry to it."""
    return HttpEndpoint(
        config.url,
        headers=config.headers,
        query=config.query,
        timeouts=config.timeouts,
        proxy=config.proxy,
        ca_file=config.ca_file,
    )


async def _detected(endpoint: HttpEndpoint, config: Config, named_by: str) -> Detected:
    """The dialect: the one that was named, unless it has to be found out."""
    if config.dialect == "auto":
        return await detect(endpoint, config.url, config.model)
    return Detected(Told(config.dialect, named_by))


def _named_by(options: Options, resumed: Resumed | None) -> str:
    """Who names the dialect, where anything does."""
    if options.flags.dialect:
        return "as --dialect says"
    return "as recorded" if resumed is not None and not resumed.named.dialect else "as the profile says"


def _checked(settings: Settings, tools: LoadedTools, resumed: Resumed | None, say: Say) -> Settings:
    """The settings, when all is said that does not hold; a mistake is refused, but in a recording."""
    if settings.history == "server" and settings.dialect != "responses":
        say(f"No server keeps the history in the dialect {settings.dialect}: it is sent whole, as by default.")
    for notice in checked(settings, tools.specs, refuse=resumed is None):
        say(notice)
    return settings


def _tell(session: Session, detected: Detected) -> None:
    """Put what was asked of the server before the conversation into the recording, past the guard as all that comes."""
    for wire in detected.wire:
        for arrival in session.guard.feed(Arrival(session.clock.now(), wire, ())):
            session.emit(arrival.wire)


async def _model(endpoint: HttpEndpoint, config: Config, detected: Detected) -> tuple[str, Detected]:
    """The only model there is, and what was asked for it; an agent is its own, and one without a name has any."""
    if detected.told.dialect == "acf":
        return detected.agents[0] if len(detected.agents) == 1 else DEFAULT_MODEL, detected
    url, witness = models_url(config.url), Witness(endpoint)
    model = only_model(detected.models or await list_models(witness, url), url)
    return model, replace(detected, wire=(*detected.wire, *witness.heard))


def _settings(options: Options, config: Config, model: str, dialect: str, tools: LoadedTools) -> Settings:
    return Settings(
        dialect=dialect,
        url=config.url,
        model=model,
        system=config.system,
        tool_choice=choice_from_flag(config.tool_choice, tools.specs),
        parallel=config.parallel,
        strict=config.strict,
        tool_forms=forms_from(config.tool_forms),
        stream=config.stream,
        history=config.history,
        thread=config.thread,
        approve=config.approve or "ask",
        run_calls=not options.no_run,
        max_rounds=config.max_rounds,
        retries=config.retries,
        parameters=config.parameters,
    )
