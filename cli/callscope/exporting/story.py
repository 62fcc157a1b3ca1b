"""A recorded session as it is told: turns, the exchanges in them, and what each brought piece by piece.

Knows which event belongs to which part. Must not know how any of it looks.
"""

from __future__ import annotations

from collections.abc import Iterator

from callscope.core.events import (
    ArgumentsDelta,
    BreakRequested,
    BytesRead,
    CallAssembled,
    CallDecided,
    CallHeld,
    CallStarted,
    Continued,
    Diagnostic,
    ExchangeEnded,
    ExchangeOpened,
    ItemsInserted,
    RemoteResult,
    ResponseCompleted,
    ResponseFailed,
    ResponseHead,
    ResponseStarted,
    ResultReviewed,
    Rewound,
    SettingsChanged,
    Stamped,
    TextDelta,
    ToolFinished,
    ToolsChanged,
    ToolStarted,
    TurnEnded,
    UserMessage,
)
from callscope.core.values import CallKey
from callscope.looking.exchanges import Exchange
from callscope.panels.wording import counted
from callscope.record.deriving.rederiving import derive
from callscope.record.file.reading import Entry, RecordingFile
from callscope.tools.definitions import Tool
from callscope.tools.running.toolbox import LocalToolbox

from .chapters import (
    MOST_COST,
    MOST_DIAGNOSTICS,
    MOST_EXCHANGES,
    CallStory,
    ExchangeStory,
    Note,
    Story,
    TurnStory,
    Voice,
)


def story_of(recording: RecordingFile) -> Story:
    """Tell a recording. Raises UnusableFile."""
    teller = _Teller(Story(recording.path, recording.header, [TurnStory(0, 0.0)]))
    for stamped in derive(_Marked(recording, teller)):
        teller.take(stamped)
    teller.story.warnings = tuple(recording.warnings)
    return teller.story


class _Marked:
    """A recording whose marks are heard on the way: nothing is derived from them."""

    def __init__(self, recording: RecordingFile, teller: _Teller) -> None:
        self.path, self.header = recording.path, recording.header
        self._recording = recording
        self._teller = teller

    @property
    def entries(self) -> Iterator[Entry]:
        """The lines."""
        for entry in self._recording.entries:
            if entry.kind == "mark":
                self._teller.note(entry.at, str(entry.members.get("text", "")), mark=True)
            elif entry.kind == "resumed":
                self._teller.note(entry.at, f"The session was gone on with, {entry.members.get('at', 'later')}.")
            yield entry


class _Teller:
    def __init__(self, story: Story) -> None:
        self.story = story
        self._exchange: ExchangeStory | None = None
        self._calls: dict[CallKey, CallStory] = {}
        self._cost = 0
        self._toolbox = LocalToolbox([])

    @property
    def _turn(self) -> TurnStory:
        return self.story.turns[-1]

    def note(self, at: float, text: str, *, mark: bool = False) -> None:
        """Something to say between exchanges."""
        self._turn.parts.append(Note(at, text, mark))

    def take(self, stamped: Stamped) -> None:
        """Take an event."""
        at, event = stamped.at, stamped.event
        match event:
            case TextDelta() | ArgumentsDelta():
                self._grow(at, event)
            case ExchangeOpened() | ResponseHead() | BytesRead() | ExchangeEnded():
                self._pass(at, event)
            case ResponseStarted() | ResponseCompleted() | ResponseFailed() | Diagnostic():
                self._respond(at, event)
            case CallStarted() | CallAssembled() | RemoteResult():
                self._call(at, event)
            case CallHeld() | CallDecided() | ToolStarted() | ToolFinished() | ResultReviewed():
                self._advance(at, event)
            case UserMessage() | Continued() | TurnEnded():
                self._turn_around(at, event)
            case SettingsChanged() | ToolsChanged():
                self._change(at, event)
            case Rewound() | ItemsInserted() | BreakRequested():
                self.note(at, _stepped_in(event))
            case _:
                pass

    # ---- turns ----------------------------------------------------------------------------------------------------

    def _turn_around(self, at: float, event: UserMessage | Continued | TurnEnded) -> None:
        match event:
            case UserMessage(text=text):
                self.story.turns.append(TurnStory(len(self.story.turns), at, text))
            case Continued():
                self.note(at, "The turn goes on.")
            case TurnEnded(reason=reason):
                self._turn.ended, self._turn.ended_at = reason, at

    def _change(self, at: float, event: SettingsChanged | ToolsChanged) -> None:
        if isinstance(event, SettingsChanged):
            if self.story.exchanges:
                self.note(at, f"Settings changed: {event.settings.model} at {event.settings.url}.")
            self.story.settings = event.settings
        else:
            if self.story.exchanges:
                self.note(at, f"Other tools: {', '.join(tool.name for tool in event.tools) or 'none'}.")
            self.story.tools = event.tools
            self._toolbox.use(Tool(spec) for spec in event.tools)

    # ---- exchanges ------------------------------------------------------------------------------------------------

    def _pass(self, at: float, event: ExchangeOpened | ResponseHead | BytesRead | ExchangeEnded) -> None:
        if isinstance(event, ExchangeOpened):
            self._open(ExchangeStory(self.story.exchanges + 1, Exchange(event.exchange, event.request, at)))
            return
        if self._exchange is None:
            return
        came = self._exchange.came
        since = max(at - came.opened_at, 0.0)
        match event:
            case ResponseHead():
                came.head, came.head_at = event, since
            case BytesRead():
                came.add(event, since)
            case ExchangeEnded():
                came.ended, came.ended_at = event, since

    def _open(self, exchange: ExchangeStory) -> None:
        """Begin an exchange, which is shown as long as none before it was left out."""
        story = self.story
        before, self._exchange = self._exchange, exchange
        self._cost += before.came.cost if before else 0
        is_shown = story.exchanges == story.shown < MOST_EXCHANGES and self._cost < MOST_COST
        story.exchanges += 1
        if is_shown:
            story.shown += 1
            self._turn.parts.append(exchange)
        else:
            self._calls.clear()

    def _respond(self, at: float, event: ResponseStarted | ResponseCompleted | ResponseFailed | Diagnostic) -> None:
        exchange = self._exchange
        if exchange is None:
            if isinstance(event, Diagnostic):
                self.note(at, f"{event.severity} {event.code}: {event.message}")
            return
        match event:
            case ResponseStarted(model=model):
                exchange.model = model
            case ResponseCompleted():
                exchange.finish_reason, exchange.usage = event.finish_reason, event.usage
            case ResponseFailed():
                exchange.failure = event
            case Diagnostic():
                if len(exchange.diagnostics) < MOST_DIAGNOSTICS:
                    exchange.diagnostics.append(event)
                else:
                    exchange.more_diagnostics += 1

    def _grow(self, at: float, event: TextDelta | ArgumentsDelta) -> None:
        if isinstance(event, ArgumentsDelta):
            call = self._calls.get(event.key) or self._begin(CallStory(event.key, "", "", remote=False, first_at=at))
            call.growth.add(at, event.frame, event.text)
            return
        if self._exchange is None:
            return
        parts = self._exchange.parts
        latest = parts[-1] if parts else None
        if not isinstance(latest, Voice) or latest.channel != event.channel:
            latest = Voice(event.channel)
            parts.append(latest)
        latest.growth.add(at, event.frame, event.text)

    # ---- calls ----------------------------------------------------------------------------------------------------

    def _begin(self, call: CallStory) -> CallStory:
        self._calls[call.key] = call
        if self._exchange is not None:
            self._exchange.parts.append(call)
        return call

    def _call(self, at: float, event: CallStarted | CallAssembled | RemoteResult) -> None:
        match event:
            case CallStarted(key=key, name=name, call_id=call_id):
                self._begin(CallStory(key, name, call_id, event.executor == "remote", at))
            case CallAssembled(call=call):
                remote = call.executor == "remote"
                story = self._calls.get(call.key) or self._begin(CallStory(call.key, "", "", remote, at))
                story.name, story.call_id, story.call, story.assembled_at = call.name, call.call_id, call, at
                if call.fault is None and not remote:
                    story.complaint = self._toolbox.check(call, call.arguments)
            case RemoteResult(result=result):
                if known := self._calls.get(result.key):
                    known.result, known.finished_at = result, at

    def _advance(self, at: float, event: CallHeld | CallDecided | ToolStarted | ToolFinished | ResultReviewed) -> None:
        key = event.result.key if isinstance(event, ToolFinished) else event.key
        call = self._calls.get(key)
        if call is None:
            return
        match event:
            case CallHeld():
                call.held_at = at
            case CallDecided(decision=decision, by=by):
                call.decision, call.by, call.decided_at = decision, by, at
            case ToolStarted(arguments=arguments):
                call.started_at, call.ran_with = at, arguments
            case ToolFinished(result=result):
                call.result, call.finished_at = result, at
            case ResultReviewed(output=output):
                call.sent_back = output


def _stepped_in(event: Rewound | ItemsInserted | BreakRequested) -> str:
    match event:
        case Rewound(to=to):
            return f"The conversation was cut back to {counted(to, 'item')}."
        case ItemsInserted(items=items):
            return f"By hand {counted(len(items), 'item')} {'was' if len(items) == 1 else 'were'} put in."
        case BreakRequested():
            return "The person asked to hold the next call."
