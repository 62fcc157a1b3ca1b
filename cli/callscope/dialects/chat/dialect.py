"""The Chat Completions dialect: the pair of a request maker and a decoder.

Knows that the protocol has these two sides. Must not know either side's details.
"""

from __future__ import annotations

from collections.abc import Sequence

from callscope.core.ports import Decoder, Prepared
from callscope.core.state import Conversation
from callscope.core.values import ToolSpec

from .request import prepare


class ChatCompletions:
    """`POST …/chat/completions`, streamed or not."""

    name = "chat"

    def request(self, conversation: Conversation) -> Prepared:
        """The next request of this conversation, without any secret in it."""
        return prepare(conversation)

    def decoder(self, exchange: int, tools: Sequence[ToolSpec]) -> Decoder:
        """A fresh decoder for one exchange in which these tools were offered."""
        from .decoder import chat_decoder  # 10 ms with its parts, which the first prompt need not wait for

        return chat_decoder(exchange, tools)
