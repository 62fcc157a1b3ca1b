"""The commands below `callscope recordings`, in Typer's words.

Knows their options. The doing is imported when a command runs. Annotations are no strings here, as in `app`.
"""

from pathlib import Path
from typing import Annotated

import typer

from .flags import AsJson, Recordings, above_zero
from .leaving import leave

recordings_app = typer.Typer(
    help="Look at recordings, and make smaller ones of them.", rich_markup_mode=None, no_args_is_help=True
)

File = Annotated[Path, typer.Argument(help="The recording.")]
Output = Annotated[
    Path | None, typer.Option("--output", "-o", help="The new recording. [a new name in the same folder]")
]
ValueEnv = Annotated[
    list[str] | None,
    typer.Option("--value-env", help="Variable whose value is a secret, beside vendors' tokens; repeatable."),
]


@recordings_app.command("list")
def recordings_list(recordings: Recordings = None, as_json: AsJson = False) -> None:
    """List recordings, newest first."""
    from callscope.commands import replaying

    replaying.list_recordings(recordings, as_json=as_json)


@recordings_app.command("show")
def recordings_show(file: File, as_json: AsJson = False) -> None:
    """Show what a recording holds, and all of it at once."""
    from callscope.commands import replaying

    replaying.show_recording(file, as_json=as_json)


@recordings_app.command("why", short_help="Say why there was no call, or why one did not run.")
def recordings_why(
    file: File,
    turn: Annotated[
        int | None, typer.Option("--turn", min=0, help="Of this turn, as /history counts your messages. [the last]")
    ] = None,
    call: Annotated[
        str | None, typer.Option("--call", help="Take a call apart: its number, id, exchange.index, or tool.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object (docs/forensics.md).")] = False,
) -> None:
    """Say why there was no call, or why one did not run, with the bytes that show it."""
    from callscope.commands import explaining

    explaining.why_recording(file, turn, call, as_json=as_json)


@recordings_app.command("fork", short_help="Copy a recording up to a turn.")
def recordings_fork(
    file: File,
    at: Annotated[
        int | None, typer.Option("--at", min=0, help="Up to this turn, as /history counts; 0: before the first. [all]")
    ] = None,
    output: Output = None,
) -> None:
    """Copy a recording up to a turn; go on with the copy: callscope --resume FILE."""
    from callscope.commands import curating

    curating.fork_recording(file, at, output)


@recordings_app.command("trim", short_help="Make a recording of some of the turns.")
def recordings_trim(
    file: File,
    turns: Annotated[str, typer.Option("--turns", help="The turns to keep, as /history counts: 2,4-6.")],
    output: Output = None,
) -> None:
    """Make a recording of some of the turns; requests are made anew without the others."""
    from callscope.commands import curating

    curating.trim_recording(file, turns, output)


@recordings_app.command("diff", short_help="Compare two sessions.")
def recordings_diff(
    a: Annotated[Path, typer.Argument(help="A recording.")],
    b: Annotated[Path, typer.Argument(help="Another one.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Compare two sessions: calls, arguments, results, endings, timing, prose; exit code 1 unless only the last two."""
    from callscope.commands import curating

    leave(curating.diff_recordings(a, b, as_json=as_json))


@recordings_app.command("redact", short_help="Mask more in a recording, byte for byte.")
def recordings_redact(
    file: File,
    value_env: ValueEnv = None,
    path: Annotated[
        list[str] | None,
        typer.Option("--path", help="What stands at this JSON path ($.user.email) is a secret, wherever; repeatable."),
    ] = None,
    output: Output = None,
    in_place: Annotated[bool, typer.Option("--in-place", help="Replace the recording itself.")] = False,
) -> None:
    """Mask more in a recording, byte for byte; exit code 1 where something could not be masked."""
    from callscope.commands import curating

    leave(curating.redact_recording(file, value_env or [], path or [], output, in_place=in_place))


@recordings_app.command("shrink", short_help="Find the smallest recording that still shows a bug.")
def recordings_shrink(
    file: File,
    check: Annotated[
        str | None,
        typer.Option(
            "--check", help="Command that exits with 0 while a recording, put in for {}, still shows the bug."
        ),
    ] = None,
    diagnostic: Annotated[
        str | None, typer.Option("--diagnostic", help="The bug is this code of docs/diagnostics.md; needs no command.")
    ] = None,
    output: Output = None,
    limit: Annotated[float, typer.Option("--limit", callback=above_zero, help="Most seconds.")] = 300,
    most: Annotated[int, typer.Option("--most", min=1, help="Most runs of the check.")] = 10_000,
) -> None:
    """Find the smallest recording that still shows a bug, offline; Ctrl-C keeps the smallest so far."""
    from callscope.commands import reproducing

    leave(reproducing.shrink_recording(file, reproducing.Asked(check, diagnostic, output, limit, most)))


@recordings_app.command("verify", short_help="Check that recordings are whole and hold no secret.")
def recordings_verify(
    files: Annotated[list[Path], typer.Argument(help="Recordings.")],
    value_env: ValueEnv = None,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON object a file.")] = False,
) -> None:
    """Check that recordings are whole, derive from their bytes, and hold no secret; exit code 1 where one does not."""
    from callscope.commands import curating

    leave(curating.verify_recordings(files, value_env or [], as_json=as_json))


@recordings_app.command("compare-readers", short_help="Read the recorded bytes as other programs do.")
def recordings_compare_readers(
    file: File,
    exchange: Annotated[
        int | None, typer.Option("--exchange", min=1, help="This exchange alone, as /raw counts. [all]")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Read the recorded bytes as other programs do: the openai SDK, its stream helper, httpx-sse."""
    from callscope.commands import rereading

    rereading.compare_readers(file, exchange, as_json=as_json)


@recordings_app.command("export", short_help="Write a recording as a test, a page, a script, …")
def recordings_export(
    file: File,
    form: Annotated[
        str, typer.Option("--as", help="pytest (a failing test), shell (curl), markdown, html, messages or har.")
    ],
    output: Annotated[
        str | None, typer.Option("--output", "-o", help="The new file; - prints it. [the recording's name, here]")
    ] = None,
    expect: Annotated[
        list[str] | None,
        typer.Option("--expect", help="For a test, repeatable: 'calls valid', 'no errors', … (docs/exporting.md)."),
    ] = None,
    tools: Annotated[
        list[Path] | None, typer.Option("--tools", "-T", help="For a test: check and run the calls with these again.")
    ] = None,
) -> None:
    """Write a recording in another form, to mend a bug with or to report one."""
    from callscope.exporting import forms

    forms.export(file, forms.Asked(form, output, tuple(expect or ()), tuple(tools or ())))
