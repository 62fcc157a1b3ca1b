"""What /why shows: verdicts with their bytes, and a call taken apart with the delta that broke it."""

from __future__ import annotations

import json

import pytest
from rich.cells import cell_len

from callscope.core.events import CallDecided, ToolFinished, ToolStarted
from callscope.core.values import CallKey, Edit, Run, ToolResult
from callscope.looking.why import Why
from callscope.record.secrets.masking import Secrets
from chatbodies import calls, entry
from whybench import Scene, after, called, said

KEY = CallKey(1, 0)
BROKEN = ('{"city"', ": 'Paris'", "}")


def lines(
    scene: Scene, words: str = "", *, width: int = 100, ascii_only: bool = False, secrets: Secrets | None = None
) -> list[str]:
    drawn = Why(scene.case, secrets or Secrets(), width=width, ascii_only=ascii_only)
    return [line.plain.rstrip() for line in drawn.lines(words)]


def test_before_any_turn_there_is_nothing_to_look_at() -> None:
    assert lines(Scene()) == ["  no turn to look at yet"]


def test_a_verdict_stands_with_its_bytes_and_with_what_to_do() -> None:
    body = said("Hm.", finish="tool_calls")
    shown = lines(after(body))
    place = body.index(b'"finish_reason": "tool_calls"')
    assert shown[0] == "  certain: call_dropped"
    assert f'    exchange 1, response bytes {place}–{place + 29}  "finish_reason": "tool_calls"' in shown
    assert any(line.startswith("    → Look into the server's log") for line in shown)


def test_calls_that_ran_are_said_to_have_and_are_numbered() -> None:
    scene = Scene().begin().exchange(called("{}"))
    scene.tell(ToolStarted(KEY, "get_weather", "{}"), ToolFinished(ToolResult(KEY, "sunny"))).exchange(said("So."))
    assert lines(scene)[:2] == [
        "  every call of this turn ran, and its result went back",
        "  1  get_weather · call_a  1 delta, ok",
    ]


def test_of_very_many_calls_the_first_are_kept_and_the_others_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("callscope.forensics.case.MOST_CALLS", 1)
    shown = lines(after(calls(*(entry(place, f"call_{place}", "get_weather", "{}") for place in range(3)))))
    assert [line for line in shown if "more call" in line] == ["  2 more calls, not kept here"]


def test_the_delta_that_broke_it_is_marked_and_its_byte_said_below_the_arguments() -> None:
    body = called(*BROKEN)
    shown = lines(after(body), "1")
    mark = next(line for line in shown if "▲" in line)
    assert shown[shown.index(mark) - 1] == "    {\"city\": 'Paris'}"
    assert shown[shown.index(mark) - 1][mark.index("▲")] == "'"
    place = body.index(b"'Paris'")
    assert mark.endswith(f"byte 9 of the arguments, byte {place:,} of exchange 1")


def test_only_the_broken_delta_has_its_frame_below_it() -> None:
    shown = lines(after(called(*BROKEN)), "1", width=300)
    marked = [place for place, line in enumerate(shown) if line.startswith("  ▶    2  ")]
    assert len(marked) == 1
    assert '"arguments": ": \'Paris\'"' in shown[marked[0] + 1]
    assert sum('"tool_calls"' in line for line in shown) == 1


def test_where_arguments_end_too_early_is_marked_as_well() -> None:
    shown = lines(after(called('{"city": ["Par', finish="length")), "1")
    mark = next(line for line in shown if "▲" in line)
    assert "it ends here, with a string, 1 object and 1 array open" in mark
    assert mark.index("▲") == len('    {"city": ["Par')


def test_a_call_that_the_server_keeps_is_not_said_to_have_gone_back_without_arguments() -> None:
    item = {
        "type": "function_call",
        "id": "f1",
        "call_id": "c1",
        "name": "get_weather",
        "arguments": '{"city": "Rome"}',
    }
    response = {"id": "r1", "object": "response", "status": "completed", "output": [item]}
    body = f"data: {json.dumps({'type': 'response.completed', 'response': response})}\n\n".encode()
    scene = Scene().begin(dialect="responses", history="server").exchange(body)
    scene.tell(CallDecided(KEY, Run(), "policy"), ToolStarted(KEY, "get_weather", str(item["arguments"])))
    shown = lines(scene.tell(ToolFinished(ToolResult(KEY, "sunny"))).exchange(body), "get_weather")
    assert "  arguments  not in it: the server is to know the call" in shown


def test_a_call_shows_what_was_decided_what_ran_and_what_the_next_request_carried() -> None:
    scene = Scene().begin().exchange(called('{"city": "Paris"}'))
    scene.tell(CallDecided(KEY, Edit('{"city": "Rome"}')), ToolStarted(KEY, "get_weather", '{"city": "Rome"}'))
    shown = lines(scene.tell(ToolFinished(ToolResult(KEY, "sunny"))).exchange(said("So.")), "get_weather")
    for line in (
        '  proposed   {"city": "Paris"}',
        '  decided    edited by you: {"city": "Rome"}',
        '  ran with   {"city": "Rome"}',
        "  result     ok: sunny",
        "  exchange 2 carried",
        '  arguments  {"city": "Rome"}',
        "  result     sunny",
    ):
        assert line in shown


def test_of_many_deltas_those_left_out_are_counted() -> None:
    shown = lines(after(called('{"text": "', *["x"] * 1_000, '"}')), "1")
    assert "        964 more, not kept here" in shown


@pytest.mark.parametrize("width", [40, 80, 120])
@pytest.mark.parametrize("words", ["", "1"])
def test_no_line_is_wider_than_the_terminal(width: int, words: str) -> None:
    scene = after(called('{"city"', ": '" + "北京" * 200, "'}", name="get_weather_of_a_city_with_a_long_name"))
    assert max(cell_len(line) for line in lines(scene, words, width=width)) <= width


def test_a_terminal_that_knows_ascii_alone_gets_no_other_character() -> None:
    scene = after(called('{"city"', ": '北京'", "}"))
    assert all(line.isascii() for line in lines(scene, "1", ascii_only=True) + lines(scene, ascii_only=True))


def test_what_would_command_a_terminal_is_shown_instead() -> None:
    scene = after(called('{"city": "\\u001b[31m\x1b]0;', "x}"))
    assert not any("\x1b" in line for line in lines(scene, "1") + lines(scene))


def test_a_secret_that_is_spread_over_deltas_is_masked_in_each() -> None:
    secret = "correct-horse-battery"
    scene = after(called(f'{{"key": "{secret[:9]}', secret[9:], '" oops'))
    shown = "\n".join(lines(scene, "1", secrets=Secrets([secret])))
    assert secret[:9] not in shown
    assert secret[9:] not in shown


def test_a_word_that_means_neither_call_nor_tool_is_told_what_to_write() -> None:
    assert lines(after(said("Hi.")), "9")[0].startswith("  /why [CALL]: CALL is a call of this turn")


def test_the_name_of_a_tool_that_was_not_called_asks_why() -> None:
    assert "tool_not_offered" in lines(after(said("Hi.")), "brew_tea")[0]
