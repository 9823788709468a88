"""Archives of every kind, damaged in their headers, their directories and their packed bytes."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path, PurePosixPath
from random import Random

from reelops.dataset.fetch.download.archive import unpack
from reelops.errors import DatasetError
from tests.fuzz.fuzzer import Fuzzer, Mutant
from tests.fuzz.mutation import chosen_mutation, spoilt

_WAYS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
_FORMATS = (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)
_PACKERS: dict[str, Callable[[bytes], bytes]] = {
    ".tar.gz": gzip.compress,
    ".tar.bz2": bz2.compress,
    ".tar.xz": lzma.compress,
}
_BLOCK = tarfile.BLOCKSIZE
_LONG_NAME = "a folder with a name that is far too long for the header of a member/" * 3 + "video9.mp4"


@cache
def _members() -> dict[str, bytes]:
    random = Random(0)
    videos = {f"clips/video{number}.mp4": random.randbytes(600 + 100 * number) for number in range(3)}
    return {**videos, "list.json": b'{"videos": []}' * 40, "caf\u00e9.mp4": b"nothing", _LONG_NAME: b"long"}


@cache
def _zips() -> tuple[bytes, ...]:
    return tuple(map(_zip, _WAYS))


@cache
def _tars() -> tuple[bytes, ...]:
    return tuple(map(_tar, _FORMATS))


def _zip(way: int) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", way) as zipped:
        for name, data in _members().items():
            zipped.writestr(name, data)
    return content.getvalue()


def _tar(form: int) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w", format=form) as tarred:
        for name, data in _members().items():
            info = tarfile.TarInfo(name if form != tarfile.USTAR_FORMAT else name[-90:])
            info.size = len(data)
            tarred.addfile(info, io.BytesIO(data))
    return content.getvalue()


def _mutant(random: Random) -> Mutant:
    if random.random() < 0.4:
        data = random.choice(_zips())
        # The directory, which is read first, stands at the end.
        at = random.choice((0, data.index(b"PK\1\2"), data.index(b"PK\5\6"), random.randrange(len(data))))
        return Mutant(_damaged(data, at, _zips(), random), ".zip")
    tar = random.choice(_tars())
    suffix = random.choice((".tar", *_PACKERS))
    if suffix != ".tar" and random.random() < 0.5:
        return Mutant(chosen_mutation(_PACKERS[suffix](tar), _zips(), random), suffix)
    at = _BLOCK * random.randrange(len(tar) // _BLOCK)
    spoiled = _damaged(tar, at, _tars(), random)
    spoiled = _sealed(spoiled, at) if random.random() < 0.7 else spoiled
    return Mutant(_PACKERS.get(suffix, bytes)(spoiled), suffix)


def _damaged(data: bytes, at: int, others: tuple[bytes, ...], random: Random) -> bytes:
    """Damage near one place; now and then anywhere."""
    if random.random() < 0.2:
        return chosen_mutation(data, others, random)
    return data[:at] + spoilt(data[at : at + _BLOCK], random) + data[at + _BLOCK :]


def _sealed(tar: bytes, at: int) -> bytes:
    """The header at a place with a checksum that is right for it: else none would be read any further."""
    header = bytearray(tar[at : at + _BLOCK])
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % (sum(header) % 8**6)
    return tar[:at] + bytes(header) + tar[at + _BLOCK :]


def _unpack(path: Path) -> None:
    out, notes = path.parent / "out", []
    out.mkdir()

    def choose(name: PurePosixPath) -> Path | None:
        return out / name.name if name.suffix in (".mp4", ".json") else None

    given = list(unpack(path, choose, 10**9, notes.append))
    assert {one.name for one in out.iterdir()} == {one.name for one in given}, "what came is told, and nothing else"
    assert all(note.isprintable() and path.name in note for note in notes), notes


FUZZERS = (Fuzzer("archives", 2000, 150, _mutant, _unpack, allowed=(DatasetError,)),)
