"""Work that is stopped where it takes too long: a regular expression may go on for years over one word.

Knows that Python's `re` holds up every thread while it searches, and hears nothing but a signal. Must not know what
the work is.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Raise TimeoutError in what is done meanwhile once so many seconds have passed.

    Python hears signals in its main thread alone: in any other there is no limit.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGALRM, _stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _stop(*_: Any) -> NoReturn:
    raise TimeoutError
