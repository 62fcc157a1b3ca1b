"""MCP servers as tools, with servers that are polite, broken or hostile."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from callscope.core.errors import UnusableFile
from callscope.tools import mcp_servers
from callscope.tools.loading import load_tools
from callscope.tools.mcp_servers import SERVERS
from callscope.tools.running import LocalToolbox
from mcpbench import FAKE, end, file_of, loaded, running, sent, server, soon, toolbox
from toolbench import call, error_of, run


@pytest.fixture(autouse=True)
def no_server_left() -> Iterator[None]:
    yield
    SERVERS.close()


def refused(folder: Path, how: str, **more: object) -> str:
    with pytest.raises(UnusableFile) as refusal:
        toolbox(folder, how, **more)
    return str(refusal.value)


# ---- listing --------------------------------------------------------------------------------------------------------


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


# ---- calls ----------------------------------------------------------------------------------------------------------


def test_a_call_gives_what_the_server_answers(tmp_path: Path) -> None:
    result = run(toolbox(tmp_path), "fake__plain", {"city": "Rome"})
    assert result.status == "ok"
    assert "PATH" in json.loads(result.output)


def test_arguments_that_do_not_fit_never_reach_the_server(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    result = run(toolbox(tmp_path, "", notes), "fake__plain", {"city": 5})
    assert error_of(result)["type"] == "invalid_arguments"
    assert "tools/call" not in [message["method"] for message in sent(notes)]


def test_a_server_gets_only_the_variables_it_was_given_and_none_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_KEY", "correct-horse-battery")
    monkeypatch.setenv("OTHER_KEY", "staple")
    tools = loaded(tmp_path, fake=server(FAKE, env={"FAKE_KEY": "${FAKE_KEY}", "MODE": "${MODE:-quiet}"}))
    result = run(LocalToolbox(tools.tools), "fake__plain")
    environment = json.loads(result.output)
    assert (environment["FAKE_KEY"], environment["MODE"]) == ("********", "quiet")
    assert "OTHER_KEY" not in environment
    assert tools.secrets == ("FAKE_KEY", "MODE")


def test_an_error_of_the_tool_is_its_result_without_its_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_KEY", "correct-horse-battery")
    result = run(toolbox(tmp_path, env={"FAKE_KEY": "${FAKE_KEY}"}), "fake__drop")
    assert (result.status, error_of(result)["message"]) == ("error", "********")


def test_an_output_past_its_limit_is_cut(tmp_path: Path) -> None:
    result = run(toolbox(tmp_path, limit=10), "fake__plain")
    assert "the limit of this tool is 10]" in result.output


def test_structured_content_that_differs_from_the_text_is_shown_to_the_person(tmp_path: Path) -> None:
    result = run(toolbox(tmp_path), "fake__count")
    assert (result.status, result.output) == ("ok", "six")
    assert 'structured content: {"n":"six"}\n' in result.prints


def test_a_result_that_breaks_the_tools_own_output_schema_is_said_and_shown(tmp_path: Path) -> None:
    assert "'six' is not of type 'integer'" in run(toolbox(tmp_path), "fake__count").prints


def test_what_is_no_message_is_passed_over_and_said(tmp_path: Path) -> None:
    result = run(toolbox(tmp_path, "garbage"), "fake__add")
    assert result.status == "ok"
    assert "Failed to parse JSONRPC message from server: 'Hello, I am a banner on stdout'" in result.prints


def test_an_answer_that_is_none_is_an_error(tmp_path: Path) -> None:
    result = run(toolbox(tmp_path, "wrong answer"), "fake__add")
    assert error_of(result)["message"].startswith("fake:add gave no usable answer: content[0]")


def test_the_newest_of_a_flood_on_stderr_is_kept(tmp_path: Path) -> None:
    prints = run(toolbox(tmp_path, "flood"), "fake__add").prints
    assert prints.startswith("[callscope: 280,008 earlier characters were lost]\n")
    assert prints.endswith("xxthe end\n")


def test_a_server_that_changes_its_tools_is_asked_anew_by_the_next_load(tmp_path: Path) -> None:
    tools = toolbox(tmp_path, "changes")
    run(tools, "fake__add")
    said = "[callscope: the server's tools have changed: added fresh; /reload reads them]"
    soon(lambda: said in run(tools, "fake__read").prints)
    names = [spec.name for spec in load_tools([tmp_path / "tools.yaml"]).specs]
    assert names[-1] == "fake__fresh"


def test_a_call_past_its_time_is_cancelled_on_the_server(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    result = run(toolbox(tmp_path, "slow", notes, timeout=0.3), "fake__add")
    assert (result.status, error_of(result)["type"]) == ("timeout", "timeout")
    cancelled = soon(lambda: [one for one in sent(notes) if one["method"] == "notifications/cancelled"])
    called = next(one for one in sent(notes) if one["method"] == "tools/call")
    assert cancelled[0]["params"]["requestId"] == called["id"]


def test_a_call_that_is_interrupted_is_cancelled_on_the_server(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    tools = toolbox(tmp_path, "slow", notes)

    async def interrupted() -> None:
        task = asyncio.ensure_future(tools.run(call("fake__add"), "{}"))
        await asyncio.to_thread(soon, notes.with_suffix(".begun").exists)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(interrupted())
    soon(lambda: [one for one in sent(notes) if one["method"] == "notifications/cancelled"])


# ---- a server's life ------------------------------------------------------------------------------------------------


def test_a_server_that_dies_in_mid_call_is_an_error_with_its_last_words(tmp_path: Path) -> None:
    result = run(toolbox(tmp_path, "dies"), "fake__add")
    assert error_of(result)["type"] == "connection_failed"
    assert "may have had an effect" in error_of(result)["message"]
    assert result.prints == "segmentation fault, or so\n"


def test_a_server_that_died_in_a_call_is_started_again_for_the_next(tmp_path: Path) -> None:
    tools = toolbox(tmp_path, "dies once", tmp_path / "notes")
    assert [run(tools, "fake__add").status for _ in range(2)] == ["error", "ok"]


def test_a_server_that_was_killed_between_calls_is_started_again_at_once(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    tools = toolbox(tmp_path, "", mark)
    (first,) = running(mark)
    end(first)
    soon(lambda: not running(mark))
    assert run(tools, "fake__add").status == "ok"
    (second,) = running(mark)
    assert second != first


def test_calls_at_one_time_share_a_server_also_when_it_has_to_be_started_again(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    tools = toolbox(tmp_path, "", mark)
    end(running(mark)[0])
    soon(lambda: not running(mark))

    async def together() -> list[str]:
        results = await asyncio.gather(*(tools.run(call("fake__add", index), "{}") for index in range(5)))
        return [result.status for result in results]

    assert asyncio.run(together()) == ["ok"] * 5
    assert len(running(mark)) == 1


def test_a_second_load_keeps_a_server_whose_settings_are_the_same(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    toolbox(tmp_path, "", mark)
    before = running(mark)
    path = tmp_path / "tools.yaml"
    path.write_text("\n\n" + path.read_text(encoding="utf-8"), encoding="utf-8")  # it stands on another line now
    load_tools([path])
    assert running(mark) == before


def test_a_load_without_a_server_ends_it_and_one_with_other_settings_replaces_it(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    toolbox(tmp_path, "", mark)
    (first,) = running(mark)
    toolbox(tmp_path, "", mark, env={"OTHER": "1"})
    soon(lambda: len(running(mark)) == 1)
    assert running(mark) != [first]
    load_tools([file_of(tmp_path)])
    soon(lambda: running(mark) == [])


def test_a_load_that_fails_leaves_the_servers_as_they_were(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    toolbox(tmp_path, "", mark)
    before = running(mark)
    with pytest.raises(UnusableFile):
        loaded(tmp_path, other={"command": "no-such-program"})
    assert running(mark) == before


def test_the_end_of_the_servers_is_the_end_of_their_processes_and_their_thread(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    toolbox(tmp_path, "", mark)
    SERVERS.close()
    assert running(mark) == []
    assert "mcp" not in [thread.name for thread in threading.enumerate()]
