"""Where one run's clip goes: a place that is the run's alone, and gets the clip with all that belongs to it, or none.

The files are made beside their place, in a hidden folder, and take their names when the verdict is among them: first
what belongs to the clip, the clip last. So whatever ends a run, a kill too, there is no clip without its verdict.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from reelops.clip import ClipOrder
from reelops.errors import InputError
from reelops.production.output_names import (
    check_output,
    default_stem,
    exists_already,
    files_of,
    is_folder,
    is_free,
    require_place,
)
from reelops.system.files import flush_to_disk
from reelops.system.renaming import take_free_name
from reelops.system.reservation import mark_of, reserved
from reelops.system.temporary import partial_of, temporary_folder
from reelops.system.write_errors import machine_error_on_write

_REPLACED = "replaced"


class BeingMadeError(InputError):
    """Another run is making the clip of that name."""


@dataclass(frozen=True)
class OutputPlace:
    """A place for a clip, held by whoever made this; see `output_place` and `place_at`.

    Attributes:
        clip: an .mp4, as an absolute path.
        overwrite: whether what stands there goes.
    """

    clip: Path
    overwrite: bool = False

    def check(self) -> None:
        """Fails where somebody has put something since it was chosen.

        Raises:
            InputError: something stands there that may not be overwritten.
        """
        check_output(self.clip, self.overwrite)

    @contextmanager
    def workbench(self) -> Iterator[Path]:
        """A folder beside the place, for the length of the work; the files in it are called as they will be.

        Raises:
            MachineError: it cannot be made.
        """
        with temporary_folder(lambda: partial_of(self.clip)) as folder:
            yield folder

    def publish(self, workbench: Path) -> None:
        """Gives the files of a workbench their names, all or none; what may be overwritten goes, all of it, too.

        Raises:
            InputError: something stands there that may not be overwritten; it stays as it is.
            MachineError: the names cannot be given.
        """
        self.check()
        replaced = workbench / _REPLACED
        new = {path: _identity(workbench / path.name) for path in reversed(files_of(self.clip))}
        with machine_error_on_write(self.clip):
            try:
                if self.overwrite:
                    _set_aside(files_of(self.clip), replaced)
                for path in new:
                    take_free_name(workbench / path.name, path)
                flush_to_disk(self.clip.parent)
            except BaseException as error:
                for path in files_of(self.clip):
                    if _identity(path) == new[path]:
                        path.unlink()
                _put_back(replaced, self.clip.parent)
                if isinstance(error, FileExistsError):
                    raise exists_already(self.clip, Path(error.filename2 or error.filename)) from error
                raise


@contextmanager
def output_place(order: ClipOrder, given: Path | None, folder: Path, overwrite: bool = False) -> Iterator[OutputPlace]:
    """A place for the clip of an order, which within this is this run's alone.

    Args:
        given: an .mp4, or a folder that is there, in which the clip gets a name of its own; None takes `folder`.

    Raises:
        InputError: the file is no .mp4, exists and may not be overwritten, or is being made by another run
            (BeingMadeError); or nothing can be written there.
    """
    if given is not None and not is_folder(given):
        with place_at(given, overwrite) as place:
            yield place
        return
    home = (given or folder).absolute()
    require_place(home / "clip.mp4")
    stem = default_stem(order)
    with ExitStack() as held:
        places = (_place_if_free(home / _numbered(stem, number), held) for number in count(1))
        yield next(place for place in places if place is not None)


@contextmanager
def output_places(
    orders: Sequence[ClipOrder], given: Path | None, folder: Path, overwrite: bool = False
) -> Iterator[list[OutputPlace]]:
    """A place for each of several orders that differ in their seeds, all of them held before any work is done.

    Args:
        given: as for `output_place`; of several clips the seed is added to a file's name.
    """
    several = len(orders) > 1 and given is not None and not is_folder(given)
    with ExitStack() as held:
        yield [
            held.enter_context(
                output_place(
                    order,
                    given.with_stem(f"{given.stem}-seed{order.seed}") if several and given else given,
                    folder,
                    overwrite,
                )
            )
            for order in orders
        ]


@contextmanager
def place_at(output: Path, overwrite: bool = False) -> Iterator[OutputPlace]:
    """The place of that name, which within this is this run's alone.

    Raises:
        InputError: as for `output_place`.
    """
    clip = check_output(output, overwrite)
    require_place(clip)
    with reserved(_reserved_name(clip)) as ours:
        if not ours:
            raise BeingMadeError(
                f"another run is making {clip} (its {mark_of(_reserved_name(clip)).name} is there); wait for it, or "
                "choose another name."
            )
        check_output(clip, overwrite)
        yield OutputPlace(clip, overwrite)


def _place_if_free(clip: Path, held: ExitStack) -> OutputPlace | None:
    if not is_free(clip):
        return None
    with ExitStack() as attempt:
        # It is looked at again once it is reserved: until then another run may have put its clip there.
        if attempt.enter_context(reserved(_reserved_name(clip))) and is_free(clip):
            held.push(attempt.pop_all())
            return OutputPlace(clip)
    return None


def _reserved_name(clip: Path) -> Path:
    """What a clip shares with all that belongs to it, and so with `clip.MP4`, too."""
    return clip.with_suffix("")


def _numbered(stem: str, number: int) -> str:
    return f"{stem}.mp4" if number == 1 else f"{stem}-{number}.mp4"


def _set_aside(paths: Sequence[Path], folder: Path) -> None:
    """Moves what stands under these names into a folder, in their order: the clip goes first."""
    folder.mkdir()
    for path in paths:
        if not os.path.lexists(path):
            continue
        if path.is_file() and not path.is_symlink():
            shutil.copymode(path, folder.parent / path.name)
        path.rename(folder / path.name)


def _put_back(folder: Path, place: Path) -> None:
    """The reverse of `_set_aside`: the clip comes last, to its verdict."""
    for name in sorted((path.name for path in folder.glob("*")), key=lambda name: name.lower().endswith(".mp4")):
        with suppress(OSError):
            if not os.path.lexists(place / name):
                (folder / name).rename(place / name)


def _identity(path: Path) -> tuple[int, int] | None:
    """What a file is, under whichever name."""
    try:
        seen = path.lstat()
    except FileNotFoundError:
        return None
    return seen.st_dev, seen.st_ino
