"""Who asks: by a key in the Authorization header, or by the cookie of a session on this machine."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, Request, Response
from fastapi.security import HTTPBearer
from starlette.concurrency import run_in_threadpool

from reelops.service.callers import Caller, NotAllowedError, NotKnownError
from reelops.service.keys import ApiKeys
from reelops.service.problems import TooOftenError
from reelops.system.files import write_text_atomically

COOKIE = "reelops_session"
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
_KNOWN_SECONDS = 2.0
_MOST_KNOWN = 10_000
_COOKIE_SECONDS = 30 * 24 * 3600
bearer = HTTPBearer(
    auto_error=False, description="A key of `reelops keys create`, or the session token that `serve` prints."
)


@dataclass
class Access:
    """Finds out who asks, and how often.

    Args:
        keys: of the API.
        session: the token of whoever uses this machine itself; None where the service is open to a network.
    """

    keys: ApiKeys
    session: str | None
    _known: dict[str, tuple[float, Caller]] = field(default_factory=dict)
    _rates: dict[str, _Rate] = field(default_factory=dict)

    def caller_of(self, secret: str) -> Caller:
        """Who has this secret; what the ledger said counts for two seconds.

        Raises:
            NotKnownError: nobody has it.
        """
        if self.session is not None and secrets.compare_digest(secret.encode(), self.session.encode()):
            return Caller.local()
        now = time.monotonic()
        known = self._known.get(secret)
        if known is not None and known[0] > now:
            return known[1]
        caller = self.keys.caller_of(secret)
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._known[secret] = now + _KNOWN_SECONDS, caller
        return caller

    def count(self, caller: Caller) -> None:
        """Notes that a key asks.

        Raises:
            TooOftenError: more often than it may.
        """
        if caller.key is None:
            return
        rate = self._rates.setdefault(caller.key, _Rate(caller.requests_a_minute, time.monotonic()))
        rate.take(caller.requests_a_minute)


@dataclass
class _Rate:
    """A bucket of requests, which fills by so many a minute and holds as many as come in a minute."""

    left: float
    since: float

    def take(self, a_minute: int) -> None:
        now = time.monotonic()
        self.left = min(float(a_minute), self.left + (now - self.since) * a_minute / 60.0)
        self.since = now
        if self.left < 1.0:
            raise TooOftenError((1.0 - self.left) * 60.0 / a_minute)
        self.left -= 1.0


async def _caller(request: Request, _shown: Annotated[Any, Depends(bearer)]) -> Caller:
    secret = secret_of(request)
    if not secret and (secret := request.cookies.get(COOKIE, "")):
        require_own_page(request)
    return await admitted(request.app.state.access, secret)


def secret_of(request: Request) -> str:
    """What a request has in its Authorization header; empty where it has no key there."""
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else ""


async def admitted(access: Access, secret: str) -> Caller:
    """Who asks, counted.

    Raises:
        NotKnownError, TooOftenError
    """
    if not secret:
        raise NotKnownError("There is no key. Send one in the header: Authorization: Bearer KEY.")
    caller = await run_in_threadpool(access.caller_of, secret)
    access.count(caller)
    return caller


Asking = Annotated[Caller, Depends(_caller)]
"""The parameter of a handler that says who asks."""


def require_own_page(request: Request) -> None:
    """Fails where another site lets a browser with our cookie change something.

    Raises:
        NotAllowedError
    """
    if request.method in _SAFE_METHODS:
        return
    origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site")
    if origin != own_origin(request) and not (origin is None and site == "same-origin"):
        raise NotAllowedError("This was asked by the page of another site. Use the service's own page, or a key.")


def own_origin(request: Request) -> str:
    """The origin of this service's pages, as whoever asks calls it."""
    return f"{request.url.scheme}://{request.headers.get('host', '')}"


def remember(answer: Response, secret: str, request: Request) -> None:
    """Lets the browser that gets this answer in from here on; no script and no other site sees the cookie."""
    is_secure = request.url.scheme == "https"
    answer.set_cookie(COOKIE, secret, max_age=_COOKIE_SECONDS, httponly=True, samesite="strict", secure=is_secure)


def session_token(folder: Path) -> str:
    """The token of whoever uses this machine, the same from one start to the next; in a file that only they can read.

    Raises:
        MachineError: it cannot be written.
    """
    path = folder / "session-token"
    if path.is_file() and len(token := path.read_text().strip()) >= 32:
        return token
    token = secrets.token_urlsafe(32)
    write_text_atomically(path, token + "\n")
    path.chmod(0o600)
    return token
