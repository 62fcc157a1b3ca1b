"""Conversations in the Responses API that other programs have, recorded, served, rerun and exported: on loopback."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import openai
import pytest

from callscope.core.events import SettingsChanged, ToolFinished, UserMessage
from callscope.core.values import Request
from callscope.offering import offered
from callscope.record.deriving.rechunking import cut_named, rechunk
from callscope.record.file.reading import Recording, open_recording
from callscope.serving.demo.agent import DemoAgent
from callscope.serving.server import run_in_thread
from command_line import callscope
from recordbench import verify
from servebench import running

TOOL: Any = {
    "type": "function",
    "name": "get_weather",
    "description": "Current weather for a city.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    "strict": False,
}
ASKED: Any = {"role": "user", "content": "think: weather in Paris"}


def converse(base: str, *, stored: bool, stream: bool = True) -> list[str]:
    """A turn with a call, and another one, by the official SDK; gives the words of each answer."""
    words: list[str] = []
    with openai.OpenAI(base_url=f"{base}/v1", api_key="sk-of-a-person-0123456789", max_retries=0) as client:
        create: Any = client.responses.create
        history: list[Any] = [ASKED]
        previous: str | None = None
        for _ in range(2):
            while True:
                response = create(
                    model="callscope-demo",
                    input=history,
                    tools=[TOOL],
                    stream=stream,
                    **({"previous_response_id": previous} if previous else {}),
                )
                if stream:
                    response = [event for event in response if event.type == "response.completed"][-1].response
                calls = [item for item in response.output if item.type == "function_call"]
                results = [
                    {"type": "function_call_output", "call_id": call.call_id, "output": "rain"} for call in calls
                ]
                if stored:
                    previous, history = response.id, list(results)
                else:
                    history += [item.model_dump(exclude_none=True) for item in response.output] + results
                if not calls:
                    break
            words.append(response.output_text)
            history.append({"role": "user", "content": "And in Rome?"})
    return words


def kinds(recording: Recording, kind: type[Any]) -> list[Any]:
    return [entry.event for entry in recording.entries if isinstance(entry.event, kind)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tools.yaml").write_text(
        "tools:\n  - name: get_weather\n    parameters: {type: object, properties: {city: {type: string}}}\n"
        "    run: {mock: sunny}\n"
    )
    return tmp_path


def recorded(folder: Path, *flags: str) -> Path:
    """The recording of a turn with a call."""
    asked = ("ask", "--demo", "--dialect", "responses", "--approve", "always", "--json", "-T", "tools.yaml", *flags)
    ran = callscope(*asked, "think: weather in Paris", folder=folder)
    assert ran.code == 0, ran.err
    return folder / str(ran.last["recording"])


# ---- what other programs say ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("stored", "stream"), [(False, True), (True, True), (True, False)])
def test_what_another_program_says_is_one_recording_that_can_be_served_again(
    tmp_path: Path, stored: bool, stream: bool
) -> None:
    folder = tmp_path / "rec"
    with run_in_thread(DemoAgent(pace=0.0)) as demo, running("proxy", demo.url, "--recordings", folder) as proxy:
        first = converse(proxy.url, stored=stored, stream=stream)
        proxy.end()
    (file,) = folder.iterdir()
    recording = open_recording(file)
    assert verify(recording) is None
    assert rechunk(recording, cut_named("1")).difference is None
    assert [event.text for event in kinds(recording, UserMessage)] == ["think: weather in Paris", "And in Rome?"]
    assert [event.result.output for event in kinds(recording, ToolFinished)] == ["rain", "rain"]
    assert kinds(recording, SettingsChanged)[-1].settings.history == ("server" if stored else "full")
    assert "sk-of-a-person" not in file.read_text()
    with running("serve", file, "--speed", "max") as served:
        assert converse(served.url, stored=stored, stream=stream) == first
        served.end()


def test_the_model_of_a_responses_session_is_offered_to_who_asks_for_models(folder: Path) -> None:
    found = offered(open_recording(recorded(folder)))
    assert (found.models, found.agents) == (("callscope-demo",), ())


def test_two_conversations_at_once_are_told_apart_by_the_responses_that_they_go_on_from(tmp_path: Path) -> None:
    folder = tmp_path / "rec"
    with run_in_thread(DemoAgent(pace=0.0)) as demo, running("proxy", demo.url, "--recordings", folder) as proxy:
        with openai.OpenAI(base_url=f"{proxy.url}/v1", api_key="any", max_retries=0) as client:
            first, second = (client.responses.create(model="callscope-demo", input=words) for words in ("hi", "say a"))
            client.responses.create(model="callscope-demo", input="say b", previous_response_id=second.id)
            client.responses.create(model="callscope-demo", input="say c", previous_response_id=first.id)
        proxy.end()
    heard = {tuple(each.text for each in kinds(open_recording(path), UserMessage)) for path in folder.iterdir()}
    assert heard == {("hi", "say c"), ("say a", "say b")}


# ---- matching -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("history", ["full", "server"])
def test_ids_of_responses_items_and_calls_may_be_others_in_another_run(folder: Path, history: str) -> None:
    exchanges = offered(open_recording(recorded(folder, "--history", history))).exchanges
    request = exchanges[-1].request
    body = recorded_body = exchanges[-1].read_body().decode()
    given = set(json.loads(exchanges[0].read_body()))
    assert given
    for member in ("id", "call_id", "previous_response_id"):
        body = body.replace(f'"{member}":"', f'"{member}":"other_')
    renamed = Request(request.method, request.url, request.headers, body.encode())
    assert renamed.body != recorded_body.encode()
    assert exchanges[-1].unlike(renamed) is None


def test_a_result_of_another_call_is_no_match(folder: Path) -> None:
    exchanges = offered(open_recording(recorded(folder))).exchanges
    body = json.loads(exchanges[-1].read_body())
    body["input"][-1]["call_id"] = "call_of_nobody"
    now = Request("POST", exchanges[-1].request.url, (), json.dumps(body).encode())
    assert exchanges[-1].unlike(now) is not None


@pytest.mark.parametrize("history", ["full", "server"])
def test_a_recorded_session_is_rerun_the_same(folder: Path, history: str) -> None:
    file = recorded(folder, "--history", history)
    ran = callscope("replay", file, "--server", "recorded", "--calls", "recorded", folder=folder)
    assert (ran.code, "the same: turns 1, exchanges 2, calls 1" in ran.err) == (0, True), ran.err


# ---- exports --------------------------------------------------------------------------------------------------------


def test_messages_are_the_input_items_of_the_next_request(folder: Path) -> None:
    ran = callscope("recordings", "export", recorded(folder), "--as", "messages", "-o", "-", folder=folder)
    items = json.loads(ran.out)
    assert [item.get("type", item.get("role")) for item in items] == [
        "user",
        "reasoning",
        "message",
        "function_call",
        "function_call_output",
        "reasoning",
        "message",
    ]


def test_where_the_server_keeps_the_rest_the_export_says_so(folder: Path) -> None:
    file = recorded(folder, "--history", "server")
    body = json.loads(callscope("recordings", "export", file, "--as", "messages", "-o", "-", folder=folder).out)
    assert body["previous_response_id"].startswith("resp_")


def test_the_exported_shell_lines_send_what_was_sent(folder: Path) -> None:
    ran = callscope("recordings", "export", recorded(folder), "--as", "shell", "-o", "-", folder=folder)
    assert "/v1/responses" in ran.out
    assert subprocess.run(["sh", "-n"], input=ran.out, text=True, check=False).returncode == 0


@pytest.mark.parametrize("form", ["markdown", "html", "har"])
def test_every_other_form_can_be_written(folder: Path, form: str) -> None:
    ran = callscope("recordings", "export", recorded(folder), "--as", form, "-o", "-", folder=folder)
    assert (ran.code, "get_weather" in ran.out) == (0, True)


def test_the_exported_test_reads_the_same_bytes(folder: Path) -> None:
    file = recorded(folder)
    ran = callscope("recordings", "export", file, "--as", "pytest", "-o", "test_it.py", folder=folder)
    assert ran.code == 0
    assert "it passes today" in ran.err
