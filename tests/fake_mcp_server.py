"""An MCP server of the handshake era that does wrong what its argument says; run as a script, standard library alone.

Spec: https://modelcontextprotocol.io/specification/2025-11-25/basic/lifecycle
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

HOW = sys.argv[1] if len(sys.argv) > 1 else ""
NOTES = Path(sys.argv[2]) if len(sys.argv) > 2 else None
"""Where to write what it was sent, and beside it which process it is."""

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}


CAME_LATER: list[dict[str, Any]] = []


def tool(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "description": f"Does {name}.", "inputSchema": SCHEMA, **more}


def send(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    sys.stdout.flush()


def initialized(message: dict[str, Any]) -> dict[str, Any]:
    if HOW == "silent":
        time.sleep(60)
    if HOW == "dies at once":
        sys.stderr.write("no licence\n")
        sys.exit(3)
    if HOW == "garbage":
        print("Hello, I am a banner on stdout", flush=True)
    version = "1999-01-01" if HOW == "old" else message["params"]["protocolVersion"]
    return {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": {"name": "fake", "version": "1"}}


def listed(message: dict[str, Any]) -> dict[str, Any]:
    if HOW == "endless pages":
        return {"tools": [tool("one")], "nextCursor": "more"}
    if HOW == "pages":
        page = int(message.get("params", {}).get("cursor", 0))
        return {"tools": [tool(f"t{page}")], **({"nextCursor": str(page + 1)} if page < 2 else {})}
    if HOW == "no list":
        return {"things": []}
    if HOW == "names":
        long = "x" * 80
        task = tool("task", execution={"taskSupport": "required"})
        bad = {**tool("bad"), "inputSchema": {"type": "object", "properties": {"a": {"type": "strnig"}}}}
        return {"tools": [tool("a.b"), tool("a/b"), tool(long), tool(f"{long}2"), task, bad]}
    hints = {"annotations": {"readOnlyHint": True}}
    harmless = {"annotations": {"destructiveHint": False}}
    destructive = {"annotations": {"readOnlyHint": False}}
    schema = {"outputSchema": {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}}
    return {
        "tools": [
            tool("read", **hints),
            tool("add", **harmless),
            tool("drop", **destructive),
            tool("count", **schema),
            tool("plain"),
            *CAME_LATER,
        ]
    }


def called(message: dict[str, Any]) -> dict[str, Any] | None:
    name = message["params"]["name"]
    if NOTES and HOW == "slow":
        NOTES.with_suffix(".begun").write_text("")
        return None
    if HOW == "dies":
        sys.stderr.write("segmentation fault, or so\n")
        sys.stderr.flush()
        os._exit(9)
    if HOW == "dies once" and NOTES and not NOTES.exists():
        NOTES.write_text("died")
        os._exit(9)
    if HOW == "wrong answer":
        return {"content": [{"type": "hologram"}]}
    if HOW == "no answer":
        print('{"jsonrpc": "2.0", "id": 1', flush=True)
        return None
    if HOW == "flood":
        sys.stderr.write("x" * 300_000 + "the end\n")
        sys.stderr.flush()
    if HOW == "changes" and not CAME_LATER:
        CAME_LATER.append(tool("fresh"))
        send({"method": "notifications/tools/list_changed"})
    if name == "count":
        return {"content": [{"type": "text", "text": "six"}], "structuredContent": {"n": "six"}}
    if name == "drop":
        return {"content": [{"type": "text", "text": os.environ.get("FAKE_KEY", "nothing to drop")}], "isError": True}
    return {"content": [{"type": "text", "text": json.dumps(dict(os.environ))}]}


def main() -> None:
    if NOTES:
        with NOTES.with_suffix(".pids").open("a") as file:
            file.write(f"{os.getpid()}\n")
    if HOW == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    answers = {"initialize": initialized, "tools/list": listed, "tools/call": called}
    for line in sys.stdin:
        message = json.loads(line)
        if NOTES and HOW != "dies once":
            with NOTES.open("a") as file:
                file.write(line)
        if "id" not in message:
            continue
        answer = answers.get(message["method"])
        if answer is None:
            send({"id": message["id"], "error": {"code": -32601, "message": "Method not found"}})
        elif (result := answer(message)) is not None:
            send({"id": message["id"], "result": result})
    while HOW in ("stubborn", "deaf"):
        time.sleep(1)


if __name__ == "__main__":
    main()
