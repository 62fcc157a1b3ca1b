"""What a server asks the person while it works on a call (MCP's elicitation), answered without one.

Knows the form that is asked for. Must not know the connection.

Spec: https://modelcontextprotocol.io/specification/2025-11-25/client/elicitation
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from mcp.types import ElicitRequestFormParams, ElicitResult

if TYPE_CHECKING:
    from mcp.types import ElicitRequestParams


def default_answer(asked: ElicitRequestParams) -> tuple[ElicitResult, str]:
    """The form's own defaults, and a sentence about it; where one that is required has none, that nobody answers."""
    if isinstance(asked, ElicitRequestFormParams):
        properties = asked.requested_schema.get("properties", {})
        given = {name: schema["default"] for name, schema in properties.items() if "default" in schema}
        if all(name in given for name in asked.requested_schema.get("required", ())):
            words = f"was given its own defaults: {json.dumps(given, ensure_ascii=False)}"
            return ElicitResult(action="accept", content=given), f"the server asked “{asked.message}” and {words}"
    return ElicitResult(action="decline"), f"the server asked “{asked.message}”, and nobody answered"
