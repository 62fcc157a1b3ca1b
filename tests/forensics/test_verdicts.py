"""docs/forensics.md and the table of verdicts are one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from callscope.dialects.diagnostics import FAULTS
from callscope.forensics.entries import Entry
from callscope.forensics.verdicts import GROUPS, VERDICTS, rank, verdict
from quirkbodies import FOLDER, corpus, read_whole

ROOT = Path(__file__).parents[2]
DOC = ROOT / "docs" / "forensics.md"
TABLES = ("no_call_codes.py", "not_run_codes.py", "verdicts.py")
SOURCES = sorted((ROOT / "cli" / "callscope" / "forensics").glob("*.py"))
FROM_FAULTS = ("arguments_", "name_missing", "delta_lost", "response_")


def row(code: str, entry: Entry) -> str:
    """The line of the page that tells of a verdict."""
    texts = [re.sub(r"\{\w+\}", "…", text) for text in (entry.sentence, entry.advice)]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in (f"`{code}`", entry.certainty, *texts)) + " |"


def page() -> str:
    """All tables as the page has them."""
    parts: list[str] = []
    for heading, group in GROUPS.items():
        head = [f"### {heading}", "", "| verdict | | what it says | what to do |", "|---|---|---|---|"]
        parts.append("\n".join([*head, *(row(code, entry) for code, entry in group.items())]))
    return "\n\n".join(parts)


def test_the_page_tells_of_every_verdict_in_the_words_of_the_table_and_of_no_other() -> None:
    text = DOC.read_text(encoding="utf-8")
    assert page() in text
    assert len(re.findall(r"^\| `", text, re.MULTILINE)) == len(VERDICTS)


@pytest.mark.parametrize("code", [code for code in VERDICTS if not code.startswith(FROM_FAULTS)])
def test_a_verdict_is_given_somewhere(code: str) -> None:
    assert [path.name for path in SOURCES if path.name not in TABLES and f'"{code}"' in path.read_text("utf-8")]


@pytest.mark.parametrize("code", [*FAULTS, "response_incomplete"])
def test_each_fault_that_a_decoder_finds_has_a_verdict_of_its_own(code: str) -> None:
    assert code in VERDICTS


@pytest.mark.parametrize("folder", [FOLDER, FOLDER / "responses"], ids=lambda folder: folder.name)
def test_no_body_has_a_fault_beyond_these(folder: Path) -> None:
    calls = [call for note in corpus(folder) for call in read_whole(note.path).calls]
    found = {call.fault.code for call in calls if call.fault}
    assert found
    assert found <= {*FAULTS, "response_incomplete"}


def test_a_code_is_named_once_and_in_snake_case() -> None:
    assert sum(map(len, GROUPS.values())) == len(VERDICTS)
    assert all(re.fullmatch(r"[a-z][a-z_]+", code) for code in VERDICTS)


def test_what_is_surer_comes_first_and_then_what_stands_first_in_the_table() -> None:
    words = verdict("answered_in_words", count="1 tool was")
    hint = verdict("asked_for_more")
    leak = verdict("answer_empty")
    assert sorted([hint, words, leak], key=rank) == [leak, words, hint]
