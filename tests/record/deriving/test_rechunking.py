from __future__ import annotations

import gzip
from collections.abc import Sequence
from pathlib import Path

import pytest

import recordbench
from callscope.commands import replaying
from callscope.core.errors import UsageError
from callscope.core.events import ExchangeOpened, PeerEvent, ResponseHead, TextDelta
from callscope.core.ports import Decoder
from callscope.core.values import Ending, ToolSpec
from callscope.dialects import registry
from callscope.dialects.chat.dialect import ChatCompletions
from callscope.record.deriving.rechunking import LONGEST_PIECE, cut_named, rechunk
from callscope.record.file.reading import open_recording

SAMPLES = sorted((Path(__file__).parents[3] / "recordings" / "samples").glob("*.jsonl"))
WAYS = ("1", "random:1", "random:-7", "frames", "utf8")


class HastyDecoder:
    """Takes every read for a whole text, which is the bug that cutting finds."""

    excess = ""
    in_one_piece = False

    def feed(self, wire: ExchangeOpened | ResponseHead | bytes) -> list[PeerEvent]:
        return [TextDelta("output", wire.decode(errors="replace"))] if isinstance(wire, bytes) else []

    def close(self, how: Ending, detail: str = "") -> list[PeerEvent]:
        return []


class HastyDialect(ChatCompletions):
    def decoder(self, exchange: int, tools: Sequence[ToolSpec]) -> Decoder:
        return HastyDecoder()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_a_sample_gives_the_same_events_however_it_is_cut(sample: Path, way: str) -> None:
    done = rechunk(open_recording(sample), cut_named(way))
    assert done.difference is None
    assert done.exchanges >= 1
    assert done.events > 5


def test_a_decoder_that_minds_the_cuts_is_found_out() -> None:
    done = rechunk(open_recording(SAMPLES[0]), cut_named("1"), lambda name: HastyDialect())
    assert done.difference is not None
    assert (done.difference.exchange, done.difference.place) == (1, 0)
    assert done.difference.recut == TextDelta("output", "d")
    assert str(done.difference).startswith("exchange 1, event 0: as recorded TextDelta(channel='output', text='data: ")


def test_an_event_that_is_missing_when_cut_otherwise_is_a_difference() -> None:
    done = rechunk(open_recording(SAMPLES[0]), cut_named("utf8"), lambda name: HastyDialect())
    assert done.difference is not None
    assert done.difference.place == 0


def test_the_command_ends_with_1_and_the_first_difference(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(registry.DIALECTS, "chat", HastyDialect)
    assert replaying.replay(SAMPLES[0], replaying.Asked(rechunk="1")) == 1
    assert "exchange 1, event 0: as recorded TextDelta" in capsys.readouterr().err


def test_the_command_ends_with_0_and_says_how_much_it_compared(capsys: pytest.CaptureFixture[str]) -> None:
    weather = next(sample for sample in SAMPLES if sample.stem == "weather")
    assert replaying.replay(weather, replaying.Asked(rechunk="1")) == 0
    assert "58 in 2 exchanges, as recorded in 63 reads and cut into 12344 (1)" in capsys.readouterr().err


@pytest.mark.parametrize("beside", [{"speed": "1"}, {"accept": True}, {"as_json": True}])
def test_the_command_refuses_what_means_nothing_beside_it(beside: dict[str, object]) -> None:
    with pytest.raises(UsageError, match=r"--rechunk|--accept"):
        replaying.replay(SAMPLES[0], replaying.Asked(rechunk="1", **beside))  # type: ignore[arg-type]


@pytest.mark.parametrize("word", ["", "2", "random", "random:", "random:x", "frame", "utf-8", "random:1 "])
def test_a_way_to_cut_that_is_none_is_refused_with_those_there_are(word: str) -> None:
    with pytest.raises(UsageError, match="write 1, random:SEED"):
        cut_named(word)


def test_a_recording_that_was_killed_in_mid_stream_is_compared_as_far_as_it_goes(tmp_path: Path) -> None:
    lines = SAMPLES[0].read_text().splitlines(keepends=True)
    reads = [place for place, line in enumerate(lines) if '"kind":"read"' in line]
    cut_off = tmp_path / "killed.jsonl"
    cut_off.write_text("".join(lines[: reads[3]]))
    done = rechunk(open_recording(cut_off), cut_named("1"))
    assert (done.difference, done.exchanges, done.reads) == (None, 1, 3)


def test_a_question_about_the_server_is_no_response_and_is_left_out(tmp_path: Path) -> None:
    lines = SAMPLES[0].read_text().splitlines(keepends=True)
    other = tmp_path / "asked.jsonl"
    other.write_text("".join(line.replace('"exchange":2,', '"exchange":0,') for line in lines))
    assert rechunk(open_recording(other), cut_named("1")).exchanges == 1


def test_a_compressed_body_is_cut_as_it_came(tmp_path: Path) -> None:
    body = recordbench.says("well") * 20
    answer = recordbench.Answer(
        gzip.compress(body), cuts=1000, headers=(("content-type", "x"), ("content-encoding", "gzip"))
    )
    path = recordbench.Scene(tmp_path, [answer]).play("say it")
    done = rechunk(open_recording(path), cut_named("1"), recordbench.plain)
    assert done.pieces == len(gzip.compress(body))


def test_frames_are_cut_after_each_blank_line() -> None:
    assert list(cut_named("frames")(b"data: a\n\ndata: b\r\n\r\ndata: c\r\rdata: d\n")) == [9, 20, 29]


def test_characters_are_cut_after_every_byte_but_their_last() -> None:
    body = "a北b🙂".encode()
    assert list(cut_named("utf8")(body)) == [2, 3, 6, 7, 8]


def test_the_same_seed_cuts_the_same_and_another_otherwise() -> None:
    body = bytes(4000)
    cuts = [list(cut_named(word)(body)) for word in ("random:5", "random:5", "random:6")]
    assert cuts[0] == cuts[1] != cuts[2]
    assert max(b - a for a, b in zip([0, *cuts[0]], cuts[0], strict=False)) <= LONGEST_PIECE


def test_an_empty_body_is_no_piece(tmp_path: Path) -> None:
    path = recordbench.Scene(tmp_path, [b""]).play("say nothing")
    done = rechunk(open_recording(path), cut_named("1"), recordbench.plain)
    assert (done.pieces, done.difference) == (0, None)
