"""Scratch folders that live as long as a run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from reelops.system.scratch import scratch_folder

HOLD = """
import sys, time
from pathlib import Path
from reelops.system.scratch import scratch_folder
with scratch_folder(Path(sys.argv[1])) as folder:
    (folder / "frames.npy").write_bytes(b"x" * 1000)
    print(folder, flush=True)
    time.sleep(600)
"""


def test_scratch_goes_with_its_run_even_when_that_fails(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), scratch_folder(tmp_path) as folder:
        (folder / "frames.npy").touch()
        raise KeyboardInterrupt
    assert not folder.exists()


def test_scratch_of_a_killed_run_is_removed_by_the_next_and_a_living_ones_is_not(tmp_path: Path) -> None:
    runs = [
        subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    killed, living = (Path(run.stdout.readline().strip()) for run in runs if run.stdout)
    os.kill(runs[0].pid, signal.SIGKILL)
    runs[0].wait()
    assert killed.exists()
    with scratch_folder(tmp_path):
        assert not killed.exists()
        assert (living / "frames.npy").exists()
    runs[1].terminate()
    runs[1].wait()
