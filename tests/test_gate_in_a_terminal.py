"""The gate in a real terminal: what a person presses, and the bytes of the request that follows."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest

from command_line import callscope
from gateterminal import (
    COLOUR,
    PARIS,
    PROMPT_ENDS,
    QUESTION,
    Terminal,
    answer,
    asks,
    at_prompt,
    enter,
    in_raw_mode,
    leave,
    terminal,
)

ROME = '{"city": "Rome"}'
SUN = '{"sun":"over Paris"}'


@pytest.fixture
def there(tmp_path: Path) -> Iterator[Terminal]:
    with terminal(tmp_path) as opened:
        yield opened


# ---- one key ------------------------------------------------------------------------------------------------------


def test_a_key_needs_no_enter(there: Terminal) -> None:
    child = there.open()
    enter(child, PARIS)
    asks(child, "run it?")
    child.send("y")
    child.expect(r"says: .*Paris")
    leave(child)
    assert there.agent.results() == [SUN]


def test_an_enter_right_behind_a_key_answers_nothing_else(there: Terminal) -> None:
    child = there.open()
    enter(child, "What's the weather in Paris and Rome?")
    asks(child, "run it?")
    enter(child, "y")
    child.expect_exact("2 of 2")
    child.expect_exact(QUESTION)
    child.send("\r")
    assert len(there.recorded("decision")) == 1
    child.send("n")
    leave(child)
    assert [line["action"] for line in there.recorded("decision")] == ["run", "reject"]


def test_an_enter_that_comes_late_leaves_the_key_for_a_break_in_force(there: Terminal) -> None:
    child = there.open()
    there.agent.may_answer.clear()
    enter(child, PARIS)
    while not there.agent.bodies:
        pass
    child.send("\rb")
    while not there.recorded("break"):
        pass
    there.agent.may_answer.set()
    asks(child, "run it?")
    child.send("n")
    leave(child)
    assert [line["reason"] for line in there.recorded("turn")] == ["completed"]


def test_a_paste_answers_nothing(there: Terminal) -> None:
    child = there.open()
    enter(child, PARIS)
    asks(child, "run it?")
    child.send("yes please\r")
    child.expect_exact("that is none of these keys")
    asks(child, "run it?")
    assert there.recorded("decision") == []
    child.send("n")
    leave(child)
    assert [line["action"] for line in there.recorded("decision")] == ["reject"]


def test_what_was_typed_before_the_question_stood_there_does_not_answer_it(there: Terminal) -> None:
    child = there.open("-m", "callscope-demo")
    there.agent.may_answer.clear()
    enter(child, PARIS)
    while not there.agent.bodies:
        pass
    child.send("y")
    child.expect_exact("y")  # the terminal has it
    there.agent.may_answer.set()
    asks(child, "run it?")
    child.send("n")
    at_prompt(child)
    enter(child, "\x15/quit")  # who typed ahead may have typed for the next prompt
    child.expect(pexpect.EOF)
    assert [line["action"] for line in there.recorded("decision")] == ["reject"]


def test_an_unknown_key_says_in_one_line_where_all_keys_are_told(there: Terminal) -> None:
    child = there.open()
    enter(child, PARIS)
    for key in ("x", "\x1b[A", "\x1b"):
        asks(child, "run it?")
        child.send(key)
        child.expect_exact("is none of these keys; ? tells what each of them does")
    asks(child, "run it?")
    child.send("?")
    child.expect_exact("run it, then look at the result before it goes back")
    child.expect_exact("Ctrl-C stops the turn.")
    asks(child, "run it?")
    child.send("n")
    leave(child)


def test_the_whole_arguments_are_printed_and_the_question_comes_again(there: Terminal) -> None:
    child = there.open()
    enter(child, f'get_weather {{"city": "{"x" * 1500}"}}')
    asks(child, "run it?")
    child.send("p")
    child.expect(r"p\S*\s+\{\"city\": \"x{1500}\"\}")
    asks(child, "run it?")
    child.send("n")
    leave(child)


# ---- the next request's bytes -------------------------------------------------------------------------------------


@pytest.mark.parametrize("keys", ["e", "er", "m"])
def test_esc_at_a_text_goes_back_to_the_question(there: Terminal, keys: str) -> None:
    child = there.open()
    enter(child, PARIS)
    for key in keys:
        asks(child, "run it?")
        child.send(key)
        child.expect_exact("Esc: bac")
        child.send("half a thought\x1b")
    asks(child, "run it?")
    child.send("n")
    leave(child)
    assert [line["action"] for line in there.recorded("decision")] == ["reject"]


def test_an_edit_at_the_prompt_is_what_the_next_request_says(there: Terminal) -> None:
    child = there.open()
    enter(child, PARIS)
    asks(child, "run it?")
    child.send("e")
    answer(child, "arguments ›", ROME)
    child.expect_exact("arguments edited by you")
    child.expect("says: ")
    leave(child)
    assert json.dumps(ROME).encode() in there.agent.bodies[-1]
    assert b"Paris" not in there.agent.bodies[-1].partition(b'"tool_calls"')[2]
    assert there.agent.results() == ['{"sun":"over Rome"}']


def test_an_answer_in_the_tools_place_is_the_result_of_the_next_request(there: Terminal) -> None:
    child = there.open()
    enter(child, PARIS)
    asks(child, "run it?")
    child.send("m")
    answer(child, "answer in its place ›", 'snow "all" week')
    child.expect("says: ")
    leave(child)
    assert there.agent.results() == ['snow "all" week']
    assert there.recorded("started") == []


def test_a_refusal_is_the_result_of_the_next_request(there: Terminal) -> None:
    child = there.open()
    enter(child, PARIS)
    asks(child, "run it?")
    child.send("r")
    answer(child, "reason ›", "too hot")
    leave(child)
    assert [json.loads(result)["error"] for result in there.agent.results()] == [
        {"type": "rejected", "message": "too hot", "retryable": False}
    ]


def test_after_an_abort_nothing_is_sent_and_the_turn_after_it_is_valid(there: Terminal) -> None:
    child = there.open()
    enter(child, "What's the weather in Paris and Rome?")
    asks(child, "run it?")
    child.send("y")
    asks(child, "run it?")
    child.send("a")
    child.expect_exact("none of these calls ran")
    at_prompt(child)
    assert len(there.agent.bodies) == 1
    enter(child, "hello")
    child.expect_exact(PROMPT_ENDS)
    leave(child)
    assert [json.loads(result)["error"]["type"] for result in there.agent.results()] == ["cancelled"] * 2
    assert there.recorded("started") == []


def test_always_holds_for_the_calls_of_later_turns(there: Terminal) -> None:
    child = there.open()
    enter(child, PARIS)
    asks(child, "run it?")
    child.send("Y")
    at_prompt(child)
    enter(child, f"get_weather {ROME}")
    child.expect("says: .*Rome")
    leave(child)
    assert [line["action"] for line in there.recorded("decision")] == ["run", "run"]


def test_a_break_holds_the_next_call_whatever_was_said_for_the_tool(there: Terminal) -> None:
    child = there.open()
    enter(child, PARIS)
    asks(child, "run it?")
    child.send("Y")
    at_prompt(child)
    there.agent.may_answer.clear()
    enter(child, f"get_weather {ROME}")
    while len(there.agent.bodies) < 3:
        pass
    child.send("b")
    while not there.recorded("break"):
        pass
    there.agent.may_answer.set()
    asks(child, "run it?")
    child.send("n")
    leave(child)
    assert [line["action"] for line in there.recorded("decision")] == ["run", "reject"]


def test_a_call_that_the_person_answers_is_asked_for_at_once(there: Terminal) -> None:
    child = there.open(EDITOR=there.editor("green\nor blue\n"))
    enter(child, COLOUR)
    child.expect_exact("your answer ›")
    child.send("re\x18\x05")  # Ctrl-X Ctrl-E
    child.expect_exact("or blue")
    child.send(" or red\r")
    child.expect_exact(PROMPT_ENDS)
    leave(child)
    assert there.given() == "re"
    assert there.agent.results() == ["green\nor blue or red"]


# ---- the editor ---------------------------------------------------------------------------------------------------


def test_an_edit_in_the_editor_is_asked_again_until_it_is_valid_and_keeps_what_was_written(there: Terminal) -> None:
    broken = '{"city":\n "Rome"'
    child = there.open(EDITOR=there.editor(f"{broken}\n", '{"town": "Rome"}\n', ROME + "\n"))
    enter(child, PARIS)
    asks(child, "run it?")
    child.send("e")
    child.expect_exact("Expecting ',' delimiter at line 2, column 8")
    asks(child, "edit it again?")
    child.send("e")
    child.expect_exact("town")
    asks(child, "edit it again?")
    child.send("e")
    child.expect("says: ")
    leave(child)
    assert there.given(0) == '{"city": "Paris"}'
    assert there.given(1) == broken
    assert there.agent.arguments() == [ROME]


def test_who_does_not_want_to_edit_again_is_back_at_the_question(there: Terminal) -> None:
    child = there.open(EDITOR=there.editor("{"))
    enter(child, PARIS)
    asks(child, "run it?")
    child.send("e")
    asks(child, "edit it again?")
    child.send("b")
    asks(child, "run it?")
    child.send("y")
    child.expect("says: ")
    leave(child)
    assert there.agent.arguments() == ['{"city": "Paris"}']


@pytest.mark.parametrize(
    ("left", "said"),
    [('{"city": "Paris"}\n', "unchanged"), ("", "empty"), (" \n", "empty")],
    ids=["as it was", "", " "],
)
def test_a_file_left_as_it_was_or_empty_is_no_edit(there: Terminal, left: str, said: str) -> None:
    child = there.open(VISUAL=there.editor(left), EDITOR="false")
    enter(child, PARIS)
    asks(child, "run it?")
    child.send("e")
    child.expect_exact(said)
    asks(child, "run it?")
    child.send("y")
    child.expect("says: ")
    leave(child)
    assert there.agent.arguments() == ['{"city": "Paris"}']
    assert there.recorded("decision")[0]["action"] == "run"


def test_the_file_is_nobody_elses_and_gone_afterwards(there: Terminal) -> None:
    child = there.open(EDITOR=there.editor(ROME))
    enter(child, PARIS)
    asks(child, "run it?")
    child.send("e")
    child.expect("says: ")
    leave(child)
    modes = (there.folder / "my editor" / "modes").read_text().split()
    assert modes[0] == "600"
    assert modes[2] == "700"
    assert modes[1].endswith(".json")
    assert list((there.folder / "tmp").iterdir()) == []


@pytest.mark.parametrize(
    ("editor", "said"),
    [
        ("no-such-editor -w", "the editor no-such-editor cannot be started: no such file or directory"),
        ("false", "the editor false ended with code 1"),
        ("sh -c 'stty raw -echo; kill -9 $$'", "the editor sh ended by SIGKILL"),
        ("rm", "the edited file cannot be read: no such file or directory"),
        ('sh -c \'printf "\\377" > "$0"\'', "the edited file is not UTF-8: byte 0 is 0xff"),
        ("vi 'x", "$EDITOR cannot be read: no closing quotation"),
    ],
    ids=["missing", "failing", "killed", "removing the file", "not UTF-8", "misspelt"],
)
def test_an_editor_that_cannot_be_had_is_said_and_the_prompt_asks(there: Terminal, editor: str, said: str) -> None:
    child = there.open(EDITOR=editor)
    enter(child, PARIS)
    asks(child, "run it?")
    child.send("e")
    child.expect_exact(said)
    answer(child, "arguments ›", ROME)
    child.expect("says: ")
    leave(child)
    assert there.agent.arguments() == [ROME]


def test_ctrl_c_in_the_editor_is_the_editors(there: Terminal) -> None:
    editor = there.editor(ROME)
    # what the terminal does for a Ctrl-C: every process of the job gets the signal, and this editor lives on
    (there.folder / "my editor" / "before.sh").write_text("trap '' INT\nkill -INT 0\n")
    child = there.open(EDITOR=editor)
    enter(child, PARIS)
    asks(child, "run it?")
    child.send("e")
    child.expect("says: ")
    leave(child)
    assert there.agent.arguments() == [ROME]


def test_ctrl_c_ends_the_turn_again_after_an_edit(there: Terminal) -> None:
    child = there.open(EDITOR=there.editor("{"))
    enter(child, PARIS)
    asks(child, "run it?")
    child.send("e")
    asks(child, "edit it again?")
    child.kill(2)
    child.expect_exact("interrupted")
    leave(child)


def test_sigterm_ends_the_editor_and_leaves_the_terminal_as_it_was(there: Terminal) -> None:
    editor = there.editor(ROME)
    (there.folder / "my editor" / "before.sh").write_text("stty -echo raw\necho in the editor\nsleep 30\n")
    child = there.open(EDITOR=editor)
    enter(child, PARIS)
    asks(child, "run it?")
    child.send("e")
    child.expect_exact("in the editor")
    child.kill(15)
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 130
    assert list((there.folder / "tmp").iterdir()) == []
    assert there.recorded("turn")[-1]["reason"] == "interrupted"


# ---- results ------------------------------------------------------------------------------------------------------


def test_a_result_that_was_asked_for_is_edited_before_it_goes_back(there: Terminal) -> None:
    child = there.open(EDITOR=there.editor('{"sun": "nowhere"}\n'))
    enter(child, PARIS)
    asks(child, "run it?")
    child.send("o")
    child.expect_exact(SUN)
    child.expect_exact("result of get_weather · call_1, ok")
    asks(child, "send it?")
    assert len(there.agent.bodies) == 1
    child.send("e")
    child.expect("says: ")
    leave(child)
    assert there.given() == SUN
    assert there.agent.results() == ['{"sun": "nowhere"}']
    assert there.recorded("result")[0]["output"] == SUN


def test_where_the_tool_file_holds_results_the_call_runs_and_its_result_waits(there: Terminal) -> None:
    tools = (there.folder / "tools.yaml").read_text()
    (there.folder / "tools.yaml").write_text(tools.replace("run: {python", "approve: result\n    run: {python"))
    child = there.open("--approve", "always")
    enter(child, PARIS)
    asks(child, "send it?")
    child.send("m")
    answer(child, "other words ›", "no idea")
    child.expect("says: ")
    leave(child)
    assert there.agent.results() == ["no idea"]
    assert [(line["action"], line["by"]) for line in there.recorded("decision")] == [("run", "policy")]


def test_stopping_at_a_result_sends_nothing_and_the_next_turn_is_valid(there: Terminal) -> None:
    child = there.open()
    enter(child, PARIS)
    asks(child, "run it?")
    child.send("o")
    asks(child, "send it?")
    child.send("a")
    child.expect_exact("interrupted")
    assert len(there.agent.bodies) == 1
    at_prompt(child)
    enter(child, "hello")
    child.expect_exact(PROMPT_ENDS)
    leave(child)
    assert there.agent.results() == [SUN]


# ---- Ctrl-C, Ctrl-D, Ctrl-Z ---------------------------------------------------------------------------------------

TO_EVERY_QUESTION = {
    "at the call": (PARIS, ("run it?", QUESTION)),
    "at the reason": (PARIS, ("run it?", QUESTION, "r", "reason ›")),
    "at the edit": (PARIS, ("run it?", QUESTION, "e", "arguments ›")),
    "at the answer in its place": (PARIS, ("run it?", QUESTION, "m", "in its place ›")),
    "at the person's answer": (COLOUR, ("your answer ›",)),
    "at the result": (PARIS, ("run it?", QUESTION, "o", "send it?", QUESTION)),
    "at the result's edit": (PARIS, ("run it?", QUESTION, "o", "send it?", QUESTION, "e", "goes back ›")),
}


@pytest.mark.parametrize("stop", ["\x03", "\x04"], ids=["Ctrl-C", "Ctrl-D"])
@pytest.mark.parametrize(("line", "way"), TO_EVERY_QUESTION.values(), ids=TO_EVERY_QUESTION)
def test_ctrl_c_ends_the_turn_and_leaves_a_valid_conversation(
    there: Terminal, line: str, way: tuple[str, ...], stop: str
) -> None:
    child = there.open()
    enter(child, line)
    for sight in way:
        if len(sight) == 1:
            child.send(sight)
        else:
            child.expect_exact(sight)
    child.send(stop if way[-1] == QUESTION else f"\x15{stop}")  # Ctrl-D in a text deletes a character
    child.expect_exact("interrupted")
    at_prompt(child)
    enter(child, "hello")
    child.expect_exact(PROMPT_ENDS)
    leave(child)
    assert len(there.agent.results()) == 1
    assert [line["reason"] for line in there.recorded("turn")] == ["interrupted", "completed"]


def test_ctrl_z_suspends_at_the_gate_and_the_question_comes_back(there: Terminal) -> None:
    shell = there.spawn("bash", "--norc", "--noprofile", "-i", PS1="shell$ ")
    shell.expect_exact("shell$ ")
    shell.send(f"{sys.executable} -m callscope --url {there.url}\r")
    shell.expect_exact("/help lists the commands")
    at_prompt(shell)
    enter(shell, PARIS)
    asks(shell, "run it?")
    shell.send("\x1a")
    shell.expect_exact("Stopped")
    shell.expect_exact("shell$ ")
    shell.send("fg\r")
    asks(shell, "run it?")
    shell.send("y")
    shell.expect("says: ")
    at_prompt(shell)
    enter(shell, "/quit")
    shell.expect_exact("shell$ ")
    assert there.agent.results() == [SUN]


# ---- again --------------------------------------------------------------------------------------------------------


def test_a_session_in_which_a_person_stepped_in_runs_again_the_same(there: Terminal) -> None:
    child = there.open("--max-rounds", "1", EDITOR=there.editor(ROME, '{"sun": "nowhere"}'))
    for keys in (("e",), ("o", "e"), ("o", "a"), ("a",), ("Y",), ()):
        enter(child, PARIS)
        for key in keys:
            child.expect_exact(QUESTION)
            child.send(key)
        if keys and keys[-1] != "a":
            asks(child, "continue?")
            child.send("y")
        if not keys:
            asks(child, "continue?")
            child.send("n")
        at_prompt(child)
    enter(child, "/quit")
    child.expect(pexpect.EOF)
    reasons = [line["reason"] for line in there.recorded("turn")]
    went_on = ["round_limit", "completed"]
    assert reasons == [*went_on, *went_on, "interrupted", "aborted", *went_on, "round_limit"]
    again = callscope("replay", there.recording, "--server", "recorded", "--calls", "recorded", folder=there.folder)
    assert again.code == 0, again.err
    assert "the same: turns 9, exchanges 9, calls 6" in again.err


# ---- any terminal -------------------------------------------------------------------------------------------------


def test_a_dumb_terminal_asks_and_edits_too(there: Terminal) -> None:
    child = there.spawn(sys.executable, "-m", "callscope", "--url", there.url, TERM="dumb", NO_COLOR="1")
    child.expect_exact("/help lists the commands")
    child.expect_exact("> ")
    in_raw_mode(child)
    enter(child, PARIS)
    asks(child, "run it?")
    child.send("e")
    child.expect_exact('{"city": "Paris"}')
    child.expect_exact("arguments ›")
    in_raw_mode(child)
    enter(child, ROME)
    child.expect("says: ")
    child.expect_exact("> ")
    in_raw_mode(child)
    enter(child, "/quit")
    child.expect(pexpect.EOF)
    assert there.agent.arguments() == [ROME]


def test_forty_columns_show_every_key(there: Terminal) -> None:
    child = there.open(dimensions=(20, 40), NO_COLOR="1")
    enter(child, PARIS)
    for keys in ("[y]es [Y]always [n]o [N]ever", "[r]eason [e]dit [m]ock [o]utput", "[p]rint [a]bort [?] › "):
        child.expect_exact(keys)
    child.send("n")
    leave(child)


# ---- the round limit ----------------------------------------------------------------------------------------------


def test_at_the_round_limit_the_person_may_go_on(there: Terminal) -> None:
    child = there.open("--max-rounds", "1", "--approve", "always")
    enter(child, PARIS)
    asks(child, "stopped after 1 round: continue?")
    assert len(there.agent.bodies) == 1
    child.send("y")
    child.expect("says: ")
    leave(child)
    assert there.agent.results() == [SUN]
    assert [line["reason"] for line in there.recorded("turn")] == ["round_limit", "completed"]


@pytest.mark.parametrize("key", ["n", "\x03"], ids=["no", "Ctrl-C"])
def test_at_the_round_limit_the_person_may_leave_it_at_that(there: Terminal, key: str) -> None:
    child = there.open("--max-rounds", "1", "--approve", "always")
    enter(child, PARIS)
    asks(child, "continue?")
    child.send(key)
    at_prompt(child)
    assert len(there.agent.bodies) == 1
    enter(child, "hello")
    child.expect_exact(PROMPT_ENDS)
    leave(child)
    assert there.agent.results() == [SUN]
