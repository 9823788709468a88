"""A name that is chosen belongs to one process, and to nobody once that process is dead."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from reelops.errors import MachineError
from reelops.system import temporary
from reelops.system.files import write_text_atomically
from reelops.system.reservation import mark_of, reserved

HOLD = (
    "import os, sys; from pathlib import Path; from reelops.system.reservation import reserved\n"
    "with reserved(Path(os.fsdecode(sys.argv[1]))) as ours:\n    print(ours, flush=True)\n    sys.stdin.read()\n"
)
NAMES = ["clip", "\u3042" * 80, os.fsdecode(b"\xe9" * 240)]


def hold(path: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "True\n"
    return process


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_one_processs_until_it_is_dead(tmp_path: Path, name: str) -> None:
    process = hold(tmp_path / name)
    try:
        with reserved(tmp_path / name) as ours:
            assert not ours
        write_text_atomically(tmp_path / "other", "x")
        assert mark_of(tmp_path / name).exists(), "nobody takes it for abandoned"
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    with reserved(tmp_path / name) as ours:
        assert ours
    assert [path.name for path in tmp_path.iterdir()] == ["other"]


def test_of_many_at_once_one_has_the_name(tmp_path: Path) -> None:
    with ExitStack() as stack, ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda _: stack.enter_context(reserved(tmp_path / "clip")), range(64)))
        assert sorted(got) == [False] * 63 + [True]
    assert list(tmp_path.iterdir()) == []


def test_a_name_is_free_again_when_its_block_ends(tmp_path: Path) -> None:
    for _ in range(2):
        with reserved(tmp_path / "new" / "clip") as ours:
            assert ours
    assert list((tmp_path / "new").iterdir()) == []


def test_names_that_only_begin_alike_are_two(tmp_path: Path) -> None:
    with reserved(tmp_path / ("a" * 250 + "1")) as one, reserved(tmp_path / ("a" * 250 + "2")) as other:
        assert one and other


def test_on_a_disk_without_locks_nobody_takes_a_name_for_abandoned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def flock(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(temporary.fcntl, "flock", flock)
    with reserved(tmp_path / "clip") as one, reserved(tmp_path / "clip") as other:
        assert one and not other


def test_a_place_that_cannot_be_written_to_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(MachineError, match="cannot write"), reserved(tmp_path / "file" / "clip"):
        pass
