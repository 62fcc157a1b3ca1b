"""The rounds that a recorder goes through: all cases, deltas at their pace, planted secrets, and SIGKILL.

Knows what is asked and when a recorder is killed. Must not know how any of them works, nor how a table looks.
"""

from __future__ import annotations

import statistics
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path

from recorders_cases import CASES, DRIPS, KEY, Case, Plant, drip, planted, whole
from recorders_judge import Judged, found, judged, lags
from recorders_peers import NoAnswerError, Place, Recorder
from recorders_server import Server
from recorders_sessions import Question, Session
from recorders_wire import Seen

ROUNDS = 3
KILLED_AFTER = 10
"""Deltas that are sent before SIGKILL comes."""
MISSING = whole("never recorded", b"{}")
BEFORE = whole("before the kill", b'{"whole": true}')
KILLED = drip("killed")
PACED = tuple(drip(f"paced {number}") for number in range(ROUNDS))
PLANTS = planted()
ANSWERS = {case.name: case.steps for case in (*CASES, MISSING, BEFORE, KILLED, *PACED, *(each.case for each in PLANTS))}
PLAIN = (("content-type", "application/json"), ("accept", "text/event-stream"), ("accept-encoding", "gzip"))


@dataclass(frozen=True, slots=True)
class Pace:
    """Of the deltas that were 50 ms apart: seconds to the first, and how many came before the next one was sent."""

    first: float
    in_time: int
    of: int


@dataclass(frozen=True, slots=True)
class Kill:
    """After SIGKILL: bytes that the client had, bytes that are played back, whether the exchange before is whole."""

    had: int
    kept: int
    of: int
    before: bool
    why: str = ""


@dataclass(frozen=True, slots=True)
class Secrets:
    """Where a planted secret is on disk, and whether the server got the key that it needs."""

    on_disk: tuple[str, ...]
    of: int
    server_got_key: bool


@dataclass(frozen=True, slots=True)
class Passed:
    """Every case while it was recorded and played back; `asked_again` counts requests that reached the server then."""

    live: dict[str, Judged]
    back: dict[str, Judged]
    asked_again: int


def question(case: Case, plant: Plant | None = None) -> Question:
    """The request of a client with its key."""
    headers = [*PLAIN, ("authorization", f"Bearer {plant.key if plant else KEY}")]
    if plant and plant.cookie:
        headers.append(("cookie", plant.cookie))
    return Question(case, f"/v1/chat/completions{plant.query if plant else ''}", tuple(headers))


def all_cases(recorder: Recorder, place: Place, folder: Path, server: Server, truth: dict[str, Seen]) -> Passed:
    """Record every case, play every case back."""
    with recorder.record(place, folder) as session:
        live = {case.name: judged(truth[case.name], session.ask(question(case))) for case in CASES}
    server.asked.clear()
    with recorder.play(place, folder) as session:
        missing = session.ask(question(MISSING))
        again = {case.name: session.ask(question(case)) for case in CASES}
    back = {name: judged(truth[name], seen, missing=missing) for name, seen in again.items()}
    return Passed(live, back, server.asked.total())


def paced(session: Session, server: Server) -> Pace:
    """Deltas at their pace, through whatever is asked."""
    firsts: list[float] = []
    in_time = 0
    for case in PACED:
        seen = session.ask(question(case))
        late = lags(server.sent[case.name][1 : DRIPS + 1], _sizes(case), seen)
        firsts += late[:1]
        in_time += sum(lag < 0.05 for lag in late)
    return Pace(statistics.median(firsts), in_time, DRIPS * len(PACED))


def _sizes(case: Case) -> list[int]:
    """Bytes of the body in each chunk of a paced answer."""
    sent = [step for step in case.steps if isinstance(step, bytes)][1 : DRIPS + 1]
    return [int(step.split(b"\r\n", 1)[0], 16) for step in sent]


def secrets(recorder: Recorder, place: Place, folder: Path, server: Server) -> Secrets:
    """Record answers with secrets in them, and look for each in the files."""
    with recorder.record(place, folder) as session:
        for plant in PLANTS:
            session.ask(question(plant.case, plant))
    got = all(each.key.encode() in server.heads[each.case.name] for each in PLANTS)
    with recorder.play(place, folder) as session:
        played = b"\n".join(session.ask(question(each.case, each)).body for each in PLANTS)
    there = found(folder, [each.needle for each in PLANTS], played)
    names = tuple(plant.where for plant, on_disk in zip(PLANTS, there, strict=True) if on_disk)
    return Secrets(names, len(PLANTS), got)


def killed(recorder: Recorder, place: Place, folder: Path, server: Server, truth: Seen) -> Kill:
    """Kill a recorder in mid-stream, and play back what it left."""
    due = server.after(KILLED.name, 1 + KILLED_AFTER)
    seen: list[Seen] = []
    with recorder.record(place, folder) as session:
        session.ask(question(BEFORE))
        client = threading.Thread(target=lambda: seen.append(session.ask(question(KILLED))))
        client.start()
        due.wait(10)
        time.sleep(0.03)  # what was sent has passed
        session.process.kill()
        client.join(20)
    server.asked.clear()
    had = len(seen[0].body) if truth.body.startswith(seen[0].body) else 0
    try:
        with recorder.play(place, folder) as session:
            before, again = session.ask(question(BEFORE)), session.ask(question(KILLED))
    except NoAnswerError as error:
        return Kill(had, 0, len(truth.body), before=False, why=str(error))
    # a recorder that has nothing may ask the server, which is no playback
    kept = len(again.body) if truth.body.startswith(again.body) and not server.asked[KILLED.name] else 0
    whole_before = before.body == BEFORE.steps[1] and not server.asked[BEFORE.name]
    return Kill(had, kept, len(truth.body), before=whole_before)


@dataclass(frozen=True, slots=True)
class Originals:
    """What a client reads from the server itself."""

    answers: dict[str, Seen]
    pace: Pace


def originals(session: Session, server: Server) -> Originals:
    """Every answer without a recorder."""
    return Originals({case.name: session.ask(question(case)) for case in (*CASES, KILLED)}, paced(session, server))


def as_a_program_reads(program: Originals, socket: Originals) -> Originals:
    """A program's readings, whose pieces are chunks only where the server sent chunks."""
    unchunked = {name for name, seen in socket.answers.items() if seen.chunks is None}
    answers = program.answers | {name: replace(program.answers[name], chunks=None) for name in unchunked}
    return Originals(answers, program.pace)
