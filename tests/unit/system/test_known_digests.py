"""Digests that are remembered are those of the bytes that are there."""

from __future__ import annotations

import os
from pathlib import Path

from reelops.system.known_digests import digest_of_files


def digest(folder: Path, cache: Path) -> str:
    return digest_of_files(folder, folder.glob("*.safetensors"), cache)


def test_it_follows_names_and_bytes_whatever_is_remembered(tmp_path: Path) -> None:
    folder, cache = tmp_path / "weights", tmp_path / "cache"
    folder.mkdir()
    (folder / "a.safetensors").write_bytes(b"one")
    first = digest(folder, cache)
    assert digest(folder, cache) == digest(folder, tmp_path / "empty") == first
    (folder / "a.safetensors").write_bytes(b"two")
    second = digest(folder, cache)
    (folder / "a.safetensors").rename(folder / "b.safetensors")
    assert len({first, second, digest(folder, cache)}) == 3


def test_other_weights_of_the_same_size_and_age_are_seen(tmp_path: Path) -> None:
    folder, cache = tmp_path / "weights", tmp_path / "cache"
    folder.mkdir()
    path = folder / "a.safetensors"
    path.write_bytes(b"one")
    os.utime(path, ns=(5, 5))
    first = digest(folder, cache)
    path.write_bytes(b"two")
    os.utime(path, ns=(5, 5))
    assert digest(folder, cache) != first
