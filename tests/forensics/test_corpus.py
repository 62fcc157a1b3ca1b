"""Over every body of tests/quirks: what is said about calls is true of it, and nothing is said where all is well."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from callscope.forensics.no_call_codes import ENDED, HINTS, LOST, NO_ANSWER, NOT_OFFERED
from quirkbodies import FOLDER, Quirk, corpus, load
from whybench import Scene, of_quirk

CORPUS = [
    quirk
    for folder in (FOLDER, *filter(lambda path: path.is_dir(), sorted(FOLDER.iterdir())))
    for quirk in corpus(folder)
]
NO_CALL = {*NOT_OFFERED, *LOST, *ENDED, *HINTS}
every_body = pytest.mark.parametrize("quirk", CORPUS, ids=[f"{quirk.dialect} {quirk}" for quirk in CORPUS])


@cache
def scene_of(path: Path) -> Scene:
    """The turn of a body that came in one piece (tests only look at it)."""
    return of_quirk(load(path))


def good_calls(scene: Scene) -> bool:
    """Whether the body has calls, all of them fit to run or run by the peer, in a response that is whole."""
    calls = [facts.call for facts in scene.case.calls.values() if facts.call]
    return bool(calls) and scene.case.exchanges[-1].failure is None and not any(call.fault for call in calls)


@every_body
def test_a_body_with_calls_is_not_said_to_have_none(quirk: Quirk) -> None:
    scene = scene_of(quirk.path)
    if scene.case.calls:
        assert not NO_CALL & set(scene.codes())


@every_body
def test_calls_that_can_run_have_no_verdict(quirk: Quirk) -> None:
    scene = scene_of(quirk.path)
    if good_calls(scene):
        assert set(scene.codes()) <= {"agent_told_no_result"}


@every_body
def test_a_body_without_a_call_has_a_verdict(quirk: Quirk) -> None:
    scene = scene_of(quirk.path)
    if not scene.case.calls:
        assert scene.codes()


@every_body
def test_a_call_with_a_fault_has_a_verdict_of_its_own(quirk: Quirk) -> None:
    scene = scene_of(quirk.path)
    told = {each.call for each in scene.why()}
    assert {key for key, facts in scene.case.calls.items() if facts.call and facts.call.fault} <= told


@every_body
def test_a_leak_is_told_where_there_is_one_and_nowhere_else(quirk: Quirk) -> None:
    scene = scene_of(quirk.path)
    exchange = scene.case.exchanges[-1]
    leaked = any(found.code == "leaked_tool_call" for found in exchange.diagnostics)
    without_calls = not exchange.calls and exchange.failure is None
    assert ("call_leaked" in scene.codes()) == (leaked and without_calls)


@every_body
def test_a_broken_response_is_told_and_a_whole_one_is_not_said_to_be_broken(quirk: Quirk) -> None:
    scene = scene_of(quirk.path)
    broken = {each.code for each in scene.why() if each.code in NO_ANSWER and each.certainty == "certain"}
    assert bool(broken) == (scene.case.exchanges[-1].failure is not None)


@every_body
def test_evidence_in_a_body_is_what_stands_at_these_bytes(quirk: Quirk) -> None:
    scene = scene_of(quirk.path)
    bodies = {"response": quirk.body, "request": scene.case.exchanges[-1].request.body}
    for each in scene.why():
        for evidence in each.evidence:
            if evidence.start is None:
                continue
            assert evidence.end is not None
            assert 0 <= evidence.start < evidence.end <= len(bodies[evidence.side])


@every_body
def test_what_is_said_does_not_depend_on_how_the_body_was_cut(quirk: Quirk) -> None:
    if len(quirk.body) > 6_000:
        pytest.skip("a byte at a time takes long")
    whole, cut = scene_of(quirk.path), of_quirk(quirk, [quirk.body[at : at + 1] for at in range(len(quirk.body))])
    assert cut.why() == whole.why()
