"""`callscope serve FILE` as a person runs it, and the openai SDK as its client."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path
from typing import Any

import openai
import pytest

import demobench
import servebench
from callscope import serving
from callscope.core.events import ExchangeOpened
from callscope.record.file.reading import open_recording
from command_line import callscope
from servebench import end, exchange, head, read, recording, running


def sample(name: str) -> Path:
    return next(path for path in servebench.SAMPLES if path.stem == name)


def bodies(path: Path) -> list[dict[str, Any]]:
    """The bodies that were sent when this was recorded."""
    events = [entry.event for entry in open_recording(path).entries]
    return [json.loads(event.request.body) for event in events if isinstance(event, ExchangeOpened)]


def test_all_that_was_asked_for_ends_with_0() -> None:
    with running("serve", servebench.WEATHER, "--speed", "max") as served:
        for body in bodies(servebench.WEATHER):
            assert demobench.post(served.url, body).ended
        served.end()
    assert served.code == 0
    assert f"weather.jsonl: 2 exchanges with callscope-demo, at {served.url}/v1" in served.said
    assert "POST /v1/chat/completions: weather.jsonl, exchange 2 (line 35)\n" in served.said
    assert served.said.endswith("served 2 exchanges, 0 not asked for\n")


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_what_was_not_asked_for_is_told_at_the_end_with_exit_code_1(by: signal.Signals) -> None:
    with running("serve", servebench.WEATHER, "--speed", "max") as served:
        demobench.post(served.url, bodies(servebench.WEATHER)[0])
        served.end(by)
    assert served.code == 1
    assert "not asked for: weather.jsonl, exchange 2 (line 35): POST http://127.0.0.1:" in served.said
    assert served.said.endswith("served 1 exchange, 1 not asked for\n")


def test_a_request_that_nobody_recorded_ends_with_1_even_where_it_was_answered() -> None:
    with running("serve", servebench.WEATHER, "--speed", "max", "--on-miss", "next") as served:
        for body in bodies(servebench.WEATHER):
            assert demobench.post(served.url, {**body, "temperature": 1}).status == 200
        served.end()
    assert served.code == 1
    assert served.said.endswith("served 2 exchanges, 0 not asked for, 2 requests that nobody recorded\n")


def test_with_repeat_nothing_has_to_be_left_over() -> None:
    with running("serve", servebench.WEATHER, "--speed", "max", "--repeat") as served:
        first, second = bodies(servebench.WEATHER)
        for body in (first, second, first):
            assert demobench.post(served.url, body).status == 200
        served.end()
    assert served.code == 0


def test_a_hostile_recording_commands_no_terminal(tmp_path: Path) -> None:
    settings = {**servebench.SETTINGS, "model": "m\x1b[2J"}
    lines = exchange(1, {"a": "\x1b]0;x\x07"}, head(), read(b"x"), end(), path="/v1/\x1b[31m")
    with running("serve", recording(tmp_path / "it.jsonl", lines, settings=settings)) as served:
        demobench.post(served.url, {"a": 2}, "/v1/%1b[31m")
        served.end()
    assert "\x1b" not in served.said


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ((), 2, "Say what to serve"),
        (("--demo", servebench.WEATHER), 2, "--demo, which takes --host and --port alone"),
        (("--demo", "--repeat"), 2, "--demo, which takes --host and --port alone"),
        ((servebench.WEATHER, "--speed", "0"), 2, "--speed 0: write a number above 0"),
        ((servebench.WEATHER, "--on-miss", "guess"), 2, "--on-miss guess: write one of fail, next, nearest."),
        (("missing.jsonl",), 3, "missing.jsonl cannot be read"),
        (("words.txt",), 3, "words.txt is no Callscope recording"),
        (("empty.jsonl",), 3, "there is nothing to serve"),
        ((servebench.WEATHER, "--port", "70000"), 2, "Cannot listen on 127.0.0.1 port 70000"),
    ],
)
def test_what_cannot_be_served_is_refused_with_one_sentence(
    tmp_path: Path, arguments: tuple[str | Path, ...], code: int, words: str
) -> None:
    (tmp_path / "words.txt").write_text("hello\n")
    recording(tmp_path / "empty.jsonl")
    ran = callscope("serve", *arguments, folder=tmp_path)
    assert ran.code == code
    assert words in ran.err
    assert len(ran.err.splitlines()) == 1


# ---- other clients ------------------------------------------------------------------------------------------------


def test_the_openai_sdk_gets_the_calls_that_were_recorded_streamed() -> None:
    with running("serve", servebench.WEATHER, "--speed", "max") as served:
        with openai.OpenAI(base_url=f"{served.url}/v1", api_key="any-key", max_retries=0) as client:
            assert [model.id for model in client.models.list()] == ["callscope-demo"]
            first, second = bodies(servebench.WEATHER)
            chunks = list(client.chat.completions.create(**first))
            names = [
                call.function.name
                for chunk in chunks
                if chunk.choices
                for call in chunk.choices[0].delta.tool_calls or ()
                if call.id
            ]
            text = "".join(
                chunk.choices[0].delta.content or ""
                for chunk in client.chat.completions.create(**second)
                if chunk.choices
            )
        served.end()
    assert names == ["get_weather", "get_weather"]
    assert text.startswith("Here is what came back")
    assert served.code == 0, served.said


def test_the_asynchronous_sdk_reads_the_same_with_several_requests_at_once(tmp_path: Path) -> None:
    def completion(number: int) -> bytes:
        message = {"role": "assistant", "content": f"answer {number}"}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        return json.dumps(
            {"id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
        ).encode()

    def body(number: int) -> dict[str, Any]:
        return {"messages": [{"role": "user", "content": str(number)}], "model": "m"}

    exchanges = [
        exchange(number, body(number), head(content_type="application/json"), read(completion(number)), end())
        for number in range(1, 21)
    ]

    async def ask(url: str) -> list[str]:
        async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="any-key", max_retries=0) as client:
            answers = await asyncio.gather(
                *(client.chat.completions.create(**body(number)) for number in range(20, 0, -1))
            )
        return [answer.choices[0].message.content for answer in answers]

    with running("serve", recording(tmp_path / "many.jsonl", *exchanges)) as served:
        texts = asyncio.run(ask(served.url))
        served.end()
    assert texts == [f"answer {number}" for number in range(20, 0, -1)]
    assert served.code == 0, served.said


def test_the_sdk_does_not_ask_again_for_what_nobody_recorded() -> None:
    with running("serve", servebench.WEATHER, "--speed", "max") as served:
        with (
            openai.OpenAI(base_url=f"{served.url}/v1", api_key="any-key") as client,
            pytest.raises(openai.ConflictError) as error,
        ):
            client.chat.completions.create(model="callscope-demo", messages=[{"role": "user", "content": "hello"}])
        served.end()
    assert "it differs from weather.jsonl, exchange" in str(error.value)
    assert "1 request that nobody recorded" in served.said


def test_the_sdk_tries_again_where_the_recorded_client_did(tmp_path: Path) -> None:
    body = {"messages": [{"role": "user", "content": "hi"}], "model": "m"}
    choice = {"index": 0, "message": {"role": "assistant", "content": "well"}, "finish_reason": "stop"}
    answer = json.dumps(
        {"id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
    ).encode()
    file = recording(
        tmp_path / "busy.jsonl",
        exchange(1, body, head(503, retry_after_ms="1", content_type="text/plain"), read(b"busy"), end()),
        exchange(2, body, end("reset")),
        exchange(3, body, head(content_type="application/json"), read(answer), end()),
    )
    with running("serve", file) as served:
        with openai.OpenAI(base_url=f"{served.url}/v1", api_key="any-key", max_retries=2) as client:
            assert client.chat.completions.create(**body).choices[0].message.content == "well"
        served.end()
    assert served.code == 0, served.said


def test_callscope_itself_hears_again_what_it_recorded(tmp_path: Path) -> None:
    words = "What's the weather in Paris, with cut arguments and a reset"
    asked = ("ask", words, "--json", "--approve", "always")
    then = callscope(*asked, "--demo", "--recordings", "then", folder=tmp_path)
    tools = Path(serving.__file__ or "").with_name("data") / "tools.yaml"
    with running("serve", next((tmp_path / "then").iterdir()), "--speed", "max") as served:
        url = ("--url", f"{served.url}/v1", "-m", "callscope-demo", "--tools", tools)
        now = callscope(*asked, *url, "--recordings", "now", folder=tmp_path)
        served.end()
    assert served.code == 0, served.said + now.err
    assert (now.code, now.last | {"recording": ""}) == (then.code, then.last | {"recording": ""})
