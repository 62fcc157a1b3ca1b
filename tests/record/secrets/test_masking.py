"""Masking of texts, JSON, headers and URLs: every byte of a secret becomes a star, and nothing else does."""

from __future__ import annotations

import base64
import json
import time
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callscope.record.secrets.masking import SHORTEST, Secrets, stars
from planted_secrets import (
    AWS,
    GITHUB,
    GOOGLE,
    JWT,
    KNOWN,
    LONGER,
    ODD,
    OTHER,
    PEM,
    PEM_BODY,
    SK,
    VENDORS,
    escaped,
    exposed,
)

BASIC = base64.b64encode(f"me:{KNOWN}".encode()).decode()


def in_bytes(text: str, start: int, length: int) -> str:
    return text.encode()[start : start + length].decode()


# ---- texts ---------------------------------------------------------------------------------------------------------

TEXTS = [
    ("a known value in a sentence", f"the key {KNOWN} is it", KNOWN),
    ("a known value alone", KNOWN, KNOWN),
    ("a value with quotes, backslashes, a line break and other scripts", f"<{ODD}>", ODD),
    ("that value as JSON", json.dumps({"k": ODD}), ODD),
    ("that value as JSON in UTF-8", json.dumps({"k": ODD}, ensure_ascii=False), ODD),
    ("that value as JSON in JSON", json.dumps({"a": json.dumps({"k": ODD})}), ODD),
    ("that value as JSON in JSON in JSON", json.dumps(json.dumps({"a": json.dumps({"k": ODD})})), ODD),
    ("that value percent-encoded", f"https://h/?q={quote(ODD, safe='')}", ODD),
    ("that value percent-encoded in JSON with escaped slashes", f"https:\\/\\/h\\/?q={quote(ODD, safe='')}", ODD),
    ("a value with escaped slashes", "http:\\/\\/h\\/pa\\/th\\/to-the-key", "pa/th/to-the-key"),
    ("a value in \\u escapes", f'"{escaped(KNOWN)}"', KNOWN),
    ("a value in \\u escapes of the second level", json.dumps(f'"{escaped(KNOWN)}"'), KNOWN),
    ("a value in base64 as of a Basic header", f"curl -H 'Authorization: Basic {BASIC}'", KNOWN),
    ("a value in base64 with no user before it", base64.b64encode(KNOWN.encode()).decode(), KNOWN),
    ("a value in base64 in the middle of other bytes", base64.b64encode(f"ab{KNOWN}cd".encode()).decode(), KNOWN),
    ("two values side by side", KNOWN + OTHER, OTHER),
    ("a value of which another is the beginning", LONGER, LONGER),
    *((f"the token that begins with {token[:4]}", f"token={token}\n", token) for token in VENDORS),
    ("a token after an escaped line break", f'"keys:\\n{SK}\\n"', SK),
    ("a token with its first letter escaped", f'"\\u0073{SK[1:]}"', SK),
    ("a token right after an equals sign", f"OPENAI_API_KEY={SK}", SK),
    ("a private key", f"Here: {PEM}", PEM_BODY.split()[1]),
    ("a private key in JSON", json.dumps({"pem": PEM}), PEM_BODY.split()[1]),
    ("a private key with headers", PEM.replace("\n", "\nProc-Type: 4,ENCRYPTED\n", 1), PEM_BODY.split()[1]),
]


@pytest.mark.parametrize(("text", "secret"), [row[1:] for row in TEXTS], ids=[row[0] for row in TEXTS])
def test_no_secret_is_left_in_a_masked_text(text: str, secret: str) -> None:
    masked, spans = Secrets([KNOWN, OTHER, LONGER, ODD, "pa/th/to-the-key"]).mask(text)
    assert exposed(text.encode(), secret)
    assert not exposed(masked.encode(), secret)
    assert len(masked.encode()) == len(text.encode())
    assert all(set(in_bytes(masked, *span)) == {"*"} for span in spans)


def test_the_text_around_a_secret_stays_and_the_span_is_in_bytes() -> None:
    masked, spans = Secrets([KNOWN]).mask(f"北京 {KNOWN}!")
    assert masked == f"北京 {'*' * len(KNOWN)}!"
    assert spans == ((7, len(KNOWN)),)


def test_a_character_of_several_bytes_becomes_as_many_stars() -> None:
    assert Secrets(["пароль-北京"]).mask("<пароль-北京>")[0] == f"<{'*' * 19}>"


def test_the_two_lines_around_a_private_key_stay_readable() -> None:
    masked, _ = Secrets().mask(PEM)
    assert masked.startswith("-----BEGIN")
    assert masked.rstrip().endswith("PRIVATE KEY-----")
    assert set(masked[27:-26]) == {"*"}


def test_masked_json_is_json_of_the_same_shape() -> None:
    text = json.dumps({"a": [ODD, {"b": json.dumps({"c": ODD + "\\n"})}], "n": 1})
    masked = json.loads(Secrets([ODD]).mask(text)[0])
    assert set(masked["a"][0]) == {"*"}
    assert set(json.loads(masked["a"][1]["b"])["c"]) == {"*", "\\", "n"}


@pytest.mark.parametrize("secret", ["nineteen-bytes-here", "ends-with-a-slash\\", '"quoted"-key', "u0041-and-more"])
@pytest.mark.parametrize("before", ["", "\\", "\n", "\\\\", "A"])
@pytest.mark.parametrize("after", ["", '"', "\\", "n"])
def test_no_mask_cuts_an_escape_in_two(secret: str, before: str, after: str) -> None:
    text = json.dumps({"k": json.dumps({"v": before + secret + after})})
    masked = Secrets([secret]).mask(text)[0]
    assert secret not in json.loads(json.loads(masked)["k"])["v"]


HARMLESS = [
    "the prefix sk- in prose",
    "task-force, risk-averse-people-in-2024, desk-lamp-0123456789",
    "class sk-fading-circle-inner-most-part",
    "eyJ alone, or eyJhbGciOiJIUzI1NiJ9 with no second part",
    "version eyJ.eyJ",
    "hf_hub_download(repo_id)",
    "AKIA is a prefix, ASIA a continent",
    "-----BEGIN CERTIFICATE-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n-----END CERTIFICATE-----",
    "a line -----BEGIN PRIVATE KEY----- marks the start",
    "xoxb- and ghp_ and AIza and gsk_ and xai- and nvapi- are prefixes",
    KNOWN[:-1],
    KNOWN.upper(),
    "100%25 of C:\\temp\\new\\users",
]


@pytest.mark.parametrize("text", HARMLESS)
def test_what_only_looks_like_a_secret_stays_as_it_is(text: str) -> None:
    assert Secrets([KNOWN]).mask(text) == (text, ())


@settings(max_examples=150, deadline=None)
@given(
    text=st.text(st.sampled_from('ab-"\\/%u0 {}[],:\n北'), max_size=60),
    secret=st.text("ab-\\/u0", min_size=8, max_size=12),
)
def test_masking_keeps_the_bytes_outside_the_spans_and_a_second_time_changes_nothing(text: str, secret: str) -> None:
    secrets = Secrets([secret])
    masked, spans = secrets.mask(text)
    data, covered = bytearray(text.encode()), [(start, start + length) for start, length in spans]
    assert stars(bytes(data), covered) == masked.encode()
    assert secrets.mask(masked)[0] == masked
    assert secret not in masked


def test_lone_surrogates_and_nothing_at_all_can_be_masked() -> None:
    assert Secrets([KNOWN]).mask(f"\ud83d{KNOWN}")[0] == "\ud83d" + "*" * len(KNOWN)
    assert Secrets([KNOWN]).mask("") == ("", ())


def test_bytes_that_are_no_text_are_masked_too() -> None:
    masked, spans = Secrets([KNOWN]).mask_bytes(b"\xff\xfe" + KNOWN.encode() + b"\x80")
    assert masked == b"\xff\xfe" + b"*" * len(KNOWN) + b"\x80"
    assert spans == ((2, len(KNOWN)),)


# ---- which values --------------------------------------------------------------------------------------------------


def test_a_value_of_seven_characters_is_counted_and_not_masked() -> None:
    secrets = Secrets(["seven77", "eight888"])
    assert secrets.too_short == 1
    assert secrets.mask("seven77 eight888")[0] == "seven77 ********"
    assert SHORTEST == 8


def test_an_empty_value_counts_for_nothing_and_white_space_around_a_value_is_none_of_it() -> None:
    secrets = Secrets(["", "  ", f"{KNOWN}\n"])
    assert secrets.too_short == 0
    assert KNOWN not in secrets.mask(KNOWN)[0]


def test_secrets_do_not_show_themselves() -> None:
    assert KNOWN not in repr(Secrets([KNOWN]))
    assert KNOWN not in str(Secrets([KNOWN]))


# ---- headers -------------------------------------------------------------------------------------------------------

HEADERS = [
    ("Authorization", "Bearer abc", "Bearer ***"),
    ("authorization", f"Basic {BASIC}", f"Basic {'*' * len(BASIC)}"),
    ("Authorization", "abcdef", "******"),
    ("Authorization", 'Digest username="me", response="0123"', "Digest ******************************"),
    ("Proxy-Authorization", "Basic eDp5", "Basic ****"),
    ("x-api-key", "k1", "**"),
    ("Api-Key", "two words", "*********"),
    ("X-Goog-Api-Key", "abc", "***"),
    ("Cookie", "session=1; theme=dark", "*" * 21),
    ("Set-Cookie", "sid=1; Path=/", "*" * 13),
    ("X-Auth-Token", "t", "*"),
    ("X-Amz-Security-Token", "abc", "***"),
    ("X-Client-Secret", "abc", "***"),
    ("X-My-ApiKey", "abc", "***"),
    ("Ocp-Apim-Subscription-Key", "abc", "***"),
    ("X-Functions-Key", "abc", "***"),
    ("Idempotency-Key", "abc", "abc"),
    ("X-Trace", f"by {KNOWN}", f"by {'*' * len(KNOWN)}"),
    ("X-Anything", SK, "*" * len(SK)),
    ("Location", "https://me:pässword@h/?key=abc&n=1", "https://me:*********@h/?key=***&n=1"),
    ("X-Ratelimit-Remaining-Tokens", "149984", "149984"),
    ("Content-Type", "text/event-stream", "text/event-stream"),
    ("X-Request-Id", "req_0123456789abcdef", "req_0123456789abcdef"),
]


@pytest.mark.parametrize(
    ("name", "value", "expected"), HEADERS, ids=[f"{name}: {value[:12]}" for name, value, _ in HEADERS]
)
def test_a_header_shows_what_is_no_secret_and_nothing_else(name: str, value: str, expected: str) -> None:
    assert Secrets([KNOWN]).mask_headers(((name, value),))[0] == ((name, expected),)


def test_a_long_header_of_nothing_but_letters_is_read_once_and_not_from_each_letter_on() -> None:
    started = time.process_time()
    Secrets().mask_headers((("x-long", "a" * 100_000),))
    assert time.process_time() - started < 2


def test_the_spans_of_headers_name_the_header_and_its_bytes() -> None:
    headers = (("accept", "*/*"), ("authorization", "Bearer abcdef"), ("x-trace", f"é{KNOWN}"))
    _, spans = Secrets([KNOWN]).mask_headers(headers)
    assert spans == ((1, 7, 6), (2, 2, len(KNOWN)))


# ---- URLs ----------------------------------------------------------------------------------------------------------

URLS = [
    ("https://h/v1/models", "https://h/v1/models"),
    ("https://me:pw@h/v1", "https://me:**@h/v1"),
    ("https://me:p@ss:w@h/v1", "https://me:******@h/v1"),
    ("https://h/v1?key=abc", "https://h/v1?key=***"),
    ("https://h/?a=1&api_key=abc&b=2", "https://h/?a=1&api_key=***&b=2"),
    ("https://h/?api-key=abc#top", "https://h/?api-key=***#top"),
    ("https://h/?API-KEY=abc", "https://h/?API-KEY=***"),
    ("https://h/?token=a%20b", "https://h/?token=*****"),
    ("https://h/#access_token=abc&state=1", "https://h/#access_token=***&state=1"),
    ("https://h/?sig=abc&se=2026", "https://h/?sig=***&se=2026"),
    ("https://h/?X-Amz-Signature=0f", "https://h/?X-Amz-Signature=**"),
    ("https://h/?client_secret=a&password=b&code=c", "https://h/?client_secret=*&password=*&code=*"),
    ("https://h/?authorization=abc", "https://h/?authorization=***"),
    ("https://h/?subscription-key=abc", "https://h/?subscription-key=***"),
    ("https://h/?monkey=abc&tokens=5&zipcode=123", "https://h/?monkey=abc&tokens=5&zipcode=123"),
    (f"https://h/{KNOWN}/v1", f"https://h/{'*' * len(KNOWN)}/v1"),
    (f"https://{GITHUB}@h/v1", f"https://{'*' * len(GITHUB)}@h/v1"),
    (f"https://h/?q={GOOGLE}", f"https://h/?q={'*' * len(GOOGLE)}"),
    (f"https://h/{AWS}?x={JWT}", f"https://h/{'*' * len(AWS)}?x={'*' * len(JWT)}"),
]


@pytest.mark.parametrize(("url", "expected"), URLS)
def test_a_url_shows_what_is_no_secret_and_nothing_else(url: str, expected: str) -> None:
    masked, spans = Secrets([KNOWN]).mask_url(url)
    assert masked == expected
    assert sum(length for _, length in spans) == expected.count("*")
