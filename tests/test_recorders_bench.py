"""The parts of the recorders' benchmark that could be wrong by themselves: how a raw answer is read and judged."""

from __future__ import annotations

import importlib
import socket
import struct
import sys
from pathlib import Path
from typing import Any

import pytest

BENCH = Path(__file__).parents[1] / "bench"


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(BENCH))
    yield importlib.import_module("recorders_wire")
    for name in [name for name in sys.modules if name.startswith("recorders_")]:
        del sys.modules[name]


def read(wire: Any, sent: bytes, *, reset: bool = False) -> Any:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname(), 5)
        server, _ = listener.accept()
        server.sendall(sent)
        if reset:
            client.recv(len(sent), socket.MSG_PEEK | socket.MSG_WAITALL)
            server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        server.close()
        with client:
            return wire.Reader(wire.Stream(client)).read()


CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"


def test_chunks_are_read_at_their_borders_past_extensions_and_trailers(wire: Any) -> None:
    seen = read(wire, CHUNKED + b"3;a=1\r\nabc\r\n1\r\nd\r\n0\r\nx: 1\r\n\r\n")
    assert (seen.body, seen.chunks, seen.ending) == (b"abcd", (3, 1), "complete")


def test_a_close_inside_a_chunk_is_truncated_and_keeps_what_came(wire: Any) -> None:
    seen = read(wire, CHUNKED + b"3\r\nabc\r\n9\r\nde")
    assert (seen.body, seen.chunks, seen.ending) == (b"abcde", (3, 2), "truncated")


def test_a_reset_is_no_close(wire: Any) -> None:
    seen = read(wire, b"HTTP/1.1 200 OK\r\n\r\nab", reset=True)
    assert (seen.body, seen.ending) == (b"ab", "reset")


def test_a_body_without_a_length_is_complete_at_the_close(wire: Any) -> None:
    seen = read(wire, b"HTTP/1.1 103 Early\r\n\r\nHTTP/1.0 200 OK\r\n\r\nab")
    assert (seen.status, seen.body, seen.chunks, seen.ending) == (200, b"ab", None, "complete")


def test_a_length_that_is_no_number_is_malformed(wire: Any) -> None:
    assert read(wire, CHUNKED + b"zz\r\n").ending == "malformed"


def test_a_secret_is_found_plain_in_base64_and_compressed(wire: Any, tmp_path: Path) -> None:
    judge = importlib.import_module("recorders_judge")
    (tmp_path / "a").write_bytes(b"plain-one")
    (tmp_path / "b").write_text("body: !!binary |\n  eHh4IGhpZGRlbi1p\n  bi1iYXNlNjQgeHh4\n")
    (tmp_path / "c").write_bytes(importlib.import_module("zlib").compress(b"squeezed"))
    needles = ["plain-one", "hidden-in-base64", "squeezed", "played", "nowhere"]
    assert judge.found(tmp_path, needles, b"it played") == [True, True, True, True, False]
