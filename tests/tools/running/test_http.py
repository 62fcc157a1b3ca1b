from __future__ import annotations

import asyncio
import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from asked_server import Asked, answer
from callscope.core.values import ToolResult
from callscope.tools.loading import load_tools
from callscope.tools.running.toolbox import LocalToolbox
from raw_server import Peer, RawServer, Script
from toolbench import call, error_of, write, yaml_toolbox

ANYTHING = {"type": "object", "properties": {"a": {}, "b": {}}, "required": ["a"]}


def http_run(folder: Path, script: Script, http: dict[str, Any], arguments: dict[str, Any], **keys: Any) -> ToolResult:
    """Run a tool whose requests go to a server with this script; its `url` is a path."""
    environment = keys.pop("environment", {})
    top = {key: keys.pop(key) for key in ("secrets", "variables") if key in keys}

    async def go() -> ToolResult:
        async with RawServer(script) as server:
            definition = {"name": "t", "parameters": ANYTHING, **keys}
            definition["run"] = {"http": {**http, "url": server.url + http["url"]}}
            path = write(folder, "tools.yaml", json.dumps({**top, "tools": [definition]}))
            tools = LocalToolbox(load_tools([path]).tools, environment=environment)
            return await tools.run(call("t"), json.dumps(arguments))

    return asyncio.run(asyncio.wait_for(go(), 30))


def asked(folder: Path, http: dict[str, Any], arguments: dict[str, Any], **keys: Any) -> Asked:
    """What the server is asked when a tool runs."""
    server = Asked(answer())
    result = http_run(folder, server, http, arguments, **keys)
    assert result.status == "ok", result.output
    return server


def line(folder: Path, url: str, arguments: dict[str, Any], **http: Any) -> str:
    """The line of the request that a tool sends."""
    return asked(folder, {"url": url, **http}, arguments).request[0]


REST = {"query": {"b": "{b}"}}


# ---- what is sent -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ("Rome", "Rome"),
        ("two words", "two%20words"),
        ("../admin", "..%2Fadmin"),
        ("a?b#c&d", "a%3Fb%23c%26d"),
        ("Köln", "K%C3%B6ln"),
        ("100%", "100%25"),
        ("..x", "..x"),
        (7, "7"),
        (True, "true"),
        ([1, "b"], "%5B1%2C%22b%22%5D"),
    ],
)
def test_a_value_in_the_url_is_one_segment_whatever_is_in_it(tmp_path: Path, value: Any, path: str) -> None:
    assert line(tmp_path, "/w/{a}/now", {"a": value}, **REST) == f"GET /w/{path}/now HTTP/1.1"


@pytest.mark.parametrize("value", [".", "..", ""])
def test_a_value_cannot_climb_out_of_the_path_or_leave_its_place_empty(tmp_path: Path, value: str) -> None:
    server = Asked(answer())
    result = http_run(tmp_path, server, {"url": "/w/{a}", **REST}, {"a": value})
    assert (error_of(result)["type"], error_of(result)["path"], server.requests) == ("invalid_arguments", "a", [])


def test_two_values_that_climb_together_are_refused(tmp_path: Path) -> None:
    keys = {"parameters": {**ANYTHING, "required": ["a", "b"]}}
    result = http_run(tmp_path, Asked(answer()), {"url": "/w/{a}{b}"}, {"a": ".", "b": "."}, **keys)
    assert error_of(result)["type"] == "invalid_arguments"


def test_a_query_holds_what_there_is_a_list_repeated(tmp_path: Path) -> None:
    query = {"q": "{a}", "tag": "{b}", "fixed": 5, "both": "{a}-{b}"}
    assert line(tmp_path, "/s", {"a": "x&y", "b": [1, "z ="]}, query=query) == (
        "GET /s?q=x%26y&tag=1&tag=z%20%3D&fixed=5&both=x%26y-%5B1%2C%22z%20%3D%22%5D HTTP/1.1"
    )
    assert line(tmp_path, "/s", {"a": "x"}, query=query) == "GET /s?q=x&fixed=5 HTTP/1.1"


def test_a_query_is_added_to_the_one_in_the_url(tmp_path: Path) -> None:
    assert line(tmp_path, "/s?v=1", {"a": "x"}, query={"q": "{a}", "b": "{b}"}) == "GET /s?v=1&q=x HTTP/1.1"


def test_all_arguments_can_be_the_query(tmp_path: Path) -> None:
    assert line(tmp_path, "/s", {"a": [1, 2], "b": "x y"}, query="{*}") == "GET /s?a=1&a=2&b=x%20y HTTP/1.1"


def test_headers_are_sent_and_those_without_a_value_left_out(tmp_path: Path) -> None:
    headers = {"X-City": "in {a}", "X-Other": "{b}", "accept": "text/plain"}
    _, sent, _ = asked(tmp_path, {"url": "/", "headers": headers}, {"a": "Köln".encode().decode("latin-1")}).request
    assert (sent["accept"], sent["X-City"].startswith("in K"), "X-Other" in sent) == ("text/plain", True, False)


@pytest.mark.parametrize("value", ["x\r\nX-Evil: 1", "x\0", "x\ny"])
def test_a_value_cannot_add_a_header(tmp_path: Path, value: str) -> None:
    server = Asked(answer())
    result = http_run(tmp_path, server, {"url": "/", "headers": {"x-a": "{a}"}, **REST}, {"a": value})
    assert (error_of(result)["path"], server.requests) == ("a", [])


def test_a_body_of_json_keeps_the_types_of_the_arguments(tmp_path: Path) -> None:
    template = {"city": "{a}", "note": "from {a}", "days": "{b}", "fixed": [True, None]}
    first, sent, body = asked(tmp_path, {"url": "/", "json": template}, {"a": "Köln", "b": 3}).request
    assert (first, sent["content-type"]) == ("POST / HTTP/1.1", "application/json")
    assert body == '{"city":"Köln","note":"from Köln","days":3,"fixed":[true,null]}'.encode()


def test_all_arguments_can_be_the_body(tmp_path: Path) -> None:
    assert asked(tmp_path, {"url": "/", "json": "{*}", "method": "PUT"}, {"a": 1, "b": None}).request[2] == (
        b'{"a":1,"b":null}'
    )


def test_a_form_is_encoded_as_a_browser_does(tmp_path: Path) -> None:
    _, sent, body = asked(tmp_path, {"url": "/", "form": {"q": "{a}", "t": "{b}"}}, {"a": "x y", "b": [1, 2]}).request
    assert (sent["content-type"], body) == ("application/x-www-form-urlencoded", b"q=x%20y&t=1&t=2")


def test_a_custom_tools_input_can_be_the_body(tmp_path: Path) -> None:
    server = Asked(answer())

    async def go() -> ToolResult:
        async with RawServer(server) as at:
            text = f'tools: [{{type: custom, name: t, run: {{http: {{url: "{at.url}/", body: "{{input}}"}}}}}}]'
            return await yaml_toolbox(tmp_path, text).run(call("t"), "no {json")

    assert (asyncio.run(go()).output, server.request[2]) == ("{}", b"no {json")


def test_the_request_says_who_asks_and_is_as_long_as_it_says(tmp_path: Path) -> None:
    _, sent, body = asked(tmp_path, {"url": "/", "json": "{*}"}, {"a": "ü"}).request
    assert (sent["user-agent"].startswith("callscope/"), sent["content-length"]) == (True, str(len(body)))


# ---- secrets ------------------------------------------------------------------------------------------------------

SECRET = "geheim-und-lang"
WITH_SECRET: dict[str, Any] = {"secrets": ["KEY"], "environment": {"KEY": SECRET}}


def test_a_secret_is_sent_where_the_file_says(tmp_path: Path) -> None:
    http = {"url": "/s", "query": {"key": "${KEY}", "a": "{*}"}, "headers": {"authorization": "Bearer ${KEY}"}}
    first, sent, _ = asked(tmp_path, http, {"a": 1}, **WITH_SECRET).request
    assert (first.split("&")[0], sent["authorization"]) == (f"GET /s?key={SECRET}", f"Bearer {SECRET}")


@pytest.mark.parametrize("status", ["200 OK", "403 Forbidden", "302 Found"])
def test_a_secret_is_in_nothing_that_comes_back(tmp_path: Path, status: str) -> None:
    server = Asked(answer(f"your key is {SECRET}".encode(), status, f"location: /?key={SECRET}"))
    result = http_run(tmp_path, server, {"url": "/s", "query": {"key": "${KEY}", "a": "{*}"}}, {"a": 1}, **WITH_SECRET)
    assert (SECRET in result.output + result.prints, "********" in result.output) == (False, True)
    assert "/s?key=${KEY}&" in result.prints


def test_a_secret_is_hidden_in_each_form_in_which_a_server_may_send_it_back(tmp_path: Path) -> None:
    forms = ['a/b+"c==', "a%2Fb%2B%22c%3D%3D", 'a/b+\\"c==', "YS9iKyJjPT0="]
    environment = {"KEY": 'a/b+"c=='}
    server = Asked(answer(" ".join(forms).encode()))
    http = {"url": "/s", "query": {"key": "${KEY}", "a": "{*}"}}
    result = http_run(tmp_path, server, http, {"a": 1}, secrets=["KEY"], environment=environment)
    assert result.output == "******** ******** ******** ********"


def test_a_secret_is_in_no_error_of_the_connection(tmp_path: Path) -> None:
    text = 'secrets: [KEY]\ntools: [{name: t, run: {http: {url: "http://127.0.0.1:1/${KEY}"}}}]'
    tools = LocalToolbox(load_tools([write(tmp_path, "tools.yaml", text)]).tools, environment={"KEY": SECRET})
    result = asyncio.run(tools.run(call("t"), ""))
    assert (error_of(result)["type"], SECRET in result.output + result.prints) == ("connection_failed", False)


def test_an_address_may_come_from_a_variable(tmp_path: Path) -> None:
    server = Asked(answer())

    async def go() -> ToolResult:
        async with RawServer(server) as at:
            text = 'variables: {BASE: "http://127.0.0.1:1"}\ntools: [{name: t, run: {http: {url: "${BASE}/x"}}}]'
            path = write(tmp_path, "tools.yaml", text)
            return await LocalToolbox(load_tools([path]).tools, environment={"BASE": at.url}).run(call("t"), "")

    assert (asyncio.run(go()).status, server.request[0]) == ("ok", "GET /x HTTP/1.1")


def test_a_variable_that_is_unset_is_an_error_that_names_it(tmp_path: Path) -> None:
    result = http_run(tmp_path, Asked(answer()), {"url": "/${KEY}", "json": "{*}"}, {"a": 1}, secrets=["KEY"])
    assert error_of(result)["message"] == "t cannot run: the variable KEY, which it needs, is unset."


# ---- what comes back ----------------------------------------------------------------------------------------------


def came(folder: Path, response: bytes, **keys: Any) -> ToolResult:
    """The result where a server answers so."""
    return http_run(folder, Asked(response), {"url": "/", "query": "{*}"}, {"a": 1}, **keys)


def test_the_body_of_a_good_answer_is_the_output_as_it_came(tmp_path: Path) -> None:
    result = came(tmp_path, answer(b'{ "t" : 21 }\n', "201 Created"))
    assert (result.status, result.output) == ("ok", '{ "t" : 21 }\n')
    assert result.prints.endswith("/?a=1 → 201 Created, 13 bytes application/json\n")


@pytest.mark.parametrize(
    ("status", "retryable"),
    [("404 Not Found", False), ("400 Bad Request", False), ("429 Too Many Requests", True), ("503 Down", True)],
)
def test_any_other_status_is_an_error_with_the_answers_words(tmp_path: Path, status: str, retryable: bool) -> None:
    result = came(tmp_path, answer(b"no such city", status, "retry-after: 7"))
    error = error_of(result)
    assert (error["type"], error["retryable"]) == ("http_error", retryable)
    assert error["message"].startswith(f"HTTP {status[:3]} ")
    assert error["message"].endswith("(retry-after: 7): no such city")


def test_a_redirect_is_not_followed_and_says_where_it_leads(tmp_path: Path) -> None:
    server = Asked(answer(b"", "307 Temporary Redirect", "location: http://evil.example/x"))
    result = http_run(tmp_path, server, {"url": "/", "query": "{*}"}, {"a": 1})
    assert error_of(result)["message"] == (
        "HTTP 307 Temporary Redirect, to http://evil.example/x; redirects are not followed: write that URL in the "
        "tool's file"
    )
    assert len(server.requests) == 1


def test_a_body_past_the_limit_is_cut_and_says_so(tmp_path: Path) -> None:
    result = came(tmp_path, answer(b"x" * 50), limit=20)
    assert result.output == "x" * 20 + "\n[output cut here: 30 of 50 characters left out; the limit of this tool is 20]"


def test_a_body_without_end_is_not_read_to_its_end(tmp_path: Path) -> None:
    hung_up = asyncio.Event()

    async def endless(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\n")
        try:
            while True:
                await peer.send(b"x" * 10_000)
        finally:
            hung_up.set()

    result = http_run(tmp_path, endless, {"url": "/", "query": "{*}"}, {"a": 1}, limit=100)
    assert result.output == "x" * 100 + "\n[output cut here: the rest was not read; the limit of this tool is 100]"
    assert hung_up.is_set()


def test_a_compressed_body_is_read(tmp_path: Path) -> None:
    body = gzip.compress(b"plain words")
    assert came(tmp_path, answer(body, "200 OK", "content-encoding: gzip")).output == "plain words"


def test_a_body_that_is_not_compressed_as_it_says_is_an_error(tmp_path: Path) -> None:
    result = came(tmp_path, answer(b"plain words", "200 OK", "content-encoding: gzip"))
    assert error_of(result)["type"] == "connection_failed"


def test_a_body_in_another_charset_is_read(tmp_path: Path) -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain; charset=iso-8859-1\r\ncontent-length: 4\r\n\r\n"
    assert came(tmp_path, head + "Köln".encode("latin-1")).output == "Köln"


def test_of_an_image_only_type_and_size_are_told(tmp_path: Path) -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: image/png\r\ncontent-length: 4\r\n\r\n"
    assert came(tmp_path, head + b"\x89PNG").output == "[4 bytes of image/png, which is no text]"


@pytest.mark.parametrize("response", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf"])
def test_an_answer_that_is_none_or_breaks_off_is_an_error(tmp_path: Path, response: bytes) -> None:
    result = came(tmp_path, response)
    assert (result.status, error_of(result)["type"]) == ("error", "connection_failed")
    assert error_of(result)["message"].startswith("t got no answer from its server: ")


def test_a_server_that_is_not_there_is_an_error_worth_another_try(tmp_path: Path) -> None:
    tools = yaml_toolbox(tmp_path, "tools: [{name: t, run: {http: {method: POST, url: 'http://127.0.0.1:1/'}}}]")
    error = error_of(asyncio.run(tools.run(call("t"), "")))
    assert (error["type"], error["retryable"]) == ("connection_failed", True)


# ---- the end of a request -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("ended_by", ["time", "interruption"])
def test_the_connection_is_closed_when_the_time_is_up_or_the_turn_is_interrupted(tmp_path: Path, ended_by: str) -> None:
    async def go() -> ToolResult | None:
        begun, closed = asyncio.Event(), asyncio.Event()

        async def silent(peer: Peer) -> None:
            await peer.request()
            begun.set()
            await peer.gone()
            closed.set()

        async with RawServer(silent) as server:
            text = f"tools: [{{name: t, timeout: 1, run: {{http: {{url: '{server.url}/'}}}}}}]"
            running = asyncio.ensure_future(yaml_toolbox(tmp_path, text).run(call("t"), ""))
            await begun.wait()
            if ended_by == "interruption":
                running.cancel()
            await asyncio.wait([running])
            await asyncio.wait_for(closed.wait(), 5)
            return None if running.cancelled() else running.result()

    result = asyncio.run(go())
    assert (result is None) == (ended_by == "interruption")
    if result is not None:
        assert result.status == "timeout"
        assert "Its connection was closed, and the request may have had an effect." in result.output


def test_the_time_is_that_of_the_whole_call_however_the_answer_drips(tmp_path: Path) -> None:
    async def dripping(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
        for _ in range(1000):
            await peer.send(b"x")
            await asyncio.sleep(0.02)

    assert http_run(tmp_path, dripping, {"url": "/", "query": "{*}"}, {"a": 1}, timeout=0.3).status == "timeout"


def test_a_proxy_of_the_environment_is_never_asked_for_loopback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    assert came(tmp_path, answer()).status == "ok"


def test_a_request_to_another_host_goes_through_the_proxy_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = Asked(answer(b"from afar"))

    async def go() -> ToolResult:
        async with RawServer(proxy) as server:
            monkeypatch.setenv("HTTP_PROXY", server.url)
            tools = yaml_toolbox(tmp_path, "tools: [{name: t, run: {http: {url: 'http://weather.example/x'}}}]")
            return await tools.run(call("t"), "")

    assert (asyncio.run(go()).output, proxy.request[0]) == ("from afar", "GET http://weather.example/x HTTP/1.1")
