"""What comes of a call, as text and status: the forms in which every kind of tool answers.

Knows the error object a model reads, and how secrets are kept out of it. Must not know how anything runs.
"""

from __future__ import annotations

from collections.abc import Iterable

from callscope.core.plan import error
from callscope.core.values import ResultStatus

from .invalid import InvalidArguments

Answer = tuple[str, ResultStatus]
"""The output for the model, and the status."""

LONGEST_DETAIL = 2_000
"""Characters of a program's or a server's own words that an error quotes."""

SHORTEST_SECRET = 8
"""Characters: anything shorter cannot be told from ordinary text."""


def failed(kind: str, message: str, *, retryable: bool = False) -> Answer:
    """An error as a tool's result."""
    return error(kind, message, retryable=retryable), "error"


def invalid(problem: InvalidArguments) -> Answer:
    """The result of a call that was not run, for its arguments do not fit."""
    path = problem.problems[0][0] if len(problem.problems) == 1 else None
    return error("invalid_arguments", f"The call was not run: {problem}.", path=path or None, retryable=True), "error"


def timed_out(name: str, seconds: float, fate: str) -> Answer:
    """The result of a call that gave none in time; `fate` says what became of it."""
    return error("timeout", f"{name} gave no result within {seconds:g} s. {fate}.", retryable=True), "timeout"


def tail(text: str) -> str:
    """The last words of a program, which say most."""
    text = text.strip()
    return text if len(text) <= LONGEST_DETAIL else f"[…] {text[-LONGEST_DETAIL:]}"


def head(text: str) -> str:
    """The first words of a server's answer."""
    text = text.strip()
    return text if len(text) <= LONGEST_DETAIL else f"{text[:LONGEST_DETAIL]} […]"


def concealed(text: str, secrets: Iterable[str]) -> str:
    """The text with every secret value in it starred out."""
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= SHORTEST_SECRET:
            text = text.replace(secret, "*" * 8)
    return text
