"""Every protocol through every fault of the way: the command line, a proxy that breaks things, the demo agent.

Whatever happens: nothing hangs past its time-out, the turn ends with a stated reason and the right exit code, no call
of a broken response runs, and the recording is whole, holds no secret, and runs again the same.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import random
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from callscope.commands import chat as commands
from callscope.compose import Options
from callscope.core.events import ResponseFailed, ToolFinished, ToolStarted, TurnEnded
from callscope.record.deriving.checking import check
from callscope.record.deriving.rederiving import derive
from callscope.record.file.reading import open_recording
from callscope.record.rerunning.rerunning import rerun
from callscope.record.secrets.ruling import Rules
from callscope.serving.demo.agent import DemoAgent
from callscope.serving.server import run_in_thread
from callscope.settings.config import Flags
from command_line import callscope
from fault_proxy import (
    EVENT_STREAM,
    Fault,
    FaultProxy,
    chunk,
    cut,
    delayed,
    dripping,
    heartbeats,
    honest,
    in_chunks,
    reflecting,
    reflecting_in_mid_stream,
    refused,
    sending,
    silent,
    with_length,
)

SECRET = "sk-ant-fault7Kq2ZpX9vLw4RtY8uNbMcD"
TOOLS = """
tools:
  - name: get_weather
    description: Current weather for a city.
    parameters: {type: object, properties: {city: {type: string}}, required: [city]}
    run: {mock: sunny}
  - name: get_time
    description: The current time in a time zone.
    parameters: {type: object, properties: {timezone: {type: string}}, required: [timezone]}
    run: {mock: noon}
"""
PROMPTS = {
    "chat": 'get_weather {"city": "Paris"}',
    "responses": 'get_weather {"city": "Paris"}',
    "acf": "Weather in Paris, then the time in Europe/Rome",
}
PATHS = {"chat": "/v1", "responses": "/v1", "acf": "/v1/chat"}
LONGEST = 8.0
"""Seconds that any of this may take, whatever the machine does besides: the limits given are well below one."""

every_dialect = pytest.mark.parametrize("dialect", PROMPTS)


@pytest.fixture(scope="module")
def demo() -> Iterator[str]:
    with run_in_thread(DemoAgent(pace=0.0, stall=0.0)) as server:
        yield server.url


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FAULTY_KEY", SECRET)
    (tmp_path / "tools.yaml").write_text(TOOLS)
    return tmp_path


@dataclass(frozen=True)
class Asked:
    """What a prompt came to."""

    code: int
    out: str
    err: str
    recording: Path

    @property
    def last(self) -> dict[str, Any]:
        line: dict[str, Any] = json.loads(self.out.splitlines()[-1])
        return line

    @property
    def requests(self) -> int:
        return sum('"kind":"request"' in line for line in self.recording.read_text().splitlines())


def ask(url: str, dialect: str, folder: Path, *, seconds: float | None = None, retries: int = 0, **flags: Any) -> Asked:
    """One prompt as `callscope ask --json` takes it, in this process."""
    given: dict[str, Any] = {
        "url": url + PATHS[dialect],
        "model": "callscope-demo",
        "dialect": dialect,
        "key_env": "FAULTY_KEY",
        "tools": (folder / "tools.yaml",),
        "approve": "always",
        "retries": retries,
        "connect_timeout": 2.0,
        "first_byte_timeout": 3.0,
        "idle_timeout": 3.0,
    }
    options = Options(Flags(**(given | flags)), recordings=folder / "recordings")
    out, err, began = io.StringIO(), io.StringIO(), time.monotonic()
    with redirect_stdout(out), redirect_stderr(err):
        code = commands.ask(options, PROMPTS[dialect], None, as_json=True, seconds=seconds)
    assert time.monotonic() - began < LONGEST
    written = sorted((folder / "recordings").iterdir(), key=lambda path: path.stat().st_mtime_ns)
    asked = Asked(code, out.getvalue(), err.getvalue(), written[-1])
    assert_sound(asked)
    return asked


def assert_sound(asked: Asked) -> None:
    """What holds whatever came."""
    last = asked.last
    assert (last["event"], last["exit_code"]) == ("ended", asked.code)
    assert asked.code in (0, 4, 5, 124)
    assert asked.code in (0, 5) or last["error"]["message"] or last["reason"] == "interrupted"
    assert "Traceback" not in asked.err
    shown = asked.out + asked.err + asked.recording.read_text(encoding="utf-8")
    assert SECRET not in shown
    checked = check(asked.recording, Rules({"key": SECRET}))
    assert (checked.problems, checked.warnings) == ([], [])
    assert_lived_rightly(asked.recording)
    report = asyncio.run(rerun(open_recording(asked.recording)))
    assert report.divergence is None, report.divergence


def assert_lived_rightly(path: Path) -> None:
    """No call of a broken response ran, each that ran has one result, and the turn ended once."""
    events = [stamped.event for stamped in derive(open_recording(path))]
    started = [event.key for event in events if isinstance(event, ToolStarted)]
    finished = [event.result.key for event in events if isinstance(event, ToolFinished)]
    assert len(set(started)) == len(started)
    assert set(started) <= set(finished)
    assert len(set(finished)) == len(finished)
    assert sum(isinstance(event, TurnEnded) for event in events) == 1
    exchange, broken = 0, set()
    for event in events:
        exchange = getattr(event, "exchange", exchange)
        if isinstance(event, ResponseFailed):
            broken.add(exchange)
    assert not {key.exchange for key in started} & broken


def ask_through(
    fault: Fault, demo: str, dialect: str, folder: Path, *, at: tuple[int, ...] | None = (1,), **flags: Any
) -> Asked:
    with FaultProxy(demo, fault, at) as proxy:
        return ask(proxy.url, dialect, folder, **flags)


# ---- what is only slow, or odd, is read -----------------------------------------------------------------------------

HARMLESS: dict[str, Fault] = {
    "nothing": honest,
    "late": delayed(0.0),
    "a pause in the head": delayed(0.05),
    "a pause in mid-stream": delayed(0.6),
    "a byte at a time": sending(dripping),
    "100 before the head": sending(lambda a: b"HTTP/1.1 100 Continue\r\n\r\n" + a.whole),
    "100 forty times": sending(lambda a: b"HTTP/1.1 100 Continue\r\n\r\n" * 40 + a.whole),
    "103 before the head": sending(lambda a: b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n" + a.whole),
    "a body to the end of the connection": sending(lambda a: a.framed(b"connection: close") + a.payload),
    "http 1.0": sending(lambda a: a.framed().replace(b"HTTP/1.1", b"HTTP/1.0", 1) + a.payload),
    "its length": sending(lambda a: with_length(a, 0)),
    "extensions of chunks": sending(lambda a: in_chunks(a, lambda d: b"%x;a=b;c\r\n%s\r\n" % (len(d), d))),
    "trailers": sending(lambda a: in_chunks(a, chunk, b"0\r\nx-sum: 1\r\n\r\n")),
    "bytes behind the end": sending(lambda a: with_length(a, 0) + b"HTTP/1.1 200 OK\r\n\r\n"),
}


@every_dialect
@pytest.mark.parametrize("fault", HARMLESS)
def test_what_is_only_slow_or_odd_is_read_as_if_nothing_were(fault: str, dialect: str, demo: str, folder: Path) -> None:
    asked = ask_through(HARMLESS[fault], demo, dialect, folder, at=None)
    assert (asked.code, asked.last["reason"]) == (0, "completed")
    assert asked.requests == (3 if dialect == "acf" else 2)  # the demo's agent asks for one call after the other
    assert '"event":"started"' in asked.out


# ---- what ends badly after the answer was said to be whole ----------------------------------------------------------

LATE: dict[str, Fault] = {
    "a length that is too long": sending(lambda a: with_length(a, 50)),
    "no last chunk": sending(lambda a: in_chunks(a, chunk, b"")),
    "a last chunk that is none": sending(lambda a: in_chunks(a, chunk, b"zz\r\n\r\n")),
    "a reset behind the last event": sending(lambda a: in_chunks(a, chunk, b""), "reset"),
}


@every_dialect
@pytest.mark.parametrize("fault", LATE)
def test_an_answer_that_was_whole_before_the_way_broke_counts_and_the_break_is_told(
    fault: str, dialect: str, demo: str, folder: Path
) -> None:
    asked = ask_through(LATE[fault], demo, dialect, folder, at=None)
    assert (asked.code, asked.last["reason"]) == (0, "completed")
    assert "answer_after_the_end" in {said["code"] for said in asked.last["diagnostics"]}


# ---- what breaks ----------------------------------------------------------------------------------------------------


def halved(answer: Any) -> Any:
    return replace(answer, payload=answer.payload[: len(answer.payload) // 2])


BROKEN: dict[str, tuple[Fault, str]] = {
    "closed at once": (cut(0), "truncated"),
    "reset at once": (cut(0, "reset"), "reset"),
    "cut in the status line": (cut(7), "truncated"),
    "cut in the head": (cut(60), "truncated"),
    "reset in the head": (cut(60, "reset"), "reset"),
    "reset behind the head": (sending(lambda a: a.head, "reset"), "reset"),
    "cut in mid-stream": (sending(lambda a: a.whole[: -len(a.raw) // 2]), "truncated"),
    "reset in mid-stream": (sending(lambda a: a.whole[: -len(a.raw) // 2], "reset"), "reset"),
    "a length that is too short": (sending(lambda a: with_length(a, -len(a.payload) // 2)), "truncated"),
    "a length that is no number": (sending(lambda a: a.framed(b"content-length: x") + a.payload), "truncated"),
    "two lengths": (sending(lambda a: a.framed(b"content-length: 5", b"content-length: 9") + a.payload), "truncated"),
    "a chunk of no size": (sending(lambda a: in_chunks(a, lambda d: b"\r\n" + d)), "truncated"),
    "a chunk of a negative size": (sending(lambda a: in_chunks(a, lambda d: b"-5\r\n" + d)), "truncated"),
    "a chunk of a huge size": (sending(lambda a: in_chunks(halved(a), lambda d: b"f" * 15 + b"\r\n" + d)), "truncated"),
    "a chunk size without end": (sending(lambda a: in_chunks(a, lambda d: b"1" * 200_000)), "truncated"),
    "a chunk longer than it says": (sending(lambda a: in_chunks(a, lambda d: b"3\r\n" + d)), "truncated"),
    "no http": (sending(lambda a: b"SSH-2.0-OpenSSH_9.6\r\n" + a.whole), "truncated"),
    "a status that is no number": (sending(lambda a: a.whole.replace(b" 200 ", b" abc ", 1)), "truncated"),
    "tls where nobody asked for it": (sending(lambda a: b"\x15\x03\x01\x00\x02\x02\x16"), "truncated"),
    "a head without end": (sending(lambda a: a.status + b"\r\n" + b"x: y\r\n" * 60_000, "silence"), "truncated"),
    "100 and no more": (sending(lambda a: b"HTTP/1.1 100 Continue\r\n\r\n"), "truncated"),
    "500": (refused(b"500 Oops"), "http"),
    "502 with a page": (refused(b"502 Bad Gateway", body=b"<html>nginx</html>"), "http"),
    "504 of nothing": (refused(b"504 Gateway Timeout", body=b""), "http"),
    "a way elsewhere": (refused(b"307 Temporary Redirect", b"location: http://127.0.0.1:9/"), "http"),
    "a page in place of an answer": (
        sending(lambda a: b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 14\r\n\r\n<html>hi</html"),
        "foreign",
    ),
    "a stream of nothing": (sending(lambda a: b"HTTP/1.1 200 OK\r\n" + EVENT_STREAM + b"\r\n"), "truncated"),
}


@every_dialect
@pytest.mark.parametrize("at", [1, 2], ids=["the first answer", "the answer to the results"])
@pytest.mark.parametrize("fault", BROKEN)
def test_a_way_that_breaks_ends_the_turn_with_its_reason(
    fault: str, at: int, dialect: str, demo: str, folder: Path
) -> None:
    script, kind = BROKEN[fault]
    asked = ask_through(script, demo, dialect, folder, at=(at,))
    assert (asked.code, asked.last["reason"]) == (4, "failed")
    assert asked.last["error"]["kind"] == kind
    assert asked.requests == at
    assert ('"event":"started"' in asked.out) == (at == 2)


# ---- cut at any byte ------------------------------------------------------------------------------------------------


@every_dialect
@pytest.mark.parametrize("then", ["close", "reset"])
@pytest.mark.parametrize("place", random.Random(7).sample(range(4000), 12))
def test_an_answer_cut_at_any_byte_is_broken_or_was_whole(
    place: int, then: str, dialect: str, demo: str, folder: Path
) -> None:
    asked = ask_through(cut(place, then), demo, dialect, folder)
    assert asked.last["reason"] in ("failed", "completed")
    broken = asked.last["reason"] == "failed"
    assert asked.code == (4 if broken else 0)
    assert ('"event":"started"' in asked.out) == (not broken)


# ---- time -----------------------------------------------------------------------------------------------------------

SILENT: dict[str, Fault] = {
    "from the beginning": silent,
    "after 100": sending(lambda a: b"HTTP/1.1 100 Continue\r\n\r\n", "silence"),
    "within the head": sending(lambda a: a.head[:40], "silence"),
    "after the head": sending(lambda a: a.head, "silence"),
    "in mid-stream": sending(lambda a: a.whole[: -len(a.raw) // 2], "silence"),
}


@every_dialect
@pytest.mark.parametrize("fault", SILENT)
def test_silence_ends_at_its_limit(fault: str, dialect: str, demo: str, folder: Path) -> None:
    limits = {"first_byte_timeout": 0.2, "idle_timeout": 0.2}
    asked = ask_through(SILENT[fault], demo, dialect, folder, **limits)
    assert (asked.code, asked.last["error"]["kind"]) == (4, "timeout")
    assert "0.2 seconds" in asked.last["error"]["message"]


@every_dialect
@pytest.mark.parametrize("fault", [heartbeats, silent, SILENT["in mid-stream"]], ids=["heartbeats", "silence", "half"])
def test_the_time_out_of_the_command_ends_what_no_other_limit_does(
    fault: Fault, dialect: str, demo: str, folder: Path
) -> None:
    asked = ask_through(fault, demo, dialect, folder, seconds=0.4)
    assert (asked.code, asked.last["reason"]) == (124, "interrupted")
    assert "0.4 seconds" in asked.last["error"]["message"]


# ---- storms ---------------------------------------------------------------------------------------------------------

BUSY = [b"429 Too Many Requests", b"503 Service Unavailable"]


@every_dialect
@pytest.mark.parametrize("status", BUSY)
def test_a_storm_of_refusals_is_borne_as_often_as_was_asked_and_never_by_an_agent(
    status: bytes, dialect: str, demo: str, folder: Path
) -> None:
    storm = refused(status, b"retry-after: 0")
    asked = ask_through(storm, demo, dialect, folder, at=None, retries=3)
    assert (asked.code, asked.last["reason"]) == (4, "failed")
    assert asked.last["error"]["status"] == int(status[:3])
    assert asked.requests == (1 if dialect == "acf" else 4)


@pytest.mark.parametrize("dialect", ["chat", "responses"])
@pytest.mark.parametrize("status", BUSY)
def test_a_storm_that_passes_is_an_answer_and_each_try_an_exchange(
    status: bytes, dialect: str, demo: str, folder: Path
) -> None:
    asked = ask_through(refused(status, b"retry-after: 0"), demo, dialect, folder, at=(1, 2, 4), retries=2)
    assert (asked.code, asked.last["reason"], asked.requests) == (0, "completed", 5)


@every_dialect
@pytest.mark.parametrize("after", [b"3600", b"1e999", b"-5", b"soon", b"nan", b"Fri, 01 Jan 2999 00:00:00 GMT", b""])
def test_no_word_on_when_to_come_again_makes_anybody_wait_for_ever(
    after: bytes, dialect: str, demo: str, folder: Path
) -> None:
    storm = refused(b"429 Too Many Requests", b"retry-after: " + after)
    asked = ask_through(storm, demo, dialect, folder, at=None, retries=1)
    assert (asked.code, asked.last["error"]["status"]) == (4, 429)
    assert asked.requests <= 2


@every_dialect
@pytest.mark.parametrize("status", [b"500 Oops", b"502 Bad Gateway", b"504 Gateway Timeout", b"529 Overloaded"])
def test_what_may_have_had_an_effect_is_not_tried_again(status: bytes, dialect: str, demo: str, folder: Path) -> None:
    asked = ask_through(refused(status, b"retry-after: 0"), demo, dialect, folder, at=None, retries=2)
    assert (asked.code, asked.requests) == (4, 1)


# ---- no connection, and TLS -----------------------------------------------------------------------------------------


@every_dialect
def test_a_refused_connection_is_tried_again_where_that_is_allowed_and_told(dialect: str, folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        asked = ask(f"http://127.0.0.1:{taken.getsockname()[1]}", dialect, folder, retries=1)
    assert (asked.code, asked.last["error"]["kind"]) == (4, "connect_failed")
    assert asked.requests == (1 if dialect == "acf" else 2)


@every_dialect
@pytest.mark.parametrize(("answers", "kind"), [(True, "tls_failed"), (False, "timeout")])
def test_a_server_without_tls_at_an_https_url_is_told_whether_it_answers_or_waits_for_more(
    answers: bool, kind: str, dialect: str, demo: str, folder: Path
) -> None:
    with FaultProxy(demo, honest) as proxy:
        url = demo if answers else proxy.url
        asked = ask(url.replace("http:", "https:"), dialect, folder, connect_timeout=0.5)
    assert (asked.code, asked.last["error"]["kind"]) == (4, kind)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Self-signed certificates with their keys: of this host, and of another one."""
    folder = tmp_path_factory.mktemp("certificates")
    return {name: certificate(folder, name) for name in ("IP:127.0.0.1", "DNS:other.example")}


def certificate(folder: Path, name: str) -> Path:
    key, cert, both = (folder / f"{name[:3]}-{part}.pem" for part in ("key", "cert", "both"))
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    names = ["-subj", "/CN=fault", "-addext", f"subjectAltName={name}", "-days", "2", "-keyout", key, "-out", cert]
    try:
        subprocess.run([*command, *names], check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("no openssl to make a certificate with")
    both.write_bytes(key.read_bytes() + cert.read_bytes())
    return both


def with_tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@every_dialect
@pytest.mark.parametrize(("name", "trusted"), [("IP:127.0.0.1", False), ("DNS:other.example", True)])
def test_a_certificate_that_proves_nothing_gets_no_request(
    name: str, trusted: bool, dialect: str, demo: str, folder: Path, certificates: dict[str, Path]
) -> None:
    with FaultProxy(demo, honest, context=with_tls(certificates[name])) as proxy:
        asked = ask(proxy.url, dialect, folder, ca_file=certificates[name] if trusted else None)
        assert proxy.requests == []
    assert (asked.code, asked.last["error"]["kind"]) == (4, "tls_failed")


@every_dialect
@pytest.mark.parametrize("then", ["close", "reset"])
def test_a_tls_connection_that_breaks_in_mid_stream_is_broken(
    then: str, dialect: str, demo: str, folder: Path, certificates: dict[str, Path]
) -> None:
    proof = certificates["IP:127.0.0.1"]
    half = sending(lambda a: a.whole[: -len(a.raw) // 2], then)
    with FaultProxy(demo, half, context=with_tls(proof)) as proxy:
        asked = ask(proxy.url, dialect, folder, ca_file=proof)
    assert (asked.code, asked.last["reason"]) == (4, "failed")
    assert asked.last["error"]["kind"] in ("truncated", "reset")


# ---- secrets --------------------------------------------------------------------------------------------------------


@every_dialect
@pytest.mark.parametrize("fault", [reflecting, reflecting_in_mid_stream])
def test_a_server_that_echoes_the_key_while_all_breaks_gets_it_on_no_disk(
    fault: Fault, dialect: str, demo: str, folder: Path
) -> None:
    asked = ask_through(fault, demo, dialect, folder)
    assert asked.code == 4
    for path in folder.rglob("*"):
        assert path.is_dir() or SECRET.encode() not in path.read_bytes()


# ---- in one piece, and as a command ---------------------------------------------------------------------------------


@every_dialect
@pytest.mark.parametrize("fault", ["cut in mid-stream", "reset in mid-stream", "a length that is too short"])
def test_an_answer_in_one_piece_that_breaks_is_broken(fault: str, dialect: str, demo: str, folder: Path) -> None:
    script, _ = BROKEN[fault]
    asked = ask_through(script, demo, dialect, folder, stream=False)
    assert (asked.code, asked.last["reason"], asked.requests) == (4, "failed", 1)


@every_dialect
def test_the_commands_agree(dialect: str, demo: str, folder: Path) -> None:
    """The same by the commands themselves, each a process of its own."""
    with FaultProxy(demo, BROKEN["reset in mid-stream"][0], (2,)) as proxy:
        url = ["--url", proxy.url + PATHS[dialect], "--dialect", dialect, "-m", "callscope-demo"]
        key = ["--key-env", "FAULTY_KEY", "--approve", "always", "--recordings", "kept"]
        ran = callscope("ask", *url, *key, PROMPTS[dialect], folder=folder, env=dict(os.environ))
    assert ran.code == 4
    assert ran.err.strip()
    recording = next((folder / "kept").iterdir())
    assert callscope("recordings", "verify", recording, "--value-env", "FAULTY_KEY", folder=folder).code == 0
    again = callscope("replay", recording, "--server", "recorded", "--calls", "recorded", folder=folder)
    assert (again.code, "the same: turns" in again.err) == (0, True)
