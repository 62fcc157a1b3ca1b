"""The plain-lines view: a turn as lines that scroll by, in a terminal, a pipe or a log.

Knows how each event reads as a line. The answer's text is data and goes to `out`; everything else is chrome. In a
terminal the arguments of a call are shown as they grow, with a mark wherever the server cut them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import IO, Literal, TextIO

from rich.console import Console
from rich.text import Text

from callscope.core.events import (
    ArgumentsDelta,
    BytesRead,
    CallAssembled,
    CallDecided,
    Diagnostic,
    Event,
    ExchangeOpened,
    ItemsInserted,
    RemoteResult,
    ResponseCompleted,
    ResponseFailed,
    ResponseStarted,
    Stamped,
    TextDelta,
    ThreadNamed,
    ToolFinished,
    ToolStarted,
    TurnEnded,
    UserMessage,
)
from callscope.core.naming import call_named
from callscope.core.state import Conversation
from callscope.core.values import Abort, CallKey, Edit, Item, Mock, Reject, Run, ToolCall, ToolResult
from callscope.core.visible import one_line, visible
from callscope.dialects.json_progress import utf8_size
from callscope.panels.blocks import ran
from callscope.panels.wording import counted, ending, failure_sentence, finished, place, seconds, tokens

from .chrome import ChromeConsole

Stream = CallKey | Literal["output", "reasoning", "refusal"]

STYLES = {
    "ok": "green",
    "mocked": "magenta",
    "error": "red",
    "timeout": "red",
    "rejected": "yellow",
    "cancelled": "yellow",
}
SEVERITY_STYLES = {"info": "", "warning": "yellow", "error": "bold red"}


def chrome_console(stream: TextIO) -> Console:
    """The console for chrome: never marks up, highlights or wraps what a peer sent."""
    return ChromeConsole(file=stream, highlight=False, markup=False, emoji=False, soft_wrap=True)


class LinesView:
    """A sink that writes lines. `echo_user` repeats the person's words, which a replay has to show."""

    def __init__(self, out: TextIO, chrome: Console, *, echo_user: bool = False) -> None:
        self.out = out
        self.chrome = chrome
        self.echo_user = echo_user
        self.live = chrome.is_terminal
        self._out_is_terminal = out.isatty()
        self._lines_meet = self._out_is_terminal or _same_file(out, chrome.file)
        self._line: Stream | None = None
        self._answer_open = False  # the answer so far does not end with a newline
        self._deltas: dict[CallKey, int] = {}
        self._thread: str | None = None
        fancy = (chrome.encoding or "").lower().startswith("utf")
        self._cut = self._styled("·" if fancy else "|", "cyan")
        self._dim = self._styled("-", "dim").split("-")  # what stands around dim words: rendering each costs 80 µs
        self._dash, self._dot = ("–", "·") if fancy else ("-", "-")
        self._glyphs = ("▸", "✓", "✗", "!") if fancy else (">", "ok", "x", "!")

    def handle(self, stamped: Stamped, conversation: Conversation) -> None:
        """Show one event."""
        match stamped.event:
            case TextDelta(channel="output"):
                self._answer(stamped.event.text)
            case TextDelta():
                self._aside(stamped.event)
            case ArgumentsDelta():
                self._grow(stamped.event, conversation)
            case BytesRead():
                pass  # one for each read, and nothing to see
            case event:
                self._show(event, conversation)

    def begin(self, recording: str | None, told: object = None) -> None:
        """Nothing: a person sees the session begin."""

    def close(self) -> None:
        """End the line that is open, so that a prompt does not stand in it."""
        self._break()
        self._end_answer()

    # ---- running text ---------------------------------------------------------------------------------------------

    def _answer(self, text: str) -> None:
        self._switch("output")
        self.out.write(visible(text) if self._out_is_terminal else text)
        self.out.flush()
        self._answer_open = not text.endswith("\n")
        if not self._answer_open:
            self._line = None

    def _aside(self, delta: TextDelta) -> None:
        if self._line != delta.channel:
            self._switch(delta.channel)
            self.chrome.print(Text(f"{delta.channel}: ", style="dim italic"), end="")
        self._write(visible(delta.text).join(self._dim))

    def _grow(self, delta: ArgumentsDelta, conversation: Conversation) -> None:
        count = self._deltas[delta.key] = self._deltas.get(delta.key, 0) + 1
        if not self.live:
            return
        if self._line != delta.key:
            self._switch(delta.key)
            name = conversation.response.chunks.names.get(delta.key, "") if conversation.response else ""
            self._write(self._styled(f"{self._glyphs[0]} {one_line(name, 64)} ", "bold cyan"))
        self._write((self._cut if count > 1 else "") + visible(delta.text).replace("\n", "\\n"))

    def _write(self, text: str) -> None:
        self.chrome.file.write(text)
        self.chrome.file.flush()

    def _styled(self, text: str, style: str) -> str:
        with self.chrome.capture() as capture:
            self.chrome.print(Text(text, style=style), end="")
        return capture.get()

    def _switch(self, to: Stream) -> None:
        if self._line != to:
            self._break()
            self._line = to

    def _break(self) -> None:
        """End the open line. An answer in a pipe of its own is data: it gets no newline in the middle."""
        if self._line == "output":
            if self._lines_meet:
                self._end_answer()
        elif self._line is not None:
            self._write("\n")
        self._line = None

    def _end_answer(self) -> None:
        if self._answer_open:
            self.out.write("\n")
            self.out.flush()
            self._answer_open = False

    # ---- lines ----------------------------------------------------------------------------------------------------

    def _say(self, text: str, style: str = "") -> None:
        self._break()
        self.chrome.print(Text(visible(text), style=style))

    def _show(self, event: Event, conversation: Conversation) -> None:  # noqa: C901 - one flat case for each event
        arrow, check, cross, bang = self._glyphs
        match event:
            case UserMessage() if self.echo_user:
                self._say(f"> {visible(event.text)}", "bold")
            case ExchangeOpened() if conversation.turn and conversation.turn.attempts > 1:
                self._say(f"{bang} trying again, attempt {conversation.turn.attempts}", "yellow")
            case CallAssembled(call=call):
                self._end_answer()  # calls are told when the response is over
                self._assembled(call)
            case CallDecided(decision=decision) if not isinstance(decision, Run):
                self._decided(event, conversation)
            case ToolStarted(key=key) if (
                record := conversation.calls.get(key)
            ) and record.arguments != record.call.arguments:
                self._say(f"  {arrow} runs with {one_line(event.arguments)}", "magenta")
            case ToolFinished(result=result):
                self._finished(result, conversation)
            case RemoteResult(result=result):
                glyph = cross if result.status == "error" else check
                style = "red" if result.status == "error" else "dim"
                self._say(f"  {glyph} the agent's own result: {one_line(result.output)}", style)
            case ThreadNamed(thread=thread) if thread != self._thread:
                self._thread = thread
                self._say(f"  thread {one_line(thread, 120)}", "dim")
            case Diagnostic():
                self._diagnosed(event, conversation.exchange)
            case ResponseStarted():
                self._end_answer()  # the answers of two responses are two paragraphs
            case ResponseCompleted() if self.live:
                told = tokens(event.usage)
                reason = one_line(finished(event.finish_reason, conversation.settings.dialect), 64)
                self._say(f"  {reason}{told and f', {told}'}", "dim")
            case ResponseFailed() if event.kind != "cancelled":  # the end of the turn says that
                self._say(f"{cross} {failure_sentence(event)}", "bold red")
            case TurnEnded(reason=reason) if reason not in ("completed", "failed"):
                unsent = sum(ran(record.started, record.result) for record in conversation.calls.values())
                self._say(f"{bang} {ending(reason, unsent)}", "yellow")
            case ItemsInserted(items=items):
                self._inserted(items)
            case _:
                pass

    def _diagnosed(self, event: Diagnostic, exchange: int) -> None:
        """A finding; its severity in words where there are no colours to tell it."""
        _, _, cross, bang = self._glyphs
        mark = {"info": "i", "warning": bang, "error": cross}[event.severity]
        coloured = self.chrome.color_system is not None and not self.chrome.no_color
        severity = "" if coloured else f"{event.severity} "
        where = place(event, exchange, self._dash)
        self._say(f"  {mark} {severity}{event.code}: {one_line(event.message)}{where}", SEVERITY_STYLES[event.severity])

    def _assembled(self, call: ToolCall) -> None:
        arrow, check, cross, _ = self._glyphs
        count = self._deltas.pop(call.key, 0)
        size = f"{counted(count, 'delta')}, {counted(utf8_size(call.arguments), 'byte')}"
        if self.live and count:  # its name stands before the arguments that grew, its id not yet
            size = f"{self._called(call)}: {size}"
        else:
            self._say(f"{arrow} {self._called(call)} {one_line(call.arguments)}", "bold cyan")
        if call.fault:
            self._say(f"  {cross} {size}: {one_line(call.fault.message)}", "bold red")
        else:
            whose = ", run by the agent itself" if call.executor == "remote" else ""
            self._say(f"  {check} {size}, {arguments_state(call)}{whose}", "dim")

    def _decided(self, event: CallDecided, conversation: Conversation) -> None:
        name = self._name(event.key, conversation)
        match event.decision:
            case Edit(arguments=arguments):
                self._say(f"  {name}: arguments edited to {one_line(arguments)}", "magenta")
            case Mock():
                self._say(f"  {name}: answered in its place", "magenta")
            case Reject(message=message):
                self._say(
                    f"  {name}: refused{' by policy' if event.by == 'policy' else ''}: {one_line(message)}", "yellow"
                )
            case Abort():
                self._say(f"  {name}: turn stopped", "yellow")
            case Run():
                pass

    def _finished(self, result: ToolResult, conversation: Conversation) -> None:
        record = conversation.calls.get(result.key)
        name = self._name(result.key, conversation)
        glyph = self._glyphs[1] if result.status in ("ok", "mocked") else self._glyphs[2]
        # nobody knows how long a call ran in a session that was killed
        ran = record and record.started and (result.status != "cancelled" or result.duration)
        took = f" after {seconds(result.duration)}" if ran else ""
        self._say(f"  {glyph} {name} {result.status}{took}: {one_line(result.output)}", STYLES[result.status])
        for line in result.prints.splitlines()[-20:]:
            self._say(f"    | {one_line(line)}", "dim")

    def _inserted(self, items: Sequence[Item]) -> None:
        for item in items:
            match item:
                case ToolCall():
                    self._say(f"{self._glyphs[0]} by hand: {self._called(item)} {one_line(item.arguments)}", "cyan")
                case ToolResult():
                    self._say(f"  {item.status}: {one_line(item.output)}", STYLES[item.status])
                case _:
                    self._say(f"  by hand: {one_line(item.text)}")

    def _name(self, key: CallKey, conversation: Conversation) -> str:
        """What a call goes by; a recording that nobody vouches for may speak of a call that never came."""
        record = conversation.calls.get(key)
        return self._called(record.call) if record else f"call {key.exchange}.{key.index}"

    def _called(self, call: ToolCall) -> str:
        return call_named(call.name, call.call_id, self._dot)


def _same_file(out: TextIO, chrome: IO[str]) -> bool:
    """Whether answer and chrome go to one place, as with `2>&1`."""
    try:
        return os.path.sameopenfile(out.fileno(), chrome.fileno())
    except (OSError, ValueError):  # no files, or closed
        return False


def arguments_state(call: ToolCall) -> str:
    """The state of whole arguments, in words."""
    if call.kind == "custom":
        return "free text"
    if not call.arguments:
        return "no arguments"
    try:
        json.loads(call.arguments)
    except (ValueError, RecursionError):
        return "not JSON"
    return "valid JSON"
