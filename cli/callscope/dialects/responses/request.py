"""The Responses API, written: a conversation in, the exact request out.

Knows the members of a request, and when the server's own memory of the conversation may be used. Must not know secrets.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from callscope.core.events import Diagnostic
from callscope.core.ports import Prepared
from callscope.core.state import Conversation
from callscope.core.values import JsonObject, Message, Request
from callscope.dialects.chat.request import encoded, items_to_send, request_headers
from callscope.dialects.choices import told
from callscope.dialects.diagnostics import diagnostic
from callscope.dialects.shapes import text_of
from callscope.dialects.urls import RESPONSES, endpoint_url

from .history import InputList, Said, parts, said_of
from .items import CALLS, type_of
from .tools import tool_members

NOT_STORED: Final = "the server stores nothing (store is false)"
ENCRYPTED: Final = "reasoning.encrypted_content"


class Start(NamedTuple):
    """Where the input begins: behind which response that the server keeps (""), and with which parts."""

    previous: str
    parts: Sequence[Message | Said]
    diagnostics: tuple[Diagnostic, ...] = ()


def prepare(conversation: Conversation) -> Prepared:
    """The next request. Raises UsageError where the settings have no usable URL."""
    settings = conversation.settings
    stored = settings.parameters.get("store") is not False
    start = _start(conversation, stored=stored)
    history = InputList(latest=conversation.exchange, stored=stored, moved=conversation.moved)
    for place, part in enumerate(start.parts):
        if start.previous and place == 0 and isinstance(part, Said):
            history.add_results(part)
        else:
            history.add(part)
    body: JsonObject = {"model": settings.model}
    if settings.system:
        body["instructions"] = settings.system
    if start.previous:
        body["previous_response_id"] = start.previous
    body["input"] = history.items
    body.update(tool_members(settings, conversation.tools))
    body["stream"] = settings.stream
    if not stored:
        body["include"] = [ENCRYPTED]
    body.update(settings.parameters)
    url = endpoint_url(settings.url, RESPONSES)
    request = Request("POST", url, request_headers(settings), encoded(body))
    return Prepared(request, (*told(conversation), *start.diagnostics, *history.diagnostics))


# ---- the server's own memory ----------------------------------------------------------------------------------------


def _start(conversation: Conversation, *, stored: bool) -> Start:
    everything = parts(items_to_send(conversation))
    responses = [said for said in said_of(everything) if "output" in said.echo]
    if conversation.settings.history != "server" or not responses:
        return Start("", everything)
    latest = responses[-1]
    reason = _why_not(conversation, latest, stored=stored)
    if reason:
        told = reason != NOT_STORED or len(responses) == 1  # what holds for all requests is said with the first
        return Start("", everything, (diagnostic("server_history_unused", text=reason),) if told else ())
    place = next(index for index, part in enumerate(everything) if part is latest)
    return Start(str(latest.echo["id"]), everything[place:])


def _why_not(conversation: Conversation, said: Said, *, stored: bool) -> str:
    """Why the server's memory of the conversation up to this response cannot be used; "" where it can."""
    if not stored or said.echo.get("store") is False:
        return NOT_STORED
    if said.response <= conversation.moved:
        return "another server gave the last answer"
    if not said.echo.get("id"):
        return "the last answer, or a call of it, has no id of its own"
    if not _is_whole(said):
        return "the last answer was changed here"
    return ""


def _is_whole(said: Said) -> bool:
    """Whether the calls of a response are those that the server made, with its own arguments."""
    made = {
        text_of(each.get("call_id")): each.get("arguments", each.get("input"))
        for each in said.output
        if type_of(each) in CALLS
    }
    return made == {call.call_id: call.arguments for call in said.calls}
