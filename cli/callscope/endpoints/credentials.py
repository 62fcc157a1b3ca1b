"""The credentials among headers and query parameters.

Knows how a header writes one. Must not know any key; which names carry one is `core.credentials`' to know.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from callscope.core.credentials import is_secret_header, is_secret_parameter

SCHEME = re.compile(r"\A(?:basic|bearer|digest|negotiate|token)\s+(?=\S)", re.IGNORECASE)


def secrets_in_headers(headers: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """The values of those headers that carry a credential, without the scheme before it (`Bearer`)."""
    return _secrets_in(headers, is_secret_header)


def secrets_in_query(pairs: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """The values of those query parameters that carry a credential."""
    return _secrets_in(pairs, is_secret_parameter)


def _secrets_in(pairs: Iterable[tuple[str, str]], is_secret: Callable[[str], bool]) -> tuple[str, ...]:
    return tuple(part for name, value in pairs if is_secret(name) and (part := SCHEME.sub("", value, count=1)))
