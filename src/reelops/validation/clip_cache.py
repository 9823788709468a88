"""Clips that have been made once: found again by everything that decides their frames.

A base's clips serve every adapter that is held against it, and a run that was killed resumes where it was. Each clip is
an MP4 with a sidecar that names its key; the sidecar is written last, so a clip without one does not count.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from reelops.clip import Clip, ClipFormat, ClipOrder
from reelops.foreign import NO_JSON
from reelops.production.output_names import sidecar_of
from reelops.system.digest import sha256_of
from reelops.system.files import write_text_atomically
from reelops.system.making import Making
from reelops.tables.json_codec import digest_of_plain, to_plain


@dataclass(frozen=True)
class Conditions:
    """What decides the frames of every clip of a run beside picture, prompt, seed and adapter.

    Attributes:
        base: revision of the base's weights.
        vae_tiling: whether frames are decoded in tiles, which depends on the memory that is free.
        threads: sums are split over them, so their number decides the last bits.
        making: the code and the libraries that make and encode clips.
    """

    base: str
    steps: int
    guidance: float
    dynamic_guidance: bool
    scheduler: str
    format: ClipFormat
    dtype: str
    vae_tiling: bool
    device: str
    threads: int
    making: Making


@dataclass(frozen=True)
class ClipKey:
    """What decides a clip.

    Attributes:
        adapter: sha256 of its weights; None for the base alone.
        picture: sha256 of the file.
    """

    conditions: Conditions
    adapter: str | None
    picture: str
    prompt: str
    seed: int

    @cached_property
    def digest(self) -> str:
        return digest_of_plain(to_plain(self))


@dataclass(frozen=True)
class CachedClip:
    """A clip that is here, and the seconds that making it took."""

    path: Path
    seconds: float


@dataclass(frozen=True)
class ClipCache:
    """A folder of clips; it need not exist yet, and can be deleted at any time."""

    folder: Path

    def find(self, key: ClipKey, order: ClipOrder) -> CachedClip | None:
        """The clip of a key; None where there is none, or none that is whole.

        Args:
            order: what the sidecar says from now on: the picture may lie elsewhere than when the clip was made.
        """
        path = self.path_of(key)
        try:
            kept = json.loads(sidecar_of(path).read_text(encoding="utf-8"))
            if kept["key"] != to_plain(key) or kept["sha256"] != sha256_of(path):
                return None
            if kept["order"] != order.to_json():
                self._write_sidecar(path, {**kept, "order": order.to_json()})
            return CachedClip(path, float(kept["seconds"]))
        except (OSError, TypeError, KeyError, *NO_JSON):
            return None

    def add(self, key: ClipKey, order: ClipOrder, clip: Clip, seconds: float) -> CachedClip:
        """Makes the clip that was written to `path_of(key)` count, by the sidecar that names its key.

        Raises:
            MachineError: the folder cannot be written to, or the disk is full.
        """
        facts = {"key": to_plain(key), "sha256": clip.sha256, "order": order.to_json(), "seconds": round(seconds, 3)}
        self._write_sidecar(clip.path, facts)
        return CachedClip(clip.path, seconds)

    def path_of(self, key: ClipKey) -> Path:
        """Where the clip of a key is, or is to be."""
        return self.folder / key.digest[:2] / f"{key.digest}.mp4"

    def _write_sidecar(self, clip: Path, facts: Mapping[str, Any]) -> None:
        write_text_atomically(sidecar_of(clip), json.dumps(facts, indent=2, ensure_ascii=False) + "\n")
