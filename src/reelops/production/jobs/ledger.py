"""The ledger of jobs: which clips are wanted, who makes which, and what became of each; it outlives every process.

A job is claimed for the length of a lease, which its process renews while it lives. A claim is one transaction, so no
two processes have one job. What a dead process had is free again: at once where its host can see that it is gone, when
the lease ends otherwise. A job whose process died with it several times is given up, so that it cannot stop the rest.

    waiting -> running -> done | failed | rejected
       ^__________|          (stopped, died, or rejected by the gate with tries left)
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import Any

import sqlalchemy as sa

from reelops.errors import InputError, MachineError
from reelops.production.jobs.process import is_gone, this_process
from reelops.production.jobs.tables import events, jobs, open_database, said_by
from reelops.shown_address import shown
from reelops.system.plain_text import spelt_out
from reelops.tables.json_codec import digest_of_plain

LEASE_SECONDS = 120.0
MOST_ATTEMPTS = 3
"""So often a job is begun without an end of its own before it is given up."""
_ROWS_AT_ONCE = 500


class State(StrEnum):
    """Where a job is; the last three are ends."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    REJECTED = "rejected"


@dataclass(frozen=True)
class Job:
    """A job as the ledger has it.

    Attributes:
        batch: which jobs belong together.
        position: its place among them, from 1.
        request: what is wanted, as plain JSON values.
        attempt: how often it was begun since its last clip, this time included.
        tries: clips of it that the gate rejected.
        owner: the process that has it; see `this_process`.
        result: what became of it, as plain JSON values; None before its first clip.
        reason: why it failed, was rejected or waits again.
    """

    id: int
    batch: str
    key: str
    position: int
    request: Mapping[str, Any]
    state: State
    attempt: int
    tries: int
    owner: str | None
    result: Mapping[str, Any] | None
    reason: str | None


@dataclass(frozen=True)
class JobEvent:
    """A line of a job's history; `at` in seconds since the epoch."""

    at: float
    state: State
    owner: str | None
    reason: str | None


class LostJobError(MachineError):
    """A job is another process's by now: this one's lease ended while it worked."""


class Ledger:
    """The ledger at an address; any number of threads and processes may use it at once.

    Args:
        uri: of an SQLite file or another database of SQLAlchemy's.
        owner: the process that claims; by default this one.

    Raises:
        MachineError, SettingsError: see `open_database`; every call raises a MachineError where the database fails.
    """

    def __init__(self, uri: str, owner: str | None = None) -> None:
        self.uri = uri
        self.owner = owner or this_process()
        self._engine = open_database(uri)

    def enter(self, batch: str, requests: Iterable[Mapping[str, Any]]) -> int:
        """Makes a batch's jobs those that are wanted, in their order; how many that is.

        A request that the batch has already keeps its job with whatever became of it. Jobs that are not wanted any more
        go, but for those that run. Requests are read as they come, and all of it happens or nothing does.

        Raises:
            InputError: another process makes jobs of the batch, and some that wait for it are not wanted here.
        """
        numbered = enumerate(_keyed(requests), start=1)
        entered = 0
        with self._transaction() as connection:
            connection.execute(sa.update(jobs).where(jobs.c.batch == batch).values(position=0))
            while rows := list(islice(numbered, _ROWS_AT_ONCE)):
                known = self._known_keys(connection, batch, [key for _, (key, _) in rows])
                for position, (key, _) in rows:
                    if key in known:
                        found = (jobs.c.batch == batch) & (jobs.c.key == key)
                        connection.execute(sa.update(jobs).where(found).values(position=position))
                new = [_new_job(batch, key, position, request) for position, (key, request) in rows if key not in known]
                if new:
                    connection.execute(sa.insert(jobs), new)
                entered += len(rows)
            unwanted = (jobs.c.batch == batch) & (jobs.c.position == 0) & (jobs.c.state != State.RUNNING)
            self._require_nobodys(connection, batch, unwanted & (jobs.c.state == State.WAITING))
            connection.execute(sa.delete(jobs).where(unwanted))
        return entered

    def claim(self, batch: str, lease_seconds: float = LEASE_SECONDS) -> Job | None:
        """The first job that waits, which is this process's now; None where none does."""
        first = (
            sa.select(jobs)
            .where(_wanted(batch), jobs.c.state == State.WAITING)
            .order_by(jobs.c.position)
            .limit(1)
            .with_for_update(skip_locked=True)  # SQLite, which has one writer at a time, leaves it out
        )
        with self._transaction() as connection:
            row = connection.execute(first).first()
            if row is None:
                return None
            taken = {"state": State.RUNNING, "attempt": row.attempt + 1, "owner": self.owner}
            self._change(connection, row.id, None, **taken, lease_until=time.time() + lease_seconds)
            return _job({**row._mapping, **taken})

    def renew(self, lease_seconds: float = LEASE_SECONDS) -> int:
        """Keeps all jobs that this process has for so long from now; how many these are."""
        ours = (jobs.c.owner == self.owner) & (jobs.c.state == State.RUNNING)
        with self._transaction() as connection:
            renewed = sa.update(jobs).where(ours).values(lease_until=time.time() + lease_seconds)
            return connection.execute(renewed).rowcount

    def finish(self, job: Job, state: State, result: Mapping[str, Any] | None, reason: str | None = None) -> None:
        """The end of a job.

        Raises:
            LostJobError: it is another process's by now.
        """
        self._hand_back(job, reason, state=state, result=result)

    def try_again(self, job: Job, result: Mapping[str, Any], reason: str) -> None:
        """A job whose clip was rejected waits for its next try.

        Raises:
            LostJobError: it is another process's by now.
        """
        self._hand_back(job, reason, state=State.WAITING, result=result, tries=job.tries + 1, attempt=0)

    def put_back(self, job: Job, reason: str, counts: bool = False) -> None:
        """A job waits again, its attempt uncounted unless `counts`: the run was stopped, or the machine failed.

        Raises:
            LostJobError: it is another process's by now.
        """
        self._hand_back(job, reason, state=State.WAITING, attempt=job.attempt if counts else job.attempt - 1)

    def recover(self, batch: str, most_attempts: int = MOST_ATTEMPTS) -> int:
        """Frees the jobs of processes that are gone, or whose lease has ended; how many these were.

        Whoever waits for jobs calls it now and then. One that was begun `most_attempts` times fails for good.
        """
        running = (
            sa.select(jobs)
            .where(jobs.c.batch == batch, jobs.c.state == State.RUNNING)
            .with_for_update(skip_locked=True)
        )
        freed = 0
        with self._transaction() as connection:
            for row in connection.execute(running).all():
                if not _is_free(row):
                    continue
                how = "ended with it" if is_gone(row.owner) else "was not heard of for its lease"
                reason = f"the process that made it ({row.owner}) {how}"
                ended = row.attempt >= most_attempts
                told = f"{reason}; begun {row.attempt} times, it is given up" if ended else reason
                state = State.FAILED if ended else State.WAITING
                self._change(connection, row.id, told, state=state, owner=None, lease_until=None)
                freed += 1
        return freed

    def begin_anew(self, batch: str, state: State, tries_below: int | None = None) -> int:
        """Lets jobs of a batch that have ended so wait again, for their next try; how many these are.

        Args:
            tries_below: of rejected ones those that the gate rejected fewer times than this, and once.
        """
        ended = (jobs.c.batch == batch) & (jobs.c.state == state)
        if tries_below is not None:
            ended &= jobs.c.tries < tries_below
        with self._transaction() as connection:
            found = connection.execute(sa.select(jobs.c.id, jobs.c.tries).where(ended)).all()
            for row in found:
                tries = row.tries + (state is State.REJECTED)
                self._change(connection, row.id, "asked for again", state=State.WAITING, attempt=0, tries=tries)
            return len(found)

    def counts(self, batch: str) -> dict[State, int]:
        """How many jobs of a batch are in each state."""
        by_state = sa.select(jobs.c.state, sa.func.count()).where(_wanted(batch)).group_by(jobs.c.state)
        with self._transaction() as connection:
            found = {State(state): number for state, number in connection.execute(by_state)}
        return {state: found.get(state, 0) for state in State}

    def jobs(self, batch: str) -> Iterator[Job]:
        """All jobs of a batch by their position; some at a time are read."""
        after = 0
        while True:
            further = (jobs.c.batch == batch) & (jobs.c.position > after)
            some = sa.select(jobs).where(further).order_by(jobs.c.position).limit(_ROWS_AT_ONCE)
            with self._transaction() as connection:
                rows = connection.execute(some).all()
            if not rows:
                return
            yield from (_job({**row._mapping}) for row in rows)
            after = rows[-1].position

    def history(self, job: Job) -> list[JobEvent]:
        """What happened to a job, in order."""
        found = sa.select(events).where(events.c.job == job.id).order_by(events.c.id)
        with self._transaction() as connection:
            rows = connection.execute(found).all()
        return [JobEvent(row.at, State(row.state), row.owner, row.reason) for row in rows]

    def close(self) -> None:
        self._engine.dispose()

    def _hand_back(self, job: Job, reason: str | None, **changes: Any) -> None:
        still_ours = (jobs.c.owner == self.owner) & (jobs.c.state == State.RUNNING) & (jobs.c.attempt == job.attempt)
        with self._transaction() as connection:
            ours = sa.select(jobs.c.id).where(jobs.c.id == job.id, still_ours).with_for_update()
            if connection.execute(ours).first() is None:
                raise LostJobError(
                    f"Job {job.position} of {job.batch} is another process's by now: this one was not heard of for its "
                    "lease. What became of it there counts."
                )
            self._change(connection, job.id, reason, **changes, owner=None, lease_until=None)

    def _change(self, connection: sa.Connection, job: int, reason: str | None, **changes: Any) -> None:
        reason = None if reason is None else spelt_out(reason)  # names of files are in it, which may be no Unicode
        connection.execute(sa.update(jobs).where(jobs.c.id == job).values(**changes, reason=reason))
        line = {"job": job, "at": time.time(), "state": changes["state"], "owner": self.owner, "reason": reason}
        connection.execute(sa.insert(events).values(**line))

    def _require_nobodys(self, connection: sa.Connection, batch: str, waiting: sa.ColumnElement[bool]) -> None:
        number = connection.scalar(sa.select(sa.func.count()).where(waiting))
        running = sa.select(jobs.c.owner, jobs.c.lease_until).where(
            jobs.c.batch == batch, jobs.c.state == State.RUNNING
        )
        others = [row.owner for row in connection.execute(running) if row.owner != self.owner and not _is_free(row)]
        if number and others:
            raise InputError(
                f"Another run ({others[0]}) makes jobs of {batch}, of which {number} that wait are not among these. "
                "Wait for it, name another folder, or give those, too."
            )

    def _known_keys(self, connection: sa.Connection, batch: str, keys: list[str]) -> set[str]:
        found = sa.select(jobs.c.key).where(jobs.c.batch == batch, jobs.c.key.in_(keys))
        return set(connection.execute(found).scalars())

    @contextmanager
    def _transaction(self) -> Iterator[sa.Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except sa.exc.SQLAlchemyError as error:
            raise MachineError(
                f"The ledger of jobs {shown(self.uri)} failed: {said_by(error)}. What it has is kept; run it again."
            ) from error


def _is_free(running: Any) -> bool:
    """Whether a job that runs is anybody's, by its columns `owner` and `lease_until`."""
    return is_gone(running.owner) or running.lease_until <= time.time()


def _wanted(batch: str) -> sa.ColumnElement[bool]:
    """Jobs of a batch but those that ran when they were not wanted any more."""
    return (jobs.c.batch == batch) & (jobs.c.position > 0)


def _keyed(requests: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Requests by digest, equal ones numbered."""
    seen: dict[str, int] = {}
    for request in requests:
        digest = digest_of_plain(request)[:32]
        seen[digest] = seen.get(digest, 0) + 1
        yield (digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"), request


def _new_job(batch: str, key: str, position: int, request: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "batch": batch,
        "key": key,
        "position": position,
        "request": dict(request),
        "state": State.WAITING,
        "attempt": 0,
        "tries": 0,
    }


def _job(row: Mapping[str, Any]) -> Job:
    fields = {name: row[name] for name in Job.__dataclass_fields__}
    return Job(**{**fields, "state": State(fields["state"])})
