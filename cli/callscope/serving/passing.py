"""What of a message goes on over another connection: which headers, and the chunks of a read.

Knows HTTP's rules for those who pass messages on. Must not know who does, nor why.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from callscope.core.events import BytesRead
from callscope.core.values import Headers

HOP_BY_HOP: Final = frozenset(
    ("connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade")
)
"""Headers about a connection and not about what is sent over it: https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1"""

_NAME = re.compile(r"[-!#$%&'*+.^_`|~0-9A-Za-z]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


def passable(headers: Headers) -> Iterator[tuple[str, str]]:
    """The headers that may go on: not those about the connection, nor what HTTP does not allow."""
    about = [value for name, value in headers if name.lower() == "connection"]
    named = {word.strip().lower() for value in about for word in value.split(",")}
    for name, value in headers:
        if name.lower() not in HOP_BY_HOP | named and _NAME.fullmatch(name) and not _CONTROL.search(value):
            yield name, value.strip(" \t")  # what else Unicode calls a space is a part of the value


def chunks(read: BytesRead) -> Iterator[bytes]:
    """The transfer chunks that came in one read."""
    borders = sorted({0, len(read.data), *(cut for cut in read.cuts if 0 < cut < len(read.data))})
    return (read.data[start:end] for start, end in pairwise(borders))
