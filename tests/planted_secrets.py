"""Secrets planted where they turn up in practice, and a judge that looks for them by means of its own.

The judge shares no code with the masking: it undoes escapes, percent signs and base64, and joins the string members
of all frames by their path, each in the plainest way. Every secret here is made up, and put together at run time so
that no scanner takes this file for a leak.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from urllib.parse import quote, unquote_to_bytes

from callscope.core.events import (
    ArgumentsDelta,
    BytesRead,
    ExchangeEnded,
    ExchangeOpened,
    PeerEvent,
    ResponseFailed,
    ResponseHead,
    TextDelta,
)
from callscope.core.ports import Arrival
from callscope.core.values import CallKey, Channel, Frame, Request
from callscope.dialects.sse import SSEDecoder

KNOWN = "corp-7fQz-93kd-Kp2m-XxYw"
OTHER = "zebra.quagga.okapi"
LONGER = KNOWN + "-extended-77"
ODD = 'pa"ss\\wörd/北京\n😀end'
SK = "sk" + "-proj-" + "T3stT0kenForMasking0123456789abcdef"
GITHUB = "gh" + "p_" + "abcdEFGH0123456789ijklMNOP4567qrstUV"
AWS = "AK" + "IA" + "IOSFODNN7EXAMPLE"
GOOGLE = "AI" + "za" + "SyTESTtestTESTtest_0123456789-abcdef"
SLACK = "xo" + "xb-" + "123456789012-abcdefGHIJKL"
HUGGING_FACE = "h" + "f_" + "abcdefGHIJKLmnopqrSTUVWXyz01234567"
GROQ = "gs" + "k_" + "abcdefGHIJKLmnopqrSTUVWXyz0123456789"
XAI = "xa" + "i-" + "abcdefGHIJKLmnopqrSTUVWXyz0123456789"
NVIDIA = "nva" + "pi-" + "abcdefGHIJKL_mnopqrSTUVWXyz-0123456789"
JWT = "ey" + "JhbGciOiJIUzI1NiJ9." + "ey" + "JzdWIiOiJ0ZXN0IiwibiI6MX0." + "c2lnbmF0dXJlLW9mLXRlc3Q"
PEM_BODY = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC\nBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\nMzEfYyjiWA4R4ygxTESTtestTESTtest0=\n"
PEM = f"-----BEGIN {'PRIVATE'} KEY-----\n{PEM_BODY}-----END {'PRIVATE'} KEY-----\n"

VENDORS = (SK, GITHUB, AWS, GOOGLE, SLACK, HUGGING_FACE, GROQ, XAI, NVIDIA, JWT)


# ---- bodies as servers send them -----------------------------------------------------------------------------------


def sse(*deltas: dict[str, Any], ascii_only: bool = False, ending: str = "data: [DONE]\n\n") -> bytes:
    """A Chat Completions stream with these deltas."""
    frames = [
        "data: "
        + json.dumps({"id": "chatcmpl-q", "choices": [{"index": 0, "delta": delta}]}, ensure_ascii=ascii_only)
        + "\n\n"
        for delta in deltas
    ]
    return ("".join(frames) + ending).encode()


def pieces(text: str, size: int) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]


def said(text: str, size: int = 4, member: str = "content") -> list[dict[str, Any]]:
    """The deltas of a text."""
    return [{member: piece} for piece in pieces(text, size)]


def called(arguments: str, size: int = 4, index: int = 0) -> list[dict[str, Any]]:
    """The deltas of a call: its name first, then its arguments."""
    start = {"index": index, "id": f"call_{index}", "type": "function", "function": {"name": "f", "arguments": ""}}
    more = [{"index": index, "function": {"arguments": piece}} for piece in pieces(arguments, size)]
    return [{"tool_calls": [part]} for part in (start, *more)]


def in_turns(*streams: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Several streams of deltas, one delta of each in turn."""
    longest = max(map(len, streams))
    return [stream[at] for at in range(longest) for stream in streams if at < len(stream)]


def escaped(text: str) -> str:
    """Every character of a text as a \\u escape of JSON."""
    units = text.encode("utf-16-be")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))


# ---- the table -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Planted:
    """A response body with a secret in it; `known` are the values that the session knows."""

    sentence: str
    body: bytes
    secrets: tuple[str, ...]
    known: tuple[str, ...] = (KNOWN,)
    stream: bool = True
    status: int = 200

    def __str__(self) -> str:
        return self.sentence.replace(" ", "_")


def _whole(sentence: str, text: str, secret: str, **more: Any) -> Planted:
    return Planted(sentence, text.encode(), (secret,), **{"stream": False, **more})


def planted_bodies() -> list[Planted]:
    """Response bodies, each with a sentence that says where the secret is."""
    arguments = json.dumps({"key": KNOWN, "n": 1})
    nested = json.dumps({"body": json.dumps({"auth": ODD})})
    return [
        Planted("a key in one delta of text", sse({"content": f"It is {KNOWN}, keep it."}), (KNOWN,)),
        Planted("a key split over deltas of text", sse(*said(f"It is {KNOWN}, keep it.")), (KNOWN,)),
        Planted("a key split into deltas of one character", sse(*said(f"It is {KNOWN}!", 1)), (KNOWN,)),
        Planted("a key at the very start of the text", sse(*said(KNOWN + " is it", 5)), (KNOWN,)),
        Planted("a key at the very end of the text", sse(*said("It is " + KNOWN, 3)), (KNOWN,)),
        Planted("a key at the very end of a stream without an ending", sse(*said(KNOWN), ending=""), (KNOWN,)),
        Planted("a key in the reasoning", sse(*said(f"The key {KNOWN} …", 4, "reasoning_content")), (KNOWN,)),
        Planted("a key in a refusal", sse(*said(f"I won't say {KNOWN}.", 4, "refusal")), (KNOWN,)),
        Planted("a key in the arguments of a call", sse(*called(arguments)), (KNOWN,)),
        Planted("a key in the arguments of two calls in turns", _parallel(arguments), (KNOWN,)),
        Planted("a key in text and arguments in turns", sse(*in_turns(said(KNOWN, 3), called(arguments, 2))), (KNOWN,)),
        Planted("a key with odd characters in text, as UTF-8", sse(*said(f"<{ODD}>", 2)), (ODD,), (ODD,)),
        Planted("a key with odd characters, in ASCII", sse(*said(f"<{ODD}>", 3), ascii_only=True), (ODD,), (ODD,)),
        Planted("a key with odd characters in arguments", sse(*called(json.dumps({"k": ODD}), 3)), (ODD,), (ODD,)),
        Planted("a key with odd characters in JSON in arguments", sse(*called(nested, 3)), (ODD,), (ODD,)),
        Planted("a key in \\u escapes in arguments", sse(*called(f'{{"k":"{escaped(KNOWN)}"}}', 5)), (KNOWN,)),
        Planted("a token in \\u escapes in arguments", sse(*called(f'{{"k":"{escaped(SK)}"}}', 7)), (SK,), ()),
        Planted("a key in \\u escapes of the body", _raw(f'{{"content":"{escaped(KNOWN)}"}}'), (KNOWN,)),
        Planted("a token with its first letter escaped", _raw(f'{{"content":"\\u0073{SK[1:]}"}}'), (SK,), ()),
        Planted("a key with escaped slashes", _slashes(), ("pa/th/to/the-key",), ("pa/th/to/the-key",)),
        Planted("a token cut within its public prefix", sse(*called(f'{{"k": "{AWS}"}}', 9)), (AWS,), ()),
        Planted("a token after what looks like a private key", sse(*said(f"-----BEGIN  {AWS}|", 2)), (AWS,), ()),
        Planted("a key in escapes of escapes", sse(*said(escaped(escaped(KNOWN)), 40)), (KNOWN,)),
        Planted("two keys side by side", sse(*said(KNOWN + OTHER, 4)), (KNOWN, OTHER), (KNOWN, OTHER)),
        Planted("the same key twice in a row", sse(*said(KNOWN * 2, 5)), (KNOWN,)),
        Planted("the longer of two keys", sse(*said(f"{LONGER} it is", 4)), (LONGER,), (KNOWN, LONGER)),
        Planted("the shorter of two keys", sse(*said(f"{KNOWN}-exit", 4)), (KNOWN,), (KNOWN, LONGER)),
        Planted("a false start, then the key", sse(*said(KNOWN[:9] + KNOWN, 4)), (KNOWN,)),
        Planted("a token in the text", sse(*said(f"Use {SK} here.")), (SK,), ()),
        Planted("a token in quotes in arguments", sse(*called(json.dumps({"h": f"Bearer {GITHUB}"}))), (GITHUB,), ()),
        Planted("a token after an escaped line break", sse({"content": f"keys:\n{GOOGLE}\n"}), (GOOGLE,), ()),
        Planted("a JWT over deltas", sse(*said(f"Cookie: {JWT}; Path=/", 6)), (JWT,), ()),
        Planted("a private key over many deltas", sse(*said(f"Here:\n{PEM}Done.", 5)), _lines(PEM_BODY), ()),
        Planted("a private key in arguments", sse(*called(json.dumps({"pem": PEM}), 7)), _lines(PEM_BODY), ()),
        Planted("a private key in one string", sse({"content": PEM}), _lines(PEM_BODY), ()),
        Planted("a key in a comment of the stream", f": trace {KNOWN}\n\n".encode() + sse(*said("Hi.")), (KNOWN,)),
        Planted("a key in a member that no event is made from", _raw(f'{{"user":"{KNOWN}","choices":[]}}'), (KNOWN,)),
        Planted("a key as the name of a member", _raw(f'{{"{KNOWN}":1,"choices":[]}}'), (KNOWN,)),
        Planted("an error in mid-stream with the key", _raw(f'{{"error":{{"message":"no {KNOWN}"}}}}'), (KNOWN,)),
        Planted("a key in base64 as of a Basic header", sse({"content": _basic(KNOWN)}), (KNOWN,)),
        Planted("a key in base64 over deltas", sse(*said(_basic(KNOWN), 4)), (KNOWN,)),
        Planted("a key in a percent-encoded URL", sse(*said("https://h/?k=" + quote(ODD, safe=""), 4)), (ODD,), (ODD,)),
        Planted("logprobs that repeat the tokens", _logprobs(KNOWN), (KNOWN,)),
        Planted("arguments that grow and are sent anew each time", _cumulative(arguments), (KNOWN,)),
        Planted("every vendor's token in one stream", sse(*said(" ".join(VENDORS), 4)), VENDORS, ()),
        Planted("a stream with CR LF line ends", sse(*said(KNOWN)).replace(b"\n", b"\r\n"), (KNOWN,)),
        _whole("a plain JSON answer", json.dumps({"choices": [{"message": {"content": KNOWN}}]}), KNOWN),
        _whole("a plain JSON answer with a call", _answer(arguments), KNOWN),
        _whole("an error that repeats the key", json.dumps({"error": {"message": f"bad key {SK}"}}), SK, status=401),
        _whole("an error page in HTML", f"<html><p>No: key={KNOWN}&amp;x</p></html>", KNOWN, status=502),
        _whole("a body that is the key", KNOWN, KNOWN),
        _whole("a body that starts with a token", SK + "\n", SK, known=()),
        _whole("a remote tool's result", json.dumps({"result": {"output": json.dumps({"t": JWT})}}), JWT, known=()),
    ]


def _lines(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _raw(*objects: str) -> bytes:
    return "".join(f"data: {text}\n\n" for text in objects).encode()


def _slashes() -> bytes:
    return _raw('{"content":"pa\\/th\\/to\\/the-key"}')


def _basic(secret: str) -> str:
    return "Basic " + base64.b64encode(f"user:{secret}".encode()).decode()


def _parallel(arguments: str) -> bytes:
    return sse(*in_turns(called(arguments, 3, 0), called(arguments, 5, 1)))


def _answer(arguments: str) -> str:
    call = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": arguments}}
    return json.dumps({"choices": [{"message": {"content": None, "tool_calls": [call]}}]})


def _logprobs(secret: str) -> bytes:
    tokens = pieces(secret, 3)
    return _raw(
        *(json.dumps({"choices": [{"delta": {"content": t}, "logprobs": {"content": [{"token": t}]}}]}) for t in tokens)
    )


def _cumulative(arguments: str) -> bytes:
    """What the decoder makes of it are the differences; see `words`."""
    so_far = [arguments[: at + 5] for at in range(0, len(arguments), 5)]
    return _raw(*(json.dumps({"cumulative": text}) for text in so_far))


# ---- from bodies to arrivals ---------------------------------------------------------------------------------------


def cut(body: bytes, cuts: Iterable[int]) -> list[bytes]:
    """The body in reads that end at these offsets."""
    at = [0, *sorted({c for c in cuts if 0 < c < len(body)}), len(body)]
    return [body[start:end] for start, end in pairwise(at) if start < end]


def arrivals(body: bytes, cuts: Iterable[int] = (), *, stream: bool = True, status: int = 200) -> list[Arrival]:
    """An exchange as a session hands it to its guard."""
    content_type = "text/event-stream" if stream else "application/json"
    result = [
        Arrival(0.0, ExchangeOpened(1, Request("POST", "http://h/v1", (), b"{}")), ()),
        Arrival(1.0, ResponseHead(1, status, (("content-type", content_type),)), ()),
    ]
    decoder, seen = SSEDecoder(), [""]
    for number, data in enumerate(cut(body, cuts)):
        frames = decoder.feed(data) if stream else []
        result.append(Arrival(2.0 + number, BytesRead(1, data), list(words(frames, seen))))
    last = decoder.close() if stream else [Frame("body", "", body.decode(), 0, len(body))]
    result.append(Arrival(1e6, ExchangeEnded(1, "complete"), list(words(last, seen))))
    return result


def words(frames: Iterable[Frame], cumulative: list[str]) -> Iterator[PeerEvent]:
    """The events of frames, as a decoder would give them; `cumulative` is the memory of one that takes differences."""
    for frame in frames:
        try:
            value = json.loads(frame.data)
        except ValueError:
            continue
        if "error" in value:
            yield ResponseFailed("error", value["error"]["message"])
        if "cumulative" in value:
            yield ArgumentsDelta(CallKey(1, 0), value["cumulative"][len(cumulative[0]) :], frame)
            cumulative[0] = value["cumulative"]
        for choice in value.get("choices", ()):
            yield from _choice_words(choice.get("delta") or choice.get("message"), frame)


CHANNELS: dict[str, Channel] = {"content": "output", "reasoning_content": "reasoning", "refusal": "refusal"}


def _choice_words(delta: dict[str, Any], frame: Frame) -> Iterator[PeerEvent]:
    for member, channel in CHANNELS.items():
        if delta.get(member):
            yield TextDelta(channel, delta[member], frame)
    for call in delta.get("tool_calls", ()):
        if call["function"]["arguments"]:
            yield ArgumentsDelta(CallKey(1, call.get("index", 0)), call["function"]["arguments"], frame)


# ---- the judge -----------------------------------------------------------------------------------------------------


ESCAPE = re.compile(rb'\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|["\\/bfnrt])')


def exposed(data: bytes, secret: str) -> str:
    """How a secret can be read in some bytes; empty where it cannot."""
    wanted = secret.encode()
    for how, reading in _readings(data):
        if wanted in reading:
            return how
    return ""


def _readings(data: bytes) -> Iterator[tuple[str, bytes]]:
    yield from _deeper("the bytes", data)
    for path, text in _joined(data).items():
        yield from _deeper(f"the member {path}", text.encode("utf-8", "surrogatepass"))


def _deeper(how: str, data: bytes) -> Iterator[tuple[str, bytes]]:
    for level in range(4):
        yield f"{how}, {level} times unescaped", data
        yield f"{how}, percent-decoded", unquote_to_bytes(data)
        for run in re.findall(rb"[A-Za-z0-9+/]{12,}", data):
            for shift in range(4):
                yield f"{how}, from base64", _from_base64(run[shift:])
        data = re.sub(
            rb'\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|["\\/bfnrt])', _plain, data
        )


def _plain(found: re.Match[bytes]) -> bytes:
    return json.loads(b'"' + found[0] + b'"').encode("utf-8", "surrogatepass")


def _from_base64(run: bytes) -> bytes:
    try:
        return base64.b64decode(run + b"A" * (-len(run) % 4))
    except binascii.Error:
        return b""


def _joined(data: bytes) -> dict[str, str]:
    """The strings of all frames, joined by where they stand; the index of a call counts as a part of its place."""
    joined: dict[str, str] = {}
    for line in re.split(r"\r\n|\n|\r", data.decode("utf-8", "replace")):
        try:
            value = json.loads(line.removeprefix("data:"))
        except ValueError:
            continue
        for path, text in _strings(value, ""):
            joined[path] = joined.get(path, "") + text
    return joined


def _strings(value: Any, path: str) -> Iterator[tuple[str, str]]:
    match value:
        case str():
            yield path, value
        case list():
            for number, element in enumerate(value):
                index = element.get("index", number) if isinstance(element, dict) else number
                yield from _strings(element, f"{path}/{index}")
        case dict():
            for name, member in value.items():
                yield from _strings(member, f"{path}/{name}")


def structure(body: bytes, *, stream: bool) -> list[Any]:
    """What a body is without its words: channels, shapes of JSON, and the lengths of strings that were not masked."""
    decoder = SSEDecoder()
    frames = [*decoder.feed(body), *decoder.close()] if stream else [Frame("body", "", body.decode(), 0, len(body))]
    return [(frame.channel, frame.event, frame.start, frame.end, _shape(frame.data)) for frame in frames]


def _shape(data: str) -> Any:
    try:
        value = json.loads(data)
    except ValueError:
        return "text"
    return _shape_of(value)


def _shape_of(value: Any) -> Any:
    match value:
        case dict():
            return [_shape_of(member) for member in value.values()]
        case list():
            return [_shape_of(element) for element in value]
        case str():
            return "string"
        case _:
            return value


def shapes_of_joined(body: bytes) -> list[Any]:
    """Whether what the deltas join to is JSON, and of what shape."""
    return [_shape(text) for text in _joined(body).values()]
