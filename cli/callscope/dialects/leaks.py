"""Tool calls that leaked into text because the server has no parser for its model's own markup.

Knows the markups of model families and who usually fails to parse them. Must not change a text: it is shown as it came
and nothing of it is run.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from itertools import islice
from typing import Any, NamedTuple

from .documents import is_too_deep


class Leak(NamedTuple):
    """Markup found in a text: where it begins, the marker, and the cause on the server's side."""

    start: int
    marker: str
    cause: str


_SET_PARSER = (
    "its tool parser is not set, or not the one for this model (vLLM: --enable-auto-tool-choice --tool-call-parser)"
)
_TEMPLATE = "the chat template or tool parser of the server does not know this model's markup"
_HARMONY = "the harmony format was not parsed"
_BAR = "[|｜]"
_NO_PROSE = r"(?!\s+[A-Za-z]+(?:\s|[.,;:]\s))"

# Each pattern asks for what follows a marker in a real call too, so that prose about a marker is none.
MARKUP: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, flags), cause)
    for pattern, flags, cause in (
        (
            r"<(?:[\w-]+:)?(?:tool_?calls?|function_?calls?)>\s*(?=[\[{<]|[\w.-]+\s*[\n<{(]|\Z)",
            re.IGNORECASE,
            _SET_PARSER,
        ),
        (r"(?<=[}>])\s*</tool_call>", 0, _SET_PARSER),
        (r"<function=[\w.:-]+", 0, _SET_PARSER),
        (r"<invoke\s+name=|<parameter=[\w.-]+>", 0, _SET_PARSER),
        (r"<arg_key>[^<]*</arg_key>", 0, _SET_PARSER),
        (r"\[TOOL_CALLS\]\s*(?=[\[{]|[\w.-]+\s*(?:[\[{]|\Z)|\Z)", 0, _SET_PARSER),
        (r"<\|python_(?:tag|start)\|>(?=\S|\s*[{\[]|\s*\Z)", 0, _SET_PARSER),
        (rf"</?{_BAR}\s*DSML\s*{_BAR}(?=\w)", 0, _SET_PARSER),
        (rf"<{_BAR}/?tools?[▁_\w]*{_BAR}>{_NO_PROSE}", 0, _SET_PARSER),
        (rf"<\|(?:function_call|start_action|action_start|plugin)\w*\|>{_NO_PROSE}", re.IGNORECASE, _SET_PARSER),
        (r"<start_function_call>(?=\S)|<unused\d+>call:", 0, _SET_PARSER),
        (r"<\|(?:channel|start|constrain|recipient)\|>(?=\w)|<\|message\|>(?=\S)|<\|call\|>", 0, _HARMONY),
        (r"\bto=functions\.\w+", 0, _HARMONY),
        (r"```(?:tool_calls?|tool_code|function_call)\s", 0, _TEMPLATE),
        (r"\bprint\(default_api\.\w+\(", 0, _TEMPLATE),
        (r"^Action:\s*[\w.-]+\s*\nAction Input:", re.MULTILINE, _TEMPLATE),
    )
)

MOST = 100
"""Places: of a marker that is quoted over and over only so many are looked at."""

NEAR = 80
"""Characters: this soon after a special token the name of a tool is no accident."""

FENCE = "```"
_JSON_LINE = re.compile(
    r'^[ \t]*\{\s*"(?:name|tool|tool_name|function)"\s*:\s*"([\w.-]+)"\s*,\s*"(?:arguments|parameters|args)"\s*:',
    re.MULTILINE,
)
_MAY_BE_BARE = re.compile(rf"\s*(?:[{{\[]|{FENCE}|[\w.-]+\()")
"""How a text begins that may be nothing but a call: any other need not be copied, and is as long as the answer."""
_TAG_LINE = re.compile(r"^[ \t]*<([\w.-]+)>\s*[<{]", re.MULTILINE)
_TOKEN = re.compile(rf"<{_BAR}[^|｜<>\s]{{1,40}}{_BAR}>")
_NAMES = ("name", "tool", "tool_name", "function")
_ARGUMENTS = ("arguments", "parameters", "args", "input", "tool_input", "kwargs")


def find_leak(text: str, offered: Collection[str]) -> Leak | None:
    """The first tool call in a text; `offered` are the names of the tools on offer."""
    if not text:
        return None
    found = [
        Leak(match.start(), match.group().strip(), cause)
        for pattern, cause in MARKUP
        if (match := next((m for m in islice(pattern.finditer(text), MOST) if not _is_quoted(text, m.start())), None))
    ]
    if found:
        return min(found)
    return _bare_call(text, offered)


def _is_quoted(text: str, start: int) -> bool:
    """Whether a place stands in inline code, or in a fenced block that is not the whole text."""
    line = text[text.rfind("\n", 0, start) + 1 : start]
    if line.count("`") % 2:
        return True
    return text.count(FENCE, 0, start) % 2 == 1 and _fenced(text.strip()) is None


def _fenced(content: str) -> str | None:
    """What is in a text that is one fenced block and nothing else."""
    if not (content.startswith(FENCE) and content.endswith(FENCE) and content.count(FENCE) == 2):
        return None
    return content[len(FENCE) : -len(FENCE)].partition("\n")[2].strip()


def _bare_call(text: str, offered: Collection[str]) -> Leak | None:
    """A call to a tool on offer that is the whole text, or a line of it."""
    if _MAY_BE_BARE.match(text) and (leak := _only_call(text, offered)):
        return leak
    for pattern in (_JSON_LINE, _TAG_LINE):
        for match in islice(pattern.finditer(text), MOST):
            if match.group(1) in offered and not _is_quoted(text, match.start()):
                return Leak(match.start(), f"a bare call of {match.group(1)}", _TEMPLATE)
    return _after_token(text, offered)


def _only_call(text: str, offered: Collection[str]) -> Leak | None:
    """A text that is nothing but the JSON, or the Python, of a call to a tool on offer."""
    content = text.strip()
    content = _fenced(content) or content
    if content[:1] in ("{", "["):
        name = _called(content, offered)
    else:
        called = re.match(r"([\w.-]+)\(.*\)\Z", content, re.DOTALL)
        name = called.group(1) if called and called.group(1) in offered else ""
    return Leak(text.find(content[:1]), f"a bare call of {name}", _TEMPLATE) if name else None


def _after_token(text: str, offered: Collection[str]) -> Leak | None:
    """A special token of whatever model, and soon after it the name of a tool on offer."""
    for match in islice(_TOKEN.finditer(text), MOST):
        following = text[match.end() : match.end() + NEAR]
        if any(name in following for name in offered) and not _is_quoted(text, match.start()):
            return Leak(match.start(), match.group(), _SET_PARSER)
    return None


def _called(content: str, offered: Collection[str]) -> str:
    python = re.match(r"\[\s*([\w.-]+)\(", content)
    if python and python.group(1) in offered and content.endswith(")]"):
        return python.group(1)
    if is_too_deep(content):
        return ""
    try:
        document = json.loads(content)
        calls = document if isinstance(document, list) else [document]
        return next((name for call in calls if (name := _name_in(call, offered))), "")
    except ValueError:
        return ""


def _name_in(call: Any, offered: Collection[str]) -> str:
    if not isinstance(call, dict):
        return ""
    inner = call.get("function")
    if isinstance(inner, dict):
        return _name_in(inner, offered)
    if isinstance(call.get("tool_calls"), list):
        return next((name for item in call["tool_calls"] if (name := _name_in(item, offered))), "")
    name = next((call[member] for member in _NAMES if isinstance(call.get(member), str)), "")
    return name if name in offered and any(member in call for member in _ARGUMENTS) else ""
