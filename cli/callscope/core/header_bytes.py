"""The value of an HTTP header as text, and back to the very bytes.

HTTP knows a value's bytes and no encoding of them (RFC 9110, 5.5: obs-text). UTF-8 is text, as most who write more than
ASCII mean it, and a byte that is none becomes half a surrogate pair (PEP 383): no two values are the same text.
"""

from __future__ import annotations


def header_text(value: bytes) -> str:
    """The text of a value."""
    return value.decode("utf-8", "surrogateescape")


def header_bytes(value: str) -> bytes:
    """The bytes of a value; what stands for no byte, as in a recording that nobody vouches for, is a question mark."""
    try:
        return value.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return value.encode("utf-8", "replace")
