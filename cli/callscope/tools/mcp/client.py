"""A connection to one MCP server, held open by a task of its own.

Knows the MCP SDK (extra `mcp`), and when a connection is dead. Must not know threads, tools files, nor what a result
means.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, assert_never

from mcp import Client, MCPError, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.types import CONNECTION_CLOSED, Implementation, LoggingMessageNotificationParams, ToolListChangedNotification

from callscope.tools.templates import Filling, MissingVariable, Template, fill
from callscope.version import VERSION

from .asking import default_answer
from .http import HttpAnswers, http_streams
from .server_log import ServerLog, words_of
from .settings import HttpServer, McpServer, StdioServer
from .watching import watched

if TYPE_CHECKING:
    from mcp.types import CallToolResult, ElicitRequestParams, ElicitResult, Tool

Note = Callable[[str], None]

MOST_PAGES = 100
"""Of tools: a server whose cursor never ends is stopped here."""

TURNS = 30
"""Of the event loop, until a server that has ended is known to have: a pipe's end, which is there before its process
can be seen to be gone, takes six of them through asyncio and the SDK, and each message before it some more."""

_misfits: ContextVar[list[str]] = ContextVar("misfits")


class McpUnavailable(Exception):
    """A server cannot be started or reached, or is gone; the message is a sentence without a full stop."""

    def __init__(self, server: McpServer, reason: str, said: str = "") -> None:
        super().__init__(f"the MCP server {server.name} {reason}" + (f"; it said: {said}" if said else ""))
        self.server = server


class SessionGone(Exception):
    """The server knows this session no more, and did not run the call."""


class Connection:
    """A server that is being started, is up, or is gone."""

    def __init__(self, server: McpServer, environment: Mapping[str, str]) -> None:
        self.server = server
        self.log = ServerLog()
        self._environment = environment
        self._answers = HttpAnswers()
        self._client: Client | None = None
        self._reason = "has ended"
        self._listed: Sequence[Tool] | None = None
        self._looking: asyncio.Task[None] | None = None
        self._settled = asyncio.Event()
        self._closing = asyncio.Event()
        self._task = asyncio.ensure_future(self._hold())

    @property
    def ended(self) -> bool:
        """Whether it cannot be asked any more."""
        return self._closing.is_set() or self.over

    @property
    def over(self) -> bool:
        """Whether nothing is left of it."""
        return self._task.done()

    async def look(self) -> None:
        """Let the loop come to see whether the server has ended.

        A request that is sent before that cannot be told from one that the server got and died of.
        """
        for _ in range(TURNS):
            if self.ended:
                return
            await asyncio.sleep(0)

    async def tools(self) -> Sequence[Tool]:
        """All tools that the server has now. Raises McpUnavailable."""
        self._listed = await self._list()
        return self._listed

    async def _list(self) -> Sequence[Tool]:
        client = await self._up()
        tools: list[Tool] = []
        cursor: str | None = None
        try:
            for _ in range(MOST_PAGES):
                with self.log.speaking():
                    page = await client.list_tools(cursor=cursor, cache_mode="bypass")
                tools += page.tools
                cursor = page.next_cursor
                if not cursor:
                    return tools
        except Exception as trouble:
            raise self._unavailable(f"does not list its tools: {self._answers.told(words_of(trouble))}") from None
        raise self._unavailable(f"lists its tools without end: after {MOST_PAGES} pages there was one more")

    async def call(self, name: str, arguments: dict[str, Any], note: Note) -> CallToolResult:
        """Call a tool. Cancelling this tells the server.

        Raises McpUnavailable or SessionGone where the call was certainly not run, ConnectionError where nobody knows,
        MCPError for the server's own refusal, and what else the SDK raises.
        """
        client = await self._up()
        misfits: list[str] = []
        _misfits.set(misfits)

        async def on_progress(progress: float, total: float | None, message: str | None) -> None:
            share = f"{progress:g} of {total:g}" if total is not None else f"{progress:g}"
            note(f"progress {share}{f': {message}' if message else ''}\n")

        try:
            with self.log.speaking():
                return await client.call_tool(name, arguments, progress_callback=on_progress)
        except MCPError as trouble:
            if trouble.error.code == CONNECTION_CLOSED:
                raise ConnectionError(f"the MCP server {self.server.name} ended the connection in mid-call") from None
            if self._answers.session_gone:
                self._closing.set()
                raise SessionGone from None
            raise MCPError(trouble.error.code, self._answers.told(trouble.error.message)) from None
        finally:
            note(self.log.take() + "".join(f"[callscope: {misfit}]\n" for misfit in misfits))

    async def close(self) -> None:
        """End it, and the server where we started it."""
        self._closing.set()
        if not self._settled.is_set():
            self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    # ---- in the task of its own: the SDK wants a connection closed by the task that opened it ------------------------

    async def _hold(self) -> None:
        try:
            with self.log.speaking():
                async with self._opened() as client:
                    _tolerate_misfits(client)
                    self._client = client
                    self._settled.set()
                    listening = asyncio.ensure_future(self._listen(client))
                    await self._closing.wait()
                    listening.cancel()
        except Exception as trouble:
            self._reason = self._answers.told(_reason(trouble))
        finally:
            self._client = None
            self._closing.set()
            self._settled.set()

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[Client]:
        async with self._streams() as streams, Client(
            streams,
            mode=self.server.mode,
            client_info=Implementation(name="callscope", version=VERSION),
            logging_callback=self._on_log,
            log_level="info",
            message_handler=self._on_message,
            elicitation_callback=self._on_elicitation if self.server.elicits else None,
        ) as client:  # fmt: skip
            yield client

    @asynccontextmanager
    async def _streams(self) -> AsyncIterator[Any]:
        """The transport, not yet entered: the SDK's client does that."""
        filling = Filling({}, self._environment)
        match self.server.transport:
            case StdioServer() as program:
                with self.log.stderr() as stderr:
                    yield watched(stdio_client(_parameters(program, filling), errlog=stderr), self._closing.set)
            case HttpServer(url=url, headers=headers):
                where, what = _filled(url, filling), _all_filled(headers, filling)
                async with http_streams(where, what, self._answers) as streams:
                    yield streams
            case _:
                assert_never(self.server.transport)

    async def _on_log(self, params: LoggingMessageNotificationParams) -> None:
        self.log.add(f"[{params.level}] {params.data}\n")

    async def _on_elicitation(self, context: Any, params: ElicitRequestParams) -> ElicitResult:
        answer, words = default_answer(params)
        self.log.add(f"[callscope: {words}]\n")
        return answer

    async def _on_message(self, message: Any) -> None:
        if isinstance(message, ToolListChangedNotification) and (self._looking is None or self._looking.done()):
            self._looking = asyncio.ensure_future(self._look_again())

    async def _listen(self, client: Client) -> None:
        """Since 2026-07-28 a server tells of changes only where it is asked to; one that will not is none the worse."""
        with contextlib.suppress(Exception):
            async with client.listen(tools_list_changed=True) as changes:
                async for _ in changes:
                    await self._look_again()

    async def _look_again(self) -> None:
        """Say what has changed since the tools were loaded: servers also say so of what they only began with."""
        with contextlib.suppress(McpUnavailable):
            now, before = await self._list(), self._listed
            if before is not None and (words := _changes(before, now)):
                self.log.add(f"[callscope: the server's tools have changed: {words}; /reload reads them]\n")

    # -----------------------------------------------------------------------------------------------------------------

    async def _up(self) -> Client:
        await self._settled.wait()
        if self._client is None or self.ended:
            raise self._unavailable(self._reason)
        return self._client

    def _unavailable(self, reason: str) -> McpUnavailable:
        return McpUnavailable(self.server, reason, self.log.tail())


def _changes(before: Sequence[Tool], now: Sequence[Tool]) -> str:
    old, new = ({tool.name: tool for tool in tools} for tools in (before, now))
    found = {
        "added": [name for name in new if name not in old],
        "removed": [name for name in old if name not in new],
        "changed": [name for name in new if name in old and new[name] != old[name]],
    }
    return ", ".join(f"{verb} {' '.join(names)}" for verb, names in found.items() if names)


def _parameters(program: StdioServer, filling: Filling) -> StdioServerParameters:
    command, *arguments = (_filled(word, filling) for word in program.words)
    # the SDK adds PATH, HOME and the like; what else a server needs stands in its settings
    environment = _all_filled(program.environment, filling)
    return StdioServerParameters(command=command, args=arguments, env=environment, cwd=program.folder)


def _all_filled(fields: Sequence[tuple[str, Template]], filling: Filling) -> dict[str, str]:
    return {name: _filled(value, filling) for name, value in fields}


def _filled(template: Template, filling: Filling) -> str:
    return fill(template, filling) or ""


def _tolerate_misfits(client: Client) -> None:
    """The SDK raises away a result that does not fit the tool's own output schema; whoever debugs wants to see it."""
    validate = client.session.validate_tool_result

    async def tolerant(name: str, result: CallToolResult) -> None:
        try:
            await validate(name, result)
        except RuntimeError as trouble:
            _misfits.get([]).append(str(trouble).splitlines()[0])

    client.session.validate_tool_result = tolerant  # type: ignore[method-assign]


def _reason(trouble: BaseException) -> str:
    while isinstance(trouble, BaseExceptionGroup):
        trouble = trouble.exceptions[0]
    match trouble:
        case FileNotFoundError():
            return f"cannot be started: there is no program {trouble.filename or trouble}"
        case PermissionError():
            return f"cannot be started: {trouble.filename or trouble} is no program that may be run"
        case MissingVariable():
            return f"cannot be started: it needs the environment variable {trouble}, which is not set"
        case MCPError() if trouble.error.code == CONNECTION_CLOSED:
            return "ended before it could be asked"
        case _:
            return f"cannot be used: {words_of(trouble)}"
