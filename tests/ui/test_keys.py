"""The keys of a turn, read from a real pseudo-terminal that does not echo them."""

from __future__ import annotations

import asyncio
import os
import pty
import termios
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from callscope.ui.keys import Keys, hand_over, listening


@dataclass
class Desk:
    """A terminal that stdin is at, and what the keys did."""

    master: int
    slave: int
    did: list[str] = field(default_factory=list)

    def keys(self) -> Keys:
        return Keys(
            lambda: self.did.append("stop"), lambda: self.did.append("hold"), lambda: self.did.append("suspend")
        )

    def type(self, *bursts: str, until: Callable[[Keys], bool]) -> Keys:
        """Type while somebody listens, a burst each, until this is so."""
        keys = self.keys()

        async def typing() -> None:
            came = asyncio.Event()
            async with asyncio.timeout(5):
                with listening(keys, came.set):
                    for burst in bursts:
                        os.write(self.master, burst.encode())
                        await came.wait()
                        came.clear()
                    while not until(keys):
                        await came.wait()
                        came.clear()

        asyncio.run(typing())
        return keys

    def local_modes(self) -> int:
        modes = termios.tcgetattr(self.slave)[3]
        assert isinstance(modes, int)
        return modes


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    master, slave = pty.openpty()
    with os.fdopen(slave, "r", closefd=False) as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        yield Desk(master, slave)
    os.close(master)
    os.close(slave)


def test_ctrl_c_is_a_key_that_stops(desk: Desk) -> None:
    desk.type("\x03", until=lambda keys: bool(desk.did))
    assert desk.did == ["stop"]


def test_b_holds_and_ctrl_z_suspends(desk: Desk) -> None:
    desk.type("b", "\x1a", until=lambda keys: len(desk.did) == 2)
    assert desk.did == ["hold", "suspend"]


def test_what_is_typed_ahead_is_kept_and_a_b_in_it_is_a_letter(desk: Desk) -> None:
    keys = desk.type("a bc", until=lambda keys: len(keys.typed) == 4)
    assert (keys.words, desk.did) == ("a bc", [])


def test_ctrl_c_forgets_what_was_typed_ahead(desk: Desk) -> None:
    keys = desk.type("abc", "\x03", until=lambda keys: bool(desk.did))
    assert keys.typed == []


def test_the_next_prompt_gets_what_was_typed_ahead(desk: Desk) -> None:
    from prompt_toolkit.input import create_input
    from prompt_toolkit.input.typeahead import get_typeahead

    keys = desk.type("hello", until=lambda keys: len(keys.typed) == 5)
    hand_over(keys)
    assert "".join(press.data for press in get_typeahead(create_input())) == "hello"
    assert keys.typed == []


def test_an_arrow_key_is_one_key_and_no_command(desk: Desk) -> None:
    keys = desk.type("\x1b[A", until=lambda keys: bool(keys.typed))
    assert ([press.key.value for press in keys.typed], keys.words, desk.did) == (["up"], "", [])  # type: ignore[union-attr]


def test_the_terminal_does_not_echo_while_somebody_listens_and_is_as_it_was_afterwards(desk: Desk) -> None:
    before = desk.local_modes()

    async def listen() -> int:
        with listening(desk.keys(), lambda: None):
            return desk.local_modes()

    during = asyncio.run(listen())
    assert not during & (termios.ECHO | termios.ISIG | termios.ICANON)
    assert desk.local_modes() == before


def test_the_terminal_is_as_it_was_after_an_error_too(desk: Desk) -> None:
    before = desk.local_modes()

    async def listen() -> None:
        with listening(desk.keys(), lambda: None):
            raise OSError

    with pytest.raises(OSError):
        asyncio.run(listen())
    assert desk.local_modes() == before


def test_a_terminal_that_has_gone_stops_the_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    master, slave = pty.openpty()
    stopped: list[str] = []

    async def listen() -> None:
        came = asyncio.Event()
        with listening(Keys(lambda: stopped.append("stop"), lambda: None, lambda: None), came.set):
            os.close(master)
            async with asyncio.timeout(5):
                await came.wait()

    with os.fdopen(slave, "r") as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        asyncio.run(listen())
    assert stopped
