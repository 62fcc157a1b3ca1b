"""Recordings as HTTP Archives: valid, byte for byte, with nothing made up."""

from __future__ import annotations

import base64
import gzip
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from callscope.exporting.har import har
from callscope.record.file.reading import RecordingFile
from written_recording import Written, says

SAMPLES = sorted((Path(__file__).parents[2] / "recordings" / "samples").glob("*.jsonl"))

PAIRS = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["name", "value"],
        "properties": {"name": {"type": "string"}, "value": {"type": "string"}},
    },
}
SIZE = {"type": "integer", "minimum": -1}
TIME = {"type": "number", "minimum": -1}
TEXT = {"type": "string"}
BOTH = ("httpVersion", "cookies", "headers", "headersSize", "bodySize")
HAR = {  # what http://www.softwareishard.com/blog/har-12-spec/ asks for
    "type": "object",
    "required": ["log"],
    "properties": {
        "log": {
            "type": "object",
            "required": ["version", "creator", "entries"],
            "properties": {
                "version": {"const": "1.2"},
                "creator": {"type": "object", "required": ["name", "version"]},
                "entries": {"type": "array", "items": {"$ref": "#/$defs/entry"}},
            },
            "additionalProperties": False,
        }
    },
    "$defs": {
        "entry": {
            "type": "object",
            "required": ["startedDateTime", "time", "request", "response", "cache", "timings"],
            "properties": {
                "startedDateTime": {"pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+([+-]\d\d:\d\d|Z)$"},
                "time": {"type": "number", "minimum": 0},
                "request": {"$ref": "#/$defs/request"},
                "response": {"$ref": "#/$defs/response"},
                "cache": {"type": "object", "maxProperties": 0},
                "timings": {
                    "type": "object",
                    "required": ["send", "wait", "receive"],
                    "additionalProperties": TIME,
                },
            },
            "patternProperties": {"^_": {}},
            "additionalProperties": False,
        },
        "request": {
            "type": "object",
            "required": [
                "method",
                "url",
                "httpVersion",
                "cookies",
                "headers",
                "queryString",
                "headersSize",
                "bodySize",
            ],
            "properties": {
                "method": TEXT,
                "url": TEXT,
                "httpVersion": TEXT,
                "cookies": PAIRS,
                "headers": PAIRS,
                "queryString": PAIRS,
                "headersSize": SIZE,
                "bodySize": SIZE,
                "postData": {
                    "type": "object",
                    "required": ["mimeType", "text"],
                    "properties": {"mimeType": TEXT, "text": TEXT},
                    "additionalProperties": False,
                },
            },
            "additionalProperties": False,
        },
        "response": {
            "type": "object",
            "required": ["status", "statusText", "content", "redirectURL", *BOTH],
            "properties": {
                "status": {"type": "integer"},
                "statusText": TEXT,
                "httpVersion": TEXT,
                "cookies": PAIRS,
                "headers": PAIRS,
                "redirectURL": TEXT,
                "headersSize": SIZE,
                "bodySize": SIZE,
                "content": {
                    "type": "object",
                    "required": ["size", "mimeType"],
                    "properties": {
                        "size": SIZE,
                        "compression": {"type": "integer"},
                        "mimeType": TEXT,
                        "text": TEXT,
                        "encoding": {"const": "base64"},
                    },
                    "additionalProperties": False,
                },
            },
            "patternProperties": {"^_": {}},
            "additionalProperties": False,
        },
    },
}


def archived(path: Path) -> list[dict[str, Any]]:
    """The entries of a valid archive."""
    document = json.loads("".join(har(RecordingFile(path))))
    jsonschema.validate(document, HAR)
    entries: list[dict[str, Any]] = document["log"]["entries"]
    return entries


def the_one(written: Written, folder: Path) -> dict[str, Any]:
    [entry] = archived(written.write(folder / "x.jsonl"))
    return entry


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_a_sample_is_a_valid_archive_of_all_its_exchanges(sample: Path) -> None:
    lines = [json.loads(line) for line in sample.read_text().splitlines()]
    entries = archived(sample)
    assert [entry["request"]["postData"]["text"] for entry in entries if "postData" in entry["request"]] == [
        line["body"] for line in lines if line["kind"] == "request" and line["body"]
    ]
    ends = [line for line in lines if line["kind"] == "end"]
    assert [entry["response"]["bodySize"] for entry in entries] == [line["bytes"] for line in ends]


def test_a_body_that_is_no_text_is_base64(tmp_path: Path) -> None:
    content = the_one(Written().exchanged([b"\xff\x00", b"\xfe"]), tmp_path)["response"]["content"]
    assert content["encoding"] == "base64"
    assert base64.b64decode(content["text"]) == b"\xff\x00\xfe"


def test_a_compressed_body_is_shown_as_it_is_meant_with_what_it_saved(tmp_path: Path) -> None:
    packed = gzip.compress(b"hello " * 100, mtime=0)
    response = the_one(Written().exchanged([packed], answer=[("content-encoding", "gzip")]), tmp_path)["response"]
    assert response["content"]["text"] == "hello " * 100
    assert response["content"]["size"] == 600
    assert response["bodySize"] == len(packed)
    assert response["content"]["compression"] == 600 - len(packed)


def test_a_body_that_cannot_be_inflated_stays_as_it_came(tmp_path: Path) -> None:
    packed = b"\x8b\x03\x80hello\x03"
    entry = the_one(Written().exchanged([packed], answer=[("content-encoding", "br")]), tmp_path)
    content = entry["response"]["content"]
    assert base64.b64decode(content["text"]) == packed
    assert "compression" not in content


def test_the_borders_of_reads_and_their_times_are_kept(tmp_path: Path) -> None:
    entry = the_one(Written().exchanged([b"data: {}\n", b"\n"]), tmp_path)
    assert entry["_callscope"]["reads"] == [{"at": 1000.0, "size": 9}, {"at": 1500.0, "size": 1}]
    assert entry["timings"] | {"wait": 500.0, "receive": 1500.0} == entry["timings"]
    assert entry["time"] == 2000.0
    assert entry["startedDateTime"] == "2026-11-21T01:23:01.000+00:00"


def test_a_connection_that_failed_has_no_status_and_says_why(tmp_path: Path) -> None:
    response = the_one(Written().exchanged(how="connect_failed", detail="nobody there"), tmp_path)["response"]
    assert response["status"] == 0
    assert response["_error"] == "connect_failed: nobody there"


def test_an_exchange_that_was_cut_says_so(tmp_path: Path) -> None:
    assert the_one(Written().exchanged(says("Hi")[:1], how="reset"), tmp_path)["response"]["_error"] == "reset"


def test_a_recording_that_stops_in_mid_exchange_is_archived_up_to_there(tmp_path: Path) -> None:
    written = Written().exchanged(says("Hi"))
    del written.lines[-2:]
    assert the_one(written, tmp_path)["response"]["_error"] == "not recorded"


def test_a_request_body_that_is_no_text_is_kept_beside(tmp_path: Path) -> None:
    entry = the_one(Written().exchanged(body=b"\xff\x00"), tmp_path)
    assert base64.b64decode(entry["_callscope"]["request_body_base64"]) == b"\xff\x00"


def test_the_query_is_taken_apart(tmp_path: Path) -> None:
    entry = the_one(Written().exchanged(url="http://h/v1?a=1&b=%20&c="), tmp_path)
    assert entry["request"]["queryString"] == [
        {"name": "a", "value": "1"},
        {"name": "b", "value": " "},
        {"name": "c", "value": ""},
    ]


def test_a_session_that_was_gone_on_with_has_the_later_wall_clock(tmp_path: Path) -> None:
    written = Written().exchanged(says("Hi")).add("resumed", at="2026-11-22T10:00:00Z", program="0.1.0")
    written.lines[-1]["t"] = 0.0
    written.exchanged(says("Ho"))
    for number, line in enumerate(written.lines[-6:]):
        line["t"] = float(number)
    last = archived(written.write(tmp_path / "x.jsonl"))[-1]
    assert last["startedDateTime"] == "2026-11-22T10:00:00.000+00:00"


def test_what_a_terminal_would_obey_is_an_escape_in_the_archive(tmp_path: Path) -> None:
    text = "".join(har(RecordingFile(Written().exchanged(["\u2028\u202e\x9b".encode()]).write(tmp_path / "x.jsonl"))))
    assert not {"\u2028", "\u202e", "\x9b"} & set(text)
    assert json.loads(text)["log"]["entries"][0]["response"]["content"]["text"] == "\u2028\u202e\x9b"
