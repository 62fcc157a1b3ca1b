"""A script for `raw_server` that answers each request alike and keeps what it was asked."""

from __future__ import annotations

from raw_server import Peer


class Asked:
    """A server that answers each request alike and keeps what it was asked."""

    def __init__(self, response: bytes) -> None:
        self.response = response
        self.requests: list[bytes] = []

    async def __call__(self, peer: Peer) -> None:
        self.requests.append(await peer.request())
        await peer.send(self.response)

    @property
    def request(self) -> tuple[str, dict[str, str], bytes]:
        """The line, the headers and the body of the only request."""
        (request,) = self.requests
        head, _, body = request.partition(b"\r\n\r\n")
        line, *headers = head.decode().split("\r\n")
        return line, dict(header.split(": ", 1) for header in headers), body


def answer(body: bytes = b"{}", status: str = "200 OK", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", "content-type: application/json", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
