"""How many bodies of a corpus of real servers' answers other clients read right, beside Callscope.

    other_clients.py [--folder tests/quirks] [--client NAME ...] [--wrong]

Installs the other clients into an environment of their own, serves each body on loopback, has each client read it, and
prints a table in Markdown. `--wrong` names the bodies that were not read right. docs/other-clients.md says what is
judged.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import subprocess
import sys
import tempfile
import venv
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from other_judge import VERDICTS, same_finish, verdict
from other_server import Body, serving

HERE = Path(__file__).parent
CORPUS = HERE.parent / "tests" / "quirks"
PLACE = HERE / ".venv" / "other"
PYTHON = PLACE / "bin" / "python"
PACKAGES = ("openai", "llm", "langchain-openai", "pydantic-ai-slim[openai]")
CLIENTS = {
    "openai-loop": "openai",
    "openai-helper": "openai",
    "llm": "llm",
    "langchain-openai": "langchain-openai",
    "pydantic-ai": "pydantic-ai-slim",
}
"""The clients, and the distribution that each comes from."""
OF_RESPONSES = ("callscope", "openai-loop", "openai-helper")
"""Those that read the Responses API here."""
LIMIT = 10.0
"""Seconds for a body; importing the library comes before the first."""

Answer = dict[str, Any]
Client = Callable[["Case", str], Answer | None]


@dataclass(frozen=True, slots=True)
class Case:
    """A body and what is expected of whoever reads it."""

    name: str
    api: str
    body: Body
    stream: bool
    tools: tuple[str, ...]
    custom: tuple[str, ...]
    expect: dict[str, Any]

    @property
    def plain_stream(self) -> bool:
        """Whether it is what was asked for: HTTP 200 and an event stream."""
        return self.body.status == 200 and self.body.content_type.startswith("text/event-stream")


def corpus(folder: Path) -> Iterator[Case]:
    """The bodies that can be judged: sensible people agree on them, and the client did not hang up itself.

    Custom tools in Chat Completions are left out, too: most of the libraries cannot offer one.
    """
    api = "responses" if folder.name == "responses" else "chat"
    for path in sorted(folder.glob("*.json")):
        note = json.loads(path.read_text(encoding="utf-8"))
        ending = note.get("ending", "complete")
        if note.get("judgement") or ending == "cancelled" or (api == "chat" and note.get("custom_tools")):
            continue
        data = next(one for one in path.parent.glob(f"{path.stem}.*") if one.suffix in (".sse", ".body")).read_bytes()
        body = Body(note["http_status"], note["content_type"], data, ending)
        tools, custom = tuple(note["tools"]), tuple(note.get("custom_tools", ()))
        yield Case(path.stem, api, body, asked_as_stream(note, data), tools, custom, local(note["expect"]))


def asked_as_stream(note: dict[str, Any], data: bytes) -> bool:
    """Whether a stream is asked for: not where a JSON document is the answer, unless that is what is odd about it."""
    document = note["content_type"].startswith("application/json") and data.lstrip()[:1] in (b"{", b"")
    return not document or "a stream was asked for" in note["quirk"]


def local(expect: dict[str, Any]) -> dict[str, Any]:
    """What is expected, without the calls that the server runs itself: they are nothing for a program to do."""
    calls = [call for call in expect["tool_calls"] if call.get("executor", "local") == "local"]
    return expect | {"tool_calls": calls}


# ---- clients --------------------------------------------------------------------------------------------------------


def environment(home: str) -> dict[str, str]:
    """No key, no proxy, no home."""
    return {"PATH": os.defpath, "HOME": home, "XDG_CONFIG_HOME": home, "XDG_STATE_HOME": home, "LANG": "C.UTF-8"}


class Library:
    """A client library in a process of its own, begun anew after a body that it did not come back from."""

    def __init__(self, name: str, home: str) -> None:
        self._name = name
        self._home = home
        self._process: subprocess.Popen[bytes] | None = None

    def __call__(self, case: Case, url: str) -> Answer | None:
        """What it gives for a body; None where nothing came in time."""
        process = self._process or self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        job = {"url": url, "api": case.api, "stream": case.stream}
        job["tools"] = [tool for tool in case.tools if tool not in case.custom]
        process.stdin.write(json.dumps(job).encode() + b"\n")
        process.stdin.flush()
        if not select.select([process.stdout], [], [], LIMIT)[0]:
            self.close()
            return None
        line = process.stdout.readline()
        if line:
            got: Answer = json.loads(line)
            return got
        self.close()
        return {"calls": [], "text": "", "finish": None, "error": {"type": "killed", "module": "", "words": ""}}

    def _start(self) -> subprocess.Popen[bytes]:
        """Start it, and let it import what it imports over a body that nobody serves."""
        words = [str(PYTHON), str(HERE / "other_readers.py"), self._name]
        process = self._process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment(self._home)
        )
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b'{"url": "http://127.0.0.1:9/v1", "api": "chat", "stream": true, "tools": []}\n')
        process.stdin.flush()
        process.stdout.readline()
        return process

    def close(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


def callscope(case: Case, url: str) -> Answer | None:
    """`callscope ask --json --no-run`, as a script would use it."""
    with tempfile.TemporaryDirectory() as home:
        definitions = [{"name": name, "type": "custom" if name in case.custom else "function"} for name in case.tools]
        file = Path(home) / "tools.json"
        file.write_text(json.dumps({"tools": definitions}), encoding="utf-8")
        tools = ["--tools", str(file)] if case.tools else ["--no-tools"]
        options = ["--no-run", "--no-record", "--retries", "0", "--idle-timeout", "3", "--url", url, "--model", "m"]
        options += ["--dialect", case.api, *([] if case.stream else ["--no-stream"])]
        words = [sys.executable, "-m", "callscope", "ask", "go", "--json", *options, *tools]
        try:
            ran = subprocess.run(
                words, capture_output=True, timeout=LIMIT, env=environment(home), cwd=home, stdin=subprocess.DEVNULL
            )
        except subprocess.TimeoutExpired:
            return None
    last = json.loads(ran.stdout.splitlines()[-1])
    calls = [
        # one that it says must not run has no arguments that a script could run it with
        {"id": call["call_id"], "name": call["name"], "arguments": call["arguments"] if call["valid"] else ["invalid"]}
        for call in last["tool_calls"]
        if call["executor"] == "local"
    ]
    custom = {call["call_id"]: call["arguments"] for call in last["tool_calls"] if call["kind"] == "custom"}
    calls = [call | {"arguments": custom.get(call["id"], call["arguments"])} for call in calls]
    error = {"type": "error", "module": "callscope", "words": last["error"]} if last["error"] else None
    return {"calls": calls, "text": last["text"], "finish": last["finish_reason"], "error": error}


@contextmanager
def client(name: str) -> Iterator[Client]:
    """A client by its name."""
    if name == "callscope":
        yield callscope
        return
    with tempfile.TemporaryDirectory() as home:
        library = Library(name, home)
        try:
            yield library
        finally:
            library.close()


def install() -> None:
    """Make the environment of the other clients, where it is not there yet."""
    if PYTHON.exists():
        return
    venv.create(PLACE, with_pip=True)
    subprocess.run([PYTHON, "-m", "pip", "install", "--quiet", *PACKAGES], check=True)


def version(name: str) -> str:
    """The version that was measured."""
    python, package = (sys.executable, "callscope") if name == "callscope" else (str(PYTHON), CLIENTS[name])
    code = f"from importlib.metadata import version; print(version({package!r}))"
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


# ---- the table ------------------------------------------------------------------------------------------------------


def measure(name: str, cases: Sequence[Case], url: str) -> list[tuple[Case, str, Answer | None]]:
    """Each body, the verdict on this client, and what it gave."""
    with client(name) as read:
        answers = [(case, read(case, f"{url}/{number}/v1")) for number, case in enumerate(cases)]
    return [(case, verdict(case.expect, got), got) for case, got in answers]


def row(name: str, found: Sequence[tuple[Case, str, Answer | None]]) -> str:
    """A line of the table."""
    counts = Counter(one for _, one, _ in found)
    streams = [one for case, one, _ in found if case.plain_stream]
    finish = sum(one == "right" and got is not None and same_finish(case.expect, got) for case, one, got in found)
    cells = [f"{name} {version(name)}", f"{counts['right']} of {len(found)}", f"{finish}"]
    cells += [f"{streams.count('right')} of {len(streams)}", *(str(counts[one]) for one in VERDICTS[1:])]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Measure, and print each row as soon as it is known."""
    names = ["callscope", *CLIENTS]
    parser = argparse.ArgumentParser(description="Have other clients read the corpus.")
    parser.add_argument("--folder", type=Path, default=CORPUS, help="the bodies (default: tests/quirks)")
    parser.add_argument("--client", nargs="+", choices=names, default=names, help="measure only these")
    parser.add_argument("--wrong", action="store_true", help="name each body that was not read right")
    arguments = parser.parse_args()
    install()
    cases = list(corpus(arguments.folder))
    known = OF_RESPONSES if cases[0].api == "responses" else names
    print(f"{datetime.now(UTC):%Y-%m-%d}, Python {sys.version.split()[0]}, {len(cases)} bodies\n")
    print(f"| client | right | finish reason, too | event streams | {' | '.join(VERDICTS[1:])} |")
    print("|---|" + "---:|" * (3 + len(VERDICTS[1:])))
    with serving([case.body for case in cases]) as url:
        for name in (one for one in arguments.client if one in known):
            found = measure(name, cases, url)
            print(row(name, found), flush=True)
            if arguments.wrong:
                for case, one, got in found:
                    if one != "right":
                        print(f"  {case.name}: {one}; {json.dumps(got, ensure_ascii=False, default=repr)[:300]}")


if __name__ == "__main__":
    main()
