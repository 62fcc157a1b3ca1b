"""docs/doctor.md has every rule, as the code has it."""

from __future__ import annotations

from pathlib import Path

from callscope.core.values import Settings
from callscope.doctor.battery import BATTERIES
from callscope.doctor.probe import most
from callscope.doctor.rule import Rule

PAGE = Path(__file__).parents[2] / "docs" / "doctor.md"
BEGIN, END = "<!-- rules: begin -->\n", "<!-- rules: end -->\n"
LEVELS = ("required", "recommended", "informational")


def all_rules() -> list[Rule]:
    return list({rule.id: rule for battery in BATTERIES.values() for rule in battery.rules}.values())


def as_table() -> str:
    """The tables as they stand in the page, one for each family of rules."""
    lines: list[str] = []
    for family in dict.fromkeys(rule.id.partition(".")[0] for rule in all_rules()):
        lines += [f"### {family}", "", "| rule | level | asked | what it breaks |", "|---|---|---|---|"]
        for rule in all_rules():
            if rule.id.startswith(f"{family}."):
                cells = (f"`{rule.id}`", rule.level, rule.asked, rule.breaks)
                lines.append(f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |")
        lines.append("")
    return "\n".join(lines)


def test_the_page_has_the_table_of_the_code() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page.partition(BEGIN)[2].partition(END)[0].strip() == as_table().strip()


def test_a_rule_of_one_id_is_one_rule_in_every_protocol() -> None:
    by_id = {rule.id: rule for rule in all_rules()}
    for battery in BATTERIES.values():
        assert len({rule.id for rule in battery.rules}) == len(battery.rules)
        assert all(by_id[rule.id] is rule for rule in battery.rules)


def test_every_rule_says_what_is_asked_in_a_sentence() -> None:
    for rule in all_rules():
        assert rule.asked.endswith("."), rule.id
        assert rule.level in LEVELS
        assert rule.breaks or rule.level == "informational", rule.id


def test_the_page_tells_how_many_requests_there_are() -> None:
    page = " ".join(PAGE.read_text(encoding="utf-8").split())
    numbers = {}
    for dialect, battery in BATTERIES.items():
        settings = Settings(dialect=dialect, url="http://127.0.0.1/v1", model="m")
        numbers[dialect] = most(battery.questions(settings, keyed=False)) + most(battery.talks(None))
        assert most(battery.questions(settings, keyed=True)) == most(battery.questions(settings, keyed=False)) + 1
    told = "{chat} requests for Chat Completions, {responses} for Responses, {acf} for an agent".format(**numbers)
    assert told in page
