"""The line is really run, by sh with curl, and what arrives is compared with what the endpoint itself sends."""

from __future__ import annotations

import asyncio
import json
import shutil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callscope.core.values import Headers, Request
from callscope.endpoints.curl import curl_command
from callscope.endpoints.http import HttpEndpoint
from raw_server import Peer, RawServer, collect, run

KEY = "sk-not-a-real-key-0123456789"
JSON: Headers = (("content-type", "application/json"),)
EMPTY = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"

needs_curl = pytest.mark.skipif(not shutil.which("curl"), reason="no curl to run the line with")


async def _run_line(line: str, environ: dict[str, str]) -> None:
    # by stdin: a line can be longer than an argument may be
    environ = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/nonexistent", **environ}
    shell = await asyncio.create_subprocess_exec("sh", stdin=-1, stdout=-1, stderr=-1, env=environ)
    _, error = await shell.communicate(line.encode("utf-8", "surrogateescape"))
    assert shell.returncode == 0, error.decode()


def both(request: Request, headers: Headers = (), query: Headers = (), **environ: str) -> tuple[bytes, bytes, str]:
    """The bytes of one request as the endpoint sends them and as its curl line sends them, and the line."""
    got: list[bytes] = []

    async def script(peer: Peer) -> None:
        got.append(await peer.request())
        await peer.send(EMPTY)

    async def go() -> str:
        async with RawServer(script) as server:
            endpoint = HttpEndpoint(server.url, headers=headers, query=query)
            plain = Request(request.method, server.url + request.url, request.headers, request.body)
            sent = endpoint.complete(plain)
            await collect(endpoint, plain)
            await endpoint.aclose()
            line = curl_command(sent, key_variable="OPENAI_API_KEY")
            await _run_line(line, {"OPENAI_API_KEY": KEY, **environ})
            return line

    line = run(go())
    return got[0], got[1], line


def parts(request: bytes) -> tuple[bytes, list[bytes], bytes]:
    """The request line, the headers in alphabetical order (curl has an order of its own), the body."""
    head, _, body = request.partition(b"\r\n\r\n")
    first, *headers = head.split(b"\r\n")
    named = [name.lower() + b":" + value.strip() for name, _, value in (header.partition(b":") for header in headers)]
    return first, sorted(named), body


BODIES = [
    b'{"messages": [{"role": "user", "content": "It\'s 5 o\'clock in \\u5317\\u4eac"}]}',
    '{"content": "北京 🙂 $HOME `id` \\"!!\\" \\\\ %s %%"}'.encode(),
    b"",
    b"@/etc/hostname",
    b"two\nlines\r\n\n",
    b"trailing newline\n",
    b"-n",
    b"%d %s \\n \\055 \\",
    bytes(range(256)),
    "a\u0080b\u009fc\u00a0".encode(),
    b"x" * 300_000,
    b"'" * 60_000,
]


@needs_curl
@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
def test_the_line_sends_the_same_bytes(body: bytes) -> None:
    ours, curls, _ = both(Request("POST", "/v1/chat/completions", JSON, body))
    assert parts(curls) == parts(ours)


@needs_curl
@settings(max_examples=25, deadline=None)
@given(st.binary(max_size=60) | st.text(max_size=40).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_body_survives_the_shell(body: bytes) -> None:
    ours, curls, _ = both(Request("POST", "/", JSON, body))
    assert parts(curls) == parts(ours)


@needs_curl
@pytest.mark.parametrize(
    ("method", "target", "headers"),
    [
        ("GET", "/v1/models", ()),
        ("DELETE", "/v1/x", ()),
        ("POST", "/a/../b/./c?x=[1]&y={a,b}&z='%27\"", JSON),
        ("POST", "/", (("X-Odd", 'it\'s $5 `now` "!" \\'), ("x-empty", ""), ("Accept", "a/b"), ("User-Agent", "me"))),
        ("POST", "/", (("x-city", "北京"),)),
    ],
)
def test_method_url_and_headers_are_the_same(method: str, target: str, headers: Headers) -> None:
    ours, curls, _ = both(Request(method, target, headers, b"" if method != "POST" else b"{}"))
    assert parts(curls) == parts(ours)


@needs_curl
def test_the_key_is_a_variable_in_double_quotes_and_the_line_works_with_it() -> None:
    ours, curls, line = both(Request("POST", "/v1", JSON, b"{}"), (("authorization", f"Bearer {KEY}"),))
    assert parts(curls) == parts(ours)
    assert '"authorization: Bearer $OPENAI_API_KEY"' in line
    assert KEY not in line


@needs_curl
@pytest.mark.parametrize(
    ("headers", "query", "body"),
    [
        ((), (("key", KEY),), b"{}"),
        ((("x-goog-api-key", KEY),), (), b"{}"),
        ((("authorization", f"Bearer {KEY}"), ("x-copy", f"<{KEY}>!")), (), b"{}"),
        ((("authorization", f"Bearer {KEY}"),), (), json.dumps({"note": f"my key is {KEY}"}).encode()),
        ((("authorization", f"Bearer {KEY}"),), (), b"\x00 " + KEY.encode() + b" \xff%"),
        ((("authorization", f"Bearer {KEY}"),), (), KEY.encode() + b"x" * 200_000 + KEY.encode()),
    ],
)
def test_the_key_is_nowhere_in_the_line_and_the_bytes_are_the_same(
    headers: Headers, query: Headers, body: bytes
) -> None:
    ours, curls, line = both(Request("POST", "/v1", JSON, body), headers, query)
    assert KEY not in line
    assert parts(curls) == parts(ours)


@needs_curl
def test_a_second_secret_gets_a_variable_of_its_own() -> None:
    headers = (("x-auth-token", "another-secret-value"), ("authorization", f"Bearer {KEY}"))
    ours, curls, line = both(Request("POST", "/v1", JSON, b"{}"), headers, SECRET_2="another-secret-value")
    assert "another-secret-value" not in line
    assert parts(curls) == parts(ours)


@needs_curl
def test_a_key_that_changes_in_a_url_or_in_json_has_a_variable_that_says_so() -> None:
    odd = 'a/key "quoted"+='
    escaped = {
        "OPENAI_API_KEY_URLENCODED": "a%2Fkey%20%22quoted%22%2B%3D",
        "OPENAI_API_KEY_JSON": json.dumps(odd)[1:-1],
    }
    body = json.dumps({"note": odd}).encode()
    headers = (("authorization", f"Bearer {odd}"),)
    ours, curls, line = both(Request("POST", "/", JSON, body), headers, (("x", odd),), OPENAI_API_KEY=odd, **escaped)
    assert "quoted" not in line
    assert parts(curls) == parts(ours)


def test_nothing_in_a_body_commands_the_terminal_that_shows_the_line() -> None:
    body = json.dumps({"text": "a\u202eb\x9b2Jc"}, ensure_ascii=False).encode()
    line = curl_command(Request("POST", "http://x/v1", (), body))
    assert r"a\342\200\256b\302\2332Jc" in line
    assert "\u202e" not in line


def test_a_known_secret_is_hidden_wherever_it_stands() -> None:
    request = Request("POST", "http://x/v1", (("x-plain", "hidden-secret"),), b'"hidden-secret"')
    line = curl_command(request, secrets=("hidden-secret",))
    assert "hidden-secret" not in line
    assert line.count("$API_KEY") == 2


def test_a_masked_key_of_a_recording_is_a_variable_too() -> None:
    request = Request("POST", "http://x/v1", (("authorization", "Bearer ************"),), b"")
    assert '"authorization: Bearer $OPENAI_API_KEY"' in curl_command(request, key_variable="OPENAI_API_KEY")


def test_a_plain_request_is_one_readable_line() -> None:
    headers = (("host", "x"), ("user-agent", "callscope/1"), ("accept", "*/*"), *JSON, ("content-length", "9"))
    line = curl_command(Request("POST", "http://x/v1/chat/completions", headers, b'{"a": 1} '))
    assert line == (
        "curl --no-buffer http://x/v1/chat/completions -H 'user-agent: callscope/1' -H 'accept: */*'"
        " -H 'content-type: application/json' --data-binary '{\"a\": 1} '"
    )
