"""Who asks, and what they may: the account that jobs belong to, scopes and quota."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from reelops.errors import ReelOpsError

LOCAL = "local"
"""The account of whoever uses this machine itself: the page that `reelops serve` opens, agents on a pipe."""
_NO_LIMIT = 10**9


class Scope(StrEnum):
    """What a key may be used for."""

    READ = "read"
    GENERATE = "generate"
    SCORE = "score"
    ADMIN = "admin"


class NotAllowedError(ReelOpsError):
    """The caller may not do this."""


class NotKnownError(ReelOpsError):
    """Nobody knows the key, or there is none."""


@dataclass(frozen=True)
class Caller:
    """Who asks.

    Attributes:
        account: whose jobs are seen and made.
        scopes: what is allowed.
        quota: jobs at once that have not ended.
        requests_a_minute: how often may be asked.
        key: id of the key; None: this machine's own.
    """

    account: str
    scopes: frozenset[Scope]
    quota: int = _NO_LIMIT
    requests_a_minute: int = _NO_LIMIT
    key: str | None = None

    @classmethod
    def local(cls) -> Caller:
        """Whoever uses this machine itself."""
        return cls(LOCAL, frozenset(Scope))

    @property
    def sees(self) -> str | None:
        """The account whose jobs the caller sees; None: all of them."""
        return None if Scope.ADMIN in self.scopes and self.key is not None else self.account

    def require(self, scope: Scope) -> None:
        """Fails where the caller may not do what a scope stands for.

        Raises:
            NotAllowedError
        """
        if scope not in self.scopes and Scope.ADMIN not in self.scopes:
            told = ", ".join(sorted(self.scopes)) or "nothing"
            raise NotAllowedError(
                f"This needs the scope {scope}, and the key has {told}. Ask whoever runs the service for another key."
            )
