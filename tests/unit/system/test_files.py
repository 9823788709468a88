"""A file appears whole or not at all, and what dead writers leave is cleared away."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import save_file
from scarcity import files_no_larger_than

from reelops.errors import InputError, MachineError
from reelops.system import files, scratch, temporary, write_errors
from reelops.system.files import (
    write_atomically,
    write_bytes_atomically,
    write_folder_atomically,
    write_text_atomically,
)
from reelops.system.removed_on_failure import removed_on_failure
from reelops.system.scratch import scratch_folder
from reelops.system.temporary import remove_abandoned_partials
from tests.support.struck import interrupt, struck_at_line


def test_text_and_bytes_arrive_as_they_are(tmp_path: Path) -> None:
    write_text_atomically(tmp_path / "a.json", "ü\r\n")
    write_bytes_atomically(tmp_path / "new" / "folder" / "b.bin", b"\0\xff")
    assert (tmp_path / "a.json").read_bytes() == b"\xc3\xbc\r\n"
    assert (tmp_path / "new" / "folder" / "b.bin").read_bytes() == b"\0\xff"


def test_temporary_file_stands_in_the_same_folder_under_a_hidden_name(tmp_path: Path) -> None:
    with write_atomically(tmp_path / "clip.mp4") as partial:
        assert partial.parent == tmp_path
        assert partial.name.startswith(".clip.mp4.")
        assert partial.suffix == ".partial"
        assert not (tmp_path / "clip.mp4").exists()
        partial.write_text("done")
    assert [one.name for one in tmp_path.iterdir()] == ["clip.mp4"]


@pytest.mark.parametrize(
    "write",
    [
        lambda path: path.write_bytes(bytes(9000)),
        lambda path: save_file({"a": np.zeros(9000)}, path),
        lambda path: Image.effect_noise((90, 90), 50.0).save(path, "PNG"),
    ],
)
def test_a_full_disk_is_told_alike_whichever_library_meets_it(write: Callable[[Path], object], tmp_path: Path) -> None:
    write_text_atomically(tmp_path / "kept", "old")
    for atomically, name in ((write_atomically, "kept"), (write_folder_atomically, "folder")):
        with (
            pytest.raises(MachineError, match=f"cannot write {tmp_path / name}: .*Free some space"),
            files_no_larger_than(500),
            atomically(tmp_path / name) as partial,
        ):
            write(partial / "file" if partial.is_dir() else partial)
    assert [one.name for one in tmp_path.iterdir()] == ["kept"] and (tmp_path / "kept").read_text() == "old"


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_failed_write_keeps_the_old_content(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "a.txt"
    write_text_atomically(path, "old")
    with pytest.raises(error), write_atomically(path) as partial:
        partial.write_text("half")
        raise error
    assert [one.name for one in tmp_path.iterdir()] == ["a.txt"]
    assert path.read_text() == "old"


def test_living_writers_partial_is_left_alone(tmp_path: Path) -> None:
    with write_atomically(tmp_path / "a") as partial:
        write_text_atomically(tmp_path / "b", "other")
        assert remove_abandoned_partials(tmp_path) == []
        partial.write_text("done")
    assert (tmp_path / "a").read_text() == "done"


def test_dead_writers_partial_is_removed_by_the_next_write(tmp_path: Path) -> None:
    script = (
        "import os, signal\nfrom pathlib import Path\nfrom reelops.system.files import write_atomically\n"
        f"with write_atomically(Path({str(tmp_path / 'a')!r})) as partial:\n"
        "    partial.write_text('half')\n    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", script])
    assert len(list(tmp_path.iterdir())) == 1
    write_text_atomically(tmp_path / "b", "other")
    assert [one.name for one in tmp_path.iterdir()] == ["b"]


def test_writes_into_a_large_folder_do_not_list_it_each_time(tmp_path: Path) -> None:
    write_text_atomically(tmp_path / "first", "x")
    listed: list[object] = []
    with heard({"os.scandir", "os.listdir"}, listed):
        for number in range(20):
            write_text_atomically(tmp_path / f"{number}", "x")
    assert listed == []


def test_a_dead_writers_partial_goes_though_this_process_has_written_there_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_text_atomically(tmp_path / "a", "x")
    (tmp_path / ".b.0123456789ab.partial").touch()
    monkeypatch.setattr(temporary, "SWEEP_EVERY_SECONDS", 0.0)
    write_text_atomically(tmp_path / "a", "x")
    assert [one.name for one in tmp_path.iterdir()] == ["a"]


@contextmanager
def heard(events: set[str], told: list[object]) -> Iterator[None]:
    """What the interpreter does of these kinds; an audit hook stays for ever, so it is told to be quiet."""
    listening = True

    def hear(event: str, arguments: tuple[object, ...]) -> None:
        if listening and event in events:
            told.append(arguments)

    sys.addaudithook(hear)
    try:
        yield
    finally:
        listening = False


@pytest.mark.parametrize("name", ["a" * 255, "\u3042" * 85, "\u3042" * 83 + ".mp4", "\udce9" * 255])
def test_every_name_that_the_disk_takes_can_be_written(tmp_path: Path, name: str) -> None:
    write_text_atomically(tmp_path / name, "x")
    with write_folder_atomically(tmp_path / "of folders" / name):
        pass
    assert (tmp_path / name).read_text() == "x" and (tmp_path / "of folders" / name).is_dir()


@pytest.mark.parametrize("path", ["\u3042" * 86, "a" * 256, "/".join(["a" * 250] * 17)])
def test_a_name_too_long_for_the_disk_is_told_in_a_sentence(tmp_path: Path, path: str) -> None:
    with pytest.raises(MachineError, match="too long"):
        write_text_atomically(tmp_path / path, "x")
    with pytest.raises(MachineError, match="too long"), write_folder_atomically(tmp_path / path):
        pass


def test_a_name_that_is_no_unicode_reads_back_from_json_as_it_was(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9.jpg")
    write_text_atomically(tmp_path / "a.json", json.dumps({"picture": name, "of": "caf\xe9"}, ensure_ascii=False))
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8")) == {"picture": name, "of": "caf\xe9"}


def test_where_the_disk_knows_no_locks_files_and_folders_are_written_and_nobody_elses_are_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def flock(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(temporary.fcntl, "flock", flock)
    (tmp_path / ".b.0123456789ab.partial").touch()
    (tmp_path / ".c.0123456789ab.partial").mkdir()
    write_text_atomically(tmp_path / "a", "x")
    with write_folder_atomically(tmp_path / "d"):
        pass
    assert len(list(tmp_path.iterdir())) == 4


def test_link_is_replaced_not_followed(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("cached")
    (tmp_path / "out").symlink_to(tmp_path / "cache")
    write_text_atomically(tmp_path / "out", "new")
    assert (tmp_path / "cache").read_text() == "cached"
    assert (tmp_path / "out").read_text() == "new"


def test_permissions_are_those_of_an_ordinary_file(tmp_path: Path) -> None:
    umask = os.umask(0o022)
    try:
        write_text_atomically(tmp_path / "a", "x")
    finally:
        os.umask(umask)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o644


def test_a_pipe_or_device_is_refused_and_stays(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    for name in ("pipe", "link"):
        with pytest.raises(InputError, match="pipe"):
            write_text_atomically(tmp_path / name, "x")
    assert (tmp_path / "link").is_fifo()


def test_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is a folder"):
        write_text_atomically(tmp_path, "x")


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit, RuntimeError])
def test_a_run_that_fails_or_is_stopped_removes_what_it_wrote_and_nothing_older(
    tmp_path: Path, stop: type[BaseException]
) -> None:
    new, replaced, old = tmp_path / "new", tmp_path / "replaced", tmp_path / "old"
    for path in (replaced, old):
        write_text_atomically(path, "before")
    with pytest.raises(stop), removed_on_failure(new, replaced, old, tmp_path / "never"):
        write_text_atomically(new, "now")
        write_text_atomically(replaced, "now")
        raise stop
    assert [path.name for path in tmp_path.iterdir()] == ["old"]


@pytest.mark.parametrize(
    "held",
    [
        lambda place: scratch_folder(place),
        lambda place: write_folder_atomically(place / "scratch" / "adapter"),
        lambda place: write_atomically(place / "scratch" / "clip.mp4"),
    ],
    ids=["scratch", "folder", "file"],
)
def test_a_stop_at_any_line_of_its_making_leaves_nothing(
    tmp_path: Path, held: Callable[[Path], AbstractContextManager[Path]]
) -> None:
    """A signal's exception may be raised anywhere, between the making of a folder and whoever would remove it too."""
    (tmp_path / "scratch").mkdir()
    for number in range(1, 200):
        inside = False
        with (
            pytest.raises((KeyboardInterrupt, EOFError)),
            struck_at_line(number, interrupt, files, scratch, temporary, write_errors) as ran,
            held(tmp_path),
        ):
            inside = True
            raise EOFError
        if inside:
            break
        assert list((tmp_path / "scratch").iterdir()) == [], f"stopped in {ran[-1]}, line {number} that ran"
    assert inside and number > 10, "the interrupts covered the way to the block"
