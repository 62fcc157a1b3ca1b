"""Places of secrets, marked so that they are not taken for asterisks that somebody wrote."""

from __future__ import annotations

from typing import Any

import pytest

from callscope.core.values import Request
from callscope.record.matching.hiding import hidden_body, hidden_request, hidden_text, shown
from callscope.record.matching.matching import HIDDEN


def test_the_listed_asterisks_are_marked_and_no_others() -> None:
    assert hidden_text("**é** ***", [[7, 3]]) == f"**é** {HIDDEN * 3}"


@pytest.mark.parametrize(
    "spans",
    [
        None,
        {},
        5,
        [[0]],
        [["0", 2]],
        [[-1, 1]],
        [[0, 99]],
        [[2, 2]],
        [[0, 3]],
        [[0, -1]],
        [[1e3, 2]],
        [[0, 2, 1]],
        [[0, 10**15]],
        [[2, 1], [0, 2]],
    ],
)
def test_a_list_that_nobody_vouches_for_hides_nothing_else(spans: Any) -> None:
    assert hidden_text("**é**", spans) == "**é**"


def test_a_request_is_marked_in_each_of_its_parts() -> None:
    request = Request("POST", "http://h/?key=***", (("a", "**"), ("b", "x **")), b"** ***")
    masked = {"url": [[14, 3]], "headers": [[1, 2, 2]], "body": [[3, 3]]}
    hidden = hidden_request(request, masked)
    assert hidden.url == f"http://h/?key={HIDDEN * 3}"
    assert hidden.headers == (("a", "**"), ("b", f"x {HIDDEN * 2}"))
    assert hidden.body == b"** " + HIDDEN.encode() * 3


def test_the_places_in_a_body_that_is_no_text_are_those_of_its_bytes() -> None:
    assert hidden_body(b"\xff**", {"body_base64": [[1, 2]]}) == b"\xff" + HIDDEN.encode() * 2


def test_what_is_told_of_a_hidden_value_is_asterisks() -> None:
    assert shown({"a": [HIDDEN * 2, 1]}) == {"a": ["**", 1]}
    assert shown(f"x{HIDDEN}") == "x*"
