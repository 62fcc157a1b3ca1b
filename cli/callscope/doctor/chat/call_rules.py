"""Rules on calls: how they come, in pieces or whole.

Knows the members of a call. Must not know whether it can be run (`doctor.call_rules`). Where it takes more than one
look at a piece to see what is wrong, the decoder's own complaints are the judge.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from callscope.core.visible import one_line
from callscope.dialects.assembly import CUT
from callscope.doctor.rule import Level, Rule, Verdict, broken, held, rule
from callscope.doctor.seen import Seen, as_sent, shown
from callscope.doctor.tool_rules import is_named

from .chunks import Piece, finish_reasons, has_chunks, is_whole, pieces

PIECE_RULES: Final[list[Rule]] = []


def has_calls(seen: Seen) -> bool:
    """Whether a call came."""
    return (has_chunks(seen) or is_whole(seen)) and bool(seen.calls)


def streams_calls(seen: Seen) -> bool:
    """Whether a call came in a stream."""
    return has_chunks(seen) and bool(seen.calls)


def _complaint(name: str, level: Level, asked: str, breaks: str, *codes: str) -> None:
    """A rule that the decoder's complaints of these codes break."""

    def judge(seen: Seen) -> Iterator[Verdict]:
        for report in seen.reported(*codes):
            yield broken(one_line(report.message, 120), report.frame)

    rule(PIECE_RULES, name, level, asked, breaks=breaks, when=has_calls)(judge)


@rule(
    PIECE_RULES,
    "chat.call_index",
    "required",
    "Each piece of a call has its `index`: 0 for the first call, 1 for the second, the same for all its pieces.",
    breaks="the openai SDK's stream helper fails, and most clients join two calls into one or lose arguments",
    when=streams_calls,
)
def _index(seen: Seen) -> Iterator[Verdict]:
    last = -1
    for piece in pieces(seen):
        index = piece.entry.get("index")
        if type(index) is not int:
            yield broken(as_sent(piece.entry, "index", 40), piece.frame)
        elif index > last + 1:
            yield broken(f"`index` is {index} after {last}" if last >= 0 else f"the first is {index}", piece.frame)
        last = max(last, index) if type(index) is int else last
    for report in seen.reported("index_reused", "index_shifted"):
        yield broken(report.message, report.frame)


@rule(
    PIECE_RULES,
    "chat.call_list",
    "required",
    "`tool_calls` is a list, each call an object with its `function`.",
    breaks="clients go through a list and read `function`: they find no call",
    when=has_calls,
)
def _listed(seen: Seen) -> Iterator[Verdict]:
    for report in seen.reported("calls_not_listed", "call_flat", "legacy_function_call"):
        yield broken(one_line(report.message, 120), report.frame)


_complaint(
    "chat.call_id",
    "required",
    "Each call has an `id` of its own.",
    "a result cannot say which call it answers; servers refuse a history with two equal ids",
    "id_missing",
    "id_shared",
    "id_changed",
)


@rule(
    PIECE_RULES,
    "chat.continuations",
    "recommended",
    "Only the first piece of a call has `id`, `type` and `name`; the others have `index` and `arguments` alone.",
    breaks="clients that join names get get_weatherget_weather; those that take the last value get an empty one",
    when=streams_calls,
)
def _continuations(seen: Seen) -> Iterator[Verdict]:
    known: set[object] = set()
    for piece in pieces(seen):
        index = piece.entry.get("index")
        index = index if isinstance(index, int | str) else None
        begins = index not in known or (piece.opens and piece.entry.get("id") not in (None, "", *known))
        if begins:
            known |= {index, _id(piece)}
            continue
        extra: list[str] = [name for name in ("id", "type") if name in piece.entry]
        extra += ["name"] if "name" in piece.function else []
        if extra and type(index) is int:
            yield broken(f"a later piece has {', '.join(extra)}: {shown(piece.entry)}", piece.frame)


def _id(piece: Piece) -> object:
    found = piece.entry.get("id")
    return found if isinstance(found, str) else None


_complaint(
    "chat.call_name",
    "required",
    "The name of a call comes whole, once, and does not change.",
    "nobody knows which tool is meant",
    "name_missing",
    "name_in_pieces",
    "name_changed",
)


@rule(
    PIECE_RULES,
    "chat.call_type",
    "recommended",
    "Each call has its `type`, function or custom.",
    breaks="clients that go by the type skip the call; it is refused when it goes back in the history",
    when=has_calls,
)
def _type(seen: Seen) -> Iterator[Verdict]:
    for piece in pieces(seen):
        if piece.opens and piece.entry.get("type") not in ("function", "custom"):
            yield broken(as_sent(piece.entry, "type", 40), piece.frame)


# ---- arguments ----------------------------------------------------------------------------------------------------


@rule(
    PIECE_RULES,
    "chat.arguments_text",
    "required",
    "`arguments` are a text that holds JSON, not the JSON itself.",
    breaks="clients that join or parse a text fail",
    when=has_calls,
)
def _text(seen: Seen) -> Iterator[Verdict]:
    for piece in pieces(seen):
        found = piece.function.get("arguments", "")
        if not isinstance(found, str):
            yield broken(f"`arguments` is {shown(found, 60)}", piece.frame)
        elif piece.opens and is_whole(seen) and not {"arguments", "input"} & piece.function.keys():
            yield broken("`arguments` is missing", piece.frame)


_complaint(
    "chat.arguments_once",
    "required",
    "The arguments come once: joined as they come they are the arguments.",
    "clients that join the pieces get two documents, or the same one twice",
    "arguments_repeated",
    "arguments_cumulative",
    "arguments_after_empty",
    "call_repeated",
    "function_call_repeated",
)


@rule(
    PIECE_RULES,
    "chat.fragments",
    "informational",
    "How calls come: in pieces while they are made, or whole.",
    breaks="",
    when=streams_calls,
)
def _fragments(seen: Seen) -> Iterator[Verdict]:
    count = sum(1 for piece in pieces(seen) if piece.function.get("arguments") or piece.function.get("input"))
    calls = len(seen.calls)
    in_pieces = count > calls
    yield held(f"{calls} call{'' if calls == 1 else 's'} {f'in {count} pieces' if in_pieces else 'whole'}")


# ---- the end ------------------------------------------------------------------------------------------------------


@rule(
    PIECE_RULES,
    "chat.finish_calls",
    "required",
    "Where calls came, `finish_reason` is tool_calls (stop, too, where one tool was asked for by its name).",
    breaks="loops that go by it do not run the calls",
    when=has_calls,
)
def _finish_calls(seen: Seen) -> Iterator[Verdict]:
    # what OpenAI itself sends, for each choice: https://github.com/vllm-project/vllm/pull/25054, and documents:
    # https://platform.openai.com/docs/guides/function-calling#edge-cases
    fine = ("tool_calls", *CUT, *(("stop",) if is_named(seen) else ()))
    for frame, reason in finish_reasons(seen):
        if reason not in fine:
            yield broken(f"`finish_reason` is {shown(reason, 40)}", frame)


@rule(
    PIECE_RULES,
    "chat.no_leak",
    "required",
    "A call comes as a call, not as words of the answer.",
    breaks="the person reads the model's own markup, and nothing runs",
    when=lambda seen: (has_chunks(seen) or is_whole(seen)) and bool(seen.tools),
)
def _no_leak(seen: Seen) -> Iterator[Verdict]:
    for report in seen.reported("leaked_tool_call", "call_malformed", "finish_reason_without_calls"):
        yield broken(one_line(report.message, 120), report.frame)
