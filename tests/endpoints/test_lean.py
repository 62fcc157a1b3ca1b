"""What a start pays for: measured in a fresh interpreter, because imports happen once."""

from __future__ import annotations

import json
import subprocess
import sys


def fresh(program: str) -> list[str]:
    """What a fresh interpreter prints, as JSON."""
    run = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=30)
    return json.loads(run.stdout)  # type: ignore[no-any-return]


def test_the_endpoint_and_the_settings_import_no_network_library() -> None:
    loaded = fresh(
        "import sys, json, callscope.settings.config, callscope.endpoints.models, callscope.endpoints.curl\n"
        "heavy = ('httpx', 'httpcore', 'h11', 'anyio', 'rich', 'openai')\n"
        "print(json.dumps([name for name in heavy if name in sys.modules]))"
    )
    assert loaded == []


def test_httpx_comes_without_its_command_line_and_works() -> None:
    loaded = fresh(
        "import sys, json\n"
        "from callscope.endpoints.lean import load_httpx\n"
        "load_httpx(); load_httpx()\n"
        "import httpx\n"
        "assert httpx.URL('http://x/y').path == '/y'\n"
        "print(json.dumps([name for name in ('httpx', 'httpx._main', 'rich', 'pygments') if name in sys.modules]))"
    )
    assert loaded == ["httpx"]


def test_two_threads_that_load_it_at_once_both_get_it() -> None:
    loaded = fresh(
        "import builtins, json, sys, threading\n"
        "from callscope.endpoints.lean import load_httpx\n"
        "imports, both, failed = builtins.__import__, threading.Barrier(2), []\n"
        "def late(name, *rest):\n"
        "    if name == 'httpx':\n"
        "        try:\n"
        "            both.wait(1)\n"
        "        except threading.BrokenBarrierError:\n"
        "            pass\n"
        "    return imports(name, *rest)\n"
        "builtins.__import__ = late\n"
        "threading.excepthook = lambda told: failed.append(repr(told.exc_value))\n"
        "threads = [threading.Thread(target=load_httpx) for _ in range(2)]\n"
        "[thread.start() for thread in threads], [thread.join() for thread in threads]\n"
        "print(json.dumps(failed))"
    )
    assert loaded == []
