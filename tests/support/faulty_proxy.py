"""A proxy before a real server that loses requests or answers, as networks and restarts do."""

from __future__ import annotations

import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal

Fault = int | Literal["drop", "lose"] | None
Rule = Callable[[str, str], Fault]


class FaultyProxy:
    """Forwards to a server what its rule lets pass.

    Attributes:
        url: of the proxy.
        rule: by method and path, what becomes of a request: None passes it on, a number is the status that is answered
            in the server's place, `drop` ends the connection unasked, `lose` does so when the server has answered.
        seen: methods and paths of all requests so far.
    """

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.rule: Rule = lambda _method, _path: None
        self.seen: list[tuple[str, str]] = []


class OnlyTimes:
    """A rule that meets the first requests of a path, and then no more."""

    def __init__(self, times: int, part: str, fault: Fault, method: str = "") -> None:
        self.left, self.part, self.fault, self.method = times, part, fault, method

    def __call__(self, method: str, path: str) -> Fault:
        if self.left and self.part in path and self.method in method:
            self.left -= 1
            return self.fault
        return None


@contextmanager
def proxy_before(server: str) -> Iterator[FaultyProxy]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def answer(self) -> None:
            proxy.seen.append((self.command, self.path))
            fault = proxy.rule(self.command, self.path)
            if fault == "drop":
                self.close_connection = True
                return
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, kind, content = (fault, "text/plain", b"") if isinstance(fault, int) else self.asked(body)
            if fault == "lose":
                self.close_connection = True
                return
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def asked(self, body: bytes) -> tuple[int, str, bytes]:
            kept = {name: self.headers[name] for name in ("Content-Type",) if name in self.headers}
            request = urllib.request.Request(server + self.path, body or None, kept, method=self.command)  # noqa: S310
            try:
                with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - our own server
                    return answer.status, answer.headers.get("Content-Type", ""), answer.read()
            except urllib.error.HTTPError as error:
                return error.code, error.headers.get("Content-Type", ""), error.read()

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

    listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    proxy = FaultyProxy(listener.server_address[1])
    thread = threading.Thread(target=listener.serve_forever, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        listener.shutdown()
        listener.server_close()
