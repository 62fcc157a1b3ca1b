"""What the demo agent answers: which calls now, which words.

Knows the rounds of a prompt and how far the results in the history have come. Must not know any protocol, nor how an
answer is sent.
"""

from __future__ import annotations

from callscope.core.values import Headers
from callscope.serving.demo.faults.fault import Fault
from callscope.serving.demo.faults.table import FaultTable

from . import speech
from .answer import MODEL, Answer, Call
from .ask import Ask, Refused
from .words import Wish, rounds, take_literals


def decided(ask: Ask, table: FaultTable, faults_told: str) -> tuple[Answer, list[Fault]]:
    """The honest answer to a request, and the faults that the words of its prompt ask for.

    The words of a prompt speak of the first answer to it; where they name no fault of the table, the answer says so.
    """
    literals, rest = take_literals(ask.prompt, ask.tools)
    asked, rest, unknown = table.asked_for(rest)
    if unknown and not ask.results:
        return Answer(table.nearest(unknown)), asked
    answer = _answer(ask, literals, rest, faults_told, show=bool(asked))
    return answer, [] if ask.results else asked


def _answer(ask: Ask, literals: list[Wish], prompt: str, faults_told: str, *, show: bool) -> Answer:
    """The honest answer. `show` asks for a call where the prompt says nothing but which fault to show."""
    if literals and ask.choice != "none":
        stages = [literals]
    else:
        choice = "required" if show and not prompt.strip(" .,!?") and ask.choice == "auto" else ask.choice
        stages = rounds(prompt, ask.tools, choice, ask.last_call)
    lacking = [wish for stage in stages for wish in stage if wish.missing]
    wishes = _next([[wish for wish in stage if not wish.missing] for stage in stages], ask)
    calls = tuple(
        Call(f"call_{ask.calls_before + number}", wish.tool.name, wish.arguments, wish.tool.kind)
        for number, wish in enumerate(wishes, 1)
    )
    thinks = ask.think or speech.ASKS_TO_THINK.search(prompt)
    reasoning = speech.thoughts(wishes, ask.results) if thinks else ""
    return Answer(_text(ask, prompt, wishes, lacking, faults_told), calls, reasoning, ask.max_tokens)


def _next(stages: list[list[Wish]], ask: Ask) -> list[Wish]:
    """The first calls that have no result yet: a whole round, or one call where they may not be parallel."""
    done = len(ask.results)
    for stage in stages:
        if done < len(stage):
            return stage[done:] if ask.parallel else stage[done : done + 1]
        done -= len(stage)
    return []


def _text(ask: Ask, prompt: str, wishes: list[Wish], lacking: list[Wish], faults_told: str) -> str:
    if wishes:
        return speech.announcement(wishes)
    if ask.results:
        return speech.told(ask)
    if lacking:
        return speech.missing(lacking)
    if speech.ASKS_FAULTS.search(prompt):
        return faults_told
    if count := speech.COUNT.search(prompt):
        return " ".join(str(number) for number in range(1, min(int(count[1]), 20_000) + 1))
    if speech.ASKS_WHO.search(prompt):
        return speech.greeting(ask.tools)
    return speech.FORBIDDEN if ask.choice == "none" else speech.nothing_found(ask.tools)


def standing_faults(ask: Ask, headers: Headers, table: FaultTable) -> list[Fault]:
    """Those of the model's name (`callscope-demo:index-always-0`) and of the header `x-fault`."""
    model, _, suffix = ask.model.partition(":")
    if model != MODEL or (suffix and table.named(suffix) is None):
        why = f": {table.nearest(suffix)}" if suffix and model == MODEL else f"; this server has only {MODEL!r}."
        raise Refused(404, f"The model {ask.model!r} does not exist{why}", "model", "model_not_found")
    names = [suffix, *(name for header, value in headers if header.lower() == "x-fault" for name in value.split(","))]
    found: list[Fault] = []
    for name in filter(None, names):
        fault = table.named(name)
        if fault is None:
            raise Refused(400, table.nearest(name.strip()), "x-fault", "unknown_fault")
        found.append(fault)
    return found
