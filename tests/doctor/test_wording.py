"""The words in which the doctor sums up what it found."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence

from rich.console import Console

from callscope.doctor.battery import BATTERIES
from callscope.doctor.report import Finding
from callscope.doctor.wording import finding_line, print_findings, summary

RULES = BATTERIES["chat"].rules


def printed(findings: Sequence[Finding], *, terminal: bool = False) -> str:
    written = io.StringIO()
    console = Console(file=written, width=80, force_terminal=terminal, highlight=False, markup=False)
    print_findings(console, {"m": findings}, lambda text: text)
    return written.getvalue()


def test_each_rule_that_holds_says_in_one_line_what_was_asked() -> None:
    told = printed([Finding(rule, "pass") for rule in RULES])
    rows = [line for line in told.splitlines() if line.startswith("ok  ")]
    assert len(rows) == len(RULES)
    for row, rule in zip(rows, RULES, strict=True):
        assert rule.asked[:16] in row
        assert len(row) <= 80


def test_what_came_stands_before_what_was_asked() -> None:
    told = printed([Finding(RULES[0], "pass", "status 200")])
    assert "status 200" in told
    assert RULES[0].asked[:20] not in told


def test_no_line_ends_with_blanks_where_nobody_looks_on() -> None:
    told = printed([Finding(RULES[0], "pass"), Finding(RULES[1], "fail", "came " * 60, 1, None, 2)])
    assert told.splitlines() == [line.rstrip() for line in told.splitlines()]


def test_what_was_asked_is_dim_on_a_terminal() -> None:
    assert f"\x1b[2m{RULES[0].asked[:20]}" in printed([Finding(RULES[0], "pass")], terminal=True)


def test_the_table_and_the_details_have_one_word_for_a_level() -> None:
    (rule, *_) = [rule for rule in RULES if rule.level == "informational"]
    told = printed([Finding(rule, "fail", "this")])
    assert told.count(f"{rule.id}  informational") == 1
    assert f"{rule.id} (informational)" in told
    assert " info " not in told


def test_the_one_rule_that_was_not_asked_is_named() -> None:
    told = summary({"m": (Finding(RULES[0], "pass"), Finding(RULES[1], "not_asked"))})
    assert told.endswith(f"1 holds, 0 could not be shown, 1 was not asked ({RULES[1].id})")


def test_many_rules_that_were_not_asked_are_counted_alone() -> None:
    told = summary({"m": tuple(Finding(rule, "not_asked") for rule in RULES[:9])})
    assert told.endswith("0 hold, 0 could not be shown, 9 were not asked")


def test_a_rule_that_no_model_was_asked_by_is_named_once() -> None:
    told = summary(dict.fromkeys(("a", "b"), (Finding(RULES[0], "not_asked"),)))
    assert told.endswith(f"2 were not asked ({RULES[0].id})")


def test_a_line_of_json_lets_no_control_of_a_peer_through() -> None:
    line = finding_line(Finding(RULES[0], "pass", "status \x9b31m"), "m\x85", str)
    assert line.isascii()
    assert json.loads(line)["came"] == "status \x9b31m"
