"""What the recordings of a folder hold, in a line each.

Knows how to sum a recording up. A file that cannot be used is listed with its problem, never left out. Must not print.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from callscope.core.errors import UnusableFile
from callscope.core.events import BytesRead, ExchangeOpened, SettingsChanged, TurnEnded, UserMessage

from .appending import reason
from .reading import Entry, RecordingFile


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
    return _summary(RecordingFile(path))


def _listed(path: Path) -> Summary:
    try:
        return summarize(path)
    except UnusableFile as error:
        return Summary(path, _size(path), problem=str(error).removeprefix(f"{path}").lstrip(", :") or str(error))


@dataclass(slots=True)
class _Count:
    """What has passed of a recording."""

    seconds: float = 0.0
    model: str = ""
    words: str = ""
    turns: int = 0
    exchanges: int = 0
    calls: int = 0
    open_turn: bool = False
    ending: str = "no turn"

    def take(self, entry: Entry) -> None:
        """Count one line; most are reads, which say nothing here."""
        self.seconds = entry.at
        match entry.event:
            case BytesRead():
                return
            case UserMessage(text=text):
                self.words = self.words if self.turns else text
                self.turns += 1
                self.open_turn = True
            case SettingsChanged(settings=settings):
                self.model = settings.model or self.model
            case ExchangeOpened():
                self.exchanges += 1
            case TurnEnded(reason=why):
                self.open_turn, self.ending = False, why
            case None if entry.kind == "assembled" and isinstance(calls := entry.members.get("calls"), list):
                self.calls += len(calls)
            case _:
                pass


def _summary(recording: RecordingFile) -> Summary:
    count = _Count()
    for entry in recording.entries:
        count.take(entry)
    return Summary(
        path=recording.path,
        size=_size(recording.path),
        created=recording.header.created,
        seconds=count.seconds,
        model=count.model,
        words=count.words,
        turns=count.turns,
        exchanges=count.exchanges,
        calls=count.calls,
        ending="cut off" if count.open_turn else count.ending,
    )


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
