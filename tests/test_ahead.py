"""What is imported while the person reads the first prompt."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import asyncio, gc, sys
from callscope import ahead

ahead.DELAY = 0.0

async def main(leaves_at_once):
    with ahead.importing_ahead():
        if not leaves_at_once:
            while "pydantic.json_schema" not in sys.modules:
                await asyncio.sleep(0.01)

asyncio.run(main({leaves_at_once}))
print(*sys.modules, f"frozen:{{gc.get_freeze_count() > 10_000}}")
"""


def loaded(folder: Path, *, leaves_at_once: bool) -> set[str]:
    program = PROGRAM.format(leaves_at_once=leaves_at_once)
    done = subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return set(done.stdout.split())


def test_a_turn_finds_its_modules_imported(tmp_path: Path) -> None:
    modules = loaded(tmp_path, leaves_at_once=False)
    assert modules >= {"httpx", "httpcore", "callscope.dialects.chat.decoder", "jsonschema", "pydantic.json_schema"}


def test_no_collection_in_a_turn_looks_at_what_stays(tmp_path: Path) -> None:
    assert "frozen:True" in loaded(tmp_path, leaves_at_once=False)


@pytest.mark.parametrize("module", ["openai", "httpx._main", "pygments"])
def test_nothing_is_imported_that_no_turn_needs(tmp_path: Path, module: str) -> None:
    assert module not in loaded(tmp_path, leaves_at_once=False)


def test_who_leaves_at_once_waits_for_no_import(tmp_path: Path) -> None:
    assert loaded(tmp_path, leaves_at_once=True).isdisjoint({"httpx", "jsonschema", "pydantic"})
