"""What the panels say at each moment of a call, a text or a failure, in any terminal."""

from __future__ import annotations

import io

import pytest
from rich.cells import cell_len
from rich.console import Console

from callscope.core.events import (
    CallAssembled,
    CallDecided,
    CallHeld,
    CallStarted,
    Diagnostic,
    RemoteResult,
    ResponseCompleted,
    ResponseFailed,
    ResultHeld,
    ResultReviewed,
    TextDelta,
    ToolFinished,
    ToolStarted,
    TurnEnded,
)
from callscope.core.values import (
    Abort,
    CallKey,
    Decision,
    Edit,
    FailureKind,
    Fault,
    Frame,
    Mock,
    Reject,
    Run,
    Severity,
    ToolCall,
    ToolResult,
)
from callscope.panels.frame import Panel
from callscope.panels.look import PLAIN_MARKS, Look
from callscope.panels.panels import content, panel, screen
from scene import KEY, Scene

PARIS = ('{"ci', 'ty": "Pa', 'ris"}')
LOOK = Look(80)


def told(scene: Scene, key: CallKey = KEY, look: Look = LOOK, problem: str | None = None) -> str:
    """The panel of a call, as text."""
    return panel(scene.call(key), look, scene.now, lambda call, arguments: problem).text


def last_line(scene: Scene, key: CallKey = KEY) -> str:
    return told(scene, key).split("\n")[-1]


# ---- arguments as they grow ---------------------------------------------------------------------------------------


def test_arguments_show_every_border_their_size_and_the_gap_since_the_last() -> None:
    scene = Scene().asked().called('{"ci', 'ty":', whole=False)
    scene.now += 0.7
    assert told(scene).split("\n") == [
        "╭─ get_weather · call_0",
        '│ {"ci┊ty":',
        "╰─ ▸ incomplete · 2 deltas, 8 bytes · 0.7 s since the last",
    ]


def test_arguments_that_are_whole_before_the_response_is_are_valid_json() -> None:
    assert "▸ valid JSON · 3 deltas" in last_line(Scene().asked().called(*PARIS, whole=False))


def test_the_first_wrong_byte_is_told_and_marked_at_once() -> None:
    text = told(Scene().asked().called("{'ci", "ty", whole=False))
    assert "│ {▶'ci┊ty" in text
    assert "✗ invalid at byte 1" in text


def test_a_call_without_arguments_so_far_says_so() -> None:
    assert "no arguments yet" in last_line(Scene().asked().called(whole=False))


def test_whole_arguments_are_held_against_the_schema() -> None:
    scene = Scene().asked().called(*PARIS).completed()
    assert "│ ✓ 3 deltas, 17 bytes in 30 ms · valid by the schema" in told(scene)


def test_arguments_that_break_the_schema_say_how() -> None:
    scene = Scene().asked().called("{}").completed()
    assert "│ ✗ 1 delta, 2 bytes · valid JSON, not by the schema: missing city" in told(scene, problem="missing city")


def test_arguments_of_a_custom_tool_are_free_text() -> None:
    scene = Scene().asked().at(0.1, CallStarted(KEY, "c", "sql", "custom"))
    scene.called("SELECT", " 1", name="sql")
    assert "free text" in told(Scene().asked().at(0, CallStarted(KEY, "c", "sql", "custom")))


def test_a_call_that_came_whole_shows_its_arguments_too() -> None:
    scene = Scene().asked().at(1, CallAssembled(ToolCall(KEY, "c", "get_weather", '{"city":"Paris"}')))
    assert '│ {"city":"Paris"}' in told(scene)


def test_what_was_assembled_is_shown_where_the_deltas_say_something_else() -> None:
    scene = Scene().asked().called('{"a"', '{"a":1}', whole=False)
    scene.at(1, CallAssembled(ToolCall(KEY, "c", "get_weather", '{"a":1}'))).completed()
    assert told(scene).split("\n")[1:5] == [
        '│ {"a"┊▶{"a":1}',
        "│ ! 2 deltas, 11 bytes in 20 ms · as they came invalid at byte 4",
        '│ taken as {"a":1}',
        "│ ✓ 7 bytes · valid by the schema",
    ]


# ---- what goes wrong ----------------------------------------------------------------------------------------------


def test_a_call_that_will_not_run_looks_like_an_error() -> None:
    fault = Fault("arguments_incomplete", "they are incomplete JSON")
    text = told(Scene().asked().called('{"ci', fault=fault).completed())
    assert "✗ 1 delta, 4 bytes · incomplete" in text
    assert "✗ arguments_incomplete: they are incomplete JSON" in text
    assert "╰─ ✗ will not run" in text


def test_a_call_of_an_unknown_tool_says_so() -> None:
    text = told(Scene().asked().called("{}").completed(), problem="there is no tool get_wether; the tools here: f")
    assert "│ ✗ 1 delta, 2 bytes · unknown tool get_wether; the tools here: f" in text


def test_what_a_failure_spoils_is_told_below_it_and_without_alarm() -> None:
    fault = Fault("arguments_incomplete", "The arguments of call_0 are incomplete JSON.")
    scene = Scene().asked().called('{"ci', "ty", fault=fault)
    scene.at(1, ResponseFailed("error", "busy", 200), ToolFinished(ToolResult(KEY, "{}", "cancelled")))
    picture = screen(scene.trace.blocks, LOOK, 1)
    assert picture.text.split("\n")[1:] == [
        "✗ error after HTTP 200: busy",
        "╭─ get_weather · call_0",
        '│ {"ci┊ty',
        "│ 2 deltas, 6 bytes in 20 ms · incomplete",
        "╰─ ✗ not run: its response broke off",
    ]
    below = [segment for row in picture.rows[2:] for segment in row.segments]
    assert not any(segment.style.color and segment.style.color.name == "red" for segment in below if segment.style)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("foreign", "✗ not an answer after HTTP 200: This is a page."),
        ("too_large", "✗ too large after HTTP 200: This is a page."),
        ("truncated", "✗ truncated after HTTP 200: This is a page."),
    ],
)
def test_how_a_response_failed_is_said_in_words(kind: FailureKind, said: str) -> None:
    blocks = Scene().asked().at(1, ResponseFailed(kind, "This is a page.", 200)).trace.blocks
    assert said in screen(blocks, LOOK, 1).text


def test_an_id_that_we_made_is_not_shown_as_the_servers() -> None:
    call = ToolCall(KEY, "call_1_0", "get_weather", "{}")
    scene = Scene().asked().at(1, CallStarted(KEY, "call_same", "get_weather"))
    scene.at(1, Diagnostic("warning", "id_shared", "Two have it.", KEY), CallAssembled(call))
    assert told(scene).split("\n")[0] == "╭─ get_weather · call_same → call_1_0 (renamed)"
    scene = Scene().asked().at(1, CallStarted(KEY, "", "get_weather"))
    scene.at(1, Diagnostic("info", "id_missing", "None.", KEY), CallAssembled(call))
    assert told(scene).split("\n")[0] == "╭─ get_weather · call_1_0 (made up)"


def test_a_fault_that_a_diagnostic_tells_is_told_once() -> None:
    fault = Fault("arguments_incomplete", "they are incomplete JSON")
    scene = Scene().asked().called('{"ci', fault=fault)
    scene.at(1, Diagnostic("error", "arguments_incomplete", "The arguments are incomplete.", KEY))
    assert told(scene).count("arguments_incomplete") == 1


def test_a_diagnostic_stands_in_the_panel_of_its_call() -> None:
    frame = Frame("sse", "", "", 120, 1240)
    scene = (
        Scene().asked().called("{}").at(1, Diagnostic("warning", "arguments_repeated", "They came twice.", KEY, frame))
    )
    assert "│ ! arguments_repeated: They came twice. (exchange 1, bytes 120–1,240)" in told(scene)


@pytest.mark.parametrize("severity", ["info", "warning", "error"])
def test_a_finding_is_never_dimmer_than_ordinary_words(severity: Severity) -> None:
    scene = Scene().asked().called("{}").at(1, Diagnostic(severity, "id_shared", "Two have it.", KEY))
    rows = panel(scene.call(), LOOK, 1).rows
    (found,) = [row for row in rows if "id_shared" in row.text]
    assert not any(segment.style.dim for segment in found.segments if segment.style)


def test_a_severity_is_a_word_only_where_its_mark_is_hard_to_read() -> None:
    scene = Scene().asked().called("{}").at(1, Diagnostic("warning", "id_shared", "Two have it.", KEY))
    assert "│ ! id_shared: Two" in told(scene)
    assert "| ! warning id_shared: Two" in told(scene, look=Look(80, "ascii", PLAIN_MARKS))


def test_a_diagnostic_that_every_request_repeats_is_told_once() -> None:
    again = Diagnostic("warning", "arguments_replaced", "The history has {", KEY)
    scene = Scene().asked().called("{}").at(1, again, again, again)
    assert told(scene).count("arguments_replaced") == 1


def test_a_failed_response_says_so_in_the_servers_words() -> None:
    scene = Scene().asked().at(1, ResponseFailed("http", "busy", 503, "req-1"), TurnEnded("failed"))
    shown = screen(scene.trace.blocks, LOOK, 1).text
    assert "✗ HTTP 503: busy (request id req-1)" in shown
    assert "the turn failed" not in shown  # the failure says it


def test_a_turn_that_went_well_ends_without_words() -> None:
    scene = Scene().asked("Hi").at(1, TextDelta("output", "Hello."), TurnEnded("completed"))
    assert screen(scene.trace.blocks[2:], LOOK, 1).text == ""


# ---- the decision, the run, the result ----------------------------------------------------------------------------


def test_a_held_call_says_that_it_waits() -> None:
    assert last_line(Scene().asked().called(*PARIS).completed().at(1, CallHeld(KEY))) == "╰─ ■ held: it waits for you"


def test_a_running_call_has_a_clock() -> None:
    scene = Scene().asked().called(*PARIS).completed().at(1, ToolStarted(KEY, "get_weather", "".join(PARIS)))
    scene.now = 3.5
    assert last_line(scene) == "╰─ ● running 2.5 s"


def test_a_result_stands_below_its_arguments() -> None:
    scene = Scene().asked().called(*PARIS).completed().at(1, ToolStarted(KEY, "get_weather", "".join(PARIS)))
    scene.at(2, ToolFinished(ToolResult(KEY, '{"t":21}', "ok", 0.25, "looking\nup\n")))
    assert told(scene).split("\n")[-4:] == ["│ printed looking", "│         up", '│ ← {"t":21}', "╰─ ✓ ok after 250 ms"]


@pytest.mark.parametrize(
    ("decision", "result", "line"),
    [
        (Mock("{}"), ToolResult(KEY, "{}", "mocked"), "╰─ ✓ answered by you"),
        (Reject("no"), ToolResult(KEY, "{}", "rejected"), "╰─ ✗ rejected by you: no"),
        (Abort(), ToolResult(KEY, "{}", "cancelled"), "╰─ ✗ not run"),
        (Run(), ToolResult(KEY, "{}", "error"), "╰─ ✗ not run"),
    ],
    ids=["mocked", "rejected", "aborted", "not run"],
)
def test_a_call_that_did_not_run_says_why(decision: Decision, result: ToolResult, line: str) -> None:
    scene = Scene().asked().called(*PARIS).completed().at(1, CallDecided(KEY, decision), ToolFinished(result))
    assert last_line(scene) == line


@pytest.mark.parametrize(("status", "line"), [("error", "✗ error after 1.00 s"), ("timeout", "✗ timeout after 1.00 s")])
def test_a_run_that_went_wrong_says_so(status: str, line: str) -> None:
    scene = Scene().asked().called("{}").completed().at(1, ToolStarted(KEY, "get_weather", "{}"))
    scene.at(2, ToolFinished(ToolResult(KEY, "{}", status, 1.0)))  # type: ignore[arg-type]
    assert last_line(scene) == f"╰─ {line}"


def test_proposed_decided_and_effective_arguments_are_all_shown_where_they_differ() -> None:
    scene = Scene().asked().called('{"a":1}').completed()
    scene.at(1, CallDecided(KEY, Edit('{"a":2}')), ToolStarted(KEY, "get_weather", '{"a":3}'))
    text = told(scene)
    assert '│ {"a":1}' in text
    assert 'arguments edited by you {"a":2}' in text
    assert 'runs with {"a":3}' in text


def test_arguments_that_ran_as_proposed_are_shown_once() -> None:
    scene = Scene().asked().called('{"a":1}').completed()
    scene.at(1, CallDecided(KEY, Run()), ToolStarted(KEY, "get_weather", '{"a":1}'))
    assert told(scene).count('{"a":1}') == 1


def test_the_tools_own_result_and_what_went_back_are_both_shown() -> None:
    scene = Scene().asked().called("{}").completed().at(1, ToolStarted(KEY, "get_weather", "{}"))
    scene.at(2, ToolFinished(ToolResult(KEY, "rain", "ok", 0.5)), ResultHeld(KEY))
    assert last_line(scene) == "╰─ ■ its result waits for you"
    scene.at(3, ResultReviewed(KEY, "sun"))
    assert "← the tool gave rain" in told(scene)
    assert "│ changed by you, went back as\n│   sun" in told(scene)


def test_a_remote_call_is_marked_as_the_agents_own() -> None:
    scene = Scene().asked().at(1, CallStarted(KEY, "r", "search", "function", "remote"))
    assert "the agent's own: it has already acted" in told(scene)
    scene.at(2, RemoteResult(ToolResult(KEY, "found")))
    assert last_line(scene) == "╰─ ✓ ok, by the agent itself"


def test_a_remote_call_whose_result_never_came_says_so_when_the_answer_is_over() -> None:
    scene = Scene().asked().at(1, CallStarted(KEY, "r", "search", "function", "remote"))
    scene.at(1, CallAssembled(ToolCall(KEY, "r", "search", "{}", executor="remote")))
    assert last_line(scene) == "╰─ ● the agent runs it"
    scene.at(2, ResponseCompleted(None))
    assert last_line(scene) == "╰─ ✗ no result was told"


def test_a_result_without_end_is_cut_and_says_so() -> None:
    scene = Scene().asked().called("{}").completed().at(1, ToolStarted(KEY, "get_weather", "{}"))
    scene.at(2, ToolFinished(ToolResult(KEY, "x" * 150_000)))
    assert "x… (50,000 more" in told(scene)


def test_the_rest_of_a_huge_result_is_counted_in_bytes_as_all_else_is() -> None:
    scene = Scene().asked().called(*PARIS).completed().at(1, ToolStarted(KEY, "get_weather", "{}"))
    scene.at(2, ToolFinished(ToolResult(KEY, "x" * 100_000 + "ä" * 600)))
    assert "(1,200 more bytes)" in told(scene).replace("\n│  ", "")


# ---- words --------------------------------------------------------------------------------------------------------


def test_words_stand_in_a_panel_with_their_size() -> None:
    scene = Scene().asked().at(1, TextDelta("output", "Hello, ")).at(1.5, TextDelta("output", "you."))
    assert panel(scene.trace.blocks[-1], LOOK, 2).text == "╭─ answer\n│ Hello, you.\n╰─ 11 bytes in 2 deltas, 500 ms"


def test_the_persons_words_have_no_frame() -> None:
    assert panel(Scene().asked("Weather?").trace.blocks[0], LOOK, 0).text == "> Weather?"


# ---- any terminal -------------------------------------------------------------------------------------------------


def everything() -> Scene:
    """A turn with hostile, wide and long content everywhere."""
    hostile = "\x1b[31m北京\r\u202e👩‍👩‍👧‍👦" + "x" * 400 + "\u200b\t\n"
    scene = Scene().asked(hostile).at(1, TextDelta("reasoning", hostile), TextDelta("output", hostile * 3))
    scene.called('{"a', hostile, '"}', name=hostile, fault=Fault("name_missing", hostile)).completed()
    scene.at(2, Diagnostic("error", "name_missing", hostile, KEY), Diagnostic("info", "event_unknown", hostile))
    scene.at(3, CallDecided(KEY, Reject(hostile)), ToolFinished(ToolResult(KEY, hostile, "rejected", 0, hostile)))
    return scene.at(4, ResponseFailed("http", hostile, 500, hostile), TurnEnded("failed"))


@pytest.mark.parametrize("columns", [20, 40, 61, 80, 120, 200, 300])
@pytest.mark.parametrize("plain", [False, True], ids=["utf-8", "ascii"])
def test_no_row_is_wider_than_the_terminal_and_none_commands_it(columns: int, *, plain: bool) -> None:
    look = Look(columns, "ascii", PLAIN_MARKS) if plain else Look(columns)
    rows = screen(everything().trace.blocks, look, 5).text.split("\n")
    assert max(cell_len(row) for row in rows) <= look.width <= columns
    assert all(ord(character) >= 0x20 for row in rows for character in row)
    assert not plain or all(row.isascii() for row in rows)


@pytest.mark.parametrize(("locale", "mark"), [("C", "+-"), ("POSIX", "+-"), ("C.UTF-8", "╭─"), ("", "╭─")])
def test_who_asks_for_the_c_locale_gets_ascii(locale: str, mark: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LC_CTYPE", raising=False)
    monkeypatch.delenv("LANG", raising=False)
    monkeypatch.setenv("LC_ALL", locale)
    console = Console(file=io.TextIOWrapper(io.BytesIO(), encoding="utf-8"))
    assert Look.of(console).marks.top == mark


def test_reading_lines_do_not_stretch_over_a_wide_terminal() -> None:
    scene = Scene().asked().at(1, TextDelta("output", "word " * 200))
    assert max(len(row) for row in panel(scene.trace.blocks[-1], Look(300), 1).text.split("\n")) <= 120


def test_without_colours_nothing_but_colours_is_missing() -> None:
    def printed(**options: object) -> str:
        out = io.StringIO()
        console = Console(file=out, width=80, force_terminal=True, **options)  # type: ignore[arg-type]
        console.print(screen(everything().trace.blocks, Look(80), 5), soft_wrap=True)
        return out.getvalue()

    assert "\x1b[31m✗" in printed(color_system="standard")
    assert "\x1b[31m" not in printed(no_color=True)
    assert "✗ not run: its response broke off" in printed(no_color=True)


# ---- on the way into scrollback -----------------------------------------------------------------------------------


def lines(view: Panel, now: float = 5.0, most: int | None = None) -> list[str]:
    return [row.text for row in view.lines(now, most)]


def test_what_was_let_go_is_not_shown_again_and_the_rest_goes_on() -> None:
    scene = Scene().asked().called(*PARIS).completed().at(1, CallHeld(KEY))
    view = Panel(content(scene.call(), LOOK), LOOK)
    assert "held" in [row.text for row in view.all(1)][-1]
    scene.at(2, CallDecided(KEY, Run()), ToolStarted(KEY, "get_weather", "".join(PARIS)))
    assert lines(view, 2.5) == ["● get_weather · call_0 running 0.5 s"]
    scene.at(3, ToolFinished(ToolResult(KEY, "sun", "ok", 1.0)))
    assert lines(view) == [
        '╭─ get_weather · call_0 · {"city": "Paris"}',
        "│ ← sun",
        "╰─ ✓ ok after 1.00 s · approved by you",
    ]


def test_a_held_call_is_not_said_again_while_others_are_asked_about() -> None:
    scene = Scene().asked().called(*PARIS).completed().at(1, CallHeld(KEY))
    view = Panel(content(scene.call(), LOOK), LOOK)
    assert view.all(1)
    scene.at(2, CallDecided(KEY, Run()))
    assert view.all(2) == []
    assert lines(view) == ["✓ get_weather · call_0 approved by you"]


def test_a_call_that_was_refused_after_it_was_shown_says_so_in_one_row_and_once() -> None:
    scene = Scene().asked().called(*PARIS).completed().at(1, CallHeld(KEY))
    view = Panel(content(scene.call(), LOOK), LOOK)
    assert view.all(1)
    refused = ToolResult(KEY, '{"error": {"type": "rejected"}}', "rejected")
    scene.at(2, CallDecided(KEY, Reject("not needed")), ToolFinished(refused))
    assert [row.text for row in view.all(2)] == ["✗ get_weather · call_0 rejected by you: not needed"]
    assert view.all(3) == []


def test_calls_that_were_shown_and_then_stopped_leave_it_to_the_end_of_the_turn_to_say_so() -> None:
    scene = Scene().asked().called(*PARIS).completed().at(1, CallHeld(KEY))
    view = Panel(content(scene.call(), LOOK), LOOK)
    assert view.all(1)
    scene.at(2, CallDecided(KEY, Abort()), ToolFinished(ToolResult(KEY, "{}", "cancelled")), TurnEnded("aborted"))
    assert view.all(2) == []
    assert screen(scene.trace.blocks, LOOK, 2).text.endswith("! stopped: none of these calls ran")


def test_a_call_of_which_all_is_said_is_not_said_again() -> None:
    scene = Scene().asked().called("{}").completed().at(1, ToolStarted(KEY, "get_weather", "{}"))
    scene.at(2, ToolFinished(ToolResult(KEY, "sun")))
    view = Panel(content(scene.call(), LOOK), LOOK)
    assert view.all(3)
    assert view.all(3) == []
    scene.at(4, Diagnostic("warning", "id_renamed", "It came twice.", KEY))
    assert [row.text for row in view.all(5)][1:2] == ["│ ! id_renamed: It came twice."]


def test_the_newest_rows_are_the_ones_that_are_kept_in_sight() -> None:
    scene = Scene().asked().at(1, TextDelta("output", "".join(f"line {n}\n" for n in range(50))))
    view = Panel(content(scene.trace.blocks[-1], LOOK), LOOK)
    assert lines(view, 1, most=3) == ["│ line 48", "│ line 49", "╰─ 390 bytes in 1 delta"]


def test_rows_that_are_full_go_into_scrollback_once() -> None:
    scene, left = Scene().asked(), list[str]()
    view: Panel | None = None
    for number in range(100):
        scene.at(number, TextDelta("output", f"line {number}\n"))
        view = view or Panel(content(scene.trace.blocks[-1], LOOK), LOOK)
        left += [row.text for row in view.overflow(6, number)]
        assert len(lines(view)) <= 6
    assert view is not None
    left += [row.text for row in view.all(100)]
    assert left == ["╭─ answer", *(f"│ line {number}" for number in range(100)), left[-1]]


def test_after_a_resize_what_is_left_is_broken_anew_and_nothing_is_lost() -> None:
    text = " ".join(f"word{number}" for number in range(200))
    scene = Scene().asked().at(1, TextDelta("output", text))
    view = Panel(content(scene.trace.blocks[-1], LOOK), LOOK)
    left = [row.text for row in view.overflow(6, 1)]
    view.fit_to(Look(40))
    left += [row.text for row in view.all(2)]
    assert " ".join(row.removeprefix("│ ").strip() for row in left[1:-1]) == text


def test_a_call_is_asked_about_its_schema_once() -> None:
    asked: list[str] = []

    def check(call: ToolCall, arguments: str) -> None:
        asked.append(arguments)

    scene = Scene().asked().called("{}").completed()
    view = Panel(content(scene.call(), LOOK, check), LOOK)
    for _ in range(5):
        view.lines(1)
    assert asked == ["{}"]


def test_a_turn_that_ends_before_results_are_sent_on_says_so() -> None:
    scene = Scene().asked().called("{}").completed("length").at(1, ToolStarted(KEY, "get_weather", "{}"))
    scene.at(2, ToolFinished(ToolResult(KEY, "sun")), TurnEnded("length"))
    said = screen(scene.trace.blocks, LOOK, 2).text.split("\n")[-1]
    assert said == "! the answer was cut by the token limit; 1 result was not sent on"


def test_an_interruption_is_said_once() -> None:
    scene = Scene().asked().called('{"ci', whole=False).at(1, ResponseFailed("cancelled", "interrupted here"))
    scene.at(1, TurnEnded("interrupted"))
    shown = screen(scene.trace.blocks, LOOK, 1).text
    assert shown.count("interrupted") == 1
    assert "cancelled" not in shown
