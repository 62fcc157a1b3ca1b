"""Any recording happens again; anything that is changed in it is found, and called by its name."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from callscope.record.file.reading import RecordingFile
from callscope.record.matching.ignoring import Ignored
from callscope.record.matching.matching import Mismatch
from callscope.record.matching.requests import Level
from callscope.record.rerunning.divergence import MOST_NAMED, MOST_PATHS, Divergence, divergence
from callscope.record.rerunning.report import RerunReport
from callscope.record.rerunning.rerunning import rerun
from callscope.record.rerunning.sameness import Terms
from recordbench import Scene, plain, says, wants
from sessionbench import PARIS, ROME, fresh_folder, recorded, steps

Line = dict[str, Any]
SAMPLES = sorted((Path(__file__).parents[3] / "recordings" / "samples").glob("*.jsonl"))
examples = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])


def again(path: Path, level: Level = "semantic", ignore: Sequence[str] = (), **ports: Any) -> RerunReport:
    terms = Terms(level, Ignored.of(ignore))
    return asyncio.run(rerun(RecordingFile(path), terms=terms, **ports))


def lines_of(path: Path) -> list[Line]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def write(path: Path, lines: Sequence[Line]) -> None:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def kinds(report: RerunReport) -> list[str]:
    return [one.kind for one in report.divergences]


# ---- nothing changed ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", ["wire", "semantic", "shape"])
@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_a_sample_happens_again_however_strictly_it_is_compared(sample: Path, level: Level) -> None:
    assert again(sample, level).same


@examples
@given(happens=steps, begun_before=st.booleans(), level=st.sampled_from(["wire", "semantic", "shape"]))
def test_any_session_happens_again(happens: list[str], begun_before: bool, level: Level) -> None:
    with fresh_folder() as folder:
        report = again(recorded(Path(folder), happens, begun_before), level, dialects=plain)
    assert report.same, report
    assert str(report).startswith({"wire": "exact: ", "semantic": "the same: ", "shape": "the same shape: "}[level])


# ---- one thing changed --------------------------------------------------------------------------------------------

Mutation = Callable[[list[Line], int], "list[Line] | None"]
"""Changes one of the places where it can; None where it can nowhere."""


def nth(lines: list[Line], which: int, wanted: Callable[[Line], bool]) -> Line | None:
    found = [line for line in lines if wanted(line)]
    return found[which % len(found)] if found else None


def of_kind(kind: str) -> Callable[[Line], bool]:
    return lambda line: line["kind"] == kind


def other_words(lines: list[Line], which: int) -> list[Line] | None:
    line = nth(lines, which, of_kind("user"))
    if line is not None:
        line["text"] += "?"
    return lines if line else None


def other_request(lines: list[Line], which: int) -> list[Line] | None:
    line = nth(lines, which, of_kind("request"))
    if line is not None:
        body = json.loads(line["body"])
        line["body"] = json.dumps(body | {"model": "another"})
    return lines if line else None


def other_start(lines: list[Line], which: int) -> list[Line] | None:
    line = nth(lines, which, of_kind("started"))
    if line is not None:
        line["arguments"] = json.dumps({"city": "Utrecht"})
    return lines if line else None


def other_edit(lines: list[Line], which: int) -> list[Line] | None:
    line = nth(lines, which, lambda line: line["kind"] == "decision" and line["action"] == "edit")
    if line is not None:
        line["arguments"] = json.dumps({"city": "Utrecht"})
    return lines if line else None


def other_refusal(lines: list[Line], which: int) -> list[Line] | None:
    line = nth(lines, which, lambda line: line["kind"] == "result" and line["status"] in ("rejected", "mocked"))
    if line is not None:
        line["output"] += "!"
    return lines if line else None


def other_bytes(lines: list[Line], which: int) -> list[Line] | None:
    line = nth(lines, which, lambda line: line["kind"] == "read" and "e" in line.get("text", ""))
    if line is not None:
        line["text"] = line["text"].replace("e", "a", 1)
    return lines if line else None


def other_meaning(lines: list[Line], which: int) -> list[Line] | None:
    """The bytes and their sum are as another server might have sent them, and `assembled` says what they meant then."""
    line = nth(lines, which, lambda line: line["kind"] == "assembled" and bool(line["message"]["content"]))
    if line is not None:
        line["message"]["content"] += "!"
    return lines if line else None


def other_ending(lines: list[Line], which: int) -> list[Line] | None:
    line = nth(lines, which, lambda line: line["kind"] == "end" and line["how"] == "complete")
    if line is not None:
        line["how"] = "reset"
    return lines if line else None


def other_reason(lines: list[Line], which: int) -> list[Line] | None:
    line = nth(lines, which, lambda line: line["kind"] == "turn")
    if line is not None:
        line["reason"] = "aborted"
    return lines if line else None


def no_exchange(lines: list[Line], which: int) -> list[Line] | None:
    request = nth(lines, which, of_kind("request"))
    if request is None:
        return None
    number = request["exchange"]
    return [line for line in lines if line.get("exchange") != number and (line.get("call") or [0])[0] != number]


def no_decision(lines: list[Line], which: int) -> list[Line] | None:
    decision = nth(lines, which, of_kind("decision"))
    return None if decision is None else [line for line in lines if line is not decision]


def one_more_exchange(lines: list[Line], which: int) -> list[Line] | None:
    request = nth(lines, which, of_kind("request"))
    if request is None:
        return None
    copied = [dict(line) for line in lines if line.get("exchange") == request["exchange"]]
    return [*lines, *(line | {"exchange": 99} for line in copied)]


def exchange_twice(lines: list[Line], which: int) -> list[Line] | None:
    request = nth(lines, which, of_kind("request"))
    if request is None:
        return None
    place = lines.index(request)
    return [*lines[: place + 1], dict(request), *lines[place + 1 :]]


def swapped_requests(lines: list[Line], which: int) -> list[Line] | None:
    requests = [line for line in lines if line["kind"] == "request"]
    bodies = {line["body"] for line in requests}
    if len(bodies) < 2:
        return None
    one = requests[which % len(requests)]
    other = next(line for line in requests if line["body"] != one["body"])
    one["body"], other["body"] = other["body"], one["body"]
    return lines


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (other_words, "request"),
        (other_request, "request"),
        (other_start, "arguments"),
        (other_edit, "arguments"),
        (other_refusal, "result"),
        (other_bytes, "integrity"),
        (other_meaning, "parse"),
        (other_ending, "ending"),
        (other_reason, "ending"),
        (no_exchange, "extra"),
        (no_decision, "extra"),
        (one_more_exchange, "missing"),
        (exchange_twice, "integrity"),
        (swapped_requests, "order"),
    ],
)
@settings(parent=examples)
@given(happens=steps, which=st.integers(0, 20))
def test_whatever_is_changed_is_found_and_called_by_its_name(
    change: Mutation, kind: str, happens: list[str], which: int
) -> None:
    with fresh_folder() as folder:
        path = recorded(Path(folder), happens)
        changed = change(lines_of(path), which)
        assume(changed is not None)
        assert changed is not None
        write(path, changed)
        report = again(path, dialects=plain)
    assert not report.same
    assert report.divergence is not None
    assert kind in kinds(report), [str(one) for one in report.divergences]
    assert report.divergence.kind == kind, [str(one) for one in report.divergences]


def test_an_edited_argument_with_its_sum_mended_is_another_meaning(tmp_path: Path) -> None:
    path = recorded(tmp_path, ["calls"])
    lines = lines_of(path)
    body = b""
    for line in lines:
        if line["kind"] == "read" and line["exchange"] == 1:
            line["text"] = line["text"].replace("Pari", "Pori")
            body += line["text"].encode()
        elif line["kind"] == "end" and line["exchange"] == 1:
            line["sha256"] = sha256(body).hexdigest()
    write(path, lines)
    assert b"Pori" in body
    report = again(path, dialects=plain)
    assert report.divergence is not None
    assert (report.divergence.kind, report.divergence.path) == ("parse", "$.calls[0].arguments")


# ---- what is told of it -------------------------------------------------------------------------------------------


def test_the_rest_is_counted_after_the_first(tmp_path: Path) -> None:
    path = recorded(tmp_path, ["calls", "says", "calls"])
    lines = lines_of(path)
    for line in lines:
        if line["kind"] == "request":
            line["body"] = json.dumps(json.loads(line["body"]) | {"temperature": line["exchange"]})
    write(path, lines)
    report = again(path, dialects=plain)
    assert (report.count, [one.exchange for one in report.divergences]) == (5, [1, 2, 3, 4, 5])
    assert str(report).startswith("5 divergences, the first request: request 1 (line 5), $.body.temperature:")


def test_what_later_requests_only_carry_along_is_told_once(tmp_path: Path) -> None:
    path = recorded(tmp_path, ["calls", "says", "says"])
    lines = lines_of(path)
    result = next(line for line in lines if line["kind"] == "result")
    result["output"] = "fog"
    write(path, lines)
    report = again(path, dialects=plain)
    assert [(one.kind, one.exchange, one.path) for one in report.divergences] == [
        ("request", 2, "$.body.messages[2].result")
    ]


def test_the_recorded_exchange_that_is_most_alike_is_named(tmp_path: Path) -> None:
    path = recorded(tmp_path, ["calls", "says"])
    write(path, [*filter(None, (no_exchange(lines_of(path), 1) or []))])
    found = again(path, dialects=plain).divergence
    assert found is not None
    assert (found.kind, found.exchange, found.nearest) == ("extra", 2, 1)


def test_an_ignored_path_makes_no_difference_and_is_named_in_the_verdict(tmp_path: Path) -> None:
    path = recorded(tmp_path, ["calls"])
    write(path, other_request(lines_of(path), 1) or [])
    report = again(path, ignore=["$.model"], dialects=plain)
    assert report.same
    assert str(report) == "the same: turns 1, exchanges 2, calls 1. Left out: $.model."
    assert not again(path, ignore=["$.messages"], dialects=plain).same


def test_other_spacing_differs_only_byte_by_byte(tmp_path: Path) -> None:
    path = recorded(tmp_path, ["calls"])
    lines = lines_of(path)
    for line in lines:
        if line["kind"] == "request":
            line["body"] = json.dumps(json.loads(line["body"]), separators=(",", ":"))
    write(path, lines)
    assert again(path, dialects=plain).same
    assert kinds(again(path, "wire", dialects=plain)) == ["request", "request"]


def test_other_values_of_the_same_types_have_the_same_shape(tmp_path: Path) -> None:
    path = recorded(tmp_path, ["calls"])
    lines = lines_of(path)
    started = next(line for line in lines if line["kind"] == "started")
    started["arguments"] = '{"city": "Utrecht"}'
    write(path, lines)
    assert again(path, "shape", dialects=plain).same
    started["arguments"] = '{"city": ["Utrecht"]}'
    write(path, lines)
    assert kinds(again(path, "shape", dialects=plain)) == ["arguments"]


def test_a_recording_that_was_changed_in_thousands_of_places_is_counted_and_not_listed(tmp_path: Path) -> None:
    many = [wants(PARIS, ROME), says("Sunny.")] * 60
    path = Scene(tmp_path, many).play(*map(str, range(60)))
    lines = lines_of(path)
    for line in lines:
        if line["kind"] == "started":
            line["arguments"] = "{}"
    write(path, lines)
    report = again(path, dialects=plain)
    assert (report.count, len(report.divergences)) == (120, MOST_NAMED)


def test_the_paths_of_one_place_are_bounded_and_the_rest_is_counted() -> None:
    found = divergence("request", ("request", 1, 0), (Mismatch(f"$[{n}]", 1, 2) for n in range(80)))
    assert found is not None
    assert (len(found.differences), found.more) == (MOST_PATHS, 80 - MOST_PATHS)
    assert str(found).endswith("and 79 more paths")


def test_two_long_texts_are_shown_where_they_part() -> None:
    recorded_text, now = "a" * 500 + "tea", "a" * 500 + "coffee"
    one = Divergence("result", "result", 1, 0, 9, (Mismatch("$.output", recorded_text, now),), call="tea · a1")
    assert (
        str(one) == f'result: result of tea · a1 (line 9), $.output: recorded …"{"a" * 40}tea", now …"{"a" * 40}coffee"'
    )


def test_a_divergence_as_json_leaves_out_the_side_that_is_not_there(tmp_path: Path) -> None:
    path = recorded(tmp_path, ["calls"])
    lines = lines_of(path)
    request = next(line for line in lines if line["kind"] == "request")
    request["body"] = json.dumps(json.loads(request["body"]) | {"n": 1})
    write(path, lines)
    found = again(path, dialects=plain).divergence
    assert found is not None
    assert found.as_json() == {
        "class": "request",
        "what": "request",
        "exchange": 1,
        "index": 0,
        "line": lines.index(request) + 1,
        "nearest": 1,
        "differences": [{"path": "$.body.n", "recorded": 1}],
        "more": 0,
    }
