"""The command line against servers that others wrote, each a process of its own on loopback.

They are used where they are installed and never fetched: `aimock` (npm install -g @copilotkit/aimock) and `litellm`
(pip install 'litellm[proxy]', in an environment of its own) are looked for in the PATH, or where the variables AIMOCK
and LITELLM say; LLMock (pip install llmock) only where LLMOCK says, as aimock brings a command of that name.
What was seen when all of them were driven by hand is in docs/real-servers.md.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from command_line import Ran, callscope

AIMOCK = os.environ.get("AIMOCK") or shutil.which("aimock")
LITELLM = os.environ.get("LITELLM") or shutil.which("litellm")
LLMOCK = os.environ.get("LLMOCK")
needs_aimock = pytest.mark.skipif(AIMOCK is None, reason="aimock is not installed (npm: @copilotkit/aimock)")
needs_litellm = pytest.mark.skipif(LITELLM is None, reason="litellm is not installed (pip: litellm[proxy])")
needs_llmock = pytest.mark.skipif(LLMOCK is None, reason="LLMOCK does not say where llmock is (pip: llmock)")
pytestmark = pytest.mark.timeout(240)  # LiteLLM takes long to import

TOOLS = Path(__file__).parent.parent / "cli" / "callscope" / "serving" / "data" / "tools.yaml"
MASTER_KEY = "sk-master-of-the-proxy"
PARIS = {"name": "get_weather", "arguments": {"city": "Paris"}}
ROME = {"name": "get_time", "arguments": {"timezone": "Europe/Rome"}}
WORDS = "This is cut short, and nobody will ever know how it would have ended. "
FIXTURES = [
    {"match": {"userMessage": "both", "hasToolResult": False}, "response": {"toolCalls": [PARIS, ROME]}},
    {"match": {"userMessage": "both", "hasToolResult": True}, "response": {"content": "Both came back: 北京 🌤️."}},
    {"match": {"userMessage": "hang up"}, "response": {"content": WORDS * 9}, "latency": 40, "disconnectAfterMs": 400},
    {"match": {"userMessage": "garbage"}, "response": {"content": "x"}, "chaos": {"malformedRate": 1}},
    {"match": {"userMessage": "limit"}, "response": {"content": "An answer cut by", "finishReason": "length"}},
    {"match": {"userMessage": "busy"}, "response": {"error": {"message": "Slow down."}, "status": 429}},
]
MODELS = {
    "mock": {"model": "openai/mock", "api_key": "none", "mock_response": "Hello from the proxy."},
    "busy": {"model": "openai/mock", "api_key": "none", "mock_response": "litellm.RateLimitError"},
}


@contextmanager
def running(command: Sequence[str | Path], env: Mapping[str, str], ready: str) -> Iterator[str]:
    """Run a server until its log says what `ready` matches; gives the port in its group."""
    process = subprocess.Popen(
        [str(word) for word in command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, **env},
    )
    assert process.stdout is not None
    try:
        log: list[str] = []
        for line in process.stdout:
            log.append(line)
            if found := re.search(ready, line):
                yield found.group(1)
                return
        raise AssertionError("the server ended:\n" + "".join(log[-20:]))
    finally:
        process.kill()
        process.stdout.close()
        process.wait()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def aimock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    fixtures = tmp_path_factory.mktemp("aimock") / "fixtures.json"
    fixtures.write_text(json.dumps({"fixtures": FIXTURES}))
    command: list[str | Path] = [str(AIMOCK), "--port", "0", "--fixtures", fixtures, "--chunk-size", "7"]
    with running(command, {}, r"listening on http://127\.0\.0\.1:(\d+)") as port:
        yield f"http://127.0.0.1:{port}/v1"


@pytest.fixture(scope="module")
def litellm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The proxy with two mocks, and the demo agent behind it."""
    folder = tmp_path_factory.mktemp("litellm")
    with running(
        [sys.executable, "-m", "callscope", "serve", "--demo", "--port", "0"], {}, r"127\.0\.0\.1:(\d+)"
    ) as demo:
        models = {**MODELS, "demo": _behind(f"http://127.0.0.1:{demo}/v1")}
        config = {
            "model_list": [{"model_name": name, "litellm_params": params} for name, params in models.items()],
            "general_settings": {"master_key": MASTER_KEY},
            "router_settings": {"num_retries": 0, "disable_cooldowns": True},
        }
        (folder / "config.yaml").write_text(json.dumps(config))
        port = str(free_port())
        command: list[str | Path] = [
            str(LITELLM),
            "--config",
            folder / "config.yaml",
            "--host",
            "127.0.0.1",
            "--port",
            port,
        ]
        with running(command, {"LITELLM_LOCAL_MODEL_COST_MAP": "True"}, r"running on http://127\.0\.0\.1:(\d+)"):
            yield f"http://127.0.0.1:{port}/v1"


def _behind(url: str) -> dict[str, str]:
    return {"model": "openai/callscope-demo", "api_base": url, "api_key": "none"}


def ask(prompt: str, url: str, folder: Path, *flags: str, key: str | None = None) -> Ran:
    """Ask, and prove what was recorded: it derives the same, and runs again the same."""
    env = {} if key is None else {"PROXY_KEY": key}
    named = [] if key is None else ["--key-env", "PROXY_KEY"]
    tries = [] if "--retries" in flags else ["--retries", "0"]
    words = ["--json", "--approve", "always", "--tools", TOOLS, *tries, "--recordings", folder]
    ran = callscope("ask", "--url", url, *words, *named, *flags, prompt, folder=folder, env=env)
    if recording := ran.last["recording"]:
        assert callscope("replay", recording, "--speed", "max", folder=folder).code == 0
        assert callscope("replay", recording, "--server", "recorded", "--calls", "recorded", folder=folder).code == 0
    return ran


@pytest.fixture(scope="module")
def llmock() -> Iterator[str]:
    port = str(free_port())
    with running([str(LLMOCK), "serve", "--port", port], {}, r"running on http://127\.0\.0\.1:(\d+)"):
        yield f"http://127.0.0.1:{port}"


def verdict_on(
    server: str, behaviors: Sequence[Mapping[str, object]], folder: Path, *flags: str
) -> tuple[Ran, set[str]]:
    """Ask while the server behaves as told; gives what it has to say of the client."""
    _post(f"{server}/_llmock/reset", {})
    _post(f"{server}/_llmock/scenario", {"behaviors": behaviors})
    return ask_on(server, folder, *flags)


def ask_on(server: str, folder: Path, *flags: str) -> tuple[Ran, set[str]]:
    """Ask as before; gives what the server has to say of the client since it was told how to behave."""
    ran = ask("hello", f"{server}/v1", folder, "-m", "gpt-4o", "--tool-choice", "none", *flags)
    with urllib.request.urlopen(f"{server}/_llmock/verdict") as answer:
        return ran, {finding["code"] for finding in json.load(answer)["findings"]}


def _post(url: str, body: object) -> None:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"content-type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        answer.read()


def calls(ran: Ran) -> list[tuple[str, dict[str, Any]]]:
    return [(call["name"], json.loads(call["arguments"])) for call in ran.last["tool_calls"]]


def codes(ran: Ran) -> set[str]:
    return {diagnostic["code"] for diagnostic in ran.last["diagnostics"]}


# ---- aimock -----------------------------------------------------------------------------------------------------


@needs_aimock
@pytest.mark.parametrize("flags", [[], ["--no-stream"]], ids=["streamed", "whole"])
def test_parallel_calls_of_aimock_run_and_nothing_is_complained_of(
    aimock: str, tmp_path: Path, flags: list[str]
) -> None:
    ran = ask("both, please", aimock, tmp_path, "-m", "gpt-4o", *flags)
    assert (ran.code, ran.last["text"], codes(ran)) == (0, "Both came back: 北京 🌤️.", set())
    assert calls(ran) == [("get_weather", {"city": "Paris"}), ("get_time", {"timezone": "Europe/Rome"})]


@needs_aimock
def test_a_stream_that_aimock_breaks_off_keeps_its_words_and_fails(aimock: str, tmp_path: Path) -> None:
    ran = ask("hang up", aimock, tmp_path, "-m", "gpt-4o")
    assert (ran.code, ran.last["error"]["kind"]) == (4, "truncated")
    assert WORDS.startswith(ran.last["text"][:7])
    assert ran.last["text"]


@needs_aimock
def test_garbage_in_place_of_a_stream_of_aimock_fails(aimock: str, tmp_path: Path) -> None:
    assert ask("garbage", aimock, tmp_path, "-m", "gpt-4o").code == 4


@needs_aimock
def test_an_error_of_aimock_comes_in_its_own_words_with_its_request_id(aimock: str, tmp_path: Path) -> None:
    error = ask("busy", aimock, tmp_path, "-m", "gpt-4o").last["error"]
    assert (error["status"], error["message"], error["request_id"][:4]) == (429, "Slow down.", "req-")


@needs_aimock
@pytest.mark.parametrize("flags", [[], ["--no-stream"]], ids=["streamed", "whole"])
def test_parallel_calls_of_aimock_in_the_responses_api_run(aimock: str, tmp_path: Path, flags: list[str]) -> None:
    ran = ask("both, please", aimock, tmp_path, "-m", "gpt-4o", "--dialect", "responses", *flags)
    assert (ran.code, ran.last["text"]) == (0, "Both came back: 北京 🌤️.")
    assert calls(ran) == [("get_weather", {"city": "Paris"}), ("get_time", {"timezone": "Europe/Rome"})]


@needs_aimock
def test_an_answer_that_aimock_calls_incomplete_is_not_completed(aimock: str, tmp_path: Path) -> None:
    ran = ask("limit", aimock, tmp_path, "-m", "gpt-4o", "--dialect", "responses")
    assert (ran.code, ran.last["reason"], ran.last["text"]) == (5, "incomplete", "An answer cut by")


# ---- LLMock -----------------------------------------------------------------------------------------------------

both_dialects = pytest.mark.parametrize("dialect", ["chat", "responses"])


@needs_llmock
@both_dialects
def test_llmock_finds_nothing_to_say_of_how_a_rate_limit_is_waited_for(
    llmock: str, tmp_path: Path, dialect: str
) -> None:
    limit = {"type": "fail", "status": 429, "retry_after": 1, "times": 2}
    ran, findings = verdict_on(llmock, [limit], tmp_path, "--dialect", dialect, "--retries", "3")
    assert (ran.code, findings) == (0, set())


@needs_llmock
@both_dialects
@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_llmock_sees_what_cannot_succeed_asked_once(llmock: str, tmp_path: Path, dialect: str, status: int) -> None:
    refusal = {"type": "fail", "status": status, "times": None}
    ran, findings = verdict_on(llmock, [refusal], tmp_path, "--dialect", dialect, "--retries", "3")
    assert (ran.code, ran.last["error"]["status"], findings) == (4, status, set())


@needs_llmock
@both_dialects
def test_a_stream_that_llmock_ends_early_fails_though_the_verdict_cannot_see_it(
    llmock: str, tmp_path: Path, dialect: str
) -> None:
    early = {"type": "stream_fault", "kind": "truncate", "after_chunks": 3, "times": None}
    ran, findings = verdict_on(llmock, [early], tmp_path, "--dialect", dialect)
    assert (ran.code, ran.last["error"]["kind"], findings) == (4, "truncated", {"truncated_stream_accepted"})


@needs_llmock
@both_dialects
def test_llmock_is_content_once_somebody_asks_again_after_a_cut(llmock: str, tmp_path: Path, dialect: str) -> None:
    early = {"type": "stream_fault", "kind": "truncate", "after_chunks": 3}
    cut, _ = verdict_on(llmock, [early], tmp_path, "--dialect", dialect)
    again, findings = ask_on(llmock, tmp_path, "--dialect", dialect)
    assert (cut.code, again.code, findings) == (4, 0, set())


@needs_llmock
@both_dialects
@pytest.mark.parametrize("flags", [[], ["--no-stream"]], ids=["streamed", "whole"])
@pytest.mark.parametrize("status", [500, 502, 504, 529])
def test_what_may_have_had_an_effect_is_asked_once_and_llmock_warns_of_it(
    llmock: str, tmp_path: Path, dialect: str, flags: list[str], status: int
) -> None:
    failure = {"type": "fail", "status": status, "times": None}
    ran, findings = verdict_on(llmock, [failure], tmp_path, "--dialect", dialect, "--retries", "3", *flags)
    assert (ran.code, ran.last["error"]["status"], findings) == (4, status, {"gave_up"})


@needs_llmock
@pytest.mark.parametrize("flags", [[], ["--no-stream"]], ids=["streamed", "whole"])
def test_a_result_goes_back_to_llmock_beside_the_id_of_the_response_alone(
    llmock: str, tmp_path: Path, flags: list[str]
) -> None:
    _post(f"{llmock}/_llmock/reset", {})
    words = ["-m", "gpt-4o", "--dialect", "responses", "--history", "server", *flags]
    ran = ask("What's the weather in Paris?", f"{llmock}/v1", tmp_path, *words)
    with urllib.request.urlopen(f"{llmock}/_llmock/requests") as answer:
        sent = json.load(answer)["requests"][-1]["body"]
    assert (ran.code, [name for name, _ in calls(ran)]) == (0, ["get_weather"])
    assert sent["previous_response_id"].startswith("resp_")
    assert [item["type"] for item in sent["input"]] == ["function_call_output"]


# ---- LiteLLM's proxy --------------------------------------------------------------------------------------------


@needs_litellm
def test_the_proxy_answers_whom_it_knows_and_the_key_is_on_no_disk(litellm: str, tmp_path: Path) -> None:
    ran = ask("hello", litellm, tmp_path, "-m", "mock", key=MASTER_KEY)
    assert (ran.code, ran.last["text"]) == (0, "Hello from the proxy.")
    assert MASTER_KEY not in "".join(file.read_text() for file in tmp_path.glob("*.jsonl"))


@needs_litellm
@pytest.mark.parametrize("key", [None, "sk-of-somebody-else"], ids=["no key", "another key"])
def test_the_proxy_refuses_whom_it_does_not_know(litellm: str, tmp_path: Path, key: str | None) -> None:
    ran = ask("hello", litellm, tmp_path, "-m", "mock", key=key)
    assert ran.code == 4
    assert ran.last["error"]["status"] >= 400


@needs_litellm
def test_without_a_model_the_proxys_models_are_listed(litellm: str, tmp_path: Path) -> None:
    ran = ask("hello", litellm, tmp_path, key=MASTER_KEY)
    assert ran.code == 2
    assert {"mock", "busy", "demo"} <= set(ran.last["error"]["message"].split())


@needs_litellm
def test_a_mocked_error_of_the_proxy_comes_in_its_own_words(litellm: str, tmp_path: Path) -> None:
    error = ask("hello", litellm, tmp_path, "-m", "busy", key=MASTER_KEY).last["error"]
    assert error["status"] == 429
    assert "rate limit" in error["message"]


BOTH = 'get_weather {"city": "Paris"} and get_time {"timezone": "Europe/Rome"}'


@needs_litellm
@pytest.mark.parametrize("fault", ["index missing", "index shifts", "shared id", "id and name on every chunk"])
def test_calls_stay_apart_behind_the_proxy(litellm: str, tmp_path: Path, fault: str) -> None:
    ran = ask(f"{BOTH} with {fault}", litellm, tmp_path, "-m", "demo", key=MASTER_KEY)
    assert ran.code == 0
    assert calls(ran) == [("get_weather", {"city": "Paris"}), ("get_time", {"timezone": "Europe/Rome"})]


@needs_litellm
def test_an_end_that_the_proxy_calls_stop_leaves_the_cut_call_unrun(litellm: str, tmp_path: Path) -> None:
    ran = ask(f"{BOTH} with early end", litellm, tmp_path, "-m", "demo", "--no-run", key=MASTER_KEY)
    assert [call["valid"] for call in ran.last["tool_calls"]] == [True, False]
    assert (ran.last["finish_reason"], ran.code) == ("stop", 5)


@needs_litellm
def test_a_reset_behind_the_proxy_fails_in_the_proxys_words(litellm: str, tmp_path: Path) -> None:
    ran = ask(f"{BOTH} with reset", litellm, tmp_path, "-m", "demo", key=MASTER_KEY)
    assert ran.code == 4
    assert "litellm" in ran.last["error"]["message"]
