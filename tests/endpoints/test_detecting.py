"""Finding out a server's dialect and its agents, on loopback."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from callscope.core.errors import EndpointError
from callscope.core.events import ExchangeEnded, ExchangeOpened, ResponseHead
from callscope.dialects.acf.urls import agents_urls
from callscope.endpoints import detecting
from callscope.endpoints.agents import FoundAgents, list_agents
from callscope.endpoints.detecting import Detected, detect
from callscope.endpoints.http import HttpEndpoint
from raw_server import Peer, RawServer, run

AGENT = {"name": "weather", "description": "Knows the weather."}
AGENTS = json.dumps({"agents": [AGENT]}).encode()
MODELS = b'{"data":[{"id":"m"}]}'


class Site:
    """A server that answers each path as it is told, and remembers what it was asked."""

    def __init__(self, pages: Mapping[str, bytes], status: Mapping[str, int] | None = None) -> None:
        self.pages = pages
        self.status = status or {}
        self.asked: list[str] = []

    async def __call__(self, peer: Peer) -> None:
        request = await peer.request()
        method, path, _ = request.split(b" ", 2)
        self.asked.append(f"{method.decode()} {path.decode()}")
        body = self.pages.get(path.decode(), b'{"detail":"Not Found"}')
        status = self.status.get(path.decode(), 200 if path.decode() in self.pages else 404)
        head = f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n"
        await peer.send(f"{head}connection: close\r\n\r\n".encode() + body)


def detected(site: Any, path: str = "", model: str | None = None) -> Detected:
    async def go() -> Detected:
        async with RawServer(site) as server:
            endpoint = HttpEndpoint(server.url)
            try:
                return await detect(endpoint, f"{server.url}{path}", model)
            finally:
                await endpoint.aclose()

    return run(go())


def agents(site: Site, path: str = "") -> FoundAgents:
    async def go() -> FoundAgents:
        async with RawServer(site) as server:
            endpoint = HttpEndpoint(server.url)
            try:
                return await list_agents(endpoint, agents_urls(f"{server.url}{path}"))
            finally:
                await endpoint.aclose()

    return run(go())


# ---- the dialect ----------------------------------------------------------------------------------------------------


def test_a_list_of_models_means_chat_completions_and_is_not_asked_for_again() -> None:
    site = Site({"/v1/models": MODELS, "/v1/agents": AGENTS})
    found = detected(site)
    assert (found.told.dialect, found.models, site.asked) == ("chat", ("m",), ["GET /v1/models"])


def test_a_list_of_agents_means_the_framework_after_two_gets_and_no_post() -> None:
    site = Site({"/v1/agents": AGENTS})
    found = detected(site)
    assert (found.told.dialect, found.agents) == ("acf", ("weather",))
    assert site.asked == ["GET /v1/models", "GET /v1/agents"]
    assert "/v1/agents lists 1 agent" in found.told.how


@pytest.mark.parametrize(
    ("path", "model"),
    [("/v1/chat", None), ("/v1/chat/completions", None), ("/v1", "m"), ("/v3/router/responses", None)],
)
def test_a_url_that_tells_is_not_asked(path: str, model: str | None) -> None:
    site = Site({})
    detected(site, path, model)
    assert site.asked == []


def test_the_usual_base_url_is_asked_where_a_model_is_needed_anyway() -> None:
    assert detected(Site({"/v1/agents": AGENTS}), "/v1").told.dialect == "acf"


@pytest.mark.parametrize("path", ["/v3/router/responses", "/v1/responses/", "/api/v1/responses?beta=1"])
def test_the_responses_api_is_known_by_its_url_and_that_is_said(path: str) -> None:
    found = detected(Site({}), path)
    assert (found.told.dialect, found.is_news) == ("responses", True)
    assert "the URL ends in /responses" in found.told.diagnostic().message


@pytest.mark.parametrize(
    ("endpoints", "dialect"),
    [
        (["/v1/responses"], "responses"),
        (["/responses", "/embeddings"], "responses"),
        (["/chat/completions", "/responses"], "chat"),
        ([], "chat"),
        ("/v1/responses", "chat"),
    ],
)
def test_models_that_speak_nothing_else_are_spoken_to_in_the_responses_api(endpoints: Any, dialect: str) -> None:
    listed = json.dumps({"data": [{"id": "a", "supported_endpoints": endpoints}]}).encode()
    found = detected(Site({"/v1/models": listed}))
    assert (found.told.dialect, found.is_news) == (dialect, dialect == "responses")


def test_models_that_differ_in_what_they_speak_are_spoken_to_in_the_usual_way() -> None:
    models = [{"id": "a", "supported_endpoints": ["/responses"]}, {"id": "b"}]
    assert detected(Site({"/v1/models": json.dumps({"data": models}).encode()})).told.dialect == "chat"


def test_where_nothing_is_listed_a_named_model_is_spoken_to_in_the_usual_way() -> None:
    found = detected(Site({}), model="m")
    assert (found.told.dialect, found.is_news) == ("chat", True)


def test_where_nothing_is_listed_and_a_model_is_needed_the_error_is_about_models() -> None:
    with pytest.raises(EndpointError, match="/v1/models does not exist"):
        detected(Site({}))


def test_a_server_that_cannot_be_reached_is_asked_once() -> None:
    async def go() -> None:
        endpoint = HttpEndpoint("http://127.0.0.1:1")
        try:
            found = await detect(endpoint, "http://127.0.0.1:1", "m")
        finally:
            await endpoint.aclose()
        assert [type(event) for event in found.wire] == [ExchangeOpened, ExchangeEnded]

    run(go())


def test_a_silent_server_is_not_waited_for_when_the_model_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detecting, "PATIENCE", 0.05)

    async def silent(peer: Peer) -> None:
        await peer.request()
        await peer.gone()

    found = detected(silent, model="m")
    assert found.told.dialect == "chat"
    assert isinstance(found.wire[-1], ExchangeEnded)
    assert found.wire[-1].how == "cancelled"


def test_what_passed_is_kept_as_exchange_0() -> None:
    found = detected(Site({"/v1/agents": AGENTS}))
    assert {event.exchange for event in found.wire} == {0}
    assert [event.status for event in found.wire if isinstance(event, ResponseHead)] == [404, 200]


# ---- the agents -----------------------------------------------------------------------------------------------------


def test_agents_are_found_beside_the_chat() -> None:
    site = Site({"/agent-connect/v1/agents": AGENTS})
    found = agents(site, "/agent-connect/v1/chat")
    assert [agent.name for agent in found.listed.agents] == ["weather"]
    assert site.asked == ["GET /agent-connect/v1/agents"]


def test_agents_are_found_at_the_root_where_chat_lies_deeper() -> None:
    site = Site({"/v1/agents": AGENTS})
    found = agents(site, "/agent-connect/v1/chat")
    assert found.url.endswith("/v1/agents")
    assert site.asked == ["GET /agent-connect/v1/agents", "GET /v1/agents"]


def test_an_error_is_that_of_the_place_where_agents_should_be() -> None:
    with pytest.raises(EndpointError, match="/agent-connect/v1/agents does not exist"):
        agents(Site({}), "/agent-connect/v1/chat")


@pytest.mark.parametrize(
    ("page", "status", "words"),
    [
        (b"<!DOCTYPE html><html></html>", 200, "web page"),
        (b'{"data":[{"id":"m"}]}', 200, "no list of agents"),
        (b'{"detail":"Missing or invalid API key"}', 401, "wants a key"),
        (b'{"error":{"message":"broken"}}', 500, "The server says: broken"),
        (b"", 302, "redirects"),
    ],
)
def test_what_came_in_place_of_a_list_is_said(page: bytes, status: int, words: str) -> None:
    with pytest.raises(EndpointError, match=words):
        agents(Site({"/v1/agents": page}, {"/v1/agents": status}))
