"""What `recordings fork`, `trim`, `diff`, `redact`, `verify` and `shrink` do.

Knows how what a person asks for becomes a recording, a report and an exit code. Must not know Typer, nor what a line of
a recording says.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import asdict
from itertools import zip_longest
from pathlib import Path
from typing import Any

from callscope.core.errors import UsageError
from callscope.core.json_text import json_line
from callscope.core.visible import one_line, visible
from callscope.record.matching.matching import Absent

NOT_WHOLE = 1
LONGEST_SIDE = 80
"""Characters of one side of a difference that a line shows; JSON has all of it."""
SHORTEST = 8
"""Characters: a shorter value is too likely to be an ordinary word."""


def fork_recording(file: Path, at: int | None, output: Path | None) -> None:
    """Write a recording of everything up to a turn, and print its path."""
    from callscope.record.curating.forking import fork

    _made(fork(file, at, output=output))


def trim_recording(file: Path, turns: str, output: Path | None) -> None:
    """Write a recording of some turns, and print its path."""
    from callscope.record.curating.editing import origin_of
    from callscope.record.curating.trimming import trimmed
    from callscope.record.file.reading import RecordingFile
    from callscope.record.file.writing import write_beside

    wanted = turn_numbers(turns)
    _made(write_beside(file, trimmed(origin_of(RecordingFile(file)), wanted), output))


def turn_numbers(written: str) -> set[int]:
    """The numbers of `2,4-6`. Raises UsageError."""
    numbers: set[int] = set()
    for part in written.split(","):
        found = re.fullmatch(r"\s*([0-9]{1,6})\s*(?:-\s*([0-9]{1,6})\s*)?", part)
        if found is None or int(found[2] or found[1]) < int(found[1]):
            raise UsageError(f"--turns {written}: write numbers and ranges, such as 2,4-6.")
        numbers.update(range(int(found[1]), int(found[2] or found[1]) + 1))
    return numbers


def verify_recordings(files: Sequence[Path], value_env: Sequence[str], *, as_json: bool) -> int:
    """Print what is wrong with each recording; gives 1 where anything is."""
    from callscope.record.deriving.checking import check
    from callscope.record.secrets.ruling import Rules

    rules = Rules(values_of(value_env))
    code = 0
    for file in files:
        checked = check(file, rules)
        code = NOT_WHOLE if checked.problems else code
        if as_json:
            _write(json_line(asdict(checked) | {"path": str(file)}))
            continue
        for problem in checked.problems:
            _print(f"{file}, {problem}")
        for warning in checked.warnings:
            _say(f"callscope: {warning}")
        if not checked.problems:
            _print(f"{file}: whole, {checked.lines:,} lines, no secret found")
    return code


def diff_recordings(a: Path, b: Path, *, as_json: bool) -> int:
    """Print how two sessions differ; gives 1 where they do in more than settings, timing and prose."""
    from callscope.record.deriving.rederiving import derive
    from callscope.record.diffing import COUNTING, changes
    from callscope.record.file.reading import RecordingFile
    from callscope.record.telling import told

    found = changes(*(told(derive(RecordingFile(path))) for path in (a, b)))
    differ = any(change.cls in COUNTING for change in found)
    if as_json:
        members = [
            {"class" if name == "cls" else name: _json(value) for name, value in asdict(one).items()} for one in found
        ]
        _write(json_line({"a": str(a), "b": str(b), "differ": differ, "changes": members}))
        return int(differ)
    for change in found:
        place = "" if change.place == "turn" else f", {change.place}"
        path = "" if change.path == "$" else f" {change.path}"
        sides = " → ".join(map(_short, (change.a, change.b)))
        _print(one_line(f"{change.cls:<10} turn {change.turn}{place}:{path} {sides}"))
    if not found:
        _print("no difference")
    return int(differ)


def _json(value: Any) -> Any:
    return {"absent": True} if isinstance(value, Absent) else value


def _short(value: Any) -> str:
    """A side of a difference; of a long one the beginning."""
    text = str(value) if isinstance(value, Absent) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= LONGEST_SIDE else f"{text[: LONGEST_SIDE - 1]}…"


def redact_recording(
    file: Path, value_env: Sequence[str], paths: Sequence[str], output: Path | None, *, in_place: bool
) -> int:
    """Write a recording with more masked, and print its path; gives 1 where a secret is still in it."""
    from callscope.record.curating.redacting import redacted, redacted_header, values_at
    from callscope.record.deriving.checking import check
    from callscope.record.file.appending import LineFile
    from callscope.record.file.reading import RecordingFile
    from callscope.record.file.writing import new_beside, write_whole
    from callscope.record.matching.pointing import parse_path
    from callscope.record.secrets.masking import Secrets
    from callscope.record.secrets.ruling import Rules

    if in_place and output:
        raise UsageError("--in-place replaces the recording: --output says nothing beside it.")
    values = values_of(value_env)
    steps = {written: parse_path(written) for written in paths}
    lock = LineFile.open(file) if in_place else None
    try:
        recording = RecordingFile(file)
        for written, path in steps.items():
            found = values_at(recording, [path])
            if not found:
                raise UsageError(f"--path {written}: nothing stands there in {file}. Nothing was written.")
            values |= {f"{written} ({number})": value for number, value in enumerate(sorted(found), start=1)}
        secrets = Secrets(values.values())
        made = file if in_place else new_beside(file, output)
        write_whole(made, redacted_header(file, secrets, parent=not in_place), redacted(recording, secrets))
    finally:
        if lock is not None:
            lock.close()
    left = [problem for problem in check(made, Rules(values)).problems if problem.rule == "secret"]
    for problem in left:
        _say(f"callscope: {made}, {problem}")
    if not in_place and _same_lines(file, made):
        _say(f"callscope: nothing in {file} had to be masked: the lines of the new recording are the same.")
    _made(made)
    return NOT_WHOLE if left else 0


def _same_lines(file: Path, other: Path) -> bool:
    """Whether two recordings differ in nothing but their headers."""
    with file.open("rb") as one, other.open("rb") as two:
        next(one, None), next(two, None)
        return all(mine == yours for mine, yours in zip_longest(one, two))


def values_of(names: Sequence[str]) -> dict[str, str]:
    """The values of these variables. Raises UsageError where one is missing, or too short to be looked for."""
    values = {name: os.environ.get(name, "").strip() for name in names}
    for name, value in values.items():
        if not value:
            raise UsageError(f"--value-env {name}: the variable is not set.")
        if len(value) < SHORTEST:
            raise UsageError(
                f"--value-env {name}: its value has fewer than {SHORTEST} characters, as any word may have."
            )
    return values


def _made(path: Path) -> None:
    """Say where it is on stdout, so that a script can go on with it."""
    _print(str(path))


def _say(text: str) -> None:
    sys.stderr.write(visible(text) + "\n")


def _print(text: str) -> None:
    _write(visible(text) if sys.stdout.isatty() else text)


def _write(line: str) -> None:
    sys.stdout.write(line + "\n")
