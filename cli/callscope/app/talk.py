"""The commands that talk: chat, ask, demo, agents.

Knows their options, in Typer's words; those that they share stand in `sharing`. The doing is imported when a command
runs. Annotations are no strings here, as in `app`.
"""

from pathlib import Path
from typing import Annotated, Any

import typer

from .flags import AsJson, above_zero
from .leaving import leave
from .sharing import Calls, GoneOn, Kept, Server, Shown, Talk, Thread, Waits, Way, shares


@shares(Server, Talk, Thread, Way, Waits, Calls, Kept, Shown, GoneOn)
def chat(**said: Any) -> None:
    """Open the REPL (also without the word chat)."""
    from callscope.commands import chat as commands

    commands.chat(commands.options(said))


@shares(Server, Talk, Thread, Way, Waits, Calls, Kept, Shown)
def ask(
    prompt: Annotated[str | None, typer.Argument(help="The prompt; - or nothing reads stdin.")] = None,
    file: Annotated[Path | None, typer.Option("--file", "-f", help="Read the prompt from a file.")] = None,
    as_json: AsJson = False,
    no_run: Annotated[bool, typer.Option("--no-run", help="Show the calls and run none.")] = False,
    timeout: Annotated[
        float | None, typer.Option("--timeout", callback=above_zero, help="Seconds for all of it; exit code 124.")
    ] = None,
    demo: Annotated[bool, typer.Option("--demo", help="Ask the embedded demo agent.")] = False,
    **said: Any,
) -> None:
    """Ask one prompt and print the answer; calls and complaints go to stderr."""
    from callscope.commands import chat as commands

    options = commands.options({**said, "no_run": no_run})
    leave(commands.ask(options, prompt, file, as_json=as_json, seconds=timeout, embedded=demo))


@shares(Talk, Calls, Kept, Shown, GoneOn)
def demo(
    local: Annotated[
        Path | None, typer.Option("--local", help="Chat with this GGUF model instead (extra: local).")
    ] = None,
    **said: Any,
) -> None:
    """Open the REPL against the embedded demo agent: no key, no network."""
    from callscope.commands import chat as commands

    commands.demo(commands.options(said), local)


@shares(Way, Waits)
def agents(
    url: Annotated[str, typer.Argument(help="Base URL of the server, or the full one of its chat or its list.")],
    as_json: Annotated[bool, typer.Option("--json", help="A JSON object a line: all that the server says.")] = False,
    **said: Any,
) -> None:
    """List the agents of a server (Agent Connect Framework)."""
    from callscope.commands import chat as commands
    from callscope.commands import discovering

    discovering.print_agents(commands.options({**said, "url": url}).flags, as_json=as_json)
