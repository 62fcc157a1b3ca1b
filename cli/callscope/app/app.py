"""The command line: what can be asked for, in Typer's words.

Knows the commands and their options. The doing is imported when a command runs, never at the top: `--help` must
feel instant, and replay, tools and help must not pay for a network client. Annotations are values here and no strings:
Typer would evaluate each of them again, for each command that has it.
"""

import errno
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from callscope.core.errors import CallscopeError, UsageError
from callscope.version import VERSION

from .conversion import convert_plainly
from .flags import (
    Approve,
    AsJson,
    CaFile,
    ConnectTimeout,
    Curl,
    Decide,
    Dialect,
    FirstByteTimeout,
    Header,
    History,
    IdleTimeout,
    KeyEnv,
    KeyHeader,
    MaxRounds,
    Mock,
    Model,
    NoStream,
    NoTools,
    Parallel,
    Param,
    Profile,
    Proxy,
    Query,
    Record,
    Recordings,
    Resume,
    Retries,
    Strict,
    System,
    Thread,
    ToolChoice,
    ToolForms,
    Tools,
    Url,
)
from .recordings import recordings_app
from .streams import escape_what_they_cannot_encode, open_missing, write_to_nowhere
from .tools import tools_app

COMPLETING = "_CALLSCOPE_COMPLETE"
"""The variable by which a shell asks what may come next: of that every command is a part."""


class Commands(TyperGroup):
    """Ends as a shell expects, before Typer gives an interruption and a closed pipe exit codes of its own."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise typer.Exit(130) from None
        except BrokenPipeError:
            # whoever read our output has left: https://docs.python.org/3/library/signal.html#note-on-sigpipe
            write_to_nowhere()
            raise typer.Exit(141) from None


app = typer.Typer(
    name="callscope",
    cls=Commands,
    help="An oscilloscope for tool calls: chat with a model or an agent and watch, stop, edit and replay its calls.",
    epilog="Start with: callscope demo    (no key, no network)",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=True,
    no_args_is_help=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(tools_app, name="tools")
app.add_typer(recordings_app, name="recordings")


def _say_version(asked: bool) -> None:
    if asked:
        sys.stdout.write(f"callscope {VERSION}\n")
        raise typer.Exit


@app.callback()
def _callscope(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", callback=_say_version, is_eager=True)
    ] = False,
) -> None:
    """What stands before a command; `__main__` answers `--version` alone without coming here."""


@app.command()
def chat(
    ctx: typer.Context,
    url: Url = None,
    model: Model = None,
    dialect: Dialect = None,
    system: System = None,
    tools: Tools = None,
    no_tools: NoTools = False,
    tool_choice: ToolChoice = None,
    parallel: Parallel = None,
    strict: Strict = None,
    tool_forms: ToolForms = None,
    header: Header = None,
    query: Query = None,
    param: Param = None,
    key_env: KeyEnv = None,
    key_header: KeyHeader = None,
    history: History = None,
    thread: Thread = None,
    no_stream: NoStream = False,
    max_rounds: MaxRounds = None,
    retries: Retries = None,
    profile: Profile = None,
    proxy: Proxy = None,
    ca_file: CaFile = None,
    connect_timeout: ConnectTimeout = None,
    first_byte_timeout: FirstByteTimeout = None,
    idle_timeout: IdleTimeout = None,
    approve: Approve = None,
    decide: Decide = None,
    mock: Mock = None,
    record: Record = True,
    recordings: Recordings = None,
    curl: Curl = False,
    resume: Resume = None,
) -> None:
    """Open the REPL (also without the word chat)."""
    from callscope.commands import chat as commands

    commands.chat(commands.options(ctx.params))


@app.command(short_help="Ask one prompt and print the answer.")
def ask(
    ctx: typer.Context,
    prompt: Annotated[str | None, typer.Argument(help="The prompt; - or nothing reads stdin.")] = None,
    file: Annotated[Path | None, typer.Option("--file", "-f", help="Read the prompt from a file.")] = None,
    as_json: AsJson = False,
    no_run: Annotated[bool, typer.Option("--no-run", help="Show the calls and run none.")] = False,
    timeout: Annotated[float | None, typer.Option("--timeout", help="Seconds for all of it; exit code 124.")] = None,
    demo: Annotated[bool, typer.Option("--demo", help="Ask the embedded demo agent.")] = False,
    url: Url = None,
    model: Model = None,
    dialect: Dialect = None,
    system: System = None,
    tools: Tools = None,
    no_tools: NoTools = False,
    tool_choice: ToolChoice = None,
    parallel: Parallel = None,
    strict: Strict = None,
    tool_forms: ToolForms = None,
    header: Header = None,
    query: Query = None,
    param: Param = None,
    key_env: KeyEnv = None,
    key_header: KeyHeader = None,
    history: History = None,
    thread: Thread = None,
    no_stream: NoStream = False,
    max_rounds: MaxRounds = None,
    retries: Retries = None,
    profile: Profile = None,
    proxy: Proxy = None,
    ca_file: CaFile = None,
    connect_timeout: ConnectTimeout = None,
    first_byte_timeout: FirstByteTimeout = None,
    idle_timeout: IdleTimeout = None,
    approve: Approve = None,
    decide: Decide = None,
    mock: Mock = None,
    record: Record = True,
    recordings: Recordings = None,
    curl: Curl = False,
) -> None:
    """Ask one prompt and print the answer; calls and complaints go to stderr."""
    from callscope.commands import chat as commands

    _exit(commands.ask(commands.options(ctx.params), prompt, file, as_json=as_json, seconds=timeout, embedded=demo))


def _complete_call(ctx: typer.Context, incomplete: str) -> list[str]:
    """What may stand next behind `call`; a shell that asks never sees an error."""
    from . import completing

    words = [*([ctx.params["tool"]] if ctx.params.get("tool") else []), *(ctx.params.get("arguments") or [])]
    return completing.offers(words, incomplete, ctx.params.get("tools") or [])


@app.command(short_help="Call one tool and print its result, without a model.")
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
    timeout: Annotated[float | None, typer.Option("--timeout", help="Seconds for all of it; exit code 124.")] = None,
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
    _exit(calling.call(written, sources, seconds=timeout, as_json=as_json, keep=keep))


@app.command(short_help="Open the REPL against the embedded demo agent.")
def demo(
    ctx: typer.Context,
    local: Annotated[
        Path | None, typer.Option("--local", help="Chat with this GGUF model instead (extra: local).")
    ] = None,
    dialect: Dialect = None,
    system: System = None,
    tools: Tools = None,
    no_tools: NoTools = False,
    tool_choice: ToolChoice = None,
    parallel: Parallel = None,
    strict: Strict = None,
    tool_forms: ToolForms = None,
    param: Param = None,
    no_stream: NoStream = False,
    max_rounds: MaxRounds = None,
    retries: Retries = None,
    approve: Approve = None,
    decide: Decide = None,
    mock: Mock = None,
    record: Record = True,
    recordings: Recordings = None,
    curl: Curl = False,
    resume: Resume = None,
) -> None:
    """Open the REPL against the embedded demo agent: no key, no network."""
    from callscope.commands import chat as commands

    commands.demo(commands.options(ctx.params), local)


@app.command()
def agents(
    ctx: typer.Context,
    url: Annotated[str, typer.Argument(help="Base URL of the server, or the full one of its chat or its list.")],
    as_json: Annotated[bool, typer.Option("--json", help="A JSON object a line: all that the server says.")] = False,
    header: Header = None,
    query: Query = None,
    key_env: KeyEnv = None,
    key_header: KeyHeader = None,
    profile: Profile = None,
    proxy: Proxy = None,
    ca_file: CaFile = None,
    connect_timeout: ConnectTimeout = None,
    first_byte_timeout: FirstByteTimeout = None,
    idle_timeout: IdleTimeout = None,
) -> None:
    """List the agents of a server (Agent Connect Framework)."""
    from callscope.commands import chat as commands
    from callscope.commands import discovering

    discovering.print_agents(commands.options(ctx.params).flags, as_json=as_json)


@app.command(short_help="Examine an endpoint with real requests, rule by rule.")
def doctor(
    ctx: typer.Context,
    target: Annotated[str, typer.Argument(help="Base URL of the endpoint, or the full one; or a recording.")],
    model: Annotated[
        list[str] | None, typer.Option("--model", "-m", help="Model; repeatable: several side by side.")
    ] = None,
    dialect: Dialect = None,
    prompt: Annotated[
        str | None, typer.Option("--prompt", help="Words that make the model, or the agent, use its tools.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON object a line (docs/doctor.md).")] = False,
    each: Annotated[float, typer.Option("--each", min=0.1, help="Seconds for each request.")] = 60.0,
    timeout: Annotated[float, typer.Option("--timeout", min=0.1, help="Seconds for all of it; exit code 124.")] = 600.0,
    header: Header = None,
    query: Query = None,
    param: Param = None,
    key_env: KeyEnv = None,
    key_header: KeyHeader = None,
    profile: Profile = None,
    proxy: Proxy = None,
    ca_file: CaFile = None,
    connect_timeout: ConnectTimeout = None,
    record: Record = True,
    recordings: Recordings = None,
) -> None:
    """Examine an endpoint with real requests, rule by rule; exit code 1 where a required rule is broken."""
    from callscope.commands import chat as commands
    from callscope.commands import examining

    asked = examining.Asked(tuple(dict.fromkeys(model or ())), prompt, each, timeout, record, recordings, as_json)
    others = {name: value for name, value in ctx.params.items() if name != "model"}
    _exit(examining.doctor(target, commands.options(others).flags, asked))


@app.command(short_help="Serve recordings, or the demo agent, to other programs.")
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
    _exit(providing.serve_recordings(files, providing.Asked(host, port, speed or "1", on_miss or "fail", repeat)))


@app.command(short_help="Record another program, which talks to this port.")
def proxy(
    url: Annotated[str, typer.Argument(help="The server: what your program's base URL is now.")],
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="Port; 0 takes a free one.")] = 8081,
    recordings: Recordings = None,
) -> None:
    """Record another program: it talks to this port, and everything goes on to the server as it comes."""
    from callscope.commands import providing

    _exit(providing.proxy(url, host, port, recordings))


@app.command(short_help="Show a recording, or run its session again and compare.")
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
        float | None, typer.Option("--slower", help="What takes more than so many times as long is a divergence.")
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
        _exit(repeating.repeat(file, repeating.Asked(*again), beside, as_json=as_json))
        return
    from callscope.commands import replaying

    _exit(replaying.replay(file, replaying.Asked(speed, step, as_json, accept, rechunk, follow)))


def _exit(code: int) -> None:
    if code:
        raise typer.Exit(code)


def _leave_only(word: str) -> None:
    """Forget all commands but the one that is asked for, so that Typer need not look at their thirty options each."""
    asked_for = [known for known in app.registered_commands if getattr(known.callback, "__name__", "") == word]
    if asked_for:
        app.registered_commands, app.registered_groups = asked_for, []


def run(arguments: list[str]) -> None:
    """Run a command line: a mistake of the person is one message and an exit code, never a traceback."""
    if not arguments or (
        arguments[0].startswith("-")
        and arguments[0] not in ("-h", "--help", "--version", "--install-completion", "--show-completion")
    ):
        arguments = ["chat", *arguments]
    if arguments[0] in ("--install-completion", "--show-completion"):
        from .shells import use_our_scripts

        use_our_scripts()
    open_missing()
    escape_what_they_cannot_encode()
    if COMPLETING not in os.environ:
        _leave_only(arguments[0])
    try:
        convert_plainly(get_command(app))(arguments, prog_name="callscope")
    except CallscopeError as error:
        from callscope.core.visible import visible  # an error may quote a server or a file

        sys.stderr.write(f"callscope: {visible(str(error))}\n")
        sys.exit(error.exit_code)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO):
            raise
        write_to_nowhere(sys.stdout)
        sys.stderr.write(f"callscope: The output cannot be written: {os.strerror(error.errno).lower()}.\n")
        sys.exit(3)
