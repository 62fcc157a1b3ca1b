"""A conversation as Markdown: words, calls with what was proposed and what ran, results, diagnostics.

Knows how text is written so that it stays what it is: a fence longer than any within it, a quote on every line. Must
not know where the document goes. Words that could be more than words, HTML or an image, are fenced too: a comment that
is opened in a quote goes on behind it, and an image is fetched when it is looked at.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Callable, Iterator

from callscope.core.events import Diagnostic
from callscope.core.naming import call_named
from callscope.core.state import Conversation
from callscope.core.values import CallKey, Item, Message, Mock, Reasoning, Reject, Settings, ToolCall, ToolResult
from callscope.core.visible import one_line, visible
from callscope.panels.wording import counted, exactly, failure_sentence

from .ledger import CallEntry, ExchangeEntry, Ledger
from .pretty import pretty

Mask = Callable[[str], str]

_MORE_THAN_WORDS = re.compile(r"<[A-Za-z/!?]|!\[|^[ \t]*\[[^\]]*\]:", re.MULTILINE)


def markdown(conversation: Conversation, ledger: Ledger, mask: Mask) -> str:
    """The document; `mask` hides the secrets of a text."""
    blocks = _Document(conversation, ledger, mask).blocks()
    return "\n\n".join(blocks) + "\n"


class _Document:
    def __init__(self, conversation: Conversation, ledger: Ledger, mask: Mask) -> None:
        self.conversation = conversation
        self.ledger = ledger
        self.mask = mask
        self.calls = {item.key: item for item in conversation.items if isinstance(item, ToolCall)}

    def blocks(self) -> Iterator[str]:
        """Paragraphs, headings, quotes and fences, in order."""
        yield from self._top(self.conversation.settings)
        said = 0
        exchanges = _Exchanges(self.ledger)
        for place, item in enumerate(self.conversation.items):
            yield from self._ended(exchanges.before(place, item))
            said += isinstance(item, Message) and item.role == "user"
            yield from self._item(item, said)
        yield from self._ended(exchanges.rest())

    def _top(self, settings: Settings) -> Iterator[str]:
        yield f"# A conversation with {self._code(settings.model)}"
        facts = [f"- endpoint: {self._code(settings.url)}, dialect {self._code(settings.dialect)}"]
        if tools := self.conversation.tools:
            facts.append(f"- tools: {', '.join(self._code(tool.name) for tool in tools)}")
        yield "\n".join(facts)
        if settings.system:
            yield "## System prompt"
            yield self._words(settings.system)

    def _item(self, item: Item, said: int) -> Iterator[str]:
        match item:
            case Message(role="user", text=text):
                yield f"## You, message {said}"
                yield self._words(text)
            case Message(text=text, response=response, refusal=refusal):
                yield f"## Assistant{', refusal' if refusal else ''}, exchange {response}"
                yield self._words(text)
            case Reasoning(text=text, response=response) if text:
                yield f"## Reasoning, exchange {response}"
                yield self._words(text)
            case Reasoning():
                pass
            case ToolCall():
                yield from self._call(item, self.ledger.calls.get(item.key))
            case ToolResult():
                yield from self._result(item, self.ledger.calls.get(item.key))

    def _call(self, call: ToolCall, entry: CallEntry | None) -> Iterator[str]:
        where = ", run by the agent itself" if call.executor == "remote" else ""
        by_hand = ", put in by hand" if entry and entry.by_hand else ""
        yield f"## Call {self._named(call.key)}{where}{by_hand}"
        if entry and entry.edited:
            yield "Proposed:"
            yield self._data(entry.proposed)
            yield f"Edited by {entry.by} to:"
        yield self._data(call.arguments)
        if call.fault:
            yield f"Not run, {self._code(call.fault.code)}: {self._code(call.fault.message)}"
        if entry and isinstance(entry.decision, Reject):
            why = f": {self._code(entry.decision.message)}" if entry.decision.message else "."
            yield f"Refused by {entry.by}{why}"
        if entry and isinstance(entry.decision, Mock):
            yield f"Not run: answered in its place by {entry.by}."

    def _result(self, result: ToolResult, entry: CallEntry | None) -> Iterator[str]:
        ran = f", after {exactly(result.duration)}" if result.duration else ""
        yield f"## Result of {self._named(result.key)}: {result.status}{ran}"
        if entry and entry.returned:
            yield "The tool returned:"
            yield self._data(entry.returned.output)
            yield "Changed by person to:"
        yield self._data(result.output)
        if result.prints:
            yield "The tool printed:"
            yield self._fence(result.prints, "text")

    def _ended(self, entries: Iterator[tuple[int, ExchangeEntry]]) -> Iterator[str]:
        """What was wrong with exchanges that are over."""
        for number, entry in entries:
            if entry.failure:
                yield f"## Exchange {number} failed"
                yield self._fence(failure_sentence(entry.failure), "text")
            if entry.diagnostics:
                yield f"## Diagnostics, exchange {number}"
                yield "\n".join(map(self._diagnostic, entry.diagnostics))
            if entry.more_diagnostics:
                yield f"And {counted(entry.more_diagnostics, 'more diagnostic')}."

    def _diagnostic(self, diagnostic: Diagnostic) -> str:
        where = f", bytes {diagnostic.frame.start} to {diagnostic.frame.end}" if diagnostic.frame else ""
        of = f", {self._named(diagnostic.key)}" if diagnostic.key else ""
        return f"- {diagnostic.severity} {self._code(diagnostic.code)}: {self._code(diagnostic.message)}{of}{where}"

    def _named(self, key: CallKey) -> str:
        call = self.calls.get(key)
        return self._code(call_named(call.name, call.call_id) if call else f"call {key.exchange}.{key.index}")

    # ---- text that stays what it is -------------------------------------------------------------------------------

    def _words(self, text: str) -> str:
        shown = visible(self.mask(text))
        if _MORE_THAN_WORDS.search(shown):
            return _fenced(shown, "text")
        return "\n".join(f"> {line}" for line in shown.split("\n"))

    def _data(self, text: str) -> str:
        try:
            json.loads(text)
        except (ValueError, RecursionError):
            return self._fence(text, "text")
        return self._fence(pretty(text), "json")

    def _fence(self, text: str, language: str) -> str:
        return _fenced(visible(self.mask(text)), language)

    def _code(self, text: str) -> str:
        """A span of code of one line; only what has at least one character can be one."""
        shown = one_line(self.mask(text), 2000).strip() or "(none)"
        ticks = "`" * (_longest_run(shown) + 1)
        space = " " if shown.startswith("`") or shown.endswith("`") else ""
        return f"{ticks}{space}{shown}{space}{ticks}"


class _Exchanges:
    """Hands out each exchange once, where its last item is behind us."""

    def __init__(self, ledger: Ledger) -> None:
        self._waiting = deque(sorted(ledger.exchanges.items()))

    def before(self, place: int, item: Item) -> Iterator[tuple[int, ExchangeEntry]]:
        """Those that are over before the item at this place."""
        here = _exchange_of(item)
        while self._waiting and self._waiting[0][1].after <= place and (not here or self._waiting[0][0] < here):
            yield self._waiting.popleft()

    def rest(self) -> Iterator[tuple[int, ExchangeEntry]]:
        """All that are left."""
        while self._waiting:
            yield self._waiting.popleft()


def _exchange_of(item: Item) -> int:
    """The exchange that an item came in; 0 for the person's words."""
    return item.response if isinstance(item, Message | Reasoning) else item.key.exchange


def _fenced(text: str, language: str) -> str:
    fence = "`" * max(3, _longest_run(text) + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def _longest_run(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)
