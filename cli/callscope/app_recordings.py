"""The commands below `callscope recordings`, in Typer's words.

Knows their options. The doing is imported when a command runs. Annotations are no strings here, as in `app`.
"""

from pathlib import Path
from typing import Annotated

import typer

from callscope.flags import AsJson, Recordings

recordings_app = typer.Typer(
    help="Look at recordings, and make smaller ones of them.", rich_markup_mode=None, no_args_is_help=True
)

File = Annotated[Path, typer.Argument(help="The recording.")]
Output = Annotated[
    Path | None, typer.Option("--output", "-o", help="The new recording. [a new name in the same folder]")
]


@recordings_app.command("list")
def recordings_list(recordings: Recordings = None, as_json: AsJson = False) -> None:
    """List recordings, newest first."""
    from callscope import replaying

    replaying.list_recordings(recordings, as_json=as_json)


@recordings_app.command("show")
def recordings_show(file: File, as_json: AsJson = False) -> None:
    """Show what a recording holds, and all of it at once."""
    from callscope import replaying

    replaying.show_recording(file, as_json=as_json)


@recordings_app.command("fork")
def recordings_fork(
    file: File,
    at: Annotated[
        int | None, typer.Option("--at", min=0, help="Up to this turn, as /history counts; 0: before the first. [all]")
    ] = None,
    output: Output = None,
) -> None:
    """Copy a recording up to a turn; go on with the copy: callscope --resume FILE."""
    from callscope import curating

    curating.fork_recording(file, at, output)


@recordings_app.command("trim")
def recordings_trim(
    file: File,
    turns: Annotated[str, typer.Option("--turns", help="The turns to keep, as /history counts: 2,4-6.")],
    output: Output = None,
) -> None:
    """Make a recording of some of the turns; requests are made anew without the others."""
    from callscope import curating

    curating.trim_recording(file, turns, output)


def _exit(code: int) -> None:
    if code:
        raise typer.Exit(code)
