"""Asking for clips: what waits goes in a fair order, an account sees its own jobs alone, and nothing is falsely done.

Each claim is held on SQLite, and on PostgreSQL where this machine has it.
"""

from __future__ import annotations

import sqlite3
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from reelops.addresses import sqlite_uri
from reelops.production.jobs.job import Job, JobStateError, NoSuchJobError, State
from reelops.production.jobs.ledger import Ledger
from reelops.production.jobs.queue import JobQueue, QuotaError, ReusedKeyError, Wish
from reelops.production.jobs.tables import METADATA

DEAD = "another-host:1:1.00"


@pytest.fixture(params=["sqlite", "postgresql"])
def uri(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return sqlite_uri(tmp_path / "ledger.db")
    server: str = request.getfixturevalue("postgres")
    name = f"ledger_{uuid.uuid4().hex[:12]}"
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    engine.dispose()
    return server.rpartition("/")[0] + f"/{name}"


@pytest.fixture
def ledger(uri: str) -> Iterator[Ledger]:
    ledger = Ledger(uri)
    yield ledger
    ledger.close()


@pytest.fixture
def queue(ledger: Ledger) -> JobQueue:
    return JobQueue(ledger)


def submit(queue: JobQueue, number: int, account: str = "a", **wish: Any) -> Job:
    return queue.submit(Wish(**{"request": {"order": {"seed": number}}, "account": account, "quota": 1000, **wish}))[0]


def claimed(queue: JobQueue) -> Job:
    job = queue.ledger.claim(queue.name)
    assert job is not None
    return job


def order_of(queue: JobQueue, number: int) -> list[str]:
    taken = [claimed(queue) for _ in range(number)]
    return [f"{job.account}{job.request['order']['seed']}" for job in taken]


def test_accounts_take_turns_however_many_jobs_each_has(queue: JobQueue) -> None:
    for number in range(4):
        submit(queue, number, "a")
    submit(queue, 0, "b")
    submit(queue, 0, "c")
    submit(queue, 1, "b")
    assert order_of(queue, 7) == ["a0", "b0", "c0", "a1", "b1", "a2", "a3"]
    assert queue.ledger.claim(queue.name) is None


def test_a_higher_priority_goes_first_and_a_moved_job_at_its_place(queue: JobQueue) -> None:
    jobs = [submit(queue, number) for number in range(4)]
    submit(queue, 9, priority=5)
    queue.move(jobs[3].uid, before=jobs[0].uid)
    queue.move(jobs[1].uid)
    assert [job.request["order"]["seed"] for job in queue.line("a")] == [9, 3, 0, 2, 1]
    assert order_of(queue, 5) == ["a9", "a3", "a0", "a2", "a1"]
    with pytest.raises(JobStateError, match="only jobs that wait have a place"):
        queue.move(jobs[0].uid)


def test_what_was_not_begun_by_its_deadline_fails(queue: JobQueue) -> None:
    late, other = submit(queue, 0, deadline=time.time() - 1), submit(queue, 1, deadline=time.time() + 1000)
    queue.ledger.recover(queue.name)
    assert queue.job(late.uid).state is State.FAILED
    assert queue.job(late.uid).reason == "its deadline passed before it was begun"
    assert claimed(queue).uid == other.uid


def test_an_account_has_no_more_jobs_at_once_than_its_quota(queue: JobQueue) -> None:
    first = submit(queue, 0, quota=2)
    submit(queue, 1, quota=2)
    with pytest.raises(QuotaError, match="2 jobs of a have not ended"):
        submit(queue, 2, quota=2)
    submit(queue, 0, "b", quota=2)
    queue.cancel(first.uid)
    submit(queue, 2, quota=2)


def test_an_idempotency_key_gives_one_job_however_many_ask_at_once(queue: JobQueue) -> None:
    found: list[tuple[Job, bool]] = []

    def ask() -> None:
        found.append(queue.submit(Wish({"order": {"seed": 1}}, "a", 1000, idempotency_key="k")))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len({job.uid for job, _ in found}) == 1 and sum(new for _, new in found) == 1
    with pytest.raises(ReusedKeyError):
        submit(queue, 2, idempotency_key="k")
    assert submit(queue, 2, "b", idempotency_key="k").account == "b"


def test_another_accounts_job_is_not_there(queue: JobQueue) -> None:
    job = submit(queue, 0, "a")
    asked = (queue.job, queue.cancel, queue.pause, queue.resume, queue.retry, queue.move, queue.delete, queue.events)
    for ask in asked:
        with pytest.raises(NoSuchJobError):
            ask(job.uid, "b")  # type: ignore[operator]
    with pytest.raises(NoSuchJobError):
        queue.move(submit(queue, 0, "b").uid, "b", before=job.uid)
    assert queue.jobs("b", before=None)[0].account == "b" and len(queue.jobs("b")) == 1
    assert queue.job(job.uid).state is State.WAITING


def test_a_job_whose_worker_is_not_heard_of_is_unknown_and_then_waits_again(queue: JobQueue, uri: str) -> None:
    job = submit(queue, 0)
    dead = Ledger(uri, owner=DEAD)
    assert dead.claim(queue.name, lease_seconds=-1) is not None
    assert queue.job(job.uid).shown_state == "unknown"
    queue.ledger.recover(queue.name)
    assert queue.job(job.uid).shown_state == "waiting"
    dead.close()


def test_a_ledger_is_idle_while_nothing_waits_and_nothing_is_free(queue: JobQueue, uri: str) -> None:
    ledger = queue.ledger
    assert ledger.is_idle(queue.name)
    paused, overdue = submit(queue, 0), submit(queue, 1, deadline=time.time() - 1)
    queue.pause(paused.uid)
    assert not ledger.is_idle(queue.name), "what is overdue is to be ended"
    ledger.recover(queue.name)
    assert queue.job(overdue.uid).state is State.FAILED and ledger.is_idle(queue.name)
    queue.resume(paused.uid)
    assert not ledger.is_idle(queue.name)
    dead = Ledger(uri, owner=DEAD)
    assert dead.claim(queue.name) is not None and ledger.is_idle(queue.name), "another host may still make it"
    dead.renew(-1)
    assert not ledger.is_idle(queue.name) and ledger.recover(queue.name) == 1
    dead.close()


def test_a_cancelled_job_ends_whatever_becomes_of_its_worker(queue: JobQueue, uri: str) -> None:
    lost, stopped = submit(queue, 0), submit(queue, 1)
    dead = Ledger(uri, owner=DEAD)
    assert dead.claim(queue.name, lease_seconds=-1) is not None
    mine = claimed(queue)
    queue.cancel(lost.uid)
    assert queue.cancel(stopped.uid).cancel_asked is not None
    assert queue.ledger.attend({}) == {mine.id: True}
    queue.ledger.recover(queue.name)
    queue.ledger.put_back(mine, "stopped")
    assert queue.job(lost.uid).state is State.CANCELLED is queue.job(stopped.uid).state
    assert queue.ledger.claim(queue.name) is None
    assert queue.retry(stopped.uid).state is State.WAITING
    assert claimed(queue).cancel_asked is None
    dead.close()


def test_a_paused_job_is_not_begun_and_keeps_its_place(queue: JobQueue) -> None:
    first, second = submit(queue, 0), submit(queue, 1)
    queue.pause(first.uid)
    assert claimed(queue).uid == second.uid
    assert queue.ledger.claim(queue.name) is None
    queue.resume(first.uid)
    assert claimed(queue).uid == first.uid
    with pytest.raises(JobStateError, match="cannot be paused"):
        queue.pause(first.uid)


def test_progress_is_noted_for_ones_own_jobs_alone_and_goes_with_the_state(queue: JobQueue, uri: str) -> None:
    job = submit(queue, 0)
    mine = claimed(queue)
    other = Ledger(uri, owner=DEAD)
    assert other.attend({mine.id: {"stage": "denoise", "done": 9}}) == {}
    queue.ledger.attend({mine.id: {"stage": "denoise", "done": 1}})
    assert queue.job(job.uid).progress == {"stage": "denoise", "done": 1}
    assert queue.news(0)[1] == {mine.id: {"stage": "denoise", "done": 1}}
    queue.ledger.finish(mine, State.DONE, {"clip": "x.mp4"})
    ended = queue.job(job.uid)
    assert ended.progress is None and ended.ended_at is not None
    other.close()


def test_jobs_are_read_page_by_page_in_both_directions(queue: JobQueue) -> None:
    uids = [submit(queue, number).uid for number in range(5)]
    first = [job.uid for job in queue.jobs("a", limit=2)]
    assert first == uids[:2:-1]
    assert [job.uid for job in queue.jobs("a", limit=9, before=first[-1])] == uids[2::-1]
    assert [job.uid for job in queue.jobs("a", oldest_first=True, before=uids[2])] == uids[3:]
    assert queue.jobs("a", states=[State.DONE]) == []
    assert len(queue.jobs("a", kind="generate")) == 5 and queue.jobs("a", kind="score") == []


def test_a_removed_job_leaves_nothing(queue: JobQueue) -> None:
    job = submit(queue, 0, webhook="https://example.org/hook")
    with pytest.raises(JobStateError, match="cancel it first"):
        queue.delete(job.uid)
    queue.cancel(job.uid)
    queue.delete(job.uid)
    with queue.ledger.reading() as connection:
        for table in ("jobs", "job_events", "webhooks"):
            assert connection.scalar(sa.select(sa.func.count()).select_from(METADATA.tables[table])) == 0


def test_workers_side_by_side_have_each_job_once(queue: JobQueue, uri: str) -> None:
    for number in range(30):
        submit(queue, number, f"account{number % 3}")
    taken: list[str] = []

    def work(name: str) -> None:
        ledger = Ledger(uri, owner=f"host:{name}:1.00")
        misses = 0
        while misses < 3:
            job = ledger.claim(queue.name)
            if job is None:  # another one had the row that it looked at
                misses += 1
                continue
            taken.append(job.uid)
            ledger.finish(job, State.DONE, {})
        ledger.close()

    threads = [threading.Thread(target=work, args=(str(n),)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert len(taken) == len(set(taken)) == 30


def test_tables_are_those_that_the_migrations_make(uri: str) -> None:
    Ledger(uri).close()
    engine = sa.create_engine(uri)
    there = sa.inspect(engine)
    for table in METADATA.sorted_tables:
        assert {column["name"] for column in there.get_columns(table.name)} == set(table.c.keys())
    engine.dispose()


def test_a_ledger_of_the_first_version_is_brought_up_to_date_with_its_jobs(tmp_path: Path) -> None:
    file = tmp_path / "old.db"
    with sqlite3.connect(file) as old:
        old.executescript(
            """
            CREATE TABLE ledger_schema (version INTEGER PRIMARY KEY);
            INSERT INTO ledger_schema VALUES (1);
            CREATE TABLE jobs (id INTEGER PRIMARY KEY, batch TEXT NOT NULL, key TEXT NOT NULL,
                position INTEGER NOT NULL, request JSON NOT NULL, state TEXT NOT NULL, attempt INTEGER NOT NULL,
                tries INTEGER NOT NULL, owner TEXT, lease_until FLOAT, result JSON, reason TEXT, UNIQUE (batch, key));
            CREATE INDEX jobs_by_state ON jobs (batch, state, position);
            CREATE TABLE job_events (id INTEGER PRIMARY KEY, job INTEGER NOT NULL REFERENCES jobs (id)
                ON DELETE CASCADE, at FLOAT NOT NULL, state TEXT NOT NULL, owner TEXT, reason TEXT);
            CREATE INDEX ix_job_events_job ON job_events (job);
            INSERT INTO jobs VALUES (1, 'b', 'k1', 1, '{"n": 1}', 'done', 1, 0, NULL, NULL, '{"clip": "one"}', NULL);
            INSERT INTO jobs VALUES (2, 'b', 'k2', 2, '{"n": 2}', 'waiting', 0, 0, NULL, NULL, NULL, NULL);
            """
        )
    ledger = Ledger(sqlite_uri(file))
    done, waiting = ledger.jobs("b")
    assert done.result == {"clip": "one"} and len(done.uid) == 24 and done.uid != waiting.uid
    job = ledger.claim("b")
    assert job is not None and job.request == {"n": 2} and job.priority == 0
    ledger.close()
    again = Ledger(sqlite_uri(file))
    assert [one.uid for one in again.jobs("b")] == [done.uid, waiting.uid]
    again.close()
