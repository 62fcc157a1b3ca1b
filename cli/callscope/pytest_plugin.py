"""The pytest plugin: recordings as servers for people's own agents, and sessions judged again.

Knows pytest's fixtures and hooks. It is loaded wherever Callscope and pytest are, so it imports nothing else before a
test asks for a fixture of it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from callscope.testing import Replays

_REPLAYS: pytest.StashKey[Replays] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer the option that closes the network."""
    group = parser.getgroup("callscope", "Callscope")
    group.addoption(
        "--callscope-offline",
        action="store_true",
        help="Let tests connect to this machine alone.",
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Close the network for a test and its fixtures, where that is asked for."""
    if not item.config.getoption("--callscope-offline"):
        return (yield)
    from callscope.testing import offline

    with offline():
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Fail a test that asked for other than was recorded; one that failed anyway gets it told besides."""
    try:
        result = yield
    except (Exception, pytest.fail.Exception):
        if said := _complaints(item):
            item.add_report_section("call", "callscope", said)
        raise
    if said := _complaints(item):
        pytest.fail(f"The recording was not replayed as it is.\n{said}", pytrace=False)
    return result


def _complaints(item: pytest.Item) -> str:
    replays = item.stash.get(_REPLAYS, None)
    return "\n".join(replays.complaints()) if replays else ""


@pytest.fixture
def callscope_replay(request: pytest.FixtureRequest) -> Iterator[Callable[..., str]]:
    """Serve a recording to a client of any library.

    `base_url = callscope_replay("recordings/x.jsonl")`

    Paths are looked for beside the test, then in the root folder of the run. The test fails on a request that nobody
    recorded, with the first difference, and on a recorded one that it does not make.
    """
    from callscope.testing import Replays

    replays = Replays(request.path.parent, request.config.rootpath)
    request.node.stash[_REPLAYS] = replays
    yield replays.serve
    replays.close()


@pytest.fixture
def callscope_expect(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Judge a recorded session again, offline.

    `callscope_expect("x.jsonl", "calls valid", tools=["tools.yaml"])`; docs/exporting.md has what can be expected.
    """

    def expect(recording: str | Path, *expectations: str, tools: Sequence[str | Path] = ()) -> None:
        __tracebackhide__ = True
        from callscope.core.visible import visible
        from callscope.exporting.expecting import expected, problems
        from callscope.testing import Replays, offline

        places: Any = Replays(request.path.parent, request.config.rootpath).path
        with offline():
            found = problems(places(recording), expected(expectations, tools), [places(tool) for tool in tools])
        if found:
            listed = "\n".join(f"- {visible(problem)}" for problem in found)
            pytest.fail(f"{recording} is not as expected:\n{listed}", pytrace=False)

    return expect
