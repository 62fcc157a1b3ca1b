"""Rules that hold for every protocol: how answers come over HTTP, how errors look, what may be asked beside.

Knows HTTP and the form of errors that OpenAI documents (https://platform.openai.com/docs/guides/error-codes). Must not
know any protocol's events.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from callscope.core.visible import one_line
from callscope.dialects.failures import words
from callscope.dialects.shapes import object_of

from .bounding import MOST_BYTES
from .rule import Rule, Verdict, broken, held, not_shown, rule
from .seen import NO_KEY, NO_SUCH_MODEL, Seen, as_sent, shown

HTTP_RULES: Final[list[Rule]] = []
FEATURES: Final = ("tools", "response_format", "text", "previous_response_id", "instructions")
"""Members that a server may refuse without refusing to answer at all: each has rules of its own."""
SILENCE: Final = 2.0
"""Seconds without a byte, after which a body that did not end is no longer one that only takes long."""


def is_plain(seen: Seen) -> bool:
    """Whether this asks for words and nothing else, which every endpoint has to answer."""
    return seen.is_chat and "model" in seen.asked and not any(seen.asked.get(name) for name in FEATURES)


def was_answered(seen: Seen) -> bool:
    """Whether an answer was asked for and the status is one of success."""
    return seen.is_chat and seen.is_good


def server_words(seen: Seen) -> str:
    """A server's own words on an error, in one line."""
    return one_line(words(seen.body.decode("utf-8", "replace")), 120)


def refusal(seen: Seen) -> str:
    """A status that is none of success, with the server's words on it, or why no response came."""
    if not seen.status:
        return f"no response: {seen.exchange.detail or seen.exchange.how}"
    return f"status {seen.status}: {server_words(seen) or 'no words'}"


@rule(
    HTTP_RULES,
    "http.answers",
    "required",
    "A plain question gets an answer with a status of success.",
    breaks="nothing works",
    when=is_plain,
)
def _answers(seen: Seen) -> Iterator[Verdict]:
    if not seen.is_good:
        yield broken(refusal(seen), seen.frames[0] if seen.frames else None)
    elif not seen.raw.strip():
        yield broken(f"status {seen.status} and not one byte")
    else:
        yield held(f"status {seen.status}")


@rule(
    HTTP_RULES,
    "http.complete",
    "required",
    "A body ends as HTTP says that it will.",
    breaks="an answer that is cut off looks like one that is whole",
    when=lambda seen: seen.is_chat and seen.exchange.head is not None,
)
def _complete(seen: Seen) -> Iterator[Verdict]:
    how = seen.exchange.how
    if how == "timeout" and _was_growing(seen):
        yield not_shown(f"it still grew after {len(seen.raw):,} bytes, when its time was over (--each gives it more)")
    elif how == "timeout":
        yield broken(f"after {len(seen.raw):,} bytes: {seen.exchange.detail or 'the server fell silent'}")
    elif how in ("truncated", "reset"):
        yield broken(f"{how} after {len(seen.raw):,} bytes: {seen.exchange.detail}")
    elif how != "complete":
        yield not_shown("the exchange was interrupted")


def _was_growing(seen: Seen) -> bool:
    """Whether a body that was given up came bit by bit to the last: a slow server's, and not one that has no end."""
    exchange, reads = seen.exchange, seen.exchange.reads
    silence = min(SILENCE, (exchange.ended_at - exchange.sent_at) / 2)  # of less time than that, half of it
    return bool(reads) and exchange.ended_at - reads[-1][0] < silence and len(seen.raw) <= MOST_BYTES


@rule(
    HTTP_RULES,
    "http.streams",
    "required",
    "`stream: true` is answered with server-sent events.",
    breaks="nothing is seen before the whole answer is there; stream readers see nothing at all",
    when=lambda seen: seen.wants_stream and seen.is_good and bool(seen.frames),
)
def _streams(seen: Seen) -> Iterator[Verdict]:
    if seen.streamed:
        yield held(f"{sum(frame.channel == 'sse' for frame in seen.frames):,} events")
    else:
        begins = one_line(seen.body[:60].decode("utf-8", "replace"))
        yield broken(f"no event came; the body begins with {begins}", seen.frames[0] if seen.frames else None)


@rule(
    HTTP_RULES,
    "http.whole",
    "required",
    "`stream: false` is answered with one JSON object.",
    breaks="programs that do not stream cannot read the answer",
    when=lambda seen: (
        was_answered(seen) and not seen.wants_stream and bool(seen.raw.strip()) and seen.exchange.how == "complete"
    ),
)
def _whole(seen: Seen) -> Iterator[Verdict]:
    if seen.streamed:
        yield broken("events came", seen.frames[0])
    elif not seen.whole:
        yield broken("what came is no JSON object", seen.frames[0] if seen.frames else None)


@rule(
    HTTP_RULES,
    "http.content_type",
    "required",
    "The content type says what comes: text/event-stream or application/json.",
    breaks="clients that go by the label (EventSource, many SDKs, httpx-sse) refuse the answer",
    when=lambda seen: was_answered(seen) and bool(seen.frames),
)
def _content_type(seen: Seen) -> Iterator[Verdict]:
    said = seen.headers.get("content-type", "")
    wanted = "text/event-stream" if seen.streamed else "application/json"
    if said.partition(";")[0].strip().lower() != wanted:
        yield broken(f"{one_line(said, 60) or 'none'} for what is {wanted}")


@rule(
    HTTP_RULES,
    "http.identity",
    "recommended",
    "A body that is asked for as it is (accept-encoding: identity) comes uncompressed.",
    breaks="compressors hold events back; clients that asked for none may not decompress",
    when=lambda seen: was_answered(seen) and bool(seen.raw),
)
def _identity(seen: Seen) -> Iterator[Verdict]:
    encoding = seen.headers.get("content-encoding", "identity")
    if encoding.strip().lower() not in ("", "identity") or seen.raw[:2] == b"\x1f\x8b":
        yield broken(f"content-encoding: {one_line(encoding, 40)}")


# ---- errors -------------------------------------------------------------------------------------------------------


def _error(seen: Seen) -> dict[str, Any]:
    return object_of(seen.whole.get("error"))


def _judged_error(seen: Seen) -> Iterator[Verdict]:
    """Whether an error has the documented form: {"error": {"message", "type", "param", "code"}}."""
    if "json" not in seen.headers.get("content-type", "").lower():
        yield broken(f"status {seen.status} as {one_line(seen.headers.get('content-type', 'nothing'), 40)}")
    error = _error(seen)
    if not error:
        yield broken(f"status {seen.status} without an `error` object: {shown(seen.whole)}")
    elif not isinstance(error.get("message"), str) or not error["message"]:
        yield broken(f"in `error`, {as_sent(error, 'message')}")
    elif missing := [name for name in ("type", "code") if name not in error]:
        yield broken(f"`error` has no {' and no '.join(missing)}: {shown(error)}")
    else:
        yield held(f"status {seen.status}: {one_line(error['message'], 80)}")


def _has_error(seen: Seen) -> bool:
    return seen.exchange.request.method == "POST" and seen.status >= 400


OPENAI_ERRORS: Final[list[Rule]] = []
"""Rules for servers that answer errors as OpenAI documents them; an agent's are its own."""

rule(
    OPENAI_ERRORS,
    "http.error_shape",
    "recommended",
    'Errors are JSON in the documented shape: {"error": {"message", "type", "param", "code"}}.',
    breaks="SDKs raise errors without the server's words, and nobody sees what is wrong",
    when=_has_error,
)(_judged_error)


@rule(
    HTTP_RULES,
    "http.bad_body",
    "recommended",
    "A body that is no JSON is refused with 400 (or 422).",
    breaks="a broken request seems to be answered; 500 makes clients try it again and again",
    when=lambda seen: seen.exchange.request.method == "POST" and not seen.asked and seen.status > 0,
)
def _bad_body(seen: Seen) -> Iterator[Verdict]:
    yield held(f"status {seen.status}") if seen.status in (400, 415, 422) else broken(refusal(seen))


@rule(
    OPENAI_ERRORS,
    "http.bad_model",
    "recommended",
    "A model that does not exist is refused with 404 (or 400).",
    breaks="a misspelt model goes unnoticed",
    when=lambda seen: seen.asked.get("model") == NO_SUCH_MODEL and seen.status > 0,
)
def _bad_model(seen: Seen) -> Iterator[Verdict]:
    if seen.is_good and not _error(seen):
        yield not_shown("answered all the same: the server takes any name, or has one model for all")
    else:
        yield held(f"status {seen.status}") if seen.status in (400, 404, 422) else broken(refusal(seen))


@rule(
    HTTP_RULES,
    "http.no_key",
    "informational",
    "A request without the key is refused with 401 (or 403), or nobody needs a key.",
    breaks="a server that answers whoever asks can be used by whoever finds it",
    when=lambda seen: NO_KEY in seen.exchange.request.headers and seen.status > 0,
)
def _no_key(seen: Seen) -> Iterator[Verdict]:
    if seen.is_good:
        yield held(f"status {seen.status}: no key is needed")
    else:
        yield held(f"status {seen.status}") if seen.status in (401, 403) else broken(refusal(seen))


# ---- the list of models -------------------------------------------------------------------------------------------


@rule(
    OPENAI_ERRORS,
    "http.models",
    "recommended",
    "`GET /models` lists models, each with its id.",
    breaks="pickers of models stay empty; clients that check a model before they use it refuse",
    when=lambda seen: seen.exchange.request.method == "GET" and seen.path.endswith("/models") and seen.status > 0,
)
def _models(seen: Seen) -> Iterator[Verdict]:
    listed = seen.whole.get("data")
    if not seen.is_good:
        yield broken(refusal(seen))
    elif not isinstance(listed, list):
        yield broken(f"no list `data`: {shown(seen.whole)}")
    elif odd := [entry for entry in listed if not (isinstance(entry, dict) and isinstance(entry.get("id"), str))]:
        yield broken(f"an entry without an id: {shown(odd[0])}")
    else:
        yield held(f"{len(listed)} model{'' if len(listed) == 1 else 's'}")
