"""A text in the person's own editor: $VISUAL or $EDITOR, a private file, and the terminal given back as it was.

Knows how an editor is found and run. Must not know what the text is for, nor what is done when it cannot be had.
"""

from __future__ import annotations

import asyncio
import os
import shlex
import signal
import socket
import sys
import tempfile
import termios
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path


class NoEditor(Exception):
    """The editor could not be had, or gave nothing to read; the text says why, without a full stop."""


def editor_command(environ: Mapping[str, str]) -> list[str] | None:
    """The editor as a list of arguments, split as a shell would but run by none; None where none is set."""
    for name in ("VISUAL", "EDITOR"):
        if environ.get(name, "").strip():
            try:
                return shlex.split(environ[name])
            except ValueError as error:
                raise NoEditor(f"${name} cannot be read: {str(error).lower()}") from None
    return None


async def edit_in_editor(command: Sequence[str], text: str, name: str) -> str:
    """Have a person edit this text as a file of this name, which nobody else can read and which is gone afterwards.

    Whoever calls this owns the terminal. Raises NoEditor; cancelled, it ends the editor first.
    """
    with tempfile.TemporaryDirectory(prefix="callscope-") as folder:  # what the editor keeps beside it goes, too
        file = _written(Path(folder, name), text)
        with _terminal_as_it_was(), _interrupts_are_the_editors():
            await _run([*command, str(file)])
        return _without_added_newline(_read(file), text)


def _written(file: Path, text: str) -> Path:
    """The text as a file: its newlines as they are, and half a character of a server's making as it came."""
    file.touch(0o600)
    file.write_bytes(text.encode(errors="surrogatepass"))
    return file


async def _run(command: Sequence[str]) -> None:
    # stdout may be a pipe that carries data; the person looks at stderr
    screen = None if sys.stdout.isatty() else sys.stderr
    try:
        process = await asyncio.create_subprocess_exec(*command, stdout=screen)
    except (OSError, ValueError) as error:
        reason = os.strerror(error.errno).lower() if isinstance(error, OSError) and error.errno else str(error)
        raise NoEditor(f"the editor {command[0]} cannot be started: {reason}") from None
    try:
        code = await process.wait()
    finally:
        await _end(process)
    if code:
        how = f"with code {code}" if code > 0 else f"by {signal.Signals(-code).name}"
        raise NoEditor(f"the editor {command[0]} ended {how}")


async def _end(process: asyncio.subprocess.Process) -> None:
    """End an editor that is still there: it must not share the terminal with whoever comes next."""
    for end in (process.terminate, process.kill):
        if process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            end()
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), 1.0)


def _read(file: Path) -> str:
    try:
        return file.read_bytes().decode(errors="surrogatepass")
    except OSError as error:
        raise NoEditor(f"the edited file cannot be read: {os.strerror(error.errno or 0).lower()}") from None
    except UnicodeDecodeError as error:
        byte = f"byte {error.start} is 0x{error.object[error.start]:02x}"
        raise NoEditor(f"the edited file is not UTF-8: {byte}") from None


def _without_added_newline(edited: str, text: str) -> str:
    """Most editors end the last line whether asked to or not; a text that had no newline there gets none."""
    return edited if text.endswith("\n") else edited.removesuffix("\n").removesuffix("\r")


@contextmanager
def _terminal_as_it_was() -> Iterator[None]:
    """Put the terminal's modes back: an editor that is killed leaves them as they are."""
    try:
        before = termios.tcgetattr(sys.stdin)
    except (termios.error, OSError, ValueError):  # no terminal
        yield
        return
    try:
        yield
    finally:
        with suppress(termios.error):
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


@contextmanager
def _interrupts_are_the_editors() -> Iterator[None]:
    """Hear no Ctrl-C: in vim it leaves the insert mode, and the terminal sends it to the whole process group.

    asyncio hears signals through a file descriptor, beside Python's own handlers; both are put aside, and every
    signal but this one is passed on: https://docs.python.org/3/library/signal.html#signal.set_wakeup_fd
    """
    loop = asyncio.get_running_loop()
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.setblocking(False)
    before = signal.getsignal(signal.SIGINT)
    # a handler, for SIG_IGN would be inherited: then the editor could not be interrupted either
    signal.signal(signal.SIGINT, lambda *_: None)
    heard_by = signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)

    def pass_on() -> None:
        numbers = bytes(number for number in ours.recv(4096) if number != signal.SIGINT)
        if numbers and heard_by != -1:
            os.write(heard_by, numbers)

    loop.add_reader(ours, pass_on)
    try:
        yield
    finally:
        signal.set_wakeup_fd(heard_by)
        signal.signal(signal.SIGINT, before)
        loop.remove_reader(ours)
        with suppress(BlockingIOError):
            pass_on()
        ours.close()
        theirs.close()
