"""What is offered to a model, before any protocol writes it: the tools, what a tool choice means, what has no place.

Knows the words of a tool choice (`none`, `auto`, `required`, a tool's name, `allowed:MODE:NAME,NAME`) and which of all
this each protocol can say. Must not know how any protocol writes it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, NamedTuple, TypeAlias, get_args

from callscope.core.events import Diagnostic
from callscope.core.state import Conversation
from callscope.core.values import Json, JsonObject, Settings, ToolForm, ToolSpec

from .diagnostics import diagnostic
from .misshapen import misshapen

Mode: TypeAlias = Literal["auto", "required"]
WORDS: Final = ("none", "auto", "required")
MODES: Final[tuple[Mode, ...]] = get_args(Mode)
ALLOWED: Final = "allowed"


@dataclass(frozen=True, slots=True)
class Allowed:
    """The model may choose (`auto`) or must choose (`required`) among these of the tools that are offered."""

    mode: Mode
    tools: tuple[ToolSpec, ...]


@dataclass(frozen=True, slots=True)
class Raw:
    """What goes to the server as it is."""

    value: str | JsonObject


Choice: TypeAlias = ToolSpec | Allowed | Raw
"""One tool, some tools, or what goes as it is: none, auto and required, too."""


class Offer(NamedTuple):
    """What a request offers, as far as its protocol can say it; `left_out` tells of the rest."""

    tools: tuple[ToolSpec, ...]
    choice: Choice | None
    parallel: bool | None
    left_out: tuple[Diagnostic, ...]


@dataclass(frozen=True, slots=True)
class Protocol:
    """What a protocol, or a form of one, can say of tools."""

    name: str
    custom: bool = True
    strict: bool = True
    required: bool = True
    allowed: bool = True
    parallel: bool = True
    forms: tuple[ToolForm, ...] = ()


CHAT: Final = Protocol("Chat Completions", forms=get_args(ToolForm))
LEGACY: Final = Protocol(
    "The legacy `functions`",
    custom=False,
    strict=False,
    required=False,
    allowed=False,
    parallel=False,
    forms=("functions",),
)
RESPONSES: Final = Protocol("The Responses API")
AGENTS: Final = Protocol("The Agent Connect Framework", custom=False)


def protocol_of(settings: Settings) -> Protocol:
    """What can be said under these settings."""
    match settings.dialect:
        case "responses":
            return RESPONSES
        case "acf":
            return AGENTS
        case _:
            return LEGACY if "functions" in settings.tool_forms else CHAT


def chosen(choice: Json, tools: Sequence[ToolSpec]) -> Choice | None:
    """What a tool choice means where these tools are offered; a name among `allowed` that is none is a function's."""
    if choice is None:
        return None
    if not isinstance(choice, str):
        return Raw(choice)  # type: ignore[arg-type] # whatever JSON a person wrote
    named = {tool.name: tool for tool in tools}
    if choice in WORDS or (choice not in named and not choice.startswith(f"{ALLOWED}:")):
        return Raw(choice)
    if choice in named:
        return named[choice]
    mode, names = allowed_names(choice)
    return Allowed(mode, tuple(named.get(name) or ToolSpec(name) for name in names)) if mode else Raw(choice)


def allowed_names(choice: str) -> tuple[Mode | None, list[str]]:
    """The mode and the names of `allowed:MODE:NAME,NAME`; None for a mode that is none."""
    _, _, rest = choice.partition(":")
    said, _, names = rest.partition(":")
    mode = next((mode for mode in MODES if mode == said), None)
    return mode, [name for part in names.split(",") if (name := part.strip())]


def offer(settings: Settings, tools: Sequence[ToolSpec]) -> Offer:
    """What a request under these settings offers of these tools."""
    protocol = protocol_of(settings)
    left_out: list[Diagnostic] = []
    kept = tuple(_tools(settings, protocol, tools, left_out))
    if not kept:
        return Offer((), None, None, tuple(left_out))
    choice = _choice(settings, protocol, tools, left_out)
    parallel = settings.parallel
    if parallel is not None and not protocol.parallel:
        left_out.append(diagnostic("parallel_not_sent", protocol=protocol.name))
        parallel = None
    left_out += _forms(settings, protocol)
    return Offer(kept, choice, parallel, tuple(left_out))


def forms(settings: Settings) -> tuple[ToolForm, ...]:
    """The forms that mean something in the protocol that is spoken."""
    return tuple(form for form in settings.tool_forms if form in protocol_of(settings).forms)


def told(conversation: Conversation) -> tuple[Diagnostic, ...]:
    """What the next request leaves out of the offer, or sends in another protocol's shape; told once a turn."""
    if conversation.turn is not None and conversation.turn.rounds:
        return ()
    found = offer(conversation.settings, conversation.tools)
    return (*found.left_out, *misshapen(conversation.settings))


def _tools(
    settings: Settings, protocol: Protocol, tools: Sequence[ToolSpec], left_out: list[Diagnostic]
) -> Iterator[ToolSpec]:
    for tool in tools:
        if tool.kind == "custom":
            if protocol.custom:
                yield tool
            else:
                left_out.append(diagnostic("tool_not_offered", protocol=protocol.name, name=tool.name))
            continue
        strict = tool.strict if settings.strict is None else settings.strict
        if strict and not protocol.strict:
            left_out.append(diagnostic("strict_not_sent", protocol=protocol.name, name=tool.name))
        yield replace(tool, strict=strict if protocol.strict else None)


def _choice(
    settings: Settings, protocol: Protocol, tools: Sequence[ToolSpec], left_out: list[Diagnostic]
) -> Choice | None:
    choice = chosen(settings.tool_choice, tools)
    problem = None
    match choice:
        case ToolSpec(kind="custom", name=name) if not protocol.custom:
            problem = f"no custom tools, so {name} cannot be chosen"
        case Allowed() if not protocol.allowed:
            problem = "no `allowed_tools`"
        case Allowed(tools=some) if not protocol.custom and (custom := _custom(some)):
            problem = f"no custom tools, so {custom} cannot be allowed"
        case Raw(value="required") if not protocol.required:
            problem = "no `required`; it can name one function"
        case _:
            return choice
    left_out.append(diagnostic("choice_not_sent", protocol=protocol.name, what=problem))
    return None


def _custom(tools: Sequence[ToolSpec]) -> str:
    return ", ".join(tool.name for tool in tools if tool.kind == "custom")


def _forms(settings: Settings, protocol: Protocol) -> Iterator[Diagnostic]:
    for form in settings.tool_forms:
        if form not in protocol.forms:
            yield diagnostic("form_not_used", protocol=protocol.name, form=form)
