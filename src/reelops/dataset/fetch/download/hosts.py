"""What a run knows of each host: when it may be asked next, and whether it still answers."""

from __future__ import annotations

import threading
import time
from collections import defaultdict

from reelops.dataset.fetch.download.failures import Stopped


class Hosts:
    """Shared by all connections of a run.

    Args:
        requests_per_second: at most so many to one host.
        max_consecutive_failures: after so many a host is taken for dead.
        stopping: set when the run is to end; no wait outlasts it.
    """

    def __init__(self, requests_per_second: float, max_consecutive_failures: int, stopping: threading.Event) -> None:
        self._interval = 1 / requests_per_second
        self._limit = max_consecutive_failures
        self._stopping = stopping
        self._lock = threading.Lock()
        self._next_turn: dict[str, float] = defaultdict(float)
        self._paused_until: dict[str, float] = defaultdict(float)
        self._failures: dict[str, int] = defaultdict(int)

    def wait_turn(self, host: str) -> None:
        """Returns when a request may be sent to the host.

        Raises:
            Stopped: the run is to end.
        """
        while True:
            with self._lock:
                turn = max(time.monotonic(), self._next_turn[host], self._paused_until[host])
                self._next_turn[host] = turn + self._interval
            self.sleep(turn - time.monotonic())
            # Another connection may have been asked to wait in the meantime.
            if not self.is_paused(host):
                return

    def sleep(self, seconds: float) -> None:
        """Waits, but not beyond the end of the run.

        Raises:
            Stopped: the run is to end.
        """
        if self._stopping.wait(max(0.0, seconds)):
            raise Stopped("stopped")

    def pause(self, host: str, seconds: float) -> None:
        """Leaves a host alone for a while, as it asked."""
        with self._lock:
            self._paused_until[host] = max(self._paused_until[host], time.monotonic() + seconds)

    def is_paused(self, host: str) -> bool:
        with self._lock:
            return self._paused_until[host] > time.monotonic()

    def answered(self, host: str) -> None:
        with self._lock:
            self._failures[host] = 0

    def failed(self, host: str) -> None:
        with self._lock:
            self._failures[host] += 1

    def is_dead(self, host: str) -> bool:
        with self._lock:
            return self._failures[host] >= self._limit
