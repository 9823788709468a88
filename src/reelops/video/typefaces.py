"""Which font has a character: the one that ReelOps ships, or one of this machine's."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib.resources import files
from pathlib import Path

from PIL import ImageFont

from reelops.errors import ReelOpsError, VideoError
from reelops.foreign import reading_foreign

_ENDINGS = (".ttf", ".otf", ".ttc", ".otc")
_PATIENCE_SECONDS = 20
# Fonts with these in their names are looked at first: they are plain, or have much.
_PREFERRED = ("unicode", "pingfang", "hiragino", "sdgothic", "kohinoor", "noto", "sans")


@dataclass(frozen=True)
class Face:
    """One font of a file; collections (.ttc) hold several.

    Attributes:
        ranges: first and last of the characters that it has, rising; None where only the file knows.
    """

    path: Path
    index: int = 0
    ranges: tuple[tuple[int, int], ...] | None = field(default=None, compare=False, repr=False)

    def has(self, text: str) -> bool:
        """Whether it draws every character of a text."""
        return all(self._has(ord(character)) for character in text)

    def _has(self, number: int) -> bool:
        if self.ranges is None:
            return number in _characters(self)
        place = bisect_right(self.ranges, number, key=lambda one: one[0])
        return place > 0 and number <= self.ranges[place - 1][1]

    def at(self, size: int) -> ImageFont.FreeTypeFont:
        """The font, its letters `size` pixels high."""
        return _opened(self, size)


@lru_cache(maxsize=64)
def _opened(face: Face, size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.truetype(str(face.path), size, face.index)
    # A variable font starts at the end of its axes, which for Noto Sans CJK is hairlines.
    with suppress(OSError):  # what Pillow says of a font that does not vary, or has no such name
        font.set_variation_by_name("Regular")
    return font


SHIPPED = Face(Path(str(files("reelops.video").joinpath("fonts", "DejaVuSans.ttf"))))


def face_for(text: str) -> Face | None:
    """The font to draw a few characters that belong together with; None where no font here has them all."""
    return SHIPPED if SHIPPED.has(text) else _face_of_machine(text)


@lru_cache(maxsize=4096)
def _face_of_machine(text: str) -> Face | None:
    return next((face for face in _faces_of_machine() if _can_draw(face, text)), None)


@cache
def _faces_of_machine() -> tuple[Face, ...]:
    """The likeliest first."""
    program = shutil.which("fc-list")
    faces = _told_by_fontconfig(program) if program else {Face(path) for path in _files_in_folders()}
    return tuple(sorted(faces, key=lambda face: (*_preference(face.path), face.index)))


def _can_draw(face: Face, text: str) -> bool:
    """Whether a font of this machine has a text; one that cannot be read, or is of bitmaps, draws nothing."""
    try:
        if not face.has(text):
            return False
        with reading_foreign(face.path, VideoError, "is no font that can be drawn with"):
            face.at(20)
    except ReelOpsError:
        return False
    return True


@cache
def _characters(face: Face) -> frozenset[int]:
    from fontTools.ttLib import TTFont  # takes a while, and is not needed to say which clips there are

    with (
        reading_foreign(face.path, VideoError, "is a damaged font"),
        TTFont(face.path, fontNumber=face.index, lazy=True) as font,
    ):
        return frozenset(font.getBestCmap() or ())


def _told_by_fontconfig(program: str) -> set[Face]:
    """All fonts, with their characters as fontconfig has noted them, so that none need be opened."""
    try:
        told = subprocess.run(  # noqa: S603 - no shell
            [program, "-f", "%{file}\t%{index}\t%{charset}\n"],
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
            timeout=_PATIENCE_SECONDS,
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return set()
    faces = set()
    for line in told.splitlines():
        path, index, noted = (*line.split("\t"), "", "")[:3]
        if path.lower().endswith(_ENDINGS) and index.isdigit():
            # The upper half of the index names an instance of a variable font.
            faces.add(Face(Path(path), int(index) & 0xFFFF, _ranges(noted)))
    return faces


def _ranges(noted: str) -> tuple[tuple[int, int], ...]:
    """fontconfig's "20-7e a0 4e00-9fff" as first and last characters."""
    parts = [part.split("-") for part in noted.split()]
    return tuple((int(part[0], 16), int(part[-1], 16)) for part in parts)


def _files_in_folders() -> Iterator[Path]:
    for start in _folders():
        for folder, _, names in os.walk(start):
            yield from (Path(folder, name) for name in names if name.lower().endswith(_ENDINGS))


def _preference(path: Path) -> tuple[int, bool, str]:
    name = path.name.lower()
    rank = next((place for place, part in enumerate(_PREFERRED) if part in name), len(_PREFERRED))
    return rank, any(style in name for style in ("bold", "italic", "thin", "light", "black", "mono")), str(path)


def _folders() -> list[Path]:
    home = Path(os.path.expanduser("~"))  # noqa: PTH111 - Path.home fails where there is none
    if sys.platform == "darwin":
        return [Path("/System/Library/Fonts"), Path("/Library/Fonts"), home / "Library/Fonts"]
    own = Path(os.environ.get("XDG_DATA_HOME") or home / ".local/share")
    shared = (os.environ.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share").split(":")
    return [own / "fonts", home / ".fonts", *(Path(folder) / "fonts" for folder in shared if folder)]
