"""Which dialect a URL speaks, as far as the URL alone tells.

Knows the paths of the protocols and the servers whose hosts everybody knows. Must not know how a server is asked.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from callscope.core.events import Diagnostic

from .diagnostics import diagnostic


class Told(NamedTuple):
    """A dialect and how it is known, as the rest of a sentence."""

    dialect: str
    how: str

    def diagnostic(self) -> Diagnostic:
        """The notice that says so."""
        return diagnostic("dialect_chosen", text=f"{self.dialect}: {self.how}.")


_BY_PATH: Final = (
    (re.compile(r"/orchestrate/(?:[^/]+/)?chat/completions\Z"), "acf", "the URL is that of an agent in Orchestrate"),
    (re.compile(r"/(?:chat/)?completions\Z"), "chat", "the URL ends in /chat/completions"),
    (re.compile(r"/responses\Z"), "responses", "the URL ends in /responses"),
    (re.compile(r"/chat\Z"), "acf", "the URL ends in /chat"),
    (re.compile(r"/agents\Z"), "acf", "the URL ends in /agents"),
)
_CHAT_BASE: Final = re.compile(r"/(?:v\d+\w*|openai)\Z")
_CHAT_HOSTS: Final = re.compile(r"(?:.+\.)?(?:openai\.com|openrouter\.ai|groq\.com|mistral\.ai|deepseek\.com)")


def told_by_url(url: str) -> Told | None:
    """What the URL says of the dialect; None where it says nothing."""
    parts = urlsplit(url.strip())
    path = parts.path.rstrip("/")
    for pattern, dialect, how in _BY_PATH:
        if pattern.search(path):
            return Told(dialect, how)
    if _CHAT_HOSTS.fullmatch(parts.hostname or ""):
        return Told("chat", f"{parts.hostname} speaks it")
    return None


def looks_like_chat(url: str) -> bool:
    """Whether the base URL has the usual form of an OpenAI-compatible one (`…/v1`), which an agent's may have, too."""
    return _CHAT_BASE.search(urlsplit(url.strip()).path.rstrip("/")) is not None
