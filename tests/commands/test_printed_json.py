"""JSON that commands print: what a peer, a file or its name says cannot command the terminal that it is printed on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from command_line import callscope
from written_recording import Written, says

EVIL = "a\x9b31mb\x85c\u202ed"
FILE = f"{EVIL}.jsonl"
TOOLS = {
    "tools": [
        {"name": "echo", "description": EVIL, "parameters": {"type": "object"}, "run": {"mock": f"said {EVIL}"}},
    ]
}


@pytest.mark.parametrize(
    "words",
    [
        ("recordings", "list", "--recordings", ".", "--json"),
        ("recordings", "show", FILE, "--json"),
        ("recordings", "verify", FILE, "--json"),
        ("recordings", "diff", FILE, "other.jsonl", "--json"),
        ("tools", "list", "--json"),
        ("tools", "schema"),
        ("tools", "lint", "--json", "--tools", f"{EVIL}.yaml"),
        ("call", "echo", "--json"),
        ("call", "echo", f"word={EVIL}", "--dry-run", "--json"),
    ],
)
def test_no_control_of_a_file_stands_in_the_json_of_a_command(words: tuple[str, ...], tmp_path: Path) -> None:
    Written().add("user", text=EVIL).exchanged(says(EVIL)).write(tmp_path / FILE)
    Written().add("user", text="other").exchanged(says("other")).write(tmp_path / "other.jsonl")
    for name in ("tools.yaml", f"{EVIL}.yaml"):
        (tmp_path / name).write_text(json.dumps(TOOLS))
    out = callscope(*words, folder=tmp_path).out
    assert not {"\x9b", "\x85", "\u202e"} & set(out)
    assert "\\u009b31m" in out
