"""Where an agent is spoken to, and where it is listed: from the URL that a person gives.

Knows the paths of both contracts. Must not know where any server is.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

from callscope.dialects.urls import CHAT, endpoint_url

AGENTS: Final = "/agents"
_FULL: Final = re.compile(r"/(?:chat|completions|invoke|run|runs|stream|query|messages?)/?\Z")
"""Ends of a path that is the whole one; external agents are registered by their full URL, whatever it is."""

_VERSION: Final = re.compile(r"/v\d+\Z")


def chat_url(base: str) -> str:
    """The URL to post to: a full one as it is, a base with `/v1/chat`. Raises UsageError for what is no http(s) URL."""
    path = _path(base)
    if _FULL.search(path):
        return _replaced(base, urlsplit(base.strip()).path)
    return _replaced(base, f"{_versioned(path.removesuffix(AGENTS))}/chat")


def agents_urls(base: str) -> tuple[str, ...]:
    """Where the agents may be listed, most likely first; chat and discovery may lie under different bases."""
    path = _path(base)
    if path.endswith(AGENTS):
        return (_replaced(base, path),)
    root = _versioned(_FULL.sub("", path.removesuffix(CHAT)).rstrip("/"))
    return tuple(dict.fromkeys((_replaced(base, f"{root}{AGENTS}"), _replaced(base, f"/v1{AGENTS}"))))


def _versioned(path: str) -> str:
    return path if _VERSION.search(path) else f"{path}/v1"


def _path(base: str) -> str:
    endpoint_url(base)  # raises where it is no URL
    return urlsplit(base.strip()).path.rstrip("/")


def _replaced(base: str, path: str) -> str:
    return urlsplit(base.strip())._replace(path=path, fragment="").geturl()
