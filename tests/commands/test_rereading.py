"""`callscope recordings compare-readers`, as a person or a script runs it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from command_line import callscope

SAMPLES = Path(__file__).parents[2] / "recordings" / "samples"


@pytest.fixture(scope="module")
def merged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording whose first exchange has two calls, both at index 0."""
    folder = tmp_path_factory.mktemp("merged")
    question = "What's the weather in Paris and Rome, with index always 0"
    ran = callscope("ask", "--demo", question, "--recordings", folder, "--approve", "always", folder=folder)
    assert ran.code == 0, ran.err
    return next(folder.glob("*.jsonl"))


def compared(file: Path, *options: str) -> Any:
    ran = callscope("recordings", "compare-readers", file, *options, "--json", folder=file.parent)
    assert ran.code == 0, ran.err
    return json.loads(ran.out)


@pytest.mark.parametrize("columns", [80, 120])
def test_the_table_fits_the_terminal_and_names_each_reader(merged: Path, columns: int) -> None:
    ran = callscope("recordings", "compare-readers", merged, folder=merged.parent, env={"COLUMNS": str(columns)})
    assert ran.code == 0
    assert max(map(len, ran.out.splitlines())) <= columns
    for words in ("Callscope  ", "openai-loop", "openai-helper", "httpx-sse", "calls merged into one"):
        assert words in ran.out


def test_json_has_the_verdict_of_each_reader_on_each_exchange(merged: Path) -> None:
    first, second = compared(merged)["exchanges"]
    verdicts = {row["reader"]: row["verdict"] for row in first["readers"]}
    assert verdicts == {"openai-loop": "merged_calls", "openai-helper": "merged_calls", "httpx-sse": "same"}
    assert {row["verdict"] for row in second["readers"]} == {"same"}


def test_json_has_what_each_reader_saw(merged: Path) -> None:
    [only] = compared(merged, "--exchange", "1")["exchanges"]
    assert [call["arguments"] for call in only["callscope"]["calls"]] == ['{"city": "Paris"}', '{"city": "Rome"}']
    assert only["readers"][0]["saw"]["calls"][0]["arguments"] == '{"city": "Paris"}{"city": "Rome"}'


def test_a_difference_is_no_failure_of_the_command(merged: Path) -> None:
    assert callscope("recordings", "compare-readers", merged, folder=merged.parent).code == 0


def test_an_exchange_that_there_is_not_is_a_usage_error(merged: Path) -> None:
    ran = callscope("recordings", "compare-readers", merged, "--exchange", "9", folder=merged.parent)
    assert ran.code == 2
    assert "has no exchange 9" in ran.err


def test_what_is_no_recording_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello\n")
    ran = callscope("recordings", "compare-readers", "notes.txt", folder=tmp_path)
    assert ran.code == 3
    assert ran.out == ""


@pytest.mark.parametrize("sample", ["weather", "error-in-mid-stream", "masked-secret"])
def test_the_samples_read_the_same_everywhere(sample: str) -> None:
    for exchange in compared(SAMPLES / f"{sample}.jsonl")["exchanges"]:
        assert {row["verdict"] for row in exchange["readers"]} == {"same"}


def test_no_other_reader_is_imported_by_the_program_itself() -> None:
    imports = "import sys, callscope.commands.rereading, callscope.slash.table"
    code = imports + "; print({'openai', 'httpx_sse'} & set(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert ran.stdout.strip() == "set()"


def test_who_leaves_while_the_lines_are_printed_gets_an_exit_code_of_its_own(merged: Path) -> None:
    compare = f"{sys.executable} -m callscope recordings compare-readers {merged}"
    command = f"{{ {compare}; echo code $? >code; }} | true"
    subprocess.run(["sh", "-c", command], cwd=merged.parent, capture_output=True, timeout=60, check=False)
    assert (merged.parent / "code").read_text() == "code 141\n"
