"""Folders that appear whole or not at all, and signals that wait for a step's end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from reelops.progress import signals_awaited
from reelops.system import files, renaming, temporary, write_errors
from reelops.system.files import write_folder_atomically


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
        1 / 0  # noqa: B018 - for what it raises
    assert (tmp_path / "adapter" / "weights").read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1


def test_what_a_killed_writer_left_goes_with_the_next_write_and_a_living_one_is_left_alone(tmp_path):
    program = (
        "import os, signal, sys; from pathlib import Path; from reelops.system.files import write_folder_atomically\n"
        "with write_folder_atomically(Path(sys.argv[1])): os.kill(os.getpid(), signal.SIGKILL)"
    )
    died = subprocess.run([sys.executable, "-c", program, str(tmp_path / "one")], env={**os.environ}, check=False)
    assert died.returncode == -signal.SIGKILL and len(list(tmp_path.iterdir())) == 1
    with write_folder_atomically(tmp_path / "two") as alive:
        with write_folder_atomically(tmp_path / "three"):
            pass
        assert alive.is_dir()
    assert {path.name for path in tmp_path.iterdir()} == {"two", "three"}


def test_a_kill_at_any_line_leaves_the_old_folder_or_the_new_one_whole(tmp_path):
    """`kill -9` strikes at each line that runs of a replacement, one process a line."""
    target = tmp_path / "adapter"
    with write_folder_atomically(target) as partial:
        (partial / "weights").write_text("old")
    found = set()
    for number in range(1, 400):
        child = os.fork()
        if child == 0:
            replace_and_die(target, number)
        _, status = os.waitpid(child, 0)
        assert {path.name for path in target.iterdir()} == {"weights"}, f"killed at line {number}"
        found.add((target / "weights").read_text())
        if os.waitstatus_to_exitcode(status) == 0:
            break
        assert os.waitstatus_to_exitcode(status) == -signal.SIGKILL
    assert found == {"old", "new"} and number > 40, "kills covered the replacement from its beginning to its end"
    assert [path.name for path in tmp_path.iterdir()] == ["adapter"], "the last writer swept up"


def replace_and_die(target, line):
    """In a forked child: replaces the folder, and is killed before the numbered line of ours runs."""
    ran = 0

    def trace(frame, event, _):
        nonlocal ran
        if frame.f_code.co_filename not in {one.__file__ for one in (files, renaming, temporary, write_errors)}:
            return None
        if event == "line":
            ran += 1
            if ran == line:
                os.kill(os.getpid(), signal.SIGKILL)
        return trace

    sys.settrace(trace)
    with write_folder_atomically(target) as partial:
        (partial / "weights").write_text("new")
    os._exit(0)


def test_where_names_cannot_be_exchanged_a_folder_is_still_replaced(tmp_path, monkeypatch):
    monkeypatch.setattr(renaming, "_RENAME_EXCHANGE", 1 << 20)  # a flag that no kernel knows: EINVAL
    test_a_folder_appears_whole_and_replaces_the_one_before_it(tmp_path)


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
