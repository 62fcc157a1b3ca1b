"""Which rule says that something is a secret.

Knows given values by their names, and the vendors' tokens. Must not know where a text stands; never gives a value away.
"""

from __future__ import annotations

from collections.abc import Mapping

from .masking import Secrets
from .patterns import WHOLE
from .scanning import Scanner, Stream
from .views import views

CUT_SHORT = "the beginning of a given value"


class Rules:
    """What must not be in a recording: values by a name that may be told, and always the vendors' tokens."""

    def __init__(self, values: Mapping[str, str] | None = None) -> None:
        self.secrets = Secrets((values or {}).values())
        self._scanners = {name: Scanner([value.strip()]) for name, value in (values or {}).items() if value.strip()}

    def stream(self) -> Stream:
        """A text that arrives in pieces, to be looked through."""
        return Stream(self.secrets.scanner)

    def name(self, secret: bytes) -> str:
        """The rule by which this is a secret."""
        for view in views(secret):
            if found := WHOLE.search(view.data):
                return f"a token ({found.lastgroup})"
        given = (name for name, scanner in self._scanners.items() if scanner.find(secret))
        return f"the value of {name}" if (name := next(given, None)) else CUT_SHORT
