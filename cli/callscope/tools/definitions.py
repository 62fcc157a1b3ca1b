"""What a loaded tool is: its spec, how it runs, and the limits on a run.

Knows the nouns of this folder. Must not know how they are read from a file nor how they are run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from callscope.core.values import Approval, ToolSpec

from .run_settings import DEFAULT_LIMIT, DEFAULT_TIMEOUT

if TYPE_CHECKING:
    from callscope.tools.mcp.settings import McpTool

    from .outgoing import CommandLine, HttpCall

MockForm = Literal["value", "template", "file", "error"]
Malformation = Literal["cut", "empty", "html", "escapes", "long"]
"""How a mock's answer is spoiled: see `mocks.py`."""


@dataclass(frozen=True, slots=True)
class PythonFunction:
    """A function of a person's module: `module` is a file, or a dotted name; imported when it first runs.

    `function` is the function itself, or a framework's tool, where it had to be imported to know its schema;
    `isolated` runs each call in a process of its own. `listed` says that `name` is a tool's among those that the
    module offers, and not that of one of its attributes.
    """

    module: Path | str
    name: str
    function: Any = field(default=None, repr=False)
    isolated: bool = False
    listed: bool = False

    def __str__(self) -> str:
        module = self.module.name if isinstance(self.module, Path) else self.module
        return f"{module}:{self.name}"


@dataclass(frozen=True, slots=True)
class MockAnswer:
    """One answer in a tool's place.

    form: `value` any JSON as it is, `template` JSON whose texts have places for arguments, `file` the path of a file,
    `error` the members of an error; `malformed` spoils it. It comes after `delay` seconds.
    """

    output: Any
    form: MockForm = "value"
    delay: float = 0.0
    malformed: Malformation | None = None


@dataclass(frozen=True, slots=True)
class MockSequence:
    """An answer for each call in turn; the last one stays."""

    answers: tuple[Mock, ...]


@dataclass(frozen=True, slots=True)
class MockCases:
    """The answer of the first case that fits: each argument named is equal to the value, or to one of a list."""

    cases: tuple[tuple[Mapping[str, Any], Mock], ...]


Mock: TypeAlias = MockAnswer | MockSequence | MockCases

Implementation: TypeAlias = "PythonFunction | CommandLine | HttpCall | McpTool | Mock"
"""How a tool runs: a closed union, so that a new kind has to be handled in `reading/runs.py` and in `running/`."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool that can be called; without an implementation a person answers.

    `timeout` is in seconds, `limit` in characters of output.
    """

    spec: ToolSpec
    implementation: Implementation | None = None
    timeout: float = DEFAULT_TIMEOUT
    limit: int = DEFAULT_LIMIT


@dataclass(frozen=True, slots=True)
class LoadedTools:
    """All tools of some files. `secrets` are the names of environment variables the files declare as secret."""

    tools: tuple[Tool, ...] = ()
    secrets: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def specs(self) -> tuple[ToolSpec, ...]:
        """The specs, in the order of the files."""
        return tuple(tool.spec for tool in self.tools)


@dataclass(frozen=True, slots=True)
class Signature:
    """A function as a tool: what it takes as JSON Schema, what it says of itself, and how arguments become a call.

    `call` takes the arguments as JSON text, converts them to the annotated types and calls the function; it raises
    `InvalidArguments` where they cannot be converted, and whatever the function raises. `strict`, `approve` and
    `timeout` are what a framework says of its tool.
    """

    description: str
    parameters: Mapping[str, Any]
    call: Callable[[str], Any] = field(repr=False)
    name: str = ""
    strict: bool | None = None
    approve: Approval | None = None
    timeout: float | None = None
