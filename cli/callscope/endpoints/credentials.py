"""Which headers and query parameters carry a credential, judged by their names.

Knows the names that servers use for keys. Must not know any key.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

NAMES = re.compile(
    r"(?:^|[-_.])(?:authori[sz]ation|auth|cookie|credentials?|key|apikey|password|passwd|secret|sig|signature|token)$",
    re.IGNORECASE,
)
SCHEME = re.compile(r"(?:basic|bearer|digest|negotiate|token)\s+(?=\S)", re.IGNORECASE)


def is_credential(name: str) -> bool:
    """Whether a header or a query parameter of this name carries a credential (`x-api-key`, `access_token`, …)."""
    return NAMES.search(name) is not None


def secret_part(value: str) -> str:
    """A credential's value without the scheme before it (`Bearer`)."""
    scheme = SCHEME.match(value)
    return value[scheme.end() :] if scheme else value


def secrets_in(pairs: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """The secret parts of those headers, or query parameters, that carry a credential."""
    return tuple(part for name, value in pairs if is_credential(name) and (part := secret_part(value)))
