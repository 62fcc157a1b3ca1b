"""What passes through the proxy, as recordings: which file, which lines, no secret."""

from __future__ import annotations

import asyncio
import json
import signal
import threading
from pathlib import Path
from typing import Any

import openai
import pytest

import chatbodies
import demobench
from agentbodies import DONE, said
from callscope.core.errors import UnusableFile
from callscope.core.events import (
    BytesRead,
    Diagnostic,
    ExchangeEnded,
    ExchangeOpened,
    ItemsInserted,
    ResponseHead,
    SettingsChanged,
    ToolFinished,
    ToolsChanged,
    TurnEnded,
    UserMessage,
    WireEvent,
)
from callscope.core.values import CallKey, Ending, Headers, Request
from callscope.offering import offered
from callscope.record.deriving.rechunking import cut_named, rechunk
from callscope.record.file.listing import summarize
from callscope.record.file.reading import Recording, open_recording
from callscope.serving.demo.agent import DemoAgent
from callscope.serving.server import run_in_thread
from callscope.witnessing import MOST_OPEN, Notebook, Witness
from command_line import callscope
from recordbench import TickingClock, verify
from servebench import Running, running

POST = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n"
URL = "http://there.test/v1/chat/completions"
KEY = "Bearer key-of-somebody-0123456789"
USER = {"role": "user", "content": "Weather in Rome?"}
CALL = {"id": "c1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city":"Rome"}'}}
ASKS = {"role": "assistant", "content": None, "tool_calls": [CALL]}
RESULT = {"role": "tool", "tool_call_id": "c1", "content": "21 degrees"}
TOOL = {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object"}}}
CALLING = [
    chatbodies.calls(chatbodies.entry(0, "c1", "get_weather", '{"city":"Rome"}')),
    chatbodies.chunk({}, "tool_calls"),
]
WORDS = [chatbodies.chunk({"content": "It is 21."}), chatbodies.chunk({}, "stop"), chatbodies.DONE]


class Bench:
    """A witness and the folder it writes to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.said: list[str] = []
        self.witness = Witness(folder, TickingClock(), self.said.append)

    def opened(
        self,
        *messages: Any,
        url: str = URL,
        key: str = KEY,
        method: str = "POST",
        body: bytes | None = None,
        **members: Any,
    ) -> Notebook:
        """A request passes."""
        content = {"model": "m", "messages": list(messages), "stream": True, **members}
        data = json.dumps(content).encode() if body is None else body
        request = Request(method, url, (("authorization", key),), data)
        notebook = self.witness.listen(request)
        notebook.hear(ExchangeOpened(notebook.exchange, request))
        return notebook

    def answered(
        self, notebook: Notebook, *reads: bytes, status: int = 200, headers: Headers = (), how: Ending = "complete"
    ) -> Notebook:
        """An answer passes."""
        wires: list[WireEvent] = [
            ResponseHead(notebook.exchange, status, headers or (("content-type", "text/event-stream"),))
        ]
        wires += [BytesRead(notebook.exchange, data) for data in reads]
        for wire in (*wires, ExchangeEnded(notebook.exchange, how)):
            notebook.hear(wire)
        return notebook

    @property
    def recordings(self) -> list[Recording]:
        """What was recorded so far, in no order; all of it derives as it was recorded."""
        found = [open_recording(path) for path in self.folder.iterdir()]
        for recording in found:
            assert verify(recording) is None
            assert recording.warnings == ()
        return found

    @property
    def only(self) -> Recording:
        (recording,) = self.recordings
        return recording


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "recordings")


def kinds(recording: Recording) -> list[str]:
    return [entry.kind for entry in recording.entries]


def exchanges(recording: Recording) -> list[int]:
    return [entry.event.exchange for entry in recording.entries if isinstance(entry.event, ExchangeOpened)]


# ---- one conversation ---------------------------------------------------------------------------------------------


def test_a_turn_with_a_call_is_one_recording_with_words_tools_and_result(bench: Bench) -> None:
    bench.answered(bench.opened(USER, tools=[TOOL]), *CALLING)
    bench.answered(bench.opened(USER, ASKS, RESULT, tools=[TOOL]), *WORDS)
    recording = bench.only
    assert kinds(recording) == [
        *("mark", "settings", "tools", "user", "request", "response", "read", "read", "end", "assembled"),
        *("decision", "started", "result", "request", "response", "read", "read", "read", "end", "assembled", "turn"),
    ]
    events = [entry.event for entry in recording.entries]
    (settings,) = [event.settings for event in events if isinstance(event, SettingsChanged)]
    (tools,) = [event.tools for event in events if isinstance(event, ToolsChanged)]
    (result,) = [event.result for event in events if isinstance(event, ToolFinished)]
    assert (settings.url, settings.model, settings.stream) == ("http://there.test/v1", "m", True)
    assert [tool.name for tool in tools] == ["get_weather"]
    assert (result.key.exchange, result.key.index, result.output, result.status) == (1, 0, "21 degrees", "ok")
    assert UserMessage("Weather in Rome?") in events
    assert events[-1] == TurnEnded("completed")
    assert exchanges(recording) == [1, 2]
    assert [line.partition(", ")[0] for line in bench.said] == ["POST /v1/chat/completions: 200"] * 2
    assert bench.said[0].endswith(f" bytes, complete: {recording.path.name}")


def diagnostics(recording: Recording) -> list[tuple[str, CallKey | None]]:
    return [(entry.event.code, entry.event.key) for entry in recording.entries if isinstance(entry.event, Diagnostic)]


def test_a_call_that_the_request_did_not_allow_is_told(bench: Bench) -> None:
    bench.answered(bench.opened(USER, tools=[TOOL], tool_choice="none"), *CALLING)
    bench.answered(bench.opened(USER, ASKS, RESULT, tools=[TOOL], tool_choice="none"), *WORDS)
    assert diagnostics(bench.only) == [("call_not_allowed", CallKey(1, 0))]
    assert kinds(bench.only)[9:11] == ["assembled", "diagnostic"]


def test_a_second_call_where_one_was_asked_for_is_told(bench: Bench) -> None:
    entries = [chatbodies.entry(place, f"c{place}", "get_weather", "{}") for place in range(2)]
    answer = [chatbodies.calls(*entries), chatbodies.chunk({}, "tool_calls")]
    bench.answered(bench.opened(USER, tools=[TOOL], parallel_tool_calls=False), *answer)
    assert diagnostics(bench.only) == [("call_not_alone", CallKey(1, 1))]


def test_an_answer_in_one_piece_where_a_stream_was_asked_for_is_told(bench: Bench) -> None:
    message = {"role": "assistant", "content": "It is 21."}
    body = json.dumps({"model": "m", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}).encode()
    head = (("content-type", "application/json"),)
    bench.answered(bench.opened(USER), body, headers=head)
    assert diagnostics(bench.only) == [("answer_in_one_piece", None)]
    assert kinds(bench.only)[-3:] == ["assembled", "diagnostic", "turn"]
    bench.answered(bench.opened({"role": "user", "content": "Not streamed?"}, stream=False), body, headers=head)
    assert [len(diagnostics(recording)) for recording in bench.recordings].count(1) == 1


def test_an_answer_as_it_was_asked_for_is_told_nothing_of(bench: Bench) -> None:
    bench.answered(bench.opened(USER, tools=[TOOL], tool_choice="auto", parallel_tool_calls=False), *CALLING)
    bench.answered(bench.opened(USER, ASKS, RESULT, tools=[TOOL], tool_choice="none"), *WORDS)
    assert diagnostics(bench.only) == []


def test_a_recording_of_the_proxy_is_listed_as_any_other(bench: Bench) -> None:
    bench.answered(bench.opened(USER, tools=[TOOL]), *CALLING)
    bench.answered(bench.opened(USER, ASKS, RESULT, tools=[TOOL]), *WORDS)
    summary = summarize(bench.only.path)
    assert (summary.model, summary.words, summary.turns, summary.exchanges, summary.calls, summary.ending) == (
        "m", "Weather in Rome?", 1, 2, 1, "completed",
    )  # fmt: skip


def test_a_second_turn_goes_on_in_the_same_recording(bench: Bench) -> None:
    bench.answered(bench.opened(USER), *WORDS)
    answer = {"role": "assistant", "content": "It is 21."}
    bench.answered(bench.opened(USER, answer, {"role": "user", "content": "And now?"}), *WORDS)
    assert [e.event for e in bench.only.entries if isinstance(e.event, UserMessage | TurnEnded)] == [
        UserMessage("Weather in Rome?"),
        TurnEnded("completed"),
        UserMessage("And now?"),
        TurnEnded("completed"),
    ]


def test_changed_settings_and_tools_are_told_where_they_change(bench: Bench) -> None:
    bench.answered(bench.opened(USER, tools=[TOOL]), *CALLING)
    bench.answered(bench.opened(USER, ASKS, RESULT, temperature=1), *WORDS)
    assert kinds(bench.only).count("settings") == 2
    assert kinds(bench.only).count("tools") == 2


def test_what_went_before_a_conversation_that_is_heard_in_the_middle_is_put_in(bench: Bench) -> None:
    notebook = bench.answered(bench.opened(USER, ASKS, RESULT, tools=[TOOL]), *WORDS)
    assert notebook.exchange == 2
    events = [entry.event for entry in bench.only.entries]
    (inserted,) = [event for event in events if isinstance(event, ItemsInserted)]
    assert (len(inserted.items), inserted.exchange) == (3, 1)
    assert "continue" in kinds(bench.only)
    assert exchanges(bench.only) == [2]


def test_a_retry_is_an_exchange_of_its_own_in_the_same_recording(bench: Bench) -> None:
    bench.answered(bench.opened(USER), b"busy", status=503, headers=(("content-type", "text/plain"),))
    bench.answered(bench.opened(USER), b"", how="reset")
    bench.answered(bench.opened(USER), *WORDS)
    assert exchanges(bench.only) == [1, 2, 3]
    assert [e.event for e in bench.only.entries if isinstance(e.event, TurnEnded)] == [
        TurnEnded("failed"),
        TurnEnded("failed"),
        TurnEnded("completed"),
    ]


def test_the_same_words_after_an_answer_are_another_conversation(bench: Bench) -> None:
    bench.answered(bench.opened(USER), *WORDS)
    bench.answered(bench.opened(USER), *WORDS)
    assert [exchanges(recording) for recording in bench.recordings] == [[1], [1]]


def test_a_turn_that_the_program_gave_up_is_ended_before_the_next_one(bench: Bench) -> None:
    bench.answered(bench.opened(USER, tools=[TOOL]), *CALLING)
    bench.answered(bench.opened(USER, ASKS, {"role": "user", "content": "Never mind"}, tools=[TOOL]), *WORDS)
    assert [e.event for e in bench.only.entries if isinstance(e.event, TurnEnded)] == [
        TurnEnded("interrupted"),
        TurnEnded("completed"),
    ]


def test_a_client_that_hung_up_leaves_an_interrupted_turn(bench: Bench) -> None:
    bench.answered(bench.opened(USER), WORDS[0], how="cancelled")
    assert bench.only.entries[-1].event == TurnEnded("interrupted")


def test_an_agent_that_keeps_the_thread_is_one_recording_though_nothing_is_repeated(bench: Bench) -> None:
    url = "http://there.test/v1/chat"
    bench.answered(bench.opened(USER, url=url), said("Sunny.", thread_id="t1"), DONE)
    again = {"role": "user", "content": "And now?"}
    bench.answered(bench.opened(again, url=url, extra_body={"thread_id": "t1"}), said("Rain.", thread_id="t1"), DONE)
    assert exchanges(bench.only) == [1, 2]
    assert [e.event.text for e in bench.only.entries if isinstance(e.event, UserMessage)] == [
        "Weather in Rome?",
        "And now?",
    ]


# ---- several at once ----------------------------------------------------------------------------------------------


def test_conversations_under_way_at_once_have_a_file_each(bench: Bench) -> None:
    first, second = bench.opened(USER), bench.opened(USER)
    bench.answered(second, *CALLING)
    bench.answered(first, *WORDS)
    bench.answered(bench.opened(USER, ASKS, RESULT), *WORDS)
    assert sorted(exchanges(recording) for recording in bench.recordings) == [[1], [1, 2]]


def test_two_that_began_with_the_same_words_are_told_apart_by_their_answers(bench: Bench) -> None:
    other = {**CALL, "id": "c2"}
    first, second = bench.opened(USER), bench.opened(USER)
    bench.answered(first, *CALLING)
    bench.answered(
        second, chatbodies.calls(chatbodies.entry(0, "c2", "get_weather", "{}")), chatbodies.chunk({}, "tool_calls")
    )
    third = bench.opened(USER, {**ASKS, "tool_calls": [other]}, {**RESULT, "tool_call_id": "c2"})
    fourth = bench.opened(USER, ASKS, RESULT)
    assert (third, fourth) == (second, first)


def test_clients_with_different_keys_share_no_file(bench: Bench) -> None:
    bench.answered(bench.opened(USER, tools=[TOOL]), *CALLING)
    bench.answered(bench.opened(USER, ASKS, RESULT, tools=[TOOL], key="Bearer another-key-9876543210"), *WORDS)
    assert len(bench.recordings) == 2


def test_the_longest_silent_conversation_is_closed_when_there_are_too_many(bench: Bench) -> None:
    for number in range(MOST_OPEN + 1):
        bench.answered(bench.opened({"role": "user", "content": str(number)}), *WORDS)
    answer = {"role": "assistant", "content": "It is 21."}
    bench.answered(bench.opened({"role": "user", "content": "0"}, answer, USER), *WORDS)
    bench.answered(bench.opened({"role": "user", "content": "9"}, answer, USER), *WORDS)
    counts = [len(exchanges(recording)) for recording in bench.recordings]
    assert (len(counts), sum(counts)) == (MOST_OPEN + 2, MOST_OPEN + 3)
    bench.witness.close()


# ---- what is no conversation --------------------------------------------------------------------------------------


def test_questions_about_the_server_go_before_the_conversation_that_follows_them(bench: Bench) -> None:
    listing = bench.opened(url="http://there.test/v1/models", method="GET", body=b"")
    bench.answered(listing, b'{"data":[]}', headers=(("content-type", "application/json"),))
    bench.answered(bench.opened(USER), *WORDS)
    assert exchanges(bench.only) == [0, 1]
    assert kinds(bench.only)[:6] == ["mark", "request", "response", "read", "end", "settings"]


def test_what_nobody_here_speaks_is_kept_as_it_passed_and_derived_from_nothing(bench: Bench) -> None:
    for url in ("http://there.test/v1/embeddings", "http://there.test/v1/responses", "http://there.test/v1/messages"):
        bench.answered(bench.opened(USER, url=url), b"data: anything\n\n")
    assert exchanges(bench.only) == [0, 0, 0]
    assert "assembled" not in kinds(bench.only)
    assert len(offered(bench.only).exchanges) == 3


def test_questions_after_a_conversation_have_a_file_of_their_own(bench: Bench) -> None:
    bench.answered(bench.opened(USER), *WORDS)
    bench.answered(bench.opened(url="http://there.test/v1/models", method="GET", body=b""), b"{}")
    assert sorted(exchanges(recording) for recording in bench.recordings) == [[0], [1]]


@pytest.mark.parametrize("body", [b"", b"{", b'{"messages": 5}', b"\xff\xfe", b'{"messages":[' * 5000])
def test_a_request_that_makes_no_sense_is_recorded_all_the_same(bench: Bench, body: bytes) -> None:
    bench.answered(bench.opened(body=body), b"no", status=400)
    (opened,) = [e.event for e in bench.only.entries if isinstance(e.event, ExchangeOpened)]
    assert opened.request.body == body


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"role": None},
        {"role": "tool"},
        {"role": "user", "content": {"a": [1, None]}},
        {"role": "assistant", "tool_calls": 7},
        {"role": "user", "content": "\ud800"},
        {"role": "assistant", "tool_calls": [{"id": [], "function": {"name": {}}}]},
    ],
)
def test_odd_messages_do_no_harm(bench: Bench, message: Any) -> None:
    bench.answered(bench.opened(message), *WORDS)
    bench.answered(bench.opened(message, message, USER), *WORDS)
    assert sum(len(exchanges(recording)) for recording in bench.recordings) == 2


# ---- what is on the disk ------------------------------------------------------------------------------------------


def test_no_key_is_on_the_disk_wherever_it_stands(bench: Bench) -> None:
    key = KEY.split()[1]
    notebook = bench.opened(
        {"role": "user", "content": f"my key is {key}"}, user=key, url=f"{URL}?api_key=query-key-123456"
    )
    error = json.dumps({"error": {"message": f"Incorrect API key provided: {key}."}}).encode()
    bench.answered(
        notebook, error[:45], error[45:], status=401, headers=(("x-echo", key), ("set-cookie", "session=abcdefghij"))
    )
    text = bench.only.path.read_text()
    for secret in (key, key[:-3], "query-key-123456", "session=abcdefghij"):
        assert secret not in text


def test_a_reading_that_waits_for_a_secret_to_end_is_written_in_the_end(bench: Bench) -> None:
    key = KEY.split()[1]
    notebook = bench.opened(USER)
    for wire in (
        ResponseHead(1, 200, (("content-type", "text/event-stream"),)),
        BytesRead(1, chatbodies.chunk({"content": key[:12]})),
    ):
        notebook.hear(wire)
    assert kinds(bench.only)[-1] in ("response", "request")
    notebook.hear(BytesRead(1, chatbodies.chunk({"content": key[12:]})))
    notebook.hear(ExchangeEnded(1, "complete"))
    assert key[:12] not in bench.only.path.read_text()
    assert b"".join(e.event.data for e in bench.only.entries if isinstance(e.event, BytesRead)).count(b"*") == len(key)


def test_a_folder_that_cannot_be_written_is_an_error_for_the_client_and_a_line_for_the_person(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    bench = Bench(tmp_path / "file" / "recordings")
    with pytest.raises(UnusableFile):
        bench.opened(USER)
    assert len(bench.said) == 1


def test_a_recording_that_cannot_be_written_any_more_is_given_up_and_the_next_request_gets_a_new_one(
    bench: Bench,
) -> None:
    notebook = bench.opened(USER)
    notebook.close()  # as good as a disk that has gone
    with pytest.raises(UnusableFile):
        notebook.hear(ResponseHead(1, 200, ()))
    assert "can no longer be written" in bench.said[0]
    bench.answered(bench.opened(USER), *WORDS)
    assert len(bench.recordings) == 2


# ---- the command --------------------------------------------------------------------------------------------------


def until_recorded(folder: Path, text: str) -> Path:
    """Wait until a recording has this text in it."""
    ended = threading.Event()
    for _ in range(400):
        for path in folder.glob("*.jsonl"):
            if text in path.read_text(errors="replace"):
                return path
        ended.wait(0.025)
    raise AssertionError(f"nothing with {text} was recorded")


def test_the_openai_sdk_hears_the_same_through_the_proxy_and_from_the_recording(tmp_path: Path) -> None:
    folder = tmp_path / "rec"

    def conversation(url: str) -> list[Any]:
        with openai.OpenAI(base_url=f"{url}/v1", api_key="sk-of-a-person-1234567890", max_retries=0) as client:
            heard: list[Any] = [model.id for model in client.models.list()]
            messages: list[Any] = [{"role": "user", "content": "What's the weather in Paris and Rome?"}]
            for stream in (True, False):
                arguments: dict[str, Any] = {"model": "callscope-demo", "messages": messages, "tools": [TOOL]}
                answer = client.chat.completions.create(**arguments, stream=stream)
                heard.append([chunk.model_dump() for chunk in answer] if stream else answer.model_dump())
            return heard

    with (
        run_in_thread(DemoAgent(pace=0.001)) as demo,
        running("proxy", f"{demo.url}/v1", "--recordings", folder) as proxy,
    ):
        direct = conversation(demo.url)
        assert conversation(proxy.url) == direct
        proxy.end()
    assert proxy.code == 0
    assert f"{proxy.url}/v1 leads to {demo.url}/v1, recorded in {folder}" in proxy.said
    files = sorted(folder.iterdir())
    for file in files:
        assert verify(open_recording(file)) is None
        assert rechunk(open_recording(file), cut_named("1")).difference is None
        assert "sk-of-a-person" not in file.read_text()
    with running("serve", *files, "--speed", "max") as served:
        assert conversation(served.url) == direct
        served.end()
    assert served.code == 0, served.said


def test_what_another_program_did_can_be_run_again_from_its_recording(tmp_path: Path) -> None:
    folder = tmp_path / "rec"
    first = demobench.asking("What's the weather in Paris?", stream=False)
    with run_in_thread(DemoAgent(pace=0.001)) as demo, running("proxy", demo.url, "--recordings", folder) as proxy:
        answer = json.loads(demobench.post(proxy.url, first).body)["choices"][0]["message"]
        result = {"role": "tool", "tool_call_id": answer["tool_calls"][0]["id"], "content": "rain"}
        assert demobench.post(proxy.url, {**first, "messages": [*first["messages"], answer, result]}).status == 200
        proxy.end()
    (file,) = folder.iterdir()
    ran = callscope("replay", file, "--server", "recorded", "--ignore", "$.headers", folder=tmp_path)
    assert (ran.code, "the same: turns 1, exchanges 2, calls 1" in ran.err) == (0, True), ran.err


def test_many_clients_at_once_are_all_recorded(tmp_path: Path) -> None:
    folder = tmp_path / "rec"

    async def ask(url: str) -> list[str]:
        async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="any", max_retries=0) as client:
            asked = (
                client.chat.completions.create(
                    model="callscope-demo", messages=[{"role": "user", "content": f"count to {number}"}]
                )
                for number in range(2, 32)
            )
            return [answer.choices[0].message.content or "" for answer in await asyncio.gather(*asked)]

    with run_in_thread(DemoAgent(pace=0.001)) as demo, running("proxy", demo.url, "--recordings", folder) as proxy:
        direct = asyncio.run(ask(demo.url))
        assert asyncio.run(ask(proxy.url)) == direct
        proxy.end()
    assert sum(len(exchanges(open_recording(path))) for path in folder.iterdir()) == 30


def test_a_proxy_that_is_killed_in_mid_stream_leaves_a_readable_recording(tmp_path: Path) -> None:
    body = json.dumps(demobench.asking("count to 500")).encode()
    with (
        run_in_thread(DemoAgent(pace=0.05)) as demo,
        running("proxy", demo.url, "--recordings", tmp_path) as proxy,
        demobench.connect(proxy.url) as client,
    ):
        client.sendall(POST % len(body) + body)
        received = b""
        while received.count(b"data: ") < 5:
            received += client.recv(65536)
        proxy.process.send_signal(signal.SIGKILL)
        proxy.code = proxy.process.wait()
    (path,) = tmp_path.iterdir()
    recording = open_recording(path)
    reads = b"".join(entry.event.data for entry in recording.entries if isinstance(entry.event, BytesRead))
    assert reads.count(b"data: ") >= 5
    assert rechunk(recording, cut_named("1")).difference is None
    assert len(offered(recording).exchanges) == 1


def test_ctrl_c_in_mid_stream_ends_the_recording_as_cancelled(tmp_path: Path) -> None:
    body = json.dumps(demobench.asking("count to 500")).encode()
    with (
        run_in_thread(DemoAgent(pace=0.05)) as demo,
        running("proxy", demo.url, "--recordings", tmp_path) as proxy,
        demobench.connect(proxy.url) as client,
    ):
        client.sendall(POST % len(body) + body)
        client.recv(10)
        until_recorded(tmp_path, '"kind":"read"')
        proxy.end()
    (path,) = tmp_path.iterdir()
    recording = open_recording(path)
    assert [e.event.how for e in recording.entries if isinstance(e.event, ExchangeEnded)] == ["cancelled"]
    assert verify(recording) is None
    assert proxy.code == 0


def hostile(proxy: Running) -> None:
    """Send what no client should."""
    for data in (
        b"\0" * 1000,
        b"GET / HTTP/1.1\r\n" + b"x: " + b"y" * 100_000 + b"\r\n\r\n",
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: -5\r\n\r\n",
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"GET /%ff%00/../..//\\ HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ):
        with demobench.connect(proxy.url) as client:
            client.sendall(data)
            client.settimeout(1)
            try:
                while client.recv(65536):
                    pass
            except (TimeoutError, ConnectionError):
                pass


def test_hostile_clients_do_not_bring_it_down(tmp_path: Path) -> None:
    with run_in_thread(DemoAgent(pace=0.001)) as demo, running("proxy", demo.url, "--recordings", tmp_path) as proxy:
        hostile(proxy)
        assert demobench.post(proxy.url, demobench.asking("hello")).status == 200
        proxy.end()
    for path in tmp_path.iterdir():
        assert verify(open_recording(path)) is None


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("nothing at all",), 2, "white space"),
        (("ftp://host/",), 2, "http:// or https://"),
        (("example.test/v1",), 2, "write https://example.test/v1"),
        (("http://127.0.0.1:1", "--port", "99999"), 2, "Cannot listen"),
    ],
)
def test_what_cannot_be_a_server_is_refused_with_one_sentence(
    tmp_path: Path, arguments: tuple[str, ...], code: int, words: str
) -> None:
    ran = callscope("proxy", *arguments, folder=tmp_path)
    assert (ran.code, len(ran.err.splitlines())) == (code, 1)
    assert words in ran.err


def test_a_key_in_the_url_goes_to_the_server_and_is_neither_shown_nor_recorded(tmp_path: Path) -> None:
    seen: list[Request] = []

    async def handler(request: Request):
        from callscope.serving.connection import Head

        seen.append(request)
        yield Head(200, (("content-type", "application/json"),))
        yield b'{"echo": "password-in-url"}'

    with run_in_thread(handler) as server:
        url = server.url.replace("http://", "http://me:password-in-url@") + "/v1?api_key=query-key-123456"
        with running("proxy", url, "--recordings", tmp_path) as proxy:
            assert demobench.post(proxy.url, demobench.asking("hi")).status == 200
            proxy.end()
    headers = {name.lower(): value for name, value in seen[0].headers}
    assert headers["authorization"].startswith("Basic ")
    assert seen[0].url.endswith("?api_key=query-key-123456")
    told = proxy.said + "".join(path.read_text() for path in tmp_path.iterdir())
    for secret in ("password-in-url", "query-key-123456", headers["authorization"].split()[1]):
        assert secret not in told


def test_the_recordings_are_for_their_owner_alone(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.answered(bench.opened(USER), *WORDS)
    assert bench.only.path.stat().st_mode & 0o777 == 0o600
