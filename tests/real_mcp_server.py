"""An MCP server made with the official SDK; run as a script, on stdio or, with a port, over HTTP."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from mcp.server import MCPServer
from mcp.server.mcpserver import Context, Image
from mcp.types import ToolAnnotations
from pydantic import BaseModel

server = MCPServer("real")


class Place(BaseModel):
    city: str
    country: str


@server.tool(annotations=ToolAnnotations(read_only_hint=True))
def add(a: int, b: int) -> int:
    """Add two numbers."""
    print("adding", file=sys.stderr, flush=True)
    return a + b


@server.tool()
def place(city: str) -> Place:
    """Where a city is."""
    return Place(city=city, country="Italy")


@server.tool()
async def slow(steps: int, seconds: float, notes: str, ctx: Context) -> str:
    """Take some time, and note how it ended."""
    try:
        for step in range(steps):
            await ctx.report_progress(step, steps, f"step {step}")
            await asyncio.sleep(seconds)
    except BaseException as ending:
        Path(notes).write_text(type(ending).__name__)
        raise
    return "done"


@server.tool()
def picture() -> Image:
    """A picture of nothing."""
    return Image(data=b"0123456789", format="png")


@server.tool()
async def grow(name: str, ctx: Context) -> str:
    """Have one more tool."""
    server.add_tool(add, name=name)
    await ctx.notify_tools_changed()
    return "grown"


@server.tool()
def broken() -> str:
    """Raises."""
    raise ValueError("it broke")


if __name__ == "__main__":
    if len(sys.argv) > 2 and sys.argv[1] == "http":
        server.run("streamable-http", port=int(sys.argv[2]))
    else:
        server.run()
