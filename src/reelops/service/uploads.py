"""Pictures and clips that strangers send: looked at by their headers, and kept under the digest of their bytes."""

from __future__ import annotations

import hashlib
import os
import secrets
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from reelops.errors import InputError, PictureError, VideoError
from reelops.foreign import printable
from reelops.service.limits import ServiceLimits
from reelops.system.files import flush_to_disk
from reelops.system.temporary import sweep, temporary_file
from reelops.system.write_errors import machine_error_on_write
from reelops.video.picture import PictureInfo, check_shape, probe_picture

_CHUNK_BYTES = 1 << 20
_LONGEST_NAME = 80


class TooLargeError(InputError):
    """More bytes or pixels than the service takes."""


@dataclass(frozen=True)
class Upload:
    """A picture as it is kept.

    Attributes:
        path: of the file, which is called by its digest.
        name: what whoever sent it calls it; for people alone, never a path.
    """

    path: Path
    sha256: str
    name: str
    width: int
    height: int


class Uploads:
    """The folder of pictures.

    Args:
        folder: made when the first one comes.
        limits: what is taken.
    """

    def __init__(self, folder: Path, limits: ServiceLimits) -> None:
        self._folder, self._limits = folder, limits

    def keep(self, file: IO[bytes], name: str | None) -> Upload:
        """Reads a picture to its end and keeps it; one that is there already is there once.

        What it is, its first bytes and its header say; its name and what the sender calls it decide nothing.

        Raises:
            PictureError: it is none, or larger than the limits; names it as the sender does.
            MachineError: it cannot be written.
        """
        called = shown_name(name)
        with self._incoming() as partial:
            digest = self._copy(file, partial, called)
            found = self._looked_at(partial, called)
            kept = self._kept(partial, digest, found.format.lower())
        return Upload(kept, digest, called, found.width, found.height)

    def keep_clip(self, file: IO[bytes], name: str | None) -> tuple[Path, str]:
        """The same for a clip, of which the first bytes alone are looked at; its path, and what it is called.

        Raises:
            VideoError: it is none, by its first bytes.
            TooLargeError, MachineError: as for `keep`.
        """
        called = shown_name(name)
        with self._incoming() as partial:
            digest = self._copy(file, partial, called)
            with partial.open("rb") as kept:
                kind = _kind_of_video(kept.read(16))
            if kind is None:
                raise VideoError(
                    f"{called} is no video of a format that is read here; send MP4, WebM, MKV, MOV or AVI."
                )
            return self._kept(partial, digest, kind), called

    def remove_unused(self, needed: Collection[str]) -> int:
        """Removes what no job needs and was not sent for `keep_uploads_days`; how many files that were.

        Args:
            needed: paths that jobs name.
        """
        before, removed = time.time() - self._limits.keep_uploads_days * 86_400, 0
        for path in self._folder.glob("[0-9a-f][0-9a-f]/*"):
            with suppress(OSError):  # somebody else was faster
                if str(path) not in needed and path.stat().st_mtime < before:
                    path.unlink()
                    removed += 1
        return removed

    @contextmanager
    def _incoming(self) -> Iterator[Path]:
        """A file for what comes, which goes unless it is kept."""
        with machine_error_on_write(self._folder):
            self._folder.mkdir(parents=True, exist_ok=True)
            sweep(self._folder)
            with temporary_file(self._folder / secrets.token_hex(8)) as partial:
                yield partial

    def _kept(self, partial: Path, digest: str, ending: str) -> Path:
        kept = self._folder / digest[:2] / f"{digest}.{ending}"
        if kept.exists():
            os.utime(kept)  # it is needed again
        else:
            flush_to_disk(partial)
            kept.parent.mkdir(exist_ok=True)
            partial.replace(kept)
            flush_to_disk(kept.parent)
        return kept

    def has(self, path: Path) -> bool:
        """Whether a path is that of a picture that is kept here."""
        return path.is_relative_to(self._folder)

    def _looked_at(self, path: Path, called: str) -> PictureInfo:
        try:
            found = probe_picture(path)
            check_shape(path, found.width, found.height)
        except PictureError as error:
            raise PictureError(str(error).replace(str(path), called)) from error
        if found.width * found.height > self._limits.most_megapixels * 1e6:
            raise TooLargeError(
                f"{called} is {found.width}x{found.height} pixels, and at most {self._limits.most_megapixels:g} "
                "million are taken. Make it smaller first."
            )
        return found

    def _copy(self, file: IO[bytes], target: Path, called: str) -> str:
        digest, size = hashlib.sha256(), 0
        with target.open("wb") as out:
            while chunk := file.read(_CHUNK_BYTES):
                size += len(chunk)
                if size > self._limits.most_upload_bytes:
                    raise TooLargeError(
                        f"{called} has more than {self._limits.most_upload_mb:g} MB; send a smaller one."
                    )
                digest.update(chunk)
                out.write(chunk)
        return digest.hexdigest()


def _kind_of_video(start: bytes) -> str | None:
    if start[4:8] == b"ftyp":
        return "mp4"
    if start.startswith(b"\x1a\x45\xdf\xa3"):
        return "mkv"
    return "avi" if start.startswith(b"RIFF") and start[8:12] == b"AVI " else None


def shown_name(name: str | None) -> str:
    """What the sender calls a file, as it may be shown: its last part, printable, and short."""
    last = (name or "").replace("\\", "/").rpartition("/")[2]
    shown = printable("".join(letter for letter in last if letter.isprintable()))
    return shown[:_LONGEST_NAME] or "the file"
