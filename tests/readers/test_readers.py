"""The openai SDK, its stream helper and httpx-sse over recorded bytes, each in its own process."""

from __future__ import annotations

import asyncio
import gzip
import json
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

import pytest

from callscope.readers.processes import READERS, Process
from callscope.readers.values import NotRead, Reader, Reading
from chatbodies import DONE, answer, chunk, entry, event
from processes_seen import gone
from readersbench import JSON, STREAM, read_all, response, rows, two_calls, verdicts

SAME = {"openai-loop": "same", "openai-helper": "same", "httpx-sse": "same"}


def test_a_stream_as_openai_sends_it_is_the_same_to_all() -> None:
    [one] = read_all(response(two_calls(0, 1)))
    assert verdicts(one) == SAME


def test_a_reader_says_its_version() -> None:
    [one] = read_all(response(two_calls(0, 1)))
    assert [row.reader.version for row in one.rows] == [version(reader.package) for reader in READERS]


def test_reads_that_cut_a_character_are_the_same_to_all() -> None:
    body = b"".join((chunk({"content": "北京"}), chunk({}, "stop"), DONE))
    assert verdicts(read_all(response(*(body[at : at + 1] for at in range(len(body)))))[0]) == SAME


def test_calls_at_one_index_are_merged_by_the_sdk_and_its_helper() -> None:
    [one] = read_all(response(two_calls(0, 0)))
    assert verdicts(one) == {"openai-loop": "merged calls", "openai-helper": "merged calls", "httpx-sse": "same"}


def test_arguments_as_an_object_crash_who_joins_texts() -> None:
    call = entry(0, "call_1", "get_weather", {"city": "Paris"}, type="function")
    [one] = read_all(response(chunk({"tool_calls": [call]}), chunk({}, "tool_calls"), DONE))
    crash = rows(one)["openai-loop"].outcome
    assert isinstance(crash, Reading)
    assert str(crash.trouble) == 'TypeError: can only concatenate str (not "dict") to str'
    assert rows(one)["openai-loop"].verdict == "crash"


def test_a_clean_end_in_mid_answer_is_silent_to_the_sdk() -> None:
    assert verdicts(read_all(response(chunk({"content": "Well"})))[0])["openai-loop"] == "silent end"


@pytest.mark.parametrize("how", ["reset", "truncated", "timeout"])
def test_an_ending_of_the_transport_reaches_every_reader(how: str) -> None:
    [one] = read_all(response(chunk({"content": "Well"}), how=how))  # type: ignore[arg-type]
    assert verdicts(one) == SAME
    assert all(isinstance(row.outcome, Reading) and row.outcome.trouble for row in one.rows)


def test_an_exchange_without_a_response_fails_in_every_reader() -> None:
    [one] = read_all(response(status=None, headers=(), how="connect_failed"))
    assert verdicts(one) == SAME


def test_an_http_error_is_an_error_to_every_reader() -> None:
    body = json.dumps({"error": {"message": "overloaded", "type": "server_error"}}).encode()
    [one] = read_all(response(body, status=503, headers=JSON))
    assert verdicts(one) == SAME


def test_an_error_that_has_no_frame_of_the_protocol_is_lost_by_the_sdk() -> None:
    """llama.cpp names the field `error`, which no SSE reader knows."""
    [one] = read_all(response(chunk({"content": "Well"}), b'error: {"message":"context full"}\n\n', DONE))
    assert verdicts(one)["openai-loop"] == "lost error"


def test_an_answer_in_one_piece_is_read_where_no_stream_was_asked_for() -> None:
    body = answer({"role": "assistant", "content": "Hello."})
    [one] = read_all(response(body, streamed=False, headers=JSON))
    assert verdicts(one) == {"openai-loop": "same", "openai-helper": "not read", "httpx-sse": "not read"}


def test_an_answer_in_one_piece_is_not_seen_by_who_waits_for_a_stream() -> None:
    body = answer({"role": "assistant", "content": "Hello."})
    [one] = read_all(response(body, headers=JSON))
    differences = rows(one)["openai-loop"].differences
    assert ("content", "Hello.", "") in [(each.kind, each.ours, each.theirs) for each in differences]


def test_a_compressed_body_is_inflated_by_all() -> None:
    headers = (*STREAM, ("content-encoding", "gzip"))
    assert verdicts(read_all(response(gzip.compress(two_calls(0, 1)), headers=headers))[0]) == SAME


def test_httpx_sse_loses_an_event_that_is_not_ended() -> None:
    unended = chunk({"content": "!"}, "stop").rstrip(b"\n")
    [one] = read_all(response(chunk({"content": "Well"}), unended))
    assert verdicts(one)["httpx-sse"] != "same"


def test_an_agent_is_read_by_httpx_sse_alone() -> None:
    delta = {"id": "run-1", "object": "thread.message.delta", "thread_id": "t", "model": "m", "created": 1}
    delta["choices"] = [{"delta": {"role": "assistant", "content": "Hello."}}]  # type: ignore[assignment]
    [one] = read_all(response(b"event: thread.message.delta\n" + event(delta), DONE, dialect="acf"))
    assert verdicts(one) == {"openai-loop": "not read", "openai-helper": "not read", "httpx-sse": "same"}


def test_an_interrupted_exchange_is_not_compared() -> None:
    [one] = read_all(response(chunk({"content": "Well"}), how="cancelled"))
    assert one.rows == ()
    assert one.why_not


def test_an_exchange_that_the_recording_does_not_end_is_not_compared() -> None:
    [one] = read_all(response(chunk({"content": "Well"}), how=None))
    assert one.why_not


# ---- the package's own settings ------------------------------------------------------------------------------------


def test_the_environment_of_the_sdk_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "not a URL")
    monkeypatch.setenv("OPENAI_API_KEY", "")
    monkeypatch.setenv("HTTPS_PROXY", "socks9://nowhere")
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    assert verdicts(read_all(response(two_calls(0, 1)), anew=True)[0]) == SAME


def test_a_package_that_is_not_there_is_said_in_one_sentence() -> None:
    [one] = read_all(response(two_calls(0, 1)), readers=(Reader("openai-loop", "no-such-package"),))
    assert one.rows[0].outcome == NotRead("no-such-package is not installed: pip install no-such-package")


def test_a_package_that_cannot_be_imported_reads_nothing_however_often_it_is_asked() -> None:
    async def read() -> list[object]:
        process = Process(
            Reader("httpx-sse", "json")
        )  # a module without a version: the start fails, as an import would
        try:
            return [await process.read(response(two_calls(0, 1))) for _ in range(2)]
        finally:
            await process.close()

    assert asyncio.run(read()) == [NotRead("json could not be started: it does not import")] * 2


def test_strict_tools_of_the_request_are_given_to_the_helper() -> None:
    """It parses the arguments of a strict tool itself, and so crashes where they are cut."""
    function = {"name": "get_weather", "strict": True, "parameters": {"type": "object"}}
    call = entry(0, "call_1", "get_weather", '{"city":', type="function")
    body = (chunk({"tool_calls": [call]}), chunk({}, "tool_calls"), DONE)
    [one] = read_all(response(*body, definitions=({"type": "function", "function": function},)))
    assert verdicts(one) == {"openai-loop": "same", "openai-helper": "crash", "httpx-sse": "same"}


# ---- hostile input -------------------------------------------------------------------------------------------------


def test_deep_nesting_does_not_end_a_reader() -> None:
    deep = b'data: {"choices":' + b"[" * 100_000 + b"]" * 100_000 + b"}\n\n"
    hostile, sane = read_all(response(deep, DONE), response(two_calls(0, 1)))
    assert set(verdicts(hostile)) == set(SAME)
    assert verdicts(sane) == SAME


def test_a_reader_that_takes_too_long_is_ended_and_reads_the_next_response() -> None:
    async def read() -> tuple[object, object]:
        process = Process(READERS[0], patience=-60.0)
        first = await process.read(response(two_calls(0, 1)))
        process.patience = 20.0
        try:
            return first, await process.read(response(two_calls(0, 1)))
        finally:
            await process.close()

    first, second = asyncio.run(read())
    assert isinstance(first, Reading)
    assert first.trouble is not None
    assert first.trouble.kind == "hang"
    assert isinstance(second, Reading)
    assert len(second.calls) == 2


def test_a_reader_that_dies_is_an_answer_and_reads_the_next_response() -> None:
    async def read() -> list[object]:
        process = Process(READERS[2])
        try:
            seen: list[object] = [await process.read(response(two_calls(0, 1)))]
            assert process._process is not None
            process._process.kill()
            return [*seen, await process.read(response(two_calls(0, 1))), await process.read(response(two_calls(0, 1)))]
        finally:
            await process.close()

    before, died, after = asyncio.run(read())
    assert isinstance(died, Reading)
    assert died.trouble is not None
    assert (died.trouble.kind, died.trouble.name) == ("killed", "SIGKILL")
    assert before == after


@pytest.mark.parametrize("event", ["socket.connect", "socket.getaddrinfo"])
def test_no_reader_may_use_the_network(event: str) -> None:
    code = (
        "import sys, socket; from callscope.readers.child import _refuse_network; sys.addaudithook(_refuse_network);"
        "socket.create_connection(('127.0.0.1', 9)) if sys.argv[1] == 'socket.getaddrinfo' else "
        "socket.socket().connect(('127.0.0.1', 9))"
    )
    ran = subprocess.run([sys.executable, "-c", code, event], capture_output=True, text=True, check=False, timeout=30)
    assert "PermissionError: no reader of a recording may use the network" in ran.stderr


HUNG = """
import asyncio, sys
sys.path.insert(0, sys.argv[1])
from callscope.readers.processes import Process
from callscope.readers.values import Reader

async def go():
    process = Process(Reader("httpx-sse", "httpx-sse"))
    started = asyncio.create_task(process._start())
    while process._process is None:
        await asyncio.sleep(0.01)
    print(process._process.pid, flush=True)
    await started

asyncio.run(go())
"""


def test_a_reader_that_hangs_does_not_outlive_a_program_that_was_killed(tmp_path: Path) -> None:
    (tmp_path / "httpx_sse.py").write_text(f"open({str(tmp_path / 'begun')!r}, 'w')\nwhile True: pass\n")
    with subprocess.Popen([sys.executable, "-c", HUNG, str(tmp_path)], stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        reader = int(program.stdout.readline())
        until = time.monotonic() + 30
        while not (tmp_path / "begun").exists() and time.monotonic() < until:
            time.sleep(0.02)
        program.kill()
    assert gone(reader, 15)
