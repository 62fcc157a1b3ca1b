"""The screen as an SVG file: what is on it, and what is never in it."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from callscope.core.events import (
    CallDecided,
    Diagnostic,
    ResponseFailed,
    TextDelta,
    ToolFinished,
    ToolStarted,
)
from callscope.core.values import Edit, ToolResult
from callscope.panels.look import Look
from callscope.panels.masked_blocks import masked_block, masked_pieces
from callscope.panels.panels import screen
from callscope.panels.svg import svg
from callscope.record.secrets.masking import Secrets
from scene import KEY, Scene

SECRET = "correct-horse-battery"


def drawn(scene: Scene, columns: int = 100) -> str:
    look = Look(columns=columns)
    return svg(screen(scene.trace.blocks, look, scene.now), columns=columns, title="a turn")


def words(picture: str) -> str:
    """The text on the picture, without the spaces that it is set with."""
    texts = ET.fromstring(picture).iter("{http://www.w3.org/2000/svg}text")
    return "".join("".join(text.itertext()) for text in texts).replace("\N{NO-BREAK SPACE}", "").replace(" ", "")


def mask(text: str) -> str:
    return Secrets([SECRET]).mask(text)[0]


def test_the_picture_shows_the_panels_of_the_turn() -> None:
    shown = words(drawn(Scene().asked("Weather?").called('{"city": ', '"Paris"}').completed()))
    assert "Weather?" in shown
    assert "get_weather" in shown
    assert '{"city":┊"Paris"}' in shown


def test_looking_at_the_picture_fetches_nothing() -> None:
    picture = drawn(Scene().asked("@font-face { src: url(http://evil) }").completed())
    assert "url(http" not in picture.partition("</style>")[0]
    assert "@font-face" not in picture.partition("</style>")[0]
    assert "@font-face{src:url(http://evil)}" in words(picture)


def test_hostile_text_is_text_and_no_markup() -> None:
    hostile = "</text></svg><script>alert(1)</script>\x1b[2J\x0b\ufffe&amp;"
    picture = drawn(Scene().asked(hostile).called(hostile, name=hostile).completed())
    assert not list(ET.fromstring(picture).iter("{http://www.w3.org/2000/svg}script"))
    assert "\x1b" not in picture


def test_no_secret_is_on_the_picture_not_even_one_that_deltas_cut() -> None:
    scene = Scene().asked(SECRET).at(0.1, TextDelta("output", SECRET[:7]), TextDelta("output", SECRET[7:]))
    scene.called('{"k": "corr', "ect-horse-b", 'attery"}').completed()
    scene.at(1, CallDecided(KEY, Edit(f'{{"k": "{SECRET}!"}}')), ToolStarted(KEY, "f", SECRET))
    scene.at(2, ToolFinished(ToolResult(KEY, SECRET, prints=SECRET)), Diagnostic("error", "odd", SECRET, KEY))
    scene.at(3, ResponseFailed("error", SECRET), Diagnostic("error", "odd", SECRET))
    masked = [masked_block(block, mask) for block in scene.trace.blocks]
    shown = words(svg(screen(masked, Look(columns=100), 3.0), columns=100, title=""))
    assert "horse" not in shown
    assert "battery" not in shown
    assert "****┊***********┊******" in shown
    assert SECRET in scene.call().arguments


def test_what_is_masked_is_cut_where_it_was_cut() -> None:
    assert masked_pieces(["北 corr", "ect-horse-batt", "ery 京"], mask) == ["北 ****", "*" * 14, "*** 京"]


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=20), st.text(max_size=20), st.sets(st.integers(0, 61), max_size=6))
def test_pieces_stay_as_long_as_they_were(before: str, after: str, places: set[int]) -> None:
    whole = before + SECRET + after
    cuts = [0, *sorted(place for place in places if place < len(whole)), len(whole)]
    pieces = [whole[start:end] for start, end in pairwise(cuts)]
    masked = masked_pieces(pieces, mask)
    assert "".join(masked) == before + "*" * len(SECRET) + after
    assert list(map(len, masked)) == list(map(len, pieces))
