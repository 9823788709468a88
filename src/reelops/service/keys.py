"""Keys of the API: 256 random bits, of which the ledger keeps the digest alone."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from reelops.errors import InputError
from reelops.production.jobs.ledger import Ledger
from reelops.production.jobs.tables import api_keys
from reelops.service.callers import LOCAL, Caller, NotKnownError, Scope

PREFIX = "reelops_"
_ID_BYTES, _SECRET_BYTES = 6, 32
_LONGEST = 64


@dataclass(frozen=True)
class ApiKey:
    """A key as the ledger knows it; times in seconds since the epoch."""

    id: str
    account: str
    name: str
    scopes: tuple[Scope, ...]
    quota: int
    requests_a_minute: int
    created_at: float
    expires_at: float | None
    revoked_at: float | None

    @property
    def is_valid(self) -> bool:
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > time.time())


class ApiKeys:
    """The keys in a ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def create(
        self,
        account: str,
        name: str,
        scopes: Collection[Scope],
        quota: int,
        requests_a_minute: int,
        seconds: float | None = None,
    ) -> tuple[ApiKey, str]:
        """A new key, and its secret, which nobody can read again.

        Args:
            account: whose jobs it sees and makes; several keys may have one.
            name: what it is for.
            quota: jobs at once that have not ended.
            seconds: how long it is valid; None: until it is revoked.

        Raises:
            InputError: the account cannot be called so.
        """
        if not account.strip() or len(account) > _LONGEST or not account.isprintable() or account == LOCAL:
            raise InputError(
                f"An account cannot be called {account[:_LONGEST]!r}; give up to {_LONGEST} letters, and not {LOCAL}."
            )
        now = time.time()
        key = {
            "id": secrets.token_hex(_ID_BYTES),
            "account": account,
            "name": name,
            "scopes": sorted(scopes),
            "quota": quota,
            "requests_a_minute": requests_a_minute,
            "created_at": now,
            "expires_at": None if seconds is None else now + seconds,
        }
        secret = _new_secret(str(key["id"]))
        with self._ledger.transaction() as connection:
            connection.execute(sa.insert(api_keys).values(**key, sha256=_digest(secret)))
            return _key(connection.execute(_of(str(key["id"]))).one()), secret

    def list(self) -> list[ApiKey]:
        """All keys, the oldest first."""
        with self._ledger.reading() as connection:
            return [_key(row) for row in connection.execute(sa.select(api_keys).order_by(api_keys.c.created_at))]

    def rotate(self, key: str) -> tuple[ApiKey, str]:
        """A key with a new secret; its old one is void from here on.

        Raises:
            InputError: there is no such key, or it was revoked.
        """
        secret = _new_secret(key)
        with self._ledger.transaction() as connection:
            found = self._found(connection, key)
            if found.revoked_at is not None:
                raise InputError(f"Key {key} was revoked; create another one.")
            connection.execute(sa.update(api_keys).where(api_keys.c.id == key).values(sha256=_digest(secret)))
            return found, secret

    def revoke(self, key: str) -> ApiKey:
        """Makes a key void, for good.

        Raises:
            InputError: there is no such key.
        """
        with self._ledger.transaction() as connection:
            self._found(connection, key)
            void = sa.update(api_keys).where(api_keys.c.id == key, api_keys.c.revoked_at.is_(None))
            connection.execute(void.values(revoked_at=time.time()))
            return self._found(connection, key)

    def caller_of(self, secret: str) -> Caller:
        """Who asks with this secret.

        Raises:
            NotKnownError: nobody has it, or its key is void.
        """
        # The secret has 256 random bits: finding its digest in an index tells nobody anything.
        with self._ledger.reading() as connection:
            row = connection.execute(sa.select(api_keys).where(api_keys.c.sha256 == _digest(secret))).first()
        key = None if row is None else _key(row)
        if key is None or not key.is_valid:
            raise NotKnownError("The key is not known here, or is void. Ask whoever runs the service for one.")
        return Caller(key.account, frozenset(key.scopes), key.quota, key.requests_a_minute, key.id)

    def _found(self, connection: sa.Connection, key: str) -> ApiKey:
        row = connection.execute(_of(key)).first()
        if row is None:
            raise InputError(f"There is no key {key[:_LONGEST]!r}; reelops keys list shows all.")
        return _key(row)


def _of(key: str) -> sa.Select[Any]:
    return sa.select(api_keys).where(api_keys.c.id == key)


def _key(row: Any) -> ApiKey:
    fields = {name: getattr(row, name) for name in ApiKey.__dataclass_fields__}
    return ApiKey(**{**fields, "scopes": tuple(Scope(scope) for scope in row.scopes)})


def _new_secret(key: str) -> str:
    return f"{PREFIX}{key}_{secrets.token_urlsafe(_SECRET_BYTES)}"


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()
