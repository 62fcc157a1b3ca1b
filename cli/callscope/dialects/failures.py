"""The server's own words for what went wrong, wherever it put them.

Knows the forms of errors: objects, strings, lists, pages, headers. Must not know whether an error ends a response.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from html import unescape
from http import HTTPStatus
from typing import Any

from callscope.core.values import Ending, Headers, JsonObject

from .documents import is_too_deep

LONGEST = 2000
"""Characters: of a page or a text more than this is no message but a document."""
LONGEST_NAME = 80

WORDS = ("message", "msg", "detail", "error_msg", "error_message", "errorMessage", "status_msg", "error_description")
NESTED = ("error", "errors", "fault", "reason", "title", "description", "code", "error_code", "type")
REQUEST_IDS = (
    "x-request-id",
    "request-id",
    "apim-request-id",
    "x-ms-request-id",
    "x-amzn-requestid",
    "x-generation-id",
    "x-litellm-call-id",
    "x-trace-id",
    "cf-ray",
)

ENDINGS: dict[Ending, str] = {
    "complete": "The stream ended early: no finish_reason and no [DONE].",
    "truncated": "The body was cut off before its announced end.",
    "reset": "The connection was reset.",
    "timeout": "The server stayed silent for too long.",
    "cancelled": "The request was cancelled.",
    "connect_failed": "The server could not be reached.",
    "dns_failed": "The host name could not be resolved.",
    "tls_failed": "No TLS connection could be made.",
}


def words(value: Any) -> str:
    """What an error value says: its message, the message inside its message, or at least its code."""
    match value:
        case str():
            return _inner(value.strip())
        case dict():
            return _words_of_object(value)
        case list():
            return "; ".join(filter(None, (words(item) for item in value)))
        case bool() | None:
            return ""
        case _:
            return str(value)


def _inner(text: str) -> str:
    """Relays put the JSON of an upstream's error into their message."""
    if text[:1] in ("{", "[") and not is_too_deep(text):
        try:
            return words(json.loads(text)) or text
        except ValueError:
            return text
    return text


def _words_of_object(error: JsonObject) -> str:
    said = next((found for name in WORDS if (found := words(error.get(name)))), "")
    if not said:
        nested = next((found for name in NESTED if (found := words(error.get(name)))), "")
        return nested or json.dumps(error, ensure_ascii=False, separators=(",", ":"))[:LONGEST]
    metadata = error.get("metadata")
    # OpenRouter says "Provider returned error" and keeps the provider's words in metadata.raw
    raw = words(metadata.get("raw")) if isinstance(metadata, dict) else ""
    place = error.get("loc")
    if isinstance(place, list):  # FastAPI's detail items
        said = f"{'.'.join(map(str, place))}: {said}"
    return f"{said}: {raw}" if raw and raw not in said else said


def words_and_names(error: Any) -> str:
    """What an error says, and the type and the code by which the server's people find it."""
    said = words(error)
    if not isinstance(error, dict) or not said:
        return said
    inner = error["error"] if isinstance(error.get("error"), dict) else error
    names = [f"{name} {inner[name]}" for name in ("type", "code") if _is_name(inner.get(name), said)]
    return f"{said} ({', '.join(names)})" if names else said


def _is_name(value: Any, said: str) -> bool:
    named = isinstance(value, str | int) and not isinstance(value, bool) and value != "error"
    return named and 0 < len(str(value)) <= LONGEST_NAME and str(value) not in said


def error_in(document: JsonObject) -> str | None:
    """The words of a document that is, or holds, an error; None where it is none."""
    error = document.get("error")
    if error is True:
        return words_and_names({name: member for name, member in document.items() if name != "error"})
    if error:
        return words_and_names(error) or "The server reported an error."
    base = document.get("base_resp")  # MiniMax
    if isinstance(base, dict) and base.get("status_code"):
        return words(base)
    if document.get("choices"):
        return _error_on_choice(document["choices"])
    if "choices" in document:
        return None
    marked = (
        document.get("object") == "error"
        or document.get("type") == "error"
        or document.get("success") is False
        or document.get("status") in ("error", "failed")
        or bool(document.get("errors"))
        or bool(document.get("error_code") and document.get("error_msg"))
    )
    return words_and_names(document) if marked else None


def _error_on_choice(choices: Any) -> str | None:
    for choice in choices if isinstance(choices, list) else [choices]:
        if isinstance(choice, dict) and choice.get("error"):
            return words_and_names(choice["error"]) or "The server reported an error."
    return None


def remark_in(document: JsonObject) -> str:
    """What a document that is no chunk says in words: an error if nothing else comes, else a remark."""
    return next((found for name in WORDS if (found := words(document.get(name)))), "")


# ---- pages and statuses ---------------------------------------------------------------------------------------------

_HIDDEN = re.compile(r"<(script|style|head)\b.*?(?:</\1\s*>|\Z)|<!--.*?(?:-->|\Z)", re.DOTALL | re.IGNORECASE)
_TITLE = re.compile(r"<title[^>]*>(.*?)(?:</title|\Z)", re.DOTALL | re.IGNORECASE)
_TAG = re.compile(r"<[^>]*>?")
_PAGE = re.compile(r"\s*<(?:!doctype|html|head|body|\?xml|h1|center|title|p\b|div|!--)", re.IGNORECASE)


def is_page(text: str) -> bool:
    """Whether a text is an HTML or XML page."""
    return _PAGE.match(text) is not None


def page_words(text: str) -> str:
    """The words of a page: its title and the beginning of its text."""
    text = text[: 50 * LONGEST]
    title = " ".join(unescape(found.group(1)).split()) if (found := _TITLE.search(text)) else ""
    body = " ".join(unescape(_TAG.sub(" ", _HIDDEN.sub(" ", text))).split())
    if body.startswith(title):
        body = body[len(title) :].strip()
    return " | ".join(filter(None, (title, body[:200])))


def status_words(status: int) -> str:
    """A status with its standard phrase."""
    try:
        return f"HTTP {status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"HTTP {status}"


# ---- headers --------------------------------------------------------------------------------------------------------


def request_id(headers: Mapping[str, str]) -> str | None:
    """The id by which the server's people can find the request; header names in lower case."""
    return next((value for name in REQUEST_IDS if (value := headers.get(name))), None)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that the server asks to wait; a date is read against the response's own date."""
    if milliseconds := headers.get("retry-after-ms"):
        return _seconds(milliseconds, 0.001)
    given = headers.get("retry-after", "")
    seconds = _seconds(given, 1.0)
    if seconds is not None or not given:
        return seconds
    from email.utils import parsedate_to_datetime  # costs some milliseconds, and hardly any server sends a date

    try:
        wait = parsedate_to_datetime(given) - parsedate_to_datetime(headers.get("date", ""))
    except (TypeError, ValueError, OverflowError):  # the last for a year or a zone that no date can have
        return None
    return max(0.0, wait.total_seconds())


def _seconds(text: str, unit: float) -> float | None:
    try:
        seconds = float(text) * unit
    except ValueError:
        return None
    return seconds if 0.0 <= seconds < float("inf") else None


def by_name(headers: Headers) -> dict[str, str]:
    """Headers by their names in lower case; of several with one name the last."""
    return {name.lower(): value for name, value in headers}
