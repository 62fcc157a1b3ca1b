"""Callscope beside other recorders on the same hostile answers; prints three Markdown tables.

    recorders.py [--json FILE] [--peers DIR] [--python PYTHON]

Knows which recorders there are and with what options. The peers are installed into an environment of their own. A
benchmark is no test: whatever comes out, it ends with 0. docs/recorders.md says how each row is judged.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from recorders_cases import CASES, planted
from recorders_peers import Callscope, Mitmproxy, Place, Recorder, Timefork, Vcrpy, home
from recorders_rounds import (
    ANSWERS,
    KILLED,
    Originals,
    all_cases,
    as_a_program_reads,
    killed,
    originals,
    paced,
    secrets,
)
from recorders_server import Server
from recorders_sessions import Direct
from recorders_table import Outcome, cases, criteria, planted_secrets

PEERS = ("mitmproxy>=12", "vcrpy>=8", "httpx>=0.28", "timefork>=0.3.3")
SHOWN = ("mitmproxy", "vcrpy", "httpx", "timefork")
PLANTS = planted()
STREAMING = ("--set", "stream_large_bodies=1", "--set", "store_streamed_bodies=true")
RULES = tuple(
    word
    for rule in (
        ("--modify-headers", "/~q/Authorization/"),
        ("--modify-headers", "/~q/Cookie/"),
        ("--modify-headers", "/~s/Set-Cookie/"),
        ("--map-remote", "|api_key=[^&]*|api_key=x"),
        *(("--modify-body", f"|~s|{re.escape(plant.needle)}|REDACTED") for plant in PLANTS),
    )
    for word in rule
)
"""What takes secrets out of what passes through mitmproxy: its documentation has no filter for what is written."""

RECORDERS: tuple[tuple[Recorder, Recorder | None], ...] = (
    (Callscope(), None),
    (Mitmproxy("mitmproxy"), Mitmproxy("mitmproxy", RULES)),
    (Mitmproxy("mitmproxy, streaming", STREAMING), Mitmproxy("mitmproxy, streaming", (*STREAMING, *RULES))),
    (Vcrpy(), Vcrpy(mode="-filtered")),
    (Timefork(), Timefork(redacted=True)),
)
"""Each recorder, and the same with its filters for secrets."""


def environment(folder: Path, python: str | None) -> Path:
    """The folder of programs of the peers' environment, which is made where it is missing."""
    if not (folder / "ready").exists():
        python = python or next(filter(_runs, ("python3.14", "python3.13", "python3.12")), None)
        if python is None:
            sys.exit("mitmproxy wants Python 3.12 or later: name one with --python")
        subprocess.run([python, "-m", "venv", folder], check=True)
        subprocess.run([folder / "bin" / "pip", "install", "--quiet", *PEERS], check=True)
        (folder / "ready").touch()
    return folder / "bin"


def _runs(python: str) -> bool:
    """Whether this Python is there, and not only a name that leads to none."""
    found = shutil.which(python)
    return bool(found) and subprocess.run([str(found), "-c", ""], capture_output=True, check=False).returncode == 0


def versions(programs: Path) -> str:
    """What the figures are of."""
    listed = subprocess.run([programs / "pip", "list", "--format", "json"], capture_output=True, check=True).stdout
    there = {package["name"]: package["version"] for package in json.loads(listed)}
    python = subprocess.run(
        [programs / "python", "--version"], capture_output=True, text=True, check=True
    ).stdout.split()[1]
    peers = ", ".join(f"{name} {there[name]}" for name in SHOWN)
    ours = f"callscope {version('callscope')} on Python {platform.python_version()}"
    return f"{datetime.now(UTC):%Y-%m-%d}: {ours}; {peers} on Python {python}; {len(CASES)} answers"


class Bench:
    """The rounds of one recorder after another, each in a folder of its own."""

    def __init__(self, place: Place, root: Path, server: Server) -> None:
        self._place, self._root, self._server = place, root, server
        self._folders = 0
        with Vcrpy().direct(place, self._folder()) as program:
            self._outside = originals(Direct(program.process, server.port), server)
            self._inside = as_a_program_reads(originals(program, server), self._outside)

    def _folder(self) -> Path:
        self._folders += 1
        folder = self._root / f"round-{self._folders}"
        folder.mkdir()
        return folder

    def outcome(self, recorder: Recorder, filtered: Recorder | None) -> Outcome:
        """All rounds of a recorder."""
        true: Originals = self._inside if recorder.inside else self._outside
        place, server = self._place, self._server
        passed = all_cases(recorder, place, self._folder(), server, true.answers)
        with recorder.record(place, self._folder()) as session:
            pace = paced(session, server)
        kill = killed(recorder, place, self._folder(), server, true.answers[KILLED.name])
        plain = secrets(recorder, place, self._folder(), server)
        scrubbed = secrets(filtered, place, self._folder(), server) if filtered else None
        return Outcome(recorder.name, passed, pace, true.pace, kill, plain, scrubbed)


def outcomes(programs: Path) -> Iterator[Outcome]:
    """What comes out for each recorder; one that fails says why on standard error."""
    with tempfile.TemporaryDirectory() as root, Server(ANSWERS) as server:
        place = Place(programs, f"http://127.0.0.1:{server.port}", tuple(p.needle for p in PLANTS), home(Path(root)))
        bench = Bench(place, Path(root), server)
        for recorder, filtered in RECORDERS:
            try:
                yield bench.outcome(recorder, filtered)
            except (OSError, RuntimeError, subprocess.SubprocessError) as error:
                print(f"{recorder.name}: not measured: {error}", file=sys.stderr)


def main() -> None:
    """Measure every recorder, and print the tables."""
    parser = argparse.ArgumentParser(description="Measure Callscope beside other recorders.")
    parser.add_argument("--json", type=Path, help="write what came out, case by case")
    parser.add_argument("--peers", type=Path, default=Path(".venv/recorders"), help="the peers' environment")
    parser.add_argument("--python", help="the Python, 3.12 or later, to make it with (default: the newest on the path)")
    arguments = parser.parse_args()
    programs = environment(arguments.peers.absolute(), arguments.python)
    print(versions(programs), end="\n\n", flush=True)
    measured = list(outcomes(programs))
    print(*criteria(measured), "", *planted_secrets(measured), "", *cases(measured), sep="\n")
    if arguments.json:
        arguments.json.write_text(json.dumps([dataclasses.asdict(each) for each in measured], indent=1))


if __name__ == "__main__":
    main()
