"""Names of a clip's files: where it goes, and what lies beside it."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from reelops.clip import ClipOrder
from reelops.errors import InputError


def sidecar_of(clip: Path) -> Path:
    """`clip.json`: everything that is known about the take."""
    return clip.with_suffix(".json")


def contact_sheet_of(clip: Path) -> Path:
    """`clip.contact.jpg`: a picture of frames spread over the clip."""
    return clip.with_suffix(".contact.jpg")


def files_of(clip: Path) -> tuple[Path, Path, Path]:
    """The clip and all that belongs to it."""
    return clip, contact_sheet_of(clip), sidecar_of(clip)


def default_output(order: ClipOrder, folder: Path) -> Path:
    """A file name that tells picture, prompt and seed, and that nothing has yet."""
    words = re.sub(r"\W+", "-", f"{order.picture.stem} {order.prompt}".lower()).strip("-")
    stem = f"{words[:60].rstrip('-')}-seed{order.seed}"
    taken = {path.stem for path in folder.glob(f"{stem}*.mp4")}
    number = next(n for n in range(1, len(taken) + 2) if (stem if n == 1 else f"{stem}-{n}") not in taken)
    return folder / f"{stem if number == 1 else f'{stem}-{number}'}.mp4"


def output_for(order: ClipOrder, given: Path | None, folder: Path, overwrite: bool = False) -> Path:
    """Where the clip of an order goes, as an absolute path.

    Args:
        given: an .mp4, or a folder that is there, in which the clip gets a name of its own; None takes `folder`.

    Raises:
        InputError: the file is no .mp4, or exists and may not be overwritten.
    """
    if given is None or given.is_dir():
        return default_output(order, (given or folder).absolute())
    return check_output(given, overwrite)


def check_output(output: Path, overwrite: bool) -> Path:
    """The output as an absolute path, before any work is done for it.

    Raises:
        InputError: it is no .mp4, or exists and may not be overwritten.
    """
    if output.suffix.lower() != ".mp4":
        raise InputError(
            f"{output} does not end in .mp4; clips are MP4 files. Name it {output.with_suffix('.mp4').name}."
        )
    if output.exists() and not overwrite:
        raise InputError(
            f"{output} exists already; choose another name, or overwrite it (--force; in Python overwrite=True)."
        )
    return output.absolute()


def require_place(output: Path) -> None:
    """Fails where no clip can be written, before minutes of work are done for it.

    Permissions alone do not tell (a full or strange file system looks writable), so an unnamed file is made.

    Raises:
        InputError: the folder, or the one that it would be made in, takes no file.
    """
    folder = next(path for path in output.absolute().parents if path.exists())
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise InputError(f"{output} cannot be written: {error.strerror}. Choose another place for the clip.") from error
