"""The list of models, and a clear sentence for each way in which there is none."""

from __future__ import annotations

import gzip
import json

import pytest

from callscope.core.errors import EndpointError, UsageError
from callscope.core.values import Headers
from callscope.endpoints.fetching import error_words
from callscope.endpoints.http import HttpEndpoint
from callscope.endpoints.models import list_models, only_model
from raw_server import Peer, RawServer, answering, run

KEYED: Headers = (("authorization", "Bearer a-key-of-mine"),)


def response(status: int, body: bytes, *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} Whatever", f"content-length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def listed(answer: bytes, headers: Headers = ()) -> list[str]:
    async def go() -> list[str]:
        async with RawServer(answering(answer)) as server:
            endpoint = HttpEndpoint(server.url, headers=headers)
            try:
                return await list_models(endpoint, f"{server.url}/v1/models?api-version=1")
            finally:
                await endpoint.aclose()

    return run(go())


def complaint(answer: bytes, headers: Headers = ()) -> str:
    with pytest.raises(EndpointError) as caught:
        listed(answer, headers)
    assert "api-version" not in str(caught.value)  # a query may hold a key
    return str(caught.value)


@pytest.mark.parametrize(
    ("body", "ids"),
    [
        ({"object": "list", "data": [{"id": "b", "object": "model"}, {"id": "a"}]}, ["b", "a"]),
        ({"models": [{"name": "llama3:8b", "model": "x"}]}, ["llama3:8b"]),
        ({"data": [], "models": [{"name": "x"}]}, []),
        ([{"id": "a"}, {"id": "a"}], ["a"]),
        (["a", "b"], ["a", "b"]),
    ],
)
def test_the_usual_shapes_of_a_list_are_read_in_the_servers_order(body: object, ids: list[str]) -> None:
    assert listed(response(200, json.dumps(body).encode())) == ids


def test_a_list_that_came_compressed_all_the_same_is_read() -> None:
    assert listed(response(200, gzip.compress(b'{"data":[{"id":"a"}]}'), "content-encoding: gzip")) == ["a"]


def test_the_request_is_a_get_that_asks_for_json() -> None:
    got: list[bytes] = []

    async def script(peer: Peer) -> None:
        got.append(await peer.request())
        await peer.send(response(200, b"[]"))

    async def go() -> None:
        async with RawServer(script) as server:
            endpoint = HttpEndpoint(server.url)
            await list_models(endpoint, f"{server.url}/v1/models")
            await endpoint.aclose()

    run(go())
    assert got[0].startswith(b"GET /v1/models HTTP/1.1\r\n")
    assert b"accept: application/json\r\n" in got[0]


def test_a_refused_key_is_told_with_the_servers_words_and_without_the_key() -> None:
    body = b'{"error": {"message": "Incorrect API key provided: a-key-of-mine.", "code": "invalid_api_key"}}'
    said = complaint(response(401, body), KEYED)
    assert "refuses the key (401)" in said
    assert "Incorrect API key provided: …." in said


def test_a_missing_key_is_told_as_missing() -> None:
    assert "wants a key (401) and none was sent" in complaint(response(401, b""))


def test_a_404_says_to_name_a_model_or_mend_the_url() -> None:
    said = complaint(response(404, b'{"detail":"Not Found"}'))
    assert "does not exist (404)" in said
    assert "-m" in said
    assert "Not Found" in said


@pytest.mark.parametrize("status", [200, 404])
def test_a_web_page_is_told_as_one_and_not_printed(status: int) -> None:
    said = complaint(response(status, b"<!DOCTYPE html><title>Login</title>", "content-type: text/html"))
    assert "web page" in said
    assert "/v1" in said
    assert "title" not in said


def test_a_redirect_names_where_to() -> None:
    assert "to https://elsewhere/v1" in complaint(response(308, b"", "location: https://elsewhere/v1"))


@pytest.mark.parametrize(
    "body", [b"", b"pong", b"{}", b'{"data": 3}', b'{"data": [3]}', b"\xff", pytest.param(b"[" * 5000, id="too deep")]
)
def test_what_is_no_list_is_told_as_none(body: bytes) -> None:
    assert "is no list of models" in complaint(response(200, body))


def test_a_cut_off_list_is_not_taken_for_a_list() -> None:
    assert "received 2 bytes, expected 9" in complaint(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n[]")


def test_a_list_without_an_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("callscope.endpoints.fetching.LONGEST_LIST", 100_000)

    async def endless(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            await peer.send(b" " * 10_000)

    async def go() -> None:
        async with RawServer(endless) as server:
            endpoint = HttpEndpoint(server.url)
            try:
                with pytest.raises(EndpointError, match="longer than 100,000 bytes"):
                    await list_models(endpoint, f"{server.url}/v1/models")
            finally:
                await endpoint.aclose()

    run(go())


def test_a_server_that_is_not_there_is_told_with_its_address() -> None:
    async def go() -> None:
        endpoint = HttpEndpoint("http://127.0.0.1:1")
        await list_models(endpoint, "http://127.0.0.1:1/models")

    with pytest.raises(
        EndpointError, match=r"http://127\.0\.0\.1:1/models: no connection to 127\.0\.0\.1:1: Connection ref"
    ):
        run(go())


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"error": {"message": "one  two", "type": "x"}}', "one two"),
        (b'{"error": "plain"}', "plain"),
        (b'{"error": {"code": 3}, "message": "outer"}', "outer"),
        (b'[{"error": {"message": "in a list"}}]', "in a list"),
        (b'{"detail": [{"msg": "field required"}]}', "field required"),
        (b"upstream  timed\nout", "upstream timed out"),
        (b"", ""),
        (b"x" * 600, "x" * 500 + "…"),
    ],
)
def test_the_servers_own_words_are_found_in_the_usual_shapes(body: bytes, words: str) -> None:
    assert error_words(body) == words


def test_the_only_model_is_taken() -> None:
    assert only_model(["it"], "http://x/v1/models") == "it"


def test_of_several_models_a_person_has_to_choose() -> None:
    with pytest.raises(UsageError) as caught:
        only_model(["one", "two"], "http://x/v1/models?key=hidden")
    assert str(caught.value) == "http://x/v1/models lists 2 models: name one with -m.\n  one\n  two"


def test_a_model_of_the_servers_stays_on_its_line() -> None:
    with pytest.raises(UsageError) as caught:
        only_model(["one\ncallscope: all is well", "two"], "http://x/v1/models")
    assert str(caught.value).splitlines()[1:] == ["  one⏎callscope: all is well", "  two"]


def test_a_server_without_models_asks_for_a_name() -> None:
    with pytest.raises(UsageError, match="lists no model: name one with -m"):
        only_model([], "http://x/v1/models")
