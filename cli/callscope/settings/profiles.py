"""The profile file: `config.toml` in the person's own configuration folder, and nowhere else.

Knows its shape and refuses it whole where it is wrong, with file and line. Must not know flags or the environment
beyond where the folder is. Never looks at the working directory: a profile can name a command, and changing into a
repository must never run code.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn, get_args

from callscope.core.credentials import is_secret_header, is_secret_parameter
from callscope.core.errors import UsageError
from callscope.core.paths import expanded
from callscope.core.values import ToolForm


@dataclass(frozen=True, slots=True)
class Profile:
    """One `[profiles.NAME]`; None where it says nothing. Paths are absolute."""

    name: str
    folder: Path
    url: str | None = None
    model: str | None = None
    dialect: str | None = None
    key_env: str | None = None
    key_header: str | None = None
    key_command: tuple[str, ...] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)
    system: str | None = None
    tools: tuple[Path, ...] = ()
    tool_choice: str | None = None
    parallel: bool | None = None
    strict: bool | None = None
    tool_forms: tuple[str, ...] | None = None
    stream: bool | None = None
    history: str | None = None
    approve: str | None = None
    max_rounds: int | None = None
    retries: int | None = None
    timeouts: Mapping[str, float] = field(default_factory=dict)
    proxy: str | None = None
    ca_file: Path | None = None


def profile_path(environ: Mapping[str, str]) -> Path:
    """Where the profile file is: `$XDG_CONFIG_HOME/callscope/config.toml`, else below `~/.config`."""
    folder = environ.get("XDG_CONFIG_HOME", "")
    # a relative one is to be ignored: https://specifications.freedesktop.org/basedir-spec/latest/
    if not folder.startswith("/"):
        folder = f"{environ['HOME']}/.config" if environ.get("HOME", "").startswith("/") else ""
    return Path(folder or Path.home() / ".config") / "callscope" / "config.toml"


def read_profiles(path: Path) -> dict[str, Profile]:
    """All profiles of a file by name; none where there is no file. Raises UsageError with file, line and rule."""
    try:
        text = path.read_text(encoding="utf-8")
        document = tomllib.loads(text)
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path}: not TOML: {error}") from None
    place = Place(path, text)
    for key in document:
        if key != "profiles":
            place.refuse("", key, _unknown(key, ["profiles"]))
    profiles = document.get("profiles", {})
    if not _table(profiles) or not all(map(_table, profiles.values())):
        place.refuse("", "profiles", "must be tables: [profiles.NAME]")
    return {name: _profile(name, members, place) for name, members in profiles.items()}


@dataclass(frozen=True, slots=True)
class Place:
    """A file and its text, to say where something stands."""

    path: Path
    text: str

    def refuse(self, section: str, key: str, rule: str) -> NoReturn:
        """Raise the one error about a key."""
        raise UsageError(f"{self.path}{self._line(section, key)}: {key} {rule}")

    def _line(self, section: str, key: str) -> str:
        """`:LINE` of a key in a section; nothing where it is written in a way that a line does not show."""
        inside = not section
        wanted = re.compile(rf"\s*[\"']?{re.escape(key)}[\"']?\s*[=.]")
        header = re.compile(rf"\s*\[\s*(?:profiles\s*\.\s*[\"']?{re.escape(section)}[\"']?\s*)(?:\.(?P<sub>[^\]]*))?\]")
        for number, line in enumerate(self.text.splitlines(), start=1):
            if line.lstrip().startswith("["):
                found = header.match(line)
                inside = found is not None and bool(section)
                if (found and (found["sub"] or "").strip() == key) or (not section and key in line):
                    return f":{number}"
            elif inside and wanted.match(line):
                return f":{number}"
        return ""


def _profile(name: str, members: Mapping[str, Any], place: Place) -> Profile:
    for key, value in members.items():
        if key not in RULES:
            place.refuse(name, key, _unknown(key, list(RULES)))
        rule, holds = RULES[key]
        if not holds(value):
            place.refuse(name, key, f"must be {rule}")
    folder = place.path.parent
    values = dict(members)
    for key in ("tools", "tool_forms", "key_command"):
        if key in values:
            values[key] = tuple(values[key])
    if "tools" in values:
        values["tools"] = tuple(folder / expanded(tool) for tool in values["tools"])
    if "ca_file" in values:
        values["ca_file"] = folder / expanded(values["ca_file"])
    if "key_env" in values and "key_command" in values:
        place.refuse(name, "key_command", "and key_env name two keys: keep one of them")
    if "url" not in values and (carried := _credential(values)):
        place.refuse(name, carried, "needs a url beside it: a key is for one server")
    return Profile(name, folder, **values)


def _credential(values: Mapping[str, Any]) -> str | None:
    """The key of a profile that makes it carry a credential."""
    secret = {"headers": is_secret_header, "query": is_secret_parameter}
    tables = [table for table, is_secret in secret.items() if any(map(is_secret, values.get(table, ())))]
    return next((name for name in ("key_env", "key_command", *tables) if name in values), None)


def _unknown(key: str, known: list[str]) -> str:
    # costs 10 ms, and only a person with a typing error waits for it
    from difflib import get_close_matches

    close = get_close_matches(key, known, n=1)
    return f"is unknown here; did you mean {close[0]}?" if close else f"is unknown here; known: {', '.join(known)}"


def _text(value: object) -> bool:
    return isinstance(value, str) and value != ""


def _texts(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(map(_text, value))


def _table(value: object) -> bool:
    return isinstance(value, dict)


def _json_table(value: object) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return False
    return _table(value)


def _text_table(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(member, str) for member in value.values())


def _switch(value: object) -> bool:
    return isinstance(value, bool)


def _limits(value: object) -> bool:
    known = {"connect", "first_byte", "between_bytes", "total"}
    return (
        isinstance(value, dict) and known.issuperset(value) and all(_at_least(0.001)(each) for each in value.values())
    )


def _at_least(least: float, *, whole: bool = False) -> Callable[[object], bool]:
    kinds: tuple[type, ...] = (int,) if whole else (int, float)
    return lambda value: isinstance(value, kinds) and not isinstance(value, bool) and value >= least  # type: ignore[operator]


def _list_of(*words: str) -> Callable[[object], bool]:
    return lambda value: isinstance(value, list) and all(word in words for word in value)


def _one_of(*words: str) -> Callable[[object], bool]:
    return lambda value: value in words


RULES: dict[str, tuple[str, Callable[[object], bool]]] = {
    "url": ("a text", _text),
    "model": ("a text", _text),
    "dialect": ("a text", _text),
    "key_env": ("the name of an environment variable", _text),
    "key_header": ("the name of a header", _text),
    "key_command": ("a list of texts: a program and its arguments, run without a shell", _texts),
    "headers": ("a table of texts", _text_table),
    "query": ("a table of texts", _text_table),
    "params": ("a table of what JSON can carry: no nan, no inf, no date", _json_table),
    "system": ("a text", lambda value: isinstance(value, str)),
    "tools": ("a list of file names", _texts),
    "tool_choice": ("a text", _text),
    "parallel": ("true or false", _switch),
    "strict": ("true or false", _switch),
    "tool_forms": (f"a list of {', '.join(get_args(ToolForm))}", _list_of(*get_args(ToolForm))),
    "stream": ("true or false", _switch),
    "history": ('"full", "last" or "server"', _one_of("full", "last", "server")),
    "approve": ('"ask", "always", "result" or "never"', _one_of("ask", "always", "result", "never")),
    "max_rounds": ("a whole number of at least 1", _at_least(1, whole=True)),
    "retries": ("a whole number of at least 0", _at_least(0, whole=True)),
    "timeouts": ("a table of seconds above 0: connect, first_byte, between_bytes, total", _limits),
    "proxy": ("a text", _text),
    "ca_file": ("a file name", _text),
}
