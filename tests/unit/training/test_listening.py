"""What a process prints is heard to its end, and the process does not outlive whoever listens."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from contextlib import closing

import psutil
import pytest

from reelops.progress import QUIET, RunContext
from reelops.training import reproduce
from reelops.training.reproduce import lines_of


def started(program: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="backslashreplace",
        start_new_session=True,
    )


WAITS = "import time; print('waits', flush=True); time.sleep(600)"
DEAF = f"import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); {WAITS}"


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reproduce, "_LISTEN_SECONDS", 0.1)
    monkeypatch.setattr(reproduce, "_LAST_WORDS_SECONDS", 0.5)


def test_bytes_that_are_no_utf8_are_spelt_out_and_what_follows_is_heard() -> None:
    process = started(r"import sys; sys.stdout.buffer.write(b'caf\xe9\nlast\n')")
    assert list(lines_of(process, QUIET)) == [r"caf\xe9", "last"]


def test_a_process_that_leaves_another_behind_on_its_output_is_not_waited_for_longer() -> None:
    leaves = "import subprocess, sys; p = subprocess.Popen(['sleep', '600']); print(p.pid)"
    (line,) = lines_of(started(leaves), QUIET)
    psutil.Process(int(line)).kill()


def test_a_listener_that_fails_ends_the_process() -> None:
    process = started(WAITS)
    with pytest.raises(ValueError, match="waits"), closing(lines_of(process, QUIET)) as lines:
        for line in lines:
            raise ValueError(line)
    assert process.returncode == -signal.SIGINT


def test_a_process_that_does_not_heed_a_stop_is_killed_after_its_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reproduce, "_GRACE_SECONDS", 0.5)
    process = started(DEAF)
    heard: list[str] = []
    with closing(lines_of(process, RunContext(should_stop=lambda: bool(heard)))) as lines:
        heard.append(next(lines))
        assert list(lines) == []
    assert process.returncode == -signal.SIGKILL


def test_a_second_ctrl_c_stays_one_and_ends_the_process_at_once() -> None:
    process = started(DEAF)
    again = threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGINT))

    def stopped_as_soon_as_it_is_heard() -> None:
        with closing(lines_of(process, QUIET)) as lines:
            next(lines)
            again.start()
            raise SystemExit(143)

    with pytest.raises(KeyboardInterrupt):
        stopped_as_soon_as_it_is_heard()
    assert process.returncode == -signal.SIGKILL
