"""From the URL a person gives to the URL of a resource.

Knows how base URLs are written: with or without /v1, a trailing slash, a query string, or the whole path. Must not
know where any server is.
"""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

from callscope.core.errors import UsageError

CHAT = "/chat/completions"
RESPONSES = "/responses"
RESOURCES = (CHAT, RESPONSES)


def endpoint_url(base: str, path: str = CHAT) -> str:
    """The URL to post to: an empty path gets /v1, any other stays, the query string stays too.

    Raises UsageError for what is no http(s) URL.
    """
    try:
        parts = urlsplit(base.strip())
        host = parts.hostname
    except ValueError as error:
        raise UsageError(f"This is not a URL ({error}): {_without_secrets(base)}") from None
    if parts.scheme not in ("http", "https") or not host:
        shown = _without_secrets(base) or "(empty)"
        raise UsageError(f"A base URL begins with http:// or https:// and a host; this one does not: {shown}")
    root = parts.path.rstrip("/")
    if resource := next((known for known in RESOURCES if root.endswith(known)), ""):
        root = root.removesuffix(resource)
    elif not root:
        root = "/v1"
    return urlunsplit((parts.scheme, parts.netloc, root + path, parts.query, ""))


def _without_secrets(url: str) -> str:
    """A URL without its query string and its user, where keys may stand."""
    before_query = url.strip().partition("?")[0]
    return before_query.rpartition("@")[2] if "@" in before_query else before_query
