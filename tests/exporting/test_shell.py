"""Requests of a recording as a script: the same bytes again, and never the value of a secret."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from callscope.core.values import Request
from callscope.exporting.shell import shell
from callscope.record.file.reading import RecordingFile
from callscope.serving.connection import Head, Piece
from callscope.serving.server import run_in_thread
from written_recording import Written

pytestmark = pytest.mark.skipif(not shutil.which("curl"), reason="no curl")
SHELLS = [name for name in ("sh", "bash", "dash", "busybox") if shutil.which(name)]


@dataclass
class Hearing:
    """A server that keeps what it is asked."""

    url: str = ""
    heard: list[Request] = field(default_factory=list)

    async def __call__(self, request: Request) -> AsyncGenerator[Piece, None]:
        self.heard.append(request)
        yield Head(200, (("content-length", "3"),))
        yield b"ok\n"


@pytest.fixture
def server() -> Iterator[Hearing]:
    hearing = Hearing()
    with run_in_thread(hearing) as running:
        hearing.url = f"{running.url}/v1/chat/completions"
        yield hearing


def run(
    written: Written, folder: Path, *words: str, by: str = "sh", **variables: str
) -> subprocess.CompletedProcess[bytes]:
    script = folder / "again.sh"
    script.write_text("".join(shell(RecordingFile(written.write(folder / "x.jsonl")))))
    command = ["busybox", "sh"] if by == "busybox" else [by]
    environment = {**os.environ, "no_proxy": "*", **variables}
    return subprocess.run(
        [*command, str(script), *words], env=environment, capture_output=True, check=False, timeout=20
    )


BODIES = {
    "json": '{"city":"北京","say":"it\'s `date` $HOME \\\\ %s"}'.encode(),
    "lines": b'{\n  "a": 1\n}',
    "a_newline_at_the_end": b'{"a":1}\n\n',
    "the_end_of_a_here_document": b"END_OF_BODY\nEND_OF_BODY_\n'\")",
    "a_lone_quote": b'{"text":"don\'t (stop"}',
    "no_text": bytes(range(256)),
    "escapes": "\x1b[31m \u202e \u2028".encode(),
    "a_dash": b"-n %d @file",
    "much": b'{"text":"' + b"x" * 300_000 + b'"}',
}


@pytest.mark.parametrize("by", SHELLS)
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_body_arrives_as_it_was_to_the_byte(server: Hearing, tmp_path: Path, body: bytes, by: str) -> None:
    done = run(Written().exchanged(body=body, url=server.url), tmp_path, by=by)
    assert (done.returncode, done.stdout) == (0, b"ok\n"), done.stderr
    assert [request.body for request in server.heard] == [body]


def test_headers_and_method_arrive_as_they_were(server: Hearing, tmp_path: Path) -> None:
    headers = [("content-type", "application/json"), ("x-odd", "a 'b' $c"), ("accept", "text/event-stream")]
    run(Written().exchanged(url=server.url, headers=headers), tmp_path)
    heard = dict(server.heard[0].headers)
    assert server.heard[0].method == "POST"
    assert {name: heard[name] for name, _ in headers} == dict(headers)
    assert "user-agent" not in heard


def test_a_question_without_a_body_has_none(server: Hearing, tmp_path: Path) -> None:
    run(Written().exchanged(url=server.url, method="GET", body=b"", headers=[]), tmp_path)
    assert (server.heard[0].method, server.heard[0].body) == ("GET", b"")


def test_numbers_choose_which_requests_are_sent(server: Hearing, tmp_path: Path) -> None:
    written = Written()
    for number in range(3):
        written.exchanged(url=server.url, body=str(number).encode())
    run(written, tmp_path, "3", "1")
    assert [request.body for request in server.heard] == [b"2", b"0"]
    run(written, tmp_path)
    assert [request.body for request in server.heard][2:] == [b"0", b"1", b"2"]


def secretive(url: str) -> Written:
    """A recording with a masked key in a header, a masked word in the body and words in asterisks."""
    body = b'{"note":"************","stars":"************"}'
    headers = [("authorization", "Bearer ****************"), ("content-type", "application/json")]
    masked = {"headers": [[0, 7, 16]], "body": [[9, 12]]}
    return Written().exchanged(url=url, body=body, headers=headers, masked=masked)


def test_what_is_masked_is_a_variable_and_all_else_stays(server: Hearing, tmp_path: Path) -> None:
    run(secretive(server.url), tmp_path, API_KEY="sk-my-own-key", MASKED_12_BYTES="my other one")
    assert dict(server.heard[0].headers)["authorization"] == "Bearer sk-my-own-key"
    assert server.heard[0].body == b'{"note":"my other one","stars":"************"}'


def test_without_its_key_the_script_sends_nothing_and_says_what_is_missing(server: Hearing, tmp_path: Path) -> None:
    done = run(secretive(server.url), tmp_path)
    assert done.returncode != 0
    assert b"API_KEY" in done.stderr
    assert server.heard == []


def test_words_that_look_like_a_variable_ask_for_nothing(server: Hearing, tmp_path: Path) -> None:
    body = b'{"text":"$API_KEY ${MASKED_16_BYTES} $SECRET_2"}'
    done = run(Written().exchanged(url=server.url, body=body), tmp_path)
    assert (done.returncode, server.heard[0].body) == (0, body)


def test_a_masked_place_that_is_none_changes_nothing(server: Hearing, tmp_path: Path) -> None:
    odd = {"body": [[0, 99], [-1, 2], "x", [1]], "headers": [[7, 0, 3], None], "url": 4}
    run(Written().exchanged(url=server.url, body=b"abc", masked=odd), tmp_path)
    assert server.heard[0].body == b"abc"


def test_a_name_or_address_with_a_newline_cannot_leave_its_comment(tmp_path: Path) -> None:
    written = Written().exchanged(url="http://127.0.0.1:9/v1\ntouch pwned\n")
    text = "".join(shell(RecordingFile(written.write(tmp_path / "a\ntouch pwned\n.jsonl"))))
    commands = [line for line in text.splitlines() if line.startswith("touch")]
    outside = subprocess.run(["sh", "-n"], input=text.encode(), capture_output=True, check=False)
    assert outside.returncode == 0
    assert all("pwned" in line for line in commands)
    # the lines that begin so stand within the quotes of the address; run, the script makes no file
    subprocess.run(["sh", "-c", text], cwd=tmp_path, capture_output=True, check=False, timeout=20)
    assert not (tmp_path / "pwned").exists()


def test_a_recording_without_requests_is_a_script_that_does_nothing(tmp_path: Path) -> None:
    done = run(Written(), tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
