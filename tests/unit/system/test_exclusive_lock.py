"""A lock is one process's at a time, and goes with it however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import Timeout

from reelops.errors import MachineError
from reelops.system.exclusive_lock import exclusive_lock, patient_lock

HOLD = """
import sys, time
from pathlib import Path
from reelops.system.exclusive_lock import exclusive_lock
with exclusive_lock(Path(sys.argv[1]), "busy"):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    return tmp_path / "new" / "run.lock"


@pytest.fixture
def holder(lock: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that has the lock."""
    with subprocess.Popen([sys.executable, "-c", HOLD, str(lock)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout and process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_who_comes_second_is_refused_in_the_given_words(lock: Path, holder: subprocess.Popen[str]) -> None:
    assert holder.poll() is None
    refused = pytest.raises(MachineError, match=r"^another run works here\.$")
    with refused, exclusive_lock(lock, "another run works here."):
        pytest.fail("two at once")


def test_a_killed_holder_lets_go_at_once(lock: Path, holder: subprocess.Popen[str]) -> None:
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    with exclusive_lock(lock, "busy"):
        pass


def test_the_lock_is_free_again_after_the_block_and_after_an_error_in_it(lock: Path) -> None:
    for _ in range(2):
        with pytest.raises(Timeout), exclusive_lock(lock, "busy"):  # the block's own errors stay what they are
            raise Timeout("something else")


def test_two_runs_in_one_process_exclude_each_other_too(lock: Path) -> None:
    with exclusive_lock(lock, "busy"), pytest.raises(MachineError, match="busy"), exclusive_lock(lock, "busy"):
        pytest.fail("two at once")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act for two users")
@pytest.mark.parametrize("umask", [0o002, 0o022, 0o077])
def test_in_a_folder_that_a_group_shares_each_of_them_takes_the_lock_after_the_other(umask: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.chown(folder, 1001, 2000)
        Path(folder).chmod(0o2775)
        for user in (1001, 1002, 1001):
            if (child := os.fork()) == 0:
                os.setgroups([2000])
                os.setgid(user)
                os.setuid(user)
                os.umask(umask)
                try:
                    with exclusive_lock(Path(folder) / "run.lock", "busy"):
                        os._exit(0)
                except BaseException:
                    os._exit(1)
            assert os.waitpid(child, 0)[1] == 0, user


def test_a_lock_that_cannot_be_used_is_one_line_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "run.lock").symlink_to(tmp_path / "elsewhere")
    for door in (lambda path: exclusive_lock(path, "busy"), patient_lock):
        with pytest.raises(MachineError, match=r"run\.lock cannot be used"), door(tmp_path / "run.lock"):
            pytest.fail("held")
    assert not (tmp_path / "elsewhere").exists()
