"""What `replay` and `recordings` do.

Knows how a recording is shown and checked (`repeating` runs one again). Must not know Typer, nor how one is read.
"""

from __future__ import annotations

import math
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from callscope.core.errors import UsageError
from callscope.core.events import Stamped
from callscope.core.json_text import json_line
from callscope.core.ports import Sink
from callscope.core.visible import visible
from callscope.record.deriving.pacing import pacing
from callscope.record.deriving.reel import UNSEEN
from callscope.record.file.reading import Recorded, RecordingFile

from .playing import can_draw, play
from .showing import say, shown_to

if TYPE_CHECKING:
    from callscope.record.deriving.rederiving import Difference

DIVERGED = 1
INTERRUPTED = 130

LONGEST_FILM = 64_000_000
"""Bytes of a recording that is played in panels: the player keeps five to seven times as much in memory."""

Pause = Callable[[Stamped], None]


@dataclass(frozen=True, slots=True)
class Asked:
    """What the options of `replay` that show a recording ask for; None or false where they say nothing."""

    speed: str | None = None
    step: bool = False
    as_json: bool = False
    accept: bool = False
    rechunk: str | None = None
    follow: bool = False


def replay(file: Path, asked: Asked) -> int:
    """Show a recording, or rewrite what is derived in it; gives the exit code."""
    _refuse_what_means_nothing(asked)
    if asked.accept:
        accept_file(file)
        return 0
    if asked.rechunk:
        return rechunked(file, asked.rechunk)
    if asked.follow:
        return follow(file, as_json=asked.as_json)
    return show(file, asked.speed or "1", step=asked.step, as_json=asked.as_json)


def _refuse_what_means_nothing(asked: Asked) -> None:
    shown = {"--speed": asked.speed, "--step": asked.step}
    given = [name for name, value in {**shown, "--json": asked.as_json}.items() if value]
    if asked.accept and given:
        raise UsageError(f"--accept rewrites what is derived and shows nothing: {given[0]} says nothing beside it.")
    if asked.rechunk and (given or asked.accept):
        raise UsageError(f"--rechunk compares and shows nothing: {[*given, '--accept'][0]} says nothing beside it.")
    if asked.step and asked.speed:
        raise UsageError("--step waits for a key and --speed does not: keep one of them.")
    others = {**shown, "--accept": asked.accept, "--rechunk": asked.rechunk}
    if asked.follow and (beside := [name for name, value in others.items() if value]):
        raise UsageError(f"--follow shows what is being written as it comes: {beside[0]} says nothing beside it.")


def show(file: Path, speed: str, *, step: bool, as_json: bool) -> int:
    """Show a recording as it went, then say whether everything derives from its bytes as it did then."""
    factor = _factor(speed)
    recording = RecordingFile(file)
    if not as_json and can_draw() and not _is_too_long(file):
        found = play(recording, factor, paused=step)
        for warning in recording.warnings:
            say(f"callscope: {warning}")
        return INTERRUPTED if found is None else _verdict(file, found)
    return _shown_on_the_way(recording, _stepping() if step else _pacing(factor), as_json=as_json)


def _is_too_long(file: Path) -> bool:
    """Whether a recording is more than a player can keep, which says so: it goes back and forth in memory."""
    size = file.stat().st_size
    if size > LONGEST_FILM:
        millions = f"{size / 1e6:,.0f} MB are more than the {LONGEST_FILM / 1e6:,.0f} that a player keeps"
        say(f"callscope: {millions}: {file.name} is shown line by line; recordings trim makes a shorter one")
    return size > LONGEST_FILM


def follow(file: Path, *, as_json: bool) -> int:
    """Show a recording as it is being written, until nobody writes it any more."""
    from callscope.record.file.following import FollowedFile

    return _shown_on_the_way(FollowedFile(file), _pacing(math.inf), as_json=as_json)


def _shown_on_the_way(recording: RecordingFile, pacing: AbstractContextManager[Pause], *, as_json: bool) -> int:
    """Show a recording while it is read: its size does not matter."""
    with shown_to(recording.path, as_json=as_json) as shown:
        with pacing as pause:
            differences = _play(recording, shown.sinks, pause)
        shown.exit_code = _code(differences)
    for warning in recording.warnings:
        say(f"callscope: {warning}")
    return _verdict(recording.path, differences)


def rechunked(file: Path, way: str) -> int:
    """Say whether the recorded bytes give the same events when they are cut otherwise."""
    from callscope.record.deriving.rechunking import cut_named, rechunk

    recording, cut = RecordingFile(file), cut_named(way)
    done = rechunk(recording, cut)
    for warning in recording.warnings:
        say(f"callscope: {warning}")
    if done.difference:
        say(f"callscope: {file} decodes otherwise when it is cut otherwise ({way}): {done.difference}")
        return DIVERGED
    same = f"the same events: {done.events} in {done.exchanges} exchange{'' if done.exchanges == 1 else 's'}"
    say(f"callscope: {same}, as recorded in {done.reads} reads and cut into {done.pieces} ({way})")
    return 0


def accept_file(file: Path) -> None:
    """Rewrite what is derived in a recording."""
    from callscope.record.deriving.rederiving import accept

    changed = accept(file)
    say(f"callscope: {changed} derived line{'' if changed == 1 else 's'} of {file} rewritten")


def list_recordings(folder: Path | None, *, as_json: bool) -> None:
    """Print a line a recording, newest first, as a table that fits the terminal."""
    from callscope.record.file.directories import recordings_directory
    from callscope.record.file.listing import list_recordings as summaries

    where = recordings_directory(folder, os.environ)
    found = summaries(where)
    if as_json:
        for summary in found:
            _write(json_line(summary.as_json()))
        return
    from callscope.looking.recordings import table

    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    for line in table(found, width=width, ascii_only=not sys.stdout.encoding.lower().startswith("utf")):
        _print(line)
    if not found:
        say(f"no recordings in {where}")


def show_recording(file: Path, *, as_json: bool) -> None:
    """Print what a recording holds, then show all of it at once."""
    from callscope.record.file.listing import summarize

    if as_json:
        _write(json_line(summarize(file).as_json()))
        return
    say(str(summarize(file)))
    _shown_on_the_way(RecordingFile(file), _pacing(math.inf), as_json=False)


def _verdict(file: Path, differences: Sequence[Difference]) -> int:
    damaged = next((one for one in differences if not one.later), None)
    if damaged:
        say(f"callscope: {file} derives otherwise today: {damaged}")
    elif differences:
        say(f"callscope: {file}, {differences[0].notice}")
    return _code(differences)


def _code(differences: Sequence[Difference]) -> int:
    """What another version says of the same bytes is no divergence."""
    return 0 if all(one.later for one in differences) else DIVERGED


def _play(recording: Recorded, sinks: Sequence[Sink], pause: Pause) -> Sequence[Difference]:
    """Show everything; gives where the recording says other than its bytes."""
    from callscope.record.deriving.rederiving import derive_conversation

    found: list[Difference] = []
    for stamped, conversation in derive_conversation(recording, found):
        pause(stamped)
        for sink in sinks:
            sink.handle(stamped, conversation)
    return found


def _factor(speed: str) -> float:
    """How many times as fast; `max` never waits."""
    if speed == "max":
        return math.inf
    try:
        factor = float(speed)
    except ValueError:
        factor = 0.0
    if not 0 < factor < math.inf:
        raise UsageError(f"--speed {speed}: write a number above 0, such as 1 or 10, or max.")
    return factor


@contextmanager
def _pacing(factor: float) -> Iterator[Pause]:
    """Wait as long between two events as then, divided by the factor."""
    if factor == math.inf:
        yield lambda stamped: None
        return
    wait = pacing(factor)
    yield lambda stamped: wait(stamped.at)


@contextmanager
def _stepping() -> Iterator[Pause]:
    """Wait for a key before each event that is shown; the terminal is given back as it was."""
    if not sys.stdin.isatty():
        raise UsageError("--step needs a terminal to wait at.")
    import termios
    import tty

    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    say("any key steps, Ctrl-C leaves")
    tty.setcbreak(terminal)
    try:
        yield lambda stamped: None if isinstance(stamped.event, UNSEEN) else _wait_for_key(terminal)
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)


def _wait_for_key(terminal: int) -> None:
    os.read(terminal, 1)


def _print(text: str) -> None:
    _write(visible(text) if sys.stdout.isatty() else text)


def _write(line: str) -> None:
    sys.stdout.write(line + "\n")
