"""Runs a model on this machine: llama.cpp's own server, which the extra `local` brings in a wheel (xllamacpp).

Knows how to start and end it. Must not know what it is asked. It runs in a process of its own: its threads, its
memory and its crashes stay there, Ctrl-C in the terminal does not reach it, and it ends when we do, however we end.
"""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, Final

from callscope.core.errors import UsageError

CONTEXT: Final = 8192
"""Tokens of context."""

LONGEST_ANSWER: Final = 1024
"""Tokens of an answer where the client sets no limit: a very small model may never stop by itself."""

TEMPLATE: Final = Path(__file__).parent / "chatml_tools.jinja"


class LocalModel:
    """A local server that speaks Chat Completions at `url` + `/v1`; `close` ends it, and so does leaving `with`."""

    def __init__(self, process: subprocess.Popen[str], url: str) -> None:
        self._process = process
        self.url = url

    def close(self) -> None:
        """End it; calling this again does nothing."""
        _end(self._process)

    def __enter__(self) -> LocalModel:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def start_local(model: Path, *, threads: int = 1) -> LocalModel:
    """Load a GGUF file and serve it on a free port of 127.0.0.1; returns when it answers.

    Raises UsageError where the extra is not installed, the file is no GGUF file, or llama.cpp cannot load it.
    """
    if find_spec("xllamacpp") is None:
        raise UsageError("A local model needs the extra `local`: pip install 'callscope[local]'.")
    _check(model)
    command = [sys.executable, "-m", "callscope.serving.local", str(model.resolve()), str(threads)]
    with TemporaryFile("w+", encoding="utf-8", errors="replace") as errors:
        process = subprocess.Popen(  # noqa: S603  # our own interpreter and module
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            process_group=0,
        )
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
        except BaseException:
            _end(process)
            raise
        if not url:
            _end(process)
            raise UsageError(f"llama.cpp cannot load {model}: {_why(errors)}.")
    return LocalModel(process, url)


def _check(model: Path) -> None:
    try:
        with model.open("rb") as file:
            magic = file.read(4)
    except OSError as error:
        raise UsageError(f"Cannot read {model}: {error.strerror or error}.") from error
    if magic != b"GGUF":
        raise UsageError(f"{model} is not a GGUF file: it does not begin with GGUF. `make local` fetches one.")


def _why(errors: IO[str]) -> str:
    """The first reason that llama.cpp's log gives, or else its last line."""
    errors.seek(0)
    lines = [line.strip() for line in errors.read().splitlines() if line.strip()]
    reasons = [line.partition("error loading model: ")[2] for line in lines if "error loading model: " in line]
    return (*reasons, *reversed(lines), "it gives no reason")[0].rstrip(".")


def _end(process: subprocess.Popen[str]) -> None:
    """Close its stdin, which it takes for the word to end; it holds nothing that a kill could harm."""
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
    try:
        process.wait(timeout=3)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


# ---- in the process of the model ----------------------------------------------------------------------------------


def _serve(model: str, threads: int) -> None:
    server = _server(model, threads, "")
    if _needs_our_template(server.listening_address):
        del server
        server = _server(model, threads, TEMPLATE.read_text(encoding="utf-8"))
    sys.stdout.write(f"{server.listening_address}\n")
    sys.stdout.flush()
    sys.stdin.read()  # until whoever started us closes it, or is gone


def _server(model: str, threads: int, template: str) -> Any:
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = model
    params.model_alias = {Path(model).stem}
    params.hostnames, params.port = ["127.0.0.1"], 0
    params.n_ctx, params.n_predict, params.n_parallel = CONTEXT, LONGEST_ANSWER, 1
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
    params.sampling.temp = 0.0
    params.use_jinja, params.chat_template = True, template
    params.verbosity, params.ui, params.endpoint_slots, params.offline = 1, False, False, True
    return xllamacpp.Server(params)


def _needs_our_template(url: str) -> bool:
    """Whether the model's own template is ChatML without tools: then llama.cpp would leave them out silently."""
    with urllib.request.urlopen(f"{url}/props") as answer:  # noqa: S310  # the server we have just started
        props = json.load(answer)
    knows_tools = props.get("chat_template_caps", {}).get("supports_tools", True)
    return not knows_tools and "<|im_start|>" in props.get("chat_template", "")


if __name__ == "__main__":
    _serve(sys.argv[1], int(sys.argv[2]))
