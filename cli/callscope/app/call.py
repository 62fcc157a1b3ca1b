"""The command that calls one tool.

Knows its options, in Typer's words. The doing is imported when it runs. Annotations are no strings here, as in `app`.
"""

from typing import Annotated

import typer

from .flags import Mock, Recordings, Tools, above_zero
from .leaving import leave


def _complete_call(ctx: typer.Context, incomplete: str) -> list[str]:
    """What may stand next behind `call`; a shell that asks never sees an error."""
    from . import completing

    words = [*([ctx.params["tool"]] if ctx.params.get("tool") else []), *(ctx.params.get("arguments") or [])]
    return completing.offers(words, incomplete, ctx.params.get("tools") or [])


def call(
    tool: Annotated[str, typer.Argument(help="The tool.", autocompletion=_complete_call)],
    arguments: Annotated[
        list[str] | None,
        typer.Argument(
            help="key=value by the schema, key:=json, key=@file; - reads JSON.", autocompletion=_complete_call
        ),
    ] = None,
    tools: Tools = None,
    args_json: Annotated[str | None, typer.Option("--args-json", help="All arguments as JSON.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One line with status, output, duration.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would run, exactly, and run nothing.")] = False,
    mock: Mock = None,
    timeout: Annotated[
        float | None, typer.Option("--timeout", callback=above_zero, help="Seconds for all of it; exit code 124.")
    ] = None,
    record: Annotated[bool, typer.Option("--record", help="Keep a recording of the call.")] = False,
    recordings: Recordings = None,
) -> None:
    """Call one tool and print its result: no model, and nothing waits for a person."""
    from callscope.commands import calling

    written = calling.Written(tool, tuple(arguments or ()), args_json)
    sources = calling.Sources(tuple(tools or ()), tuple(mock or ()))
    if dry_run:
        calling.show_plan(written, sources, as_json=as_json)
        return
    keep = calling.Keep(recordings) if record else None
    leave(calling.call(written, sources, seconds=timeout, as_json=as_json, keep=keep))
