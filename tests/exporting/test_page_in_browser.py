"""The page in a real browser: no word of a recording runs, nothing leaves the machine, and it can be searched."""

from __future__ import annotations

import re
import shutil
import socketserver
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from callscope.exporting.page import html
from callscope.record.file.reading import RecordingFile
from hostile_recording import HOSTILE, hostile
from written_recording import Written, says, wants

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(not CHROMIUM, reason="no chromium")
SAMPLES = Path(__file__).parents[2] / "recordings" / "samples"


class Way(socketserver.ThreadingTCPServer):
    """The only way out of the browser: it keeps who asks for it and lets nobody through."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Guard)
        self.asked: list[str] = []


class Guard(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        line = self.rfile.readline(1000).decode("latin-1").strip()
        assert isinstance(self.server, Way)
        self.server.asked.append(line)
        self.wfile.write(b"HTTP/1.1 502 No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")


@pytest.fixture
def way() -> Iterator[Way]:
    with Way() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def seen(page: Path, way: Way, anchor: str = "") -> str:
    """The document as the browser has it once everything on the page has run."""
    assert CHROMIUM
    command = [
        *(CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={page.parent / 'profile'}"),
        *("--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"),
        *(f"--proxy-server=http://127.0.0.1:{way.server_address[1]}", "--proxy-bypass-list=<-loopback>"),
        *("--virtual-time-budget=3000", "--dump-dom", page.as_uri() + anchor),
    ]
    done = subprocess.run(command, capture_output=True, timeout=50, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def asked_by_pages(way: Way) -> list[str]:
    """What was asked for, but for what the browser asks its maker by itself."""
    return [line for line in way.asked if not re.search(r"google(apis)?\.com|gvt1\.com", line)]


def test_this_browser_would_run_scripts_and_fetch_pictures(way: Way, tmp_path: Path) -> None:
    page = tmp_path / "x.html"
    page.write_text("<title>calm</title><script>document.title='pwned'</script><img src='http://evil.test/x.png'>")
    assert "<title>pwned</title>" in seen(page, way)
    assert "GET http://evil.test/x.png HTTP/1.1" in way.asked


def test_no_word_of_a_recording_runs_and_nothing_is_asked_for(way: Way, tmp_path: Path) -> None:
    written = Written()
    for evil in HOSTILE:
        hostile(evil, written)
    written.add("settings", dialect="chat", url="http://h", model="calm")
    (tmp_path / "x.html").write_text("".join(html(RecordingFile(written.write(tmp_path / "x.jsonl")))))
    document = seen(tmp_path / "x.html", way, "#find=pwned")
    assert "<title>calm, x.jsonl</title>" in document
    assert re.search(r'role="status">1 of \d+<', document)
    assert document.count("<script") == 1
    assert not re.search(r"<(img|iframe|base|form|object|embed|link|video|audio)\b", document)
    assert asked_by_pages(way) == []


def test_a_script_that_got_onto_the_page_would_not_run_either(way: Way, tmp_path: Path) -> None:
    page = "".join(html(RecordingFile(SAMPLES / "weather.jsonl")))
    run = "document.title='pwned'"
    broken = f"<script>{run}</script><img src='http://evil.test/x.png' onerror=\"{run}\"><p style='color:red'>x</p>"
    (tmp_path / "x.html").write_text(page.replace("<main>", f"<main>{broken}"))
    document = seen(tmp_path / "x.html", way)
    assert "<title>pwned" not in document
    assert asked_by_pages(way) == []


def found(page: str, words: str, way: Way, folder: Path) -> tuple[str, str]:
    """What the search says of these words, and the whole document."""
    (folder / "x.html").write_text(page)
    document = seen(folder / "x.html", way, f"#find={words}")
    said = re.search(r'role="status">([^<]*)<', document)
    assert said
    return said[1], document


def test_words_are_found_across_deltas_whatever_their_case(way: Way, tmp_path: Path) -> None:
    written = Written().exchanged(wants("get_weather", '{"city": "Zag', "r", 'eb"}'))
    page = "".join(html(RecordingFile(written.write(tmp_path / "x.jsonl"))))
    assert found(page, "zAGREB", way, tmp_path)[0] == "1 of 2"  # assembled, and as it came


def test_what_is_found_in_something_closed_is_opened(way: Way, tmp_path: Path) -> None:
    written = Written().exchanged(says("Hi"), headers=[("x-rare", "needle")])
    page = "".join(html(RecordingFile(written.write(tmp_path / "x.jsonl"))))
    said, document = found(page, "needle", way, tmp_path)
    assert said == "1 of 1"
    assert '<details open="">' in document
    assert "<details open" not in found(page, "nowhere", way, tmp_path)[1]


def test_words_that_are_nowhere_are_found_nowhere(way: Way, tmp_path: Path) -> None:
    page = "".join(html(RecordingFile(SAMPLES / "weather.jsonl")))
    assert found(page, "%E0%A4%A", way, tmp_path)[0] == "0 found"
