"""An MCP server of the handshake era that does wrong what its argument says; run as a script, standard library alone.

Spec: https://modelcontextprotocol.io/specification/2025-11-25/basic/lifecycle
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

HOW = sys.argv[1] if len(sys.argv) > 1 else ""
NOTES = Path(sys.argv[2]) if len(sys.argv) > 2 else None
"""Where to write what it was sent, and beside it which process it is."""

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}


CAME_LATER: list[dict[str, Any]] = []
ASKING: list[Any] = []


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


def dies(message: dict[str, Any]) -> None:
    sys.stderr.write("segmentation fault, or so\n")
    sys.stderr.flush()
    os._exit(9)


def dies_once(message: dict[str, Any]) -> dict[str, Any]:
    if NOTES and not NOTES.exists():
        NOTES.write_text("died")
        os._exit(9)
    return answered(message)


def begins(message: dict[str, Any]) -> None:
    if NOTES:
        NOTES.with_suffix(".begun").write_text("")


def wrong(message: dict[str, Any]) -> dict[str, Any]:
    return {"content": [{"type": "hologram"}]}


def floods(message: dict[str, Any]) -> dict[str, Any]:
    sys.stderr.write("x" * 300_000 + "the end\n")
    sys.stderr.flush()
    return answered(message)


def changes(message: dict[str, Any]) -> dict[str, Any]:
    if not CAME_LATER:
        CAME_LATER.append(tool("fresh"))
        send({"method": "notifications/tools/list_changed"})
    return answered(message)


def asks(message: dict[str, Any]) -> None:
    ASKING.append(message["id"])
    form: dict[str, Any] = {"type": "object", "properties": {"city": {"type": "string", "default": "Rome"}}}
    if HOW == "asks for more":
        form["required"] = ["street"]
        form["properties"]["street"] = {"type": "string"}
    send({"id": "q", "method": "elicitation/create", "params": {"message": "Where?", "requestedSchema": form}})


def told(message: dict[str, Any]) -> None:
    """What came back for our question is the result of the call."""
    text = json.dumps(message.get("result", message.get("error")))
    send({"id": ASKING.pop(), "result": {"content": [{"type": "text", "text": text}]}})


def answered(message: dict[str, Any]) -> dict[str, Any]:
    name = message["params"]["name"]
    if name == "count":
        return {"content": [{"type": "text", "text": "six"}], "structuredContent": {"n": "six"}}
    if name == "drop":
        return {"content": [{"type": "text", "text": os.environ.get("FAKE_KEY", "nothing to drop")}], "isError": True}
    return {"content": [{"type": "text", "text": json.dumps(dict(os.environ))}]}


CALLED: dict[str, Callable[[dict[str, Any]], dict[str, Any] | None]] = {
    "dies": dies,
    "dies once": dies_once,
    "slow": begins,
    "wrong answer": wrong,
    "flood": floods,
    "changes": changes,
    "asks": asks,
    "asks for more": asks,
}


def main() -> None:
    if NOTES:
        with NOTES.with_suffix(".pids").open("a") as file:
            file.write(f"{os.getpid()}\n")
    if HOW == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    answers = {"initialize": initialized, "tools/list": listed, "tools/call": CALLED.get(HOW, answered)}
    for line in sys.stdin:
        message = json.loads(line)
        if NOTES and HOW != "dies once":
            with NOTES.open("a") as file:
                file.write(line)
        if "method" not in message:  # what we asked for
            told(message)
            continue
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
