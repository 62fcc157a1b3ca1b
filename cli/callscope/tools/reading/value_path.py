"""Where a value stands in a document.

Knows keys and indexes from the top down. Must not know how a document is read.
"""

from __future__ import annotations

from typing import TypeAlias

ValuePath: TypeAlias = tuple[str | int, ...]
