"""Everything that the commands that look have to look at, gathered as it happens.

Knows which keepers there are. Must not know what any of them keeps. Each is bounded, or as long as the conversation.
"""

from __future__ import annotations

from callscope.core.events import Stamped, UserMessage
from callscope.core.state import Conversation
from callscope.forensics.case import Case
from callscope.panels.trace import Trace

from .exchanges import Exchanges
from .ledger import Ledger
from .timing import TurnTiming
from .tokens import TokenLog


class Witness:
    """A sink that hands each event to all keepers. Trace and case are those of the latest turn."""

    def __init__(self) -> None:
        self.exchanges = Exchanges()
        self.ledger = Ledger()
        self.timing = TurnTiming()
        self.tokens = TokenLog()
        self.trace = Trace()
        self.case = Case()

    def handle(self, stamped: Stamped, conversation: Conversation) -> None:
        """Take one event."""
        self.exchanges.handle(stamped, conversation)
        self.ledger.handle(stamped, conversation)
        self.timing.handle(stamped, conversation)
        self.tokens.handle(stamped, conversation)
        self.case.handle(stamped, conversation)
        if isinstance(stamped.event, UserMessage):
            self.trace.forget()
        self.trace.handle(stamped, conversation)
