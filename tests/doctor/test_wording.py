"""The words in which the doctor sums up what it found."""

from __future__ import annotations

from callscope.doctor.battery import BATTERIES
from callscope.doctor.report import Finding
from callscope.doctor.wording import summary

RULES = BATTERIES["chat"].rules


def test_the_one_rule_that_was_not_asked_is_named() -> None:
    told = summary({"m": (Finding(RULES[0], "pass"), Finding(RULES[1], "not_asked"))})
    assert told.endswith(f"1 holds, 0 could not be shown, 1 was not asked ({RULES[1].id})")


def test_many_rules_that_were_not_asked_are_counted_alone() -> None:
    told = summary({"m": tuple(Finding(rule, "not_asked") for rule in RULES[:9])})
    assert told.endswith("0 hold, 0 could not be shown, 9 were not asked")


def test_a_rule_that_no_model_was_asked_by_is_named_once() -> None:
    told = summary(dict.fromkeys(("a", "b"), (Finding(RULES[0], "not_asked"),)))
    assert told.endswith(f"2 were not asked ({RULES[0].id})")
