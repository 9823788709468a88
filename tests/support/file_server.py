"""A real HTTP server on loopback that has files, and the faults that servers have."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Answer:
    """What the server does instead of sending the file.

    Attributes:
        status, headers: sent with an empty body; status 0 sends the file.
        cut_after: bytes of the body after which the connection breaks off.
        hold: with `cut_after`, the connection stays open and silent instead, until the server ends.
        ignore_range: all of the file comes, whatever was asked for.
        unsized: no Content-Length; the end of the connection ends the file.
    """

    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    cut_after: int | None = None
    hold: bool = False
    ignore_range: bool = False
    unsized: bool = False


@dataclass(frozen=True)
class Asked:
    """A request that came, and the status it got."""

    path: str
    range: str | None
    if_range: str | None
    status: int
    token: str | None = None


class FileServer:
    """Files by their paths, and for each path the answers it gives, one request after the other; then the file.

    `always` holds answers that never change.
    """

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files = dict(files)
        self.answers: dict[str, list[Answer]] = {}
        self.always: dict[str, Answer] = {}
        self.asked: list[Asked] = []
        self.ended = threading.Event()
        self._lock = threading.Lock()
        self.url = ""

    def next_answer(self, path: str) -> Answer:
        with self._lock:
            waiting = self.answers.get(path, [])
            return waiting.pop(0) if waiting else self.always.get(path, Answer())

    def note(self, asked: Asked) -> None:
        with self._lock:
            self.asked.append(asked)

    def asked_for(self, path: str) -> list[Asked]:
        with self._lock:
            return [one for one in self.asked if one.path == path]


@contextmanager
def serving(files: Mapping[str, bytes]) -> Iterator[FileServer]:
    """The server, at `url`, while the block runs."""
    server = FileServer(files)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            answer = server.next_answer(path)
            content = server.files.get(path)
            if answer.status or content is None:
                self._head(path, answer.status or 404, {"Content-Length": "0", **answer.headers})
                return
            first = 0 if answer.ignore_range else self._first_byte(content)
            if first >= len(content) > 0:
                self._head(path, 416, {"Content-Range": f"bytes */{len(content)}", "Content-Length": "0"})
                return
            headers = {"ETag": _etag(content), "Accept-Ranges": "bytes", **answer.headers}
            if first:
                headers["Content-Range"] = f"bytes {first}-{len(content) - 1}/{len(content)}"
            if answer.unsized:
                headers["Connection"] = "close"
            else:
                headers["Content-Length"] = str(len(content) - first)
            self._head(path, 206 if first else 200, headers)
            self._body(content[first:], answer)

        def _first_byte(self, content: bytes) -> int:
            match = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
            if_range = self.headers.get("If-Range")
            return int(match[1]) if match and if_range in (None, _etag(content)) else 0

        def _head(self, path: str, status: int, headers: Mapping[str, str]) -> None:
            asked = self.headers
            server.note(Asked(path, asked.get("Range"), asked.get("If-Range"), status, asked.get("Authorization")))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()

        def _body(self, content: bytes, answer: Answer) -> None:
            self.wfile.write(content[: answer.cut_after])
            if answer.hold:
                self.wfile.flush()
                server.ended.wait()
            if answer.cut_after is not None or answer.unsized:
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """A client that was killed, or has had enough, is no fault of the server."""

    http = Quiet(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    server.url = f"http://127.0.0.1:{http.server_address[1]}"
    try:
        yield server
    finally:
        server.ended.set()
        http.shutdown()
        http.server_close()
        thread.join()


def _etag(content: bytes) -> str:
    return f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'
