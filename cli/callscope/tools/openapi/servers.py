"""Where an API is, and how a caller shows who it is.

Knows servers and security schemes as OpenAPI and Swagger have them. Must not know the operations' arguments.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urljoin, urlsplit

from callscope.tools.outgoing import HttpCall, QueryField
from callscope.tools.templates import Template, Variable

from .spec import Operation, Scheme, Spec

_PLACE = re.compile(r"\{([^{}]+)\}")


def address(spec: Spec, operation: Operation, fetched_from: str | None) -> str | None:
    """The address below which an operation is, without a slash at its end; None where the file does not say."""
    try:
        found = _address_2(spec, fetched_from) if spec.version == "2" else _address_3(spec, operation, fetched_from)
        parts = urlsplit(found or "")
        parts.port  # noqa: B018 - asked for, it raises where it can be none
    except ValueError:
        return None
    return found.rstrip("/") if found and parts.scheme in ("http", "https") else None


def authorized(
    call: HttpCall, needed: list[tuple[str, ...]], schemes: Mapping[str, Scheme], given: Mapping[str, Variable]
) -> HttpCall | None:
    """The request with what shows who calls; None where it needs something that was not given."""
    for names in needed or [()]:
        if all(name in given and name in schemes for name in names):
            for name in names:
                call = _shown(call, schemes[name], given[name])
            return call
    return None


def _shown(call: HttpCall, scheme: Scheme, variable: Variable) -> HttpCall:
    value = Template((variable,))
    match scheme.kind:
        case "header":
            return replace(call, headers=(*call.headers, (scheme.name, value)))
        case "query":
            return replace(call, query=(*call.query, QueryField(scheme.name, value)))
        case "cookie":
            return replace(call, cookies=(*call.cookies, (scheme.name, value)))
        case "bearer":
            return replace(call, headers=(*call.headers, ("authorization", Template(("Bearer ", variable)))))
        case "basic":
            encoded = Template(("Basic ", replace(variable, encoded=True)))
            return replace(call, headers=(*call.headers, ("authorization", encoded)))


def _address_3(spec: Spec, operation: Operation, fetched_from: str | None) -> str | None:
    """The first server of the operation, else of its path, else of the file; else where the file came from."""
    for owner in (operation.part, operation.shared, spec.root):
        servers = owner.value.get("servers")
        server = servers[0] if isinstance(servers, list) and servers else None
        if isinstance(server, Mapping) and isinstance(server.get("url"), str):
            url = _filled(server["url"], server.get("variables"))
            return urljoin(fetched_from, url) if fetched_from else url
    return urljoin(fetched_from, "/") if fetched_from else None


def _filled(url: str, variables: Any) -> str:
    """The URL of a server with the defaults of its variables."""
    known = variables if isinstance(variables, Mapping) else {}

    def default(match: re.Match[str]) -> str:
        variable = known.get(match[1])
        return str(variable.get("default", match[0])) if isinstance(variable, Mapping) else match[0]

    return _PLACE.sub(default, url)


def _address_2(spec: Spec, fetched_from: str | None) -> str | None:
    value = spec.root.value
    origin = urlsplit(fetched_from or "")
    schemes = [scheme for scheme in value.get("schemes") or [] if scheme in ("https", "http")]
    host = value.get("host") or origin.netloc
    if not host:
        return None
    scheme = origin.scheme if origin.scheme in schemes or not schemes else schemes[0]
    base = str(value.get("basePath") or "/")
    return f"{scheme or 'https'}://{host}/{base.strip('/')}"
