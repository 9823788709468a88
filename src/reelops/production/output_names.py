"""Names of a clip's files: what a clip is called by default, and what lies beside it."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from reelops.clip import ClipOrder
from reelops.errors import InputError, is_out_of_space
from reelops.system.file_names import LONGEST_NAME, bytes_in, shortened
from reelops.system.write_errors import cannot_write

# So that a stem leaves room for a seed, a number and the longest ending, whatever the script.
_MOST_LETTERS = 60
_MOST_BYTES = 120
_MOST_BYTES_OF_DIFFERENCES = 60
# A clip of the embedded model with all that lies beside it takes about as much.
_LEAST_ROOM_BYTES = 1_000_000


def sidecar_of(clip: Path) -> Path:
    """`clip.json`: everything that is known about the take."""
    return clip.with_suffix(".json")


def contact_sheet_of(clip: Path) -> Path:
    """`clip.contact.jpg`: a picture of frames spread over the clip."""
    return clip.with_suffix(".contact.jpg")


def files_of(clip: Path) -> tuple[Path, Path, Path]:
    """The clip and all that belongs to it."""
    return clip, contact_sheet_of(clip), sidecar_of(clip)


def default_stem(order: ClipOrder) -> str:
    """A name that tells an order: picture, prompt, what differs from a plain order, and seed.

    `coffee-pan-left-seed0` is a plain order, `coffee-pan-left-steps8-pad-seed0` one with two wishes more.
    """
    words = shortened(_hyphened(f"{order.picture.stem} {order.prompt}")[:_MOST_LETTERS], _MOST_BYTES)
    differences = shortened("-".join(filter(None, _differences(order))), _MOST_BYTES_OF_DIFFERENCES)
    parts = (words.rstrip("-") or "clip", differences.rstrip("-."), f"seed{order.seed}")
    return "-".join(part for part in parts if part)


def _differences(order: ClipOrder) -> Iterator[str]:
    """A word for each field that has not its default: a number with what it counts, on and off with what they
    switch, of anything else its value."""
    for name, field in type(order).model_fields.items():
        value = getattr(order, name)
        if field.is_required() or name == "seed" or value == field.get_default():
            continue
        if isinstance(value, int | float):
            yield f"{name.rpartition('_')[2]}{value:g}".replace("-", "minus")
        else:
            word = _hyphened(Path(value).stem if name in ("profile", "adapter") else str(value))
            yield f"{name}-{word}" if word in ("on", "off") else word


def _hyphened(text: str) -> str:
    return re.sub(r"\W+", "-", text.lower()).strip("-")


def check_name(output: Path) -> Path:
    """The output as an absolute path, if clips can have such a name.

    Raises:
        InputError: it is no .mp4, or too long.
    """
    if output.suffix.lower() != ".mp4":
        raise InputError(f"{output} does not end in .mp4; clips are MP4 files. Name it {output.stem or 'clip'}.mp4.")
    if "\0" in str(output):
        raise InputError(f"{str(output)!r} has a NUL character in it, which no name has; leave it out.")
    if (longest := max(bytes_in(path.name) for path in files_of(output))) > LONGEST_NAME:
        raise InputError(
            f"{output.name} is too long a name by {longest - LONGEST_NAME} bytes, with {contact_sheet_of(output).name} "
            "beside it; give a shorter one."
        )
    return output.absolute()


def check_output(output: Path, overwrite: bool) -> Path:
    """The output as an absolute path, before any work is done for it: the clip and all that is written beside it.

    Raises:
        InputError: it is no .mp4, or something stands there that may not be overwritten.
    """
    output = check_name(output)
    for path in files_of(output):
        if path.is_dir() and not path.is_symlink():
            raise InputError(f"{path} is a folder, and {output.name} needs that name; choose another one.")
        # A link to nothing is something that somebody has put there, too.
        if os.path.lexists(path) and not overwrite:
            raise exists_already(output, path)
    return output


def exists_already(output: Path, path: Path) -> InputError:
    """What is said of a file that stands where the clip, or what belongs to it, would go."""
    why = "" if path == output else f", which {output.name} would replace"
    return InputError(
        f"{path} exists already{why}; choose another name, or overwrite it (--force; in Python overwrite=True)."
    )


def is_folder(given: Path) -> bool:
    """Whether it is a folder that is there; a name that no disk takes is none."""
    try:
        return given.is_dir()
    except OSError:
        return False


def is_free(clip: Path) -> bool:
    """Whether nothing stands where the clip and all that belongs to it would go."""
    return not any(os.path.lexists(path) for path in files_of(clip))


def require_place(output: Path) -> None:
    """Fails where nothing can be written, before minutes of work are done for it.

    Permissions alone do not tell (a full or strange file system looks writable), so an unnamed file is written.

    Raises:
        InputError: the folder, or the one that it would be made in, takes no file.
        MachineError: its disk is full.
    """
    folder = next(path for path in output.absolute().parents if path.exists() or path.is_symlink())
    try:
        with tempfile.TemporaryFile(dir=folder) as unnamed:
            unnamed.write(bytes(_LEAST_ROOM_BYTES))
    except OSError as error:
        if is_out_of_space(error):
            raise cannot_write(output, error) from error
        raise InputError(f"{output} cannot be written: {error.strerror}. Choose another place for it.") from error


def require_folder(folder: Path) -> None:
    """Fails where no files can be written into a folder, which need not be there yet.

    Raises:
        InputError: it is a file, or takes none.
        MachineError: its disk is full.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file; name a folder to write to.")
    require_place(folder / "index.html")
