"""A service on loopback that keeps the stock of a shop: something for tools to ask over HTTP.

`python service.py` serves until Ctrl-C; `python service.py COMMAND …` serves as long as the command runs, on a free
port that the command finds in STOCK_URL. What is ordered is forgotten at the end.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

PORT = 8765
STOCK = {"green tea": 120, "black tea": 80, "teapot": 6}


class Shop(BaseHTTPRequestHandler):
    """GET /products?less_than=N, GET /products/NAME, POST /orders {"product", "amount"}"""

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        if address.path == "/products":
            (most,) = parse_qs(address.query).get("less_than", ["1000000"])
            self.answer(200, {name: stock for name, stock in STOCK.items() if stock < int(most)})
            return
        name = unquote(address.path.removeprefix("/products/"))
        if name in STOCK:
            self.answer(200, {"product": name, "stock": STOCK[name]})
        else:
            self.answer(404, {"error": f"there is no {name}; there are: {', '.join(STOCK)}"})

    def do_POST(self) -> None:
        order = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))))
        product, amount = order["product"], order["amount"]
        if STOCK.get(product, 0) < amount:
            self.answer(409, {"error": f"only {STOCK.get(product, 0)} of {product} are left"})
            return
        STOCK[product] -= amount
        self.answer(201, {"product": product, "ordered": amount, "left": STOCK[product]})

    def answer(self, status: int, body: Any) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        """Say nothing: the command's own output is what counts."""


def main(command: list[str]) -> int:
    server = ThreadingHTTPServer(("127.0.0.1", 0 if command else PORT), Shop)
    url = f"http://127.0.0.1:{server.server_port}"
    if not command:
        print(f"the stock is at {url} (Ctrl-C ends it)")
        server.serve_forever()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return subprocess.run(command, env={**os.environ, "STOCK_URL": url}, check=False).returncode


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
