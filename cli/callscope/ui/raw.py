"""The last exchange as it was on the wire: request, then each read with its time and its bytes.

Knows how bytes are made readable. Secrets are shown as the recording has them, masked.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

from rich.console import Console
from rich.text import Text

from callscope.core.events import BytesRead, ExchangeEnded, ExchangeOpened, ResponseHead, Stamped
from callscope.core.state import Conversation
from callscope.core.values import Headers

from .visible import visible


class Secrets(Protocol):
    """What hides secrets; each method gives the masked value first, and then where it found any."""

    def mask(self, text: str) -> tuple[str, Any]:
        """Mask a text."""
        ...

    def mask_url(self, url: str) -> tuple[str, Any]:
        """Mask a URL."""
        ...

    def mask_headers(self, headers: Headers) -> tuple[Headers, Any]:
        """Mask headers."""
        ...


@dataclass(slots=True)
class LastExchange:
    """A sink that keeps the latest exchange, and only that."""

    opened: Stamped | None = None
    heard: list[Stamped] = field(default_factory=list)

    def handle(self, stamped: Stamped, conversation: Conversation) -> None:
        """Keep what belongs to the exchange."""
        match stamped.event:
            case ExchangeOpened():
                self.opened, self.heard = stamped, []
            case ResponseHead() | BytesRead() | ExchangeEnded():
                self.heard.append(stamped)
            case _:
                pass

    def show(self, console: Console, secrets: Secrets) -> None:
        """Write the exchange, times in seconds since the request left."""
        if self.opened is None or not isinstance(self.opened.event, ExchangeOpened):
            console.print("no request was sent yet")
            return
        request = self.opened.event.request
        console.print(Text(f"{request.method} {visible(secrets.mask_url(request.url)[0])}", style="bold"))
        for name, value in secrets.mask_headers(request.headers)[0]:
            console.print(Text(f"{name}: {visible(value)}", style="dim"))
        console.print(Text(visible(secrets.mask(request.body.decode("utf-8", "backslashreplace"))[0])))
        offset = 0
        for stamped in self.heard:
            offset = self._show_heard(console, secrets, stamped, offset, self.opened.at)

    def _show_heard(self, console: Console, secrets: Secrets, stamped: Stamped, offset: int, start: float) -> int:
        when = f"{stamped.at - start:9.3f} s "
        match stamped.event:
            case ResponseHead(status=status, headers=headers):
                console.print(Text(f"{when} HTTP {status}", style="bold"))
                for name, value in secrets.mask_headers(headers)[0]:
                    console.print(Text(f"            {visible(name)}: {visible(value)}", style="dim"))
            case BytesRead(data=data) as read:
                end = offset + len(data)
                console.print(Text(f"{when} bytes {offset:,} to {end:,}", style="cyan"))
                console.print(Text(visible(shown(read))))
                return end
            case ExchangeEnded(how=how, detail=detail):
                console.print(Text(f"{when} {how} {visible(secrets.mask(detail)[0])}", style="bold"))
            case _:
                pass
        return offset


def shown(read: BytesRead) -> str:
    r"""The text of a read with its secrets masked; bytes that are no UTF-8 as `\xNN`."""
    data = bytearray(read.data)
    for start, end in read.masked:
        data[start:end] = b"*" * (end - start)
    return data.decode("utf-8", "backslashreplace")
