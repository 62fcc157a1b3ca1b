from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest
from openai.types.chat import ChatCompletion

import demobench
from callscope.serving.demo.agent import DemoAgent
from callscope.serving.demo.answer import SIZES, pieces
from callscope.serving.server import run_in_thread, serve
from demobench import asking, post

BOTH = "What's the weather in Paris and Rome?"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with run_in_thread(DemoAgent(pace=0.0, stall=0.05)) as server:
        yield server.url


@pytest.fixture
def client(url: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0, timeout=10) as made:
        yield made


# ---- to the official SDK it is a server like any other ------------------------------------------------------------


def sdk_request(prompt: str, **members: Any) -> dict[str, Any]:
    return {name: value for name, value in asking(prompt, **members).items() if name != "stream"}


def test_the_sdk_streams_parallel_calls(client: openai.OpenAI) -> None:
    with client.chat.completions.stream(**sdk_request(BOTH), stream_options={"include_usage": True}) as stream:
        done = stream.get_final_completion()
    message = done.choices[0].message
    assert [(call.function.name, call.function.arguments) for call in message.tool_calls or ()] == [
        ("get_weather", '{"city": "Paris"}'),
        ("get_weather", '{"city": "Rome"}'),
    ]
    assert message.content == "I call get_weather, 2 calls side by side."
    assert done.choices[0].finish_reason == "tool_calls"
    assert done.usage is not None
    assert done.usage.total_tokens == done.usage.prompt_tokens + done.usage.completion_tokens > 0


def test_the_sdk_gets_the_same_answer_in_one_piece(client: openai.OpenAI) -> None:
    whole = client.chat.completions.create(**sdk_request(BOTH))
    with client.chat.completions.stream(**sdk_request(BOTH)) as stream:
        streamed = stream.get_final_completion()
    assert [call.model_dump(exclude={"index"}) for call in whole.choices[0].message.tool_calls or ()] == [
        {"id": call.id, "type": "function", "function": {"name": "get_weather", "arguments": call.function.arguments}}
        for call in streamed.choices[0].message.tool_calls or ()
    ]
    assert whole.choices[0].message.content == streamed.choices[0].message.content
    assert ChatCompletion.model_validate(whole.model_dump()) == whole


def test_a_whole_conversation_with_results_ends_in_words(client: openai.OpenAI) -> None:
    messages: list[Any] = [{"role": "user", "content": BOTH}]
    first = client.chat.completions.create(**sdk_request("", messages=messages))
    messages.append(first.choices[0].message.model_dump(exclude_none=True))
    for call, sky in zip(first.choices[0].message.tool_calls or (), ("sunny", "fog"), strict=True):
        messages.append({"role": "tool", "tool_call_id": call.id, "content": json.dumps({"sky": sky})})
    last = client.chat.completions.create(**sdk_request("", messages=messages)).choices[0]
    assert last.finish_reason == "stop"
    assert last.message.content == (
        "Here is what came back:\n"
        '- get_weather {"city": "Paris"} says: sky sunny\n'
        '- get_weather {"city": "Rome"} says: sky fog'
    )


def test_the_sdk_lists_one_model(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["callscope-demo"]
    assert client.models.retrieve("callscope-demo").owned_by == "callscope"


@pytest.mark.parametrize(
    ("members", "error"),
    [
        ({"model": "gpt-4o"}, openai.NotFoundError),
        ({"model": "callscope-demo:no-such-fault"}, openai.NotFoundError),
        ({"messages": []}, openai.BadRequestError),
    ],
)
def test_the_sdk_knows_its_errors(client: openai.OpenAI, members: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        client.chat.completions.create(**sdk_request("hi", **members))


# ---- its manners --------------------------------------------------------------------------------------------------


def one_call(name: str, arguments: str, output: str, prompt: str = "Weather in Paris?") -> list[dict[str, Any]]:
    call = {"id": "call_1", "type": "function", "function": {"name": name, "arguments": arguments}}
    return [
        {"role": "user", "content": prompt},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": output},
    ]


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ('{"temperature": 21, "sky": "sunny"}', "says: temperature 21, sky sunny"),
        ("[1, 2]", "says: 1; 2"),
        ("[]", "says: nothing"),
        ("plain words", "says: plain words"),
        ("", "says: nothing"),
        ("x" * 1000, "… (1000 characters in all)"),
        ('{"error": {"type": "timeout", "message": "too slow"}}', "failed (timeout): too slow"),
        ('{"error": {"type": "rejected", "message": "not today"}}', "was refused: not today"),
        ('{"error": "no such city"}', "says: error no such city"),
    ],
)
def test_results_errors_and_refusals_are_told_as_they_are(url: str, output: str, words: str) -> None:
    text = post(url, asking("", messages=one_call("get_weather", '{"city": "Paris"}', output))).text()
    assert text.startswith('get_weather {"city": "Paris"} ')
    assert text.endswith(words)


def test_calls_asked_for_one_after_another_come_in_rounds_with_ids_of_their_own(url: str) -> None:
    prompt = "Brew tea, then tell me the weather in Oslo"
    first = post(url, asking(prompt)).entries()
    then = post(url, asking("", messages=one_call("brew_tea", "{}", "ready", prompt))).entries()
    assert [(each[0]["id"], each[0]["function"]["name"]) for each in (first, then)] == [
        ("call_1", "brew_tea"),
        ("call_2", "get_weather"),
    ]


def test_without_parallel_calls_they_come_one_at_a_time(url: str) -> None:
    first = post(url, asking(BOTH, parallel_tool_calls=False))
    history = one_call("get_weather", '{"city": "Paris"}', "sunny", BOTH)
    second = post(url, asking("", messages=history, parallel_tool_calls=False))
    assert (first.arguments(0), first.arguments(1)) == ('{"city": "Paris"}', "")
    assert (second.arguments(0), second.arguments(1)) == ('{"city": "Rome"}', "")


def test_a_prompt_that_lacks_a_value_is_asked_back(url: str) -> None:
    raw = post(url, asking("What's the weather?"))
    assert raw.entries() == []
    assert raw.text() == (
        'I would call get_weather, but your words do not give me `city`. Try `get_weather {"city": "Paris"}`.'
    )


@pytest.mark.parametrize(("choice", "name"), [("required", "get_weather"), ("search_notes", "search_notes")])
def test_tool_choice_forces_a_call_once_and_words_after_its_result(url: str, choice: str, name: str) -> None:
    wire: Any = choice if choice == "required" else {"type": "function", "function": {"name": choice}}
    first = post(url, asking("Hello", tool_choice=wire))
    assert first.entries()[0]["function"]["name"] == name
    history = one_call(name, first.arguments(), "done", "Hello")
    assert post(url, asking("", messages=history, tool_choice=wire)).text().endswith("says: done")


def test_tool_choice_none_is_answered_in_words(url: str) -> None:
    raw = post(url, asking('get_weather {"city": "Paris"}', tool_choice="none"))
    assert (raw.entries(), raw.finish_reasons()) == ([], ["stop"])


@pytest.mark.parametrize("prompt", ["Hello!", "What can you do?", "help"])
def test_it_says_what_it_is_when_asked(url: str, prompt: str) -> None:
    text = post(url, asking(prompt)).text()
    assert "callscope-demo, a scripted agent and no language model" in text
    assert "get_weather" in text


def test_without_tools_it_says_so(url: str) -> None:
    assert "offers no tools" in post(url, asking("Weather in Paris", tools=None)).text()


@pytest.mark.parametrize("asked", [{"reasoning_effort": "low"}, {}])
def test_it_gives_its_true_reasons_when_asked_for_reasoning(url: str, asked: dict[str, Any]) -> None:
    prompt = "Weather in Paris?" if asked else "Think step by step: weather in Paris?"
    deltas = post(url, asking(prompt, **asked)).deltas()
    reasoning = "".join(delta.get("reasoning_content", "") for delta in deltas)
    assert reasoning == 'The words point to get_weather {"city": "Paris"}.'
    assert all("reasoning_content" not in delta for delta in post(url, asking("Weather in Paris?")).deltas())


def test_forbidden_calls_are_not_told_to_be_no_tool_for_the_words(url: str) -> None:
    assert "The request forbids calls" in post(url, asking("Weather in Paris?", tool_choice="none")).text()


def test_the_tokens_of_input_count_the_tools(url: str) -> None:
    usage = json.loads(post(url, asking("Hello", stream=False)).body)["usage"]
    bare = json.loads(post(url, asking("Hello", stream=False, tools=None)).body)["usage"]
    assert usage["prompt_tokens"] > bare["prompt_tokens"] + 50


def test_a_token_limit_cuts_the_answer_and_says_length(url: str) -> None:
    whole, cut = post(url, asking("Hello")), post(url, asking("Hello", max_tokens=5))
    assert cut.finish_reasons() == ["length"]
    assert whole.text().startswith(cut.text())
    assert len(cut.deltas()) == 7  # the role, five words, the finish reason
    one_piece = json.loads(post(url, asking("Hello", max_tokens=5, stream=False)).body)
    assert one_piece["choices"][0]["message"]["content"] == cut.text()
    assert one_piece["choices"][0]["finish_reason"] == "length"


def test_usage_comes_last_and_only_when_asked_for(url: str) -> None:
    with_usage = post(url, asking("Hello", stream_options={"include_usage": True})).events()
    assert with_usage[-1]["choices"] == []
    assert with_usage[-1]["usage"]["completion_tokens"] > 0
    assert {chunk["usage"] for chunk in with_usage[:-1]} == {None}
    assert all("usage" not in chunk for chunk in post(url, asking("Hello")).events())


def test_the_same_request_gets_the_same_bytes(url: str) -> None:
    assert post(url, asking(BOTH)).body == post(url, asking(BOTH)).body


def test_arguments_come_in_uneven_pieces_that_cut_escapes() -> None:
    text = json.dumps({"text": 'a "quoted" word, a \\ and a longer tail without any escape at all'})
    found = pieces(text)
    assert "".join(found) == text
    assert any(piece.endswith("\\") for piece in found)
    assert {len(piece) for piece in found} <= set(SIZES)
    assert len({len(piece) for piece in found}) > 3


def test_a_character_of_several_bytes_is_cut_between_two_chunks(url: str) -> None:
    raw = post(url, asking("Weather in 北京?"))
    assert raw.arguments() == '{"city": "北京"}'
    ends = [raw.body[: sum(raw.chunk_sizes[:number])] for number in range(1, len(raw.chunk_sizes))]
    assert any(not _is_text(part) for part in ends)


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def test_half_a_surrogate_pair_is_given_back_as_it_came(url: str) -> None:
    body = json.dumps(asking("XX")).replace("XX", 'get_weather {\\"city\\": \\"\\ud83d\\"}').encode()
    assert post(url, body).arguments() == '{"city": "\ud83d"}'


def test_a_custom_tool_is_called_with_free_text(url: str) -> None:
    tools = [{"type": "custom", "custom": {"name": "run_sql", "description": "Runs SQL."}}]
    entries = post(url, asking("run_sql select 1", tools=tools)).entries()
    assert entries[0] == {
        "index": 0, "id": "call_1", "type": "custom", "custom": {"name": "run_sql", "input": ""}
    }  # fmt: skip
    assert "".join(entry["custom"]["input"] for entry in entries) == "select 1"


# ---- routes -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/chat/completions", 405),
        ("POST", "/v1/models", 405),
        ("GET", "/v1/models/gpt-4o", 404),
        ("POST", "/chat/completions", 404),
        ("GET", "/", 404),
    ],
)
def test_other_routes_get_errors_in_the_usual_shape(url: str, method: str, path: str, status: int) -> None:
    answer = httpx.request(method, url + path)
    assert answer.status_code == status
    assert set(answer.json()["error"]) == {"message", "type", "param", "code"}
    assert path in answer.json()["error"]["message"]


def test_every_answer_has_a_request_id_of_its_own(url: str) -> None:
    ids = {httpx.get(f"{url}/v1/models").headers["x-request-id"] for _ in range(3)}
    assert len(ids) == 3


# ---- many clients, and clients that leave -------------------------------------------------------------------------


def test_two_clients_at_once_each_get_their_own_answer() -> None:
    async def scenario() -> list[str]:
        async with serve(DemoAgent(pace=0.001)) as server, httpx.AsyncClient(base_url=server.url) as client:
            prompts = ("Weather in Paris?", "Weather in Rome?")
            answers = [client.post("/v1/chat/completions", json=asking(prompt)) for prompt in prompts]
            return [answer.text for answer in await asyncio.gather(*answers)]

    paris, rome = asyncio.run(scenario())
    assert "get_weather" in paris
    assert "get_weather" in rome
    assert paris != rome


def test_a_client_that_leaves_in_mid_stream_leaves_the_server_well_and_no_task() -> None:
    def connections() -> int:
        return sum("_converse" in repr(task.get_coro()) for task in asyncio.all_tasks())

    async def scenario() -> tuple[int, int]:
        async with serve(DemoAgent(pace=0.01)) as server, httpx.AsyncClient(base_url=server.url) as client:
            async with client.stream("POST", "/v1/chat/completions", json=asking("with endless")) as response:
                await anext(response.aiter_raw())
            status = (await client.get("/v1/models")).status_code
            while connections() > 1:  # the one that is kept alive
                await asyncio.sleep(0.01)
        return status, connections()

    assert asyncio.run(asyncio.wait_for(scenario(), 10)) == (200, 0)


def test_a_pace_is_kept_and_a_long_answer_goes_faster() -> None:
    waited: list[float] = []

    async def scenario(prompt: str, monkeypatch: pytest.MonkeyPatch) -> float:
        async def sleep(seconds: float) -> None:
            waited.append(seconds)

        def clock() -> float:
            return sum(waited) + 0.001 * len(waited)  # each sleep takes a little longer than it should

        waited.clear()
        async with serve(DemoAgent(pace=0.03)) as server, httpx.AsyncClient(base_url=server.url) as client:
            monkeypatch.setattr("callscope.serving.demo.agent.asyncio.sleep", sleep)
            monkeypatch.setattr("callscope.serving.demo.agent.monotonic", clock)
            await client.post("/v1/chat/completions", json=asking(prompt))
            took = clock()
            monkeypatch.undo()
        return took

    with pytest.MonkeyPatch.context() as monkeypatch:
        short = asyncio.run(scenario("Weather in Paris?", monkeypatch))
        assert 0.1 < short < 1
        assert short == pytest.approx(0.03 * len(waited), abs=0.002)
        assert asyncio.run(scenario("count to 2000", monkeypatch)) == pytest.approx(4.0, rel=0.01)


def test_it_lives_beside_another_event_loop() -> None:
    async def scenario(url: str) -> int:
        async with httpx.AsyncClient() as client:
            return (await client.post(f"{url}/v1/chat/completions", json=asking("Hello"))).status_code

    before = threading.active_count()
    with run_in_thread(DemoAgent(pace=0.0)) as server:
        assert asyncio.run(scenario(server.url)) == 200
    assert threading.active_count() == before


def test_the_demos_body_helper_reads_what_httpx_reads(url: str) -> None:
    raw = demobench.post(url, asking(BOTH))
    assert raw.ended
    assert raw.body == httpx.post(f"{url}/v1/chat/completions", json=asking(BOTH)).content
