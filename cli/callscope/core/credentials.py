"""Which headers and query parameters carry a credential, judged by their names.

Knows the names that servers use for keys. Must not know any key, nor what is done about one.
"""

from __future__ import annotations

import re

_NAMES = r"authori[sz]ation|auth|cookie2?|credentials?|key|apikey|password|passwd|pwd|secret|sig|signature|token|jwt"
_HEADER = re.compile(
    rf"(?!idempotency-key$)(?:(?:.*[-_.])?(?:{_NAMES})|.*(?:token(?!s)|secret|password|api[-_]?key|access[-_]?key).*)",
    re.IGNORECASE,
)
_PARAMETER = re.compile(rf"(?:.*[-_.])?(?:{_NAMES}|code)", re.IGNORECASE)


def is_secret_header(name: str) -> bool:
    """Whether a header's value is a secret whatever it looks like; rate limits count `tokens` and stay readable."""
    return _HEADER.fullmatch(name.strip()) is not None


def is_secret_parameter(name: str) -> bool:
    """Whether a query parameter's value is a secret (`api_key`, `access_token`, the `code` of OAuth)."""
    return _PARAMETER.fullmatch(name) is not None
