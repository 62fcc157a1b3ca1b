"""/export and the commands that look, in a real terminal; and how an exported file is named."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from callscope.core.errors import UnusableFile, UsageError
from callscope.core.events import UserMessage
from callscope.core.ports import Prepared
from callscope.core.state import Conversation, apply
from callscope.core.values import CallKey, Message, Request, Settings, ToolCall, ToolResult
from callscope.dialects.chat.dialect import ChatCompletions
from callscope.exporting.files import write_beside, write_new
from callscope.exporting.messages import next_messages
from callscope.serving.demo.agent import DemoAgent
from callscope.serving.server import run_in_thread
from callscope.slash.exporting import FORMS
from replbench import Child, at_prompt, enter, furnish, leave, open_repl

KEY = "sk-proj-abcdefgh12345678"


@pytest.fixture(scope="module")
def demo() -> Iterator[str]:
    with run_in_thread(DemoAgent(pace=0.0)) as server:
        yield f"{server.url}/v1"


Repl = Callable[..., Child]


@pytest.fixture
def repl(demo: str, tmp_path: Path) -> Iterator[Repl]:
    furnish(tmp_path)
    opened: list[Child] = []

    def open_one(*arguments: str, **variables: str) -> Child:
        opened.append(open_repl(demo, tmp_path, "--approve", "always", *arguments, **variables))
        return opened[-1]

    yield open_one
    for child in opened:
        child.close(force=True)


def after_a_turn(child: Child, words: str = 'get_weather {"city": "Paris"}') -> Child:
    enter(child, words)
    child.expect_exact("says:")
    at_prompt(child)
    return child


def shown(child: Child, command: str) -> str:
    """What a command writes, without colours."""
    enter(child, command)
    at_prompt(child)
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", child.before or "").replace("\r\n", "\n")


def test_the_commands_that_look_show_the_turn(repl: Repl) -> None:
    child = after_a_turn(repl())
    assert re.search(r"exchange 1, HTTP 200, complete(.|\n)*get_weather(.|\n)*running", shown(child, "/timeline"))
    assert re.search(r"all +\d+ +\d+", shown(child, "/tokens"))
    assert re.search(r"1  you #1 +get_weather", shown(child, "/history"))
    assert re.search(r"2  call +get_weather|call +get_weather", shown(child, "/history"))
    assert re.search(r"exchange 2  POST(.|\n)*bytes 0–[\d,]+  data(.|\n)*complete", shown(child, "/raw"))
    assert "exchange 1  POST" in shown(child, "/raw 1")
    assert "00000000  64 61 74 61 3a 20" in shown(child, "/raw hex")
    leave(child)


def test_the_markdown_goes_into_a_file_under_the_name_of_the_recording(repl: Repl, tmp_path: Path) -> None:
    child = after_a_turn(repl())
    assert "exported to" in shown(child, "/export markdown")
    leave(child)
    recording = next((tmp_path / "recordings").glob("*.jsonl"))
    document = (tmp_path / f"{recording.stem}.md").read_text()
    assert "## Call `get_weather · call_" in document


def test_the_json_is_the_history_as_the_next_request_would_carry_it(repl: Repl, tmp_path: Path) -> None:
    child = after_a_turn(repl())
    shown(child, "/export json said.json")
    leave(child)
    messages = json.loads((tmp_path / "said.json").read_text())
    assert [message["role"] for message in messages] == ["user", "assistant", "tool", "assistant"]


def test_the_curl_line_sends_the_last_request_and_has_the_key_as_a_variable(repl: Repl, tmp_path: Path) -> None:
    child = after_a_turn(repl("--key-env", "MY_KEY", MY_KEY=KEY), f'get_weather {{"city": "Paris {KEY}"}}')
    shown(child, "/export curl again.sh")
    leave(child)
    line = (tmp_path / "again.sh").read_text()
    assert KEY not in line
    assert '-H "authorization: Bearer $MY_KEY"' in line.replace("Authorization", "authorization")
    environment = {**os.environ, "MY_KEY": KEY, "MY_KEY_JSON": KEY, "no_proxy": "*"}
    answer = subprocess.run(["sh", "again.sh"], cwd=tmp_path, env=environment, capture_output=True, check=False)
    assert b"data: [DONE]" in answer.stdout


def test_the_screen_is_a_picture(repl: Repl, tmp_path: Path) -> None:
    child = after_a_turn(repl())
    shown(child, "/export svg turn.svg")
    leave(child)
    picture = (tmp_path / "turn.svg").read_text()
    assert picture.startswith("<svg")
    assert "get_weather" in picture


def test_the_page_and_the_archive_are_made_from_the_recording_so_far(repl: Repl, tmp_path: Path) -> None:
    child = after_a_turn(repl())
    shown(child, "/export html it.html")
    shown(child, "/export har it.har")
    leave(child)
    assert "Turn 1" in (tmp_path / "it.html").read_text()
    assert len(json.loads((tmp_path / "it.har").read_text())["log"]["entries"]) >= 2


def test_without_a_recording_there_is_no_page_and_it_says_so(repl: Repl, tmp_path: Path) -> None:
    child = after_a_turn(repl("--no-record"))
    assert "this session is not recorded" in shown(child, "/export html it.html")
    leave(child)
    assert not (tmp_path / "it.html").exists()


def test_a_dash_prints(repl: Repl, tmp_path: Path) -> None:
    child = after_a_turn(repl())
    assert '"role": "assistant"' in shown(child, "/export json -")
    leave(child)
    assert not list(tmp_path.glob("*.json"))


def test_nothing_that_the_recording_masks_is_exported(repl: Repl, tmp_path: Path) -> None:
    child = after_a_turn(repl("--key-env", "MY_KEY", MY_KEY=KEY), f'get_weather {{"city": "Paris {KEY}"}}')
    for form in FORMS:
        shown(child, f"/export {form} it.{form}")
    leave(child)
    for form in FORMS:
        assert KEY not in (tmp_path / f"it.{form}").read_text()


def test_what_cannot_be_exported_is_one_clear_line(repl: Repl, tmp_path: Path) -> None:
    child = repl("--dialect", "chat", "--model", "callscope-demo")
    assert "No request was sent yet." in shown(child, "/export curl")
    assert "no turn on the screen" in shown(child, "/export svg")
    assert "/export markdown|json|curl|svg|html|har" in shown(child, "/export pdf")
    (tmp_path / "there.md").write_text("mine")
    after_a_turn(child)
    assert "is there already" in shown(child, "/export markdown there.md")
    assert "cannot be written" in shown(child, "/export markdown nowhere/x.md")
    leave(child)
    assert (tmp_path / "there.md").read_text() == "mine"


def test_a_recording_that_is_gone_is_told_and_the_session_goes_on(repl: Repl, tmp_path: Path) -> None:
    child = after_a_turn(repl())
    for recording in (tmp_path / "recordings").glob("*.jsonl"):
        recording.unlink()
    assert "no such file" in shown(child, "/export html").lower()
    after_a_turn(child)
    leave(child)


# ---- files ----------------------------------------------------------------------------------------------------------


def test_a_name_that_is_taken_gets_the_next_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert [str(write_beside(text, "a", "md")) for text in "xyz"] == ["a.md", "a-2.md", "a-3.md"]
    assert [(tmp_path / name).read_text() for name in ("a.md", "a-2.md", "a-3.md")] == ["x", "y", "z"]


def test_a_link_to_nowhere_is_not_written_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.md").symlink_to(tmp_path / "elsewhere")
    assert str(write_beside("x", "a", "md")) == "a-2.md"
    with pytest.raises(UsageError, match="is there already"):
        write_new("x", str(tmp_path / "a.md"))
    assert not (tmp_path / "elsewhere").exists()


def test_a_name_that_is_none_is_an_error_of_the_person(tmp_path: Path) -> None:
    for place in (f"{tmp_path}/a\0b", str(tmp_path)):
        with pytest.raises(UsageError):
            write_new("x", place)


def test_a_name_that_the_disk_does_not_take_is_told(tmp_path: Path) -> None:
    with pytest.raises(UnusableFile, match="too long"):
        write_new("x", f"{tmp_path}/{'x' * 400}")


def test_the_messages_of_a_conversation_are_those_of_its_next_request() -> None:
    key, conversation = CallKey(1, 0), Conversation(Settings(url="http://h/v1", model="m"))
    conversation = apply(conversation, UserMessage("Hi \u202e\x9b"))
    call = ToolCall(key, "c1", "f", '{"a":1.0}')
    items = (*conversation.items, call, ToolResult(key, "21"), Message("assistant", "done", 2))
    text = next_messages(ChatCompletions(), Conversation(conversation.settings, items=items))
    assert json.loads(text) == [
        {"role": "user", "content": "Hi \u202e\x9b"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a":1.0}'}}],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "21"},
        {"role": "assistant", "content": "done"},
    ]
    assert not {"\u202e", "\x9b"} & set(text)


def test_a_dialect_without_messages_exports_its_whole_body() -> None:
    class Other(ChatCompletions):
        def request(self, conversation: Conversation) -> Prepared:
            return Prepared(Request("POST", "http://h", (), b'{"prompt":"Hi"}'))

    assert json.loads(next_messages(Other(), Conversation())) == {"prompt": "Hi"}
