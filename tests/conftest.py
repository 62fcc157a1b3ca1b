"""What every test stands on: nothing of this machine's own settings, and no way out but loopback."""

from __future__ import annotations

import itertools
import os
import socket
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from how_many import all_of_them

FOREIGN = (
    "OPENAI_API_KEY",
    "OPENAI_BASE_URL",
    "CALLSCOPE_MODEL",
    "CALLSCOPE_RECORDINGS",
    "NO_COLOR",
    "FORCE_COLOR",
    "COLUMNS",  # the width of whoever runs the tests, which terminals of tests would believe; xdist sets it, too
    "LINES",
)

HOMES = ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME")
_numbers = itertools.count()

MATRICES = (
    "forensics/test_corpus.py",
    "doctor/test_faults.py",
    "record/test_masking_streams.py",
    "record/test_recorded_secrets.py",
    "test_faults_on_the_way.py",
    "test_responses_demo_sessions.py",
    "::test_any_cuts_give_the_same_events",
    "::test_single_bytes_give_the_same_events",
)
"""Tests of every case with every other: `make test` takes a part of them, always the same; `make test-all` all."""

PART = 5


EXAMPLES = 4
"""By this is divided how many examples are made for a property, but for `make test-all`; there are always FEWEST."""
FEWEST = 10


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out most of the matrices and of the examples of properties, unless CALLSCOPE_ALL_TESTS is set."""
    if all_of_them():
        return
    for test in {getattr(item, "obj", None) for item in items}:
        _make_fewer_examples(test)
    left_out = [item for item in items if _in_a_matrix(item) and zlib.crc32(item.nodeid.encode()) % PART]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        dropped = set(left_out)
        items[:] = [item for item in items if item not in dropped]


def _make_fewer_examples(test: Any) -> None:
    """Always the same ones. A profile would not do: it does not reach tests that say how many they want."""
    made: hypothesis.settings | None = getattr(test, "_hypothesis_internal_use_settings", None)
    if made is not None:
        few = min(made.max_examples, max(FEWEST, made.max_examples // EXAMPLES))
        test._hypothesis_internal_use_settings = hypothesis.settings(made, max_examples=few, derandomize=True)


def _in_a_matrix(item: pytest.Item) -> bool:
    return "[" in item.nodeid and any(name in item.nodeid for name in MATRICES)


@pytest.fixture(autouse=True, scope="session")
def clean_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """No key, proxy, profile or history of whoever runs the tests, for child processes too; where there is room."""
    room = tmp_path_factory.mktemp("homes")
    with pytest.MonkeyPatch.context() as patch:
        for name in (*FOREIGN, *(name for name in os.environ if name.lower().endswith("_proxy"))):
            patch.delenv(name, raising=False)
        for name in HOMES:
            patch.setenv(name, str(room / name.lower()))
        yield room


@pytest.fixture(autouse=True)
def home_of_its_own(request: pytest.FixtureRequest, clean_environment: Path) -> None:
    """No test finds what another left; no folder is made for one that asks for none."""
    if "tmp_path" in request.fixturenames:
        room = request.getfixturevalue("tmp_path")
    else:
        room = clean_environment / str(next(_numbers))
    for name in HOMES:
        os.environ[name] = str(room / name.lower())


@pytest.fixture(autouse=True, scope="session")
def loopback_only() -> Iterator[None]:
    """Fail on a connection to anywhere but this machine."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in ("127.0.0.1", "::1", "localhost"):
            raise AssertionError(f"a test reached for {address}")
        connect(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded)
        yield
