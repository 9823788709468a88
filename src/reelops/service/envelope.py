"""What every request and answer goes through: an id, headers that browsers obey, a limit on bodies, the right host."""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from collections.abc import Callable, Collection
from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reelops.service.problems import MEDIA_TYPE, problem_body

_AN_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::[0-9]{1,5})?")
_BODY_SECONDS = 30.0
"""So long a sender may say nothing in the middle of a body."""
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Content-Security-Policy": POLICY,
}
_Refusal = tuple[HTTPStatus, str, str]
"""Status, kind of problem, and what was wrong."""
Observe = Callable[[str, str, int, float], None]


class Envelope:
    """The outermost layer of the app.

    Args:
        hosts: names by which the service may be asked; None: any. A browser that was sent here under another name is
            on a page of that name's owner.
        most_bytes: of a body.
        observe: told method, route, status and seconds of every request.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str] | None, most_bytes: int, observe: Observe) -> None:
        self._app, self._hosts, self._most_bytes, self._observe = app, hosts, most_bytes, observe

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        request_id = given if _AN_ID.fullmatch(given) else secrets.token_hex(8)
        scope.setdefault("state", {})["request_id"] = request_id
        exchange = _Exchange(scope, receive, send, request_id, self._most_bytes)
        began = time.perf_counter()
        try:
            if self._hosts is not None and _host(headers.get("host", "")) not in self._hosts:
                await exchange.refuse(
                    HTTPStatus.MISDIRECTED_REQUEST, "misdirected-request", "This service is not asked by that name."
                )
            elif (length := headers.get("content-length")) is not None and not _within(length, self._most_bytes):
                await exchange.refuse(*exchange.too_large)
            else:
                await self._app(scope, exchange.receive, exchange.send)
        finally:
            route = getattr(scope.get("route"), "path", "none")
            self._observe(scope["method"], route, exchange.status, time.perf_counter() - began)


class _Exchange:
    """One request and its answer."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, request_id: str, most_bytes: int) -> None:
        self._scope, self._receive, self._send = scope, receive, send
        self._request_id, self._most_bytes = request_id, most_bytes
        self._bytes, self._body_is_over = 0, False
        self._refusal: _Refusal | None = None
        self.status = 0

    @property
    def too_large(self) -> _Refusal:
        detail = f"What was sent has more than {self._most_bytes / 1e6:g} MB; send less."
        return HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too-large", detail

    async def receive(self) -> Message:
        if self._body_is_over:
            return await self._receive()
        try:
            message = await asyncio.wait_for(self._receive(), _BODY_SECONDS)
        except TimeoutError:
            detail = "Nothing came for 30 s in the middle of a body; send it again."
            self._refusal = HTTPStatus.REQUEST_TIMEOUT, "request-timeout", detail
            return {"type": "http.disconnect"}
        if message["type"] == "http.request":
            self._bytes += len(message.get("body", b""))
            self._body_is_over = not message.get("more_body", False)
            if self._bytes > self._most_bytes:
                self._refusal = self.too_large
                return {"type": "http.disconnect"}
        return message

    async def send(self, message: Message) -> None:
        if self._refusal is not None:
            if not self.status:
                await self.refuse(*self._refusal)
            return
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers["X-Request-ID"] = self._request_id
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
        await self._send(message)

    async def refuse(self, status: HTTPStatus, kind: str, detail: str) -> None:
        """The whole answer, instead of the app's; the connection ends with it."""
        self.status = int(status)
        body = problem_body(self._scope["path"], self._request_id, status, kind, detail)
        headers = {
            "Content-Type": MEDIA_TYPE,
            "Content-Length": str(len(body)),
            "Connection": "close",
            "X-Request-ID": self._request_id,
            **_HEADERS,
        }
        raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        await self._send({"type": "http.response.start", "status": self.status, "headers": raw})
        await self._send({"type": "http.response.body", "body": body})


def _host(given: str) -> str:
    """The name in a Host header, without its port; empty where it has another form."""
    found = _HOST.fullmatch(given)
    return "" if found is None else found[1].strip("[]").lower()


def _within(length: str, most: int) -> bool:
    return length.isascii() and length.isdigit() and len(length) < 16 and int(length) <= most
