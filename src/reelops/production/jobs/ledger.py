"""The ledger of jobs: which clips are wanted, who makes which, and what became of each; it outlives every process.

A job is claimed for the length of a lease, which its process renews while it lives. A claim is one transaction, so no
two processes have one job. What a dead process had is free again: at once where its host can see that it is gone, when
the lease ends otherwise. A job whose process died with it several times is given up, so that it cannot stop the rest.

    waiting -> running -> done | failed | rejected | cancelled
     ^ |  ^_______|       (stopped, died, or rejected by the gate with tries left)
     v |
    paused                and a job that waits can be cancelled, too

Here is how processes take jobs; how people ask for them is in `queue`.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from typing import Any

import sqlalchemy as sa

from reelops.errors import InputError, MachineError
from reelops.production.jobs.database import READS_ALONE, open_database, said_by
from reelops.production.jobs.job import ENDS, Job, JobEvent, LostJobError, State, event_of, is_free, job_of
from reelops.production.jobs.process import is_gone, this_process
from reelops.production.jobs.tables import events, jobs
from reelops.shown_address import shown
from reelops.system.plain_text import spelt_out
from reelops.tables.json_codec import digest_of_plain

LEASE_SECONDS = 120.0
MOST_ATTEMPTS = 3
"""So often a job is begun without an end of its own before it is given up."""
CANCELLED = "cancelled as asked"
_ROWS_AT_ONCE = 500


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
        with self.transaction() as connection:
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
        """The job that goes next, which is this process's now; None where none waits.

        That is one of the highest priority; among those the account goes first whose last job was begun longest ago;
        of its jobs, the first by position.
        """
        with self.reading() as connection:
            if not _is_any(connection, _waiting(batch)):
                return None
        with self.transaction() as connection:
            row = connection.execute(self._next(connection, batch)).first()
            if row is None:
                return None
            now = time.time()
            taken = {"state": State.RUNNING, "attempt": row.attempt + 1, "owner": self.owner, "begun_at": now}
            taken |= {"lease_until": now + lease_seconds, "cancel_asked": None}
            self.change(connection, row.id, None, **taken)
            return job_of({**row._mapping, **taken})

    def renew(self, lease_seconds: float = LEASE_SECONDS) -> int:
        """Keeps all jobs that this process has for so long from now; how many these are."""
        with self.transaction() as connection:
            renewed = sa.update(jobs).where(self._ours()).values(lease_until=time.time() + lease_seconds)
            return connection.execute(renewed).rowcount

    def attend(self, progress: Mapping[int, Mapping[str, Any]]) -> dict[int, bool]:
        """Notes how far jobs are that this process has; for each job that it still has, whether its end is asked for.

        Args:
            progress: by the number of the job; what is another process's by now is left out.
        """
        if progress:
            with self.transaction() as connection:
                for job, told in progress.items():
                    noted = sa.update(jobs).where(self._ours(), jobs.c.id == job).values(progress=dict(told))
                    connection.execute(noted)
        with self.reading() as connection:
            found = connection.execute(sa.select(jobs.c.id, jobs.c.cancel_asked).where(self._ours()))
            return {row.id: row.cancel_asked is not None for row in found}

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

    def is_idle(self, batch: str) -> bool:
        """Whether `recover` and `claim` would both find nothing: one short look, for those who look often."""
        with self.reading() as connection:
            return not (_is_any(connection, _waiting(batch)) or _is_any_free(connection, batch))

    def recover(self, batch: str, most_attempts: int = MOST_ATTEMPTS) -> int:
        """Frees the jobs of processes that are gone, or whose lease has ended; how many these were.

        Whoever waits for jobs calls it now and then. One that was begun `most_attempts` times fails for good, and so
        does one that waits beyond its deadline; one whose end was asked for has come to it.
        """
        with self.reading() as connection:
            if not (_is_any_free(connection, batch) or _is_any(connection, _overdue(batch))):
                return 0
        running = (
            sa.select(jobs)
            .where(jobs.c.batch == batch, jobs.c.state == State.RUNNING)
            .with_for_update(skip_locked=True)
        )
        freed = 0
        with self.transaction() as connection:
            for row in connection.execute(running).all():
                if is_free(row):
                    state, told = _after_loss(row, most_attempts)
                    self.change(connection, row.id, told, state=state, owner=None, lease_until=None)
                    freed += 1
            overdue = sa.select(jobs.c.id).where(_overdue(batch)).with_for_update(skip_locked=True)
            for row in connection.execute(overdue).all():
                self.change(connection, row.id, "its deadline passed before it was begun", state=State.FAILED)
        return freed

    def begin_anew(self, batch: str, state: State, tries_below: int | None = None) -> int:
        """Lets jobs of a batch that have ended so wait again, for their next try; how many these are.

        Args:
            tries_below: of rejected ones those that the gate rejected fewer times than this, and once.
        """
        ended = (jobs.c.batch == batch) & (jobs.c.state == state)
        if tries_below is not None:
            ended &= jobs.c.tries < tries_below
        with self.transaction() as connection:
            found = connection.execute(sa.select(jobs.c.id, jobs.c.tries).where(ended)).all()
            for row in found:
                tries = row.tries + (state is State.REJECTED)
                self.change(connection, row.id, "asked for again", state=State.WAITING, attempt=0, tries=tries)
            return len(found)

    def counts(self, batch: str) -> dict[State, int]:
        """How many jobs of a batch are in each state."""
        by_state = sa.select(jobs.c.state, sa.func.count()).where(_wanted(batch)).group_by(jobs.c.state)
        with self.reading() as connection:
            found = {State(state): number for state, number in connection.execute(by_state)}
        return {state: found.get(state, 0) for state in State}

    def jobs(self, batch: str) -> Iterator[Job]:
        """All jobs of a batch by their position; some at a time are read."""
        after = 0
        while True:
            further = (jobs.c.batch == batch) & (jobs.c.position > after)
            some = sa.select(jobs).where(further).order_by(jobs.c.position).limit(_ROWS_AT_ONCE)
            with self.reading() as connection:
                rows = connection.execute(some).all()
            if not rows:
                return
            yield from (job_of({**row._mapping}) for row in rows)
            after = rows[-1].position

    def history(self, job: Job) -> list[JobEvent]:
        """What happened to a job, in order."""
        found = sa.select(events).where(events.c.job == job.id).order_by(events.c.id)
        with self.reading() as connection:
            rows = connection.execute(found).all()
        return [event_of(row) for row in rows]

    def close(self) -> None:
        self._engine.dispose()

    def _ours(self) -> sa.ColumnElement[bool]:
        return (jobs.c.owner == self.owner) & (jobs.c.state == State.RUNNING)

    def _next(self, connection: sa.Connection, batch: str) -> sa.Select[Any]:
        """The row of the job that goes next; see `claim`."""
        others = jobs.alias()
        last_begun = (
            sa.select(sa.func.max(others.c.begun_at))
            .where(others.c.account == jobs.c.account, others.c.batch == batch)
            .scalar_subquery()
        )
        first = connection.execute(
            sa.select(jobs.c.priority, jobs.c.account)
            .where(_waiting(batch))
            .group_by(jobs.c.priority, jobs.c.account)
            .order_by(jobs.c.priority.desc(), sa.func.coalesce(last_begun, 0.0), sa.func.min(jobs.c.position))
            .limit(1)
        ).first()
        priority, account = first or (0, None)
        return (
            sa.select(jobs)
            .where(_waiting(batch), jobs.c.priority == priority, jobs.c.account.is_not_distinct_from(account))
            .order_by(jobs.c.position)
            .limit(1)
            .with_for_update(skip_locked=True)  # SQLite, which has one writer at a time, leaves it out
        )

    def _hand_back(self, job: Job, reason: str | None, **changes: Any) -> None:
        still_ours = self._ours() & (jobs.c.attempt == job.attempt)
        with self.transaction() as connection:
            ours = sa.select(jobs.c.cancel_asked).where(jobs.c.id == job.id, still_ours).with_for_update()
            row = connection.execute(ours).first()
            if row is None:
                raise LostJobError(
                    f"Job {job.position} of {job.batch} is another process's by now: this one was not heard of for its "
                    "lease. What became of it there counts."
                )
            if row.cancel_asked is not None and changes["state"] is State.WAITING:
                changes["state"], reason = State.CANCELLED, CANCELLED
            self.change(connection, job.id, reason, **changes, owner=None, lease_until=None)

    def change(self, connection: sa.Connection, job: int, reason: str | None, **changes: Any) -> None:
        """A job's next state with whatever else changes, and its line in the history."""
        reason = None if reason is None else spelt_out(reason)  # names of files are in it, which may be no Unicode
        now = time.time()
        changes |= {"reason": reason, "progress": sa.null(), "ended_at": now if changes["state"] in ENDS else None}
        connection.execute(sa.update(jobs).where(jobs.c.id == job).values(**changes))
        self.note(connection, job, changes["state"], reason)

    def note(self, connection: sa.Connection, job: int, state: State, reason: str | None) -> None:
        """A line in a job's history."""
        line = {"job": job, "at": time.time(), "state": state, "owner": self.owner, "reason": reason}
        connection.execute(sa.insert(events).values(**line))

    def _require_nobodys(self, connection: sa.Connection, batch: str, waiting: sa.ColumnElement[bool]) -> None:
        number = connection.scalar(sa.select(sa.func.count()).where(waiting))
        running = sa.select(jobs.c.owner, jobs.c.lease_until).where(
            jobs.c.batch == batch, jobs.c.state == State.RUNNING
        )
        others = [row.owner for row in connection.execute(running) if row.owner != self.owner and not is_free(row)]
        if number and others:
            raise InputError(
                f"Another run ({others[0]}) makes jobs of {batch}, of which {number} that wait are not among these. "
                "Wait for it, name another folder, or give those, too."
            )

    def _known_keys(self, connection: sa.Connection, batch: str, keys: list[str]) -> set[str]:
        found = sa.select(jobs.c.key).where(jobs.c.batch == batch, jobs.c.key.in_(keys))
        return set(connection.execute(found).scalars())

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """All of what is written within it, or nothing.

        Raises:
            MachineError: the database failed.
        """
        with self._told_of_failures(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """One moment's state; waits for nobody who writes, and writes nothing.

        Raises:
            MachineError: the database failed.
        """
        with self._told_of_failures(), self._engine.execution_options(**{READS_ALONE: True}).begin() as connection:
            yield connection

    @contextmanager
    def _told_of_failures(self) -> Iterator[None]:
        try:
            yield
        except sa.exc.SQLAlchemyError as error:
            raise MachineError(
                f"The ledger of jobs {shown(self.uri)} failed: {said_by(error)}. What it has is kept; run it again."
            ) from error


def _after_loss(row: Any, most_attempts: int) -> tuple[State, str]:
    """The state of a job whose process is gone, and what is said of it."""
    how = "ended with it" if is_gone(row.owner) else "was not heard of for its lease"
    reason = f"the process that made it ({row.owner}) {how}"
    if row.cancel_asked is not None:
        return State.CANCELLED, CANCELLED
    if row.attempt >= most_attempts:
        return State.FAILED, f"{reason}; begun {row.attempt} times, it is given up"
    return State.WAITING, reason


def _is_any(connection: sa.Connection, which: sa.ColumnElement[bool]) -> bool:
    return connection.execute(sa.select(jobs.c.id).where(which).limit(1)).first() is not None


def _is_any_free(connection: sa.Connection, batch: str) -> bool:
    """Whether a job runs by the ledger that no process has any more."""
    running = sa.select(jobs.c.owner, jobs.c.lease_until)
    running = running.where(jobs.c.batch == batch, jobs.c.state == State.RUNNING)
    return any(is_free(row) for row in connection.execute(running))


def _waiting(batch: str) -> sa.ColumnElement[bool]:
    return _wanted(batch) & (jobs.c.state == State.WAITING)


def _overdue(batch: str) -> sa.ColumnElement[bool]:
    return _waiting(batch) & (jobs.c.deadline < time.time())


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


def new_uid() -> str:
    """A name for a job that nobody can guess, and that can be a file's."""
    return secrets.token_hex(12)


def _new_job(batch: str, key: str, position: int, request: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "uid": new_uid(),
        "batch": batch,
        "key": key,
        "position": position,
        "request": dict(request),
        "state": State.WAITING,
        "attempt": 0,
        "tries": 0,
        "priority": 0,
        "created_at": time.time(),
    }
