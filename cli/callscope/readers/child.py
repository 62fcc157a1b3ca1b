"""The inside of a reader's process: recorded responses in, one a line, and what the reader saw of each out.

Knows that stdout is the way back: it is put aside before any package is imported. No network is here, whatever a
package wants to ask: the connect and the look-up of a name are refused. Must not be imported by the program itself.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import resource
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from typing import Any

from callscope.core.json_text import json_text

from . import openai_chat, openai_responses
from .sse_events import read_events
from .transport import URL, client_of
from .values import NotRead, Outcome, Recorded, Trouble, outcome_as_json, recorded_of_json

MEMORY = 2 * 1024 * 1024 * 1024
"""Bytes of address space: a reader that wants more gets a MemoryError."""
LONGEST_WORDS = 2_000

READS = {
    "openai-loop": {"chat": openai_chat.loop, "responses": openai_responses.loop},
    "openai-helper": {"chat": openai_chat.helper, "responses": openai_responses.helper},
}
"""By the name of a reader what reads each dialect."""


def main() -> None:
    """Say the version, then answer each line of stdin with one line."""
    name, package = sys.argv[-2:]
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    sys.addaudithook(_refuse_network)
    with contextlib.suppress(ValueError, OSError):  # a lower limit holds already, or the system has none
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))
    read = _reader(name)
    print(version(package), file=answers, flush=True)  # the pipe back, no terminal
    for line in sys.stdin:
        recorded = recorded_of_json(json.loads(line))
        print(json_text(outcome_as_json(read(recorded)), ascii_only=True), file=answers, flush=True)


def _end_with(parent: int) -> None:
    """End with the program, however it ended: a reader that hangs does not see that its stdin was closed."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


def _refuse_network(event: str, arguments: tuple[Any, ...]) -> None:
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname"):
        raise PermissionError("no reader of a recording may use the network")


def _reader(name: str) -> Callable[[Recorded], Outcome]:
    import httpx

    if name == "httpx-sse":
        importlib.import_module("httpx_sse")
        return lambda recorded: _events_of(httpx, recorded)
    openai = importlib.import_module("openai")
    # openai 3 stands on httpx2; read with the package that its users read with
    http = sys.modules.get("httpx2", httpx)
    return lambda recorded: _read_with_openai(openai, http, name, recorded)


def _events_of(http: Any, recorded: Recorded) -> Outcome:
    if not recorded.streamed:
        return NotRead("no stream was asked for")
    with client_of(http, recorded) as client:
        return read_events(client, recorded, lambda error: _trouble(error, (http.HTTPError, _sse_error())))


def _sse_error() -> type[Exception]:
    from httpx_sse import SSEError

    return SSEError


def _read_with_openai(openai: Any, http: Any, name: str, recorded: Recorded) -> Outcome:
    read = READS[name].get(recorded.dialect)
    if read is None:
        return NotRead(f"the openai package has no reader for {recorded.dialect}")
    if name == "openai-helper" and not recorded.streamed:
        return NotRead("no stream was asked for")
    seen = openai_chat.Gathered()
    trouble: Trouble | None = None
    with client_of(http, recorded) as session:
        client = openai.OpenAI(api_key="none", base_url=URL, http_client=session, max_retries=0)
        try:
            read(client, recorded, seen)
        except Exception as error:
            trouble = _trouble(error, (openai.OpenAIError, openai_responses.ServerError, http.HTTPError))
    return replace(seen.reading(), trouble=trouble)


def _trouble(error: Exception, said: tuple[type[Exception], ...]) -> Trouble:
    kind = type(error)
    name = kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__.partition('.')[0]}.{kind.__name__}"
    return Trouble("error" if isinstance(error, said) else "crash", name, str(error)[:LONGEST_WORDS])


if __name__ == "__main__":
    main()
