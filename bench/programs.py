"""The programs that are compared, ready to run in a place of their own.

Knows the commands. Must not know the goals, nor how a figure is taken.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from measure import HERE, Cost, run

BIN = Path(sys.executable).parent
MANY = 20_000
FEW = 200

Program = Callable[[], Cost]


@dataclass(frozen=True, slots=True)
class Bench:
    """A place to run programs in, away from the person's own files, keys and proxies."""

    directory: Path
    url: str
    rounds: int
    environment: dict[str, str] = field(default_factory=dict)

    def program(self, *argv: str) -> Program:
        """A program ready to run; a plain word is a console script beside this Python."""
        command = [str(BIN / argv[0]) if "/" not in argv[0] else argv[0], *argv[1:]]
        return lambda: run(command, self.directory, self.environment)

    def ask(self, model: str, *options: str) -> Program:
        """`callscope ask --json`, from the command's start to its end."""
        fixed = ("--json", "--no-run", "--no-tools", "--url", self.url, "--model", model)
        return self.program("callscope", "ask", "go", *fixed, *options)

    def recorded(self, model: str) -> Program:
        """Ask, and record the answer in a folder named for it."""
        return self.ask(model, "--recordings", model)

    def unrecorded(self, model: str) -> Program:
        """Ask, and record nothing."""
        return self.ask(model, "--no-record")

    def peer(self, model: str) -> Program:
        """The AsyncOpenAI loop over the same answer."""
        return self.program(sys.executable, str(HERE / "peers.py"), self.url, model)

    def replay(self, model: str, *options: str) -> Program:
        """`callscope replay` of an answer, recorded before the first run."""
        folder = self.directory / model
        if not folder.exists():
            self.recorded(model)()
        return self.program("callscope", "replay", str(next(folder.iterdir())), "--speed", "max", *options)

    def replay_json(self, model: str) -> Program:
        """`callscope replay --json`."""
        return self.replay(model, "--json")


def a_delta(program: Callable[[str], Program], kind: str, many: int = MANY, few: int = FEW) -> Program:
    """The cost of one delta: a long run less a short one, by the deltas between, so that start-up drops out."""
    longer, shorter = program(f"{kind}-{many}"), program(f"{kind}-{few}")
    return lambda: (longer() - shorter()) / (many - few)
