"""The options that commands share, in Typer's words.

Knows how each is spelled and helped. Must not know what any of them does.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import typer


def above_zero(value: float | None) -> float | None:
    """The callback of each option that takes seconds, or a factor: nan, inf, 0 and less are none."""
    if value is not None and not 0 < value < math.inf:
        raise typer.BadParameter(f"{value:g} is no number above 0, such as 2.5.")
    return value


Url = Annotated[str | None, typer.Option("--url", help="Base URL of the endpoint, or the full one. [$OPENAI_BASE_URL]")]
Model = Annotated[str | None, typer.Option("--model", "-m", help="Model; where missing, the only one the server has.")]
Dialect = Annotated[
    str | None,
    typer.Option("--dialect", help="Protocol: chat, responses, acf (agents), auto (default): by the URL, else asked."),
]
System = Annotated[str | None, typer.Option("--system", "-s", help="System prompt.")]
Tools = Annotated[
    list[Path] | None, typer.Option("--tools", "-T", help="Tool file, YAML or Python; repeatable. [./tools.yaml]")
]
NoTools = Annotated[bool, typer.Option("--no-tools", help="Offer no tools, whatever lies here.")]
ToolChoice = Annotated[
    str | None,
    typer.Option("--tool-choice", help="none, auto, required, a tool's name, allowed:auto:NAME,NAME, or JSON."),
]
Parallel = Annotated[
    bool | None, typer.Option("--parallel/--no-parallel", help="Ask for parallel calls, or for one at a time.")
]
Strict = Annotated[
    bool | None, typer.Option("--strict/--no-strict", help="Strict mode for all tools, whatever each says.")
]
ToolForms = Annotated[
    list[str] | None,
    typer.Option("--tool-form", help="functions (legacy), flat-allowed, null-ids; repeatable (docs/tools.md)."),
]
Header = Annotated[list[str] | None, typer.Option("--header", "-H", help="'Name: value', repeatable.")]
Query = Annotated[list[str] | None, typer.Option("--query", help="name=value for the URL's query, repeatable.")]
Param = Annotated[
    list[str] | None, typer.Option("--param", help="name=value for the request body, repeatable; JSON where it parses.")
]
KeyEnv = Annotated[
    str | None, typer.Option("--key-env", help="Environment variable that holds the key for this server.")
]
KeyHeader = Annotated[
    str | None, typer.Option("--key-header", help="Header that carries the key, as X-API-Key. [Authorization: Bearer]")
]
History = Annotated[
    str | None,
    typer.Option(
        "--history", help="full (default), last: only the last message, or server: the server keeps the rest."
    ),
]
Thread = Annotated[str | None, typer.Option("--thread", help="Go on with this thread of an agent.")]
NoStream = Annotated[bool, typer.Option("--no-stream", help="Ask for the answer in one piece.")]
MaxRounds = Annotated[int | None, typer.Option("--max-rounds", min=1, help="Most requests for one prompt. [20]")]
Retries = Annotated[int | None, typer.Option("--retries", min=0, help="Tries after a connect failure, 429 or 503. [2]")]
Profile = Annotated[str | None, typer.Option("--profile", help="Profile of ~/.config/callscope/config.toml.")]
Proxy = Annotated[str | None, typer.Option("--proxy", help="Proxy URL, before those of the environment.")]
CaFile = Annotated[Path | None, typer.Option("--ca-file", help="PEM file of authorities to trust.")]
ConnectTimeout = Annotated[
    float | None, typer.Option("--connect-timeout", callback=above_zero, help="Seconds to connect.")
]
FirstByteTimeout = Annotated[
    float | None, typer.Option("--first-byte-timeout", callback=above_zero, help="Seconds to the first byte.")
]
IdleTimeout = Annotated[
    float | None, typer.Option("--idle-timeout", callback=above_zero, help="Seconds between two reads.")
]
Approve = Annotated[
    str | None,
    typer.Option("--approve", help="ask (default), always, result (run, hold the results), never; the stricter wins."),
]
Decide = Annotated[
    list[str] | None, typer.Option("--decide", help="TOOL=run|reject:WHY|edit:JSON|mock:TEXT|abort, repeatable.")
]
Mock = Annotated[
    list[str] | None, typer.Option("--mock", help="TOOL=text, TOOL=@file or TOOL={…} in the tool's place, repeatable.")
]
Record = Annotated[bool, typer.Option("--record/--no-record", help="Record (the default).")]
Recordings = Annotated[Path | None, typer.Option("--recordings", help="Folder of recordings. [$CALLSCOPE_RECORDINGS]")]
Resume = Annotated[Path | None, typer.Option("--resume", help="Go on with this recording, in the same file.")]
Curl = Annotated[bool, typer.Option("--curl", help="Print the curl line of each request, the key as a variable.")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON lines on stdout (docs/json-lines.md).")]
