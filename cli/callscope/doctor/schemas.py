"""Whether a call's arguments are what its tool asks for.

Knows that jsonschema judges it. Must not know any protocol.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from callscope.core.values import ToolCall


def complaint(call: ToolCall, tool: Mapping[str, Any]) -> str:
    """What is wrong with the arguments of a function, in a sentence; "" where nothing is, or nothing can be said."""
    schema = tool.get("parameters")
    if call.kind == "custom" or call.fault is not None or not isinstance(schema, Mapping):
        return ""
    try:
        arguments = json.loads(call.arguments or "{}")
    except (ValueError, RecursionError):
        return ""
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError, best_match
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    try:
        Draft202012Validator.check_schema(dict(schema))
        # the registry is empty, so that no reference is ever fetched: the schema may come from a recording
        worst = best_match(Draft202012Validator(dict(schema), registry=Registry()).iter_errors(arguments))
    except (SchemaError, Unresolvable, RecursionError):
        return ""
    return worst.message if worst else ""
