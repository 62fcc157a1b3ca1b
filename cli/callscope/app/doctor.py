"""The command that examines an endpoint.

Knows its options, in Typer's words. The doing is imported when it runs. Annotations are no strings here, as in `app`.
"""

from typing import Annotated, Any

import typer

from .flags import Dialect, Param, Record, Recordings, above_zero
from .leaving import leave
from .sharing import Way, shares


@shares(Way)
def doctor(
    target: Annotated[str, typer.Argument(help="Base URL of the endpoint, or the full one; or a recording.")],
    model: Annotated[
        list[str] | None, typer.Option("--model", "-m", help="Model; repeatable: several side by side.")
    ] = None,
    dialect: Dialect = None,
    prompt: Annotated[
        str | None, typer.Option("--prompt", help="Words that make the model, or the agent, use its tools.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON object a line (docs/doctor.md).")] = False,
    each: Annotated[float, typer.Option("--each", callback=above_zero, help="Seconds for each request.")] = 60.0,
    timeout: Annotated[
        float, typer.Option("--timeout", callback=above_zero, help="Seconds for all of it; exit code 124.")
    ] = 600.0,
    param: Param = None,
    record: Record = True,
    recordings: Recordings = None,
    **said: Any,
) -> None:
    """Examine an endpoint with real requests, rule by rule; exit code 1 where a required rule is broken."""
    from callscope.commands import chat as commands
    from callscope.commands import examining

    asked = examining.Asked(tuple(dict.fromkeys(model or ())), prompt, each, timeout, record, recordings, as_json)
    flags = commands.options({**said, "dialect": dialect, "param": param}).flags
    leave(examining.doctor(target, flags, asked))
