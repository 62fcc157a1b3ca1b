"""The standard streams, made fit for what a command may write.

Knows what is odd about stdin, stdout and stderr: closed, read by nobody any more, not UTF-8. Must not know any command.
"""

from __future__ import annotations

import io
import os
import sys
from typing import TextIO


def write_to_nowhere(*streams: TextIO) -> None:
    """Have what these streams (both where none is named) still hold go nowhere, so that Python can flush them."""
    for stream in streams or (sys.stdout, sys.stderr):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def escape_what_they_cannot_encode() -> None:
    """A locale without UTF-8 must not end a turn because the peer said a word in another script."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def open_missing() -> None:
    """Python has None for a standard stream that was closed before we began; here it is one that holds nothing."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode, encoding="utf-8"))
