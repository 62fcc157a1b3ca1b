"""What models an endpoint offers: one GET, read with clear words for everything that can go wrong.

Knows the shapes of a list of models. Must not know where the list lies (the dialect says), nor how the request travels
(the endpoint's).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from callscope.core.errors import EndpointError, UsageError
from callscope.core.ports import Endpoint
from callscope.core.visible import one_line

from .fetching import Fetched, bare, fetch, refusal


async def list_models(endpoint: Endpoint, url: str, *, exchange: int = 0) -> list[str]:
    """The ids that a GET of this URL lists, in the server's order; raises EndpointError with the server's own words."""
    return _read(await fetch(endpoint, url, "No list of models", "Name a model with -m.", exchange=exchange))


def only_endpoints(body: bytes) -> frozenset[str]:
    """The resources that a list of models names for each of its models (`supported_endpoints`: Copilot, LiteLLM)."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return frozenset()
    entries = value.get("data") if isinstance(value, Mapping) else value
    named = [entry.get("supported_endpoints") for entry in _list(entries) if isinstance(entry, Mapping)]
    each = [frozenset(name for name in _list(names) if isinstance(name, str)) for names in named]
    return each[0].intersection(*each[1:]) if each and len(set(each)) == 1 else frozenset()


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else ()


def only_model(ids: Sequence[str], url: str) -> str:
    """The only entry of a list of models; raises UsageError with the list where a person has to choose."""
    match ids:
        case [only]:
            return only
        case []:
            raise UsageError(f"{bare(url)} lists no model: name one with -m.")
        case _:
            shown = "\n".join(f"  {one_line(name)}" for name in ids[:50])
            more = f"\n  … and {len(ids) - 50} more" if len(ids) > 50 else ""
            raise UsageError(f"{bare(url)} lists {len(ids)} models: name one with -m.\n{shown}{more}")


def _read(fetched: Fetched) -> list[str]:
    url, status = fetched.url, fetched.head.status
    if 300 <= status < 400:
        location = next((value for name, value in fetched.head.headers if name.lower() == "location"), "nowhere")
        location = one_line(location)
        raise EndpointError(f"{url} redirects ({status}) to {location}: give that URL, redirects are not followed.")
    if fetched.is_page:
        page = "answers with a web page, not with an API"
        raise EndpointError(f"{url} {page} ({status}). Is the base URL right? It often ends in /v1.")
    if not fetched.is_good:
        said = fetched.words()
        tail = f" The server says: {said}" if said else ""
        raise EndpointError(f"{refusal(fetched, 'name a model with -m, or mend the base URL')}{tail}")
    try:
        ids = _ids(json.loads(fetched.body))
    except (ValueError, RecursionError):
        ids = None
    if ids is None:
        raise EndpointError(f"What {url} answers is no list of models: name one with -m.")
    return ids


def _ids(value: Any) -> list[str] | None:
    """{"data": [{"id"}]} as OpenAI has it, {"models": [{"name"}]} as Ollama and Gemini have it, or a bare list."""
    if isinstance(value, Mapping):
        value = value.get("data") if isinstance(value.get("data"), list) else value.get("models")
    if not isinstance(value, list):
        return None
    ids: list[str] = []
    for entry in value:
        name = (entry.get("id") or entry.get("name") or entry.get("model")) if isinstance(entry, Mapping) else entry
        if not isinstance(name, str):
            return None
        ids.append(name)
    return list(dict.fromkeys(ids))
