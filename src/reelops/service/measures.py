"""What the service counts, as Prometheus reads it."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from reelops.production.jobs.job import State

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0, 300.0)


class Measures:
    """Counters of one app, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "reelops_requests", "Requests by route and status.", ("method", "route", "status"), registry=self.registry
        )
        self._seconds = Histogram(
            "reelops_request_seconds",
            "How long requests took.",
            ("method", "route"),
            registry=self.registry,
            buckets=_SECONDS,
        )
        self._jobs = Gauge("reelops_jobs", "Jobs by state.", ("state",), registry=self.registry)

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Notes a request."""
        method = method if method in ("GET", "HEAD", "POST", "DELETE", "OPTIONS", "PUT", "PATCH") else "other"
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)

    def note_jobs(self, counts: Mapping[State, int]) -> None:
        """Notes how many jobs are in each state."""
        for state, number in counts.items():
            self._jobs.labels(state.value).set(number)
