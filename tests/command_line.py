"""The command line as a person or a script runs it: a process of its own, on loopback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Ran:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def last(self) -> dict[str, Any]:
        """The last JSON line."""
        line: dict[str, Any] = json.loads(self.out.splitlines()[-1])
        return line


def callscope(
    *arguments: str | Path, folder: Path, stdin: bytes = b"", env: Mapping[str, str] | None = None, limit: float = 40
) -> Ran:
    """Run `callscope` in a folder; no command of it may end in a traceback."""
    done = subprocess.run(
        [sys.executable, "-m", "callscope", *map(str, arguments)],
        cwd=folder,
        input=stdin,
        capture_output=True,
        timeout=limit,
        env={**os.environ, **(env or {})},
        check=False,
    )
    ran = Ran(done.returncode, done.stdout.decode(), done.stderr.decode())
    assert "\nTraceback" not in f"\n{ran.err}", ran.err
    return ran
