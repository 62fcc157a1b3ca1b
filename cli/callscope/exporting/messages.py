"""The messages of a conversation, as its dialect would send them next.

Knows JSON that is safe to print, and where requests have messages. Must not know any protocol beyond that.
"""

from __future__ import annotations

import json

from callscope.core.ports import Dialect
from callscope.core.state import Conversation
from callscope.core.visible import visible_json
from callscope.looking.pretty import pretty

PREVIOUS = "previous_response_id"
"""What the server is to put before the items of a request."""


def next_messages(dialect: Dialect, conversation: Conversation) -> str:
    """The messages, or input items, of the next request as JSON; its whole body where there is none, or more to it."""
    text = dialect.request(conversation).request.body.decode()
    try:
        body = json.loads(text)
    except ValueError:  # no JSON is made, it is only sent: what leaves is what is exported
        return text
    messages = body.get("messages", None if PREVIOUS in body else body.get("input")) if isinstance(body, dict) else None
    said = json.dumps(body if messages is None else messages, ensure_ascii=False)
    return visible_json(pretty(said)) + "\n"
