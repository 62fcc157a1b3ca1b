"""What `callscope doctor` does: asks a server, or looks at a recording, and tells what is wrong.

Knows how flags become a session, how many requests there will be, and what exit code it all comes to. Must not know
Typer, nor any rule.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from callscope.ask import INTERRUPTED
from callscope.compose import LiveClock, open_endpoint
from callscope.core.errors import CallscopeError, UsageError
from callscope.core.events import SettingsChanged
from callscope.core.json_text import json_line
from callscope.core.paths import is_there
from callscope.core.ports import Arrival, Endpoint
from callscope.core.values import Settings
from callscope.core.visible import one_line
from callscope.dialects.acf.request import DEFAULT_MODEL
from callscope.dialects.detecting import Told, told_by_url
from callscope.dialects.registry import dialect_named, models_url
from callscope.doctor.battery import BATTERIES
from callscope.doctor.bounding import Bounded
from callscope.doctor.exchange import Exchange, Gathering
from callscope.doctor.probe import most
from callscope.doctor.report import Finding, examine
from callscope.doctor.running import Answering, Loosening, Pump
from callscope.endpoints.credentials import secrets_in_headers, secrets_in_query
from callscope.endpoints.detecting import Detected, Witness, detect
from callscope.endpoints.fetching import bare
from callscope.endpoints.models import list_models, only_model
from callscope.loop import run
from callscope.record.file.directories import recordings_directory
from callscope.record.file.reading import RecordingFile
from callscope.record.recorder import Recorder
from callscope.record.secrets.guard import SecretGuard
from callscope.record.secrets.masking import Secrets
from callscope.session import Session
from callscope.settings.config import Config, Flags, load_config
from callscope.version import VERSION

from .recorded_exchanges import asked_of, recorded_exchanges
from .showing import say

BROKEN: Final = 1
OUT_OF_TIME: Final = 124


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line asks for beyond flags: seconds for each request and for all of it."""

    models: tuple[str, ...] = ()
    prompt: str | None = None
    each: float = 60.0
    seconds: float = 600.0
    record: bool = True
    recordings: Path | None = None
    as_json: bool = False


@dataclass(slots=True)
class Run:
    """What is known of a run so far, whatever ends it."""

    gathering: Gathering = field(default_factory=Gathering)
    dialect: str = ""
    models: tuple[str, ...] = ()
    secrets: Secrets = field(default_factory=lambda: Secrets([]))
    recording: str | None = None
    file: Path | None = None
    error: str | None = None
    requests: int = 0

    @property
    def exchanges(self) -> Iterator[Exchange]:
        """What was asked and came back; those of a file are read one by one."""
        return recorded_exchanges(RecordingFile(self.file)) if self.file else iter(self.gathering.exchanges)

    def mask(self, text: str) -> str:
        """A text without the secrets of this run."""
        return self.secrets.mask(text)[0]


def doctor(target: str, flags: Flags, asked: Asked) -> int:
    """Examine a server, or a recording of one; gives the exit code."""
    if not target.strip():
        # elsewhere no URL means OpenAI: `doctor "$URL"` with a variable that is not set shall not cost anybody money
        raise UsageError("What shall be examined? Name the URL of a server, or a recording.")
    known, code = Run(), 0
    try:
        if is_there(target) or (target.endswith(".jsonl") and "://" not in target):
            _read_recording(Path(target), flags, asked, known)
        else:
            code = run(_ask_all(replace(flags, url=target), asked, known))
    except KeyboardInterrupt:
        code, known.error = INTERRUPTED, "interrupted: what was found until then"
    except CallscopeError as error:
        code, known.error = error.exit_code, str(error)
    return _tell(known, asked, code)


# ---- asking ---------------------------------------------------------------------------------------------------------


async def _ask_all(flags: Flags, asked: Asked, known: Run) -> int:
    async with AsyncExitStack() as stack:
        config = load_config(flags, os.environ)
        config = replace(config, timeouts=replace(config.timeouts, total=asked.each))
        known.secrets = Secrets(config.secrets)
        for notice in config.notices:
            say(notice)
        endpoint, keyless = open_endpoint(config), open_endpoint(_without_key(config))
        stack.push_async_callback(endpoint.aclose)
        stack.push_async_callback(keyless.aclose)
        endpoint.check()
        bounded = Bounded(endpoint)
        try:
            async with asyncio.timeout(asked.seconds):
                named_by = "as --dialect says" if flags.dialect else "as the profile says"
                detected = await _detected(bounded, config, named_by, asked, known)
                session = _session(stack, bounded, detected, asked, known)
                pump = _pump(session, config, known, Bounded(keyless))
                await _ask_probes(pump, config, asked, known)
        except TimeoutError:
            known.error = f"not all was asked within {asked.seconds:g} seconds (--timeout)"
            return OUT_OF_TIME
    return 0


async def _detected(endpoint: Endpoint, config: Config, named_by: str, asked: Asked, known: Run) -> Detected:
    """The dialect (`named_by` says who named it) and the models, with what was asked to learn them: at most 3 GETs."""
    models = asked.models or ((config.model,) if config.model else ())
    if config.dialect not in ("auto", *BATTERIES):
        raise UsageError(f"--dialect {config.dialect}: write one of auto, {', '.join(BATTERIES)}.")
    told = told_by_url(config.url) if config.dialect == "auto" else Told(config.dialect, named_by)
    if told is None or not (models or told.dialect == "acf"):
        say("first at most 3 GETs, to learn the protocol and the model")
    detected = Detected(told) if told else await detect(endpoint, config.url, models[0] if models else None)
    known.dialect = detected.told.dialect
    say(f"dialect {known.dialect}: {detected.told.how}")
    if not models and known.dialect == "acf":
        models = (detected.agents[0] if detected.agents else DEFAULT_MODEL,)
    elif not models:
        witness, url = Witness(endpoint), models_url(config.url)
        models = (only_model(detected.models or await list_models(witness, url), url),)
        detected = replace(detected, wire=(*detected.wire, *witness.heard))
    known.models = models
    return detected


def _session(stack: AsyncExitStack, endpoint: Endpoint, detected: Detected, asked: Asked, known: Run) -> Session:
    """A session that records, gathers, and answers its own calls; what was asked to learn the dialect comes first."""
    clock, gate = LiveClock(), Loosening()
    sinks: list[Any] = [known.gathering]
    if asked.record:
        folder = recordings_directory(asked.recordings, os.environ)
        recorder = Recorder.create(folder, secrets=known.secrets, clock=clock, program=VERSION)
        stack.callback(recorder.close)
        known.recording = str(recorder.path)
        sinks.insert(0, recorder)
    session = Session(
        endpoint=endpoint,
        dialect=dialect_named(known.dialect),
        gate=gate,
        toolbox=Answering(),
        clock=clock,
        sinks=sinks,
        guard=SecretGuard(known.secrets),
    )
    gate.session = session
    for wire in detected.wire:
        for arrival in session.guard.feed(Arrival(clock.now(), wire, ())):
            session.emit(arrival.wire, arrival.at)
    return session


def _pump(session: Session, config: Config, known: Run, keyless: Endpoint) -> Pump:
    settings = Settings(
        dialect=known.dialect,
        url=config.url,
        model=known.models[0],
        system=config.system,
        parameters=config.parameters,
    )
    return Pump(session, known.gathering, settings, keyless, _progress)


async def _ask_probes(pump: Pump, config: Config, asked: Asked, known: Run) -> None:
    """Say how many requests there will be, then make them: the questions once, the talks with each model."""
    battery = BATTERIES[known.dialect]
    been_there = {exchange.request.url for exchange in known.gathering.exchanges}
    keyed = bool(secrets_in_headers(config.headers))
    questions = battery.questions(pump.settings, keyed=keyed)
    questions = tuple(one for one in questions if not (one.method == "GET" and one.url in been_there))
    talks = battery.talks(asked.prompt)
    known.requests = most(questions) + most(talks) * len(known.models)
    more = " more" if been_there else ""
    say(
        f"at most {known.requests}{more} requests, at most {asked.each:g} s each, {asked.seconds:g} s in all; "
        f"models: {', '.join(known.models)}"
    )
    pump.session.emit(SettingsChanged(pump.settings))
    if not await pump.ask_all(questions, talks, known.models):
        wants = "refuses the key" if keyed else "wants a key"
        known.error = (
            f"{bare(config.url)} {wants}: nothing more was asked; --key-env NAME names the variable of the right one"
        )


def _without_key(config: Config) -> Config:
    """The same server, with nothing carried to it that is secret."""
    headers = tuple(pair for pair in config.headers if not secrets_in_headers([pair]))
    query = tuple(pair for pair in config.query if not secrets_in_query([pair]))
    return replace(config, headers=headers, query=query)


# ---- a recording ----------------------------------------------------------------------------------------------------


def _read_recording(file: Path, flags: Flags, asked: Asked, known: Run) -> None:
    known.recording, recording = str(file), RecordingFile(file)
    dialect, models = asked_of(recording)
    for warning in recording.warnings:
        say(f"callscope: {warning}")
    dialect = (flags.dialect if flags.dialect != "auto" else None) or dialect
    if dialect not in BATTERIES:
        raise UsageError(f"There are no rules for the dialect {dialect}.")
    known.file, known.dialect, known.models = file, dialect, asked.models or models


# ---- telling --------------------------------------------------------------------------------------------------------


def _tell(known: Run, asked: Asked, code: int) -> int:
    """Print what was found; a required rule that is broken makes a 0 a 1."""
    found = _findings(known)
    failures = sum(one.is_failure for findings in found.values() for one in findings)
    code = code or (BROKEN if failures else 0)
    if asked.as_json:
        _print_json(known, found, code)
        return code
    if found:
        from callscope.doctor.wording import print_findings, summary
        from callscope.ui.chrome import ChromeConsole

        print_findings(ChromeConsole(highlight=False, markup=False, emoji=False), found, known.mask)
        say(summary(found))
    if known.error:
        say(f"callscope: {known.error}")
    if known.recording and asked.record and known.requests:
        say(f"recorded in {known.recording}")
    return code


def _findings(known: Run) -> dict[str, Sequence[Finding]]:
    """The findings of each model; what was asked of the server and of no model counts for each."""
    if not known.dialect or not any(exchange.head for exchange in known.exchanges):
        return {}
    return {
        model: examine((one for one in known.exchanges if _is_of(one, model, known)), known.dialect)
        for model in known.models
    }


def _is_of(exchange: Exchange, model: str, known: Run) -> bool:
    return exchange.number == 0 or exchange.settings.model == model or len(known.models) == 1


def _print_json(known: Run, found: dict[str, Sequence[Finding]], code: int) -> None:
    from callscope.doctor.wording import finding_line

    told = (finding_line(one, model, known.mask) for model, findings in found.items() for one in findings)
    sys.stdout.writelines(f"{line}\n" for line in told)
    ended = {
        "event": "ended",
        "dialect": known.dialect,
        "models": known.models,
        "requests": sum(1 for _ in known.exchanges),
        "failed": sum(one.is_failure for findings in found.values() for one in findings),
        "exit_code": code,
        "error": known.error,
        "recording": known.recording,
    }
    sys.stdout.write(json_line(ended) + "\n")


def _progress(name: str) -> None:
    if sys.stderr.isatty():
        say(f"  {one_line(name, 76)}")
