"""A test that fails while a recorded session is not as expected, and the recording beside it.

Knows the text of the test and where its two files go. Must not know how an expectation is judged.
"""

from __future__ import annotations

import os.path
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from callscope.core.errors import CallscopeError, UnusableFile, UsageError

from .files import free_name, gone_if_broken_off, write_new

_TEXT = '''"""What went wrong in a recorded session, as a test: it fails until that is mended, and reaches no network.

The recording beside this file holds the very bytes that the server sent. They are decoded anew, and what comes of them
is judged. What can mend it:
{mended}
The fixture comes with Callscope: pip install callscope pytest
"""


def test_{name}(callscope_expect):
    callscope_expect(
{arguments}    )
'''
_TOOLS_MENDED = "- the tools: the recorded calls are checked by their schemas and run again"
_MENDED = """- the server or the model: then a new recording takes the place of this one
- how Callscope reads such bytes"""


@dataclass(frozen=True, slots=True)
class Written:
    """Where a test and its recording are."""

    test: Path
    recording: Path


def write_test(recording: Path, place: str | None, expectations: Sequence[str], tools: Sequence[Path] = ()) -> Written:
    """Write the test and put the recording beside it.

    Raises UsageError where a file is there already, UnusableFile where one cannot be written.
    """
    name = re.sub(r"\W+", "_", recording.stem, flags=re.ASCII).strip("_").lower() or "recording"
    test = Path(place).expanduser() if place else free_name(f"test_{name}", "py")
    if not re.fullmatch(r"test_.*\.py|.*_test\.py", test.name):
        raise UsageError(f"{test}: pytest finds files of the name test_….py: name it so.")
    beside = test.parent / recording.name
    copied = _put_beside(recording, beside)
    try:
        write_new(_source(name, recording.name, expectations, _from(test.parent, tools)), str(test))
    except CallscopeError:
        if copied:
            beside.unlink(missing_ok=True)
        raise
    return Written(test, beside)


def _put_beside(recording: Path, beside: Path) -> bool:
    """Copy the recording where it is not there yet; says whether that was needed."""
    try:
        if beside.exists() and (beside.samefile(recording) or beside.read_bytes() == recording.read_bytes()):
            return False
        with recording.open("rb") as source, beside.open("xb") as copy, gone_if_broken_off(beside):
            shutil.copyfileobj(source, copy)
            copy.flush()
        beside.chmod(0o600)
    except FileExistsError:
        raise UsageError(f"{beside} is there already and is another recording: name another folder.") from None
    except OSError as error:
        raise UnusableFile(f"{beside} cannot be written: {error.strerror}.") from None
    return True


def _from(folder: Path, tools: Sequence[Path]) -> list[str]:
    """The tool files as the test will find them, from its own folder."""
    return [os.path.relpath(tool.resolve(), folder.resolve()) for tool in tools]


def _source(name: str, recording: str, expectations: Sequence[str], tools: Sequence[str]) -> str:
    words = [_quoted(word) for word in (recording, *expectations)]
    if tools:
        words.append(f"tools=[{', '.join(map(_quoted, tools))}]")
    arguments = "".join(f"        {word},\n" for word in words)
    mended = f"{_TOOLS_MENDED}\n{_MENDED}" if tools else _MENDED
    return _TEXT.format(mended=mended, name=name, arguments=arguments)


def _quoted(text: str) -> str:
    """A Python string, in double quotes as formatters have it; whatever is in it stays in it."""
    plain = ascii(text)
    return plain if {"'", '"'} & set(text) else f'"{plain[1:-1]}"'
