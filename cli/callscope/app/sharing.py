"""The options that several commands have, in groups, each described once.

Knows which options belong together. Must not know any command. Annotations are values here and no strings: Typer would
evaluate each of them again, for each command that has it.
"""

from collections.abc import Callable
from inspect import Parameter, signature
from typing import Any, TypeVar

from . import flags

Command = TypeVar("Command", bound=Callable[..., Any])


class Server:
    """Who answers."""

    url: flags.Url = None
    model: flags.Model = None


class Talk:
    """What is said to the server besides the person's words."""

    dialect: flags.Dialect = None
    system: flags.System = None
    tools: flags.Tools = None
    no_tools: flags.NoTools = False
    tool_choice: flags.ToolChoice = None
    parallel: flags.Parallel = None
    strict: flags.Strict = None
    tool_forms: flags.ToolForms = None
    param: flags.Param = None
    history: flags.History = None
    no_stream: flags.NoStream = False
    max_rounds: flags.MaxRounds = None
    retries: flags.Retries = None


class Thread:
    """Which conversation of an agent goes on."""

    thread: flags.Thread = None


class Way:
    """How the server is reached, and with which key."""

    header: flags.Header = None
    query: flags.Query = None
    key_env: flags.KeyEnv = None
    key_header: flags.KeyHeader = None
    profile: flags.Profile = None
    proxy: flags.Proxy = None
    ca_file: flags.CaFile = None
    connect_timeout: flags.ConnectTimeout = None


class Waits:
    """How long an answer may take."""

    first_byte_timeout: flags.FirstByteTimeout = None
    idle_timeout: flags.IdleTimeout = None


class Calls:
    """What becomes of calls."""

    approve: flags.Approve = None
    decide: flags.Decide = None
    mock: flags.Mock = None


class Kept:
    """What stays of it."""

    record: flags.Record = True
    recordings: flags.Recordings = None


class Shown:
    """What is shown besides."""

    curl: flags.Curl = False


class GoneOn:
    """Which session goes on."""

    resume: flags.Resume = None


def shares(*groups: type) -> Callable[[Command], Command]:
    """Give a command the options of these groups behind its own; it gets them as keyword arguments."""

    def with_options(command: Command) -> Command:
        own = signature(command)
        mine = [each for each in own.parameters.values() if each.kind is not Parameter.VAR_KEYWORD]
        shared = [
            Parameter(name, Parameter.KEYWORD_ONLY, default=getattr(group, name), annotation=annotation)
            for group in groups
            for name, annotation in vars(group)["__annotations__"].items()
        ]
        # the two places where Typer looks: https://docs.python.org/3/library/inspect.html#inspect.signature
        vars(command)["__signature__"] = own.replace(parameters=[*mine, *shared])
        command.__annotations__ = {each.name: each.annotation for each in (*mine, *shared)}
        return command

    return with_options
