"""Before whom a recording is shown, and how it begins and ends there.

Knows lines and JSON lines. Must not know what is shown, nor why.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from callscope.core.ports import Sink
from callscope.core.visible import visible

if TYPE_CHECKING:
    from callscope.ui.jsonl import JsonLines


def say(text: str) -> None:
    """Tell the person something."""
    sys.stderr.write(visible(text) + "\n")
    sys.stderr.flush()


@dataclass(slots=True)
class Shown:
    """What a recording is shown to, and the exit code that it comes to; `json_lines` is None where a person reads."""

    sinks: Sequence[Sink]
    exit_code: int = 0
    json_lines: JsonLines | None = None
    error: str | None = None


@contextmanager
def shown_to(file: Path, *, as_json: bool) -> Iterator[Shown]:
    """Views for a recording; JSON lines begin and end as `ask` has them."""
    if not as_json:
        from callscope.ui.lines import LinesView, chrome_console

        lines = LinesView(sys.stdout, chrome_console(sys.stderr), echo_user=True)
        try:
            yield Shown([lines])
        finally:
            lines.close()
        return
    from callscope.ui.jsonl import JsonLines
    from callscope.ui.outcome import Outcome

    view, outcome = JsonLines(sys.stdout), Outcome()
    view.begin(str(file))
    shown = Shown([view, outcome], json_lines=view)
    yield shown
    view.write(outcome.as_json(exit_code=shown.exit_code, recording=str(file), error=shown.error))
