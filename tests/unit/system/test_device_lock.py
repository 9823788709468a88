"""Two runs never share a device, and a killed one does not block the next."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from reelops.errors import MachineError
from reelops.system.device_lock import hold_device

HOLD = """
import sys, time
from pathlib import Path
from reelops.system.device_lock import hold_device
with hold_device(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


def test_a_second_run_waits_and_is_told_then_a_killed_holder_lets_go_at_once(tmp_path: Path) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout and holder.stdout.readline() == "held\n"
    told: list[str] = []
    with pytest.raises(MachineError, match=r"was busy for 0\.1 s"), hold_device(tmp_path, told.append, 0.1):
        pytest.fail("two runs on one device")
    assert len(told) == 1 and told[0].startswith("another run is on ")
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    with hold_device(tmp_path, timeout_seconds=5):
        pass


def test_the_device_is_free_again_after_the_block(tmp_path: Path) -> None:
    for _ in range(2):
        with hold_device(tmp_path, timeout_seconds=0):
            pass
