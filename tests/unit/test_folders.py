"""Folders that appear whole or not at all, and signals that wait for a step's end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from reelops.files import write_folder_atomically
from reelops.progress import signals_awaited


def test_a_folder_appears_whole_and_replaces_the_one_before_it(tmp_path):
    for text in ("old", "new"):
        with write_folder_atomically(tmp_path / "deep" / "adapter") as partial:
            (partial / "weights").write_text(text)
            (partial / f"{text}-only").write_text("")
    assert {path.name for path in (tmp_path / "deep" / "adapter").iterdir()} == {"weights", "new-only"}
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["adapter"], "nothing else is left"


def test_a_failure_leaves_what_stood_there(tmp_path):
    with write_folder_atomically(tmp_path / "adapter") as partial:
        (partial / "weights").write_text("old")
    with pytest.raises(ZeroDivisionError), write_folder_atomically(tmp_path / "adapter") as partial:
        (partial / "weights").write_text("new")
        1 / 0  # noqa: B018
    assert (tmp_path / "adapter" / "weights").read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1


def test_what_a_killed_writer_left_goes_with_the_next_write_and_a_living_one_is_left_alone(tmp_path):
    program = (
        "import os, signal, sys; from pathlib import Path; from reelops.files import write_folder_atomically\n"
        "with write_folder_atomically(Path(sys.argv[1])): os.kill(os.getpid(), signal.SIGKILL)"
    )
    died = subprocess.run([sys.executable, "-c", program, str(tmp_path / "one")], env={**os.environ}, check=False)
    assert died.returncode == -signal.SIGKILL and len(list(tmp_path.iterdir())) == 1
    with write_folder_atomically(tmp_path / "two") as alive:
        with write_folder_atomically(tmp_path / "three"):
            pass
        assert alive.is_dir()
    assert {path.name for path in tmp_path.iterdir()} == {"two", "three"}


def test_the_first_signal_is_noted_and_the_second_goes_to_whoever_handled_it_before():
    heard = []
    before = signal.signal(signal.SIGTERM, lambda *_: heard.append("handled"))
    try:
        with signals_awaited(signal.SIGTERM) as should_stop:
            assert not should_stop()
            os.kill(os.getpid(), signal.SIGTERM)
            assert should_stop() and heard == []
            os.kill(os.getpid(), signal.SIGTERM)
            assert heard == ["handled"]
        os.kill(os.getpid(), signal.SIGTERM)
        assert heard == ["handled", "handled"]
    finally:
        signal.signal(signal.SIGTERM, before)
