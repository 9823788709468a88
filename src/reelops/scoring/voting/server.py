"""The page that people vote on: served to this machine alone, to whoever has its secret address."""

from __future__ import annotations

import json
import re
import secrets
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from reelops.errors import InputError, MachineError, ReelOpsError
from reelops.foreign import NO_JSON, json_object
from reelops.pages.build import asset, security, style, template
from reelops.scoring.report.media import Media, MediaJob, make_media
from reelops.scoring.voting.votes import BETTER, Better

HOST = "127.0.0.1"
_MOST_BODY = 1000
_MOST_BYTES = 64_000_000
_NUMBER = re.compile(r"[0-9]{1,9}")
_RANGE = re.compile(r"bytes=([0-9]{1,15})-([0-9]{0,15})")


class _Server(ThreadingHTTPServer):
    """A browser breaks off whenever its voter goes on; nobody needs to read of that."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


@dataclass(frozen=True)
class Answer:
    """What was said of one pair."""

    better: Better
    left_usable: bool
    right_usable: bool

    @classmethod
    def of(cls, plain: dict[str, Any]) -> Answer:
        """From the page's JSON.

        Raises:
            ValueError: it is no answer.
        """
        better, left, right = plain.get("better"), plain.get("leftUsable"), plain.get("rightUsable")
        if better not in BETTER or not isinstance(left, bool) or not isinstance(right, bool):
            raise ValueError("no such answer")
        return cls(better, left, right)


class VotingServer:
    """Shows one pair after the other, and hands each answer on.

    Nothing of a clip's name or scores reaches the page. Whoever lacks the token, or asks by another name than this
    machine's own address, is refused.

    Args:
        pairs: what is shown, in order; drawn when it is needed.
        total: how many.
        on_answer: told of each answer with its pair; a `ReelOpsError` of it ends the voting.
        port: 0 takes a free one.

    Raises:
        MachineError: the port is taken.
    """

    def __init__(
        self,
        pairs: Iterator[tuple[Path, Path]],
        total: int,
        on_answer: Callable[[tuple[Path, Path], Answer], None],
        port: int = 0,
    ) -> None:
        self._pairs, self._total, self._on_answer = pairs, total, on_answer
        self._token = secrets.token_urlsafe(24)
        self._answering = threading.Lock()
        self._number = 0
        self._shown: tuple[Path, Path] | None = next(pairs, None)
        self._media: dict[tuple[int, str], Media] = {}
        self._failure: ReelOpsError | None = None
        try:
            self._http = _Server((HOST, port), self._handler())
        except OSError as error:
            raise MachineError(
                f"port {port} cannot be listened to: {error.strerror}; choose another with --port."
            ) from error
        self._http.daemon_threads = True

    @property
    def address(self) -> str:
        """What is opened in a browser; it holds the token, so it is for the voter alone."""
        return f"http://{HOST}:{self._http.server_address[1]}/{self._token}/"

    def serve(self) -> None:
        """Until all pairs are answered, or `close` is called.

        Raises:
            ReelOpsError: an answer could not be kept.
        """
        try:
            self._http.serve_forever(poll_interval=0.1)
        finally:
            self._http.server_close()
        if self._failure is not None:
            raise self._failure

    def close(self) -> None:
        """Ends `serve`; for another thread."""
        self._http.shutdown()

    def _facts(self) -> dict[str, Any]:
        return {"number": self._number, "total": self._total, "done": self._shown is None}

    def _take(self, number: int, answer: Answer) -> None:
        """Keeps an answer, once, and goes on to the next pair."""
        with self._answering:
            if number != self._number or self._shown is None:
                return
            try:
                self._on_answer(self._shown, answer)
            except ReelOpsError as failure:
                self._failure = failure
                threading.Thread(target=self.close).start()
                raise
            self._number += 1
            self._media.clear()
            self._shown = next(self._pairs, None)

    def _clip(self, number: int, side: str) -> Media | None:
        with self._answering:
            if number != self._number or self._shown is None:
                return None
            if (number, side) not in self._media:
                path = self._shown[0 if side == "left" else 1]
                self._media[number, side] = make_media(MediaJob(path, (), _MOST_BYTES), lambda _: None)
            return self._media[number, side]

    def _page(self) -> tuple[str, str]:
        """The page, and what the browser is told to refuse."""
        css, script = style(__package__, "page.css"), asset(__package__, "page.js")
        policy = security(css, script, "media-src 'self'; connect-src 'self'; ")
        return template(__package__, "page.html.j2").render(css=css, script=script, security=policy), policy

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        voting = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                match self._asked():
                    case [""]:
                        page, _ = voting._page()
                        self._answer(HTTPStatus.OK, page.encode(), "text/html; charset=utf-8")
                    case ["pair"]:
                        self._say(voting._facts())
                    case ["clip", number, ("left" | "right") as side] if _NUMBER.fullmatch(number):
                        self._send_clip(voting._clip(int(number), side))
                    case _:
                        self._answer(HTTPStatus.NOT_FOUND)

            def do_POST(self) -> None:
                length = self.headers.get("Content-Length", "")
                if not _NUMBER.fullmatch(length) or int(length) > _MOST_BODY:
                    self.close_connection = True
                    self._answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
                    return
                body = self.rfile.read(int(length))
                if self._asked() != ["vote"] or self.headers.get("Content-Type") != "application/json":
                    self._answer(HTTPStatus.NOT_FOUND)
                    return
                try:
                    plain = json_object(body.decode())
                    voting._take(int(plain["number"]), Answer.of(plain))
                except (*NO_JSON, InputError, KeyError, TypeError):
                    self._answer(HTTPStatus.BAD_REQUEST)
                except ReelOpsError as failure:
                    self._answer(HTTPStatus.INTERNAL_SERVER_ERROR, str(failure).encode(), "text/plain; charset=utf-8")
                else:
                    self._say(voting._facts())
                    if voting._shown is None:
                        threading.Thread(target=voting.close).start()

            def log_message(self, *_: object) -> None:
                """The terminal is the voter's."""

            def _asked(self) -> list[str] | None:
                """The parts of the path behind the token; None for whoever may not ask."""
                host = f"{HOST}:{voting._http.server_address[1]}"
                token, *rest = self.path.partition("/")[2].split("/")
                known = secrets.compare_digest(token.encode(), voting._token.encode())
                return rest if known and self.headers.get("Host") == host else None

            def _say(self, facts: dict[str, Any]) -> None:
                self._answer(HTTPStatus.OK, json.dumps(facts).encode(), "application/json")

            def _send_clip(self, media: Media | None) -> None:
                if media is None or media.video is None:
                    self._answer(HTTPStatus.NOT_FOUND)
                    return
                size = len(media.video)
                wanted = _RANGE.fullmatch(self.headers.get("Range", ""))
                if wanted is None:
                    self._answer(HTTPStatus.OK, media.video, media.mime)
                    return
                first, last = int(wanted[1]), min(size - 1, int(wanted[2] or size - 1))
                if first > last:
                    self._answer(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
                    return
                part = {"Content-Range": f"bytes {first}-{last}/{size}"}
                self._answer(HTTPStatus.PARTIAL_CONTENT, media.video[first : last + 1], media.mime, part)

            def _answer(
                self,
                status: HTTPStatus,
                body: bytes = b"",
                mime: str = "text/plain",
                also: dict[str, str] | None = None,
            ) -> None:
                self.send_response(status)
                headers = {
                    "Content-Type": mime,
                    "Content-Length": str(len(body)),
                    "Accept-Ranges": "bytes",
                    "Cache-Control": "no-store",
                    "Referrer-Policy": "no-referrer",
                    "X-Content-Type-Options": "nosniff",
                }
                for name, value in {**headers, **(also or {})}.items():
                    self.send_header(name, value)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

        return Handler
