"""Answers in a tool's place: which one is next, and its text.

Knows how far each sequence is; one `MockPlayer` is one session's. Must not know how mocks are written in a file.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, assert_never

from callscope.core.errors import UnusableFile
from callscope.tools.answers import Answer, failed, timed_out
from callscope.tools.definitions import Malformation, Mock, MockAnswer, MockCases, MockSequence, Tool
from callscope.tools.reading.documents import read_text
from callscope.tools.templates import Filling, fill_json

from .outputs import cut, output_text

ERROR_PAGE = "<html>\n<head><title>502 Bad Gateway</title></head>\n<body><h1>502 Bad Gateway</h1></body>\n</html>\n"
ESCAPES = "\x1b[2J\x1b]0;title\x07\u202e\x00"
"""What a terminal would obey: clear the screen, set the title, turn the writing around."""


class NoCase(Exception):
    """No case of a mock fits the arguments."""


class MockPlayer:
    """Gives the answers of mocks, each sequence in its turn; a tool that gets another mock begins anew."""

    def __init__(self) -> None:
        self._mocks: dict[str, Mock] = {}
        self._turns: dict[str, dict[tuple[int, ...], int]] = {}

    async def answer(self, tool: Tool, mock: Mock, arguments: Mapping[str, Any]) -> Answer:
        """The next answer of this tool's mock, after its delay; a delay past the tool's time is a timeout."""
        name = tool.spec.name
        if self._mocks.get(name) != mock:
            self._mocks[name], self._turns[name] = mock, {}
        try:
            chosen = _chosen(mock, arguments, self._turns[name], ())
        except NoCase:
            words = f"No case of the mock of {tool.spec.name} fits these arguments; one without `when` fits all."
            return failed("no_mock", words)
        if chosen.delay > tool.timeout:
            await asyncio.sleep(tool.timeout)
            return timed_out(tool.spec.name, tool.timeout, f"Its mock answers after {chosen.delay:g} s")
        await asyncio.sleep(chosen.delay)
        try:
            return cut(mock_text(chosen, arguments, tool.limit), tool.limit), "mocked"
        except UnusableFile as problem:
            return failed("tool_unavailable", f"The mock of {tool.spec.name} cannot answer: {problem}")


def _chosen(
    mock: Mock, arguments: Mapping[str, Any], turns: dict[tuple[int, ...], int], place: tuple[int, ...]
) -> MockAnswer:
    """The answer whose turn it is; `turns` are those that each sequence of the mock has had, by its place in it."""
    match mock:
        case MockAnswer():
            return mock
        case MockSequence(answers=answers):
            turn = turns.get(place, 0)
            turns[place] = turn + 1
            index = min(turn, len(answers) - 1)
            return _chosen(answers[index], arguments, turns, (*place, index))
        case MockCases(cases=cases):
            for index, (when, answer) in enumerate(cases):
                if fits(when, arguments):
                    return _chosen(answer, arguments, turns, (*place, index))
            raise NoCase
        case _:
            assert_never(mock)


def fits(when: Mapping[str, Any], arguments: Mapping[str, Any]) -> bool:
    """Whether each argument that is named equals its value, or one of the values of a list."""
    return all(name in arguments and _equal(wanted, arguments[name]) for name, wanted in when.items())


def _equal(wanted: Any, value: Any) -> bool:
    if _same(wanted, value):
        return True
    return isinstance(wanted, list) and any(_same(choice, value) for choice in wanted)


def _same(one: Any, other: Any) -> bool:
    """Equal as JSON: true is not 1, and 1.0 is 1."""
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def mock_text(mock: MockAnswer, arguments: Mapping[str, Any], limit: int) -> str:
    """The text of an answer; raises UnusableFile where its file cannot be read."""
    text = _plain_text(mock, arguments)
    return text if mock.malformed is None else malformed_text(text, mock.malformed, limit)


def _plain_text(mock: MockAnswer, arguments: Mapping[str, Any]) -> str:
    match mock.form:
        case "value":
            return output_text(mock.output)[0]
        case "template":
            return output_text(fill_json(mock.output, Filling(arguments, {})))[0]
        case "file":
            return read_text(Path(mock.output))
        case "error":
            return json.dumps({"error": mock.output}, ensure_ascii=False)
        case _:
            assert_never(mock.form)


def malformed_text(text: str, how: Malformation, limit: int) -> str:
    """A good answer made bad, in the ways that are met in the wild."""
    match how:
        case "cut":
            return text[: len(text) // 2]
        case "empty":
            return ""
        case "html":
            return ERROR_PAGE
        case "escapes":
            return text + ESCAPES
        case "long":
            return (text or ".") * (limit // len(text or ".") + 2)
        case _:
            assert_never(how)
