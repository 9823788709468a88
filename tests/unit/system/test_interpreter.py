"""The set-up of a process of ours: what torch's threads are told, and that a user's own word counts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import gc, os, sys
{set_up}
assert "torch" not in sys.modules
print(os.environ["OMP_WAIT_POLICY"], gc.get_threshold()[0] > 700, gc.isenabled())
"""


@pytest.mark.parametrize(
    "set_up",
    [
        "from reelops.system.interpreter import configure_interpreter; configure_interpreter()",
        "import tasks",
        "from reelops import cli; cli.build_app = lambda: dict\ntry: cli.main()\nexcept SystemExit: pass",
    ],
    ids=["the function", "a flow's tasks", "the command line"],
)
@pytest.mark.parametrize("policy", [None, "ACTIVE"])
def test_threads_sleep_while_they_wait_unless_the_user_wants_them_to_spin(set_up, policy, tmp_path):
    environment = os.environ | {"REELOPS_HOME": str(tmp_path)}
    environment.pop("OMP_WAIT_POLICY", None)
    if policy:
        environment["OMP_WAIT_POLICY"] = policy
    program = [sys.executable, "-c", PROGRAM.format(set_up=set_up)]
    done = subprocess.run(program, capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.split() == [policy or "PASSIVE", "True", "True"]


ENDING = """
import atexit, sys, threading, time
from reelops.system.interpreter import configure_interpreter, end_process
configure_interpreter()
atexit.register(print, "handler")
threading.Thread(target=lambda: (time.sleep(0.2), print("thread"))).start()
class Module:
    def __del__(self):
        print("taken apart", flush=True)
kept = Module()
print("last line")
end_process({code})
"""


@pytest.mark.parametrize("code", [0, 3])
def test_an_ending_process_finishes_threads_handlers_and_output_and_takes_nothing_apart(code):
    program = [sys.executable, "-c", ENDING.format(code=code)]
    done = subprocess.run(program, capture_output=True, text=True)
    assert (done.returncode, done.stdout.split("\n")) == (code, ["last line", "thread", "handler", ""])


def test_output_that_nobody_takes_is_told_by_the_exit_code():
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        program = [sys.executable, "-c", ENDING.format(code=0)]
        buffered = os.environ | {"PYTHONUNBUFFERED": ""}
        done = subprocess.run(program, stdout=full, stderr=subprocess.DEVNULL, env=buffered)
    assert done.returncode == 120
