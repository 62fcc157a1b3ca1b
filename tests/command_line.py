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

import warm_commands
from how_many import all_of_them


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
    """Run `callscope` in a folder; no command of it may end in a traceback.

    It is forked off a process that has imported it, but for `make test-all`, which begins each one anew.
    """
    words, variables = [*map(str, arguments)], {**os.environ, **(env or {})}
    if not all_of_them() and warm_commands.can_be_forked(variables, stdin):
        done = warm_commands.run(words, folder=folder, stdin=stdin, env=variables, limit=limit)
    else:
        done = subprocess.run(
            [sys.executable, "-m", "callscope", *words],
            cwd=folder,
            input=stdin,
            capture_output=True,
            timeout=limit,
            env=variables,
            check=False,
        )
    ran = Ran(done.returncode, done.stdout.decode(), done.stderr.decode())
    assert "\nTraceback" not in f"\n{ran.err}", ran.err
    return ran
