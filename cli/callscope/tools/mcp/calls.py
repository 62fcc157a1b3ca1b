"""A call of an MCP server's tool: from arguments to an answer, whatever the server does.

Knows what MCP's results and errors mean. Must not know how a server is reached.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mcp import MCPError
from mcp.types import BlobResourceContents, TextResourceContents

from callscope.tools.answers import Answer, concealed, failed, head, timed_out
from callscope.tools.definitions import Tool
from callscope.tools.running.outputs import cut
from callscope.tools.running.prints import Prints

from .client import McpUnavailable
from .listing import secret_values
from .server_log import words_of
from .servers import SERVERS
from .settings import McpTool

if TYPE_CHECKING:
    from mcp.types import CallToolResult, ContentBlock


async def run_mcp(
    tool: Tool, target: McpTool, arguments: dict[str, Any], prints: Prints, environment: Mapping[str, str]
) -> Answer:
    """Call the tool on its server; what the server says beside the protocol goes to the person."""
    secrets = secret_values(target.server, environment)

    def note(text: str) -> None:
        prints.write(concealed(text, secrets))

    try:
        result = await SERVERS.call(target.server, environment, target.name, arguments, seconds=tool.timeout, note=note)
    except Exception as trouble:
        output, status = _failure(tool, target, trouble)
        return concealed(output, secrets), status
    note(_structured(result))
    text = concealed(result_text(result), secrets)
    return failed("tool_error", head(text)) if result.is_error else (cut(text, tool.limit), "ok")


def _failure(tool: Tool, target: McpTool, trouble: Exception) -> Answer:
    name = tool.spec.name
    match trouble:
        case TimeoutError():
            return timed_out(name, tool.timeout, "Its server was told; the call may have had an effect")
        case McpUnavailable():
            return failed("tool_unavailable", f"{name} was not run: {trouble}.")
        case ConnectionError():
            return failed("connection_failed", f"{trouble}; the call of {name} may have had an effect.")
        case MCPError():
            return failed("mcp_error", f"{target} answered with error {trouble.error.code}: {trouble.error.message}")
        case _:  # whatever else the SDK makes of a broken server or of a broken answer
            return failed("mcp_error", f"{target} gave no usable answer: {words_of(trouble)}")


def result_text(result: CallToolResult) -> str:
    """The result as the text a model reads: its parts, and its structured content where no part is text."""
    parts = [_part(block) for block in result.content]
    if result.structured_content is not None and not _texts(result):
        parts.insert(0, _json(result.structured_content))
    return "\n".join(parts)


def _structured(result: CallToolResult) -> str:
    """Structured content that the model does not get, for the person: servers may send it beside text that differs."""
    texts = _texts(result)
    if result.structured_content is None or not texts:
        return ""
    try:
        value = json.loads(texts[0])
    except ValueError:
        value = texts[0]
    if result.structured_content in (value, {"result": value}):  # how SDKs wrap what is no object
        return ""
    return f"structured content: {_json(result.structured_content)}\n"


def _texts(result: CallToolResult) -> list[str]:
    return [block.text for block in result.content if block.type == "text"]


def _part(block: ContentBlock) -> str:
    match block.type:
        case "text":
            return block.text
        case "image" | "audio":
            return f"[{block.type} {block.mime_type}, {_size(block.data):,} bytes]"
        case "resource_link":
            return f"[resource {block.uri} {block.name}]"
        case "resource":
            return _contents(block.resource)


def _contents(resource: TextResourceContents | BlobResourceContents) -> str:
    match resource:
        case TextResourceContents():
            return resource.text
        case BlobResourceContents():
            kind = resource.mime_type or "of no type"
            return f"[resource {resource.uri} {kind}, {_size(resource.blob):,} bytes]"


def _size(base64: str) -> int:
    return len(base64) * 3 // 4 - base64[-2:].count("=")


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
