"""Lists of agents, and what a URL tells of its dialect."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from callscope.dialects.acf.discovery import Agent, Listed, listed_agents
from callscope.dialects.detecting import looks_like_chat, told_by_url

WHOLE = {
    "name": "weather",
    "description": "Knows the weather.",
    "provider": {"organization": "Acme", "url": "https://acme.example"},
    "version": "1.2.0",
    "documentation_url": "https://acme.example/docs",
    "capabilities": {"streaming": True},
}


def read(document: Any) -> Listed:
    listed = listed_agents(json.dumps(document).encode())
    assert listed is not None
    return listed


def test_an_agent_as_the_framework_describes_it_is_read_without_a_complaint() -> None:
    listed = read({"agents": [{**WHOLE, "metadata": {"a": 1}}]})
    agent = listed.agents[0]
    assert (agent.name, agent.version, agent.organization, agent.streaming) == ("weather", "1.2.0", "Acme", True)
    assert agent.metadata == {"a": 1}
    assert listed.diagnostics == ()


def test_members_that_the_framework_does_not_know_are_kept() -> None:
    capabilities = {"streaming": False, "tool_calling": True}
    [agent] = read({"agents": [{**WHOLE, "model": "granite", "tags": ["x"], "capabilities": capabilities}]}).agents
    assert agent.extra == {"model": "granite", "tags": ["x"]}
    assert agent.capabilities == capabilities
    assert agent.streaming is False


def test_what_an_agent_lacks_is_said_in_one_sentence() -> None:
    listed = read({"agents": [{"name": "weather", "provider": {"organization": "Acme"}, "capabilities": {}}]})
    [found] = listed.diagnostics
    assert found.code == "agent_incomplete"
    for member in ("description", "version", "documentation_url", "provider.url", "capabilities.streaming"):
        assert member in found.message


@pytest.mark.parametrize(
    "document",
    [[WHOLE], {"data": [WHOLE]}, WHOLE, {"agents": {"weather": {k: v for k, v in WHOLE.items() if k != "name"}}}],
)
def test_lists_of_another_form_are_read_and_reported(document: Any) -> None:
    listed = read(document)
    assert [agent.name for agent in listed.agents] == ["weather"]
    assert [found.code for found in listed.diagnostics] == ["agents_not_listed"]


def test_members_of_another_kind_are_left_out_and_reported() -> None:
    listed = read({"agents": [{**WHOLE, "provider": "Acme", "capabilities": ["streaming"]}, 7]})
    assert listed.agents[0].organization == "Acme"
    assert [found.code for found in listed.diagnostics] == ["agent_member_odd", "agent_member_odd", "member_odd"]


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"7", b"<html>", b'{"agents": 7}', b'{"object":"list","data":[{"id":"m"}]}', b"[" * 9999, b'["a"]'],
)
def test_what_is_no_list_of_agents_is_none(body: bytes) -> None:
    assert listed_agents(body) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(), lambda c: st.lists(c) | st.dictionaries(st.text(), c)
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(members=st.dictionaries(st.sampled_from([*WHOLE, "metadata", "x"]), JSON))
def test_no_agent_can_break_the_list(members: dict[str, Any]) -> None:
    [agent] = read({"agents": [members]}).agents
    assert isinstance(agent, Agent)
    assert isinstance(agent.name, str)


@pytest.mark.parametrize(
    ("url", "dialect"),
    [
        ("https://h/v1/chat", "acf"),
        ("https://h/agent-connect/v1/chat/", "acf"),
        ("https://h/v1/agents", "acf"),
        ("https://h/instances/x/v1/orchestrate/845c/chat/completions", "acf"),
        ("https://h/v1/chat/completions", "chat"),
        ("https://api.openai.com", "chat"),
        ("https://eu.api.openai.com/v1", "chat"),
        ("https://openrouter.ai/api/v1", "chat"),
        ("https://h/v1", None),
        ("https://h", None),
        ("https://notopenai.com", None),
    ],
)
def test_a_url_tells_its_dialect_where_it_can(url: str, dialect: str | None) -> None:
    told = told_by_url(url)
    assert (told and told.dialect) == dialect


@pytest.mark.parametrize(
    ("url", "looks"),
    [("https://h/v1", True), ("https://h/v1/", True), ("https://h/v1beta/openai", True), ("https://h", False)],
)
def test_a_base_url_of_the_usual_form_looks_like_chat_completions(url: str, looks: bool) -> None:
    assert looks_like_chat(url) is looks
