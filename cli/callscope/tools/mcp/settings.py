"""The MCP servers that a tools file names, in the shape other clients use (`mcpServers`).

Knows the keys of a server. Must not know the protocol, and starts nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from callscope.tools.reading.documents import read_document
from callscope.tools.reading.rules import Part, read_settings
from callscope.tools.run_settings import RunSettings
from callscope.tools.templates import Template, Variable

WRAPPER = "mcpServers"
STDIO_KEYS = ("command", "args", "env", "cwd")
HTTP_KEYS = ("url", "headers")
OWN_KEYS = ("type", "mode", "elicit", "timeout", "limit", "approve", "trust", "tools", "disabled")
OTHER_NAMES = {"httpUrl": "url", "serverUrl": "url", "includeTools": "tools", "enabled": "disabled"}
"""What other clients call our keys."""

TYPES = {"stdio": "command", "http": "url", "streamable-http": "url", "streamableHttp": "url"}
"""The transports by the names other clients have for them, and the key that each needs."""

MODES = ("auto", "legacy", "2026-07-28")

_SERVER_NAME = re.compile(r"[a-zA-Z0-9_-]{1,40}")
_VARIABLE = re.compile(r"\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^{}]*))?\}")

Fields = tuple[tuple[str, Template], ...]


@dataclass(frozen=True, slots=True)
class StdioServer:
    """A program that speaks MCP on its stdin and stdout."""

    words: tuple[Template, ...]
    folder: Path
    environment: Fields = ()


@dataclass(frozen=True, slots=True)
class HttpServer:
    """A URL that speaks MCP's streamable HTTP."""

    url: Template
    headers: Fields = ()


@dataclass(frozen=True, slots=True)
class McpServer:
    """A server; equal is what one connection serves, wherever its settings stand.

    `mode` chooses the era of the protocol: `auto` asks, `legacy` goes straight to `initialize`. `elicits` lets it ask
    the person for something while it works, and answers with what it proposes itself.
    """

    name: str
    transport: StdioServer | HttpServer
    mode: str = "auto"
    elicits: bool = False
    source: str = field(default="", compare=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        """The variables that it names: whatever a server is started with may be a key."""
        return tuple(dict.fromkeys(name for template in self._templates for name in template.secrets))

    @property
    def _templates(self) -> tuple[Template, ...]:
        match self.transport:
            case StdioServer(words=words, environment=environment):
                return (*words, *(template for _, template in environment))
            case HttpServer(url=url, headers=headers):
                return (url, *(template for _, template in headers))


@dataclass(frozen=True, slots=True)
class McpSource:
    """A server as a source of tools, and what holds for them.

    `chosen` are patterns of the tools to load, in the server's own names; empty means all. `trust` takes its word for
    what its tools do.
    """

    server: McpServer
    settings: RunSettings
    chosen: tuple[str, ...] = ()
    trust: bool = False


@dataclass(frozen=True, slots=True)
class McpTool:
    """A tool of an MCP server, by the server's own name for it."""

    server: McpServer
    name: str

    def __str__(self) -> str:
        return f"{self.server.name}:{self.name}"


def read_servers(part: Part, defaults: RunSettings) -> tuple[tuple[McpSource, ...], tuple[str, ...]]:
    """The servers of a `mcp` key, and warnings: a mapping by name, one with `mcpServers` in it, or a file that has one.

    Raises UnusableFile.
    """
    is_file = isinstance(part.value, str)
    if is_file:
        document = read_document(part.file_beside("the MCP settings"))
        part = Part(document, document.value)
    if part.has(WRAPPER):
        part = part.part(WRAPPER)
    elif is_file:
        part.refuse(f"there is no `{WRAPPER}` in this file.")
    if not isinstance(part.value, Mapping):
        part.refuse(f"`mcp` must be a mapping from names to servers, or a file that has `{WRAPPER}`.")
    reader = _Reader(defaults, foreign=is_file)
    sources = tuple(reader.source(name, member) for name, member in part.members() if not _disabled(member))
    return sources, tuple(reader.warnings)


def _disabled(part: Part) -> bool:
    return isinstance(part.value, Mapping) and part.value.get("disabled") is True


class _Reader:
    """Reads the servers of one file; one that was made for another client may have keys of that client's own."""

    def __init__(self, defaults: RunSettings, *, foreign: bool) -> None:
        self._defaults = defaults
        self._foreign = foreign
        self.warnings: list[str] = []

    def source(self, name: str, part: Part) -> McpSource:
        """One server."""
        if not isinstance(part.value, Mapping):
            part.refuse(f"the server {name} must be a mapping with `command` or `url`.")
        if not _SERVER_NAME.fullmatch(name):
            part.refuse(f"the server's name {name!r} begins those of its tools: letters, digits, _ and -, at most 40.")
        part = self._known(name, part)
        return McpSource(
            McpServer(
                name,
                _transport(name, part),
                part.choice("mode", MODES) or "auto",
                part.choice("elicit", ("defaults",)) is not None,
                part.where,
            ),
            read_settings(part, self._defaults),
            tuple(_pattern(entry) for entry in part.list_at("tools")),
            bool(part.optional("trust", bool, "true or false")),
        )

    def _known(self, name: str, part: Part) -> Part:
        """The server without what another client alone understands; in a file of our own that is a mistake."""
        keys = (*STDIO_KEYS, *HTTP_KEYS, *OWN_KEYS)
        foreign = [key for key in part.value if key not in keys and key not in OTHER_NAMES] if self._foreign else []
        if foreign:
            self.warnings.append(f"{part.where}: of {name}, {', '.join(foreign)} is another client's and not heeded.")
            part = Part(part.document, {key: part.value[key] for key in part.value if key not in foreign}, part.at)
        part.known(keys, OTHER_NAMES)
        return part


def _transport(name: str, part: Part) -> StdioServer | HttpServer:
    if part.has("command") == part.has("url"):
        part.refuse(f"the server {name} needs `command` (a program) or `url`, and not both.")
    if part.value.get("type") == "sse":
        part.part("type").refuse("`type: sse` is MCP's transport of 2024, which is gone; use the server's http URL.")
    wanted = TYPES.get(part.choice("type", tuple(TYPES)) or "")
    if wanted and not part.has(wanted):
        part.part("type").refuse(f"a server of this type has `{wanted}`.")
    for key in HTTP_KEYS if part.has("command") else STDIO_KEYS:
        if part.has(key):
            part.part(key).refuse(f"`{key}` does not go with `{'command' if part.has('command') else 'url'}`.")
    if part.has("url"):
        return HttpServer(_template(part.part("url")), _fields(part, "headers"))
    words = (_template(part.part("command")), *(_template(entry) for entry in part.list_at("args")))
    return StdioServer(words, _folder(part), _fields(part, "env"))


def _folder(part: Part) -> Path:
    folder = (part.folder / Path(part.optional("cwd", str, "the path of a folder") or "").expanduser()).absolute()
    if not folder.is_dir():
        part.part("cwd").refuse(f"there is no folder {folder}; paths are relative to {part.document.path.name}.")
    return folder


def _fields(part: Part, key: str) -> Fields:
    member = part.part(key)
    if member.value is None:
        return ()
    if not isinstance(member.value, Mapping):
        member.refuse(f"`{key}` must be a mapping.")
    return tuple((name, _template(value)) for name, value in member.members())


def _template(part: Part) -> Template:
    """Text that may name variables, as `${NAME}` or `${NAME:-default}`.

    Other clients' files declare none, so whatever is named is a secret. There are no arguments yet when a server is
    started, so a brace is only a brace.
    """
    if not isinstance(part.value, str | int | float) or isinstance(part.value, bool):
        part.refuse(f"this must be text, not {part.value!r}.")
    return Template(tuple(piece for piece in _pieces(part, str(part.value)) if piece))


def _pieces(part: Part, text: str) -> Iterator[str | Variable]:
    end = 0
    for match in _VARIABLE.finditer(text):
        yield text[end : match.start()]
        yield Variable(match["name"], default=match["default"])
        end = match.end()
    yield text[end:]
    if (other := re.search(r"\$\{[^{}]*\}", _VARIABLE.sub("", text))) is not None:
        part.refuse(f"{other.group()} names no environment variable, which is written ${{NAME}}.")


def _pattern(part: Part) -> str:
    if not isinstance(part.value, str) or not part.value:
        part.refuse("a tool is named by the name the server gives it; * stands for anything.")
    return part.value
