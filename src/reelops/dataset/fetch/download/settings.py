"""What may be tuned about downloading."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from reelops.params import Amount, AmountOrZero, Count, ParamsBlock


class DownloadSettings(ParamsBlock):
    """The block `dataset.download` of params.yaml.

    Attributes:
        connections: files fetched at the same time.
        rounds: how often all mirrors of a file are tried.
        backoff_seconds: longest wait after the first round; it doubles after each further one, up to
            `max_wait_seconds`. The wait itself is drawn from between half and all of it.
        max_wait_seconds: a server that asks to be left alone for longer (Retry-After) is given up for this run.
        connect_seconds, read_seconds: how long a silent server is waited for.
        requests_per_second: at most so many to one host.
        max_consecutive_failures: after so many a host is taken for dead in this run.
        keep_free_gb: room on the disk that is left alone.
        max_unpacked_gb: an archive that would unpack to more is refused.
        allow_private_redirects: whether a public host may redirect to a private or loopback address.
    """

    renamed: ClassVar[Mapping[str, str]] = {
        "longest_wait_seconds": "max_wait_seconds",
        "failures_in_a_row": "max_consecutive_failures",
    }

    connections: Count = 4
    rounds: Count = 5
    backoff_seconds: AmountOrZero = 1.0
    max_wait_seconds: Amount = 300.0
    connect_seconds: Amount = 10.0
    read_seconds: Amount = 20.0
    requests_per_second: Amount = 8.0
    max_consecutive_failures: Count = 8
    keep_free_gb: AmountOrZero = 2.0
    max_unpacked_gb: Amount = 200.0
    allow_private_redirects: bool = False

    @property
    def keep_free_bytes(self) -> int:
        return int(self.keep_free_gb * 1e9)

    @property
    def max_unpacked_bytes(self) -> int:
        return int(self.max_unpacked_gb * 1e9)


class Remote(BaseModel):
    """A file on the network.

    Attributes:
        urls: mirrors, the best one first.
        sha256, size_bytes: what it must be, where that is known.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    urls: tuple[str, ...] = Field(min_length=1)
    sha256: str | None = None
    size_bytes: int | None = None
