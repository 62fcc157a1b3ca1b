"""Whether arguments fit a schema that nobody vouches for."""

from __future__ import annotations

import urllib.request
from typing import Any

import pytest

from callscope.core.values import CallKey, ToolCall
from callscope.doctor.schemas import complaint

CALL = ToolCall(CallKey(1, 0), "call_1", "f", '{"city": 1}')


def test_no_reference_of_a_schema_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    fetched: list[Any] = []
    monkeypatch.setattr(urllib.request, "urlopen", lambda request, *_, **__: fetched.append(request))
    assert complaint(CALL, {"parameters": {"$ref": "http://127.0.0.1:9/schema.json"}}) == ""
    assert not fetched


def test_arguments_that_do_not_fit_are_complained_of() -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}}
    assert complaint(CALL, {"parameters": schema}) == "1 is not of type 'string'"
