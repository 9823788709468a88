"""A clip's place is one run's alone; it gets the clip with its verdict or nothing, and nobody else's file goes."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import pytest

from reelops.clip import ClipOrder
from reelops.errors import InputError
from reelops.production import output_names, output_place
from reelops.production.output_names import files_of
from reelops.production.output_place import OutputPlace, output_places, place_at
from reelops.production.output_place import output_place as place_for
from reelops.system import renaming, temporary
from tests.support.struck import interrupt, struck_at_line

ORDER = ClipOrder(picture=Path("coffee.jpg"), prompt="pan left")
NAMES = ("clip.mp4", "clip.contact.jpg", "clip.json")


def make(place: OutputPlace, text: str = "new") -> None:
    """A run: all files of the clip, then their names."""
    with place.workbench() as folder:
        for path in files_of(place.clip):
            (folder / path.name).write_text(text)
        place.publish(folder)


def content(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_runs_that_want_one_default_name_get_different_ones_from_the_moment_they_choose(tmp_path: Path) -> None:
    with ExitStack() as held:
        places = [held.enter_context(place_for(ORDER, None, tmp_path / "out")) for _ in range(3)]
        assert [place.clip.name for place in places] == [f"coffee-pan-left-seed0{end}.mp4" for end in ("", "-2", "-3")]
        for number, place in enumerate(places):
            make(place, str(number))
    assert sorted(set(content(tmp_path / "out").values())) == ["0", "1", "2"] and len(content(tmp_path / "out")) == 9
    with place_for(ORDER, tmp_path / "out", tmp_path) as fourth:
        assert fourth.clip == tmp_path / "out" / "coffee-pan-left-seed0-4.mp4"


def test_many_runs_at_once_each_keep_their_clip(tmp_path: Path) -> None:
    def run(number: int) -> Path:
        with place_for(ORDER, tmp_path, tmp_path) as place:
            make(place, str(number))
            return place.clip

    with ThreadPoolExecutor(8) as pool:
        clips = list(pool.map(run, range(40)))
    assert len(set(clips)) == 40
    assert [clip.read_text() for clip in clips] == [str(number) for number in range(40)]


@pytest.mark.parametrize("taken", ["coffee-pan-left-seed0.json", "coffee-pan-left-seed0.contact.jpg"])
def test_a_name_is_not_chosen_where_something_else_would_be_replaced(tmp_path: Path, taken: str) -> None:
    (tmp_path / taken).write_text("a caption by hand")
    with place_for(ORDER, tmp_path, tmp_path) as place:
        assert place.clip.name == "coffee-pan-left-seed0-2.mp4"


@pytest.mark.parametrize("other", ["clip.mp4", "clip.MP4"])
@pytest.mark.parametrize("overwrite", [False, True])
def test_a_name_that_another_run_is_making_is_refused(tmp_path: Path, other: str, overwrite: bool) -> None:
    with (
        place_at(tmp_path / "clip.mp4"),
        pytest.raises(InputError, match="another run is making"),
        place_at(tmp_path / other, overwrite),
    ):
        pass
    with place_at(tmp_path / other):
        pass


@pytest.mark.parametrize("name", NAMES)
def test_what_appears_while_a_run_is_at_work_is_not_replaced(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=rf"{name} exists already"), place_at(tmp_path / "clip.mp4") as place:
        (tmp_path / name).write_text("a stranger's")
        make(place)
    assert content(tmp_path) == {name: "a stranger's"}


@pytest.mark.parametrize("name", NAMES)
def test_what_appears_at_the_very_moment_of_writing_is_not_replaced(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes after the last look, before the names are given."""
    monkeypatch.setattr(OutputPlace, "check", lambda _: (tmp_path / name).write_text("a stranger's"))
    with pytest.raises(InputError, match=rf"{name} exists already"), place_at(tmp_path / "clip.mp4") as place:
        make(place)
    assert content(tmp_path) == {name: "a stranger's"}


@pytest.mark.parametrize("old", [NAMES, NAMES[:1], NAMES[1:], NAMES[2:]])
def test_what_may_be_overwritten_goes_all_of_it(tmp_path: Path, old: tuple[str, ...]) -> None:
    for name in old:
        (tmp_path / name).write_text("old")
    with place_at(tmp_path / "clip.mp4", overwrite=True) as place:
        make(place)
    assert content(tmp_path) == dict.fromkeys(NAMES, "new")


def test_several_clips_of_one_name_have_their_seeds_in_it_and_all_are_held_from_the_beginning(tmp_path: Path) -> None:
    orders = [ORDER.but(seed=seed) for seed in (1, 2)]
    with output_places(orders, tmp_path / "clip.mp4", tmp_path) as places:
        assert [place.clip.name for place in places] == ["clip-seed1.mp4", "clip-seed2.mp4"]
        with pytest.raises(InputError, match="another run"), place_at(tmp_path / "clip-seed2.mp4"):
            pass
    (tmp_path / "clip-seed2.json").touch()
    with pytest.raises(InputError, match="exists already"), output_places(orders, tmp_path / "clip.mp4", tmp_path):
        pass
    with output_places(orders, tmp_path, tmp_path / "never") as places:
        assert [place.clip.name for place in places] == [f"coffee-pan-left-seed{seed}.mp4" for seed in (1, 2)]
    assert {path.name for path in tmp_path.iterdir()} == {"clip-seed2.json"}


def test_a_folder_of_any_spelling_gives_the_clip_a_name_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "in").mkdir()
    monkeypatch.chdir(tmp_path / "in")
    for given, home in ((".", "in"), ("..", ""), ("../in/", "in")):
        with place_for(ORDER, Path(given), tmp_path) as place:
            assert place.clip.resolve() == tmp_path / home / "coffee-pan-left-seed0.mp4" and place.clip.is_absolute()
    with place_for(ORDER, None, Path("outputs")) as place:
        assert place.clip.parent == tmp_path / "in" / "outputs"
    with pytest.raises(InputError, match=r"does not end in \.mp4"), place_for(ORDER, Path("nothing"), tmp_path):
        pass


TRACED = (output_place, output_names, renaming, temporary)


@pytest.mark.parametrize("overwrite", [False, True])
def test_an_interrupt_at_any_line_leaves_the_new_clip_with_its_verdict_or_all_as_it_was(
    tmp_path: Path, overwrite: bool
) -> None:
    seen = []
    for number in range(1, 600):
        folder = tmp_path / str(number)
        folder.mkdir()
        old = dict.fromkeys(NAMES, "old") if overwrite else {}
        for name in old:
            (folder / name).write_text("old")
        try:
            with struck_at_line(number, interrupt, *TRACED) as ran, place_at(folder / "clip.mp4", overwrite) as place:
                make(place)
        except KeyboardInterrupt:
            shown = {name: text for name, text in content_of_files(folder).items() if not name.startswith(".")}
            assert shown in (old, dict.fromkeys(NAMES, "new")), f"line {number}, in {ran[-1]}"
            seen.append(shown == old)
        else:
            break
    assert content(folder) == dict.fromkeys(NAMES, "new") and number > 60
    assert seen.count(True) > 40, "most interrupts come before the clip has its name"


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_kill_at_any_line_leaves_no_clip_without_its_own_verdict_and_does_not_block_the_next_run(
    tmp_path: Path, repository: Path, overwrite: bool
) -> None:
    """In a process of its own, which forks sooner than one that has loaded torch."""
    command = [sys.executable, "-m", __name__, str(tmp_path), *(["overwrite"] if overwrite else [])]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 60, "kills covered the run from its beginning to its end"


def kill_at_every_line(place: Path, overwrite: bool) -> int:
    """A run a line, each in a child that is killed before that line; gives the number of lines."""
    for number in count(1):
        folder = place / str(number)
        folder.mkdir()
        for name in NAMES if overwrite else ():
            (folder / name).write_text("old")
        child = os.fork()
        if child == 0:
            with (
                struck_at_line(number, lambda: os.kill(os.getpid(), signal.SIGKILL), *TRACED),
                place_at(folder / "clip.mp4", overwrite) as held,
            ):
                make(held)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        left = {name: text for name, text in content_of_files(folder).items() if not name.startswith(".")}
        if "clip.mp4" in left:
            assert left == dict.fromkeys(NAMES, left["clip.mp4"]), f"killed at line {number}"
        with place_at(folder / "clip.mp4", overwrite=True) as held:
            make(held, "next")
        assert content(folder) == dict.fromkeys(NAMES, "next"), f"killed at line {number}: nothing hidden is left"
        if os.waitstatus_to_exitcode(status) == 0:
            return number
    raise AssertionError("a run has an end")


def content_of_files(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir() if path.is_file()}


@pytest.mark.parametrize("renames", [True, False], ids=["renameat2", "nothing of the kind"])
def test_on_disks_without_hard_links_nothing_is_replaced_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, renames: bool
) -> None:
    def link(*_: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", link)
    if not renames:
        monkeypatch.setattr(renaming, "_RENAME_NOREPLACE", 1 << 20)  # a flag that no kernel knows: EINVAL
    with place_at(tmp_path / "clip.mp4") as place:
        make(place)
    assert content(tmp_path) == dict.fromkeys(NAMES, "new")
    monkeypatch.setattr(OutputPlace, "check", lambda _: None)
    with pytest.raises(InputError, match="exists already"):
        make(OutputPlace(tmp_path / "clip.mp4"), "newer")
    with place_at(tmp_path / "clip.mp4", overwrite=True) as place:
        make(place, "newer")
    assert content(tmp_path) == dict.fromkeys(NAMES, "newer")


if __name__ == "__main__":
    print(kill_at_every_line(Path(sys.argv[1]), "overwrite" in sys.argv))
