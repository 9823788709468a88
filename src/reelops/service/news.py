"""What happens to jobs, told to everybody who listens: the ledger is asked once for all of them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from starlette.concurrency import run_in_threadpool

from reelops.errors import ReelOpsError
from reelops.production.jobs.job import Job, JobEvent
from reelops.production.jobs.queue import JobQueue
from reelops.service.background import in_background

_LOG = logging.getLogger("reelops.service")
PAUSE_SECONDS = 0.25


@dataclass(frozen=True)
class News:
    """A line of a job's history, or how far it is."""

    event: JobEvent | None = None
    progress: Mapping[str, Any] | None = None


class JobNews:
    """Asks the ledger a few times a second while anybody listens."""

    def __init__(self, queue: JobQueue) -> None:
        self._queue = queue
        self._listeners: dict[int, set[asyncio.Queue[News]]] = {}
        self._of_all: set[asyncio.Queue[tuple[int, News]]] = set()
        self._told: Mapping[int, Mapping[str, Any]] = {}
        self._anybody = asyncio.Event()

    def running(self) -> AbstractAsyncContextManager[None]:
        """Within it listeners are told."""
        return in_background(self._tell())

    @asynccontextmanager
    async def of(self, job: Job) -> AsyncIterator[asyncio.Queue[News]]:
        """News of a job from here on."""
        mine: asyncio.Queue[News] = asyncio.Queue()
        self._listeners.setdefault(job.id, set()).add(mine)
        self._anybody.set()
        try:
            yield mine
        finally:
            self._listeners[job.id].discard(mine)
            if not self._listeners[job.id]:
                del self._listeners[job.id]
            self._rest_if_alone()

    @asynccontextmanager
    async def of_all(self) -> AsyncIterator[asyncio.Queue[tuple[int, News]]]:
        """News of all jobs from here on, each with the job's number; whoever listens sorts out whose they are."""
        mine: asyncio.Queue[tuple[int, News]] = asyncio.Queue()
        self._of_all.add(mine)
        self._anybody.set()
        try:
            yield mine
        finally:
            self._of_all.discard(mine)
            self._rest_if_alone()

    def _rest_if_alone(self) -> None:
        if not (self._listeners or self._of_all):
            self._anybody.clear()

    async def _tell(self) -> None:
        after: int | None = None
        while True:
            if not self._anybody.is_set():
                after = None
                await self._anybody.wait()
            try:
                if after is None:
                    after = await run_in_threadpool(self._queue.last_event)
                after = await self._tell_once(after)
            except ReelOpsError as error:  # the next time will do
                _LOG.warning("%s", error)
            await asyncio.sleep(PAUSE_SECONDS)

    async def _tell_once(self, after: int) -> int:
        """Tells what happened after a line of the history; the last line by now."""
        happened, progress = await run_in_threadpool(self._queue.news, after)
        for job, event in happened:
            self._hand_out(job, News(event=event))
        before, self._told = self._told, progress
        for job, far in progress.items():
            if before.get(job) != far:
                self._hand_out(job, News(progress=far))
        return happened[-1][1].id if happened else after

    def _hand_out(self, job: int, news: News) -> None:
        for listener in self._listeners.get(job, ()):
            listener.put_nowait(news)
        for one in self._of_all:
            one.put_nowait((job, news))
