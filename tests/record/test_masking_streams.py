"""The guard: secrets in responses, however the bytes and the words are cut."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterable
from dataclasses import replace
from itertools import accumulate
from time import process_time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import planted_secrets as planted
from callscope.core.events import (
    ArgumentsDelta,
    BytesRead,
    CallAssembled,
    Diagnostic,
    ExchangeEnded,
    ResponseFailed,
    ResponseHead,
    TextDelta,
)
from callscope.core.ports import Arrival
from callscope.core.values import CallKey, ToolCall
from callscope.dialects.chat.dialect import ChatCompletions
from callscope.record.secrets.guard import PATIENCE, SecretGuard
from callscope.record.secrets.masking import Secrets, stars
from planted_secrets import KNOWN, LONGER, ODD, SK, Planted, arrivals, called, exposed, said, sse, structure

BODIES = planted.planted_bodies()


def guarded(known: Iterable[str], fed: Iterable[Arrival]) -> list[Arrival]:
    guard = SecretGuard(Secrets(known))
    return [passed for arrival in fed for passed in guard.feed(arrival)]


def masked_bytes(passed: Iterable[Arrival]) -> bytes:
    return b"".join(stars(a.wire.data, a.wire.masked) for a in passed if isinstance(a.wire, BytesRead))


def masked(case: Planted, cuts: Iterable[int]) -> bytes:
    """The masked body, once everything that must hold for any case was seen to hold."""
    fed = arrivals(case.body, cuts, stream=case.stream, status=case.status)
    passed = guarded(case.known, fed)
    assert [a.at for a in passed] == [a.at for a in fed]
    body = masked_bytes(passed)
    assert len(body) == len(case.body)
    assert all(b == w or b == ord("*") for b, w in zip(body, case.body, strict=True))
    assert structure(body, stream=case.stream) == structure(case.body, stream=case.stream)
    assert planted.shapes_of_joined(body) == planted.shapes_of_joined(case.body)
    return body


# ---- the table -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", BODIES, ids=str)
def test_the_judge_finds_every_planted_secret_in_the_unmasked_body(case: Planted) -> None:
    assert all(exposed(case.body, secret) for secret in case.secrets)


@pytest.mark.parametrize("case", BODIES, ids=str)
def test_no_secret_is_left_when_the_body_comes_in_one_read(case: Planted) -> None:
    body = masked(case, ())
    assert [exposed(body, secret) for secret in case.secrets] == [""] * len(case.secrets)


@pytest.mark.parametrize("case", BODIES, ids=str)
def test_no_secret_is_left_when_the_body_comes_byte_by_byte(case: Planted) -> None:
    body = masked(case, range(len(case.body)))
    assert [exposed(body, secret) for secret in case.secrets] == [""] * len(case.secrets)


@pytest.mark.parametrize("case", BODIES, ids=str)
@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_no_secret_is_left_however_the_body_is_cut(case: Planted, data: st.DataObject) -> None:
    cuts = data.draw(st.sets(st.integers(1, len(case.body)), max_size=12))
    body = masked(case, cuts)
    assert [exposed(body, secret) for secret in case.secrets] == [""] * len(case.secrets)


@pytest.mark.parametrize("step", [7, 60, 5000])
@pytest.mark.parametrize("case", BODIES, ids=str)
def test_the_masked_bytes_decode_to_the_same_events_in_chat_completions(case: Planted, step: int) -> None:
    fed = _decoded(case, case.body, step)
    body = masked_bytes(guarded(case.known, fed))
    assert [exposed(body, secret) for secret in case.secrets] == [""] * len(case.secrets)
    assert [_kinds(a) for a in _decoded(case, body, step)] == [_kinds(a) for a in fed]


def _decoded(case: Planted, body: bytes, step: int) -> list[Arrival]:
    decoder = ChatCompletions().decoder(1, ())
    head = ResponseHead(1, case.status, (("content-type", "text/event-stream" if case.stream else "application/json"),))
    end = ExchangeEnded(1, "complete")
    reads = planted.cut(body, range(0, len(body), step))
    return [
        Arrival(0.0, head, decoder.feed(head)),
        *(Arrival(1.0 + n, BytesRead(1, data), decoder.feed(data)) for n, data in enumerate(reads)),
        Arrival(1e6, end, decoder.close("complete")),
    ]


def _kinds(arrival: Arrival) -> list[Any]:
    """What was decoded, without words: the kinds of events, the codes of complaints, the faults of calls."""
    return [
        (type(event), getattr(event, "code", None), isinstance(event, CallAssembled) and event.call.fault)
        for event in arrival.decoded
    ]


@pytest.mark.parametrize(
    "body",
    [
        sse(*said(f"say {KNOWN}!", 50), ending=""),
        sse(*said(f"say {KNOWN}!", 6), ending=""),
        sse(*called(json.dumps({"k": KNOWN}), 9), ending=""),
    ],
    ids=["in one delta", "over deltas of text", "over deltas of arguments"],
)
def test_no_secret_is_left_at_whatever_byte_the_body_is_cut_in_two(body: bytes) -> None:
    case = Planted("", body, (KNOWN,))
    assert {exposed(masked(case, [at]), KNOWN) for at in range(1, len(body))} == {""}


@pytest.mark.parametrize("part", [0, 1])
def test_not_even_a_long_part_of_a_secret_is_left_where_a_frame_is_cut_after_its_words(part: int) -> None:
    parts = (KNOWN[:14], KNOWN[14:])
    case = Planted("", sse({"content": parts[0]}, {"content": parts[1]}, ending=""), (KNOWN,))
    assert {exposed(masked(case, [at]), parts[part]) for at in range(1, len(case.body))} == {""}


@pytest.mark.parametrize("size", range(1, 30))
def test_no_secret_is_left_whatever_the_size_of_the_deltas(size: int) -> None:
    case = Planted("", sse(*said(f"say {ODD} and {KNOWN}!", size)), (KNOWN, ODD), (KNOWN, ODD))
    body = masked(case, range(0, len(case.body), 100))
    assert not exposed(body, KNOWN)
    assert not exposed(body, ODD)


# ---- any secret ----------------------------------------------------------------------------------------------------

CHARACTERS = st.characters(exclude_categories=["Cs", "Zs", "Cc"]) | st.sampled_from('"\\/\n\t é北😀-_.%*')
SECRET = st.text(CHARACTERS, min_size=8, max_size=24).filter(lambda text: len(text.strip()) >= 8).map(str.strip)


@settings(max_examples=150, deadline=None)
@given(
    secret=SECRET,
    before=st.text(CHARACTERS, max_size=6),
    depth=st.integers(0, 2),
    size=st.integers(1, 12),
    ascii_only=st.booleans(),
    as_call=st.booleans(),
    data=st.data(),
)
def test_any_secret_at_any_depth_in_any_cut_is_masked_and_the_rest_is_untouched(
    secret: str, before: str, depth: int, size: int, ascii_only: bool, as_call: bool, data: st.DataObject
) -> None:
    text = f"{before}|{secret}|after"
    for _ in range(depth):
        text = json.dumps({"v": text}, ensure_ascii=ascii_only)
    deltas = called(text, size) if as_call else said(text, size)
    case = Planted("", sse(*deltas, ascii_only=ascii_only), (secret,), (secret,))
    body = masked(case, data.draw(st.sets(st.integers(1, len(case.body)), max_size=8)))
    # a secret of stars is masked with itself
    assert not exposed(body, secret) or set(secret) <= {"*"}


@st.composite
def told(draw: st.DrawFn) -> tuple[str, str]:
    """A secret, and a text with it in it that may be JSON in JSON and begin like other secrets."""
    secret = draw(st.sampled_from((KNOWN, LONGER, ODD, planted.OTHER, *planted.VENDORS)))
    false_start = st.sampled_from(("sk-", "corp", "a ", "\n", '"', "\\", "é", "北", "-----BEGIN ", "eyJ"))
    text = "".join(draw(st.lists(false_start, max_size=5))) + "|" + secret + draw(st.sampled_from(("|", " and", "\n")))
    for way in draw(st.lists(st.sampled_from(("ascii", "utf-8", "escaped")), max_size=2)):
        plain = json.dumps({"v": text}, ensure_ascii=way == "ascii")
        text = f'{{"v":"{planted.escaped(text)}"}}' if way == "escaped" and len(text) < 200 else plain
    return secret, text


@settings(max_examples=100, deadline=None)
@given(several=st.lists(told(), min_size=1, max_size=3), in_turns=st.booleans(), data=st.data())
def test_secrets_in_several_calls_at_once_are_masked(
    several: list[tuple[str, str]], in_turns: bool, data: st.DataObject
) -> None:
    sizes = st.sampled_from((2, 3, 5, 7, 20, 60))
    calls = [called(text, data.draw(sizes), index) for index, (_, text) in enumerate(several)]
    deltas = planted.in_turns(*calls) if in_turns else [delta for call in calls for delta in call]
    secrets = tuple(secret for secret, _ in several)
    case = Planted("", sse(*deltas, ascii_only=True), secrets, (KNOWN, LONGER, ODD, planted.OTHER))
    step = data.draw(st.integers(20, 5000))
    body = masked(case, range(step, len(case.body), step))
    assert [exposed(body, secret) for secret in secrets] == [""] * len(secrets)


@settings(max_examples=60, deadline=None)
@given(noise=st.text(st.sampled_from('sk-_.eyJghp{}"\\/u0073 \nAKI%2'), max_size=80), data=st.data())
def test_noise_that_looks_like_the_beginning_of_a_token_is_never_held_beyond_the_end(
    noise: str, data: st.DataObject
) -> None:
    case = Planted("", sse(*said(noise, 3)), (), (KNOWN,))
    masked(case, data.draw(st.sets(st.integers(1, len(case.body)), max_size=20)))


# ---- near misses ---------------------------------------------------------------------------------------------------

HARMLESS = (
    "the prefix sk- in prose",
    "the task-force took a risk-free desk-lamp0123456789",
    "class sk-fading-circle-inner-most-part",
    "eyJ alone, and eyJhbGciOiJIUzI1NiJ9 with no second part",
    "hf_hub_download and gsk_ and xai-",
    "AKIA and ASIA are prefixes",
    "-----BEGIN CERTIFICATE-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n-----END CERTIFICATE-----",
    "-----BEGIN PUBLIC KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n-----END PUBLIC KEY-----",
    KNOWN[:-1],
    KNOWN.upper(),
)


@pytest.mark.parametrize("text", HARMLESS)
@pytest.mark.parametrize("size", [1, 4, 500])
def test_what_only_looks_like_a_secret_stays_as_it_is(text: str, size: int) -> None:
    case = Planted("", sse(*said(text + " and so on", size)), (), (KNOWN,))
    assert masked(case, range(0, len(case.body), 37)) == case.body


def test_of_two_values_the_shorter_alone_is_masked_where_the_longer_does_not_follow() -> None:
    case = Planted("", sse({"content": f"{KNOWN}-exit"}), (KNOWN,), (KNOWN, LONGER))
    assert f'"{"*" * len(KNOWN)}-exit"'.encode() in masked(case, ())


# ---- waiting -------------------------------------------------------------------------------------------------------


def test_a_read_passes_at_once_where_nothing_is_suspicious() -> None:
    fed = arrivals(sse(*said("Hello there", 50)), ())
    assert guarded((), fed[:3]) == fed[:3]


@pytest.mark.parametrize(
    "beginning", [KNOWN[:1], KNOWN[:-1], "sk-", "sk-abc"], ids=["one", "almost all", "sk-", "sk-abc"]
)
def test_a_read_waits_while_the_text_ends_in_the_beginning_of_a_secret(beginning: str) -> None:
    guard = SecretGuard(Secrets([KNOWN]))
    head, first, second = _two_reads(f"It is {beginning}", " then.")
    assert len(list(guard.feed(head))) == 1
    assert list(guard.feed(first)) == []
    assert [a.at for a in guard.feed(second)] == [first.at, second.at]


def test_a_part_of_a_public_prefix_is_not_waited_for_but_the_rest_is_still_found() -> None:
    guard = SecretGuard(Secrets())
    head, first, second = _two_reads("It is s", SK[1:] + " then.")
    guard.feed(head)
    assert list(guard.feed(first)) == [first]
    assert not exposed(masked_bytes([first, *guard.feed(second)]), SK[1:])


def test_a_suspicion_is_given_up_after_4_kib_and_one_letter_of_it_is_not_masked() -> None:
    first, *more = said("reason" + KNOWN[:1], 50, "reasoning_content"), *said("x" * 8000, 100)
    body = sse(*first, *more)
    case = Planted("", body, (), (KNOWN,))
    guard = SecretGuard(Secrets([KNOWN]))
    longest = waiting = 0
    for arrival in arrivals(body, range(0, len(body), 50)):
        if isinstance(arrival.wire, BytesRead):
            waiting += len(arrival.wire.data)
        waiting -= sum(len(a.wire.data) for a in guard.feed(arrival) if isinstance(a.wire, BytesRead))
        longest = max(longest, waiting)
    assert PATIENCE / 2 < longest <= PATIENCE + 50
    assert masked(case, range(0, len(body), 50)) == body


def test_a_suspicion_that_tells_much_is_masked_when_it_is_given_up() -> None:
    body = sse(*said(KNOWN[:-2], 50, "reasoning_content"), *said("x" * 8000, 100))
    case = Planted("", body, (KNOWN[:-2],), (KNOWN,))
    assert not exposed(masked(case, range(0, len(body), 50)), KNOWN[:-2])


def test_a_key_in_deltas_of_one_character_is_masked_though_it_takes_more_than_4_kib() -> None:
    body = sse(*({"content": c, "padding": "x" * 400} for c in f"<{KNOWN}>"))
    assert len(body) > 2 * PATIENCE
    for step in (1, 97, 1000, len(body)):
        assert not exposed(masked(Planted("", body, (KNOWN,)), range(0, len(body), step)), KNOWN)


def test_the_beginning_of_a_key_at_the_end_of_a_cut_body_is_masked() -> None:
    body = sse(*said("It is " + KNOWN[:-2], 4), ending="")
    assert not exposed(masked(Planted("", body, ()), (50, 90)), KNOWN[:-2])


def test_a_word_at_the_end_that_a_key_happens_to_begin_with_is_not_masked() -> None:
    body = sse(*said("The test", 4))
    assert masked(Planted("", body, (), ("test-key-12",)), (50,)) == body


def test_the_suspicion_of_a_call_ends_with_the_call() -> None:
    key = CallKey(1, 0)
    guard = SecretGuard(Secrets([KNOWN]))
    (fed,) = [a for a in arrivals(sse(*called(KNOWN[:1]), ending="")) if isinstance(a.wire, BytesRead)]
    assembled = CallAssembled(ToolCall(key, "call_1", "f", KNOWN[:1]))
    assert len(list(guard.feed(replace(fed, decoded=[*fed.decoded, assembled])))) == 1


def test_an_exchange_that_ends_lets_everything_pass_in_order() -> None:
    guard = SecretGuard(Secrets([KNOWN]))
    fed = arrivals(sse(*said("It is " + KNOWN[:5], 3), ending=""), range(0, 1000, 10))
    passed = [list(guard.feed(arrival)) for arrival in fed]
    assert len(passed[-1]) > 1
    assert [a.at for batch in passed for a in batch] == [a.at for a in fed]


def test_what_waits_from_one_exchange_does_not_reach_into_the_next() -> None:
    guard = SecretGuard(Secrets([KNOWN]))
    halves = [arrivals(sse(*said(half), ending="")) for half in (KNOWN[:6], KNOWN[6:])]
    passed = [a for half in halves for arrival in half for a in guard.feed(arrival)]
    assert [a.wire.masked for a in passed if isinstance(a.wire, BytesRead)] == [(), ()]


def _two_reads(first: str, second: str) -> list[Arrival]:
    body = sse({"content": first}, {"content": second}, ending="")
    boundary = len(sse({"content": first}, ending=""))
    return arrivals(body, [boundary])[1:4]


# ---- what passes unchanged, and what does not ----------------------------------------------------------------------


def test_live_deltas_keep_the_real_arguments_because_a_tool_needs_them() -> None:
    arguments = json.dumps({"key": KNOWN})
    passed = guarded([KNOWN], arrivals(sse(*called(arguments))))
    assert "".join(e.text for a in passed for e in a.decoded if isinstance(e, ArgumentsDelta)) == arguments


def test_the_data_of_a_read_is_only_marked_and_never_changed() -> None:
    body = sse(*said(KNOWN))
    passed = guarded([KNOWN], arrivals(body, (30, 60)))
    assert b"".join(a.wire.data for a in passed if isinstance(a.wire, BytesRead)) == body


def test_the_words_of_a_failure_a_diagnostic_and_an_ending_are_masked() -> None:
    failure = ResponseFailed("error", f"Incorrect API key provided: {KNOWN}.", 401, f"request of {KNOWN}")
    complaint = Diagnostic("error", "odd", f"found {SK}", None)
    ending = ExchangeEnded(1, "reset", f"while sending {KNOWN}")
    guard = SecretGuard(Secrets([KNOWN]))
    first, second = [
        *guard.feed(Arrival(1.0, BytesRead(1, b"x"), [failure])),
        *guard.feed(Arrival(2.0, ending, [complaint])),
    ]
    shown = f"{first.decoded}{second.decoded}{second.wire}"
    assert KNOWN not in shown
    assert SK not in shown
    assert "Incorrect API key provided: ****" in shown


# ---- compressed bodies ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("encoding", "compress"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_reads_of_a_compressed_body_that_hold_a_secret_are_masked_whole(encoding: str, compress: Any) -> None:
    plain = sse(*said(NOISE[:4000], 40), *called(json.dumps({"k": KNOWN})), *said(NOISE[4000:], 40))
    fed = _compressed(plain, compress, encoding)
    passed = guarded([KNOWN], fed)
    spans = [a.wire.masked for a in passed if isinstance(a.wire, BytesRead)]
    sizes = [len(a.wire.data) for a in fed if isinstance(a.wire, BytesRead)]
    masked_sizes = [size for span, size in zip(spans, sizes, strict=True) if span == ((0, size),)]
    assert len(masked_sizes) + spans.count(()) == len(sizes)
    assert 0 < sum(masked_sizes) < sum(sizes) / 2


NOISE = " ".join(f"{number * 7919 % 10007}" for number in range(1600))


def _compressed(plain: bytes, compress: Any, encoding: str) -> list[Arrival]:
    """The exchange of a compressed body, its words decoded as it is inflated."""
    packed, inflater = compress(plain), zlib.decompressobj(zlib.MAX_WBITS | 32)
    reads = planted.cut(packed, range(0, len(packed), 64))
    sizes = list(accumulate(len(inflater.decompress(data)) for data in reads))
    head, *more = arrivals(plain, sizes)[1:]
    assert len([a for a in more if isinstance(a.wire, BytesRead)]) == len(set(sizes) - {0})
    by_size = dict(zip(sorted(set(sizes) - {0}), more, strict=False))
    return [
        replace(head, wire=ResponseHead(1, 200, (("Content-Encoding", encoding),))),
        *(
            Arrival(float(n), BytesRead(1, data), by_size.pop(size, more[-1]).decoded)
            for n, (data, size) in enumerate(zip(reads, sizes, strict=True))
        ),
        replace(more[-1], at=1e6),
    ]


def test_a_plain_answer_in_gzip_is_searched_although_its_words_come_only_at_the_end() -> None:
    packed = gzip.compress(json.dumps({"choices": [{"message": {"content": KNOWN}}]}).encode())
    head = Arrival(0.0, ResponseHead(1, 200, (("content-encoding", "gzip"),)), ())
    passed = guarded(
        [KNOWN], [head, Arrival(1.0, BytesRead(1, packed), ()), Arrival(2.0, ExchangeEnded(1, "complete"), ())]
    )
    assert masked_bytes(passed) == b"*" * len(packed)


def test_a_body_that_is_not_compressed_as_it_says_is_searched_as_it_is() -> None:
    head = Arrival(0.0, ResponseHead(1, 200, (("content-encoding", "gzip"),)), ())
    body = f"<p>{KNOWN}</p>".encode()
    passed = guarded(
        [KNOWN], [head, Arrival(1.0, BytesRead(1, body), ()), Arrival(2.0, ExchangeEnded(1, "complete"), ())]
    )
    assert KNOWN.encode() not in masked_bytes(passed)


# ---- the price -----------------------------------------------------------------------------------------------------


def _seconds(text: str) -> float:
    fed = arrivals(sse(*said(text)), range(0, 10_000_000, 4000))
    best = 1e9
    for _ in range(3):
        started = process_time()
        guarded([KNOWN], fed)
        best = min(best, process_time() - started)
    return best


@pytest.mark.parametrize(
    "text",
    ["lorem ipsum ", KNOWN + " ", "sk-", "\\u0073k-", KNOWN[:-1], "eyJ"],
    ids=["prose", "keys", "prefixes", "escapes", "false starts", "headers"],
)
def test_the_price_grows_with_the_text_and_not_with_its_square(text: str) -> None:
    short, long = (_seconds((text * count)[: count * 4]) for count in (1000, 8000))
    assert long < 8 * short * 3


def test_a_delta_whose_frame_is_unknown_has_its_read_masked() -> None:
    delta = [TextDelta("output", KNOWN[:10]), TextDelta("output", KNOWN[10:])]
    reads = [Arrival(float(n), BytesRead(1, b"%d unreadable" % n), [d]) for n, d in enumerate(delta)]
    passed = guarded([KNOWN], [*reads, Arrival(9.0, ExchangeEnded(1, "complete"), ())])
    assert masked_bytes(passed) == b"*" * 24
