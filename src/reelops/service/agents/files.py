"""Which files an agent may name, and what it may send instead: the one door between a model's words and the disk."""

from __future__ import annotations

import base64
import binascii
import io
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import unquote_to_bytes, urlsplit

from reelops.errors import Fault, InputError, fault_of
from reelops.foreign import machine_error_on_read, reason_of
from reelops.service.uploads import TooLargeError, shown_name

_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # a pipe would keep the reader waiting


class NotAllowedFileError(InputError):
    """A file that agents may not name."""


@dataclass(frozen=True)
class AgentFiles:
    """Files below a few folders, and what is sent as base64.

    Attributes:
        folders: below these alone files may be named; a relative path counts from the first.
        most_bytes: of what is sent as base64.
    """

    folders: Sequence[Path]
    most_bytes: int

    @contextmanager
    def opened(self, what: str, named: str | None, sent: str | None) -> Iterator[tuple[IO[bytes], str]]:
        """The bytes of what an agent names or sends, and what it is called.

        Args:
            what: the argument, for messages: picture, clip.
            named: a path, a `file:` or a `data:` address.
            sent: base64.

        Raises:
            InputError: not one of both is given, it cannot be read, or it is no base64.
            NotAllowedFileError: it is not below the folders.
            TooLargeError: it is longer than the limit.
            MachineError: this machine cannot read it now.
        """
        if (named is None) == (sent is None):
            raise InputError(f"Give either {what}, a path or a data: address, or {what}_base64, its bytes as base64.")
        if sent is not None:
            yield io.BytesIO(self._decoded(what, sent)), what
        elif named is not None and named[:5].lower() == "data:":
            yield io.BytesIO(self._of_data_address(what, named)), what
        elif named is not None:
            path = self._allowed(what, named)
            with _open(path, shown_name(named)) as file:
                yield file, shown_name(named)

    def _allowed(self, what: str, named: str) -> Path:
        """The file that is meant, links followed. Of what lies outside nothing is said, not whether it is there."""
        if not self.folders:
            raise NotAllowedFileError(
                f"{what} is a path, and this server reads no files. Send the bytes as {what}_base64, or have it "
                "started with --allow FOLDER."
            )
        path = _path_of(what, named)
        real = Path(os.path.realpath(self.folders[0] / path))
        if not any(real.is_relative_to(os.path.realpath(folder)) for folder in self.folders):
            told = ", ".join(map(str, self.folders))
            raise NotAllowedFileError(
                f"{what} is {shown_name(named)}, which is not below {told}: other files are not read. Copy it there, "
                f"send it as {what}_base64, or have the server started with --allow FOLDER."
            )
        return real

    def _of_data_address(self, what: str, address: str) -> bytes:
        head, comma, content = address[5:].partition(",")
        if not comma:
            raise InputError(f"{what} is a data: address without a comma; write data:image/png;base64,BYTES.")
        if head.lower().endswith(";base64"):
            return self._decoded(what, content)
        return unquote_to_bytes(content)

    def _decoded(self, what: str, sent: str) -> bytes:
        if len(sent) * 3 // 4 > self.most_bytes:
            raise TooLargeError(f"{what} has more than {self.most_bytes / 1e6:g} MB; send a smaller one.")
        try:
            return base64.b64decode("".join(sent.split()), validate=True)
        except (binascii.Error, ValueError) as error:
            raise InputError(f"{what} is no base64 ({reason_of(error)}); encode the file's bytes again.") from error


def default_folders(current: Path) -> list[Path]:
    """The folders of a server on a pipe for which none is named: where it was started, if that is a project's.

    Desktop programs start their servers in the root or the home folder, where everything would be below.
    """
    return [] if current in (Path(current.anchor), Path.home()) else [current]


def _path_of(what: str, named: str) -> Path:
    scheme = named.partition(":")[0].lower()
    if scheme in ("http", "https", "ftp"):
        raise InputError(
            f"{what} is an address on the network, and nothing is fetched from there. Fetch it yourself and send it as "
            f"{what}_base64."
        )
    if scheme == "file":
        parts = urlsplit(named)
        if parts.netloc not in ("", "localhost"):
            raise InputError(f"{what} is a file of another machine; send it as {what}_base64.")
        named = os.fsdecode(unquote_to_bytes(parts.path))
    if not named or "\0" in named:
        raise InputError(f"{what} is no path: it is empty or has a NUL character in it.")
    try:
        os.fsencode(named)
    except UnicodeEncodeError as error:
        raise InputError(f"{what} is no path: character {error.start + 1} is no Unicode. Write it again.") from error
    return Path(named)


@contextmanager
def _open(path: Path, called: str) -> Iterator[IO[bytes]]:
    try:
        number = os.open(path, _FLAGS)
    except OSError as error:
        if fault_of(error) is Fault.MACHINE:
            raise machine_error_on_read(called, error) from error
        raise InputError(f"{called} cannot be read: {reason_of(error)}. Look for its right name.") from error
    if not stat.S_ISREG(os.fstat(number).st_mode):
        os.close(number)
        raise InputError(f"{called} is no file; name a picture or a clip.")
    with os.fdopen(number, "rb") as file:
        yield file
