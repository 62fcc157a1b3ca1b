"""Against MCP's official reference server and its conformance suite for clients.

They are used where they are installed and never fetched: `mcp-server-everything` (npm:
@modelcontextprotocol/server-everything) and `conformance` (npm: @modelcontextprotocol/conformance) are looked for in
the PATH, or where the variables MCP_EVERYTHING and MCP_CONFORMANCE say. What was seen is in docs/real-servers.md.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from command_line import callscope
from mcpbench import file_of

EVERYTHING = os.environ.get("MCP_EVERYTHING") or shutil.which("mcp-server-everything")
CONFORMANCE = os.environ.get("MCP_CONFORMANCE") or shutil.which("conformance")
CLIENT = Path(__file__).with_name("conformance_client.py")
pytestmark = pytest.mark.timeout(120)


@pytest.mark.skipif(EVERYTHING is None, reason="npm: @modelcontextprotocol/server-everything")
@pytest.mark.parametrize(
    ("name", "arguments", "output"),
    [
        ("echo", {"message": "hi"}, "Echo: hi"),
        ("get-sum", {"a": 1, "b": 2}, "The sum of 1 and 2 is 3."),
        ("get-structured-content", {"location": "New York"}, '{"temperature":33,"conditions":"Cloudy","humidity":82}'),
        ("get-tiny-image", {}, "[image image/png, 4,033 bytes]"),
        ("get-resource-reference", {"resourceType": "Text", "resourceId": 1}, "Resource 1: This is a plaintext"),
        ("get-resource-links", {"count": 1}, "[resource demo://resource/dynamic/"),
        ("trigger-long-running-operation", {"duration": 1, "steps": 2}, "Duration: 1 seconds, Steps: 2."),
    ],
)
def test_the_reference_servers_tools_answer(tmp_path: Path, name: str, arguments: dict[str, Any], output: str) -> None:
    assert EVERYTHING is not None
    file_of(tmp_path, ev={"command": EVERYTHING, "args": ["stdio"]})
    ran = callscope("call", f"ev__{name}", "--args-json", json.dumps(arguments), "--json", folder=tmp_path)
    assert ran.code == 0, ran.err
    assert output in ran.last["output"]
    if name.startswith("trigger"):
        assert "progress 1 of 2\nprogress 2 of 2\n" in ran.last["prints"]


@pytest.mark.skipif(CONFORMANCE is None, reason="npm: @modelcontextprotocol/conformance")
@pytest.mark.parametrize("scenario", ["initialize", "tools_call", "sse-retry", "elicitation-sep1034-client-defaults"])
def test_the_conformance_suite_is_content_with_us(tmp_path: Path, scenario: str) -> None:
    assert CONFORMANCE is not None
    command = [CONFORMANCE, "client", "--command", f"{sys.executable} {CLIENT}", "--scenario", scenario]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "0 failed, 0 warnings" in ran.stdout + ran.stderr
