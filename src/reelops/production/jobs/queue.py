"""How people ask for clips: jobs of one queue entered, found, paused, moved, cancelled, asked for again.

Every question names for whom it is asked: an account sees its own jobs and no other's; None sees all of them. What
somebody may not see is not there for them.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from reelops.errors import InputError
from reelops.production.jobs.job import (
    ENDS,
    GENERATE,
    IN_LINE,
    Job,
    JobEvent,
    JobStateError,
    NoSuchJobError,
    State,
    event_of,
    job_of,
)
from reelops.production.jobs.ledger import CANCELLED, Ledger, new_uid
from reelops.production.jobs.tables import events, jobs, webhooks
from reelops.tables.json_codec import digest_of_plain

SERVICE = "service"
"""The queue of the service: what a batch is called whose jobs come one by one."""
HIGHEST_PRIORITY = 100
_NOT_ENDED = (*IN_LINE, State.RUNNING)


class QuotaError(InputError):
    """An account has as many jobs that have not ended as it may have."""


class ReusedKeyError(InputError):
    """An idempotency key came again with another request."""


@dataclass(frozen=True)
class Wish:
    """A job that somebody asks for.

    Attributes:
        request: what is wanted, as plain JSON values; its clip is called by the job's uid.
        account: for whom.
        quota: how many jobs of the account may be there that have not ended.
        priority: a higher one goes first, from -100 to 100.
        deadline: seconds since the epoch; the job is not begun later.
        idempotency_key: the same key of the same account gives the same job again.
        webhook: address that is told of the job's end.
    """

    request: Mapping[str, Any]
    account: str
    quota: int
    priority: int = 0
    deadline: float | None = None
    idempotency_key: str | None = None
    webhook: str | None = None


class JobQueue:
    """The jobs of one queue, as those see them who ask for clips.

    Args:
        ledger: where they are.
        name: of the queue.
    """

    def __init__(self, ledger: Ledger, name: str = SERVICE) -> None:
        self.ledger, self.name = ledger, name

    def submit(self, wish: Wish) -> tuple[Job, bool]:
        """Enters a job; the job, and whether it is a new one.

        Raises:
            QuotaError: the account has as many jobs as it may have.
            ReusedKeyError: the idempotency key is that of another request.
        """
        digest = digest_of_plain(wish.request)[:32]
        with self.ledger.transaction() as connection:
            _one_at_a_time(connection, wish.account)
            if wish.idempotency_key is not None:
                found = connection.execute(sa.select(jobs).where(self._of_key(wish))).first()
                if found is not None:
                    return _same_request(job_of({**found._mapping}), digest), False
            self._require_room(connection, wish)
            return self._entered(connection, wish, digest), True

    def job(self, uid: str, account: str | None = None) -> Job:
        """The job of that name.

        Raises:
            NoSuchJobError
        """
        with self.ledger.reading() as connection:
            return self._found(connection, uid, account)

    def jobs(
        self,
        account: str | None = None,
        states: Collection[State] = (),
        limit: int = 50,
        before: str | None = None,
        oldest_first: bool = False,
        kind: str | None = None,
    ) -> list[Job]:
        """Jobs, the newest first.

        Args:
            states: those in one of these; empty: all.
            before: uid of the last job of the page before.
            oldest_first: the other way round.
            kind: those alone that ask for this: `generate` a clip, or what else a request names; None: all.

        Raises:
            NoSuchJobError: `before` is no job's.
        """
        with self.ledger.reading() as connection:
            which = self._visible(account)
            if states:
                which &= jobs.c.state.in_(states)
            if kind is not None:
                asked = sa.func.coalesce(jobs.c.request["kind"].as_string(), GENERATE)
                which &= asked == kind
            if before is not None:
                last = self._found(connection, before, account).id
                which &= jobs.c.id > last if oldest_first else jobs.c.id < last
            order = jobs.c.id if oldest_first else jobs.c.id.desc()
            rows = connection.execute(sa.select(jobs).where(which).order_by(order).limit(limit)).all()
        return [job_of({**row._mapping}) for row in rows]

    def numbered(self, numbers: Collection[int], account: str | None = None) -> list[Job]:
        """Those jobs that have one of these numbers, in no order."""
        which = self._visible(account) & jobs.c.id.in_(list(numbers))
        with self.ledger.reading() as connection:
            return [job_of({**row._mapping}) for row in connection.execute(sa.select(jobs).where(which))]

    def requests(self) -> Iterator[Mapping[str, Any]]:
        """What all jobs ask for, those that have ended included; some at a time are read."""
        after = 0
        while True:
            some = sa.select(jobs.c.id, jobs.c.request).where(self._visible(None), jobs.c.id > after)
            with self.ledger.reading() as connection:
                rows = connection.execute(some.order_by(jobs.c.id).limit(1000)).all()
            if not rows:
                return
            yield from (row.request for row in rows)
            after = rows[-1].id

    def line(self, account: str | None = None) -> list[Job]:
        """Jobs that wait or are paused, in the order in which an account's jobs go."""
        which = self._visible(account) & jobs.c.state.in_(IN_LINE)
        order = (jobs.c.priority.desc(), jobs.c.position)
        with self.ledger.reading() as connection:
            rows = connection.execute(sa.select(jobs).where(which).order_by(*order)).all()
        return [job_of({**row._mapping}) for row in rows]

    def counts(self) -> dict[State, int]:
        """How many jobs are in each state."""
        return self.ledger.counts(self.name)

    def events(self, uid: str, account: str | None = None, after: int = 0) -> list[JobEvent]:
        """What happened to a job, in order, after the line of that number.

        Raises:
            NoSuchJobError
        """
        with self.ledger.reading() as connection:
            job = self._found(connection, uid, account)
            which = (events.c.job == job.id) & (events.c.id > after)
            rows = connection.execute(sa.select(events).where(which).order_by(events.c.id)).all()
        return [event_of(row) for row in rows]

    def last_event(self) -> int:
        """The number of the last line in any job's history."""
        with self.ledger.reading() as connection:
            return connection.scalar(sa.select(sa.func.max(events.c.id))) or 0

    def news(self, after: int) -> tuple[list[tuple[int, JobEvent]], dict[int, Mapping[str, Any]]]:
        """What happened after a line of the history, by the number of the job; and how far the jobs are that run."""
        happened = sa.select(events).where(events.c.id > after).order_by(events.c.id)
        running = self._visible(None) & (jobs.c.state == State.RUNNING) & jobs.c.progress.is_not(None)
        with self.ledger.reading() as connection:
            lines = [(row.job, event_of(row)) for row in connection.execute(happened)]
            rows = connection.execute(sa.select(jobs.c.id, jobs.c.progress).where(running)).all()
        return lines, {row.id: row.progress for row in rows if row.progress is not None}

    def cancel(self, uid: str, account: str | None = None) -> Job:
        """Ends a job: at once where it waits, within a step of its work where it runs; one that has ended stays so.

        Raises:
            NoSuchJobError
        """
        with self.ledger.transaction() as connection:
            job = self._locked(connection, uid, account)
            if job.state is State.RUNNING and job.cancel_asked is None:
                asked = sa.update(jobs).where(jobs.c.id == job.id).values(cancel_asked=time.time())
                connection.execute(asked)
            elif job.state in IN_LINE:
                self.ledger.change(connection, job.id, CANCELLED, state=State.CANCELLED)
            return self._found(connection, uid, account)

    def pause(self, uid: str, account: str | None = None) -> Job:
        """Keeps a job that waits from being begun.

        Raises:
            NoSuchJobError
            JobStateError: it runs or has ended.
        """
        return self._moved_on(uid, account, State.WAITING, State.PAUSED, "paused")

    def resume(self, uid: str, account: str | None = None) -> Job:
        """Lets a paused job wait again, at its old place.

        Raises:
            NoSuchJobError
            JobStateError: it is not paused, nor does it wait already.
        """
        return self._moved_on(uid, account, State.PAUSED, State.WAITING, "resumed")

    def retry(self, uid: str, account: str | None = None) -> Job:
        """Lets a job that failed, was rejected or cancelled wait again; a rejected one gets a seed of its own.

        Raises:
            NoSuchJobError
            JobStateError: it has not ended, or has a clip that was accepted.
        """
        with self.ledger.transaction() as connection:
            job = self._locked(connection, uid, account)
            if job.state not in ENDS or job.state is State.DONE:
                raise JobStateError(
                    f"Job {uid} is {job.state}; only what failed or was rejected or cancelled is retried."
                )
            anew = {"attempt": 0, "tries": job.tries + (job.state is State.REJECTED), "deadline": None}
            self.ledger.change(connection, job.id, "asked for again", state=State.WAITING, **anew)
            return self._found(connection, uid, account)

    def move(self, uid: str, account: str | None = None, before: str | None = None) -> Job:
        """Puts a job that waits before another one of its account, or at the end of that account's.

        Raises:
            NoSuchJobError: one of both is not there.
            JobStateError: one of both does not wait.
        """
        with self.ledger.transaction() as connection:
            job = self._locked(connection, uid, account)
            other = None if before is None else self._locked(connection, before, job.account or account)
            for one in filter(None, (job, other)):
                if one.state not in IN_LINE:
                    raise JobStateError(f"Job {one.uid} is {one.state}; only jobs that wait have a place in the queue.")
            self._reorder(connection, job, other)
            return self._found(connection, uid, account)

    def set_priority(self, uid: str, priority: int, account: str | None = None) -> Job:
        """Gives a job another priority, from -100 to 100.

        Raises:
            NoSuchJobError
        """
        with self.ledger.transaction() as connection:
            job = self._locked(connection, uid, account)
            connection.execute(sa.update(jobs).where(jobs.c.id == job.id).values(priority=priority))
            return self._found(connection, uid, account)

    def delete(self, uid: str, account: str | None = None) -> Job:
        """Removes a job that has ended, and its history; what it was. Its files are the caller's to remove.

        Raises:
            NoSuchJobError
            JobStateError: it has not ended.
        """
        with self.ledger.transaction() as connection:
            job = self._locked(connection, uid, account)
            if job.state not in ENDS:
                raise JobStateError(f"Job {uid} is {job.state}; cancel it first.")
            for table in (events, webhooks):
                connection.execute(sa.delete(table).where(table.c.job == job.id))
            connection.execute(sa.delete(jobs).where(jobs.c.id == job.id))
            return job

    def _entered(self, connection: sa.Connection, wish: Wish, digest: str) -> Job:
        uid = new_uid()
        new = {
            "uid": uid,
            "batch": self.name,
            "position": 0,
            "request": {**wish.request, "output": uid},
            "state": State.WAITING,
            "attempt": 0,
            "tries": 0,
            "account": wish.account,
            "priority": wish.priority,
            "deadline": wish.deadline,
            "idempotency_key": wish.idempotency_key,
            "created_at": time.time(),
        }
        # Equal requests are jobs of their own here, so the uid is part of the key.
        entered = sa.insert(jobs).values(**new, key=f"{digest}-{uid}").returning(jobs.c.id)
        number = connection.execute(entered).scalar_one()
        connection.execute(sa.update(jobs).where(jobs.c.id == number).values(position=number))
        self.ledger.note(connection, number, State.WAITING, None)
        if wish.webhook is not None:
            message = {"job": number, "url": wish.webhook, "attempt": 0, "due_at": 0.0}
            connection.execute(sa.insert(webhooks).values(**message))
        return job_of({**connection.execute(sa.select(jobs).where(jobs.c.id == number)).one()._mapping})

    def _require_room(self, connection: sa.Connection, wish: Wish) -> None:
        of_account = self._visible(wish.account) & jobs.c.state.in_(_NOT_ENDED)
        there = connection.scalar(sa.select(sa.func.count()).select_from(jobs).where(of_account)) or 0
        if there >= wish.quota:
            raise QuotaError(
                f"{there} jobs of {wish.account} have not ended, and no more may be there at once. Wait until one has, "
                "or cancel one."
            )

    def _moved_on(self, uid: str, account: str | None, before: State, after: State, reason: str) -> Job:
        with self.ledger.transaction() as connection:
            job = self._locked(connection, uid, account)
            if job.state is before:
                self.ledger.change(connection, job.id, reason, state=after)
            elif job.state is not after:
                raise JobStateError(f"Job {uid} is {job.state}; it cannot be {reason}.")
            return self._found(connection, uid, account)

    def _reorder(self, connection: sa.Connection, job: Job, before: Job | None) -> None:
        """The jobs of the account that wait take each other's positions."""
        which = (
            (jobs.c.batch == self.name) & jobs.c.account.is_not_distinct_from(job.account) & jobs.c.state.in_(IN_LINE)
        )
        rows = connection.execute(sa.select(jobs.c.id, jobs.c.position).where(which).order_by(jobs.c.position)).all()
        order = [row.id for row in rows if row.id != job.id]
        order.insert(order.index(before.id) if before is not None and before.id in order else len(order), job.id)
        for row, number in zip(rows, order, strict=True):
            if row.id != number:
                connection.execute(sa.update(jobs).where(jobs.c.id == number).values(position=row.position))

    def _visible(self, account: str | None) -> sa.ColumnElement[bool]:
        of_queue = jobs.c.batch == self.name
        return of_queue if account is None else of_queue & (jobs.c.account == account)

    def _of_key(self, wish: Wish) -> sa.ColumnElement[bool]:
        return self._visible(wish.account) & (jobs.c.idempotency_key == wish.idempotency_key)

    def _found(self, connection: sa.Connection, uid: str, account: str | None, lock: bool = False) -> Job:
        query = sa.select(jobs).where(self._visible(account), jobs.c.uid == uid)
        row = connection.execute(query.with_for_update() if lock else query).first()
        if row is None:
            raise NoSuchJobError(f"There is no job {uid[:64]!r}; look at the list of jobs.")
        return job_of({**row._mapping})

    def _locked(self, connection: sa.Connection, uid: str, account: str | None) -> Job:
        return self._found(connection, uid, account, lock=True)


def _one_at_a_time(connection: sa.Connection, account: str) -> None:
    """Of an account one request after the other, so that quota and idempotency hold; SQLite has one writer anyhow."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(account, 0))))


def _same_request(job: Job, digest: str) -> Job:
    if job.key.partition("-")[0] != digest:
        raise ReusedKeyError(
            f"The idempotency key is that of job {job.uid}, which asks for something else. Give a new key."
        )
    return job
