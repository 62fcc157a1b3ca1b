"""That arguments are not what a tool takes.

Knows how such a complaint is carried. Must not know who makes it, nor how it is worded for a model.
"""

from __future__ import annotations


class InvalidArguments(Exception):
    """The arguments are not what the tool takes; `problems` are (path, sentence) pairs."""

    def __init__(self, problems: list[tuple[str, str]]) -> None:
        super().__init__("; ".join(sentence for _, sentence in problems))
        self.problems = problems
