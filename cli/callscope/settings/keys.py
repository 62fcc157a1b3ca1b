"""Which key goes to which server.

Knows one rule: a key goes where it was meant to go and nowhere else. Must not know how a request carries it.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from callscope.core.errors import UsageError
from callscope.endpoints.addresses import address, origin

from .profiles import Profile

OPENAI_URL = "https://api.openai.com/v1"
OPENAI_KEY = "OPENAI_API_KEY"
LONGEST_KEY_COMMAND = 30.0
"""Seconds: time enough to unlock a key store by hand."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key, the variable it came from, or the command that gives it; all empty where none is to be sent."""

    value: str = field(default="", repr=False)
    variable: str | None = None
    command: tuple[str, ...] = field(default=(), repr=False)
    notices: tuple[str, ...] = ()


def key_for(url: str, key_env: str | None, environ: Mapping[str, str], profile: Profile) -> Key:
    """The key for a server: of `--key-env`, else of the profile, else OPENAI_API_KEY where that one belongs.

    `profile` is the server's own profile; one that is another server's must not get here. Raises UsageError for a
    variable that was named and is not set.
    """
    if key_env:
        return _variable(key_env, environ, "--key-env")
    if profile.key_command:
        return Key(command=profile.key_command)
    if profile.key_env:
        return _variable(profile.key_env, environ, f"key_env of the profile {profile.name}")
    key = environ.get(OPENAI_KEY, "").strip()
    if not key:
        return Key()
    if origin(url) in _openai_origins(environ):
        return Key(key, OPENAI_KEY)
    host = origin(url).partition("://")[2]
    return Key(notices=(f"{OPENAI_KEY} is not sent to {host}; to send a key there, name its variable with --key-env.",))


def run_key_command(command: Sequence[str], folder: Path | None) -> str:
    """The key that a program prints; raises UsageError, which never quotes the output.

    No shell. The program runs in `folder` (where the profile file is), so that a relative name in it is never looked
    up in the working directory.
    """
    try:
        done = subprocess.run(  # noqa: S603 - the person's own file names the program, and no shell reads it
            command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, timeout=LONGEST_KEY_COMMAND, check=False
        )
    except subprocess.TimeoutExpired:
        raise UsageError(f"key_command: {command[0]} gave no key within {LONGEST_KEY_COMMAND:g} seconds.") from None
    except OSError as error:
        raise UsageError(f"key_command: {command[0]} cannot be run: {error.strerror}.") from None
    if done.returncode != 0:
        raise UsageError(f"key_command: {command[0]} ended with exit code {done.returncode}.")
    key = done.stdout.decode("utf-8", "replace").strip()
    if not key or len(key.splitlines()) > 1:
        raise UsageError(f"key_command: {command[0]} printed {'more than one line' if key else 'nothing'}, not a key.")
    return key


def _variable(name: str, environ: Mapping[str, str], source: str) -> Key:
    value = environ.get(name, "").strip()
    if not value:
        raise UsageError(f"{source}: the variable {name} is not set.")
    return Key(value, name)


def _openai_origins(environ: Mapping[str, str]) -> set[str]:
    """Where OPENAI_API_KEY belongs: OpenAI itself, and the server that OPENAI_BASE_URL names beside it."""
    origins = {origin(OPENAI_URL)}
    if base := environ.get("OPENAI_BASE_URL"):
        try:
            origins.add(origin(address(base).url))
        except UsageError:
            return origins  # another URL is used, so this one need not be good
    return origins
