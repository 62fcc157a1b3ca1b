"""What the recordings of a folder hold, in a line each.

Knows how to sum a recording up. A file that cannot be used is listed with its problem, never left out. Must not print.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from callscope.core.errors import UnusableFile
from callscope.core.events import ExchangeOpened, SettingsChanged, TurnEnded, UserMessage

from .appending import reason
from .reading import Recording, open_recording


@dataclass(frozen=True, slots=True)
class Summary:
    """A recording in short; `size` in bytes, `seconds` as long as it ran, `ending` how its last turn ended.

    `words` are the person's first words. `problem` is why a file cannot be used; then only path and size are known.
    """

    path: Path
    size: int = 0
    created: str = ""
    seconds: float = 0.0
    model: str = ""
    words: str = ""
    turns: int = 0
    exchanges: int = 0
    calls: int = 0
    ending: str = ""
    problem: str = ""

    def __str__(self) -> str:
        # neither a recording nor its name is trusted: an escape sequence in it must not reach a terminal
        line = "  ".join(self._unusable() if self.problem else self._facts())
        return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in line)

    def _unusable(self) -> tuple[str, ...]:
        return self.path.name, f"unusable: {self.problem}"

    def _facts(self) -> tuple[str, ...]:
        counts = ", ".join(
            f"{number} {noun}{'' if number == 1 else 's'}"
            for number, noun in ((self.turns, "turn"), (self.exchanges, "exchange"), (self.calls, "call"))
        )
        words = " ".join(self.words.split())
        shown = words if len(words) <= 40 else words[:39] + "…"
        return self.path.name, self.created, self.model or "-", counts, self.ending, f"{self.size:,} B", shown

    def as_json(self) -> dict[str, Any]:
        """The summary as a JSON object."""
        return asdict(self) | {"path": str(self.path)}


def list_recordings(directory: Path) -> list[Summary]:
    """All recordings of a folder, newest first; nothing where the folder is missing."""
    try:
        paths = sorted(directory.glob("*.jsonl"), key=lambda path: path.name, reverse=True)
    except OSError as error:
        raise UnusableFile(f"{directory} cannot be read: {reason(error)}.") from None
    return [_listed(path) for path in paths]


def summarize(path: Path) -> Summary:
    """One recording in short. Raises UnusableFile."""
    return _summary(open_recording(path))


def _listed(path: Path) -> Summary:
    try:
        return summarize(path)
    except UnusableFile as error:
        return Summary(path, _size(path), problem=str(error).removeprefix(f"{path}").lstrip(", :") or str(error))


def _summary(recording: Recording) -> Summary:
    events = [entry.event for entry in recording.entries]
    said = [event.text for event in events if isinstance(event, UserMessage)]
    models = [event.settings.model for event in events if isinstance(event, SettingsChanged)]
    return Summary(
        path=recording.path,
        size=_size(recording.path),
        created=recording.header.created,
        seconds=recording.entries[-1].at if recording.entries else 0.0,
        model=next(iter(reversed([model for model in models if model] or [""]))),
        words=said[0] if said else "",
        turns=len(said),
        exchanges=sum(isinstance(event, ExchangeOpened) for event in events),
        calls=sum(_calls(recording)),
        ending=_ending(recording),
    )


def _calls(recording: Recording) -> Iterator[int]:
    for entry in recording.entries:
        if entry.kind == "assembled" and isinstance(calls := entry.members.get("calls"), list):
            yield len(calls)


def _ending(recording: Recording) -> str:
    """How the last turn ended; `cut off` where it did not."""
    open_turn, ending = False, "no turn"
    for entry in recording.entries:
        match entry.event:
            case UserMessage():
                open_turn = True
            case TurnEnded(reason=why):
                open_turn, ending = False, why
            case _:
                pass
    return "cut off" if open_turn else ending


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
