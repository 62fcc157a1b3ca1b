"""The command that shows a recording, or runs its session again.

Knows its options, in Typer's words. The doing is imported when it runs. Annotations are no strings here, as in `app`.
"""

from pathlib import Path
from typing import Annotated

import typer

from .flags import AsJson, KeyEnv, Mock, Model, Recordings, Tools, Url, above_zero
from .leaving import leave


def replay(
    file: Annotated[Path, typer.Argument(help="The recording.")],
    speed: Annotated[str | None, typer.Option("--speed", help="1 as recorded, 10 ten times as fast, max. [1]")] = None,
    step: Annotated[bool, typer.Option("--step", help="Begin paused: n and p step forward and back.")] = False,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Show what another Callscope is writing, as it comes.")
    ] = False,
    as_json: AsJson = False,
    server: Annotated[
        str | None, typer.Option("--server", help="Run the session again: who answers, recorded (default) or live.")
    ] = None,
    calls: Annotated[
        str | None,
        typer.Option("--calls", help="Run again: recorded results (default), run the tools, ask you, mock them."),
    ] = None,
    tools: Tools = None,
    mock: Mock = None,
    model: Model = None,
    url: Url = None,
    key_env: KeyEnv = None,
    match: Annotated[
        str | None, typer.Option("--match", help="How alike runs must be: wire, semantic, shape. [semantic]")
    ] = None,
    ignore: Annotated[
        list[str] | None, typer.Option("--ignore", help="JSON path to leave out, as $.messages[0].content; repeatable.")
    ] = None,
    slower: Annotated[
        float | None,
        typer.Option(
            "--slower", callback=above_zero, help="What takes more than so many times as long is a divergence."
        ),
    ] = None,
    runs: Annotated[int | None, typer.Option("--runs", min=1, help="Run so many times: k of N are the same.")] = None,
    record: Annotated[bool, typer.Option("--record", help="Keep a recording of each run.")] = False,
    recordings: Recordings = None,
    accept: Annotated[
        bool, typer.Option("--accept", help="Rewrite what is derived, after a decoder was mended.")
    ] = False,
    rechunk: Annotated[
        str | None,
        typer.Option("--rechunk", help="Check that other cuts give the same events: 1, random:SEED, frames, utf8."),
    ] = None,
) -> None:
    """Show a recording, or run its session again and compare; exit code 1 where something differs."""
    files, mocks, paths = tuple(tools or ()), tuple(mock or ()), tuple(ignore or ())
    again = (server, calls, files, mocks, model, url, key_env, match, paths, slower, runs, record, recordings)
    if any(again):
        from callscope.commands import repeating

        shown = {"--speed": speed, "--step": step, "--accept": accept, "--rechunk": rechunk, "--follow": follow}
        beside = [name for name, value in shown.items() if value]
        leave(repeating.repeat(file, repeating.Asked(*again), beside, as_json=as_json))
        return
    from callscope.commands import replaying

    leave(replaying.replay(file, replaying.Asked(speed, step, as_json, accept, rechunk, follow)))
