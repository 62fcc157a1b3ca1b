"""The client that MCP's conformance suite drives: `callscope`, told to list the tools of a URL and to call each once.

npx conformance client --command "python tests/conformance_client.py" --scenario tools_call
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

VALUES: dict[str, Any] = {"number": 2, "integer": 2, "boolean": True, "string": "text", "array": [], "object": {}}


def callscope(*words: str, file: str) -> str:
    command = [sys.executable, "-m", "callscope", *words, "--tools", file]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    sys.stderr.write(ran.stderr)
    if ran.returncode:
        sys.stderr.write(ran.stdout)
        sys.exit(ran.returncode)
    return ran.stdout


def main(url: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "tools.json"
        file.write_text(json.dumps({"mcp": {"suite": {"url": url, "elicit": "defaults"}}}), encoding="utf-8")
        for definition in json.loads(callscope("tools", "schema", file=str(file))):
            tool = definition["function"]
            properties = tool["parameters"].get("properties", {})
            arguments = {name: VALUES[schema["type"]] for name, schema in properties.items()}
            callscope("call", tool["name"], "--args-json", json.dumps(arguments), file=str(file))


if __name__ == "__main__":
    main(sys.argv[-1])
