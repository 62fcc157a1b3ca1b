"""Command lines as a definition says them, from plain values to templates.

Knows the keys of `command`, and how a value could be read as more than a value. Must not know how a command is run.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise, takewhile
from pathlib import Path, PurePath

from callscope.core.paths import expanded, is_folder
from callscope.tools.outgoing import CommandLine
from callscope.tools.templates import Template, Variable

from .keys import COMMAND_KEYS
from .rules import Part
from .scopes import Scope

_INTERPRETER = re.compile(r"(ba|z|da|k|fi)?sh|python[0-9.]*|perl|ruby|node|php|lua|pwsh")
_SCRIPT = re.compile(r"-[a-z]*[cer]|--eval|--command|-Command")


def read_command(part: Part, scope: Scope) -> CommandLine:
    """Read what stands under `command`, or raise UnusableFile."""
    args = part
    if isinstance(part.value, Mapping):
        part.known(COMMAND_KEYS, {})
        args = part.part("args")
    if not isinstance(args.value, list) or not args.value:
        args.refuse('`command` must be a list, such as [prog, "{city}"]: no shell takes it apart.')
    words = tuple(_word_group(item, scope) for item in args.items())
    _refuse_scripts(args, words)
    return CommandLine(
        ((_program(args.part(0), words[0]),), *words[1:]), _folder(part), _environment(part, scope), scope.secrets
    )


def _word_group(item: Part, scope: Scope) -> tuple[Template, ...]:
    if not isinstance(item.value, list):
        return (scope.template(item),)
    if not item.value:
        item.refuse("an empty group; it holds the arguments that are left out together.")
    return tuple(scope.template(word) for word in item.items())


def _program(item: Part, group: tuple[Template, ...]) -> Template:
    """The program as it is executed: a path is relative to the document, whatever folder it runs in."""
    template = group[0]
    if len(group) > 1 or template.arguments or not template.parts:
        item.refuse("the program must stand first, and no argument may choose it.")
    text = str(item.value)
    if "/" not in text or any(isinstance(part, Variable) for part in template.parts):
        return template
    return Template((str(Part(item.document, text, item.at).file_beside("the program").absolute()),))


def _refuse_scripts(args: Part, words: tuple[tuple[Template, ...], ...]) -> None:
    """A value within the text of a script would be read as script, quotes or not."""
    flat = [word for group in words for word in group]
    if not _INTERPRETER.fullmatch(PurePath(str(flat[0])).name):
        return
    for before, word in takewhile(lambda pair: str(pair[0]).startswith("-"), pairwise(flat[1:])):
        if word.arguments and _SCRIPT.fullmatch(str(before)):
            args.refuse(
                f"{{{word.arguments[0]}}} stands within a script, where a value could say anything; hand it over as an "
                'argument, as in [sh, -c, \'grep -- "$1" notes.txt\', sh, "{word}"].'
            )


def _folder(part: Part) -> Path:
    """Where it runs: `cwd`, else the folder of the document."""
    if not isinstance(part.value, Mapping) or not part.has("cwd"):
        return part.folder
    cwd = part.part("cwd")
    if not isinstance(cwd.value, str):
        cwd.refuse(f"`cwd` must be the path of a folder, not {cwd.value!r}.")
    folder = part.folder / expanded(cwd.value)
    if not is_folder(folder):
        cwd.refuse(f"there is no folder {folder}; paths are relative to {part.document.path.name}.")
    return folder


def _environment(part: Part, scope: Scope) -> tuple[tuple[str, Template], ...]:
    if not isinstance(part.value, Mapping) or not part.has("env"):
        return ()
    env = part.part("env")
    if not isinstance(env.value, Mapping):
        env.refuse("`env` must be a mapping from names of variables to values.")
    return tuple(
        (Part(env.document, name, value.at).variable_name("key of `env`"), scope.template(value))
        for name, value in env.members()
    )
