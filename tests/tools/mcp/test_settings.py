"""The keys of MCP servers in a tools file, and in files of other clients; nothing is started here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from callscope.core.errors import UnusableFile
from callscope.tools.mcp.settings import HttpServer, McpSource, StdioServer, read_servers
from callscope.tools.reading.documents import parse_document
from callscope.tools.reading.rules import Part
from callscope.tools.run_settings import RunSettings
from callscope.tools.templates import Filling, fill


def read(
    folder: Path, value: Any, defaults: RunSettings | None = None
) -> tuple[tuple[McpSource, ...], tuple[str, ...]]:
    document = parse_document(folder / "tools.yaml", json.dumps({"mcp": value}))
    return read_servers(Part(document, document.value).part("mcp"), defaults or RunSettings())


def refused(folder: Path, value: Any) -> str:
    with pytest.raises(UnusableFile) as refusal:
        read(folder, value)
    return str(refusal.value).replace(f"{folder}/", "")


def test_a_program_has_words_a_folder_and_variables(tmp_path: Path) -> None:
    ((source,), _) = read(tmp_path, {"a": {"command": "run", "args": ["-n", 5], "env": {"KEY": "${A_KEY}"}}})
    transport = source.server.transport
    assert isinstance(transport, StdioServer)
    assert [str(word) for word in transport.words] == ["run", "-n", "5"]
    assert transport.folder == tmp_path
    assert source.server.secrets == ("A_KEY",)


def test_a_url_has_headers(tmp_path: Path) -> None:
    ((source,), _) = read(tmp_path, {"a": {"url": "https://a/${PART}", "headers": {"key": "${A_KEY}"}}})
    assert isinstance(source.server.transport, HttpServer)
    assert source.server.secrets == ("PART", "A_KEY")


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("${A}-${B:-b}", "1-b"),
        ("{braces} are {{braces}}", "{braces} are {{braces}}"),
        ("$A costs $5", "$A costs $5"),
        ("${B:-}", ""),
    ],
)
def test_only_what_names_a_variable_is_one(tmp_path: Path, text: str, filled: str) -> None:
    ((source,), _) = read(tmp_path, {"a": {"command": text}})
    assert isinstance(source.server.transport, StdioServer)
    assert fill(source.server.transport.words[0], Filling({}, {"A": "1"})) == filled


@pytest.mark.parametrize("wrapped", [True, False])
def test_servers_stand_under_mcp_with_the_key_of_other_clients_or_without(tmp_path: Path, *, wrapped: bool) -> None:
    servers = {"a": {"command": "run"}, "b": {"command": "run", "disabled": True}}
    sources, _ = read(tmp_path, {"mcpServers": servers} if wrapped else servers)
    assert [source.server.name for source in sources] == ["a"]


def test_the_file_of_another_client_is_taken_and_what_is_its_own_is_said(tmp_path: Path) -> None:
    (tmp_path / "client").mkdir()
    settings = {"mcpServers": {"a": {"command": "run", "alwaysAllow": ["x"]}}, "theme": "dark"}
    (tmp_path / "client" / "mcp.json").write_text(json.dumps(settings), encoding="utf-8")
    ((source,), warnings) = read(tmp_path, "client/mcp.json")
    assert isinstance(source.server.transport, StdioServer)
    assert source.server.transport.folder == tmp_path / "client"
    assert [text.partition("mcp.json:1: ")[2] for text in warnings] == [
        "of a, alwaysAllow is another client's and not heeded."
    ]


def test_what_holds_for_the_file_holds_for_its_servers_that_say_nothing_else(tmp_path: Path) -> None:
    servers = {"a": {"command": "run", "timeout": 5}, "b": {"command": "run"}}
    ((a, b), _) = read(tmp_path, servers, RunSettings(timeout=9, limit=100, approve="ask"))
    assert (a.settings.timeout, a.settings.limit, a.settings.approve) == (5, 100, "ask")
    assert b.settings.timeout == 9


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ([], "`mcp` must be a mapping from names to servers"),
        ("no.json", "there is no file"),
        ({"a": "run"}, "the server a must be a mapping"),
        ({"a": {}}, "needs `command` (a program) or `url`"),
        ({"a": {"command": "x", "url": "y"}}, "and not both"),
        ({"a b": {"command": "x"}}, "letters, digits, _ and -, at most 40"),
        ({"a": {"command": "x", "argz": []}}, "unknown key `argz` (did you mean args?)"),
        ({"a": {"httpUrl": "x"}}, "unknown key `httpUrl` (did you mean url?)"),
        ({"a": {"command": "x", "headers": {"k": "v"}}}, "`headers` does not go with `command`"),
        ({"a": {"url": "x", "args": ["v"]}}, "`args` does not go with `url`"),
        ({"a": {"url": "x", "type": "sse"}}, "MCP's transport of 2024, which is gone"),
        ({"a": {"url": "x", "type": "stdio"}}, "a server of this type has `command`"),
        ({"a": {"url": "x", "type": "ws"}}, "`type` must be stdio, http"),
        ({"a": {"url": "x", "mode": "2024"}}, "`mode` must be auto, legacy or 2026-07-28"),
        ({"a": {"command": "x", "env": ["K=V"]}}, "`env` must be a mapping"),
        ({"a": {"command": "x", "env": {"K": ["V"]}}}, "this must be text, not ['V']"),
        ({"a": {"command": "x", "env": {"K": True}}}, "this must be text, not True"),
        ({"a": {"command": "${input:key}"}}, "${input:key} names no environment variable, which is written ${NAME}"),
        ({"a": {"command": "x", "cwd": "nowhere"}}, "there is no folder"),
        ({"a": {"command": "x", "trust": "yes"}}, "`trust` must be true or false"),
        ({"a": {"command": "x", "tools": [5]}}, "a tool is named by the name the server gives it"),
        ({"a": {"command": "x", "timeout": 600000}}, "seconds between 0 and 86400"),
    ],
)
def test_a_mistake_is_refused_with_its_line_and_the_way_out(tmp_path: Path, value: Any, said: str) -> None:
    message = refused(tmp_path, value)
    assert said in message
    assert message.startswith("tools.yaml:1: ")
