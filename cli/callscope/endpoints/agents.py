"""What agents a server lists: a GET, or two where chat and discovery may lie under different bases.

Knows in which order the places are asked and what to say where none answers with a list. Must not know where they lie
(the dialect says) nor how an agent is described.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from callscope.core.errors import EndpointError
from callscope.core.ports import Endpoint
from callscope.dialects.acf.discovery import Listed, listed_agents

from .fetching import Fetched, fetch, refusal

MISSING = "No list of agents"


@dataclass(frozen=True, slots=True)
class FoundAgents:
    """The agents, and where they are listed (without the URL's query)."""

    url: str
    listed: Listed


async def list_agents(endpoint: Endpoint, urls: Sequence[str]) -> FoundAgents:
    """The agents of the first of these URLs that lists any; raises EndpointError with the first one's words."""
    failure: EndpointError | None = None
    for url in urls:
        try:
            fetched = await fetch(endpoint, url, MISSING, "Is this the URL of an agent?")
        except EndpointError as error:
            raise failure or error from None  # a server that cannot be reached is not asked again
        listed = listed_agents(fetched.body) if fetched.is_good else None
        if listed is not None:
            return FoundAgents(fetched.url, listed)
        failure = failure or EndpointError(_why(fetched))
    raise failure or EndpointError(f"{MISSING}: no URL was given.")


def _why(fetched: Fetched) -> str:
    url, status = fetched.url, fetched.head.status
    if fetched.is_page:
        return f"{url} answers with a web page, not with a list of agents ({status})."
    if fetched.is_good:
        return f"What {url} answers is no list of agents."
    if 300 <= status < 400:
        return f"{url} redirects ({status}); redirects are not followed."
    said = fetched.words()
    words = refusal(fetched, "agents that are only registered by their URL list nothing; chat with one all the same")
    return f"{words}{f' The server says: {said}' if said else ''}"
