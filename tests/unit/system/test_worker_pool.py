"""The worker pool does all jobs whatever happens to some of them, and ends when it should."""

from __future__ import annotations

import os
import time

import pytest
from worker_jobs import EndsAtItsStart, TakesAllMemory, killed_once, square, threads, trouble

from reelops.errors import Fault, MachineError
from reelops.system.worker_pool import ONE_THREAD, JobProgress, JobResult, run_jobs


def answers(work, jobs, workers=2) -> dict[int, JobResult]:
    return {one.index: one for one in run_jobs(work, jobs, workers) if isinstance(one, JobResult)}


def gone(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    return False


def test_every_job_is_answered_once_and_reports_its_progress():
    received = list(run_jobs(square, [3, 4, 5], 2))
    assert sorted((one.index, one.result) for one in received if isinstance(one, JobResult)) == [
        (0, 9),
        (1, 16),
        (2, 25),
    ]
    assert {(one.index, one.amount) for one in received if isinstance(one, JobProgress)} == {(0, 3), (1, 4), (2, 5)}


def test_a_process_that_dies_takes_only_its_own_job_along():
    found = answers(trouble, ["well", "die", "well", "well"])
    assert [found[number].result for number in (0, 2, 3)] == ["well"] * 3
    assert "ended by SIGKILL, twice; was there too little memory?" in found[1].error


def test_a_job_whose_process_was_killed_is_done_after_all_others_with_no_process_beside_it(tmp_path):
    jobs = [tmp_path / "killed", *(tmp_path / str(number) for number in range(4))]
    received = [one for one in run_jobs(killed_once, jobs, 2) if isinstance(one, JobResult)]
    assert received[-1].index == 0 and {one.result for one in received} == {jobs[0].name, "0", "1", "2", "3"}
    assert (tmp_path / "killed").read_text() == "begun " * 2


def test_errors_for_people_and_faults_of_ours_are_told_apart():
    found = answers(trouble, ["refuse", "break", "well"], workers=1)
    assert found[0].error == "this is not a video."
    assert "fault in ReelOps (ZeroDivisionError" in found[1].error
    assert found[2].result == "well"


def test_a_job_that_memory_is_too_small_for_says_so_and_the_others_are_done():
    found = answers(trouble, ["hoard", "well"], workers=1)
    assert found[0].error == "there was too little memory for it; give fewer workers"
    assert found[1].result == "well"


def test_workers_have_one_thread_and_the_caller_keeps_its_own():
    before = {name: os.environ.get(name) for name in ONE_THREAD}
    assert answers(threads, [0], workers=1)[0].result == dict.fromkeys(ONE_THREAD, "1")
    assert {name: os.environ.get(name) for name in ONE_THREAD} == before


def test_no_process_outlives_a_caller_that_stops():
    processes = []

    def stop() -> None:
        if len(processes) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        processes.extend(one.amount for one in run_jobs(trouble, ["sleep", "sleep", "sleep"], 2, stop))
    time.sleep(0.05)
    assert len(processes) == 2 and all(gone(process) for process in processes)


@pytest.mark.parametrize("what", ["exit", "kill"])
def test_a_process_that_cannot_even_start_says_nothing_about_its_job(what):
    work = EndsAtItsStart(what)
    for answer in answers(work, ["well", "well"], workers=1).values():
        assert answer.fault is Fault.MACHINE and "before it began" in answer.error
        with pytest.raises(MachineError):
            answer.raise_machine_fault("clip.mp4", but_for_killers=True)


def test_an_answer_that_cannot_travel_is_a_fault_of_ours_and_the_process_goes_on():
    found = answers(trouble, ["unsendable", "well"], workers=1)
    assert found[0].fault is Fault.OURS and "pickle" in found[0].error and found[1].result == "well"


def test_a_job_for_which_there_is_no_memory_is_no_bad_one():
    found = answers(square, [TakesAllMemory(), 2], workers=1)
    assert found[0].fault is Fault.MACHINE and found[1].result == 4


def test_no_jobs_no_processes():
    assert list(run_jobs(square, [], 2)) == []


def test_an_answer_says_whose_fault_it_is_and_a_machines_is_no_fact_about_the_file():
    jobs = ["refuse", "break", "full", "die", "crash", "well"]
    found = dict(zip(jobs, (one for _, one in sorted(answers(trouble, jobs).items())), strict=True))
    assert {name: one.fault for name, one in found.items()} == {
        "refuse": Fault.INPUT,
        "break": Fault.OURS,
        "full": Fault.MACHINE,
        "die": Fault.MACHINE,
        "crash": Fault.INPUT,
        "well": None,
    }
    for name in ("full", "die"):
        with pytest.raises(MachineError, match=r"clip\.mp4: .*what was done is kept"):
            found[name].raise_machine_fault("clip.mp4")
    found["die"].raise_machine_fault("clip.mp4", but_for_killers=True)
    with pytest.raises(MachineError):
        found["full"].raise_machine_fault("clip.mp4", but_for_killers=True)
    for name in ("refuse", "break", "crash", "well"):
        found[name].raise_machine_fault("clip.mp4")
