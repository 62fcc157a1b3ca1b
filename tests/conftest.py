"""What every test stands on: nothing of this machine's own settings, and no way out but loopback."""

from __future__ import annotations

import os
import socket
import zlib
from pathlib import Path
from typing import Any

import pytest

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


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out four fifths of the matrices, unless CALLSCOPE_ALL_TESTS is set."""
    if os.environ.get("CALLSCOPE_ALL_TESTS"):
        return
    left_out = [item for item in items if _in_a_matrix(item) and zlib.crc32(item.nodeid.encode()) % PART]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        dropped = set(left_out)
        items[:] = [item for item in items if item not in dropped]


def _in_a_matrix(item: pytest.Item) -> bool:
    return "[" in item.nodeid and any(name in item.nodeid for name in MATRICES)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No key, proxy, profile or history of whoever runs the tests, for child processes too."""
    for name in (*FOREIGN, *(name for name in os.environ if name.lower().endswith("_proxy"))):
        monkeypatch.delenv(name, raising=False)
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))


@pytest.fixture(autouse=True)
def loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail on a connection to anywhere but this machine."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in ("127.0.0.1", "::1", "localhost"):
            raise AssertionError(f"a test reached for {address}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)
