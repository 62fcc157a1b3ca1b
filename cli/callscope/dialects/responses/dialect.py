"""The Responses API as a dialect: the pair of a request maker and a decoder.

Knows that the protocol has these two sides. Must not know either side's details.
"""

from __future__ import annotations

from collections.abc import Sequence

from callscope.core.ports import Decoder, Prepared
from callscope.core.state import Conversation
from callscope.core.values import ToolSpec

from .request import prepare


class Responses:
    """`POST …/responses`, streamed or not."""

    name = "responses"

    def request(self, conversation: Conversation) -> Prepared:
        """The next request of this conversation, without any secret in it."""
        return prepare(conversation)

    def decoder(self, exchange: int, tools: Sequence[ToolSpec]) -> Decoder:
        """A fresh decoder for one exchange in which these tools were offered."""
        from .decoder import responses_decoder  # as for Chat Completions: the first prompt need not wait for it

        return responses_decoder(exchange, tools)
