"""A worker is seen while it lives, however it ends."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from reelops.production.worker_sign import a_worker_runs, seen_at_work

WORKER = (
    "import sys, pathlib, reelops.production.worker_sign as sign\n"
    "with sign.seen_at_work(pathlib.Path(sys.argv[1])):\n"
    "    print('there', flush=True); sys.stdin.read()\n"
)


def test_a_worker_is_seen_until_it_ends_or_is_killed(tmp_path: Path) -> None:
    assert not a_worker_runs(tmp_path)
    with seen_at_work(tmp_path):
        assert a_worker_runs(tmp_path)
    assert not a_worker_runs(tmp_path)
    command = [sys.executable, "-c", WORKER, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "there\n"
        assert a_worker_runs(tmp_path)
        process.kill()
        process.wait()
    assert not a_worker_runs(tmp_path)
    assert not list(tmp_path.rglob("*.lock")), "what a killed one left behind is gone"


def test_a_lock_that_cannot_be_looked_at_is_somebodys(tmp_path: Path) -> None:
    (tmp_path / "locks" / "workers" / "1.lock").mkdir(parents=True)  # as unusable as another user's, for root, too
    assert a_worker_runs(tmp_path)
