"""A server on loopback that sends whatever bytes it is given: heads and bodies that no library writes."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

Answering = Callable[[bytes], bytes]
"""Bytes to send to a request; the connection is closed after them."""


@dataclass
class RawServer:
    """What was asked, in the order in which it came."""

    url: str
    asked: list[bytes] = field(default_factory=list)


@contextmanager
def answering(*answers: bytes | Answering) -> Iterator[RawServer]:
    """A server that gives these answers, one a connection; the last one again and again."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = RawServer(f"http://127.0.0.1:{listener.getsockname()[1]}")
    thread = threading.Thread(target=_serve, args=(listener, server, answers), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
        listener.close()


def head(status: str, *headers: str, body: bytes = b"") -> bytes:
    """An answer: `head("200 OK", "Content-Length: 3", body=b"abc")`."""
    return "\r\n".join((f"HTTP/1.1 {status}", *headers, "", "")).encode("latin-1") + body


def _serve(listener: socket.socket, server: RawServer, answers: tuple[bytes | Answering, ...]) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return  # the listener has been shut down
        with connection, suppress(OSError):  # the client has had enough
            request = _request(connection)
            answer = answers[min(len(server.asked), len(answers) - 1)]
            server.asked.append(request)
            connection.sendall(answer(request) if callable(answer) else answer)


def _request(connection: socket.socket) -> bytes:
    connection.settimeout(10)
    request = b""
    while b"\r\n\r\n" not in request and (more := connection.recv(65536)):
        request += more
    return request
