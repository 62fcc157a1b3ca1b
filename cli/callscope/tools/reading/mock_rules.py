"""`TOOL=ANSWER`, as a command line or a person at the prompt says a mock: tools with that answer in their place.

Knows how such a rule is read. Must not know which command it came from. Whoever wants a mock gone applies the other
rules again to the tools as they were loaded.
"""

from __future__ import annotations

from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path

from callscope.core.errors import UnusableFile, UsageError
from callscope.core.paths import expanded, is_file
from callscope.tools.definitions import LoadedTools, Mock, MockAnswer, Tool
from callscope.tools.words import did_you_mean

from .documents import parse_document
from .mocks import read_mock
from .rules import Part, Variables
from .scopes import scope_of

HOW = "write TOOL=text, TOOL=@file, or TOOL={error: no such city, delay: 2} with the keys of a mock"


def mocked(tools: LoadedTools, rule: str) -> LoadedTools:
    """The tools, those that the rule names with its answer in their place; `*` and `?` in a name fit any letters.

    The answer is text as it is; `@path` is the text of a file; what begins with a brace, a bracket or a quote is read
    like the value of `mock` in a tools file. Raises UsageError.
    """
    name, equals, answer = rule.partition("=")
    name = name.strip()
    if not equals or not name:
        raise UsageError(f"{rule!r} is no mock: {HOW}.")
    known = [tool.spec.name for tool in tools.tools]
    if not any(fnmatchcase(one, name) for one in known):
        hint = did_you_mean(name, known)
        raise UsageError(f"There is no tool {name} to mock{hint}; the tools here: {', '.join(known) or 'none'}.")
    return replace(
        tools,
        tools=tuple(
            replace(tool, implementation=_mock(tool, answer)) if fnmatchcase(tool.spec.name, name) else tool
            for tool in tools.tools
        ),
    )


def _mock(tool: Tool, answer: str) -> Mock:
    if answer.startswith("@"):
        path = expanded(answer[1:])
        if not is_file(path):
            raise UsageError(f"The mock of {tool.spec.name}: there is no file {path}.")
        return MockAnswer(str(path.absolute()), "file")
    if not answer.lstrip().startswith(("{", "[", '"')):
        return MockAnswer(answer)
    try:
        document = replace(parse_document(Path(tool.spec.name), answer), lines={})
        return read_mock(Part(document, document.value), scope_of(tool.spec.kind, tool.spec.parameters, Variables()))
    except UnusableFile as error:
        raise UsageError(f"The mock of {error} ({HOW})") from None
