"""The import of httpx, as late and as light as it can be.

Knows what httpx would bring that nobody here needs. Must not know what it is used for.
"""

from __future__ import annotations

import sys
from threading import Lock
from types import ModuleType
from typing import cast

COMMAND_LINE = "httpx._main"

_LOADING = Lock()
"""The first request may come while a thread that imports ahead is not through: each would take the mark away."""


def load_httpx() -> None:
    """Import httpx without its command line, which pulls in rich, click and pygments (60 ms become 25).

    None in `sys.modules` makes an import fail (https://docs.python.org/3/reference/import.html#the-module-cache), and
    httpx is made to work without its command line: that is its extra `cli`. The mark is taken away again.
    """
    with _LOADING:
        if "httpx" in sys.modules:
            return
        modules = cast("dict[str, ModuleType | None]", sys.modules)
        modules[COMMAND_LINE] = None
        try:
            import httpx  # noqa: F401
        finally:
            del modules[COMMAND_LINE]
