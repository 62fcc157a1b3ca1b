"""What a request cannot offer in the protocol it is written in.

Knows codes, severities and sentences. Must not know when they apply.
"""

from __future__ import annotations

from .codes import Code

OFFERS = {
    "tool_not_offered": Code(
        "warning",
        "{protocol} has no custom tools: {name} is not offered.",
        "custom tools offered to agents, or as legacy functions",
        "offered all other tools",
    ),
    "strict_not_sent": Code(
        "warning",
        "{protocol} has no strict mode: {name} is offered without it.",
        "strict tools as legacy functions",
        "offered the tool",
    ),
    "choice_not_sent": Code(
        "warning",
        "{protocol} has {what}: no tool choice is sent.",
        "`required` and `allowed_tools` with legacy functions, custom tools of an agent",
        "left the choice to the server",
    ),
    "parallel_not_sent": Code(
        "warning",
        "{protocol} has no `parallel_tool_calls`: it is not sent.",
        "legacy functions",
        "left it to the server",
    ),
    "form_not_used": Code(
        "warning",
        "{protocol} has no form `{form}`: it changes nothing.",
        "forms of Chat Completions in another protocol",
        "wrote the request as the protocol has it",
    ),
    "offer_misshapen": Code(
        "warning",
        "{what} is {how}: {wanted}",
        "definitions and choices of one protocol pasted into the other",
        "sent it as it is",
    ),
}
