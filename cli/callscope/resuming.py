"""Going on with a recording: what of it holds again, and what the command line says otherwise.

Knows what a recording may bring along: the conversation, the server, the model, the tools that were offered. It is not
trusted: it never loosens what may run, never names a file to load, and its server gets no key that `--url` would not
bring there. Must not know how a session is put together.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from callscope.core.errors import UnusableFile
from callscope.core.events import BytesRead, Event, SettingsChanged, UserMessage
from callscope.core.state import Conversation
from callscope.core.values import Approval, Settings, ToolSpec
from callscope.record.deriving.restoring import left_by
from callscope.record.file.appending import LineFile
from callscope.record.file.reading import Entry, RecordingFile
from callscope.settings.config import Flags
from callscope.settings.profiles import Profile, profile_path, read_profiles
from callscope.tools.definitions import LoadedTools, Tool

RECALLED = (
    "system",
    "tool_choice",
    "parallel",
    "strict",
    "tool_forms",
    "stream",
    "history",
    "thread",
    "max_rounds",
    "retries",
)
"""Settings that hold again as they are, where the command line says nothing else."""

CAUTION: dict[Approval, int] = {"always": 0, "ask": 1, "result": 1, "never": 2}
LONGEST = 60
"""Characters of a setting that a sentence quotes."""


@dataclass(frozen=True, slots=True)
class Resumed:
    """A session to go on with: the recording, what it comes to, and what the command line says beside it.

    `owed` are the events that end a turn it leaves open; `named` is the profile that was named, empty where none was;
    `file` is locked against a second writer, None where nothing is to be recorded.
    """

    recording: RecordingFile
    conversation: Conversation
    owed: tuple[Event, ...]
    said: Flags
    named: Profile
    file: LineFile | None = None

    @property
    def flags(self) -> Flags:
        """The flags, with the recorded server, model and dialect where neither they nor the named profile say any."""
        recorded, said, named = self.conversation.settings, self.said, self.named
        url = None if said.url or named.url else recorded.url or None
        if url and "url" in _masked(self.recording):
            raise UnusableFile(f"{self.recording.path}: its URL held a secret, which is masked: say it with --url.")
        return replace(
            said,
            url=said.url or url,
            url_from=f"The url of {self.recording.path}" if url else said.url_from,
            model=said.model or named.model or recorded.model or None,
            dialect=said.dialect or named.dialect or recorded.dialect or None,
        )

    def settings(self, now: Settings) -> Settings:
        """The recorded settings but for what the command line says; `now` are those that would hold without them."""
        recorded = self.conversation.settings
        kept: dict[str, Any] = {name: getattr(recorded, name) for name in RECALLED if not self._says(name)}
        if not self._says("approve"):
            kept["approve"] = max(recorded.approve, now.approve, key=CAUTION.__getitem__)
        named = {word.partition("=")[0] for word in self.said.param} | set(self.named.params)
        asked_for = {name: value for name, value in now.parameters.items() if name in named}
        return replace(now, **kept, parameters={**recorded.parameters, **asked_for})

    def tools(self, here: LoadedTools) -> LoadedTools:
        """The recorded tools, each as it is defined here; a person answers for one that is not."""
        defined = {tool.spec.name: tool for tool in here.tools}
        recorded = self.conversation.tools
        return replace(here, tools=tuple(defined.get(spec.name) or Tool(spec) for spec in recorded))

    @property
    def names_tools(self) -> bool:
        """Whether the command line says which tools are offered."""
        return bool(self.said.tools or self.named.tools)

    def _says(self, name: str) -> bool:
        return any(getattr(one, name, None) not in (None, ()) for one in (self.said, self.named))


@contextmanager
def resuming(path: Path, said: Flags, environ: Mapping[str, str], *, record: bool) -> Iterator[Resumed]:
    """Open a recording to go on with; while this lasts no second program can write it. Raises UnusableFile."""
    profiles = read_profiles(profile_path(environ)) if said.profile else {}
    named = profiles.get(said.profile or "", Profile("", Path()))
    file = LineFile.open(path) if record else None
    try:
        recording = RecordingFile(path)
        left = left_by(recording)
        yield Resumed(recording, left.conversation, left.owed, said, named, file)
    finally:
        if file is not None:
            file.close()


# ---- what a person should know ---------------------------------------------------------------------------------------


def greeting(resumed: Resumed) -> Iterator[str]:
    """What is gone on with, and what is not as it was."""
    path, words = resumed.recording.path, _words(resumed.recording)
    yield from resumed.recording.warnings
    last = f", the last: {_short(words[-1])}" if words else ""
    yield f"{path} goes on after {len(words)} prompt{'' if len(words) == 1 else 's'}{last}"
    if resumed.owed:
        yield "its last turn was cut off; it is ended as interrupted"
    if any(map(_has_masks, resumed.recording.entries)):
        yield "secrets in it are masked: to the model they are asterisks now"


def changes(before: Settings, now: Settings) -> Iterator[str]:
    """A sentence about the settings that are other than in the recording."""
    changed = [
        f"{field.name} {_short(old)} → {_short(new)}"
        for field in fields(Settings)
        if (old := getattr(before, field.name)) != (new := getattr(now, field.name))
    ]
    if changed:
        yield f"other than recorded: {'; '.join(changed)}"
    if CAUTION[before.approve] < CAUTION[now.approve]:
        yield f"a recording does not say what may run: --approve {before.approve} does"


def changed_tools(recorded: Sequence[ToolSpec], now: LoadedTools) -> Iterator[str]:
    """Sentences about the tools that are other than in the recording."""
    before = {spec.name: spec for spec in recorded}
    after = {spec.name: spec for spec in now.specs}
    differing = [name for name in before if name in after and not same_tools([before[name]], [after[name]])]
    lists = {
        "tools that are defined otherwise now": differing,
        "tools that are new": [name for name in after if name not in before],
        "tools that are gone": [name for name in before if name not in after],
        "tools that are not defined here, you answer their calls (--tools FILE brings them)": [
            tool.spec.name for tool in now.tools if any(tool.spec is spec for spec in recorded)
        ],
    }
    for what, names in lists.items():
        if names:
            yield f"{what}: {_short(', '.join(names))}"


def same_tools(some: Sequence[ToolSpec], others: Sequence[ToolSpec]) -> bool:
    """Whether a model is offered the same; where a definition stands does not matter."""
    return [replace(spec, source="") for spec in some] == [replace(spec, source="") for spec in others]


def _has_masks(entry: Entry) -> bool:
    """Whether a secret is hidden in a line; in a request it is so as a rule, and that is the key."""
    if isinstance(entry.event, BytesRead):
        return bool(entry.event.masked)
    return "masked" in entry.members and entry.kind != "request"


def _words(recording: RecordingFile) -> list[str]:
    return [entry.event.text for entry in recording.entries if isinstance(entry.event, UserMessage)]


def _masked(recording: RecordingFile) -> dict[str, Any]:
    """What is masked in the settings that hold at the end."""
    lines: list[Entry] = [entry for entry in recording.entries if isinstance(entry.event, SettingsChanged)]
    masked = lines[-1].members.get("masked") if lines else None
    return masked if isinstance(masked, dict) else {}


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=dict)
    text = " ".join(text.split())
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
