from __future__ import annotations

from pathlib import Path

import pytest

from callscope.core.values import Edit, Reject, Run
from callscope.record.deriving.rederiving import derive
from callscope.record.diffing import COUNTING, Change, changes
from callscope.record.file.reading import open_recording
from callscope.record.matching.matching import ABSENT
from callscope.record.telling import told
from recordbench import Answer, Scene, plain, says, wants
from sessionbench import recorded

PARIS = ("get_weather", '{"city": "Paris", "days": [1, 2]}')


def compared(a: Path, b: Path) -> list[Change]:
    return changes(*(told(derive(open_recording(path), plain)) for path in (a, b)))


def played(folder: Path, *answers: Answer | bytes, decisions: tuple[Run | Edit | Reject, ...] = ()) -> Path:
    return Scene(folder, answers, decisions).play("Weather?")


def differ(found: list[Change]) -> bool:
    return any(change.cls in COUNTING for change in found)


def test_a_session_does_not_differ_from_itself(tmp_path: Path) -> None:
    path = recorded(tmp_path, ["says", "calls twice", "undo", "breaks"])
    assert compared(path, path) == []


def test_other_arguments_are_named_by_their_path(tmp_path: Path) -> None:
    other = ("get_weather", '{"days":[1,3],"city":"Paris"}')
    found = compared(played(tmp_path, wants(PARIS), says("x")), played(tmp_path, wants(other), says("x")))
    assert Change("arguments", 1, "call 1", "$.days[1]", 2, 3) in found
    assert differ(found)


def test_arguments_that_are_only_written_otherwise_do_not_differ(tmp_path: Path) -> None:
    other = ("get_weather", '{"days":[1,2],"city":"Paris"}')
    found = compared(played(tmp_path, wants(PARIS), says("x")), played(tmp_path, wants(other), says("x")))
    assert [change for change in found if change.cls == "arguments"] == []


def test_a_call_that_one_side_lacks_does_not_shift_the_others(tmp_path: Path) -> None:
    a = wants(("get_time", "{}"), PARIS)
    scene = Scene(tmp_path, [a, says("x")], tools={"get_time": str, "get_weather": str})
    b = Scene(tmp_path, [wants(PARIS), says("x")], tools={"get_weather": str})
    found = compared(scene.play("Weather?"), b.play("Weather?"))
    assert [change for change in found if change.cls in ("calls", "arguments", "results")] == [
        Change("calls", 1, "call 1", "$", {"name": "get_time", "arguments": {}}, ABSENT)
    ]


def test_another_decision_is_a_difference_of_results(tmp_path: Path) -> None:
    answers = (wants(PARIS), says("x"))
    found = compared(played(tmp_path, *answers), played(tmp_path, *answers, decisions=(Reject("no"),)))
    paths = {change.path: (change.a, change.b) for change in found if change.cls == "results"}
    assert paths["$.status"] == ("ok", "rejected")
    assert paths["$.decision.action"] == ("run", "reject")


def test_other_words_alone_are_no_difference_that_counts(tmp_path: Path) -> None:
    found = compared(played(tmp_path, says("Sunny.")), played(tmp_path, says("Clear.")))
    assert found == [Change("prose", 1, "request 1", "$.output", "Sunny.", "Clear.")]
    assert not differ(found)


def test_another_ending_counts(tmp_path: Path) -> None:
    found = compared(played(tmp_path, says("x")), played(tmp_path, Answer(says("x"), "reset")))
    assert Change("ending", 1, "turn", "$.reason", "completed", "failed") in found
    assert differ(found)


def test_a_turn_that_one_side_lacks_is_told_as_a_whole(tmp_path: Path) -> None:
    found = compared(recorded(tmp_path, ["says", "says"]), recorded(tmp_path, ["says"]))
    assert [(change.cls, change.turn, change.b) for change in found] == [("turns", 2, ABSENT)]


def test_what_was_taken_back_is_not_compared(tmp_path: Path) -> None:
    found = compared(recorded(tmp_path, ["says", "calls", "undo"]), recorded(tmp_path, ["says"]))
    assert found == []


def test_another_model_is_told_and_does_not_count(tmp_path: Path) -> None:
    found = compared(recorded(tmp_path, ["says"]), recorded(tmp_path, ["model", "says"]))
    assert ("settings", "$.model", "tiny", "model 0") in [(one.cls, one.path, one.a, one.b) for one in found]
    assert not differ([one for one in found if one.cls == "settings"])


@pytest.mark.parametrize(("seconds", "noticed"), [(0.25, False), (0.26, False), (0.5, True)])
def test_time_is_told_where_it_is_noticeably_another(tmp_path: Path, seconds: float, noticed: bool) -> None:
    a = played(tmp_path, wants(PARIS), says("x"))
    b = played(tmp_path, wants(PARIS), says("x"))
    b.write_text(b.read_text().replace('"duration":0.25', f'"duration":{seconds}'))
    found = [change for change in compared(a, b) if change.cls == "timing"]
    assert [(change.place, change.b) for change in found] == ([("call 1", seconds)] if noticed else [])


def test_classes_come_in_their_order_with_prose_last(tmp_path: Path) -> None:
    a = played(tmp_path, wants(PARIS), says("Sunny."))
    b = played(tmp_path, wants(("get_weather", '{"city":"Rome"}')), says("Clear."))
    classes = [change.cls for change in compared(a, b)]
    assert classes == sorted(classes, key=["arguments", "results", "prose"].index)


def test_arguments_nested_beyond_reason_are_compared_as_a_whole(tmp_path: Path) -> None:
    deep = ["[" * 900 + inner + "]" * 900 for inner in ("1", "2")]
    a, b = (played(tmp_path, wants(("get_weather", one)), says("x")) for one in deep)
    (change,) = [change for change in compared(a, b) if change.cls == "arguments"]
    assert change.path == "$" + "[0]" * 100
