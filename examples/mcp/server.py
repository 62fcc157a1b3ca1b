"""A shopping list as an MCP server, made with the official SDK; the list lives as long as the server does."""

from __future__ import annotations

import asyncio
import sys
from typing import Annotated

from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.types import ToolAnnotations
from pydantic import Field

server = MCPServer("shopping")
items: dict[str, int] = {"milk": 1, "bread": 2}


@server.tool(annotations=ToolAnnotations(read_only_hint=True))
def show_list() -> dict[str, int]:
    """What is on the shopping list, and how many of each."""
    return items


@server.tool(annotations=ToolAnnotations(destructive_hint=False))
def add_item(
    item: Annotated[str, Field(description="What to buy, such as milk")],
    amount: Annotated[int, Field(description="How many pieces of it")] = 1,
) -> dict[str, int]:
    """Put something on the shopping list."""
    items[item] = items.get(item, 0) + amount
    print(f"{item}: {items[item]}", file=sys.stderr, flush=True)  # goes to you, not to the model
    return items


@server.tool(annotations=ToolAnnotations(read_only_hint=True))
async def find_prices(context: Context) -> dict[str, float]:
    """What everything on the list costs."""
    prices = {}
    for number, item in enumerate(items):
        await context.report_progress(number, len(items), f"asking for {item}")
        await asyncio.sleep(0.1)
        prices[item] = len(item) * 0.5
    return prices


if __name__ == "__main__":
    server.run()
