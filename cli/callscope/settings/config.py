"""What a session is set to: flags before the environment before a profile.

Knows where a setting may come from, and above all where a key may go. Must not know how a flag is spelled on the
command line beyond its name in an error, nor what the settings do. Known to the composition root alone.

`resolve` is pure; `load_config` reads the profile file and runs a profile's key command.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar, cast, get_args
from urllib.parse import unquote, urlsplit

from callscope.core.errors import UsageError
from callscope.core.values import Approval, Headers, History
from callscope.endpoints.addresses import Address, address, origin
from callscope.endpoints.credentials import secrets_in_headers, secrets_in_query
from callscope.endpoints.http import check_header, merged
from callscope.endpoints.patience import Timeouts

from .keys import OPENAI_URL, key_for, run_key_command
from .profiles import Profile, profile_path, read_profiles

BEARER = "authorization"
Given = TypeVar("Given")
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Flags:
    """What the command line said, word for word; None or empty where it said nothing. `url_from`: who said the URL."""

    url: str | None = None
    url_from: str = "--url"
    model: str | None = None
    dialect: str | None = None
    profile: str | None = None
    key_env: str | None = None
    key_header: str | None = None
    header: tuple[str, ...] = ()
    query: tuple[str, ...] = ()
    param: tuple[str, ...] = ()
    system: str | None = None
    tools: tuple[Path, ...] = ()
    tool_choice: str | None = None
    parallel: bool | None = None
    strict: bool | None = None
    tool_forms: tuple[str, ...] | None = None
    stream: bool | None = None
    history: str | None = None
    thread: str | None = None
    approve: str | None = None
    max_rounds: int | None = None
    retries: int | None = None
    connect_timeout: float | None = None
    first_byte_timeout: float | None = None
    idle_timeout: float | None = None
    proxy: str | None = None
    ca_file: Path | None = None


@dataclass(frozen=True, slots=True)
class Config:
    """What holds. `url` has no secret in it; whatever is secret in the rest is in `secrets`, too.

    `approve` is None where nobody said anything. `key_variable` is the variable that a curl line names for the key,
    which stands in `key_header`. `key_command` is still to be run. `notices` are sentences that a person should hear.
    """

    url: str
    headers: Headers = field(default=(), repr=False)
    query: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    key_variable: str | None = None
    key_command: tuple[str, ...] = field(default=(), repr=False)
    key_folder: Path | None = None
    key_header: str = BEARER
    notices: tuple[str, ...] = ()
    model: str | None = None
    dialect: str = "auto"
    parameters: Mapping[str, Any] = field(default_factory=dict)
    system: str | None = None
    tools: tuple[Path, ...] = ()
    tool_choice: str | None = None
    parallel: bool | None = None
    strict: bool | None = None
    tool_forms: tuple[str, ...] = ()
    stream: bool = True
    history: History = "full"
    thread: str | None = None
    approve: Approval | None = None
    max_rounds: int = 20
    retries: int = 2
    timeouts: Timeouts = field(default_factory=Timeouts)
    proxy: str | None = field(default=None, repr=False)
    ca_file: str | None = None


def load_config(flags: Flags, environ: Mapping[str, str]) -> Config:
    """The settings of a session that will talk to its server: reads the profile file, runs a profile's key command.

    Raises UsageError for what cannot be meant, and for a missing OpenAI key.
    """
    return unlock(resolve(flags, environ, read_profiles(profile_path(environ))))


def resolve(flags: Flags, environ: Mapping[str, str], profiles: Mapping[str, Profile]) -> Config:
    """The settings, without running anything.

    A profile that is named goes before the environment; where none is, the profile `default` comes after it.

    Raises UsageError, naming the flag, variable or profile, for what cannot be meant.
    """
    profile = _chosen(flags.profile, profiles)
    ca_file, named = flags.ca_file or profile.ca_file, flags.profile is not None
    return replace(
        _access(flags, environ, profile),
        model=flags.model or (named and profile.model) or environ.get("CALLSCOPE_MODEL") or profile.model,
        dialect=flags.dialect or profile.dialect or "auto",
        parameters={**profile.params, **dict(map(_parameter, flags.param))},
        system=_given(flags.system, profile.system),
        tools=flags.tools or profile.tools,
        tool_choice=flags.tool_choice or profile.tool_choice,
        parallel=_given(flags.parallel, profile.parallel),
        strict=_given(flags.strict, profile.strict),
        tool_forms=flags.tool_forms or profile.tool_forms or (),
        stream=_given(flags.stream, profile.stream) is not False,
        thread=flags.thread,
        history=cast(History, _one_of("--history", get_args(History), flags.history or profile.history) or "full"),
        approve=cast("Approval | None", _one_of("--approve", get_args(Approval), flags.approve or profile.approve)),
        max_rounds=_given(flags.max_rounds, profile.max_rounds) or 20,
        retries=2 if (retries := _given(flags.retries, profile.retries)) is None else retries,
        timeouts=_timeouts(flags, profile),
        ca_file=str(ca_file) if ca_file else None,
    )


def unlock(config: Config) -> Config:
    """The same settings with the key in place: runs the key command if there is one.

    Raises UsageError where the command gives no key, and where OpenAI is meant and there is none.
    """
    if config.key_command:
        key = run_key_command(config.key_command, config.key_folder)
        headers = merged((_carried(config.key_header, key),), config.headers)
        return replace(config, headers=headers, secrets=(*config.secrets, key), key_command=())
    if not _authorized(config.headers, config.key_header) and origin(config.url) == origin(OPENAI_URL):
        raise UsageError(
            "OPENAI_API_KEY is not set, and OpenAI wants a key. Set it, name another variable with --key-env, "
            "or give the --url of another server. Without key or network: callscope demo"
        )
    return config


# ---- the server and what is carried to it -------------------------------------------------------------------------


def _access(flags: Flags, environ: Mapping[str, str], profile: Profile) -> Config:
    """Everything that has to do with one server. What a profile carries to its own server stays with that one."""
    target, at_home = _target(flags, environ, profile)
    carried = profile if at_home else Profile(profile.name, profile.folder)
    key = key_for(target.url, flags.key_env, environ, carried)
    asked = tuple(map(_header, flags.header))
    key_header = flags.key_header or carried.key_header or BEARER
    _said_by("--key-header", lambda name: check_header(name, ""), key_header)
    headers = merged(
        target.headers,
        tuple(carried.headers.items()),
        (_carried(key_header, key.value),) if key.value else (),
        asked,
    )
    query = (*target.query, *carried.query.items(), *(_pair("--query", word) for word in flags.query))
    proxy = flags.proxy or profile.proxy
    password = unquote(urlsplit(proxy).password or "") if proxy else ""
    secrets = (key.value, *target.secrets, *secrets_in_headers(headers), *secrets_in_query(query), password)
    return Config(
        url=target.url,
        headers=headers,
        query=query,
        secrets=tuple(secret for secret in dict.fromkeys(secrets) if secret),
        key_variable=key.variable,
        key_command=() if _authorized(asked, key_header) else key.command,
        key_folder=profile.folder,
        key_header=key_header,
        notices=key.notices if at_home else (*key.notices, _strange(profile, target.url, _url_from(flags))),
        proxy=proxy,
    )


def _target(flags: Flags, environ: Mapping[str, str], profile: Profile) -> tuple[Address, bool]:
    """The server that is meant, and whether it is the profile's own; a profile without a URL is at home anywhere."""
    base = None if flags.profile and profile.url else environ.get("OPENAI_BASE_URL")
    home = _said_by(f"The url of the profile {profile.name}", address, profile.url) if profile.url else None
    if not flags.url and not base:
        return home or address(OPENAI_URL), True
    target = _said_by(_url_from(flags), address, flags.url or base or "")
    if home is None or origin(home.url) != origin(target.url):
        return target, home is None
    headers, query = target.headers or home.headers, target.query or home.query
    return Address(target.url, headers, query, (*target.secrets, *home.secrets)), True


def _url_from(flags: Flags) -> str:
    return flags.url_from if flags.url else "OPENAI_BASE_URL"


def _strange(profile: Profile, url: str, source: str) -> str:
    return (
        f"{source} goes before the profile {profile.name}: its key and headers are not sent to {urlsplit(url).netloc}."
    )


def _carried(header: str, key: str) -> tuple[str, str]:
    """The header that carries a key; any but the usual one has it bare, as `X-API-Key`."""
    return header, f"Bearer {key}" if header.lower() == BEARER else key


def _authorized(headers: Headers, key_header: str) -> bool:
    return any(name.lower() in (BEARER, key_header.lower()) for name, _ in headers)


# ---- words into values --------------------------------------------------------------------------------------------


def _chosen(name: str | None, profiles: Mapping[str, Profile]) -> Profile:
    if name is None:
        return profiles.get("default") or Profile("default", Path())
    if name not in profiles:
        known = f"known: {', '.join(profiles)}" if profiles else "there is none"
        raise UsageError(f"--profile: no profile is named {name}; {known}.")
    return profiles[name]


def _header(line: str) -> tuple[str, str]:
    """`Name: value`."""
    name, colon, value = line.partition(":")
    if not colon:
        # the line itself may be a secret that lost its name
        raise UsageError("--header: a header is written 'Name: value'; there is no colon in one of them.")
    _said_by("--header", lambda pair: check_header(*pair), (name.strip(), value.strip()))
    return name.strip(), value.strip()


def _pair(flag: str, word: str) -> tuple[str, str]:
    name, equals, value = word.partition("=")
    if not equals or not name:
        raise UsageError(f"{flag}: write name=value{'' if equals else f', not {name}'}.")
    return name, value


def _parameter(word: str) -> tuple[str, Any]:
    """`name=value`, where the value is JSON when it parses as JSON, else a text."""
    name, text = _pair("--param", word)
    try:
        value = json.loads(text)
        json.dumps(value, allow_nan=False)
    except json.JSONDecodeError:
        return name, text
    except (ValueError, RecursionError):
        raise UsageError(
            f"--param {name}: no JSON can carry this number, or this depth. To send it as a text, put it in quotes."
        ) from None
    return name, value


def _timeouts(flags: Flags, profile: Profile) -> Timeouts:
    said = {
        "connect": flags.connect_timeout,
        "first_byte": flags.first_byte_timeout,
        "between_bytes": flags.idle_timeout,
    }
    for name, seconds in said.items():
        if seconds is not None and not seconds > 0:
            raise UsageError(f"The {name} timeout must be more than 0 seconds, not {seconds:g}.")
    given = {name: seconds for name, seconds in said.items() if seconds is not None}
    return replace(Timeouts(), **{**profile.timeouts, **given})


def _one_of(flag: str, words: Iterable[str], said: str | None) -> str | None:
    if said is not None and said not in words:
        raise UsageError(f"{flag}: {said!r} is none of {', '.join(words)}.")
    return said


def _given(*values: Value | None) -> Value | None:
    """The first value that was given; an empty text or False is given, too."""
    return next((value for value in values if value is not None), None)


def _said_by(source: str, read: Callable[[Given], Value], given: Given) -> Value:
    """Read something, and name in the error where it came from."""
    try:
        return read(given)
    except UsageError as error:
        raise UsageError(f"{source}: {error}") from None
