"""The server's own words, wherever it put them."""

from __future__ import annotations

from typing import Any

import pytest

from callscope.dialects.failures import (
    error_in,
    is_page,
    page_words,
    remark_in,
    request_id,
    retry_after,
    status_words,
    words,
)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ("plain", "plain"),
        ({"message": "m", "code": 1}, "m"),
        ({"code": "rate_limited"}, "rate_limited"),
        ({"code": 429}, "429"),
        ({"type": "server_error", "code": None}, "server_error"),
        ({"message": '{"error":{"message":"inner"}}'}, "inner"),
        ({"message": "{not json"}, "{not json"),
        ({"message": "outer", "metadata": {"raw": '{"error":"inner"}'}}, "outer: inner"),
        ([{"message": "a"}, {"msg": "b"}], "a; b"),
        ({"detail": [{"loc": ["body", 0], "msg": "bad"}]}, "body.0: bad"),
        ({"fault": {"faultstring": "x"}}, '{"faultstring":"x"}'),
        ({}, "{}"),
        (None, ""),
        (True, ""),
    ],
)
def test_an_error_is_told_by_its_message_or_at_least_by_its_code(error: Any, said: str) -> None:
    assert words(error) == said


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ({"message": "m", "type": "server_error", "code": 502}, "m (type server_error, code 502)"),
        ({"message": "m", "type": "error", "code": None}, "m"),
        ({"message": "code 502 came", "code": 502}, "code 502 came"),
        ({"code": "rate_limited"}, "rate_limited"),
        ({"message": "m", "code": {"a": 1}}, "m"),
        ({"message": "m", "code": "x" * 1000}, "m"),
        ("plain", "plain"),
    ],
)
def test_an_error_is_told_with_the_type_and_the_code_that_its_words_do_not_have(error: Any, said: str) -> None:
    assert error_in({"error": error}) == said


@pytest.mark.parametrize(
    "document",
    [
        {"choices": [], "error": None},
        {"choices": [{"delta": {}, "error": None}]},
        {"choices": None},
        {"base_resp": {"status_code": 0}, "choices": []},
        {"type": "ping"},
        {"message": "queued"},
        {"usage": {}},
    ],
)
def test_what_is_no_error_is_none(document: dict[str, Any]) -> None:
    assert error_in(document) is None


def test_a_remark_is_what_a_document_says_in_words() -> None:
    assert remark_in({"message": "queued", "type": "status"}) == "queued"
    assert remark_in({"type": "ping"}) == ""


def test_a_page_is_told_by_its_title_and_its_first_words() -> None:
    head = "<!DOCTYPE html><html><head><title>502 Bad &amp; Gone</title><style>b{}</style></head>"
    page = head + "<body><h1>502 Bad &amp; Gone</h1>nginx"
    assert is_page(page)
    assert page_words(page) == "502 Bad & Gone | nginx"
    assert not is_page("<think>hm")
    assert not is_page("502 <b>")


def test_a_hostile_page_is_read_in_bounded_time() -> None:
    assert page_words("<" * 200_000 + "<script>" * 20_000) is not None


def test_a_status_has_its_phrase_where_there_is_one() -> None:
    assert status_words(503) == "HTTP 503 Service Unavailable"
    assert status_words(599) == "HTTP 599"


def test_the_most_telling_request_id_is_taken() -> None:
    assert request_id({"cf-ray": "ray", "x-request-id": "req"}) == "req"
    assert request_id({"cf-ray": "ray"}) == "ray"
    assert request_id({"cf-ray": "ray", "x-generation-id": "gen"}) == "gen"  # OpenRouter
    assert request_id({}) is None


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "2.5"}, 2.5),
        ({"retry-after-ms": "1500"}, 1.5),
        ({"retry-after": "Fri, 31 Dec 1999 23:59:59 GMT", "date": "Fri, 31 Dec 1999 23:59:49 GMT"}, 10.0),
        ({"retry-after": "Fri, 31 Dec 1999 23:59:59 GMT"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "Fri, 31 Dec 99999999999 23:59:59 GMT", "date": "Fri, 31 Dec 1999 23:59:49 GMT"}, None),
    ],
)
def test_the_wait_that_a_server_asks_for_is_read_in_seconds(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == seconds
