"""How a transfer can fail, by what is to be done about it."""

from __future__ import annotations

from reelops.errors import DownloadError


class Passing(DownloadError):
    """May work in a while: try again, after `wait_seconds` where the server asked for that."""

    def __init__(self, reason: str, wait_seconds: float = 0.0) -> None:
        super().__init__(reason)
        self.wait_seconds = wait_seconds


class Unreachable(Passing):
    """The host itself could not be reached or did not speak."""


class Refused(DownloadError):
    """Will not work in this run from this address."""


class Gone(DownloadError):
    """Will never work from this address again (404, 410)."""


class Stopped(DownloadError):
    """Somebody asked to stop."""
