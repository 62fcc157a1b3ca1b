"""Whether processes are there, seen from outside."""

from __future__ import annotations

import os
import time
from pathlib import Path


def gone(pid: int, patience: float = 5.0) -> bool:
    """Whether a process has ended; one that was killed a moment ago may still be dying."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if not alive(pid):
            return True
        time.sleep(0.01)
    return False


def alive(pid: int) -> bool:
    """A zombie that nobody has fetched yet has ended, where that can be seen."""
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    except ProcessLookupError:
        return False
    except FileNotFoundError:
        return Path("/proc/self").exists() is False
    return state != "Z"
