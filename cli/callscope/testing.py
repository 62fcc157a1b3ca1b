"""What the pytest plugin stands on: recordings served to one test, and a network that ends at this machine.

Knows what a test owes a recording: no request that nobody recorded, and no recorded one that is not made. Must not know
pytest, nor how a request is matched.
"""

from __future__ import annotations

import ipaddress
import json
import math
import os
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, get_args
from unittest import mock

from callscope.core.errors import UnusableFile, UsageError
from callscope.core.values import Request
from callscope.core.visible import visible
from callscope.serving.choosing import FREE, Chosen, OnMiss, Shelf

if TYPE_CHECKING:
    from callscope.offering import Offer

SHOWN: Final = 400
"""Characters of a value in a message about a difference."""


class WatchedShelf(Shelf):
    """A shelf that keeps what it had no answer for."""

    def __init__(self, offers: Sequence[Offer], on_miss: OnMiss, *, repeat: bool) -> None:
        super().__init__([each for offer in offers for each in offer.exchanges], on_miss, repeat=repeat)
        self.missed: list[tuple[Request, Chosen]] = []

    def choose(self, request: Request) -> Chosen:
        """The exchange that answers this request."""
        chosen = super().choose(request)
        if chosen.exchange is None and request.method not in FREE:
            self.missed.append((request, chosen))
        return chosen


class Replays:
    """The recordings that one test has served, on loopback ports of their own; `close` ends their servers.

    A path that is not absolute is looked for in `folders`, in order.
    """

    def __init__(self, *folders: Path) -> None:
        self._folders = folders
        self._servers = ExitStack()
        self._served: list[tuple[WatchedShelf, bool]] = []

    def serve(
        self, *recordings: str | Path, on_miss: str = "fail", speed: float | str = "max", repeat: bool = False
    ) -> str:
        """Serve recordings and give the base URL for a client.

        `on_miss` is what is said to a request that nobody recorded: fail, next or nearest. `speed` 1 is as recorded.
        With `repeat` they begin again once every exchange was asked for. Raises UnusableFile or UsageError.
        """
        from callscope.compose import LiveClock
        from callscope.offering import offered
        from callscope.record.file.reading import RecordingFile
        from callscope.serving.recorded import RecordedServer
        from callscope.serving.server import run_in_thread

        if not recordings:
            raise UsageError("Name the recording to replay.")
        offers = [offered(RecordingFile(self.path(recording))) for recording in recordings]
        shelf = WatchedShelf(offers, _on_miss(on_miss), repeat=repeat)
        server = RecordedServer(
            shelf,
            clock=LiveClock(),
            say=_unheard,
            speed=_divisor(speed),
            models=dict.fromkeys(name for offer in offers for name in offer.models),
            agents=dict.fromkeys(name for offer in offers for name in offer.agents),
        )
        url = self._servers.enter_context(run_in_thread(server)).url
        self._served.append((shelf, repeat))
        return url + offers[0].base

    def path(self, recording: str | Path) -> Path:
        """Where a recording is."""
        for folder in self._folders:
            if (folder / recording).is_file():
                return folder / recording
        raise UnusableFile(f"{recording} is neither beside the test nor in the folder that pytest runs in.")

    def complaints(self) -> list[str]:
        """What a client asked that nobody recorded, then what was recorded and nobody asked for."""
        missed = [_missed(shelf, *each) for shelf, _ in self._served for each in shelf.missed]
        unused = [
            f"not asked for: {each.name}: {each.request.method} {each.request.url}"
            for shelf, repeat in self._served
            for each in (() if repeat and shelf.served else shelf.unused)
        ]
        return [visible(complaint) for complaint in (*missed, *unused)]

    def close(self) -> None:
        """End the servers."""
        self._servers.close()


def _on_miss(word: str) -> OnMiss:
    for known in get_args(OnMiss):
        if word == known:
            return known  # type: ignore[no-any-return]  # get_args knows no types
    raise UsageError(f"on_miss={word!r}: write one of {', '.join(get_args(OnMiss))}.")


def _divisor(speed: float | str) -> float | None:
    """The divisor of the recorded pauses; None leaves them out."""
    if speed == "max":
        return None
    try:
        factor = float(speed)
    except ValueError:
        factor = 0.0
    if not 0 < factor < math.inf:
        raise UsageError(f"speed={speed!r}: write a number above 0, such as 1 or 10, or 'max'.")
    return factor


def _unheard(_: str) -> None:
    """Where the lines about requests go: what is wrong stands in the complaints."""


def _missed(shelf: Shelf, request: Request, chosen: Chosen) -> str:
    asked = f"nobody recorded {request.method} {request.url}"
    if chosen.unlike is None or chosen.expected is None:
        used = shelf.was_used(request)
        return f"{asked}: {f'{used.name} was asked for before' if used else 'no exchange of this path is left'}"
    path, recorded, now = chosen.unlike
    where = f"it differs from {chosen.expected.name} at {path}"
    return f"{asked}: {where}:\n  recorded {_said(recorded)}\n  now      {_said(now)}"


def _said(value: Any) -> str:
    try:
        text = json.dumps(value, ensure_ascii=False)
    except TypeError:
        text = str(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


# ---- no network -----------------------------------------------------------------------------------------------------


class NetworkClosed(ConnectionRefusedError):
    """Something reached for another machine."""


@contextmanager
def offline() -> Iterator[None]:
    """Let sockets of this process reach this machine alone; names of others are not looked up either.

    What runs in another process, or opens sockets past Python, is not held back.
    """
    open_socket = socket.socket
    with ExitStack() as patches:
        for name, place in (("connect", 0), ("connect_ex", 0), ("sendto", -1)):
            patches.enter_context(mock.patch.object(open_socket, name, _guarded(getattr(open_socket, name), place)))
        patches.enter_context(mock.patch.object(socket, "getaddrinfo", _looked_up(socket.getaddrinfo)))
        patches.enter_context(_without_proxies())
        yield


@contextmanager
def _without_proxies() -> Iterator[None]:
    """Take the proxies out of the environment: one on this machine would lead out of it."""
    proxies = {name: os.environ.pop(name) for name in list(os.environ) if name.lower().endswith("_proxy")}
    try:
        yield
    finally:  # and nothing else of it is put back: a fixture of the whole run may have set a variable meanwhile
        for name, value in proxies.items():
            os.environ.setdefault(name, value)


def _guarded(method: Callable[..., Any], place: int) -> Callable[..., Any]:
    def guarded(self: socket.socket, *arguments: Any) -> Any:
        if self.family in (socket.AF_INET, socket.AF_INET6) and arguments and not _is_here(arguments[place][0]):
            host, port, *_ = arguments[place]
            raise NetworkClosed(f"{host}:{port} is another machine, and the network is closed for this test")
        return method(self, *arguments)

    return guarded


def _looked_up(look_up: Callable[..., Any]) -> Callable[..., Any]:
    def looked_up(host: Any, *arguments: Any, **named: Any) -> Any:
        if host is not None and not _is_here(host) and not _is_number(host):
            raise socket.gaierror(socket.EAI_NONAME, f"{host} is not looked up: the network is closed for this test")
        return look_up(host, *arguments, **named)

    return looked_up


def _is_here(host: Any) -> bool:
    name = host.decode("ascii", "replace") if isinstance(host, bytes) else str(host)
    if name.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(name.partition("%")[0]).is_loopback
    except ValueError:
        return False


def _is_number(host: Any) -> bool:
    try:
        ipaddress.ip_address(str(host).partition("%")[0])
    except ValueError:
        return False
    return True
