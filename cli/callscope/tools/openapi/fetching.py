"""A document from a URL: the one thing that is fetched when tools are loaded, and only where a file names it.

Knows httpx. Must not know what is in the document, nor carry anything to where it comes from.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from callscope.tools.reading.documents import LONGEST, Document, parse_document
from callscope.tools.reading.rules import Part

SECONDS = 15.0


def fetched_document(part: Part, url: str) -> Document:
    """Fetch a JSON or YAML document; what goes wrong is said with the place that names it."""
    import httpx

    try:
        parts = urlsplit(url)
    except ValueError as error:
        part.refuse(f"{url} is no URL: {str(error).lower()}.")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        part.refuse(f"{url} is neither a file nor an http or https URL.")
    loopback = parts.hostname in ("localhost", "127.0.0.1", "::1")
    body = bytearray()
    try:
        with (
            httpx.Client(trust_env=not loopback, follow_redirects=True, timeout=SECONDS) as client,
            client.stream("GET", url) as response,
        ):
            response.raise_for_status()
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > LONGEST:
                    part.refuse(f"{url} is longer than {LONGEST:,} bytes.")
    except httpx.HTTPStatusError as error:
        part.refuse(f"{url} cannot be fetched: the server answered {error.response.status_code}.")
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        part.refuse(f"{url} cannot be fetched: {str(error) or type(error).__name__}.")
    return parse_document(Path(url), body.decode("utf-8", "replace"), foreign=True, name=url)
