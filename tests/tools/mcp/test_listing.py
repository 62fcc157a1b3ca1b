"""The tools of MCP servers that are polite, broken or hostile, as they are loaded."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from callscope.core.errors import UnusableFile
from callscope.tools.mcp import servers as mcp_servers
from callscope.tools.mcp.servers import SERVERS
from mcpbench import FAKE, loaded, running, server, toolbox


@pytest.fixture(autouse=True)
def no_server_left() -> Iterator[None]:
    yield
    SERVERS.close()


def refused(folder: Path, how: str, **more: object) -> str:
    with pytest.raises(UnusableFile) as refusal:
        toolbox(folder, how, **more)
    return str(refusal.value)


def test_a_servers_tools_have_its_name_before_theirs_and_say_where_they_are_from(tmp_path: Path) -> None:
    tools = {spec.name: spec for spec in loaded(tmp_path, fake=server(FAKE)).specs}
    assert list(tools) == ["fake__read", "fake__add", "fake__drop", "fake__count", "fake__plain"]
    assert tools["fake__plain"].description == "Does plain."
    assert tools["fake__plain"].parameters["properties"] == {"city": {"type": "string"}}
    assert tools["fake__plain"].source == f"{tmp_path / 'tools.yaml'}:1 (MCP fake:plain)"


def test_what_a_server_says_that_its_tools_do_is_told_with_their_source(tmp_path: Path) -> None:
    sources = [spec.source.partition("(")[2] for spec in loaded(tmp_path, fake=server(FAKE)).specs]
    assert sources[:3] == [
        "MCP fake:read, says it only reads)",
        "MCP fake:add, says it destroys nothing)",
        "MCP fake:drop, may destroy)",
    ]


@pytest.mark.parametrize(
    ("settings", "approvals"),
    [
        ({}, [None, None, None]),
        ({"trust": True}, ["always", "ask", "ask"]),
        ({"trust": True, "approve": "never"}, ["never", "never", "never"]),
        ({"approve": "result"}, ["result", "result", "result"]),
    ],
)
def test_a_servers_hints_decide_only_where_the_file_trusts_it(
    tmp_path: Path, settings: dict[str, object], approvals: list[str | None]
) -> None:
    specs = loaded(tmp_path, fake=server(FAKE, **settings)).specs
    assert [spec.approve for spec in specs[:3]] == approvals


def test_all_pages_of_a_list_are_read(tmp_path: Path) -> None:
    specs = loaded(tmp_path, fake=server(FAKE, "pages")).specs
    assert [spec.name for spec in specs] == ["fake__t0", "fake__t1", "fake__t2"]


def test_names_that_models_cannot_say_are_changed_and_stay_apart(tmp_path: Path) -> None:
    names = [spec.name for spec in loaded(tmp_path, fake=server(FAKE, "names")).specs]
    assert names[:2] == ["fake__a_b", "fake__a_b_2"]
    assert [len(name) for name in names[2:]] == [64, 62]
    assert len(set(names)) == 4


def test_a_tool_whose_schema_is_none_is_left_out_and_said_so(tmp_path: Path) -> None:
    tools = loaded(tmp_path, fake=server(FAKE, "names"))
    assert "task (it runs as one of MCP's tasks alone" in tools.warnings[0]
    assert "fake__bad" not in [spec.name for spec in tools.specs]
    assert "bad (its inputSchema: " in tools.warnings[0]


def test_tools_are_chosen_by_patterns_of_the_servers_own_names(tmp_path: Path) -> None:
    tools = loaded(tmp_path, fake=server(FAKE, tools=["re*", "add"]))
    assert [spec.name for spec in tools.specs] == ["fake__read", "fake__add"]


def test_a_choice_that_fits_nothing_is_refused_with_what_there_is(tmp_path: Path) -> None:
    assert "fake has no tool rad (did you mean read?); it has: read, add" in refused(tmp_path, "", tools=["rad"])


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("dies at once", "ended before it could be asked; it said: no licence"),
        ("old", "Unsupported protocol version from the server: 1999-01-01"),
        ("endless pages", "lists its tools without end"),
        ("no list", "does not list its tools: tools: Field required"),
    ],
)
def test_a_server_that_cannot_be_used_is_refused_with_its_place_and_its_words(
    tmp_path: Path, how: str, said: str
) -> None:
    message = refused(tmp_path, how)
    assert message.startswith(f"{tmp_path / 'tools.yaml'}:1: the MCP server fake ")
    assert said in message


def test_a_server_that_never_answers_is_given_up_and_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mcp_servers, "START_LIMIT", 0.3)
    mark = tmp_path / "mark"
    with pytest.raises(UnusableFile, match=r"did not list its tools within 0\.3 s"):
        toolbox(tmp_path, "silent", mark)
    assert running(mark) == []


def test_a_program_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnusableFile, match="there is no program no-such-program"):
        loaded(tmp_path, fake={"command": "no-such-program"})


def test_a_variable_that_is_not_set_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnusableFile, match="the environment variable FAKE_KEY, which is not set"):
        loaded(tmp_path, fake=server(FAKE, env={"FAKE_KEY": "${FAKE_KEY}"}))


def test_without_the_extra_a_file_with_servers_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UnusableFile, match=r'pip install "callscope\[mcp\]"'):
        loaded(tmp_path, fake=server(FAKE))


def test_a_file_without_servers_imports_nothing_of_them(tmp_path: Path) -> None:
    (tmp_path / "tools.yaml").write_text("tools: [{name: a, run: {mock: b}}]", encoding="utf-8")
    program = (
        "import sys; from callscope.tools.loading import load_tools; load_tools(['tools.yaml']); "
        "print([name for name in sys.modules if 'mcp' in name])"
    )
    ran = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"
