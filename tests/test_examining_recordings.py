"""`callscope doctor FILE`: what a recording is taken for."""

from __future__ import annotations

from pathlib import Path

from command_line import callscope

WEATHER = Path(__file__).parent.parent / "recordings" / "samples" / "weather.jsonl"


def test_a_dialect_that_is_to_be_found_out_is_that_of_the_recording(tmp_path: Path) -> None:
    ran = callscope("doctor", str(WEATHER), "--dialect", "auto", "--json", folder=tmp_path)
    assert (ran.last["dialect"], ran.last["error"]) == ("chat", None)
