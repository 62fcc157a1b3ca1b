"""The keys that a tools file may have where it says how a tool runs.

Knows their names alone, in the order in which messages and the schema list them. Must not know what any of them means:
the reader of its kind does.
"""

from __future__ import annotations

RUN_KINDS = ("python", "http", "command", "mock")
COMMAND_KEYS = ("args", "cwd", "env")
HTTP_KEYS = ("method", "url", "query", "headers", "json", "form", "body")
OPENAPI_KEYS = (
    "spec",
    "url",
    "tags",
    "operations",
    "prefix",
    "auth",
    "query",
    "headers",
    "timeout",
    "approve",
    "limit",
)
MOCK_KEYS = ("answer", "template", "file", "error", "malformed", "delay", "sequence", "cases")
