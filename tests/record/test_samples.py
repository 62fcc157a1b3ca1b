"""The tracked samples derive to the golden transcripts; UPDATE_GOLDEN=1 in the environment rewrites these."""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from callscope.core.events import (
    ArgumentsDelta,
    BytesRead,
    CallAssembled,
    CallStarted,
    Diagnostic,
    Event,
    RemoteResult,
    ResponseCompleted,
    ResponseFailed,
    ResponseStarted,
    SettingsChanged,
    Stamped,
    TextDelta,
    ToolsChanged,
)
from callscope.record.deriving.rederiving import derive
from callscope.record.file.format import line_of
from callscope.record.file.reading import Recording, open_recording
from callscope.record.rerunning.rerunning import rerun
from recordbench import verify

ROOT = Path(__file__).parents[2]
SAMPLES = sorted((ROOT / "recordings" / "samples").glob("*.jsonl"))
GOLDEN = ROOT / "tests" / "golden"


def transcript(stamped: Iterator[Stamped]) -> str:
    """All events, one a line with its time; what a request and a tool definition hold is left to the recording."""
    return "".join(f"{one.at:9.6f}  {told(one.event)}\n" for one in stamped)


def told(event: Event) -> str:  # noqa: C901 - one flat case for each event
    match event:
        case BytesRead(data=data):
            return f"read {len(data)} bytes"
        case SettingsChanged(settings=settings):
            return f"settings {settings.dialect} {settings.model}"
        case ToolsChanged(tools=tools):
            return f"tools {' '.join(tool.name for tool in tools)}"
        case ResponseStarted():
            return f"  response of {event.model}"
        case TextDelta():
            return f"  {event.channel} {event.text!r}"
        case CallStarted():
            return f"  call {event.key.exchange}.{event.key.index} {event.name} {event.call_id}"
        case ArgumentsDelta():
            return f"  arguments {event.key.exchange}.{event.key.index} {event.text!r}"
        case CallAssembled(call=call):
            return f"  assembled {call.name} {call.arguments} {call.fault.code if call.fault else 'whole'}"
        case RemoteResult(result=result):
            return f"  remote result {result.output}"
        case ResponseCompleted():
            return f"  completed {event.finish_reason} {dict(event.usage.raw) if event.usage else None}"
        case ResponseFailed():
            return f"  failed {event.kind} {event.message}"
        case Diagnostic():
            return f"  {event.severity} {event.code} {event.message}"
        case _:
            line = line_of(event)
            hidden = ("kind", "headers", "body", "duration")
            return " ".join([line["kind"], *(f"{name}={line[name]!r}" for name in line if name not in hidden)])


def test_there_are_samples() -> None:
    assert len(SAMPLES) >= 5


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_a_sample_derives_to_its_golden_transcript(sample: Path) -> None:
    golden = GOLDEN / f"{sample.stem}.txt"
    derived = transcript(derive(open_recording(sample)))
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(derived)
    assert derived == golden.read_text()


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_a_sample_says_what_its_bytes_say(sample: Path) -> None:
    assert list(open_recording(sample).warnings) == []
    assert verify(open_recording(sample)) is None


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_a_sample_can_be_run_again(sample: Path) -> None:
    report = asyncio.run(rerun(open_recording(sample)))
    assert report.divergence is None
    assert report.stopped == ""


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_changing_a_byte_of_an_argument_in_a_sample_shows(sample: Path, tmp_path: Path) -> None:
    recording = open_recording(sample)
    changed = tmp_path / sample.name
    changed.write_text("".join(with_one_letter_changed(recording, sample.read_text().splitlines(keepends=True))))
    assert transcript(derive(open_recording(changed))) != transcript(derive(recording))
    difference = verify(open_recording(changed))
    assert difference is not None
    assert difference.path.endswith("arguments")


def with_one_letter_changed(recording: Recording, lines: list[str]) -> list[str]:
    """The lines with the last letter of a delta of arguments changed in the bytes it came in."""
    for stamped in derive(recording):
        if not isinstance(delta := stamped.event, ArgumentsDelta) or not re.search("[a-z]", delta.text):
            continue
        written = json.dumps(json.dumps(delta.text, ensure_ascii=False), ensure_ascii=False)[1:-1]
        for place, line in enumerate(lines):
            if '"kind":"read"' in line and written in line:
                changed = re.sub("[a-z](?=[^a-z]*$)", "X", written)
                return [*lines[:place], line.replace(written, changed), *lines[place + 1 :]]
    raise AssertionError("the sample has no arguments")


def test_no_golden_transcript_is_left_over() -> None:
    assert {path.stem for path in GOLDEN.glob("*.txt")} == {path.stem for path in SAMPLES}
