"""Which way a request takes: proxies, trust, and one kept transport for each origin.

Knows what of the environment bears on a connection (HTTP_PROXY and its family, SSL_CERT_FILE). Must not know what is
sent over it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from callscope.core.errors import UsageError

from .addresses import is_loopback, origin, without_userinfo
from .lean import load_httpx

if TYPE_CHECKING:
    import ssl

    import httpx


def environment_proxy(url: str) -> str | None:
    """The proxy that the environment names for a URL; never one for loopback."""
    # costs 15 ms, and whoever asks has a connection to make
    from urllib.request import getproxies, proxy_bypass

    parts = urlsplit(url)
    if is_loopback(parts.hostname or "") or proxy_bypass(parts.netloc.rpartition("@")[2]):
        return None
    proxies = getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    return proxy if not proxy or "://" in proxy else f"http://{proxy}"


def _named_by_the_environment(url: str) -> bool:
    """Whether the environment names a proxy or certificates that may bear on this URL."""
    parts = urlsplit(url)
    proxies = () if is_loopback(parts.hostname or "") else (f"{parts.scheme}_proxy", "all_proxy")
    trust = ("ssl_cert_file", "ssl_cert_dir") if parts.scheme == "https" else ()
    return any(os.environ.get(name) or os.environ.get(name.upper()) for name in (*proxies, *trust))


class Routes:
    """The transports in use; connections are kept and used again."""

    def __init__(self, proxy: str | None = None, ca_file: str | None = None) -> None:
        self._proxy = proxy
        self._ca_file = ca_file
        self._transports: dict[str, httpx.AsyncHTTPTransport] = {}

    def transport(self, url: str) -> httpx.AsyncHTTPTransport:
        """The transport to the origin of a URL; raises UsageError for a proxy or a CA file that cannot be used."""
        key = origin(url)
        if key not in self._transports:
            self._transports[key] = self._open(url)
        return self._transports[key]

    def check(self, url: str) -> None:
        """Raise UsageError now for what `transport` would raise it for later; costs nothing where nobody named any."""
        if self._ca_file is not None and not url.startswith("https:"):
            self._trust()
        if self._proxy or self._ca_file or _named_by_the_environment(url):
            self.transport(url)

    async def aclose(self) -> None:
        """Close all connections."""
        transports, self._transports = self._transports, {}
        for transport in transports.values():
            await transport.aclose()

    def _open(self, url: str) -> httpx.AsyncHTTPTransport:
        load_httpx()
        import httpx

        proxy = self._proxy or environment_proxy(url)
        context = self._trust() if url.startswith("https:") else _no_trust()
        try:
            # TCP_NODELAY needs no option: asyncio sets it on every TCP socket.
            return httpx.AsyncHTTPTransport(verify=context, proxy=httpx.Proxy(proxy) if proxy else None)
        except (ValueError, httpx.InvalidURL) as error:
            raise UsageError(f"The proxy is not a URL that can be used: {without_userinfo(proxy or '')}") from error
        except ImportError:
            raise UsageError("A SOCKS proxy needs one more package: pip install 'httpx[socks]'") from None

    def _trust(self) -> ssl.SSLContext:
        import ssl

        import httpx

        try:
            if self._ca_file is not None:
                return ssl.create_default_context(cafile=self._ca_file)
            return httpx.create_ssl_context()
        except OSError as error:
            where = self._ca_file or "SSL_CERT_FILE or SSL_CERT_DIR"
            raise UsageError(f"The certificates to trust cannot be read from {where}: {error.strerror}") from error


def _no_trust() -> ssl.SSLContext:
    """A context that trusts nobody, for origins where TLS never happens: loading the authorities costs 46 ms."""
    import ssl

    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
