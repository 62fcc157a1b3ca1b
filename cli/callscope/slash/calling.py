"""Running a tool by hand: `/call NAME key=value`, and its result in the conversation where the person wants it.

Knows what is asked before and after. Must not know how arguments are read or checked, nor how a tool runs.
"""

from __future__ import annotations

from callscope.core.errors import UsageError
from callscope.core.events import ItemsInserted
from callscope.core.values import CallKey, ToolCall, ToolResult, ToolSpec
from callscope.core.visible import one_line
from callscope.panels.wording import seconds
from callscope.repl import Command, Repl
from callscope.session import strictest
from callscope.tools.given import given_arguments
from callscope.ui.asking import Choice, Choices
from callscope.ui.lines import STYLES

from .hints import tool_call
from .tools import named_tool
from .words import words_of

BY_HAND = 0
"""The exchange of a call that came in none: a person made it."""

KEEP: Choices = {
    "y": Choice("yes", "put both into the conversation: they go out with your next message"),
    "n": Choice("no", "only you have seen them"),
}
OVERRULE: Choices = {"y": Choice("yes", "run it this once"), "n": Choice("no", "leave it")}


async def _call(repl: Repl, rest: str) -> None:
    ran = await _run(repl, rest)
    if ran is None:
        return
    _show(repl, *ran)
    if await repl.agrees("let the model see call and result?", KEEP):
        _insert(repl, *ran)


async def _call_and_keep(repl: Repl, rest: str) -> None:
    if ran := await _run(repl, rest):
        _insert(repl, *ran)


async def _run(repl: Repl, rest: str) -> tuple[ToolCall, ToolResult] | None:
    """The call and what it came to; None where it was not run to its end."""
    name, written = (*rest.split(maxsplit=1), "", "")[:2]
    tool = named_tool(repl, name)
    call = _made(repl, tool, written)
    if problem := repl.toolbox.check(call, call.arguments):
        raise UsageError(f"Not run: {problem}.")
    if strictest(repl.session.conversation, name) == "never" and not await repl.agrees(
        f"the policy is that {one_line(name, 64)} never runs: run it all the same?", OVERRULE
    ):
        return None
    repl.say(f"  {one_line(call.name, 64)} {one_line(call.arguments)}", "bold cyan")
    result = await _result(repl, call)
    if result is None:
        answered = repl.toolbox.answered_by_person(name)
        repl.say("  no answer" if answered else "  interrupted; the call may have had an effect", "yellow")
        return None
    return call, result


def _made(repl: Repl, tool: ToolSpec, written: str) -> ToolCall:
    """The call as it was written: a JSON object, or words; a custom tool takes the text as it is."""
    as_it_stands = tool.kind == "custom" or written.startswith("{")
    arguments = written if as_it_stands else given_arguments(words_of(written), tool)
    index = _next_index(repl)
    return ToolCall(CallKey(BY_HAND, index), f"by_hand_{index}", tool.name, arguments, tool.kind)


def _next_index(repl: Repl) -> int:
    """A number that no call by hand has: not in a conversation that is gone on with, nor one that was taken back."""
    calls = [item.key for item in repl.session.conversation.items if isinstance(item, ToolCall)]
    kept = max((key.index for key in calls if key.exchange == BY_HAND), default=-1)
    repl.by_hand = max(repl.by_hand, kept) + 1
    return repl.by_hand


async def _result(repl: Repl, call: ToolCall) -> ToolResult | None:
    if repl.toolbox.answered_by_person(call.name):
        answer = await repl.interruptible(repl.person.words("your answer", "Esc: no answer"))
        return None if answer is None else ToolResult(call.key, answer, "mocked")
    return await repl.interruptible(repl.session.toolbox.run(call, call.arguments))


def _show(repl: Repl, call: ToolCall, result: ToolResult) -> None:
    if result.prints:
        repl.say("\n".join(f"  {line}" for line in result.prints.rstrip("\n").split("\n")), "dim")
    answered = repl.toolbox.answered_by_person(call.name)
    how = "answered by you" if answered else f"{result.status} after {seconds(result.duration)}"
    repl.say(f"  {how}", STYLES[result.status])
    if not answered:  # who has just typed it knows it
        style = STYLES[result.status] if result.status in ("error", "timeout") else ""
        repl.say("\n".join(f"  {line}" for line in result.output.split("\n")), style)


def _insert(repl: Repl, call: ToolCall, result: ToolResult) -> None:
    repl.session.emit(ItemsInserted((call, result)))  # the view shows both
    repl.say(f"  in the conversation as {call.call_id}; the model sees it with your next message", "dim")


WRITING = """\
/call NAME {json} gives the arguments as they stand.
key=value is read by the tool's schema: days=3 is a number where the tool wants one.
key:=json is JSON; key=@file is the text of a file, key:=@file its JSON; an array takes key=one key=two.
Ctrl-C stops the tool."""

COMMANDS = (
    Command(
        "/call NAME [KEY=VALUE …]",
        "run a tool by hand; asks whether the model shall see it",
        _call,
        "tools",
        tool_call,
        WRITING,
    ),
    Command("/call! NAME [KEY=VALUE …]", "the same, and let the model see it", _call_and_keep, "tools", tool_call),
)
