"""The Agent Connect Framework as a dialect: the pair of a request maker and a decoder.

Knows that the protocol has these two sides. Must not know either side's details. One dialect serves both contracts,
that of the framework (`/v1/chat`) and that of external agents (`/chat/completions`): only the URL differs.
"""

from __future__ import annotations

from collections.abc import Sequence

from callscope.core.ports import Decoder, Prepared
from callscope.core.state import Conversation
from callscope.core.values import ToolSpec

from .request import prepare


class AgentConnect:
    """`POST …/v1/chat` or the full URL of an external agent, streamed or not."""

    name = "acf"

    def request(self, conversation: Conversation) -> Prepared:
        """The next request of this conversation, without any secret in it."""
        return prepare(conversation)

    def decoder(self, exchange: int, tools: Sequence[ToolSpec]) -> Decoder:
        """A fresh decoder for one exchange in which these tools were offered."""
        from .decoder import agent_decoder  # as for Chat Completions: the first prompt need not wait for it

        return agent_decoder(exchange, tools)
