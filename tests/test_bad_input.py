"""What people get wrong: each one clear message, its exit code, and no traceback."""

from __future__ import annotations

import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from callscope.serving.demo.agent import DemoAgent
from callscope.serving.server import run_in_thread
from command_line import Ran, callscope


@pytest.fixture(scope="module")
def demo() -> Iterator[str]:
    with run_in_thread(DemoAgent(pace=0.0)) as server:
        yield f"{server.url}/v1"


def complains(ran: Ran, code: int, *words: str) -> None:
    """One message on stderr with these words, and this exit code."""
    assert ran.code == code, ran.err
    for word in words:
        assert word in ran.err, ran.err
    complaints = [line for line in ran.err.splitlines() if line.startswith(("callscope:", "✗"))]
    assert len(complaints) == 1, ran.err


GOOD = "{name: f, description: d, parameters: {type: object}, run: {mock: 1}}"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("tools:\n  - {name: f, descripton: d, run: {mock: 1}}\n", ("tools.yaml:2", "descripton", "description")),
        ("tools:\n  - {name: f, parameters: {type: objekt}, run: {mock: 1}}\n", ("tools.yaml:2", "objekt")),
        (f"tools:\n  - {GOOD}\n  - {GOOD}\n", ("tools.yaml:3", "tools.yaml:2", "f")),
        ("tools:\n  - {name: get weather, run: {mock: 1}}\n", ("tools.yaml:2", "get weather")),
        (
            "tools:\n  - {name: f, parameters: {type: object, properties: {a: {enum: [yes]}}}, run: {mock: 1}}\n",
            ("yes",),
        ),
        ("modules: [broken.py]\n", ("broken.py", "ZeroDivisionError")),
        ("modules: [missing.py]\n", ("missing.py",)),
        ("tools: [\n", ("tools.yaml",)),
        ("", ("tools.yaml", "empty")),
    ],
    ids=[
        "unknown key",
        "no json schema",
        "two of one name",
        "name",
        "yaml 1.1",
        "import fails",
        "no module",
        "no yaml",
        "empty",
    ],
)
def test_a_bad_tools_file_is_refused_whole_with_file_and_line(
    tmp_path: Path, demo: str, text: str, words: tuple[str, ...]
) -> None:
    (tmp_path / "broken.py").write_text("1 / 0\n")
    (tmp_path / "tools.yaml").write_text(text)
    complains(callscope("ask", "--url", demo, "hello", folder=tmp_path), 3, *words)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", ("empty",)),
        (b"hello\n", ("no Callscope recording",)),
        (b'{"kind":"header","format":"callscope","version":99}\n', ("newer Callscope", "update")),
        (
            b'{"kind":"header","format":"callscope","version":1,"created":"x"}\n{"t":0\n{"t":1,"kind":"turn"}\n',
            ("line 2",),
        ),
        (bytes(range(256)), ("no Callscope recording",)),
    ],
    ids=["empty", "foreign", "future", "broken in the middle", "binary"],
)
def test_a_recording_that_cannot_be_read_is_refused(tmp_path: Path, data: bytes, words: tuple[str, ...]) -> None:
    (tmp_path / "r.jsonl").write_bytes(data)
    complains(callscope("replay", "r.jsonl", folder=tmp_path), 3, "r.jsonl", *words)


def test_a_recording_that_is_not_there_or_a_folder_is_refused(tmp_path: Path) -> None:
    complains(callscope("replay", "no.jsonl", folder=tmp_path), 3, "no.jsonl")
    complains(callscope("replay", tmp_path, folder=tmp_path), 3, "a directory")


def test_a_url_without_a_server_says_so(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        complains(callscope("ask", "--url", url, "-m", "m", "--retries", "0", "hi", folder=tmp_path), 4, "127.0.0.1")
        complains(callscope("ask", "--url", url, "hi", folder=tmp_path), 4, "127.0.0.1")


def test_a_certificate_that_nobody_vouches_for_says_so(tmp_path: Path) -> None:
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-keyout",
            "k.pem",
            "-out",
            "c.pem",
            "-days",
            "2",
            "-subj",
            "/CN=localhost",
        ],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "c.pem", tmp_path / "k.pem")
    with socket.create_server(("127.0.0.1", 0)) as server:

        def meet() -> None:
            connection, _ = server.accept()
            with connection:
                try:
                    context.wrap_socket(connection, server_side=True)
                except OSError:
                    return

        meeting = threading.Thread(target=meet, daemon=True)
        meeting.start()
        url = f"https://127.0.0.1:{server.getsockname()[1]}/v1"
        complains(callscope("ask", "--url", url, "-m", "m", "hi", folder=tmp_path), 4, "certificate")
        meeting.join(10)


def test_what_a_file_says_in_an_error_cannot_command_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "tools.yaml").write_text('tools: [{name: f, description: d, "\\e]0;title\\a": 1}]')
    ran = callscope("tools", "list", folder=tmp_path)
    complains(ran, 3, r"\x1b]0;title\x07")
    assert "\x1b" not in ran.err


def test_a_missing_key_names_the_variable(tmp_path: Path) -> None:
    complains(callscope("ask", "-m", "m", "hi", folder=tmp_path), 2, "OPENAI_API_KEY", "--key-env")


@pytest.mark.parametrize(
    ("fault", "words"),
    [("http 401", ("HTTP 401",)), ("html answer", ("answered with a page",)), ("http 404", ("HTTP 404",))],
    ids=["key refused", "html", "not found"],
)
def test_what_the_server_says_no_with_is_shown(tmp_path: Path, demo: str, fault: str, words: tuple[str, ...]) -> None:
    ran = callscope("ask", "--url", demo, f"hello, fault: {fault}", folder=tmp_path)
    assert ran.code == 4, ran.err
    for word in words:
        assert word.lower() in ran.err.lower()


def test_an_unknown_model_is_the_servers_word(tmp_path: Path, demo: str) -> None:
    complains(callscope("ask", "--url", demo, "-m", "gpt-99", "hi", folder=tmp_path), 4, "gpt-99", "HTTP 404")


@pytest.mark.parametrize(("how", "code"), [("stdin", 2), ("file", 3), ("argument", 2)])
def test_a_prompt_that_is_not_utf8_says_where(tmp_path: Path, demo: str, how: str, code: int) -> None:
    (tmp_path / "p.txt").write_bytes(b"caf\xe9")
    arguments: dict[str, list[str]] = {"stdin": [], "file": ["--file", "p.txt"], "argument": ["caf\udce9"]}
    ran = callscope("ask", "--url", demo, *arguments[how], folder=tmp_path, stdin=b"caf\xe9")
    complains(ran, code, "not UTF-8")


def test_a_prompt_file_that_is_missing_is_a_file_that_cannot_be_used(tmp_path: Path, demo: str) -> None:
    ran = callscope("ask", "--url", demo, "--file", "none.txt", folder=tmp_path)
    complains(ran, 3, "--file none.txt: No such file or directory.")


def test_a_prompt_file_with_nothing_in_it_is_a_file_that_cannot_be_used(tmp_path: Path, demo: str) -> None:
    (tmp_path / "p.txt").write_text("\n")
    complains(callscope("ask", "--url", demo, "--file", "p.txt", folder=tmp_path), 3, "p.txt is empty")


def test_an_empty_prompt_is_refused(tmp_path: Path, demo: str) -> None:
    complains(callscope("ask", "--url", demo, "  ", folder=tmp_path), 2, "empty")


def test_a_full_disk_stops_the_session_loudly(tmp_path: Path, demo: str) -> None:
    command = f"ulimit -f 4; exec {sys.executable} -m callscope ask --url {demo} hello"
    done = subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, text=True, timeout=40, check=False)
    assert "Traceback" not in done.stderr
    assert done.returncode == 3, done.stderr


def test_even_a_mistake_ends_json_lines_with_the_last_line(tmp_path: Path) -> None:
    ran = callscope("ask", "--json", "-m", "m", "hi", folder=tmp_path)
    assert (ran.code, ran.last["event"], ran.last["exit_code"]) == (2, "ended", 2)
    assert "OPENAI_API_KEY" in ran.last["error"]["message"]
    assert ran.last["reason"] == "failed"


def test_a_mistake_in_the_command_line_leaves_no_recording(tmp_path: Path, demo: str) -> None:
    ran = callscope("ask", "--url", demo, "--recordings", tmp_path, "--decide", "f=maybe", "hi", folder=tmp_path)
    complains(ran, 2, "--decide")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["ask", "--url", "ftp://x", "hi"],
        ["ask", "--approve", "maybe", "hi"],
        ["ask", "--dialect", "morse", "--url", "http://127.0.0.1:9", "-m", "m", "hi"],
        ["ask", "--decide", "f=maybe", "--url", "http://127.0.0.1:9", "-m", "m", "hi"],
        ["replay", "--speed", "fast", "x.jsonl"],
        ["ask", "--no-such-flag"],
        ["chat"],
    ],
    ids=["scheme", "approve", "dialect", "decide", "speed", "flag", "chat without a terminal"],
)
def test_a_command_line_that_means_nothing_ends_with_2(tmp_path: Path, arguments: list[str]) -> None:
    (tmp_path / "x.jsonl").write_text('{"kind":"header","format":"callscope","version":1,"created":"x"}\n')
    assert callscope(*arguments, folder=tmp_path).code == 2
