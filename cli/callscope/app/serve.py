"""The commands that other programs talk to: serve, proxy.

Knows their options, in Typer's words. The doing is imported when one runs. Annotations are no strings here, as in
`app`.
"""

from pathlib import Path
from typing import Annotated

import typer

from callscope.core.errors import UsageError

from .flags import Recordings
from .leaving import leave


def serve(
    files: Annotated[list[Path] | None, typer.Argument(help="Recordings to serve again.")] = None,
    demo: Annotated[bool, typer.Option("--demo", help="Serve the demo agent.")] = False,
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="Port; 0 takes a free one.")] = 8080,
    speed: Annotated[str | None, typer.Option("--speed", help="1 as recorded, 10 ten times as fast, max. [1]")] = None,
    on_miss: Annotated[
        str | None, typer.Option("--on-miss", help="For a request nobody recorded: fail, next, nearest. [fail]")
    ] = None,
    repeat: Annotated[bool, typer.Option("--repeat", help="Begin again once every exchange was asked for.")] = False,
) -> None:
    """Serve recordings, or the demo agent, as the endpoint that they were recorded from."""
    if demo and not (files or speed or on_miss or repeat):
        from callscope.commands import chat as commands

        commands.serve_demo(host, port)
        return
    from callscope.commands import providing

    if demo or not files:
        raise UsageError("Say what to serve: recordings (FILE…), or --demo, which takes --host and --port alone.")
    leave(providing.serve_recordings(files, providing.Asked(host, port, speed or "1", on_miss or "fail", repeat)))


def proxy(
    url: Annotated[str, typer.Argument(help="The server: what your program's base URL is now.")],
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="Port; 0 takes a free one.")] = 8081,
    recordings: Recordings = None,
) -> None:
    """Record another program: it talks to this port, and everything goes on to the server as it comes."""
    from callscope.commands import providing

    leave(providing.proxy(url, host, port, recordings))
