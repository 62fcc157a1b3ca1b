"""What the commands do: chat, ask, demo, serve.

Knows how a command goes from options to a session and back to an exit code. Must not know Typer.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from callscope.ask import INTERRUPTED, Ended, read_prompt
from callscope.ask import ask as ask_once
from callscope.compose import LiveClock, Opened, Options, open_session, options
from callscope.core.errors import CallscopeError, UsageError
from callscope.core.ports import Gate, Sink
from callscope.core.values import History, Settings
from callscope.core.visible import visible
from callscope.loop import run

if TYPE_CHECKING:
    from callscope.dialects.detecting import Told
    from callscope.record.recorder import Recorder
    from callscope.serving.demo.agent import DemoAgent
    from callscope.tools.running.toolbox import LocalToolbox
    from callscope.ui.outcome import Outcome

__all__ = ["ask", "chat", "demo", "options", "serve_demo"]


HISTORIES: dict[History, str] = {
    "full": "",
    "last": "history last: only what was said since your last message is sent",
    "server": "history server: only what is new is sent",
}
"""What a request holds of the conversation, where that is not all of it."""

TO_TRY = "try: What's the weather in Paris and Rome? or: faults (the bugs it can show)"

DEMO_TOOLS = Path(__file__).parents[1] / "serving" / "data" / "tools.yaml"


def chat(options: Options, *to_say: str) -> None:
    """Open the REPL; `to_say` stands before the first prompt, below who is asked."""
    if not (sys.stdin.isatty() and sys.stdout.isatty() and sys.stderr.isatty()):
        raise UsageError('chat needs a terminal. In a script use: callscope ask "..."')
    run(_chat(options, to_say))


async def _chat(options: Options, to_say: Sequence[str]) -> None:
    from callscope.ahead import importing_ahead
    from callscope.looking.witness import Witness
    from callscope.repl import Repl
    from callscope.ui.asking import PersonAtTerminal
    from callscope.ui.lines import chrome_console
    from callscope.ui.main_prompt import MainPrompt, history_file
    from callscope.ui.view import view_for

    console = chrome_console(sys.stderr)
    view, witness = view_for(sys.stdout, console, LiveClock()), Witness()
    gate = _gate(options, view.aside)
    async with open_session(options, gate=gate, views=lambda recorder, told: [witness, view], say=view.say) as opened:
        view.check = opened.toolbox.check
        settings = opened.session.conversation.settings
        for line in (*_who_is_asked(opened, settings), *to_say):
            view.say(line)
        repl = Repl(
            session=opened.session,
            prompt=MainPrompt(history_file(os.environ, _say), lambda text: opened.secrets.mask(text)[0]),
            person=PersonAtTerminal(console),
            view=view,
            console=console,
            witness=witness,
            secrets=opened.secrets,
            commands=lambda: import_module("callscope.slash.table").COMMANDS,
            tools=opened.tools,
            toolbox=opened.toolbox,
            reload=opened.reload,
            record=opened.record,
            curl=opened.curl,
            recorder=opened.recorder,
            behind=options.resume,
        )
        with importing_ahead():
            await repl.run()
        if repl.recorder:
            _say(f"recorded in {repl.recorder.path}")


def _who_is_asked(opened: Opened, settings: Settings) -> Iterator[str]:
    """The lines before the first prompt: who answers, in which protocol and why in that, and what a request holds."""
    tools = len(opened.tools.specs)
    offered = f"{tools} tool{'' if tools == 1 else 's'}"
    yield f"{settings.model} at {settings.url}, {offered}; /help lists the commands"
    dialect = "" if opened.detected.is_news else f"dialect {settings.dialect}: {opened.detected.told.how}"
    kept = settings.history if settings.dialect == "responses" or settings.history != "server" else "full"
    if said := "; ".join(filter(None, (dialect, HISTORIES[kept]))):
        yield said


def demo(options: Options, local: Path | None) -> None:
    """Open the REPL against the embedded demo agent, or a local model."""
    if local:
        with _local_model(options, local) as ready:
            chat(ready)
    else:
        with _demo_agent(options) as ready:
            chat(ready, TO_TRY)


def ask(
    options: Options,
    argument: str | None,
    file: Path | None,
    *,
    as_json: bool,
    seconds: float | None,
    embedded: bool = False,
) -> int:
    """Ask one prompt; gives the exit code. With JSON lines the last line comes whatever went wrong."""
    from callscope.ui.outcome import Outcome

    outcome = Outcome()
    recording: list[str] = []

    def last_line(code: int, error: str | None) -> None:
        if as_json:
            from callscope.ui.jsonl import JsonLines

            place = recording[0] if recording else None
            JsonLines(sys.stdout).write(outcome.as_json(exit_code=code, recording=place, error=error))
        elif error:
            _say(f"callscope: {error}")
        elif recording and (code or outcome.diagnostics):
            _lead_on(outcome, recording[0])

    try:
        prompt = read_prompt(argument, file)
        with _demo_agent(options) if embedded else nullcontext(options) as ready:
            ended = run(_ask(ready, prompt, seconds, outcome, recording, as_json=as_json))
    except KeyboardInterrupt:
        outcome.reason, ended = "interrupted", Ended(INTERRUPTED, "interrupted")
    except CallscopeError as error:
        outcome.reason, ended = "failed", Ended(error.exit_code, str(error))
    last_line(ended.exit_code, ended.error)
    return ended.exit_code


def _lead_on(outcome: Outcome, recording: str) -> None:
    """Tell of the command that says what to do, where something did not go as a person would have it."""
    import shlex

    from callscope.forensics.why import hint  # some milliseconds, which an answer without a complaint need not pay

    if said := hint(outcome.case):
        _say(f"  {said}: callscope recordings why {shlex.quote(recording)} says what to do")


async def _ask(
    options: Options, prompt: str, seconds: float | None, outcome: Outcome, recording: list[str], *, as_json: bool
) -> Ended:
    from callscope.ahead import collect_as_ever

    view = _ask_view(as_json=as_json)

    def views(recorder: Recorder | None, told: Told) -> Sequence[Sink]:
        if recorder:
            recording.append(str(recorder.path))
        view.begin(recording[0] if recording else None, told)
        return [outcome, view]

    async with open_session(options, gate=_gate(options), views=views, say=_say) as opened:
        collect_as_ever()
        try:
            return await ask_once(opened.session, outcome, prompt, seconds)
        finally:
            view.close()


def _ask_view(*, as_json: bool) -> Any:
    """The view of `ask`; JSON lines do not pay for the import of a terminal library."""
    if as_json:
        from callscope.ui.jsonl import JsonLines

        return JsonLines(sys.stdout)
    from callscope.ui.lines import LinesView, chrome_console

    return LinesView(sys.stdout, chrome_console(sys.stderr))


def serve_demo(host: str, port: int) -> None:
    """Serve the demo agent until Ctrl-C."""
    from callscope.serving.demo.agent import DemoAgent
    from callscope.serving.server import serve_forever

    serve_forever(DemoAgent(), host, port, lambda url: _say(f"the demo agent listens on {url}/v1 (Ctrl-C ends it)"))


# ---- what commands share ------------------------------------------------------------------------------------------


@contextmanager
def _demo_agent(options: Options) -> Iterator[Options]:
    """Options that lead to the embedded agent, which lives as long as the context."""
    from callscope.serving.demo.answer import MODEL
    from callscope.serving.server import run_in_thread

    @cache
    def agent() -> DemoAgent:
        from callscope.serving.demo.agent import (
            DemoAgent,  # 35 ms with its parts, which the first prompt need not wait for
        )

        return DemoAgent()

    with run_in_thread(lambda request: agent()(request)) as server:
        ready = _at(options, f"{server.url}/v1")
        # we know its only model: asking for it would import httpx before the first prompt
        yield replace(ready, flags=replace(ready.flags, model=ready.flags.model or MODEL))


@contextmanager
def _local_model(options: Options, model: Path) -> Iterator[Options]:
    from callscope.serving.local import start_local

    with start_local(model) as server:
        yield _at(options, f"{server.url}/v1")


def _at(options: Options, url: str) -> Options:
    """The options, for our own server and with tools to play with where the person named none."""
    return replace(options, flags=replace(options.flags, url=url), spare_tools=DEMO_TOOLS)


def _gate(
    options: Options, aside: Callable[[], AbstractContextManager[None]] = nullcontext
) -> Callable[[LocalToolbox], Gate]:
    """Who is asked: a person where stdin and stderr are terminals, else nobody; a script goes before both."""

    def gate(toolbox: LocalToolbox) -> Gate:
        from callscope.ui.gate import AbsentGate, ScriptedGate, scripted_decision

        script = dict(scripted_decision(rule) for rule in options.decide)
        asked: Gate = AbsentGate()
        if sys.stdin.isatty() and sys.stderr.isatty():
            from callscope.ui.asking import PersonAtTerminal
            from callscope.ui.lines import chrome_console
            from callscope.ui.prompt_gate import PromptGate

            console = chrome_console(sys.stderr)
            person = PersonAtTerminal(console)
            asked = PromptGate(person, console, toolbox.check, toolbox.answered_by_person, aside)
        return ScriptedGate(script, asked) if script else asked

    return gate


def _say(text: str) -> None:
    sys.stderr.write(visible(text) + "\n")
    sys.stderr.flush()
