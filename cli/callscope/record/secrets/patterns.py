"""What a secret looks like when nobody told us: vendors' tokens.

Knows public facts about credentials alone. Must not know where a text came from. The list is short on purpose: every
entry costs a look at every byte, and a wrong one hides the very text a person is debugging.

A token is recognised by a public prefix, so there are three answers while it is still arriving: it is one (`whole`),
it may become one (`undecided`, only ever asked of the end of a text), or it is none. Every `undecided` is bounded.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

BOUNDARY = rb"(?:(?<![A-Za-z0-9])|(?<=\\[nrtbf]))"
"""A token begins after something that is no letter or digit ("task-force" holds none); an escaped `\\n` is a break."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """One kind of token, as regular expressions: the literals it begins with, and how it goes on."""

    name: str
    prefixes: tuple[bytes, ...]
    whole: bytes
    undecided: bytes
    growing: bytes


def _token(name: str, prefixes: tuple[bytes, ...], characters: bytes, least: int) -> Pattern:
    """A prefix and then at least so many of these characters."""
    either = b"(?:" + b"|".join(prefixes) + b")"
    run = b"[" + characters + b"]"
    return Pattern(name, prefixes, either + run + b"{%d,}" % least, either + run + b"{0,%d}" % (least - 1), run + b"*+")


WORD = rb"A-Za-z0-9_\-"

PATTERNS = (
    # OpenAI, Anthropic (sk-ant-), OpenRouter (sk-or-), DeepSeek and most servers that imitate them. Class names like
    # "sk-fading-circle-inner" are no keys: a key has a digit.
    Pattern(
        "sk",
        (b"sk-",),
        rb"sk-(?=[A-Za-z_\-]{0,64}[0-9])[A-Za-z0-9_\-]{16,}",
        rb"sk-(?:[A-Za-z0-9_\-]{0,15}|[A-Za-z_\-]{16,64})",
        rb"[A-Za-z0-9_\-]*+",
    ),
    # https://github.blog/engineering/platform-security/behind-githubs-new-authentication-token-formats/
    _token("github", (b"ghp_", b"gho_", b"ghu_", b"ghs_", b"ghr_"), b"A-Za-z0-9", 20),
    _token("github_pat", (b"github_pat_",), b"A-Za-z0-9_", 20),
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html: long-term and temporary key ids
    _token("aws", (b"AKIA", b"ASIA"), b"A-Z0-9", 16),
    # Google: Gemini's keys, often in a URL
    _token("google", (b"AIza",), WORD, 30),
    # https://docs.slack.dev/authentication/tokens
    _token("slack", tuple(b"xox%c-" % letter for letter in b"abeoprs"), rb"A-Za-z0-9\-", 10),
    # Inference providers that people point this program at
    _token("hugging_face", (b"hf_",), b"A-Za-z0-9", 20),
    _token("groq", (b"gsk_",), b"A-Za-z0-9", 20),
    _token("xai", (b"xai-",), WORD, 20),
    _token("nvidia", (b"nvapi-",), WORD, 20),
    # RFC 7519: header and payload are JSON objects, so both begin with base64 of `{"`. Much other base64 begins with
    # eyJ too; a header is short, and the second eyJ tells.
    Pattern(
        "jwt",
        (b"eyJ",),
        rb"eyJ[A-Za-z0-9_\-]{5,1000}\.eyJ[A-Za-z0-9_\-]{5,}[A-Za-z0-9_.\-]*+",
        rb"eyJ[A-Za-z0-9_\-]{0,1000}(?:\.(?:e(?:y(?:J[A-Za-z0-9_\-]{0,4})?)?)?)?",
        rb"[A-Za-z0-9_.\-]*+",
    ),
    # RFC 7468 and its older kin with headers (Proc-Type, DEK-Info); only what stands between the two lines is secret
    Pattern(
        "pem",
        (b"-----BEGIN ",),
        rb"-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----"
        rb"(?P<body>\s*(?:[A-Za-z0-9+/=]{16}|(?:Proc-Type|Version|Comment|Hash): )(?:[A-Za-z0-9+/=\s:,.]|-(?!-))*+)",
        rb"-----BEGIN [A-Z0-9 ]{0,40}(?:-{1,5}(?:\s{0,8}(?:[A-Za-z0-9+/=\-]{0,15}|[A-Z][A-Za-z\-]{0,8}:))?)?",
        rb"(?:[A-Za-z0-9+/=\s:,.]|-(?!-))*+",
    ),
)

PREFIXES = tuple(prefix for pattern in PATTERNS for prefix in pattern.prefixes)


def _any_of(words: Iterable[bytes]) -> bytes:
    """A regular expression for what begins with any of these words, its branches told apart by their first letters.

    In a run of one letter that seven words begin with, trying each of them at each place took four times as long. No
    group around it all: `re` skips to the first letters of branches, but does not look into a group for them.
    """
    by_first: dict[bytes, set[bytes]] = {}
    for word in words:
        by_first.setdefault(word[:1], set()).add(word[1:])
    if b"" in by_first:
        return b""
    rests = {first: _any_of(rest) for first, rest in sorted(by_first.items())}
    return b"|".join(re.escape(first) + (b"(?:%s)" % rest if b"|" in rest else rest) for first, rest in rests.items())


PREFIX = _any_of(PREFIXES)
"""Cheap: whether a text may hold a token at all."""

PREFIXED = re.compile(BOUNDARY + b"(?:" + PREFIX + b")")

WHOLE = re.compile(BOUNDARY + b"(?:" + b"|".join(b"(?P<%s>%s)" % (p.name.encode(), p.whole) for p in PATTERNS) + b")")

UNDECIDED = re.compile(BOUNDARY + b"(?:" + b"|".join(p.undecided for p in PATTERNS) + rb")\Z")
UNDECIDED_REACH = 1100
"""Bytes: no undecided token is longer."""

PARTIAL = re.compile(
    BOUNDARY
    + b"(?:"
    + b"|".join({re.escape(prefix[:size]) for prefix in PREFIXES for size in range(1, len(prefix))})
    + rb")\Z"
)
"""A text that ends in a part of a public prefix: no secret yet, but it has to be remembered."""
PARTIAL_REACH = max(map(len, PREFIXES)) + 2

GROWING = {pattern.name: re.compile(pattern.growing) for pattern in PATTERNS}
