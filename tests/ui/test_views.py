"""The lines view, the JSON lines and the outcome: what a person and a script are told."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from callscope.core.events import (
    CallAssembled,
    CallDecided,
    Diagnostic,
    Event,
    ExchangeOpened,
    ItemsInserted,
    RemoteResult,
    ResponseCompleted,
    ResponseFailed,
    ResponseStarted,
    Stamped,
    TextDelta,
    ThreadNamed,
    ToolFinished,
    ToolStarted,
    UserMessage,
)
from callscope.core.state import Conversation
from callscope.core.values import (
    CallKey,
    Decision,
    Edit,
    Fault,
    Frame,
    Reject,
    Request,
    Settings,
    ToolCall,
    ToolResult,
    Usage,
)
from callscope.core.visible import one_line, visible
from callscope.ui.gate import AbsentGate
from callscope.ui.hanging import hanging
from callscope.ui.jsonl import JsonLines, event_json
from callscope.ui.lines import LinesView
from callscope.ui.outcome import Outcome
from callscope.ui.view import LaterPanels
from playbook import Answer, FakeClock, Playbook, calls, failure, text
from scene import Scene, opened

PARIS = ("get_weather", '{"city": "Paris"}')
RESULT = ToolResult(CallKey(9, 2), "done")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def console(stream: io.StringIO, *, terminal: bool) -> Console:
    return Console(
        file=stream, width=80, force_terminal=terminal, color_system=None, highlight=False, soft_wrap=True, _environ={}
    )


def shown(
    *answers: Answer, terminal: bool = False, decisions: Sequence[Decision] = (), **kwargs: Any
) -> tuple[str, str]:
    """What lines write to stdout and to stderr in a turn."""
    out = Terminal() if terminal else io.StringIO()
    err = Terminal() if terminal else io.StringIO()
    play = Playbook(*answers, decisions=decisions, **kwargs)
    view = LinesView(out, console(err, terminal=terminal))
    play.session.sinks.append(view)
    play.play("Weather?")
    view.close()
    return out.getvalue(), err.getvalue()


def saying(*events: Any) -> Answer:
    return Answer(((ResponseStarted(0), *events),), (ResponseCompleted("stop"),))


def test_only_the_answer_goes_to_stdout_and_it_ends_with_a_newline() -> None:
    out, err = shown(calls(PARIS), text("21 degrees."))
    assert out == "21 degrees.\n"
    assert "get_weather" in err


def test_a_call_is_shown_with_its_arguments_and_its_result() -> None:
    _, err = shown(calls(PARIS), text("."), outputs={"get_weather": "21"})
    assert '{"city": "Paris"}' in err
    assert "valid JSON" in err
    assert "get_weather · c0-1 ok" in err


def test_a_terminal_shows_where_the_server_cut_the_arguments() -> None:
    _, err = shown(calls(PARIS), text("."), terminal=True)
    assert '{"city":·"Paris"}' in err.replace(" ", "").replace("· ", "·")
    assert "2 deltas" in err


def test_a_refusal_of_a_call_is_shown_with_its_reason() -> None:
    _, err = shown(calls(PARIS), text("."), decisions=[Reject("too hot")])
    assert "refused: too hot" in err


def test_a_fault_is_shown_with_the_call() -> None:
    _, err = shown(
        calls(("get_weather", '{"ci'), faults={0: Fault("arguments_incomplete", "They end early.")}), text(".")
    )
    assert "They end early." in err


@pytest.mark.parametrize(
    "event",
    [CallDecided(CallKey(9, 2), Reject("no")), ToolStarted(CallKey(9, 2), "f", "{}"), ToolFinished(RESULT)],
    ids=lambda event: type(event).__name__,
)
def test_a_call_that_never_came_is_named_by_its_number(event: Event) -> None:
    err = io.StringIO()
    view = LinesView(io.StringIO(), console(err, terminal=False))
    view.handle(Stamped(1, 0.0, event), Conversation())
    assert isinstance(event, ToolStarted) or "call 9.2" in err.getvalue()


def test_a_diagnostic_names_its_code_and_its_bytes() -> None:
    diagnostic = Diagnostic("warning", "index_missing", "No index.", frame=Frame("sse", "", "", 120, 240))
    _, err = shown(saying(diagnostic))
    assert "warning index_missing: No index. (exchange 1, bytes 120–240)" in err


def test_a_failure_shows_the_servers_words_status_and_request_id() -> None:
    broken = Answer(
        (), (ResponseStarted(0), ResponseFailed("http", "No such model.", 404, request_id="req_7")), "complete", 404
    )
    _, err = shown(broken)
    assert "HTTP 404: No such model. (request id req_7)" in err


def test_another_attempt_is_announced() -> None:
    _, err = shown(failure("http", status=503), text("Hello."))
    assert "trying again, attempt 2" in err


def test_an_answer_that_commands_the_terminal_is_shown_and_not_obeyed() -> None:
    out, _ = shown(text("\x1b[2Jgone\r\x07"), terminal=True)
    assert "\x1b" not in out
    assert "\\x1b[2Jgone\\x0d\\x07" in out


@pytest.mark.parametrize("terminal", [True, False], ids=["terminal", "pipe"])
def test_no_word_of_a_peer_or_a_tool_commands_the_terminal_wherever_it_stands(terminal: bool) -> None:
    hostile, key = "\x1b]0;owned\x07\x9b2J\r\u202e", CallKey(1, 0)
    call = ToolCall(key, hostile, hostile, hostile, fault=Fault("name_missing", hostile))
    scene, err = Scene(), Terminal()
    scene.sinks.append(LinesView(Terminal(), console(err, terminal=terminal), echo_user=True))
    scene.at(0, UserMessage(hostile), opened(), ResponseStarted(1, hostile), ThreadNamed(hostile))
    scene.at(1, *(TextDelta(channel, hostile) for channel in ("output", "reasoning", "refusal")))
    scene.called(hostile, name=hostile, fault=call.fault).at(2, RemoteResult(ToolResult(key, hostile)))
    scene.at(2, Diagnostic("error", "name_missing", hostile, key)).completed(hostile)
    scene.at(3, CallDecided(key, Edit(hostile)), ToolStarted(key, hostile, hostile))
    scene.at(3, ToolFinished(ToolResult(key, hostile, "error", 1.0, hostile)), ItemsInserted((call,)))
    scene.at(4, opened(2), ResponseFailed("http", hostile, 500, hostile, finish_reason=hostile))
    assert not {"\x1b", "\x07", "\x9b", "\r", "\u202e"} & set(err.getvalue())


def test_an_answer_in_a_pipe_is_data_and_stays_as_it_is() -> None:
    out, _ = shown(text("\x1b[2Jgone\n"))
    assert out == "\x1b[2Jgone\n"


def test_reasoning_is_chrome() -> None:
    out, err = shown(saying(TextDelta("reasoning", "Hm."), TextDelta("output", "Well.")))
    assert out == "Well.\n"
    assert "reasoning: Hm." in err


@pytest.mark.parametrize("hostile", ["\x1b", "\x9b", "\x7f", "\u061c", "\u202e", "\u2028", "\u2066", "\r", "\ud800"])
def test_what_commands_a_terminal_becomes_an_escape(hostile: str) -> None:
    assert hostile not in visible(f"a{hostile}b")


def test_a_long_text_says_how_much_is_not_shown() -> None:
    assert one_line("x" * 500, 100).endswith("(400 more characters)")


# ---- JSON lines -----------------------------------------------------------------------------------------------------


def lines_of(*answers: Answer, **kwargs: Any) -> list[dict[str, Any]]:
    out = io.StringIO()
    play = Playbook(*answers, **kwargs)
    play.session.sinks.append(JsonLines(out))
    play.play("Weather?")
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_a_request_is_told_without_the_query_of_its_url_which_may_hold_a_key() -> None:
    line = event_json(ExchangeOpened(1, Request("POST", "http://x/v1/chat/completions?api-key=hidden-secret", (), b"")))
    assert line is not None
    assert line["url"] == "http://x/v1/chat/completions"


def test_a_turn_reads_as_one_event_a_line() -> None:
    events = [line["event"] for line in lines_of(calls(PARIS), text("21."))]
    assert events == [
        "user",
        "request",
        "response",
        "call",
        "arguments",
        "arguments",
        "exchange_ended",
        "assembled",
        "completed",
        "held",
        "decided",
        "started",
        "result",
        "request",
        "response",
        "text",
        "exchange_ended",
        "completed",
        "turn_ended",
    ]


def test_a_lone_surrogate_does_not_break_the_lines() -> None:
    assert lines_of(text("a\ud800b"))[3]["text"] == "a\ud800b"


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\x85"])
def test_a_line_separator_in_a_text_does_not_part_a_line(separator: str) -> None:
    assert lines_of(text(f"a{separator}b"))[3]["text"] == f"a{separator}b"


def outcome_of(*answers: Answer, **kwargs: Any) -> tuple[Outcome, dict[str, Any]]:
    outcome = Outcome()
    play = Playbook(*answers, **kwargs)
    play.session.sinks.append(outcome)
    play.play("Weather?")
    return outcome, outcome.as_json(exit_code=outcome.exit_code, recording=None)


def test_the_last_line_has_the_last_response_and_every_call_of_the_turn() -> None:
    _, last = outcome_of(calls(PARIS), text("21 degrees."))
    assert (last["reason"], last["exit_code"], last["text"], last["finish_reason"]) == (
        "completed", 0, "21 degrees.", "stop",
    )  # fmt: skip
    assert last["tool_calls"] == [
        {"call": [1, 0], "call_id": "c0-1", "kind": "function", "executor": "local", "name": "get_weather",
         "arguments": '{"city": "Paris"}', "valid": True, "error": None}
    ]  # fmt: skip


def test_usage_is_the_servers_object_word_for_word() -> None:
    raw = {"prompt_tokens": 1, "vendor": {"x": 2}}
    answer = Answer(
        ((ResponseStarted(0), TextDelta("output", "a")),), (ResponseCompleted("stop", Usage(1, None, None, raw)),)
    )
    _, last = outcome_of(answer)
    assert last["usage"] == raw


@pytest.mark.parametrize(
    ("answers", "settings", "code"),
    [
        ([text("Hi")], {}, 0),
        ([text("Hi", "length")], {}, 5),
        ([text("Hi", "content_filter")], {}, 5),
        ([failure("http", status=500)], {}, 4),
        ([calls(PARIS)], {"run_calls": False}, 0),
        ([calls(("get_weather", "{"), faults={0: Fault("arguments_incomplete", "cut")})], {"run_calls": False}, 5),
        ([calls(PARIS)], {"max_rounds": 1}, 5),
    ],
    ids=["done", "length", "filtered", "failed", "not run", "not runnable", "round limit"],
)
def test_every_ending_has_its_exit_code(answers: list[Answer], settings: dict[str, Any], code: int) -> None:
    outcome, _ = outcome_of(*answers, settings=Settings(dialect="scripted", **settings))
    assert outcome.exit_code == code


def test_a_call_refused_because_nobody_is_there_ends_with_5_although_the_turn_went_on() -> None:
    outcome = Outcome()
    play = Playbook(calls(PARIS), text("I may not."))
    play.session.gate = AbsentGate()
    play.session.sinks.append(outcome)
    assert play.play("Weather?")[-1] == "== completed"
    assert outcome.exit_code == 5


def test_every_call_says_whether_it_can_be_run() -> None:
    broken = CallAssembled(ToolCall(CallKey(1, 0), "c", "f", "{", fault=Fault("arguments_incomplete", "cut")))
    _, last = outcome_of(Answer(((ResponseStarted(0),),), (broken, ResponseCompleted("tool_calls"))), text("."))
    assert (last["tool_calls"][0]["valid"], last["tool_calls"][0]["error"]) == (False, "cut")


# ---- the raw view ---------------------------------------------------------------------------------------------------


def test_where_answer_and_chrome_go_to_one_place_neither_stands_in_the_others_line(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w+", encoding="utf-8") as log:
        play = Playbook(saying(TextDelta("output", "Well."), Diagnostic("warning", "index_missing", "No index.")))
        view = LinesView(log, console(log, terminal=False))
        play.session.sinks.append(view)
        play.play("Hi")
        view.close()
        log.seek(0)
        assert log.read().splitlines() == ["Well.", "  ! warning index_missing: No index."]


def test_chrome_is_broken_at_words_in_a_terminal_and_not_at_all_elsewhere() -> None:
    said = "callscope-demo at http://127.0.0.1:45231/v1, 7 tools; /help lists the commands"
    narrow = Console(file=Terminal(), width=40, force_terminal=True, color_system=None)
    assert [line.plain for line in hanging(narrow, said)] == [
        "callscope-demo at",
        "  http://127.0.0.1:45231/v1, 7 tools;",
        "  /help lists the commands",
    ]
    assert [line.plain for line in hanging(Console(file=io.StringIO(), width=40), said)] == [said]


@pytest.mark.parametrize("text", ["東京" * 40, "x" * 100, "  ! " + "word " * 30, "", "a\n\nb", "\x1b[2J" * 20])
def test_no_line_of_chrome_is_wider_than_its_terminal(text: str) -> None:
    narrow = Console(file=Terminal(), width=40, force_terminal=True, color_system=None)
    lines = [line.plain for line in hanging(narrow, text)]
    assert all(cell_len(line) <= 40 for line in lines)
    assert "".join("".join(lines).split()) == "".join(visible(text).split())


def test_a_view_that_was_made_before_the_tools_were_known_judges_by_them_all_the_same() -> None:
    view = LaterPanels(Console(file=Terminal(), width=80, force_terminal=True), FakeClock())
    shown = view._panels
    view.check = lambda call, arguments: "city is required"
    assert shown.check is view.check
