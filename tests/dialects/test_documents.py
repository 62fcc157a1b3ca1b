from __future__ import annotations

import json
import sys
import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callscope.dialects.arguments import problem_of, verdict
from callscope.dialects.documents import DEEPEST, Done, documents, is_too_deep

json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(alphabet='[]{}"\\a'),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(alphabet='[{"\\', max_size=3), inner, max_size=3)
    ),
    max_leaves=20,
)


def depth(value: Any) -> int:
    match value:
        case list():
            return 1 + max(map(depth, value), default=0)
        case dict():
            return 1 + max(map(depth, value.values()), default=0)
        case _:
            return 0


def nested(levels: int) -> str:
    return "[" * levels + "]" * levels


@given(json_values, st.integers(1, 6))
def test_brackets_count_as_levels_but_for_those_in_strings(value: Any, deepest: int) -> None:
    import callscope.dialects.documents as module

    text, before = json.dumps(value), module.DEEPEST
    module.DEEPEST = deepest  # type: ignore[misc]
    try:
        assert is_too_deep(text) == (depth(value) > deepest)
    finally:
        module.DEEPEST = before  # type: ignore[misc]


def test_the_limit_is_the_last_level_that_is_read() -> None:
    assert documents(nested(DEEPEST)).values != []
    assert documents(nested(DEEPEST + 1)) == ([], nested(DEEPEST + 1), (), True)


def test_many_documents_one_after_another_are_not_deep() -> None:
    found = documents('{"a":[1]}' * 1000)
    assert (len(found.values), found.too_deep) == (1000, False)


def test_the_depth_that_can_be_read_does_not_depend_on_the_stack() -> None:
    """The same verdicts with little of the stack left as with much."""
    seen: list[tuple[Any, ...]] = []

    def judge(spare: int) -> None:
        if spare:
            judge(spare - 1)
            return
        text = nested(DEEPEST)
        seen.append((documents(text).too_deep, documents(text + "]").rest, documents("[" + text + "]").too_deep))
        seen.append((problem_of('{"a":' + nested(DEEPEST - 1) + "}"), verdict(['{"a":', nested(DEEPEST), "}"]).problem))

    for spare in (0, sys.getrecursionlimit() - DEEPEST - 120):
        thread = threading.Thread(target=judge, args=(spare,))
        thread.start()
        thread.join()
    assert seen[:2] == seen[2:]
    assert seen[0] == (False, "]", True)
    assert seen[1][0] is None
    assert seen[1][1] is not None
    assert seen[1][1].code == "arguments_invalid"


@pytest.mark.parametrize(
    ("text", "values", "overlooked"),
    [
        ('{"a": NaN}', [{"a": None}], ("number_not_json",)),
        ('{"a": [-Infinity, 1]}', [{"a": [None, 1]}], ("number_not_json",)),
        ('{"a": "x\ty"}', [{"a": "x\ty"}], ("control_characters",)),
        (
            '{"a": "x\ty", "b": NaN} [DONE]',
            [{"a": "x\ty", "b": None}, Done()],
            ("control_characters", "number_not_json"),
        ),
        ('{"a": "NaN"}', [{"a": "NaN"}], ()),
    ],
)
def test_what_is_overlooked_is_told(text: str, values: list[Any], overlooked: tuple[str, ...]) -> None:
    assert documents(text) == (values, "", overlooked, False)
