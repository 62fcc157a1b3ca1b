from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import demobench
import servebench
from callscope.core.header_bytes import header_text
from callscope.core.values import Request
from callscope.offering import offered
from callscope.record.file.reading import open_recording
from callscope.serving.choosing import OnMiss, Shelf
from callscope.serving.connection import HangUp, Head, Piece
from callscope.serving.recorded import LONGEST_PAUSE, RecordedServer
from callscope.serving.server import ThreadedServer, run_in_thread
from playbook import FakeClock
from servebench import end, exchange, head, read, recording

EVENTS = b"data: one\n\ndata: two\n\n"


class RealSleep(FakeClock):
    """A clock that only lets others run."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)


class Served:
    def __init__(self, server: ThreadedServer, shelf: Shelf, said: list[str]) -> None:
        self.url, self.shelf, self.said = server.url, shelf, said

    def post(self, body: Any = None, path: str = "/v1/chat/completions") -> demobench.Raw:
        return demobench.post(self.url, {} if body is None else body, path)


@contextmanager
def serving(*files: Path, on_miss: OnMiss = "fail", repeat: bool = False) -> Iterator[Served]:
    """These recordings as a server in a thread, without their pauses."""
    offers = [offered(open_recording(file)) for file in files]
    shelf = Shelf([each for offer in offers for each in offer.exchanges], on_miss, repeat=repeat)
    said: list[str] = []
    models = [name for offer in offers for name in offer.models]
    agents = [name for offer in offers for name in offer.agents]
    server = RecordedServer(shelf, clock=RealSleep(), say=said.append, speed=None, models=models, agents=agents)
    with run_in_thread(server) as running:
        yield Served(running, shelf, said)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "it.jsonl"


# ---- a recording that does not stay as it was ---------------------------------------------------------------------


def gone(file: Path) -> None:
    file.unlink()


def another(file: Path) -> None:
    recording(file, exchange(1, {"other": 1}, head(), read(b"another answer"), end()))


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:300])


@pytest.mark.parametrize("change", [gone, another, cut])
def test_a_recording_that_has_changed_is_one_clear_error_to_both_sides(file: Path, change: Any) -> None:
    recording(file, exchange(1, {}, head(), read(EVENTS), end()))
    with serving(file) as served:
        change(file)
        raw = served.post()
        assert (raw.status, raw.headers["content-type"]) == (500, "application/json")
        error = json.loads(raw.body)["error"]
        assert error.keys() == {"message", "type", "code", "param"}
        assert error["code"] == "recording_changed"
        assert str(file) not in error["message"]
        assert str(file) in served.said[-1]
        assert "Start again" in served.said[-1]


def test_a_comparison_with_a_body_that_is_gone_is_the_same_error(file: Path) -> None:
    recording(file, exchange(1, {"asked": "one thing"}, head(), read(EVENTS), end()))
    with serving(file) as served:
        file.unlink()
        assert served.post({"asked": "another"}).status == 500


def test_a_recording_that_is_back_answers_again(file: Path) -> None:
    recording(file, exchange(1, {}, head(), read(EVENTS), end()), exchange(2, {}, head(), read(b"two"), end()))
    whole = file.read_bytes()
    with serving(file) as served:
        file.unlink()
        assert served.post().status == 500
        file.write_bytes(whole)
        assert served.post().body == b"two"


def test_an_answer_whose_end_is_gone_is_broken_off_and_not_ended(file: Path) -> None:
    recording(file, exchange(1, {}, head(), read(EVENTS), read(b"more"), end()))
    with serving(file) as served:
        whole = file.read_bytes()
        file.write_bytes(whole[: whole.rindex(b'{"t"', 0, whole.rindex(b'{"t"'))])  # its head and its first read
        raw = served.post()
        assert (raw.reset, raw.ended) == (True, False)
        assert "has changed" in served.said[-1]


# ---- the answer is what it was ------------------------------------------------------------------------------------


@pytest.mark.parametrize("sample", servebench.SAMPLES, ids=lambda path: path.stem)
def test_a_sample_comes_back_byte_by_byte_and_chunk_by_chunk(sample: Path) -> None:
    exchanges = offered(open_recording(sample)).exchanges
    with serving(sample) as served:
        for each in exchanges:
            reads = [wire for _, wire in each.answer if type(wire).__name__ == "BytesRead"]
            raw = served.post(each.read_body())
            assert raw.body == b"".join(wire.data for wire in reads)
            assert raw.ended
            assert raw.chunk_sizes == (*(len(wire.data) for wire in reads), 0)
    assert served.shelf.unused == ()


def test_chunks_that_came_in_one_read_leave_one_by_one(file: Path) -> None:
    recording(file, exchange(1, {}, head(), read(EVENTS, cuts=[11, 15]), end()))
    with serving(file) as served:
        assert served.post().chunk_sizes == (11, 4, len(EVENTS) - 15, 0)


def test_status_and_headers_come_back_without_those_about_the_old_connection(file: Path) -> None:
    answer = head(
        429, retry_after="7", x_request_id="r1", transfer_encoding="chunked", keep_alive="timeout=5", x_odd="café"
    )
    recording(file, exchange(1, {}, answer, read(b"slow down"), end()))
    with serving(file) as served:
        raw = served.post()
    assert raw.status == 429
    assert (raw.headers["retry-after"], raw.headers["x-request-id"]) == ("7", "r1")
    assert raw.headers["x-odd"].encode("latin-1").decode() == "café"
    assert "keep-alive" not in raw.headers
    assert raw.body == b"slow down"


@pytest.mark.parametrize("value", [b"caf\xe9", "café".encode(), b"\xa0caf\xc3\x85\xa0", b"\x80\xff"])
def test_the_bytes_of_a_header_come_back_whatever_they_are(file: Path, value: bytes) -> None:
    recording(file, exchange(1, {}, head(x_odd=header_text(value)), read(b"x"), end()))
    with serving(file) as served:
        assert served.post().headers["x-odd"].encode("latin-1") == value


def test_a_header_that_no_bytes_can_stand_for_breaks_nothing(file: Path) -> None:
    recording(file, exchange(1, {}, head(x_odd="a\ud800"), read(b"x"), end()))
    with serving(file) as served:
        assert served.post().headers["x-odd"] == "a?"


def test_headers_that_the_old_connection_named_as_its_own_stay_behind(file: Path) -> None:
    recording(file, exchange(1, {}, head(connection="close, x-hop", x_hop="1", x_kept="2"), read(b"x"), end()))
    with serving(file) as served:
        raw = served.post()
    assert "x-hop" not in raw.headers
    assert raw.headers["x-kept"] == "2"


def test_a_server_that_closed_each_connection_does_so_again(file: Path) -> None:
    recording(file, exchange(1, {}, head(connection="close"), read(b"x"), end()))
    with serving(file) as served, demobench.connect(served.url) as client:
        client.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}")
        received = b"".join(iter(lambda: client.recv(65536), b""))
    assert received.endswith(b"\r\n0\r\n\r\n")


def test_a_true_content_length_stays_and_there_are_no_chunks(file: Path) -> None:
    recording(file, exchange(1, {}, head(content_length="5"), read(b"hel"), read(b"lo"), end()))
    with serving(file) as served:
        raw = served.post()
    assert (raw.headers["content-length"], raw.body, raw.chunk_sizes) == ("5", b"hello", ())


@pytest.mark.parametrize("length", ["4", "6", "-1", "five", "9" * 30])
def test_a_content_length_that_the_bytes_belie_is_left_out(file: Path, length: str) -> None:
    recording(file, exchange(1, {}, head(content_length=length), read(b"hello"), end()))
    with serving(file) as served:
        raw = served.post()
    assert (raw.body, raw.ended) == (b"hello", True)
    assert "content-length" not in raw.headers


def test_a_compressed_answer_stays_compressed(file: Path) -> None:
    recording(file, exchange(1, {}, head(content_encoding="gzip"), read(b"\x1f\x8b\x00rest"), end()))
    with serving(file) as served:
        raw = served.post()
    assert (raw.headers["content-encoding"], raw.body) == ("gzip", b"\x1f\x8b\x00rest")


@pytest.mark.parametrize("status", [204, 304])
def test_bytes_after_a_status_that_has_no_body_are_not_sent(file: Path, status: int) -> None:
    recording(file, exchange(1, {}, head(status), read(b"what is this"), end()), exchange(2, {"a": 1}, head(), end()))
    with serving(file) as served:
        raw = served.post()
        assert (raw.status, raw.body) == (status, b"")
        assert served.post({"a": 1}).status == 200


@pytest.mark.parametrize("status", [0, -5, 99, 101, 1000, 10**20])
def test_a_status_that_no_response_can_have_is_told_instead(file: Path, status: int) -> None:
    recording(file, exchange(1, {}, head(status), read(b"x"), end()))
    with serving(file) as served:
        raw = served.post()
    assert raw.status == 502
    assert f"the status {status}" in json.loads(raw.body)["error"]["message"]


def test_headers_that_http_does_not_allow_are_left_out(file: Path) -> None:
    answer = head()
    answer["headers"] = [["a b", "1"], ["x-split", "a\r\nset-cookie: b"], ["", "2"], ["x-nul", "\0"], ["x-fine", "3"]]
    recording(file, exchange(1, {}, answer, read(b"x"), end()))
    with serving(file) as served:
        raw = served.post()
    assert raw.headers.keys() - {"transfer-encoding", "connection"} == {"x-fine"}


# ---- the end is what it was ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["truncated", "cancelled"])
def test_a_cut_answer_is_cut_in_the_same_place(file: Path, how: str) -> None:
    recording(file, exchange(1, {}, head(), read(EVENTS[:15]), end(how)))
    with serving(file) as served:
        raw = served.post()
    assert (raw.body, raw.ended, raw.reset) == (EVENTS[:15], False, False)


def test_an_answer_cut_short_of_its_content_length_keeps_it(file: Path) -> None:
    recording(file, exchange(1, {}, head(content_length="100"), read(b"hello"), end("truncated")))
    with serving(file) as served:
        raw = served.post()
    assert (raw.headers["content-length"], raw.body, raw.ended) == ("100", b"hello", False)


def test_a_reset_connection_is_reset_again(file: Path) -> None:
    recording(file, exchange(1, {}, head(), read(EVENTS), end("reset")))
    with serving(file) as served:
        raw = served.post()
    assert (raw.body, raw.ended, raw.reset) == (EVENTS, False, True)


@pytest.mark.parametrize("how", ["connect_failed", "dns_failed", "tls_failed", "reset"])
def test_where_no_answer_came_the_connection_is_reset(file: Path, how: str) -> None:
    recording(file, exchange(1, {}, end(how)))
    with serving(file) as served, demobench.connect(served.url) as client:
        client.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}")
        with pytest.raises(ConnectionResetError):
            client.recv(100)


@pytest.mark.parametrize("answer", [(), (end("truncated"),), (end("complete"),), (read(b"x"), end())])
def test_an_answer_without_a_head_is_a_connection_that_is_closed(file: Path, answer: tuple[Any, ...]) -> None:
    recording(file, exchange(1, {}, *answer))
    with serving(file) as served, demobench.connect(served.url) as client:
        client.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}")
        assert client.recv(100) == b""


def test_a_stall_is_silence_until_the_client_has_enough(file: Path) -> None:
    recording(file, exchange(1, {}, head(), read(EVENTS), end("timeout")), exchange(2, {"a": 1}, head(), end()))
    with serving(file) as served:
        with demobench.connect(served.url) as client:
            client.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}")
            received = b""
            while not received.endswith(b"two\n\n\r\n"):
                received += client.recv(65536)
            client.settimeout(0.2)
            with pytest.raises(TimeoutError):
                client.recv(1)
        assert served.post({"a": 1}).status == 200


def test_an_answer_that_was_being_recorded_when_the_recorder_was_killed_is_cut_there(file: Path) -> None:
    recording(file, exchange(1, {}, head(), read(EVENTS)))
    with serving(file) as served:
        raw = served.post()
    assert (raw.body, raw.ended) == (EVENTS, False)


def test_an_error_is_the_error_it_was(file: Path) -> None:
    error = json.dumps({"error": {"message": "no such model"}}).encode()
    recording(file, exchange(1, {}, head(404, content_type="application/json"), read(error), end()))
    with serving(file) as served:
        raw = served.post()
    assert (raw.status, raw.body) == (404, error)


# ---- the pace is what it was --------------------------------------------------------------------------------------


def played(file: Path, speed: float | None) -> list[float]:
    """Where the pauses are when one request is answered: seconds."""
    clock = FakeClock()
    shelf = Shelf(offered(open_recording(file)).exchanges)
    server = RecordedServer(shelf, clock=clock, say=lambda text: None, speed=speed)

    async def play() -> list[Piece]:
        request = Request("POST", "/v1/chat/completions", (), b"{}")
        return [piece async for piece in server(request)]

    assert [type(piece) for piece in asyncio.run(play())] == [Head, bytes, bytes]
    return clock.slept


@pytest.mark.parametrize(("speed", "pauses"), [(1.0, [2, 1, 4, 0]), (4.0, [0.5, 0.25, 1, 0]), (None, [0, 0, 0, 0])])
def test_pauses_are_those_of_the_recording_divided_by_the_speed(file: Path, speed: float, pauses: list[float]) -> None:
    answer = (head(t=2.0), read(b"a", t=3.0), read(b"b", t=7.0), end(t=7.0))
    recording(file, exchange(1, {}, *answer, at=100.0))
    assert played(file, speed) == pauses


def test_a_time_that_steps_back_is_no_pause(file: Path) -> None:
    recording(file, exchange(1, {}, head(t=-5.0), read(b"a", t=3.0), read(b"b", t=1.0), end(t=-1.0), at=10.0))
    assert played(file, 1.0) == [0, 3, 0, 0]


def test_no_pause_is_longer_than_a_clock_can_wait(file: Path) -> None:
    recording(file, exchange(1, {}, head(), read(b"a", t=9e10), read(b"b", t=9e10), end(t=9e10)))
    assert max(played(file, 1e-300)) == LONGEST_PAUSE


# ---- which answer -------------------------------------------------------------------------------------------------


def saying(number: int, body: Any, text: str) -> list[dict[str, Any]]:
    return exchange(number, body, head(), read(text.encode()), end())


def test_equal_requests_get_their_answers_once_and_in_order(file: Path) -> None:
    recording(file, saying(1, {"a": 1}, "first"), saying(2, {"b": 1}, "other"), saying(3, {"a": 1}, "second"))
    with serving(file) as served:
        assert [served.post({"a": 1}).body for _ in range(2)] == [b"first", b"second"]
        raw = served.post({"a": 1})
    assert raw.status == 409
    error = json.loads(raw.body)["error"]
    assert error["code"] == "used"
    assert "it.jsonl, exchange 1 (line 3) was asked for before" in error["message"]
    assert "it differs from it.jsonl, exchange 2 (line 7) at $.body.b" in error["message"]
    assert [each.name for each in served.shelf.unused] == ["it.jsonl, exchange 2 (line 7)"]


def test_several_recordings_answer_side_by_side(file: Path, tmp_path: Path) -> None:
    recording(file, saying(1, {"who": "first"}, "one"))
    other = recording(tmp_path / "other.jsonl", saying(1, {"who": "second"}, "two"))
    with serving(file, other) as served:
        assert served.post({"who": "second"}).body == b"two"
        assert served.post({"who": "first"}).body == b"one"
    assert served.shelf.unused == ()


def test_a_request_that_nobody_recorded_is_a_409_that_names_the_first_difference(file: Path) -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}
    recording(file, saying(1, body, "hi"))
    with serving(file) as served:
        raw = served.post({**body, "messages": [{"role": "user", "content": "hullo"}]})
    assert raw.status == 409
    assert raw.headers["x-should-retry"] == "false"
    error = json.loads(raw.body)["error"]
    assert (error["type"], error["code"], error["param"]) == ("not_recorded", "mismatch", "$.body.messages[0].content")
    assert (error["recorded"], error["now"]) == ('"hello"', '"hullo"')
    assert "it.jsonl, exchange 1 (line 3)" in error["message"]
    assert served.shelf.misses == 1
    assert len(served.shelf.unused) == 1


def test_the_difference_is_from_the_exchange_that_is_most_alike(file: Path) -> None:
    alike = {"model": "m", "messages": [1, 2, 3, 4]}
    recording(file, saying(1, {"model": "x", "messages": [9]}, "far"), saying(2, alike, "near"))
    with serving(file) as served:
        error = json.loads(served.post({**alike, "messages": [1, 2, 3, 5]}).body)["error"]
    assert (error["param"], error["recorded"], error["now"]) == ("$.body.messages[3]", "4", "5")


def test_what_was_asked_for_before_is_told_as_such(file: Path) -> None:
    recording(file, saying(1, {"a": 1}, "once"))
    with serving(file) as served:
        served.post({"a": 1})
        error = json.loads(served.post({"a": 1}).body)["error"]
    assert error["code"] == "used"
    assert "exchange 1" in error["message"]


def test_on_miss_next_gives_the_next_one_of_the_same_path(file: Path) -> None:
    other = exchange(1, {"e": 1}, head(), read(b"vectors"), end(), path="/v1/embeddings")
    recording(file, other, saying(2, {"a": 1}, "first"), saying(3, {"b": 2}, "second"))
    with serving(file, on_miss="next") as served:
        assert [served.post({"c": 3}).body for _ in range(2)] == [b"first", b"second"]
        assert served.post({"c": 3}).status == 409
    assert served.shelf.misses == 3
    assert "though it differs from it.jsonl, exchange 2 (line 7) at $.body.a" in served.said[0]


def test_on_miss_nearest_gives_the_most_alike(file: Path) -> None:
    recording(file, saying(1, {"a": [1, 2, 3]}, "far"), saying(2, {"a": [7, 8, 9]}, "near"))
    with serving(file, on_miss="nearest") as served:
        assert served.post({"a": [7, 8, 0]}).body == b"near"
        assert served.post({"a": [7, 8, 0]}).body == b"far"


def test_with_repeat_all_is_there_again_once_it_was_asked_for(file: Path) -> None:
    recording(file, saying(1, {"a": 1}, "one"), saying(2, {"b": 1}, "two"))
    with serving(file, repeat=True) as served:
        bodies = [served.post(body).body for body in ({"a": 1}, {"b": 1}, {"b": 1}, {"a": 1}, {"a": 1})]
        assert bodies == [b"one", b"two", b"two", b"one", b"one"]
        assert served.shelf.unused == ()


def test_with_repeat_too_all_has_to_be_asked_for_once(file: Path) -> None:
    recording(file, saying(1, {"a": 1}, "one"), saying(2, {"b": 1}, "two"))
    with serving(file, repeat=True) as served:
        served.post({"a": 1})
    assert len(served.shelf.unused) == 1


def test_a_path_that_nobody_asked_for_is_told_apart_from_a_difference(file: Path) -> None:
    recording(file, saying(1, {"a": 1}, "one"))
    with serving(file, on_miss="next") as served:
        raw = served.post({"a": 1}, "/v1/responses")
        assert (raw.status, json.loads(raw.body)["error"]["code"]) == (409, "path")
        assert demobench.get(served.url, "/favicon.ico").status == 404
    assert served.shelf.misses == 1


@pytest.mark.parametrize("path", ["//v1/chat/completions", "//[v1", "/v1//chat?a=//b#/c"])
def test_a_path_with_doubled_slashes_is_a_path_and_no_host(file: Path, path: str) -> None:
    recording(file, exchange(1, {}, head(), read(EVENTS), end(), path=path))
    with serving(file) as served:
        assert served.post(path=path).body == EVENTS


def test_an_answer_is_used_when_it_is_asked_for_and_not_when_it_ends(file: Path) -> None:
    recording(file, exchange(1, {}, head(), read(EVENTS), end("timeout")), saying(2, {}, "second"))
    with serving(file) as served, demobench.connect(served.url) as client:
        client.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}")
        assert client.recv(10)
        assert served.post({}).body == b"second"


# ---- what a server has ---------------------------------------------------------------------------------------------


def test_the_recorded_list_of_models_is_given_as_often_as_somebody_asks(file: Path) -> None:
    listed = exchange(0, "", head(), read(b'{"data":[]}'), end(), path="/v1/models", method="GET")
    recording(file, listed, saying(1, {}, "x"))
    with serving(file) as served:
        assert [demobench.get(served.url, "/v1/models").body for _ in range(3)] == [b'{"data":[]}'] * 3
        assert served.post({}).body == b"x"
    assert (served.shelf.unused, served.shelf.misses) == ((), 0)


def test_a_list_that_changed_while_it_was_recorded_changes_again_and_stays_as_it_was_last(file: Path) -> None:
    first, second = (
        exchange(0, "", head(), read(text), end(), path="/v1/models", method="GET") for text in (b"one", b"two")
    )
    recording(file, first, second)
    with serving(file) as served:
        assert [demobench.get(served.url, "/v1/models").body for _ in range(3)] == [b"one", b"two", b"two"]


def test_where_no_list_was_recorded_the_models_of_the_recordings_are_listed() -> None:
    with serving(servebench.WEATHER) as served:
        models = json.loads(demobench.get(served.url, "/v1/models").body)
        assert [model["id"] for model in models["data"]] == ["callscope-demo"]
        assert json.loads(demobench.get(served.url, "/v1/models/callscope-demo").body)["id"] == "callscope-demo"
        assert demobench.get(served.url, "/v1/models/other").status == 404
        assert demobench.get(served.url, "/v1/agents").status == 404
    assert served.shelf.misses == 0


def test_an_agent_is_listed_as_one(file: Path) -> None:
    agent = {**servebench.SETTINGS, "dialect": "acf", "model": "travel"}
    recording(file, exchange(1, {}, head(), end(), path="/v1/chat"), settings=agent)
    with serving(file) as served:
        listed = json.loads(demobench.get(served.url, "/v1/agents").body)["agents"]
        assert [entry["name"] for entry in listed] == ["travel"]
        assert demobench.get(served.url, "/v1/models").status == 404


def test_one_connection_asks_one_after_another(file: Path) -> None:
    recording(file, saying(1, {"a": 1}, "one"), saying(2, {"a": 2}, "two"))
    post = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 8\r\n\r\n"
    with serving(file) as served, demobench.connect(served.url) as client:
        client.sendall(post + b'{"a": 1}' + post + b'{"a": 2}')
        received = b""
        while received.count(b"\r\n0\r\n\r\n") < 2:
            received += client.recv(65536)
    assert received.index(b"one") < received.index(b"two")


def test_a_client_that_leaves_in_the_middle_harms_nobody(file: Path) -> None:
    recording(
        file, exchange(1, {}, head(), *(read(b"x" * 60_000) for _ in range(200)), end()), saying(2, {"a": 1}, "y")
    )
    with serving(file) as served:
        client = demobench.connect(served.url)
        client.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}")
        client.recv(10)
        demobench.reset_by_client(client)
        assert served.post({"a": 1}).body == b"y"


def test_what_is_said_of_a_difference_is_short(file: Path) -> None:
    recording(file, saying(1, {"a": "x" * 100_000}, "one"))
    with serving(file) as served:
        raw = served.post({"a": "y" * 100_000})
    assert len(raw.body) < 3000
    assert len(served.said[0]) < 2000


def test_a_hang_up_before_a_head_is_a_piece_that_a_connection_can_play() -> None:
    async def handler(request: Request):
        yield HangUp()

    with run_in_thread(handler) as server, demobench.connect(server.url) as client:
        client.sendall(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        assert client.recv(10) == b""


def test_an_id_that_stands_for_two_calls_is_told_as_that() -> None:
    sample = Path(__file__).parents[2] / "recordings" / "samples" / "weather.jsonl"
    lines = [json.loads(line) for line in sample.read_text().splitlines()]
    bodies = [line["body"] for line in lines if line["kind"] == "request"]
    with serving(sample) as served:
        served.post(json.loads(bodies[0]))
        raw = served.post(json.loads(bodies[1].replace('"call_1"', '"call_2"')))
    error = json.loads(raw.body)["error"]
    assert (raw.status, error["recorded"] == error["now"]) == (409, True)
    assert '"call_2" stands for another call already' in error["message"]
