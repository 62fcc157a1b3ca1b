"""docs/diagnostics.md and the table in the code are one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from callscope.dialects import diagnostics
from callscope.dialects.diagnostics import CODES, Code, diagnostic, excerpt

ROOT = Path(__file__).parents[2]
DOC = ROOT / "docs" / "diagnostics.md"
TABLES = ("diagnostics.py", "codes.py", "chunk_codes.py", "framing_codes.py", "offer_codes.py")
SOURCES = sorted((ROOT / "cli" / "callscope" / "dialects").rglob("*.py"))


def row(name: str, code: Code) -> str:
    """The line of the page that tells of a code."""
    sentence = re.sub(r"\{\w+\}", "…", code.sentence).replace("{{}}", "{}")
    cells = (f"`{name}`", code.severity, sentence, code.seen, code.done)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def test_the_page_tells_of_every_code_in_the_words_of_the_table_and_of_no_other() -> None:
    rows = [line for line in DOC.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    assert rows == [row(name, code) for name, code in CODES.items()]


@pytest.mark.parametrize("name", CODES)
def test_a_code_is_used_somewhere(name: str) -> None:
    used = [path.name for path in SOURCES if path.name not in TABLES and f'"{name}"' in path.read_text("utf-8")]
    assert used


def test_a_code_is_named_once_and_in_snake_case() -> None:
    groups = [value for name, value in vars(diagnostics).items() if isinstance(value, dict) and name.isupper()]
    assert sum(map(len, groups)) == 2 * len(CODES)
    assert all(re.fullmatch(r"[a-z][a-z0-9_]+", name) for name in CODES)


def test_a_sentence_has_its_facts() -> None:
    found = diagnostic("id_shared", text="a", call_id="b")
    assert (found.severity, found.code) == ("warning", "id_shared")
    assert "a" in found.message


def test_an_excerpt_is_one_short_line() -> None:
    assert excerpt("a\n b") == "a b"
    assert len(excerpt("x" * 10_000)) == diagnostics.EXCERPT + 1
