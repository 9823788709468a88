"""The ledger of jobs: no job is lost, none is two processes', and none stops the others, whatever dies."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from reelops.addresses import sqlite_uri
from reelops.errors import InputError, MachineError, SettingsError
from reelops.production.jobs.job import LostJobError, State
from reelops.production.jobs.ledger import Ledger
from reelops.production.jobs.process import is_gone, this_process

CLAIM_ALL = """
import sys
from reelops.production.jobs.job import State
from reelops.production.jobs.ledger import Ledger
ledger = Ledger(sys.argv[1])
while (job := ledger.claim("b")) is not None:
    ledger.finish(job, State.DONE, {"by": ledger.owner})
    print(job.position)
"""
CLAIM_ONE_AND_WAIT = """
import sys, time
from reelops.production.jobs.ledger import Ledger
print(Ledger(sys.argv[1]).claim("b").position, flush=True)
time.sleep(600)
"""


def requests(number: int) -> list[dict[str, int]]:
    return [{"seed": seed} for seed in range(number)]


@pytest.fixture
def uri(tmp_path: Path) -> str:
    return sqlite_uri(tmp_path / "home" / "100% ledger.db")


@pytest.fixture
def ledger(uri: str) -> Iterator[Ledger]:
    ledger = Ledger(uri)
    yield ledger
    ledger.close()


def run_python(code: str, uri: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", code, uri], stdout=subprocess.PIPE, text=True)


def test_jobs_come_in_their_order_with_what_is_wanted(ledger: Ledger) -> None:
    assert ledger.enter("b", iter(requests(1200))) == 1200
    claimed = [ledger.claim("b") for _ in range(3)]
    assert [job and job.request for job in claimed] == requests(3)
    assert ledger.counts("b") == {**dict.fromkeys(State, 0), State.WAITING: 1197, State.RUNNING: 3}
    assert [job.position for job in ledger.jobs("b")] == list(range(1, 1201))
    assert ledger.claim("another batch") is None


def test_processes_side_by_side_have_each_job_once(ledger: Ledger, uri: str) -> None:
    ledger.enter("b", requests(120))
    processes = [run_python(CLAIM_ALL, uri) for _ in range(3)]
    taken = [int(line) for process in processes for line in process.communicate(timeout=120)[0].split()]
    assert sorted(taken) == list(range(1, 121))
    assert ledger.counts("b")[State.DONE] == 120
    assert all([event.state for event in ledger.history(job)] == ["running", "done"] for job in ledger.jobs("b"))


def test_what_a_killed_process_had_is_free_at_once_and_what_a_living_one_has_is_not(ledger: Ledger, uri: str) -> None:
    ledger.enter("b", requests(2))
    process = run_python(CLAIM_ONE_AND_WAIT, uri)
    assert process.stdout is not None and process.stdout.readline() == "1\n"
    ours = ledger.claim("b")
    assert ledger.recover("b") == 0, "both live"
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert ledger.recover("b") == 1
    again = ledger.claim("b")
    assert again is not None and (again.position, again.attempt) == (1, 2)
    assert ours is not None and ledger.claim("b") is None
    told = [event.reason for event in ledger.history(again)]
    assert len(told) == 3 and told[1] is not None and "ended with it" in told[1]


def test_the_job_of_another_host_is_free_when_its_lease_ends(ledger: Ledger, uri: str) -> None:
    ledger.enter("b", requests(1))
    elsewhere = Ledger(uri, owner="another-host:1:1.00")
    job = elsewhere.claim("b", lease_seconds=1000)
    assert job is not None and ledger.recover("b") == 0
    assert elsewhere.renew(-1.0) == 1
    assert ledger.recover("b") == 1
    again = ledger.claim("b")
    assert again is not None
    with pytest.raises(LostJobError, match="Job 1 of b is another process's by now"):
        elsewhere.finish(job, State.DONE, {})
    ledger.finish(again, State.DONE, {"clip": "ours"})
    assert [one.result for one in ledger.jobs("b")] == [{"clip": "ours"}]


def test_a_job_that_takes_its_process_along_each_time_is_given_up(ledger: Ledger, uri: str) -> None:
    ledger.enter("b", requests(2))
    for _ in range(3):
        dying = Ledger(uri, owner="another-host:1:1.00")
        job = dying.claim("b", lease_seconds=-1)
        assert job is not None and job.position == 1
        ledger.recover("b", most_attempts=3)
    poison, other = ledger.jobs("b")
    assert (
        poison.state is State.FAILED and poison.reason is not None and "begun 3 times, it is given up" in poison.reason
    )
    assert other.state is State.WAITING


def test_a_stop_is_no_attempt_and_a_rejection_is_a_try(ledger: Ledger) -> None:
    ledger.enter("b", requests(1))
    for _ in range(5):
        job = ledger.claim("b")
        assert job is not None and (job.attempt, job.tries) == (1, 0)
        ledger.put_back(job, "stopped")
    job = ledger.claim("b")
    assert job is not None
    ledger.try_again(job, {"clip": "one.mp4"}, "too dark")
    job = ledger.claim("b")
    assert job is not None and (job.attempt, job.tries) == (1, 1)
    ledger.finish(job, State.REJECTED, {"clip": "two.mp4"}, "too dark, too")
    assert ledger.claim("b") is None
    assert ledger.begin_anew("b", State.FAILED) == 0
    assert ledger.begin_anew("b", State.REJECTED, tries_below=1) == 0, "it has had its one further try"
    assert ledger.begin_anew("b", State.REJECTED, tries_below=2) == 1
    job = ledger.claim("b")
    assert job is not None and (job.attempt, job.tries, job.result) == (1, 2, {"clip": "two.mp4"})


def test_a_reason_that_names_a_file_of_no_unicode_is_kept_with_the_name_spelt_out(ledger: Ledger) -> None:
    ledger.enter("b", requests(1))
    job = ledger.claim("b")
    assert job is not None
    ledger.finish(job, State.FAILED, None, f"{os.fsdecode(b'caf' + bytes([0xE9]))}.jpg is damaged")
    (ended,) = ledger.jobs("b")
    assert ended.reason == r"caf\udce9.jpg is damaged" == ledger.history(ended)[-1].reason


def test_a_changed_list_keeps_what_is_done_and_drops_what_is_not_wanted(ledger: Ledger) -> None:
    ledger.enter("b", [{"n": 1}, {"n": 2}, {"n": 1}, {"n": 3}])
    first, second = ledger.claim("b"), ledger.claim("b")
    assert first is not None and second is not None
    ledger.finish(first, State.DONE, {"clip": "1"})
    assert ledger.enter("b", [{"n": 4}, {"n": 3}, {"n": 1}]) == 3
    left = [(job.request["n"], job.state) for job in ledger.jobs("b")]
    assert left == [(4, State.WAITING), (3, State.WAITING), (1, State.DONE)]
    ledger.put_back(second, "stopped")
    assert ledger.claim("b") is not None and ledger.counts("b")[State.RUNNING] == 1, "what is unwanted is not begun"
    ledger.enter("b", [{"n": 1}, {"n": 1}])
    assert [job.state for job in ledger.jobs("b")] == [State.DONE, State.WAITING], "equal ones are two jobs"


def test_a_list_that_lacks_what_waits_for_another_run_is_refused_while_that_one_lives(ledger: Ledger, uri: str) -> None:
    ledger.enter("b", requests(3))
    other = run_python(CLAIM_ONE_AND_WAIT, uri)
    assert other.stdout is not None and other.stdout.readline() == "1\n"
    with pytest.raises(InputError, match=r"Another run .* makes jobs of b, of which 2 that wait are not among these"):
        ledger.enter("b", requests(1))
    assert ledger.enter("b", requests(4)) == 4, "more may be wanted"
    other.kill()
    other.communicate()
    assert ledger.enter("b", requests(1)) == 1


def test_names_that_are_no_utf_8_are_spelt_out(ledger: Ledger) -> None:
    ledger.enter("caf\udce9", [{"picture": "caf\udce9.jpg"}])
    job = ledger.claim("caf\udce9")
    assert job is not None and job.request == {"picture": "caf\udce9.jpg"}
    ledger.finish(job, State.FAILED, None, "caf\udce9.jpg is gone")
    assert [one.reason for one in ledger.jobs("caf\udce9")] == ["caf\\udce9.jpg is gone"]


def test_a_list_that_breaks_off_changes_nothing(ledger: Ledger) -> None:
    ledger.enter("b", requests(2))

    def broken() -> Iterator[dict[str, int]]:
        yield {"seed": 7}
        raise RuntimeError("row 2")

    with pytest.raises(RuntimeError):
        ledger.enter("b", broken())
    assert [job.request for job in ledger.jobs("b")] == requests(2)


def test_a_new_ledger_waits_for_whoever_opens_it_at_the_same_time(tmp_path: Path) -> None:
    file, opened = tmp_path / "ledger.db", list[Ledger]()
    with closing(sqlite3.connect(file, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("CREATE TABLE of_another_thread (one)")
        thread = threading.Thread(target=lambda: opened.append(Ledger(sqlite_uri(file))))
        thread.start()
        thread.join(0.2)
        assert thread.is_alive(), "SQLite refuses it for now"
        other.execute("COMMIT")
        thread.join(60)
    (ledger,) = opened
    assert ledger.enter("b", requests(1)) == 1


def test_a_process_is_told_from_another_one_that_got_its_number() -> None:
    host, number, started = this_process().rsplit(":", 2)
    assert not is_gone(this_process())
    assert is_gone(f"{host}:{number}:{float(started) - 1000:.2f}")
    assert not is_gone(f"elsewhere:{number}:1.00")


def test_a_ledger_of_another_version_and_a_file_that_is_none_are_refused(uri: str, tmp_path: Path) -> None:
    Ledger(uri).close()
    with sqlite3.connect(tmp_path / "home" / "100% ledger.db") as database:
        database.execute("UPDATE alembic_version SET version_num = 99")
    with pytest.raises(SettingsError, match="has tables of version 99"):
        Ledger(uri)
    (tmp_path / "notes.txt").write_text("these are notes, and no database at all " * 40)
    with pytest.raises(MachineError, match="file is not a database"):
        Ledger(sqlite_uri(tmp_path / "notes.txt"))
    with pytest.raises(SettingsError, match="no address of a ledger"):
        Ledger("nowhere")
