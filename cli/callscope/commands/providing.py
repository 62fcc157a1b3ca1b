"""What `serve FILE…` and `proxy` do until Ctrl-C: recordings as a server, and a server recorded.

Knows what a person is told of it, and the exit codes. Must not know Typer, nor how a request is matched or recorded.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args
from urllib.parse import urlsplit

from callscope.compose import LiveClock
from callscope.core.errors import UsageError
from callscope.core.visible import visible
from callscope.offering import Offer, offered
from callscope.record.file.directories import recordings_directory
from callscope.record.file.reading import RecordingFile
from callscope.serving.choosing import OnMiss, Shelf
from callscope.serving.recorded import RecordedServer
from callscope.serving.server import serve_forever

NOT_AS_RECORDED = 1


@dataclass(frozen=True, slots=True)
class Asked:
    """What the options of `serve` ask for."""

    host: str
    port: int
    speed: str = "1"
    on_miss: str = "fail"
    repeat: bool = False


def serve_recordings(files: Sequence[Path], asked: Asked) -> int:
    """Serve what was recorded until Ctrl-C; gives 1 where a request was not recorded, or a recorded one not made."""
    speed, on_miss = _speed(asked.speed), _on_miss(asked.on_miss)
    offers = [_opened(file) for file in files]
    shelf = Shelf([exchange for offer in offers for exchange in offer.exchanges], on_miss, repeat=asked.repeat)
    server = RecordedServer(
        shelf,
        clock=LiveClock(),
        say=_say,
        speed=speed,
        models=dict.fromkeys(name for offer in offers for name in offer.models),
        agents=dict.fromkeys(name for offer in offers for name in offer.agents),
    )
    serve_forever(server, asked.host, asked.port, lambda url: _greet(url, offers))
    return _sum_up(shelf)


def proxy(url: str, host: str, port: int, folder: Path | None) -> int:
    """Pass everything on to the server of a URL and record it, until Ctrl-C."""
    from callscope.endpoints.addresses import address, origin
    from callscope.endpoints.http import HttpEndpoint
    from callscope.endpoints.patience import Timeouts
    from callscope.serving.proxy import Proxy
    from callscope.witnessing import Witness

    target = address(url)
    directory = recordings_directory(folder, os.environ)
    clock = LiveClock()
    # how long to wait for an answer is the client's business, and the headers are the client's own
    patient = Timeouts(first_byte=None, between_bytes=None)
    upstream = HttpEndpoint(target.url, headers=target.headers, query=target.query, timeouts=patient, defaults=())
    upstream.check()
    witness = Witness(directory, clock, _say, target.secrets)

    def greet(own: str) -> None:
        path = urlsplit(target.url).path.rstrip("/")
        _say(f"{own}{path} leads to {target.url}, recorded in {directory} (Ctrl-C ends it)")

    try:
        serve_forever(Proxy(origin(target.url), upstream, witness.listen), host, port, greet, upstream.aclose)
    finally:
        witness.close()
    return 0


def _opened(file: Path) -> Offer:
    recording = RecordingFile(file)
    offer = offered(recording)
    for warning in recording.warnings:
        _say(f"callscope: {warning}")
    return offer


def _greet(url: str, offers: Sequence[Offer]) -> None:
    for offer in offers:
        whom = ", ".join((*offer.models, *offer.agents)) or "no model"
        _say(f"{offer.path.name}: {_counted(len(offer.exchanges), 'exchange')} with {whom}, at {url}{offer.base}")
    _say("Ctrl-C ends it")


def _sum_up(shelf: Shelf) -> int:
    unused = shelf.unused
    for exchange in unused:
        _say(f"not asked for: {exchange.name}: {exchange.request.method} {exchange.request.url}")
    misses = f", {_counted(shelf.misses, 'request')} that nobody recorded" if shelf.misses else ""
    _say(f"served {_counted(shelf.served, 'exchange')}, {len(unused)} not asked for{misses}")
    return NOT_AS_RECORDED if unused or shelf.misses else 0


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _speed(word: str) -> float | None:
    """The divisor of the recorded pauses; None leaves them out."""
    if word == "max":
        return None
    try:
        factor = float(word)
    except ValueError:
        factor = 0.0
    if not 0 < factor < math.inf:
        raise UsageError(f"--speed {word}: write a number above 0, such as 1 or 10, or max.")
    return factor


def _on_miss(word: str) -> OnMiss:
    for known in get_args(OnMiss):
        if word == known:
            return known  # type: ignore[no-any-return]  # get_args knows no types
    raise UsageError(f"--on-miss {word}: write one of {', '.join(get_args(OnMiss))}.")


def _say(text: str) -> None:
    sys.stderr.write(visible(text) + "\n")
    sys.stderr.flush()
