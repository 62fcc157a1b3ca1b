"""Whether a whole document said once more is another call: the same answer as looking at all of it, at a fixed cost."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from callscope.core.values import CallKey
from callscope.dialects import fragments
from callscope.dialects.arguments import Said, said_by, verdict
from callscope.dialects.fragments import OpenCall

DOCUMENTS = (
    '{"a":1}',
    '{"a": 1}',
    ' {"a":1}\n',
    '{"b":[2]}',
    "{}",
    " {}",
    "null",
    '""',
    "[1]",
    '{"a":',
    "{a}",
    '{"a":"x y"}',
)


def call_saying(*pieces: str) -> OpenCall:
    call = OpenCall(CallKey(1, 0), "call_1", "f", "function", None)
    for piece in pieces:
        call.pieces.say(piece, None)
    return call


@given(
    said=st.lists(st.sampled_from(DOCUMENTS), min_size=1, max_size=6),
    more=st.lists(st.sampled_from(DOCUMENTS), max_size=5),
)
def test_a_piece_repeats_what_was_said_where_all_of_it_together_says_so(said: list[str], more: list[str]) -> None:
    call = call_saying(*said)
    for piece in more:
        assume(piece.lstrip().startswith("{") and call.closed() and not call.empty_object())
        text = call.text
        together = piece.strip() == text.strip() or verdict([text, piece]).repair is not None
        assert call.repeats(piece) == together
        call.pieces.say(piece, None)


def test_what_was_said_is_looked_at_once_however_often_it_is_said_again(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[str] = []

    def counted(text: str) -> Said:
        looked.append(text)
        return said_by(text)

    monkeypatch.setattr(fragments, "said_by", counted)
    call = call_saying('{"a":1}')
    for _ in range(50):
        assert call.repeats('{"a": 1}')
        call.pieces.say('{"a": 1}', None)
    assert looked == ['{"a":1}']


def test_another_piece_than_the_one_foreseen_is_looked_at_anew() -> None:
    call = call_saying('{"a":1}')
    assert call.repeats('{"a":1}')
    call.pieces.say('{"b":1}', None)
    assert not call.repeats('{"a":1}')
