"""Jobs that a process makes at the moment: their leases are kept, their progress is told, wishes to end them heard."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from reelops.errors import MachineError
from reelops.production.jobs.job import Job
from reelops.production.jobs.ledger import Ledger
from reelops.progress import Event, Progress, RunContext

_LISTEN_SECONDS = 0.5
_BEATS_PER_LEASE = 4


class JobsAtWork:
    """What a process makes, by the number of each job.

    Args:
        ledger: where they are claimed.
        lease_seconds: for how long each is claimed.
    """

    def __init__(self, ledger: Ledger, lease_seconds: float) -> None:
        self._ledger, self._lease_seconds = ledger, lease_seconds
        self._changing = threading.Lock()
        self._jobs: dict[int, _AtWork] = {}

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Within it leases are renewed and wishes heard, on a thread of its own."""
        ended = threading.Event()
        thread = threading.Thread(target=self._keep, args=(ended,), name="leases", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    @contextmanager
    def context_of(self, job: Job, context: RunContext) -> Iterator[RunContext]:
        """What accompanies the work on a job: its progress is noted, and it stops where the job's end was asked for, or
        another process has it by now."""
        one = _AtWork()

        def on_event(event: Event) -> None:
            if isinstance(event, Progress):
                one.hear(event)
                RunContext(should_stop=one.ends.is_set).raise_if_stopped()
            context.on_event(event)

        with self._changing:
            self._jobs[job.id] = one
        try:
            yield RunContext(on_event, lambda: one.ends.is_set() or context.should_stop())
        finally:
            with self._changing:
                del self._jobs[job.id]

    def _keep(self, ended: threading.Event) -> None:
        beats, since = self._lease_seconds / _BEATS_PER_LEASE, 0.0
        pause = min(_LISTEN_SECONDS, beats)
        while not ended.wait(pause):
            since += pause
            try:
                if since >= beats:
                    self._ledger.renew(self._lease_seconds)
                    since = 0.0
                self._attend()
            except MachineError:  # the next time will do; the ledger tells the lanes, too
                continue

    def _attend(self) -> None:
        with self._changing:
            at_work = dict(self._jobs)
        if not at_work:
            return
        told = {number: news for number, one in at_work.items() if (news := one.news()) is not None}
        asked = self._ledger.attend(told)
        for number, one in at_work.items():
            if asked.get(number, True):
                one.ends.set()


class _AtWork:
    """One job: the latest of its progress, and whether it should end."""

    def __init__(self) -> None:
        self.ends = threading.Event()
        self._latest: Progress | None = None
        self._told: Progress | None = None

    def hear(self, progress: Progress) -> None:
        self._latest = progress

    def news(self) -> Mapping[str, Any] | None:
        """The latest progress as plain JSON values; None where it was told already."""
        latest = self._latest
        if latest is None or latest is self._told:
            return None
        self._told = latest
        return {"stage": latest.stage, "done": latest.done, "total": latest.total, "unit": latest.unit}
