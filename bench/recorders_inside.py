"""A program that reads answers with httpx, and records them with vcrpy in its own process.

    recorders_inside.py direct|record|play|record-filtered|play-filtered FOLDER URL

It runs in the environment of the recorders. Each line of standard input is a request; to standard output go a line for
each piece that httpx gave, as it came, and one for the ending.
"""

from __future__ import annotations

import base64
import json
import os
import re
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from time import monotonic
from typing import Any

import httpx
import vcr
from vcr.errors import CannotOverwriteExistingCassetteException

SECRETS = [secret.encode() for secret in os.environ.get("RECORDERS_SECRETS", "").split()]


def scrubbed(response: dict[str, Any]) -> dict[str, Any]:
    """The filter that vcrpy's documentation shows: known words are replaced, here also the cookie."""
    for secret in SECRETS:
        response["body"]["string"] = response["body"]["string"].replace(secret, b"REDACTED")
    for name in [name for name in response["headers"] if name.lower() == "set-cookie"]:
        response["headers"][name] = ["REDACTED"]
    return response


def cassette(mode: str, path: Path) -> AbstractContextManager[Any]:
    """The cassette of one request, as a test would use it."""
    if mode == "direct":
        return nullcontext()
    options: dict[str, Any] = {"record_mode": "none" if mode.startswith("play") else "once"}
    if mode.endswith("filtered"):
        options |= {
            "filter_headers": ["authorization", "cookie"],
            "filter_query_parameters": ["api_key"],
            "before_record_response": scrubbed,
        }
    return vcr.use_cassette(str(path), **options)


def say(**members: Any) -> None:
    print(json.dumps(members), flush=True)


def main(mode: str, folder: str, url: str) -> None:
    for line in sys.stdin:
        asked = json.loads(line)
        path = Path(folder) / (re.sub(r"\W+", "-", asked["name"]) + ".yaml")
        status, headers, ending = 0, [], "complete"
        try:
            request = {"headers": asked["headers"], "content": asked["body"], "timeout": 10}
            with cassette(mode, path), httpx.stream("POST", url + asked["path"], **request) as got:
                status = got.status_code
                headers = [[name.decode("latin-1").lower(), v.decode("latin-1")] for name, v in got.headers.raw]
                for piece in got.iter_raw():
                    say(at=monotonic(), piece=base64.b64encode(piece).decode())
        except CannotOverwriteExistingCassetteException:
            ending = "not recorded"
        except httpx.ReadError:
            ending = "reset"
        except httpx.RemoteProtocolError as error:
            ending = "truncated" if re.search("closed|disconnected", str(error)) else "malformed"
        except Exception as error:
            ending = f"{type(error).__name__}: {error}"
        say(ending=ending, status=status, headers=headers)


if __name__ == "__main__":
    main(*sys.argv[1:])
