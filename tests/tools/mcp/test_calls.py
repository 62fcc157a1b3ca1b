"""Calls of MCP servers that are polite, broken or hostile, and how long such a server lives."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from callscope.core.errors import UnusableFile
from callscope.tools.loading import load_tools
from callscope.tools.mcp.servers import SERVERS
from callscope.tools.mcp.settings import McpTool
from callscope.tools.running.toolbox import LocalToolbox
from mcpbench import FAKE, end, file_of, loaded, running, sent, server, soon, toolbox
from toolbench import call, error_of, run


@pytest.fixture(autouse=True)
def no_server_left() -> Iterator[None]:
    yield
    SERVERS.close()


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


def test_the_sdks_complaints_are_told_with_the_call_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tool,) = (tool for tool in loaded(tmp_path, fake=server(FAKE)).tools if tool.spec.name == "fake__plain")
    assert isinstance(tool.implementation, McpTool)
    unlisted = replace(tool, implementation=replace(tool.implementation, name="unlisted"))
    result = run(LocalToolbox([unlisted]), "fake__plain")
    assert "Tool unlisted not listed by server" in result.prints
    assert caplog.records == []


def test_an_answer_that_is_none_is_an_error(tmp_path: Path) -> None:
    result = run(toolbox(tmp_path, "wrong answer"), "fake__add")
    assert error_of(result)["message"].startswith("fake:add gave no usable answer: content[0]")


def test_the_newest_of_a_flood_on_stderr_is_kept(tmp_path: Path) -> None:
    prints = run(toolbox(tmp_path, "flood"), "fake__add").prints
    assert prints.startswith("[callscope: 280,008 earlier characters were lost]\n")
    assert prints.endswith("xxthe end\n")


def test_a_server_cannot_ask_back(tmp_path: Path) -> None:
    result = run(toolbox(tmp_path, "asks"), "fake__add")
    assert json.loads(result.output)["message"] == "Elicitation not supported"


def test_a_server_that_may_ask_is_given_its_own_defaults_and_the_person_sees_it(tmp_path: Path) -> None:
    result = run(toolbox(tmp_path, "asks", elicit="defaults"), "fake__add")
    assert json.loads(result.output) == {"action": "accept", "content": {"city": "Rome"}}
    said = 'the server asked “Where?” and was given its own defaults: {"city": "Rome"}'
    assert result.prints == f"[callscope: {said}]\n"


def test_a_question_without_defaults_for_all_that_it_needs_is_declined(tmp_path: Path) -> None:
    result = run(toolbox(tmp_path, "asks for more", elicit="defaults"), "fake__add")
    assert json.loads(result.output)["action"] == "decline"
    assert "the server asked “Where?”, and nobody answered" in result.prints


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


def test_a_server_whose_end_nobody_has_seen_yet_is_not_asked(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    tools = toolbox(tmp_path, "", mark)
    call_of_the_fake = SERVERS.call

    async def killed_while_the_loop_looks_away(*given: Any, **more: Any) -> Any:
        SERVERS._submit(_kill_and_wait(mark))  # holds the loop up: the call comes next, before any look at the pipes
        return await call_of_the_fake(*given, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SERVERS, "call", killed_while_the_loop_looks_away)
        assert run(tools, "fake__add").status == "ok"


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


async def _kill_and_wait(mark: Path) -> None:
    end(running(mark)[0])
    soon(lambda: not running(mark))


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
