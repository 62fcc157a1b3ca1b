from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import servebench
from callscope.core.errors import UnusableFile
from callscope.core.values import Request
from callscope.offering import Offer, offered
from callscope.record.file.reading import open_recording
from callscope.record.secrets.masking import Secrets
from callscope.serving.choosing import Unlike
from servebench import end, exchange, head, read, recording

CHAT = "/v1/chat/completions"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "it.jsonl"


def offer(path: Path) -> Offer:
    return offered(open_recording(path))


def unlike(path: Path, body: Any, place: int = 0, url: str = CHAT, **changed: Any) -> Unlike | None:
    """How a request differs from the recorded one at this place."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = Request(changed.get("method", "POST"), url, changed.get("headers", ()), data)
    return offer(path).exchanges[place].unlike(request)


def asked(file: Path, body: Any, masked: dict[str, Any] | None = None, path: str = CHAT) -> Path:
    return recording(file, exchange(1, body, head(), read(b"x"), end(), masked=masked, path=path))


# ---- what is the same ---------------------------------------------------------------------------------------------


def test_spaces_and_the_order_of_members_do_not_count(file: Path) -> None:
    asked(file, {"a": 1, "b": [1, 2.0]})
    assert unlike(file, b'{ "b" : [1.0,2], "a":1 }') is None


def test_headers_and_keys_do_not_count(file: Path) -> None:
    asked(file, {"a": 1})
    assert unlike(file, {"a": 1}, headers=(("authorization", "Bearer other"), ("x-new", "1"))) is None


def test_the_host_does_not_count_and_escapes_in_the_path_are_one(file: Path) -> None:
    asked(file, {}, path="/v1/mod%65ls/a%20b")
    assert unlike(file, {}, url="/v1/models/a%20b") is None
    assert unlike(file, {}, url="/v1/models/a") == Unlike("$.path", "/v1/models/a b", "/v1/models/a")


def test_parameters_that_both_have_count_but_for_keys(file: Path) -> None:
    asked(file, {}, path="/v1/x?api-version=1&api_key=***")
    assert unlike(file, {}, url="/v1/x") is None
    assert unlike(file, {}, url="/v1/x?api-version=1&api_key=secret&more=1") is None
    assert unlike(file, {}, url="/v1/x?api-version=2") == Unlike("$.query.api-version", "1", "2")


def test_another_method_is_another_request(file: Path) -> None:
    asked(file, {})
    assert unlike(file, {}, method="PUT") == Unlike("$.method", "POST", "PUT")


def test_json_in_a_string_is_compared_as_json(file: Path) -> None:
    asked(file, {"arguments": '{"city": "Paris", "n": 1}'})
    assert unlike(file, {"arguments": '{"n":1,"city":"Paris"}'}) is None
    assert unlike(file, {"arguments": '{"n":2,"city":"Paris"}'}) is not None
    assert unlike(file, {"arguments": "{cut"}) is not None


def test_numbers_and_truth_are_not_the_same(file: Path) -> None:
    asked(file, {"a": 1})
    assert unlike(file, {"a": True}) == Unlike("$.body.a", 1, True)


def test_a_member_that_is_missing_or_added_is_named(file: Path) -> None:
    asked(file, {"a": 1})
    assert str(unlike(file, {"a": 1, "b": None})) == "Unlike(path='$.body.b', recorded=(absent), now=None)"
    assert str(unlike(file, {})) == "Unlike(path='$.body.a', recorded=1, now=(absent))"


def test_a_body_that_is_no_json_is_compared_as_text(file: Path) -> None:
    asked(file, "plain words")
    assert unlike(file, b"plain words") is None
    assert unlike(file, b"other words") == Unlike("$.body", "plain words", "other words")
    assert unlike(file, b"\xff\xfe") is not None


def test_a_body_that_is_nested_too_deeply_is_compared_as_text(file: Path) -> None:
    deep = "[" * 100_000 + "]" * 100_000
    asked(file, deep)
    assert unlike(file, deep.encode()) is None
    assert unlike(file, b"[" + deep.encode() + b"]") is not None


def test_a_value_that_is_nested_too_deeply_to_show_is_a_difference_all_the_same(file: Path) -> None:
    deep = "[" * 900 + "]" * 900
    asked(file, '{"a": ' + deep + "}")
    found = unlike(file, {})
    assert found is not None
    assert found.path == "$.body.a"


# ---- the names of calls -------------------------------------------------------------------------------------------


def history(*ids: str, results: tuple[str, ...] | None = None) -> dict[str, Any]:
    calls = [{"id": name, "type": "function", "function": {"name": "f", "arguments": "{}"}} for name in ids]
    told = [{"role": "tool", "tool_call_id": name, "content": "ok"} for name in (ids if results is None else results)]
    user = {"role": "user", "content": "go"}
    return {"messages": [user, {"role": "assistant", "content": None, "tool_calls": calls}, *told]}


@pytest.fixture
def with_calls(file: Path) -> Path:
    """A first request without history, and a second with two calls."""
    first = exchange(1, {"messages": [{"role": "user", "content": "go"}]}, head(), read(b"x"), end())
    return recording(file, first, exchange(2, history("call_1_0", "call_1_1"), head(), read(b"y"), end()))


def test_ids_that_began_in_the_recording_may_have_other_names(with_calls: Path) -> None:
    assert unlike(with_calls, history("call_1_0", "call_1_1"), 1) is None
    assert unlike(with_calls, history("a", "b"), 1) is None


def test_one_id_has_one_name(with_calls: Path) -> None:
    found = unlike(with_calls, history("a", "b", results=("b", "a")), 1)
    assert found == Unlike("$.body.messages[2].tool_call_id", "call_1_0", "b")


def test_two_ids_do_not_share_a_name(with_calls: Path) -> None:
    found = unlike(with_calls, history("a", "a"), 1)
    assert found == Unlike("$.body.messages[1].tool_calls[1].id", "call_1_1", "a")


def test_ids_that_were_there_before_the_recording_are_what_they_are(file: Path) -> None:
    asked(file, history("old"))
    assert unlike(file, history("new")) == Unlike("$.body.messages[1].tool_calls[0].id", "old", "new")


def test_ids_of_the_assembled_calls_may_have_other_names(file: Path) -> None:
    lines = exchange(1, {"id": "thing", "call_id": "call_7", "a": "call_7"}, head(), read(b"x"), end())
    assembled = {"t": 0.1, "kind": "assembled", "exchange": 1, "calls": [{"id": "call_7"}, {"id": 3}, "odd"]}
    recording(file, [*lines, assembled])
    assert unlike(file, {"id": "thing", "call_id": "call_8", "a": "call_7"}) is None
    assert unlike(file, {"id": "other", "call_id": "call_7", "a": "call_7"}) is not None


@pytest.mark.parametrize("word", ["1", "f", "go", "ok", "assistant", "call_1_0"])
def test_an_id_is_known_by_its_place_and_not_by_its_word(file: Path, word: str) -> None:
    first = exchange(1, {"messages": [{"role": "user", "content": "go"}]}, head(), read(b"x"), end())
    body = history(word)
    body["messages"].append({"role": "user", "content": word})
    recording(file, first, exchange(2, body, head(), read(b"y"), end()))
    asked_now = history("call_9")
    assert unlike(file, {"messages": [*asked_now["messages"], {"role": "user", "content": word}]}, 1) is None
    found = unlike(file, {"messages": [*asked_now["messages"], {"role": "user", "content": "call_9"}]}, 1)
    assert found == Unlike("$.body.messages[3].content", word, "call_9")


def test_an_id_in_arguments_is_a_value_like_any_other(file: Path) -> None:
    first = exchange(1, {"messages": [{"role": "user", "content": "go"}]}, head(), read(b"x"), end())
    body = history("7")
    body["messages"][1]["tool_calls"][0]["function"]["arguments"] = '{"id":"7"}'
    recording(file, first, exchange(2, body, head(), read(b"y"), end()))
    now = history("call_9")
    now["messages"][1]["tool_calls"][0]["function"]["arguments"] = '{"id": "7"}'
    assert unlike(file, now, 1) is None
    now["messages"][1]["tool_calls"][0]["function"]["arguments"] = '{"id": "call_9"}'
    assert unlike(file, now, 1) is not None


# ---- what is masked -----------------------------------------------------------------------------------------------


def masked(file: Path, body: Any, secret: str) -> Path:
    """A recording of a request as a recorder masks it."""
    text, spans = Secrets([secret]).mask(json.dumps(body, ensure_ascii=False))
    assert spans
    return asked(file, text, {"body": [list(span) for span in spans]})


@pytest.mark.parametrize("secret", ["hunter2-hunter2", 'with "quotes" in it', "mit Ümläuten drin", "back\\slash\\es"])
def test_the_secret_itself_fits_where_it_was_masked(file: Path, secret: str) -> None:
    masked(file, {"content": f"my key is {secret}, keep it"}, secret)
    assert unlike(file, {"content": f"my key is {secret}, keep it"}) is None


def test_another_secret_of_that_length_fits_and_no_other(file: Path) -> None:
    masked(file, {"content": "my key is hunter2-hunter2."}, "hunter2-hunter2")
    assert unlike(file, {"content": "my key is Hunter3+hunter3."}) is None
    assert unlike(file, {"content": "my key is hunter2-hunter22."}) is not None
    found = unlike(file, {"content": "your key is hunter2-hunter2."})
    assert found == Unlike("$.body.content", "my key is ***************.", "your key is hunter2-hunter2.")


def test_asterisks_that_somebody_wrote_are_asterisks(file: Path) -> None:
    asked(file, {"content": "a ******** b"})
    assert unlike(file, {"content": "a ******** b"}) is None
    assert unlike(file, {"content": "a hunter22 b"}) is not None


def test_a_secret_in_the_arguments_of_a_call_fits(file: Path) -> None:
    arguments = json.dumps({"key": "hunter2-hunter2"})
    masked(file, {"arguments": arguments}, "hunter2-hunter2")
    assert unlike(file, {"arguments": arguments}) is None
    assert unlike(file, {"arguments": '{"key":"hunter2-hunter2"}'}) is None


def test_two_secrets_in_one_text_are_two(file: Path) -> None:
    masked(file, {"content": "hunter2-hunter2 and hunter2-hunter2"}, "hunter2-hunter2")
    assert unlike(file, {"content": "abcdefg-hijklmn and hunter2-hunter2"}) is None
    assert unlike(file, {"content": "abcdefg-hijklm and hunter2-hunter22"}) is not None


def test_a_secret_in_a_body_that_is_no_json_fits(file: Path) -> None:
    asked(file, "key=***************&x=1", {"body": [[4, 15]]})
    assert unlike(file, b"key=hunter2-hunter2&x=1") is None
    assert unlike(file, b"key=hunter2&x=1") is not None


@pytest.mark.parametrize("spans", [[[0, 10**9]], [[-1, 3]], ["x"], "no list", [[1]], [[True, None]], 7])
def test_places_of_secrets_that_make_no_sense_hide_nothing(file: Path, spans: Any) -> None:
    asked(file, {"a": 1}, {"body": spans})
    assert unlike(file, {"a": 1}) is None
    assert unlike(file, {"a": 2}) is not None


def test_the_sample_with_a_secret_can_be_asked_with_the_secret() -> None:
    sample = next(path for path in servebench.SAMPLES if path.stem == "masked-secret")
    body = offer(sample).exchanges[0].read_body()
    assert body.count(b"*" * 16) == 1
    assert unlike(sample, body.replace(b"*" * 16, b"0123456789abcdef")) is None
    assert unlike(sample, body.replace(b"*" * 16, b"0123456789abcde")) is not None


# ---- what a recording has -----------------------------------------------------------------------------------------


def test_a_sample_offers_its_exchanges_model_and_base() -> None:
    found = offer(servebench.WEATHER)
    assert [each.name for each in found.exchanges] == [
        "weather.jsonl, exchange 1 (line 5)",
        "weather.jsonl, exchange 2 (line 35)",
    ]
    assert (found.models, found.agents, found.base) == (("callscope-demo",), (), "/v1")


def test_a_recording_without_an_exchange_has_nothing_to_serve(file: Path) -> None:
    recording(file)
    with pytest.raises(UnusableFile, match="nothing to serve"):
        offer(file)


def test_exchanges_that_overlap_in_the_file_keep_to_their_own(file: Path) -> None:
    one, two = (exchange(number, {}, head(), read(b"%d" % number), end()) for number in (1, 2))
    recording(file, [one[0], two[0], two[1], one[1], two[2], one[2], one[3], two[3]])
    bodies = [[wire.data for _, wire in each.answer if hasattr(wire, "data")] for each in offer(file).exchanges]
    assert bodies == [[b"1"], [b"2"]]


def test_times_count_from_the_request_also_after_a_session_was_gone_on_with(file: Path) -> None:
    first = exchange(1, {}, head(), end(t=5.0), at=100.0)
    resumed = {"t": 0.0, "kind": "resumed", "at": "2026-11-21T01:23:00Z", "program": "0.1.0"}
    second = exchange(2, {}, head(t=1.0), end(t=2.0), at=3.0)
    recording(file, [*first, resumed, *second])
    assert [[at for at, _ in each.answer] for each in offer(file).exchanges] == [[0.0, 5.0], [1.0, 2.0]]
