"""Work in a process of its own is measured alone, and a failure says why."""

from __future__ import annotations

import os
import sys

import pytest

from reelops.benchmark.own_process import call_in_own_process, run_command
from reelops.errors import MachineError

HOLD_100_MB = "held = bytearray(100_000_000); held[::4096] = b'1' * len(held[::4096])"


def test_the_memory_of_a_command_is_its_own() -> None:
    small = run_command([sys.executable, "-S", "-c", ""])
    large = run_command([sys.executable, "-S", "-c", HOLD_100_MB])
    assert 90 < large.peak_mb - small.peak_mb < 115


def test_a_command_that_fails_says_why() -> None:
    with pytest.raises(MachineError, match="ended with 5: no disk left"):
        run_command([sys.executable, "-c", "import sys; print('no disk left', file=sys.stderr); sys.exit(5)"])


def test_a_code_may_be_no_failure() -> None:
    command = [sys.executable, "-c", "import os, sys; print(os.environ['COLOUR']); sys.exit(3)"]
    assert run_command(command, {"COLOUR": "green"}, good_codes=(0, 3)).output == "green\n"


def test_a_function_is_called_in_another_process() -> None:
    assert call_in_own_process(os.getpid, "says its number") != os.getpid()


def test_a_process_that_dies_is_named_with_its_code() -> None:
    with pytest.raises(MachineError, match=r"The process that measured ended with code 7"):
        call_in_own_process(os._exit, "measured", 7)


def test_a_command_that_is_not_there_is_named() -> None:
    with pytest.raises(MachineError, match=r"absent-command could not be started: .*No such file"):
        run_command(["absent-command"])
