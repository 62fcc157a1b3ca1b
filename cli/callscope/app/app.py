"""The command line: what can be asked for, in Typer's words.

Knows the commands; their options stand in files of their own. The doing is imported when a command runs, never at the
top: `--help` must feel instant, and replay, tools and help must not pay for a network client. Annotations are values
here and no strings: Typer would evaluate each of them again, for each command that has it.
"""

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from callscope.core.errors import CallscopeError
from callscope.version import VERSION

from .call import call
from .conversion import convert_plainly
from .doctor import doctor
from .recordings import recordings_app
from .replay import replay
from .serve import proxy, serve
from .streams import escape_what_they_cannot_encode, open_missing, write_to_nowhere
from .talk import agents, ask, chat, demo
from .tools import tools_app

COMPLETING = "_CALLSCOPE_COMPLETE"
"""The variable by which a shell asks what may come next: of that every command is a part."""


class Commands(TyperGroup):
    """Ends as a shell expects, before Typer gives an interruption and a closed pipe exit codes of its own."""

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        """Read the words before the command; `--help` and `--version` are answered meanwhile."""
        with _ending_as_expected():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        with _ending_as_expected():
            return super().invoke(ctx)


@contextmanager
def _ending_as_expected() -> Iterator[None]:
    try:
        yield
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
        sys.stdout.flush()
        raise typer.Exit


@app.callback()
def _callscope(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", callback=_say_version, is_eager=True)
    ] = False,
) -> None:
    """What stands before a command; `__main__` answers `--version` alone without coming here."""


app.command()(chat)
app.command(short_help="Ask one prompt and print the answer.")(ask)
app.command(short_help="Call one tool and print its result, without a model.")(call)
app.command(short_help="Open the REPL against the embedded demo agent.")(demo)
app.command()(agents)
app.command(short_help="Examine an endpoint with real requests, rule by rule.")(doctor)
app.command(short_help="Serve recordings, or the demo agent, to other programs.")(serve)
app.command(short_help="Record another program, which talks to this port.")(proxy)
app.command(short_help="Show a recording, or run its session again and compare.")(replay)


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
