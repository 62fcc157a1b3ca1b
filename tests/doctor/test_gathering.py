"""What the doctor keeps of an exchange."""

from __future__ import annotations

from callscope.core.events import BytesRead, ExchangeEnded, ExchangeOpened, ResponseHead
from callscope.core.values import Request
from callscope.doctor.exchange import Gathering

KEY = b"sk-0123456789abcdefghij"
BODY = b'{"error":{"message":"Incorrect API key: ' + KEY + b'"}}'


def test_a_secret_that_the_server_says_back_is_in_no_finding_not_even_its_beginning() -> None:
    gathering, start = Gathering(), BODY.index(KEY)
    gathering.feed(0.0, ExchangeOpened(1, Request("POST", "https://models.test/v1/chat/completions", (), b"{}")))
    gathering.feed(0.1, ResponseHead(1, 401, ()))
    gathering.feed(0.2, BytesRead(1, BODY, ((start, start + len(KEY)),)))
    gathering.feed(0.3, ExchangeEnded(1, "complete"))
    assert gathering.exchanges[0].reads == ((0.2, BODY.replace(KEY, b"*" * len(KEY))),)
