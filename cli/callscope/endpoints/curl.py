"""The one line that repeats a request with curl, with every secret as a shell variable.

Knows a POSIX shell's quoting and the headers that curl adds by itself. Must not know where a secret came from: what
stands in the place of a credential is one.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple
from urllib.parse import parse_qsl, quote, urlsplit

from callscope.core.events import ExchangeOpened, Stamped
from callscope.core.state import Conversation
from callscope.core.values import Request

from .credentials import secrets_in_headers, secrets_in_query

LONGEST_ARGUMENT = 100_000
"""Bytes: Linux refuses a single argument of 128 KiB or more, so a longer body goes through a pipe."""

EXPECT_THRESHOLD = 1024
"""Bytes: from here on some versions of curl ask for leave to send the body, which is another request."""


COMMANDS = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""What a terminal would obey instead of show; in a body it comes as an octal escape of printf."""


class Piece(NamedTuple):
    """A stretch of text, or the name of the variable that stands for it."""

    text: str
    variable: str = ""


def curl_command(request: Request, *, key_variable: str | None = None, secrets: Sequence[str] = ()) -> str:
    """The shell line that sends this request again: method, URL, headers and body are the same to the byte.

    Credentials (judged by the names of headers and query parameters) and `secrets` appear as variables: the first as
    `$key_variable` (else `$API_KEY`), others as `$SECRET_2` and so on. Where a secret stands percent-encoded or
    JSON-escaped, the variable's name says so. A body that cannot be an argument comes through `printf` and a pipe.
    """
    hide = Hiding(_secrets(request, secrets), key_variable or "API_KEY")
    words = _words(request, hide)
    if not _has_body(request):
        return " ".join(words)
    if _fits_an_argument(request.body):
        return " ".join([*words, "--data-binary", _word(hide.pieces(request.body.decode("utf-8")))])
    return f"{_printf(request.body, hide)} | {' '.join([*words, '--data-binary', '@-'])}"


def curl_without_body(request: Request, *, secrets: Sequence[str] = ()) -> str:
    """The same line without the body; where there is one, curl reads it from its stdin."""
    hide = Hiding(_secrets(request, secrets), "API_KEY")
    return " ".join([*_words(request, hide), *(["--data-binary", "@-"] if _has_body(request) else [])])


def printf_command(pieces: Iterable[Piece]) -> str:
    """A printf that writes exactly this: octal escapes for what is no plain text, %s where a variable stands.

    Bytes that are no UTF-8 stand in the text as `surrogateescape` has them.
    """
    pieces = list(pieces)
    formats = "".join("%s" if piece.variable else "".join(map(_escaped, piece.text)) for piece in pieces)
    arguments = [f'"${piece.variable}"' for piece in pieces if piece.variable]
    if formats.startswith("-"):
        formats = rf"\055{formats[1:]}"  # or printf takes it for an option
    return " ".join(["printf", shlex.quote(formats), *arguments])


class Hiding:
    """Finds secrets in text, in each form that they can have there."""

    def __init__(self, secrets: Iterable[str], key_variable: str) -> None:
        self._variables: dict[str, str] = {}
        for number, secret in enumerate(secrets, start=1):
            variable = key_variable if number == 1 else f"SECRET_{number}"
            self._variables.setdefault(secret, variable)
            self._variables.setdefault(quote(secret, safe=""), f"{variable}_URLENCODED")
            self._variables.setdefault(json.dumps(secret)[1:-1], f"{variable}_JSON")
            self._variables.setdefault(json.dumps(secret, ensure_ascii=False)[1:-1], f"{variable}_JSON")
        longest_first = sorted(self._variables, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")

    def pieces(self, text: str) -> list[Piece]:
        """The text, cut where secrets are."""
        pieces: list[Piece] = []
        end = 0
        for match in self._pattern.finditer(text):
            pieces += [Piece(text[end : match.start()]), Piece("", self._variables[match.group()])]
            end = match.end()
        return [piece for piece in [*pieces, Piece(text[end:])] if piece.text or piece.variable]


def _words(request: Request, hide: Hiding) -> list[str]:
    """All but the body."""
    words = ["curl", "--no-buffer", *_method(request), *_url_options(request.url), _word(hide.pieces(request.url))]
    for name, value in _headers(request):
        words += ["-H", _header(name, value, hide)]
    return words


def _secrets(request: Request, known: Sequence[str]) -> list[str]:
    """What stands in the places of credentials, then the known ones; each once."""
    query = parse_qsl(urlsplit(request.url).query, keep_blank_values=True)
    # the key comes first, because it has a variable of its own name
    headers = sorted(request.headers, key=lambda pair: pair[0].lower() != "authorization")
    found = (*secrets_in_headers(headers), *secrets_in_query(query), *known)
    return [secret for secret in dict.fromkeys(found) if secret]


def _method(request: Request) -> list[str]:
    if request.method == "HEAD":
        return ["--head"]
    implied = "POST" if _has_body(request) else "GET"
    return [] if request.method == implied else ["-X", shlex.quote(request.method)]


def _has_body(request: Request) -> bool:
    """Whether there is a body, be it an empty one."""
    return bool(request.body) or any(name.lower() == "content-length" for name, _ in request.headers)


def _url_options(url: str) -> list[str]:
    """Keep curl from giving a meaning to brackets and dots in a URL."""
    options = ["--globoff"] if re.search(r"[\[\]{}]", url) else []
    return [*options, "--path-as-is"] if "/." in urlsplit(url).path else options


def _headers(request: Request) -> list[tuple[str, str | None]]:
    """The headers to name: those that curl derives are left out, those that it would add are taken away."""
    host = urlsplit(request.url).netloc
    named: list[tuple[str, str | None]] = [
        (name, value)
        for name, value in request.headers
        if name.lower() != "content-length" and (name.lower(), value) != ("host", host)
    ]
    added = ["accept", "user-agent"]
    if _has_body(request):
        added.append("content-type")
    if len(request.body) > EXPECT_THRESHOLD:
        added.append("expect")
    present = {name.lower() for name, _ in named}
    return named + [(name, None) for name in added if name not in present]


def _header(name: str, value: str | None, hide: Hiding) -> str:
    if value is None:
        return shlex.quote(f"{name}:")
    return _word(hide.pieces(f"{name}: {value}")) if value else shlex.quote(f"{name};")


def _fits_an_argument(body: bytes) -> bool:
    """Plain text of one line; curl would take one that begins with @ for the name of a file."""
    if len(body) > LONGEST_ARGUMENT or body.startswith(b"@"):
        return False
    try:
        return not COMMANDS.search(body.decode("utf-8"))
    except UnicodeDecodeError:
        return False


def _word(pieces: list[Piece]) -> str:
    """One word of a shell line; in double quotes where it reads well, else each piece quoted by itself."""
    texts = "".join(piece.text for piece in pieces)
    if not any(piece.variable for piece in pieces):
        return shlex.quote(texts)
    if re.search(r"[\\\"$`!]", texts):
        return "".join(f'"${piece.variable}"' if piece.variable else shlex.quote(piece.text) for piece in pieces)
    following = [piece.text for piece in pieces[1:]] + [""]
    return '"' + "".join(map(_within_quotes, pieces, following)) + '"'


def _within_quotes(piece: Piece, following: str) -> str:
    """Text as it is, a variable with braces only where a letter follows."""
    if not piece.variable:
        return piece.text
    return f"${{{piece.variable}}}" if re.match(r"\w", following) else f"${piece.variable}"


def _printf(body: bytes, hide: Hiding) -> str:
    # surrogateescape keeps bytes that are no UTF-8 apart from text
    return printf_command(hide.pieces(body.decode("utf-8", "surrogateescape")))


def _escaped(character: str) -> str:
    match character:
        case "%":
            return "%%"
        case "\\":
            return r"\\"
        case "\n":
            return r"\n"
        case _ if not COMMANDS.search(character):
            return character
        case _:
            return "".join(f"\\{byte:03o}" for byte in character.encode("utf-8", "surrogateescape"))


class CurlLines:
    """A sink that says the curl line of every request that leaves."""

    def __init__(self, say: Callable[[str], None], curl: Callable[[Request], str]) -> None:
        self.say = say
        self.curl = curl

    def handle(self, stamped: Stamped, conversation: Conversation) -> None:
        """Say it."""
        if isinstance(stamped.event, ExchangeOpened):
            self.say(self.curl(stamped.event.request))
