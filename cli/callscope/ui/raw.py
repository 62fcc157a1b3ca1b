"""The last exchange as it was on the wire: request, then each read with its time and its bytes.

Knows how bytes are made readable. Secrets are shown as the recording has them, masked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from rich.console import Console
from rich.text import Text

from callscope.core.events import BytesRead, ExchangeEnded, ExchangeOpened, ResponseHead, Stamped
from callscope.core.state import Conversation

from .visible import visible

Mask = Callable[[str], str]


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

    def show(self, console: Console, mask: Mask) -> None:
        """Write the exchange, times in seconds since the request left."""
        if self.opened is None or not isinstance(self.opened.event, ExchangeOpened):
            console.print("no request was sent yet")
            return
        request = self.opened.event.request
        console.print(Text(f"{request.method} {visible(mask(request.url))}", style="bold"))
        for name, value in request.headers:
            console.print(Text(f"{name}: {visible(mask(value))}", style="dim"))
        console.print(Text(visible(mask(request.body.decode("utf-8", "backslashreplace")))))
        offset = 0
        for stamped in self.heard:
            offset = self._show_heard(console, mask, stamped, offset, self.opened.at)

    def _show_heard(self, console: Console, mask: Mask, stamped: Stamped, offset: int, start: float) -> int:
        when = f"{stamped.at - start:9.3f} s "
        match stamped.event:
            case ResponseHead(status=status, headers=headers):
                console.print(Text(f"{when} HTTP {status}", style="bold"))
                for name, value in headers:
                    console.print(Text(f"            {visible(name)}: {visible(mask(value))}", style="dim"))
            case BytesRead(data=data) as read:
                end = offset + len(data)
                console.print(Text(f"{when} bytes {offset:,} to {end:,}", style="cyan"))
                console.print(Text(visible(shown(read))))
                return end
            case ExchangeEnded(how=how, detail=detail):
                console.print(Text(f"{when} {how} {visible(mask(detail))}", style="bold"))
            case _:
                pass
        return offset


def shown(read: BytesRead) -> str:
    r"""The text of a read with its secrets masked; bytes that are no UTF-8 as `\xNN`."""
    data = bytearray(read.data)
    for start, end in read.masked:
        data[start:end] = b"*" * (end - start)
    return data.decode("utf-8", "backslashreplace")
