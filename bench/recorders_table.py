"""The tables: one of the criteria, one of the secrets, one of the cases.

Knows how a figure reads. Must not know how it was taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from recorders_cases import planted
from recorders_judge import Judged
from recorders_rounds import KILLED_AFTER, Kill, Pace, Passed, Secrets

PLACES = [plant.where for plant in planted()]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was measured of one recorder; `filtered` with the filters on that its documentation shows."""

    name: str
    passed: Passed
    pace: Pace
    direct: Pace
    killed: Kill
    secrets: Secrets
    filtered: Secrets | None


def _count(kept: Iterable[bool | None]) -> str:
    counted = [each for each in kept if each is not None]
    return f"{sum(counted)} of {len(counted)}"


def _of(passed: dict[str, Judged], what: Callable[[Judged], bool | None]) -> str:
    return _count(map(what, passed.values()))


def _bytes(passed: dict[str, Judged]) -> str:
    exact, content = _of(passed, lambda each: each.bytes), _of(passed, lambda each: each.content)
    return exact if exact == content else f"{exact} ({content.split()[0]} decompressed)"


def _pace(outcome: Outcome) -> str:
    mine, direct = outcome.pace, outcome.direct
    first, without = 1000 * mine.first, 1000 * direct.first
    return f"{mine.in_time} of {mine.of}; the first after {first:.2f} ms ({without:.2f} directly)"


def _secrets(secrets: Secrets | None) -> str:
    if secrets is None:
        return "(always on)"
    words = f"{len(secrets.on_disk)} of {secrets.of}"
    return words if secrets.server_got_key else f"{words}, but the server got no key either"


def _killed(kill: Kill) -> str:
    a_delta = kill.of / 20
    had, kept = round(kill.had / a_delta), round(kill.kept / a_delta)
    before = "kept" if kill.before else "lost"
    words = f"{kept} of {KILLED_AFTER} deltas (the client had {had}); the exchange before: {before}"
    return f"{words}; {kill.why}" if kill.why else words


def criteria(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Lines of the table of criteria, a recorder a column."""
    rows: list[tuple[str, Callable[[Outcome], str]]] = [
        ("bytes of the body identical, while recording", lambda each: _bytes(each.passed.live)),
        ("the same, played back", lambda each: _bytes(each.passed.back)),
        ("chunk borders kept, while recording", lambda each: _of(each.passed.live, lambda one: one.borders)),
        ("the same, played back", lambda each: _of(each.passed.back, lambda one: one.borders)),
        ("error endings kept, while recording", lambda each: _of(each.passed.live, lambda one: one.ending_kept)),
        ("the same, played back", lambda each: _of(each.passed.back, lambda one: one.ending_kept)),
        ("status and headers kept, while recording", lambda each: _of(each.passed.live, lambda one: one.head)),
        ("the same, played back", lambda each: _of(each.passed.back, lambda one: one.head)),
        ("deltas live while recording", _pace),
        ("planted secrets on disk, as it comes", lambda each: _secrets(each.secrets)),
        ("the same, with its filters", lambda each: _secrets(each.filtered)),
        (f"SIGKILL after {KILLED_AFTER} deltas: on disk", lambda each: _killed(each.killed)),
        ("requests that reached the server on playback", lambda each: str(each.passed.asked_again)),
    ]
    yield from _table(
        ["", *(outcome.name for outcome in outcomes)], ([name, *map(cell, outcomes)] for name, cell in rows)
    )


def cases(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Lines of the table of cases: what is not as it was, played back."""
    heads = ["played back", *(outcome.name for outcome in outcomes)]
    names = outcomes[0].passed.back
    yield from _table(heads, ([name, *(outcome.passed.back[name].words for outcome in outcomes)] for name in names))


def planted_secrets(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Lines of the table of secrets: which are on disk."""
    heads = ["planted, and on disk", *(outcome.name for outcome in outcomes)]
    yield from _table(heads, ([where, *(_on_disk(outcome, where) for outcome in outcomes)] for where in PLACES))


def _on_disk(outcome: Outcome, where: str) -> str:
    if outcome.filtered and where in outcome.filtered.on_disk:
        return "yes, also with filters"
    return "yes" if where in outcome.secrets.on_disk else "no"


def _table(heads: list[str], rows: Iterable[list[str]]) -> Iterator[str]:
    yield _line(heads)
    yield _line(["---"] * len(heads))
    for row in rows:
        yield _line(row)


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
