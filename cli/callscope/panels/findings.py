"""What went wrong in a turn, each thing counted once: what stands on the screen in red or yellow.

Knows what counts. Must not know where it is shown. What a failure spoils is not counted beside it, nor what the person
decided.
"""

from __future__ import annotations

from callscope.core.events import Diagnostic, ResponseFailed
from callscope.core.values import CallKey

Found = tuple[CallKey | int, str, str]


class Findings:
    """All findings of a turn."""

    def __init__(self) -> None:
        self._found: set[Found] = set()
        self.severe = False

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._found)

    def diagnosed(self, exchange: int, diagnostic: Diagnostic) -> None:
        """The server did something wrong; what is said again is one finding."""
        if diagnostic.severity != "info":
            owner = diagnostic.key or exchange
            self._add((owner, diagnostic.code, diagnostic.message), severe=diagnostic.severity == "error")

    def failed(self, exchange: int, failure: ResponseFailed) -> None:
        """A response broke; one that the person stopped did not."""
        if failure.kind != "cancelled":
            self._add((exchange, failure.kind, failure.message), severe=True)

    def ran_badly(self, key: CallKey, status: str) -> None:
        """A call came to an error."""
        if status in ("error", "timeout"):
            self._add((key, status, ""), severe=True)

    def _add(self, found: Found, *, severe: bool) -> None:
        self._found.add(found)
        self.severe = self.severe or severe
