from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from callscope.core.errors import UnusableFile
from callscope.record.deriving.checking import Checked, check
from callscope.record.secrets.ruling import Rules
from callscope.version import VERSION
from planted_secrets import KNOWN, ODD, PEM, SK, VENDORS
from recordbench import Answer, Scene, lines, plain, says, wants

SAMPLES = sorted((Path(__file__).parents[3] / "recordings" / "samples").glob("*.jsonl"))
GIVEN = Rules({"CORP_KEY": KNOWN, "ODD_KEY": ODD})


def played(folder: Path, *answers: Answer | bytes, words: str = "Weather?") -> Path:
    return Scene(folder, answers).play(words)


def looked_through(path: Path, rules: Rules = GIVEN) -> Checked:
    return check(path, rules, plain)


def told(path: Path, rules: Rules = GIVEN) -> list[str]:
    return [str(problem) for problem in looked_through(path, rules).problems]


def edited(path: Path, kind: str, edit: Callable[[dict[str, object]], object]) -> int:
    """Change the first line of this kind as a person in an editor would; gives its number."""
    written = path.read_text().splitlines()
    number = next(place for place, line in enumerate(written) if json.loads(line)["kind"] == kind)
    line = json.loads(written[number])
    edit(line)
    written[number] = json.dumps(line, ensure_ascii=False)
    path.write_text("\n".join(written) + "\n")
    return number + 1


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_a_sample_is_sealed(sample: Path) -> None:
    checked = check(sample)
    assert (checked.problems, checked.warnings) == ([], [])


def test_a_recording_as_it_was_made_has_no_problem(tmp_path: Path) -> None:
    path = played(tmp_path, wants(("get_weather", '{"city":"Paris"}')), says("Sunny."))
    checked = looked_through(path)
    assert (checked.problems, checked.lines) == ([], len(path.read_bytes().splitlines()))


# ---- secrets -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("secret", [*VENDORS, KNOWN], ids=lambda secret: secret[:4])
@pytest.mark.parametrize("cuts", [3, 1000])
def test_a_secret_in_the_bytes_of_a_response_is_told_without_saying_it(tmp_path: Path, secret: str, cuts: int) -> None:
    path = played(tmp_path, Answer(lines({"other": secret}, {"text": "hi"}, {"finish": "stop"}), cuts=cuts))
    found = told(path)
    assert any("the bytes of the response [secret]" in one for one in found)
    assert not any(secret[8:16] in one for one in found)


@pytest.mark.parametrize("secret", [SK, KNOWN, ODD], ids=["token", "given", "odd"])
def test_a_secret_spread_over_deltas_is_told_where_no_byte_shows_it(tmp_path: Path, secret: str) -> None:
    pieces = [secret[at : at + 4] for at in range(0, len(secret), 4)]
    calls = [{"call": 0, "id": "c", "name": "get_weather", "arguments": piece} for piece in pieces]
    path = played(tmp_path, lines(*calls, {"finish": "tool_calls"}), says("ok"))
    assert any("the arguments of get_weather · c over deltas" in one for one in told(path))


def test_a_secret_in_the_id_of_a_call_is_not_said_where_its_arguments_are_told(tmp_path: Path) -> None:
    pieces = [SK[at : at + 4] for at in range(0, len(SK), 4)]
    calls = [{"call": 0, "id": KNOWN, "name": "get_weather", "arguments": piece} for piece in pieces]
    found = told(played(tmp_path, lines(*calls, {"finish": "tool_calls"}), says("ok")))
    assert any(f"the arguments of get_weather · {'*' * len(KNOWN)} over deltas" in one for one in found)
    assert not any(KNOWN in one for one in found)


def test_a_secret_in_assembled_text_is_told_with_its_path(tmp_path: Path) -> None:
    path = played(tmp_path, says("x"))
    number = edited(path, "assembled", lambda line: line.update(note={"a": [SK]}))
    assert f"line {number}: a token (sk) stands in $.note.a[0] [secret]" in told(path)


@pytest.mark.parametrize("line", ["user", "settings", "turn"])
def test_a_secret_in_any_member_of_any_line_is_told(tmp_path: Path, line: str) -> None:
    path = played(tmp_path, says("x"))
    number = edited(path, line, lambda members: members.update(extra=KNOWN))
    assert told(path) == [f"line {number}: the value of CORP_KEY stands in $.extra [secret]"]


def test_a_secret_in_a_line_that_nobody_knows_is_told(tmp_path: Path) -> None:
    path = played(tmp_path, says("x"))
    with path.open("a") as file:
        file.write(json.dumps({"t": 9, "kind": "later", "headers": 7, "base64": "?", "url": [SK]}) + "\n")
    assert told(path)[-1].endswith("a credential stands in $.url[0] [secret]")


def test_a_credential_in_a_header_is_told_whatever_it_looks_like(tmp_path: Path) -> None:
    path = played(tmp_path, says("x"))
    number = edited(path, "request", lambda line: line.update(headers=[["x-api-key", "plain"]]))
    assert told(path) == [f"line {number}: a credential stands in $.headers[0][1] [secret]"]


def test_a_span_that_is_listed_and_not_masked_is_told(tmp_path: Path) -> None:
    path = played(tmp_path, says("x"))
    edited(path, "read", lambda line: line.update(masked=[[0, 3]]))
    assert any("its place is listed, and it is not masked" in one for one in told(path))


def test_a_secret_in_the_name_of_the_parent_is_told(tmp_path: Path) -> None:
    path = played(tmp_path, says("x"))
    edited(path, "header", lambda line: line.update(parent=f"{SK}.jsonl"))
    assert told(path)[0] == "line 1: a token (sk) stands in $.parent [secret]"


def test_a_private_key_that_a_tool_printed_is_told(tmp_path: Path) -> None:
    path = played(tmp_path, wants(("get_weather", "{}")), says("x"))
    edited(path, "result", lambda line: line.update(prints=PEM))
    assert any("a token (pem) stands in $.prints" in one for one in told(path))


# ---- integrity -----------------------------------------------------------------------------------------------------


def test_changed_bytes_are_told_by_line_and_rule(tmp_path: Path) -> None:
    path = played(tmp_path, says("Sunny."))
    path.write_text(path.read_text().replace('{\\"text\\": ', '{\\"text\\":\\t', 1))
    (problem,) = looked_through(path).problems
    assert (problem.rule, "$.sha256" in problem.message) == ("hash", True)


def test_what_derives_otherwise_is_told_without_a_value(tmp_path: Path) -> None:
    path = played(tmp_path, says("Sunny."))
    number = edited(path, "assembled", lambda line: line["message"].update(content="Rain."))  # type: ignore[attr-defined]
    (problem,) = looked_through(path).problems
    assert (problem.line, problem.rule) == (number, "derived")
    assert "Rain" not in problem.message


@pytest.mark.parametrize("tail", [b'{"t":9,"kind":"us', b"\0" * 5000, b'{"t":9,"ki\0\0\0\0', b"\xff\xfe"])
def test_a_torn_tail_is_a_warning(tmp_path: Path, tail: bytes) -> None:
    path = played(tmp_path, says("x"))
    path.write_bytes(path.read_bytes() + tail)
    checked = looked_through(path)
    assert checked.problems == []
    assert "it is left out" in checked.warnings[0]


def test_a_broken_last_line_that_was_not_cut_off_is_told_with_its_number(tmp_path: Path) -> None:
    path = played(tmp_path, says("x"))
    written = path.read_bytes()
    path.write_bytes(written + b'{"t":9,"kind":"us\n')
    (problem,) = looked_through(path).problems
    assert (problem.line, problem.rule) == (len(written.splitlines()) + 1, "format")


def test_a_broken_line_is_told_with_its_number(tmp_path: Path) -> None:
    path = played(tmp_path, says("x"))
    written = path.read_bytes().splitlines(keepends=True)
    written[4] = b'{"t":1,' + written[5]
    path.write_bytes(b"".join(written))
    (problem,) = looked_through(path).problems
    assert (problem.line, problem.rule) == (5, "format")


@pytest.mark.parametrize("number", range(1, 12))
def test_a_recording_that_lost_its_end_at_any_line_is_whole_up_to_there(tmp_path: Path, number: int) -> None:
    path = played(tmp_path, wants(("get_weather", '{"city":"Paris"}')), says("Sunny."))
    written = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(written[:number]) + written[number][: len(written[number]) // 2])
    checked = looked_through(path)
    assert checked.problems == []
    assert len(checked.warnings) == 1


@pytest.mark.parametrize(
    "content",
    [
        gzip.compress(b"x" * 100_000),
        b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 100,
        b'{"type":"session","id":1}\n' * 100,
        b"",
        b"\0" * 100_000,
    ],
    ids=["gzip", "png", "other json lines", "empty", "nothing but NUL"],
)
def test_a_foreign_file_is_refused_in_one_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "foreign.jsonl"
    path.write_bytes(content)
    (problem,) = looked_through(path).problems
    assert problem.rule == "format"


def test_a_file_that_is_not_there_is_no_recording_with_a_problem(tmp_path: Path) -> None:
    with pytest.raises(UnusableFile, match="is not there"):
        check(tmp_path / "none.jsonl")


def test_looking_changes_nothing(tmp_path: Path) -> None:
    path = Path(shutil.copy(SAMPLES[0], tmp_path))
    before = path.read_bytes(), path.stat().st_mtime_ns
    check(path)
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before


# ---- what another version says of the same bytes ---------------------------------------------------------------------


def complained(folder: Path, program: str) -> Path:
    """A recording by this version of an answer that there is something to be said of, and of a call with a fault."""
    path = played(folder, b"no line of it\n" + wants(("get_weather", "{}"))[:-2])
    edited(path, "header", lambda line: line.update(program=program))
    return path


def diagnostics_of(line: dict[str, object]) -> list[dict[str, object]]:
    said = line["diagnostics"]
    assert isinstance(said, list)
    assert said
    return said


@pytest.mark.parametrize("program", [VERSION, "0.0.9"])
def test_another_wording_of_a_complaint_or_a_fault_is_no_difference(tmp_path: Path, program: str) -> None:
    path = complained(tmp_path, program)

    def reword(line: dict[str, object]) -> None:
        diagnostics_of(line)[0]["message"] = "As it was put before."
        line["calls"][0]["fault"]["message"] = "As it was put before."  # type: ignore[index]

    edited(path, "assembled", reword)
    checked = looked_through(path)
    assert (checked.problems, checked.warnings) == ([], [])


@pytest.mark.parametrize("member", ["code", "severity", "bytes", "call"])
def test_another_complaint_of_the_same_version_is_damage(tmp_path: Path, member: str) -> None:
    path = complained(tmp_path, VERSION)
    number = edited(path, "assembled", lambda line: diagnostics_of(line)[0].update({member: "other"}))
    (problem,) = looked_through(path).problems
    assert (problem.line, problem.rule) == (number, "derived")


def test_a_complaint_that_the_version_which_wrote_it_did_not_have_is_a_notice(tmp_path: Path) -> None:
    path = complained(tmp_path, "0.0.9")
    number = edited(path, "assembled", lambda line: line.update(diagnostics=diagnostics_of(line)[1:]))
    checked = looked_through(path)
    assert checked.problems == []
    (warning,) = checked.warnings
    assert f"line {number}: another version" in warning
    assert "also `no_json`" in warning


def test_a_complaint_that_is_missing_in_a_line_of_this_version_is_damage(tmp_path: Path) -> None:
    path = complained(tmp_path, VERSION)
    number = edited(path, "assembled", lambda line: line.update(diagnostics=diagnostics_of(line)[1:]))
    (problem,) = looked_through(path).problems
    assert (problem.line, problem.rule) == (number, "derived")


@pytest.mark.parametrize("member", ["finish_reason", "model", "failure", "calls", "message"])
def test_what_decides_is_damage_whoever_wrote_it(tmp_path: Path, member: str) -> None:
    path = complained(tmp_path, "0.0.9")
    number = edited(path, "assembled", lambda line: line.update({member: "other", "diagnostics": []}))
    (problem,) = looked_through(path).problems
    assert (problem.line, problem.rule) == (number, "derived")


def test_the_version_that_went_on_with_a_recording_wrote_the_lines_from_there_on(tmp_path: Path) -> None:
    path = complained(tmp_path, VERSION)
    at = edited(path, "assembled", lambda line: line.update(diagnostics=[]))
    written = path.read_text().splitlines(keepends=True)
    resumed = json.dumps({"t": 0.0, "kind": "resumed", "at": "2026-11-21T00:00:00Z", "program": "0.0.9"}) + "\n"
    path.write_text("".join([*written[: at - 1], resumed, *written[at - 1 :]]))
    assert looked_through(path).problems == []
    path.write_text(path.read_text().replace('"0.0.9"', f'"{VERSION}"'))
    assert len(looked_through(path).problems) == 1


def test_no_word_of_the_recording_is_in_a_notice(tmp_path: Path) -> None:
    path = complained(tmp_path, "0.0.9")
    edited(path, "assembled", lambda line: line.update(diagnostics=[{"code": SK, "message": SK}, 7, None]))
    checked = looked_through(path, Rules({}))
    assert len(checked.warnings) == 1
    assert SK[3:] not in checked.warnings[0]
