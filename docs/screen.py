"""Draw docs/screen.svg: a sample recording, replayed in a terminal of 100 columns. Run by `make screen`."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pexpect
from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).parent.parent
COLUMNS = 100

output, code = pexpect.run(
    f"{sys.executable} -m callscope replay {ROOT / 'recordings/samples/decisions.jsonl'} --speed max",
    dimensions=(60, COLUMNS), encoding="utf-8", withexitstatus=True, timeout=60,
)  # fmt: skip
if code:
    raise SystemExit(output)
console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="truecolor")
console.print(Text.from_ansi(output.replace("\r\n", "\n")))
console.save_svg(str(ROOT / "docs" / "screen.svg"), title="callscope replay recordings/samples/decisions.jsonl")
