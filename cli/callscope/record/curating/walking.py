"""A conversation as the lines of a recording make it, and which line each of its items came from.

Knows how recorded events become a conversation again, and what its next request would be. Must not know files, nor
what anybody wants to change.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

from callscope.core.errors import CallscopeError
from callscope.core.events import PeerEvent, Rewound
from callscope.core.ports import Prepared
from callscope.core.state import Conversation, apply
from callscope.record.deriving.deriving import Deriving, DialectNamed, recorded_dialect
from callscope.record.file.format import RecordedEvent

Owner: TypeAlias = tuple[int, int]
"""Where an item comes from: the number of a line, and which of the items that this line brought."""


class Walk:
    """A conversation that grows line by line; `owners` are as many as its items, in ascending order."""

    def __init__(self, path: Path, dialects: DialectNamed | None = None) -> None:
        self._path = path
        self._dialects = dialects
        self._deriving = Deriving(path, dialects)
        self.conversation = Conversation()
        self.owners: list[Owner] = []

    def take(self, line: int, event: RecordedEvent) -> Sequence[PeerEvent]:
        """Go on by the event of a line; gives what a decoder made of it."""
        decoded = self._deriving.decode(event)
        brought = 0
        for one in (event, *decoded):
            self.conversation = apply(self.conversation, one)
            size = len(self.conversation.items)
            if isinstance(one, Rewound):
                del self.owners[size:]
            while len(self.owners) < size:
                self.owners.append((line, brought))
                brought += 1
        return decoded

    def request(self) -> Prepared | None:
        """What would be asked now; None where the recording does not say enough for that (its URL is masked)."""
        dialect = recorded_dialect(self._path, self.conversation.settings.dialect, self._dialects)
        try:
            return dialect.request(self.conversation)
        except CallscopeError:
            return None
